// The self-test: passes here, and fails where something is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/scene.hpp"
#include "network/reference_network.hpp"
#include "self_test_network.hpp"

namespace twintrack::test {
namespace {

using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;

// TMPDIR as given, for a program of its own.
Outcome run_doctor(const Arguments& options, const std::string& temporary_folder = "") {
  Arguments command = {"env"};
  if (!temporary_folder.empty()) command.push_back("TMPDIR=" + temporary_folder);
  const Arguments doctor = twintrack_command({"doctor"});
  command.insert(command.end(), doctor.begin(), doctor.end());
  command.insert(command.end(), options.begin(), options.end());
  return run_process(command);
}

const Json& check_named(const Json& document, const std::string& begin) {
  for (const Json& check : document["checks"]) {
    if (check["check"].get<std::string>().starts_with(begin)) return check;
  }
  throw std::runtime_error("no check " + begin);
}

TEST(Doctor, KnownLogitsAreThoseOfTheDefinition) {
  const Network network = cli::u_net(cli::kKnownFeatures);
  const std::vector<double> logits =
      reference_logits(network, cli::known_weights(network), cli::kKnownPatch, cli::known_patch(cli::kKnownPatch));
  for (std::size_t i = 0; i < cli::kKnownLogits.size(); ++i)
    EXPECT_NEAR(cli::kKnownLogits[i], logits[cli::known_index(static_cast<std::int64_t>(i))], 1e-7) << i;
}

TEST(Doctor, FindsNothingFailedHere) {
  const Outcome outcome = run_doctor({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Json document = Json::parse(outcome.out);
  EXPECT_EQ(document["failed"], 0);
  for (const Json& check : document["checks"])
    EXPECT_THAT(check["status"].get<std::string>(), AnyOf(Eq("ok"), Eq("warning"))) << check;
  for (const char* name : {"processor", "threads", "memory", "temporary files", "libraries", "GPU", "precision",
                           "memory, speed", "files", "resampling", "isotonic fit"}) {
    EXPECT_NO_THROW(check_named(document, name)) << name;
  }
  const Json& network = check_named(document, "network, oneDNN fp32")["values"];
  EXPECT_LT(network["relative_error"].get<double>(), 1e-4);
  EXPECT_GT(network["operations_per_second"].get<double>(), 1e8);
  EXPECT_GT(check_named(document, "memory, speed")["values"]["bytes_per_second"].get<double>(), 1e8);
  EXPECT_GT(check_named(document, "threads")["values"]["usable"].get<int>(), 0);
  EXPECT_THAT(document["build"].get<std::string>(), HasSubstr("twintrack 0."));
}

TEST(Doctor, TimesTheNetworksOfABundle) {
  const Scene scene;
  const Outcome outcome = run_doctor({"-b", scene.bundle().string()});
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nok +bundle +[^\n]*files match their SHA-256\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nok +localiser +[^\n]* s a tile of 8x16x16"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nok +member 2 +[^\n]* s a tile of 8x16x16"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\n[0-9]+ checks: 0 failed"));
  EXPECT_THAT(outcome.err, HasSubstr("Research use only"));
}

TEST(Doctor, FailsForADamagedBundle) {
  const Scene scene;
  for (const std::string& file : files_below(scene.bundle())) {
    if (!file.ends_with(".safetensors")) continue;
    std::string bytes = get_file(scene.bundle() / file);
    bytes[bytes.size() / 2] ^= 1;
    put_file(scene.bundle() / file, bytes);
  }
  const Outcome outcome = run_doctor({"-b", scene.bundle().string()});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nFAILED +bundle +[^\n]*SHA-256"));
  EXPECT_THAT(outcome.out, HasSubstr("-> copy or make the bundle anew"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\n[0-9]+ checks: 1 failed"));
}

TEST(Doctor, FailsWithoutAFolderForTemporaryFiles) {
  const TemporaryFolder folder;
  put_file(folder / "file", "");
  const Outcome outcome = run_doctor({"--json", "--quiet"}, (folder / "file").string());
  EXPECT_EQ(outcome.status, 3);
  const Json document = Json::parse(outcome.out);
  EXPECT_EQ(check_named(document, "files")["status"], "FAILED");
  EXPECT_THAT(check_named(document, "files")["advice"].get<std::string>(), HasSubstr("TMPDIR"));
  EXPECT_EQ(check_named(document, "resampling")["status"], "ok") << "the rest is checked all the same";
  EXPECT_EQ(outcome.err, "");
}

TEST(Doctor, FailsWhereTemporaryFilesDoNotFit) {
  const TemporaryFolder folder;
  const Outcome outcome = run_process(
      with_file_limit(8, {"env", "TMPDIR=" + folder.path().string(), TWINTRACK_BINARY, "doctor", "--quiet"}));
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nFAILED +files +"));
  EXPECT_EQ(folder.entries(), 0U) << "nothing stays behind";
}

}  // namespace
}  // namespace twintrack::test
