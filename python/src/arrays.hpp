// numpy arrays as the library wants them, and its vectors as numpy arrays: without copies. Axes are (z, y, x).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/twintrack.hpp"
#include "twintrack/volume/check.hpp"

namespace twintrack::python {

namespace py = pybind11;

// Arguments of these types are declared py::arg(...).noconvert(): another dtype or layout is a TypeError, not a copy.
using FloatArray = py::array_t<float, py::array::c_style>;
using DoubleArray = py::array_t<double, py::array::c_style>;
using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;
using ShortArray = py::array_t<std::int16_t, py::array::c_style>;

using Triple = std::array<double, 3>;
using Nine = std::array<double, 9>;

template <typename Array>
auto span_of(const Array& array) {
  return std::span(array.data(), static_cast<std::size_t>(array.size()));
}

// `dimensions` of the array; ValueError naming it otherwise.
inline void require_dimensions(const py::array& array, int dimensions, const char* name) {
  if (array.ndim() == dimensions) return;
  throw py::value_error(fmt::format("{}: {} dimensions, {} are right", name, array.ndim(), dimensions));
}

// Spacing in (z, y, x); origin and direction in ITK's order.
inline Geometry geometry_of(const py::array& array, const char* name, const Triple& spacing_zyx_mm,
                            const Triple& origin_mm = {}, const Nine& direction = Geometry().direction) {
  require_dimensions(array, 3, name);
  return {{array.shape(2), array.shape(1), array.shape(0)},
          {spacing_zyx_mm[2], spacing_zyx_mm[1], spacing_zyx_mm[0]},
          origin_mm,
          direction};
}

inline VolumeView<float> view_of(const FloatArray& map, const char* name, const Triple& spacing_zyx_mm) {
  return {geometry_of(map, name, spacing_zyx_mm), span_of(map)};
}

// One map a rater, each of the shape of `like`.
inline std::vector<MaskView> views_of(const std::vector<ByteArray>& raters, const py::array& like) {
  std::vector<MaskView> views;
  for (const ByteArray& rater : raters) {
    const bool alike =
        rater.ndim() == like.ndim() && std::equal(rater.shape(), rater.shape() + rater.ndim(), like.shape());
    if (!alike) throw py::value_error(fmt::format("raters: map {} has another shape than the map", views.size() + 1));
    views.push_back(span_of(rater));
  }
  return views;
}

inline std::optional<MaskView> view_of(const std::optional<ByteArray>& mask, const py::array& like, const char* name) {
  if (!mask) return {};
  const bool alike =
      mask->ndim() == like.ndim() && std::equal(mask->shape(), mask->shape() + mask->ndim(), like.shape());
  if (!alike) throw py::value_error(fmt::format("{}: has another shape than the map", name));
  return span_of(*mask);
}

// The array owns the vector.
template <typename T>
py::array_t<T> array_of(std::vector<T> values, std::vector<py::ssize_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  T* const data = owned->data();
  const py::capsule owner(owned.get(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  owned.release();
  return py::array_t<T>(std::move(shape), data, owner);
}

template <typename T>
py::array_t<T> array_of(Volume<T> volume) {
  const Shape3 shape = volume.geometry.shape();
  return array_of(std::move(volume.voxels), {shape.begin(), shape.end()});
}

template <std::size_t size>
py::tuple tuple_of(const std::array<double, size>& numbers) {
  py::tuple result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = numbers[i];
  return result;
}

// What `compute` returns, computed while other Python threads run.
template <typename Compute>
auto without_gil(const Compute& compute) {
  const py::gil_scoped_release release;
  return compute();
}

inline py::object python_of(const std::string& json) { return py::module_::import("json").attr("loads")(json); }
inline py::object python_of(const Json& json) { return python_of(to_text(json)); }

// What the files of this folder add to the module.
void add_volumes(py::module_& module);
void add_predictor(py::module_& module);
void add_calibration(py::module_& module);
void add_metrics(py::module_& module);

}  // namespace twintrack::python
