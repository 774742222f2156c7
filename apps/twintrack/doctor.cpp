// doctor: what the machine offers, and a self-test.
#include <cstdio>

#include "doctor_checks.hpp"
#include "inventory.hpp"
#include "jobs.hpp"
#include "reporting.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::cli {
namespace {

struct DoctorArguments {
  std::filesystem::path bundle;
  ReportingOptions reporting;
};

const char* name_of(Verdict verdict) {
  return verdict == Verdict::ok ? "ok" : verdict == Verdict::warning ? "warning" : "FAILED";
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("Clang {}", __clang_version__);
#else
  return fmt::format("GCC {}", __VERSION__);
#endif
}

void print_finding(const Finding& finding) {
  fmt::print("{:<8} {:<20} {}\n", name_of(finding.verdict), finding.check, finding.text);
  if (!finding.advice.empty()) fmt::print("{:<29} -> {}\n", "", finding.advice);
  std::fflush(stdout);
}

Json to_json(const Finding& finding) {
  Json document{{"check", finding.check}, {"status", name_of(finding.verdict)}, {"message", finding.text}};
  if (!finding.advice.empty()) document["advice"] = finding.advice;
  if (!finding.values.is_null()) document["values"] = finding.values;
  return document;
}

ExitStatus run(const DoctorArguments& a) {
  apply(a.reporting);
  const std::string build = fmt::format("twintrack {}, {}, {} build", version(), compiler(), TWINTRACK_BUILD_TYPE);
  const bool text = !a.reporting.json;
  if (text) fmt::print("{}\n", build);
  std::vector<Finding> all;
  const auto add = [&](const std::vector<Finding>& findings) {
    throw_if_interrupted();
    for (const Finding& finding : findings) {
      if (text) print_finding(finding);
      all.push_back(finding);
    }
  };
  add(machine_findings());
  add(self_test_findings());
  if (!a.bundle.empty()) add(bundle_findings(a.bundle));

  const auto count = [&](Verdict verdict) { return std::ranges::count(all, verdict, &Finding::verdict); };
  const auto warnings = count(Verdict::warning), failures = count(Verdict::failed);
  if (text) {
    fmt::print("{} checks: {} failed, {} with a warning\n", all.size(), failures, warnings);
  } else {
    Json document{{"twintrack", version()}, {"build", build}, {"failed", failures}, {"warnings", warnings}};
    for (const Finding& finding : all) document["checks"].push_back(to_json(finding));
    fmt::print("{}\n", to_text(document));
  }
  print_note(a.reporting, kResearchUse);
  return failures > 0 ? ExitStatus::bad_input : ExitStatus::done;
}

}  // namespace

void add_doctor(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<DoctorArguments>();
  CLI::App* const job = app.add_subcommand("doctor", "What this machine offers, and a self-test of some ten seconds");
  job->footer(
      "Examples:\n"
      "  twintrack doctor\n"
      "  twintrack doctor -b models/pdac     also checks the bundle, and times its networks\n\n"
      "Exit status 0 when nothing failed, 3 when something did.");
  job->add_option("-b,--bundle", a->bundle, "Bundle folder to check as well")->type_name(kFolder);
  add_reporting_options(*job, a->reporting);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli
