// Bad inputs: cohorts, their manifests, and statistics of calibrate.
#include "cli/bad_input.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/io.hpp"

#include <limits>

namespace twintrack::test {
namespace {

Arguments with(Arguments arguments, const Arguments& options) {
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}

fs::path cohort(const Scene& s) {
  write_cohort(s / "cohort", {.cases = 2, .raters = 2});
  return s / "cohort" / "cases.csv";
}

Arguments calibrate(const fs::path& manifest, const Arguments& options = {}) {
  return with({"calibrate", "--manifest", manifest, "-o", manifest.parent_path() / "c.json", "--quiet"}, options);
}

// calibrate with one option that is wrong.
BadInput wrong_option(const std::string& what, const Arguments& options, const std::vector<std::string>& words) {
  return {what, [options](const Scene& s) { return calibrate(cohort(s), options); }, words, ExitStatus::wrong_usage};
}

// calibrate on a manifest of this text.
auto manifest_text(const std::string& text) {
  return [text](const Scene& s) {
    put_file(cohort(s), text);
    return calibrate(s / "cohort" / "cases.csv");
  };
}

// calibrate with one file of case 2 changed.
template <typename T>
auto volume_with(const std::string& file, const std::function<void(Volume<T>&)>& change,
                 const Arguments& options = {}) {
  return [file, change, options](const Scene& s) {
    const fs::path manifest = cohort(s);
    const fs::path path = s / "cohort" / "case_2" / (file + ".nii.gz");
    const Volume<float> volume = read_volume(path);
    Volume<T> changed{volume.geometry, {volume.voxels.begin(), volume.voxels.end()}};
    change(changed);
    changed.voxels.resize(static_cast<std::size_t>(changed.geometry.voxel_count()));
    write_volume(path, changed);
    return calibrate(manifest, options);
  };
}

auto map_with(const std::function<void(Volume<float>&)>& change) { return volume_with<float>("probability", change); }
auto rater_with(const std::function<void(Volume<std::uint8_t>&)>& change) {
  return volume_with<std::uint8_t>("rater_02", change);
}

INSTANTIATE_TEST_SUITE_P(
    CalibrateOptions, BadInputs,
    testing::Values(
        BadInput{"without_cohort",
                 [](const Scene& s) {
                   return Arguments{"calibrate", "-o", s / "c.json"};
                 },
                 {"--manifest", "--merge"},
                 ExitStatus::wrong_usage},
        BadInput{"without_output",
                 [](const Scene& s) {
                   return Arguments{"calibrate", "--manifest", cohort(s)};
                 },
                 {"-o calibrator.json", "--statistics-out"},
                 ExitStatus::wrong_usage},
        wrong_option("target_unknown", {"--target", "mean"}, {"target 'mean'", "mhr, rater:K"}),
        wrong_option("target_rater_0", {"--target", "rater:0"}, {"target 'rater:0'", "from 1 to 64"}),
        wrong_option("case_weight_unknown", {"--case-weight", "volume"}, {"--case-weight", "volume", "voxel"}),
        wrong_option("tumor_label_text", {"--tumor-label", "tumor"}, {"--tumor-label", "tumor"}),
        wrong_option("tumor_label_negative", {"--tumor-label", "-1"}, {"--tumor-label"}),
        wrong_option("bootstrap_0", {"--bootstrap", "0"}, {"--bootstrap", "1 to 1000000"}),
        wrong_option("bootstrap_text", {"--bootstrap", "many"}, {"--bootstrap", "many"}),
        wrong_option("seed_negative", {"--seed", "-1"}, {"--seed"}),
        wrong_option("option_unknown", {"--isotonic"}, {"--isotonic"}),
        BadInput{"output_exists",
                 [](const Scene& s) {
                   put_file(s / "c.json", "mine");
                   return Arguments{"calibrate", "--manifest", cohort(s), "-o", s / "c.json"};
                 },
                 {"c.json: exists already", "--overwrite"},
                 ExitStatus::wrong_usage},
        BadInput{"one_file_for_both_outputs",
                 [](const Scene& s) {
                   return Arguments{"calibrate", "--manifest", cohort(s), "-o", s / "x", "--statistics-out", s / "x"};
                 },
                 {"both the calibrator and the statistics"},
                 ExitStatus::wrong_usage},
        BadInput{"output_over_the_manifest",
                 [](const Scene& s) {
                   return Arguments{"calibrate",  "--manifest", cohort(s), "-o", s / "cohort" / "cases.csv",
                                    "--overwrite"};
                 },
                 {"cases.csv: is the manifest"},
                 ExitStatus::wrong_usage},
        BadInput{"output_is_a_folder",
                 [](const Scene& s) {
                   return Arguments{"calibrate", "--manifest", cohort(s), "-o", s / "cohort", "--overwrite"};
                 },
                 {"cohort", "folder"},
                 ExitStatus::out_of_resources},
        BadInput{"output_in_no_folder",
                 [](const Scene& s) {
                   return Arguments{"calibrate", "--manifest", cohort(s), "-o", s / "absent" / "c.json"};
                 },
                 {"absent/c.json"},
                 ExitStatus::out_of_resources},
        BadInput{"bundle_absent",
                 [](const Scene& s) {
                   return calibrate(cohort(s), {"--bundle", s / "absent"});
                 },
                 {"absent", "bundle.json"}}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    CalibrateManifest, BadInputs,
    testing::Values(
        BadInput{"absent", [](const Scene& s) { return calibrate(s / "cases.csv"); }, {"cases.csv", "no such file"}},
        BadInput{"a_folder", [](const Scene& s) { return calibrate(s.bundle()); }, {"bundle"}},
        BadInput{"empty", manifest_text(""), {"cases.csv: the manifest is empty", "case,probability,raters"}},
        BadInput{"without_cases", manifest_text("case,probability,raters\n"), {"cases.csv: no cases"}},
        BadInput{"without_raters_column",
                 manifest_text("case,probability\na,b\n"),
                 {"cases.csv: no column 'raters'", "case, probability"}},
        BadInput{"with_an_empty_field",
                 manifest_text("case,probability,raters\na,case_1/probability.nii.gz,\n"),
                 {"line 2: column 'raters' is empty"}},
        BadInput{"names_no_rater",
                 manifest_text("case,probability,raters\na,case_1/probability.nii.gz,;\n"),
                 {"line 2: column 'raters' names no file"}},
        BadInput{"names_no_map",
                 manifest_text("case,probability,raters\na,;,case_1/rater_01.nii.gz\n"),
                 {"line 2: column 'probability' names no file"}},
        BadInput{"with_two_maps",
                 manifest_text("case,probability,raters\n"
                               "a,case_1/probability.nii.gz;case_2/probability.nii.gz,case_1/rater_01.nii.gz\n"),
                 {"case a: column 'probability' names 2 maps"}},
        BadInput{"glob_without_match",
                 manifest_text("case,probability,raters\na,case_1/probability.nii.gz,case_1/expert_*\n"),
                 {"line 2: column 'raters': no file matches", "expert_*"}},
        BadInput{"case_twice",
                 manifest_text("case,probability,raters\na,p,r\na,p,r\n"),
                 {"line 3: case 'a' stands there twice"}},
        BadInput{"files_twice",
                 manifest_text("case,probability,raters\na,case_1/probability.nii.gz,case_1/rater_01.nii.gz\n"
                               "b,case_1/probability.nii.gz,case_1/rater_01.nii.gz\n"),
                 {"case b: was added already (as a)"}},
        BadInput{"name_is_not_utf8", manifest_text("case,probability,raters\n\xFC,p,r\n"), {"line 2", "UTF-8"}},
        BadInput{"65_raters",
                 [](const Scene& s) {
                   std::string raters;
                   for (int i = 0; i < 65; ++i) raters += "case_1/rater_01.nii.gz;";
                   return manifest_text("case,probability,raters\na,case_1/probability.nii.gz," + raters + "\n")(s);
                 },
                 {"65 raters; at most 64"}}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    CalibrateCase, BadInputs,
    testing::Values(BadInput{"map_absent",
                             [](const Scene& s) {
                               const fs::path manifest = cohort(s);
                               fs::remove(s / "cohort" / "case_2" / "probability.nii.gz");
                               return calibrate(manifest);
                             },
                             {"case_2/probability.nii.gz", "no such file"}},
                    BadInput{"map_truncated",
                             [](const Scene& s) {
                               const fs::path manifest = cohort(s);
                               fs::resize_file(s / "cohort" / "case_2" / "probability.nii.gz", 700);
                               return calibrate(manifest);
                             },
                             {"case_2/probability.nii.gz"}},
                    BadInput{"map_nan",
                             map_with([](auto& v) { v.voxels[700] = std::numeric_limits<float>::quiet_NaN(); }),
                             {"case_2/probability.nii.gz", "NaN", "x=16, y=8, z=2"}},
                    BadInput{"map_in_per_cent",
                             map_with([](auto& v) {
                               for (float& p : v.voxels) p *= 100;
                             }),
                             {"case_2/probability.nii.gz", "is no probability, 0 to 1 is right"}},
                    BadInput{"map_negative", map_with([](auto& v) { v.voxels[0] = -0.5F; }), {"-0.5 at x=0, y=0, z=0"}},
                    BadInput{"map_on_a_far_grid",
                             map_with([](auto& v) { v.geometry.origin_mm[2] += 1000; }),
                             {"another grid", "origin -12.5, 30.25, 900", "origin -12.5, 30.25, -100"}},
                    BadInput{"rater_absent",
                             [](const Scene& s) {
                               const fs::path manifest = cohort(s);
                               put_file(
                                   manifest,
                                   "case,probability,raters\na,case_1/probability.nii.gz,case_1/rater_07.nii.gz\n");
                               return calibrate(manifest);
                             },
                             {"case_1/rater_07.nii.gz", "no such file"}},
                    BadInput{"rater_of_another_size",
                             rater_with([](auto& v) { v.geometry.size[2] = 11; }),
                             {"rater_02.nii.gz: lies on another grid", "18x15x11", "18x15x12"}},
                    BadInput{"rater_with_other_labels",
                             rater_with([](auto& v) { v.voxels[5] = 3; }),
                             {"rater_02.nii.gz: label 3 at x=5, y=0, z=0", "--tumor-label"}},
                    BadInput{"rater_that_is_no_label_map",
                             volume_with<float>("rater_01", [](auto& v) { v.voxels[1] = 0.5F; }),
                             {"rater_01.nii.gz: 0.5 at x=1, y=0, z=0 is no label"}},
                    BadInput{"rater_that_is_text",
                             [](const Scene& s) {
                               const fs::path manifest = cohort(s);
                               put_file(s / "cohort" / "case_1" / "rater_02.nii.gz", "no image");
                               return calibrate(manifest);
                             },
                             {"case_1/rater_02.nii.gz"}},
                    BadInput{"too_few_raters_for_the_target",
                             [](const Scene& s) {
                               return calibrate(cohort(s), {"--target", "rater:3"});
                             },
                             {"case case_1", "rater:3", "2 rater(s)"}},
                    BadInput{"roi_empty",
                             volume_with<std::uint8_t>("roi", [](auto& v) { std::ranges::fill(v.voxels, 0); }),
                             {"case case_2: the region of interest is empty"}},
                    BadInput{"roi_with_other_labels",
                             volume_with<std::uint8_t>("roi", [](auto& v) { v.voxels[0] = 2; }, {"--tumor-label", "2"}),
                             {"roi.nii.gz: label 2 at x=0", "0 and 1"}},
                    BadInput{"roi_on_another_grid",
                             volume_with<std::uint8_t>("roi", [](auto& v) { v.geometry.spacing_mm[0] = 0.8; }),
                             {"roi.nii.gz: lies on another grid", "0.8x0.75x1.5 mm"}},
                    BadInput{"maps_of_two_networks",
                             [](const Scene& s) {
                               const fs::path folder = cohort(s).parent_path();
                               std::string text = "case,probability,raters\n";
                               for (const char* name : {"case_1", "case_2"}) {
                                 const fs::path from = folder / name;
                                 fs::rename(from / "probability.nii.gz", from / "x_uncalibrated.nii.gz");
                                 put_file(from / "x.json", Json{{"format", "twintrack-case/1"},
                                                                {"calibrated", true},
                                                                {"bundle", {{"networks_sha256", name}}}}
                                                               .dump());
                                 text += fmt::format("{0},{0}/x_uncalibrated.nii.gz,{0}/rater_*.nii.gz\n", name);
                               }
                               put_file(folder / "cases.csv", text);
                               return calibrate(folder / "cases.csv");
                             },
                             {"cases.csv", "2 different networks", "one calibrator belongs to one"}}),
    name_of_row);

// Statistics of case 1 of the cohort, for --merge.
fs::path statistics(const Scene& s, const std::string& name = "a.stats", const Arguments& options = {}) {
  cohort(s);
  const fs::path manifest = write_manifest(s / "cohort" / "one.csv", {0}, {"probability", "raters", "roi"});
  run_twintrack(with({"calibrate", "--manifest", manifest, "--statistics-out", s / name}, options));
  return s / name;
}

Arguments merge(const Scene& s, const Arguments& files) {
  return with({"calibrate", "-o", s / "c.json", "--merge"}, files);
}

auto damaged_statistics(const std::function<void(std::string&)>& damage) {
  return [damage](const Scene& s) {
    std::string bytes = get_file(statistics(s));
    damage(bytes);
    put_file(s / "a.stats", bytes);
    return merge(s, {s / "a.stats"});
  };
}

INSTANTIATE_TEST_SUITE_P(
    CalibrateStatistics, BadInputs,
    testing::Values(
        BadInput{"absent", [](const Scene& s) { return merge(s, {s / "b.stats"}); }, {"b.stats", "no such file"}},
        BadInput{"truncated", damaged_statistics([](std::string& b) { b.resize(b.size() / 2); }), {"a.stats: damaged"}},
        BadInput{"damaged", damaged_statistics([](std::string& b) { b[b.size() / 2] ^= 1; }), {"a.stats: damaged"}},
        BadInput{"that_are_a_manifest",
                 [](const Scene& s) { return merge(s, {cohort(s)}); },
                 {"cases.csv: not a file of calibration statistics"}},
        BadInput{"twice",
                 [](const Scene& s) {
                   const fs::path file = statistics(s);
                   return merge(s, {file, file});
                 },
                 {"a.stats: case case_1 is in another file too"}},
        BadInput{"of_a_case_of_the_manifest",
                 [](const Scene& s) {
                   const fs::path file = statistics(s);
                   return calibrate(s / "cohort" / "cases.csv", {"--merge", file});
                 },
                 {"a.stats: case case_1 is in another file too"}},
        BadInput{"of_two_targets",
                 [](const Scene& s) {
                   const fs::path file = statistics(s);
                   return merge(s, {file, statistics(s, "b.stats", {"--target", "majority"})});
                 },
                 {"b.stats: fitted to majority", "mhr"}},
        BadInput{"of_two_weightings",
                 [](const Scene& s) {
                   const fs::path file = statistics(s);
                   return merge(s, {file, statistics(s, "b.stats", {"--case-weight", "equal"})});
                 },
                 {"b.stats", "--case-weight"}},
        BadInput{"of_two_networks",
                 [](const Scene& s) {
                   const fs::path file = statistics(s);
                   return merge(s, {file, statistics(s, "b.stats", {"--bundle", s.bundle()})});
                 },
                 {"b.stats", "other networks"}},
        BadInput{"with_a_target",
                 [](const Scene& s) {
                   return with(merge(s, {statistics(s)}), {"--target", "mhr"});
                 },
                 {"--target", "--manifest"},
                 ExitStatus::wrong_usage},
        BadInput{"with_a_bundle",
                 [](const Scene& s) {
                   return with(merge(s, {statistics(s)}), {"--bundle", s.bundle()});
                 },
                 {"--bundle", "--manifest"},
                 ExitStatus::wrong_usage}),
    name_of_row);

// predict with this calibrator.
auto calibrator_json(const std::function<void(Json&)>& edit) {
  return [edit](const Scene& s) {
    Json calibrator = get_json(s.calibrator());
    edit(calibrator);
    put_file(s / "c.json", calibrator.dump());
    return s.predict({"--calibrator", s / "c.json"});
  };
}

INSTANTIATE_TEST_SUITE_P(
    PredictCalibrator, BadInputs,
    testing::Values(BadInput{"absent",
                             [](const Scene& s) {
                               return s.predict({"--calibrator", s / "none.json"});
                             },
                             {"none.json"}},
                    BadInput{"that_is_statistics",
                             [](const Scene& s) {
                               return s.predict({"--calibrator", statistics(s)});
                             },
                             {"a.stats", "not valid JSON"}},
                    BadInput{"of_other_networks",
                             calibrator_json([](Json& c) { c["networks_sha256"] = "0123456789abcdef"; }),
                             {"c.json: networks_sha256", "0123456789ab...", "--force"}},
                    BadInput{"of_no_networks",
                             calibrator_json([](Json& c) { c["networks_sha256"] = 5; }),
                             {"c.json: networks_sha256: expected a string"}},
                    BadInput{"with_a_wrong_support",
                             calibrator_json([](Json& c) {
                               c["support"] = {{"low", 0.5}, {"high", 0.25}};
                             }),
                             {"c.json: support.high: expected at least 0.5"}},
                    BadInput{"of_the_bundle_but_of_other_networks",
                             [](const Scene& s) {
                               s.change_bundle("calibrator.json", [](Json& c) { c["networks_sha256"] = "another"; });
                               return s.predict();
                             },
                             {"bundle/calibrator.json: networks_sha256", "--force"}}),
    name_of_row);

}  // namespace
}  // namespace twintrack::test
