// Files and synthetic cases.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "arrays.hpp"
#include "twintrack/phantom/phantom.hpp"

namespace twintrack::python {
namespace {

py::tuple grid_of(const Geometry& geometry) {
  return py::make_tuple(tuple_of(geometry.spacing_zyx_mm()), tuple_of(geometry.origin_mm),
                        tuple_of(geometry.direction));
}

py::tuple read(const std::filesystem::path& path, const std::optional<std::string>& series_uid) {
  std::vector<std::string> warnings;
  Volume<float> volume = without_gil([&] { return read_volume(path, series_uid, warnings); });
  const Geometry geometry = volume.geometry;
  return py::make_tuple(array_of(std::move(volume)), grid_of(geometry), warnings);
}

template <typename Array>
void write(const std::filesystem::path& path, const Array& array, const Triple& spacing_mm, const Triple& origin_mm,
           const Nine& direction) {
  using Voxel = std::remove_cv_t<typename Array::value_type>;
  const auto voxels = span_of(array);
  Volume<Voxel> volume{geometry_of(array, "array", spacing_mm, origin_mm, direction), {voxels.begin(), voxels.end()}};
  without_gil([&] {
    check_grid(volume.geometry, volume.voxels.size(), "array");
    write_volume(path, volume);
  });
}

// Marks in the box, on the whole grid.
template <typename T>
void place(const std::vector<T>& in_box, const Box3& box, const Shape3& shape, T* grid) {
  const auto row = static_cast<std::size_t>(box.shape()[2]);
  const T* source = in_box.data();
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y, source += row)
      std::copy_n(source, row, grid + (z * shape[1] + y) * shape[2] + box.begin[2]);
  }
}

py::dict make(std::int64_t number, std::uint64_t seed, int raters,
              const std::optional<std::array<std::int64_t, 3>>& shape, const std::optional<Triple>& spacing_mm) {
  phantom::PhantomOptions options;
  options.seed = seed;
  options.raters = raters;
  if (shape) options.size = {(*shape)[2], (*shape)[1], (*shape)[0]};
  if (spacing_mm) options.spacing_mm = {(*spacing_mm)[2], (*spacing_mm)[1], (*spacing_mm)[0]};
  std::vector<std::uint8_t> marks;
  std::vector<float> response;
  phantom::Phantom made = without_gil([&] {
    phantom::Phantom phantom = phantom::make_phantom(number, options);
    const auto voxels = static_cast<std::size_t>(phantom.image.geometry.voxel_count());
    const Shape3 grid = phantom.image.geometry.shape();
    marks.resize(phantom.raters.size() * voxels);
    for (std::size_t k = 0; k < phantom.raters.size(); ++k)
      place(phantom.raters[k], phantom.box, grid, marks.data() + k * voxels);
    response.resize(voxels);
    place(phantom.mean_human_response, phantom.box, grid, response.data());
    return phantom;
  });
  const Geometry geometry = made.image.geometry;
  const Shape3 grid = geometry.shape();
  py::dict result;
  result["image"] = array_of(std::move(made.image));
  result["raters"] = array_of(std::move(marks), {std::ssize(made.raters), grid[0], grid[1], grid[2]});
  result["mean_human_response"] = array_of(std::move(response), {grid.begin(), grid.end()});
  result["labels"] = array_of(std::move(made.labels));
  result["vessels"] = array_of(std::move(made.vessels));
  result["grid"] = grid_of(geometry);
  return result;
}

}  // namespace

void add_volumes(py::module_& module) {
  module.def("read_volume", &read, py::arg("path"), py::arg("series_uid"));
  const auto add_writer = [&](auto writer) {
    module.def("write_volume", writer, py::arg("path"), py::arg("array").noconvert(), py::arg("spacing_mm"),
               py::arg("origin_mm"), py::arg("direction"));
  };
  add_writer(&write<FloatArray>);
  add_writer(&write<ByteArray>);
  add_writer(&write<ShortArray>);
  add_writer(&write<py::array_t<std::uint16_t, py::array::c_style>>);
  module.def("make_phantom", &make, py::arg("number"), py::arg("seed"), py::arg("raters"), py::arg("shape"),
             py::arg("spacing_mm"));
}

}  // namespace twintrack::python
