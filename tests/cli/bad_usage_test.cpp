// Bad inputs: the command line, and places that cannot be read from or written to.
#include "cli/bad_input.hpp"

namespace twintrack::test {
namespace {

BadInput wrong_option(const std::string& what, const Arguments& options, const std::vector<std::string>& words) {
  return {what, [options](const Scene& s) { return s.predict(options); }, words, ExitStatus::wrong_usage};
}

Arguments without(Arguments arguments, const std::string& option) {
  const auto place = std::ranges::find(arguments, option);
  arguments.erase(place, place + 2);
  return arguments;
}

INSTANTIATE_TEST_SUITE_P(
    Options, BadInputs,
    testing::Values(BadInput{"no_job",
                             [](const Scene&) { return Arguments{}; },
                             {"a job is needed", "predict"},
                             ExitStatus::wrong_usage},
                    BadInput{"unknown_job",
                             [](const Scene&) { return Arguments{"diagnose"}; },
                             {"--help"},
                             ExitStatus::wrong_usage},
                    wrong_option("unknown_option", {"--colour"}, {"--colour"}),
                    BadInput{"bundle_not_given",
                             [](const Scene& s) { return without(s.predict(), "-b"); },
                             {"--bundle", "required"},
                             ExitStatus::wrong_usage},
                    BadInput{"input_not_given",
                             [](const Scene& s) { return without(s.predict(), "-i"); },
                             {"--input", "required"},
                             ExitStatus::wrong_usage},
                    BadInput{"output_not_given",
                             [](const Scene& s) { return without(s.predict(), "-o"); },
                             {"--output", "required"},
                             ExitStatus::wrong_usage},
                    wrong_option("step_size_0", {"--step-size", "0"}, {"--step-size 0", "above 0 and at most 1"}),
                    wrong_option("step_size_2", {"--step-size", "2"}, {"--step-size 2", "above 0 and at most 1"}),
                    wrong_option("step_size_nan", {"--step-size", "nan"}, {"--step-size nan", "above 0 and at most 1"}),
                    wrong_option("step_size_text", {"--step-size", "half"}, {"--step-size", "half"}),
                    wrong_option("threads_0", {"--threads", "0"}, {"--threads", "1 to 1024"}),
                    wrong_option("threads_many", {"--threads", "100000000000"}, {"--threads"}),
                    wrong_option("device_unknown", {"--device", "quantum"}, {"--device quantum", "cpu"}),
                    wrong_option("device_absent", {"--device", "cuda:99"}, {"cuda:99", "cpu"}),
                    wrong_option("format_unknown", {"--format", "bmp"}, {"--format", "bmp", "nii.gz"}),
                    wrong_option("precision_unknown", {"--precision", "fp8"}, {"--precision", "fp8", "bf16"}),
                    wrong_option("threshold_2", {"--threshold", "2"}, {"--threshold", "2"}),
                    wrong_option("threshold_nan", {"--threshold", "nan"}, {"--threshold", "nan"}),
                    BadInput{"folds_are_no_numbers",
                             [](const Scene& s) {
                               return s.segment({"-f", "0,x"});
                             },
                             {"'x'", "0,1,2"},
                             ExitStatus::wrong_usage},
                    BadInput{"average_unknown",
                             [](const Scene& s) {
                               return s.segment({"--average", "median"});
                             },
                             {"--average", "median"},
                             ExitStatus::wrong_usage},
                    BadInput{"margin_of_two_numbers",
                             [](const Scene& s) {
                               return s.create_bundle({"--roi-margin-mm", "1,2"});
                             },
                             {"--roi-margin-mm"},
                             ExitStatus::wrong_usage},
                    BadInput{"localizer_volume_nan",
                             [](const Scene& s) {
                               return s.create_bundle({"--localizer-volume-ml", "nan,nan"});
                             },
                             {"--localizer-volume-ml", "nan"},
                             ExitStatus::wrong_usage},
                    BadInput{"localizer_volume_descends",
                             [](const Scene& s) {
                               return s.create_bundle({"--localizer-volume-ml", "9,2"});
                             },
                             {"--localizer-volume-ml 9,2", "smaller number comes first"},
                             ExitStatus::wrong_usage},
                    BadInput{"bundle_exists",
                             [](const Scene& s) { return s.create_bundle_at(s.bundle()); },
                             {"exists already", "--overwrite"},
                             ExitStatus::wrong_usage},
                    BadInput{"folder_that_is_no_bundle",
                             [](const Scene& s) { return s.create_bundle_at(s.model(), {"--overwrite"}); },
                             {"is no bundle", "not replaced"},
                             ExitStatus::wrong_usage}),
    name_of_row);

Arguments predict_folder(const Scene& s, const std::vector<std::string>& names) {
  fs::create_directory(s / "cases");
  for (const std::string& name : names) fs::copy_file(s.ct(), s / "cases" / name);
  return s.predict_on(s / "cases");
}

Arguments predict_to(const Scene& s, const fs::path& out) {
  Arguments arguments = without(s.predict(), "-o");
  arguments.insert(arguments.end(), {"-o", out});
  return arguments;
}

INSTANTIATE_TEST_SUITE_P(
    Places, BadInputs,
    testing::Values(BadInput{"input_missing",
                             [](const Scene& s) { return s.predict_on(s / "absent.nii.gz"); },
                             {"absent.nii.gz", "no such file"}},
                    BadInput{"folder_without_volumes",
                             [](const Scene& s) { return s.predict_on(s.calibrator().parent_path() / "bundle"); },
                             {"no volume", ".nii.gz", "no DICOM series"}},
                    BadInput{"two_files_of_one_case",
                             [](const Scene& s) {
                               return predict_folder(s, {"a.nii.gz", "a_0000.nii.gz"});
                             },
                             {"two files", "'a'"}},
                    BadInput{"results_among_the_cases",
                             [](const Scene& s) {
                               predict_folder(s, {"a.nii.gz", "b.nii.gz"});
                               return Arguments{"predict", "-b", s.bundle(), "-i", s / "cases", "-o", s / "cases"};
                             },
                             {"cases", "another folder"},
                             ExitStatus::wrong_usage},
                    BadInput{"labels_over_the_input",
                             [](const Scene& s) {
                               return Arguments{"segment", "-m", s.model(),  "-i",
                                                s.ct(),    "-o", s.folder(), "--overwrite"};
                             },
                             {"ct.nii.gz", "another folder"},
                             ExitStatus::wrong_usage},
                    BadInput{"series_of_a_file",
                             [](const Scene& s) {
                               return s.predict({"--series", "1.2.3"});
                             },
                             {"1.2.3", "DICOM folder"}},
                    BadInput{"output_is_a_file",
                             [](const Scene& s) { return predict_to(s, s.calibrator()); },
                             {"calibrator.json", "a file is where a folder is needed"},
                             ExitStatus::out_of_resources},
                    BadInput{"output_below_a_file",
                             [](const Scene& s) { return predict_to(s, s.calibrator() / "out"); },
                             {"calibrator.json", "a file is where a folder is needed"},
                             ExitStatus::out_of_resources},
                    BadInput{"bundle_below_a_file",
                             [](const Scene& s) { return s.create_bundle_at(s.calibrator() / "new"); },
                             {"a file is where a folder is needed"},
                             ExitStatus::out_of_resources},
                    BadInput{"result_is_a_folder",
                             [](const Scene& s) {
                               fs::create_directories(s.out() / "ct_probability.nii.gz");
                               return s.predict({"--quiet"});
                             },
                             {"ct_probability.nii.gz", "it is a folder"},
                             ExitStatus::out_of_resources}),
    name_of_row);

}  // namespace
}  // namespace twintrack::test
