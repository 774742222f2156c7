// QUADPACK's general adaptive quadrature, which scipy.integrate.quad calls.
#pragma once

#include <functional>

namespace twintrack {

// Integral of f over [begin, end] by QAGS (Piessens, de Doncker-Kapenga, Überhuber and Kahaner, QUADPACK, Springer
// 1983): bisection where the 21-point Gauss-Kronrod rule is least sure, extrapolated by the epsilon algorithm. With the
// tolerances (1.49e-8, absolute and relative) and the limit (50 intervals) that scipy.integrate.quad has by default,
// because its results for functions that jump or bend, where it stops at the limit, are these tolerances' and this
// order of steps' own: to be used where another program's result is to be met, not for its accuracy.
double qags(const std::function<double(double)>& f, double begin, double end);

}  // namespace twintrack
