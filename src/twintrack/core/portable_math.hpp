// Elementary functions that return the same bits on every machine: built from +, -, *, / and sqrt alone, which IEEE 754
// defines to the last bit. (What the C library returns for exp or sin may differ in the last bit between machines.)
#pragma once

namespace twintrack {

double portable_exp(double x);
double portable_log(double x);  // x > 0

// sin and cos of a part of a full turn.
double sine_of_turns(double turns);
double cosine_of_turns(double turns);

// Standard normal distribution function, absolute error below 5e-7, and its inverse on (0, 1) (Acklam's rational
// approximation, relative error below 1.2e-9).
double normal_cdf(double x);
double normal_quantile(double probability);

}  // namespace twintrack
