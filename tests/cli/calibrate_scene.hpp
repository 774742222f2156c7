// A cohort on disk and what calibrate makes of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_cohort.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {

namespace fs = std::filesystem;

class Calibrate : public testing::Test {
 protected:
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  fs::path output() const { return folder_ / "calibrator.json"; }
  fs::path cohort(const TinyCohort& cohort = {}) const { return write_cohort(folder_.path(), cohort); }
  // A manifest of some of the cohort's cases, beside it.
  fs::path part(const std::string& name, const std::vector<int>& numbers,
                const std::vector<std::string>& columns = {"probability", "raters", "roi"}) const {
    return write_manifest(folder_ / name, numbers, columns);
  }
  Arguments arguments(const fs::path& manifest, const Arguments& options = {}) const {
    Arguments all{"calibrate", "--manifest", manifest, "-o", output()};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }
  Json fit(const fs::path& manifest, const Arguments& options = {}) const {
    const Outcome outcome = run_twintrack(arguments(manifest, options));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    err_ = outcome.err;
    out_ = outcome.out;
    return outcome.status == 0 ? get_json(output()) : Json();
  }
  void change_labels(const fs::path& file, const std::function<void(Volume<std::uint8_t>&)>& change) const {
    const auto labels = read_labels(file);
    Volume<std::uint8_t> bytes{labels.geometry, {labels.voxels.begin(), labels.voxels.end()}};
    change(bytes);
    write_volume(file, bytes);
  }

  TemporaryFolder folder_;
  mutable std::string out_;
  mutable std::string err_;
};

}  // namespace twintrack::test
