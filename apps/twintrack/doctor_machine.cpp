#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "doctor_checks.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/machine.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/dicom/dcmtk_version.hpp"
#include "twintrack/network/onednn_version.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/volume/library_versions.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / kGib; }

Finding processor() {
  const std::vector<std::string> sets = instruction_sets();
  Finding finding{
      "processor",
      Verdict::ok,
      fmt::format("{}: {}", processor_name(), sets.empty() ? "no AVX2" : fmt::format("{}", fmt::join(sets, ", "))),
      "",
      {{"name", processor_name()}, {"instruction_sets", sets}}};
#if defined(__x86_64__)
  if (sets.empty()) {
    finding.verdict = Verdict::warning;
    finding.advice =
        "without AVX2 networks take several times longer; in a virtual machine, pass the host's processor on";
  }
#endif
  return finding;
}

Finding threads() {
  const int usable = available_processors();
  const unsigned present = std::thread::hardware_concurrency();
  const std::optional<double> limit = control_group_limits().processors;
  Finding finding{"threads",
                  Verdict::ok,
                  fmt::format("{} by default, {} of {} processors are this process's", thread_count(), usable, present),
                  "",
                  {{"default", thread_count()}, {"usable", usable}, {"present", present}}};
  if (limit) {
    finding.values["control_group_limit"] = *limit;
    finding.text += fmt::format(", its control group has the time of {:g}", *limit);
  }
  if (limit && *limit < 0.9 * thread_count()) {
    finding.verdict = Verdict::warning;
    finding.advice =
        fmt::format("more threads than processor time wait for each other: --threads {:.0f}", std::max(1.0, *limit));
  }
  return finding;
}

Finding memory() {
  constexpr double enough_gib = 6;  // a 512x512x300 CT with three PANORAMA-shaped members, with room to spare
  const std::int64_t installed = installed_memory_bytes();
  const std::int64_t available = available_memory_bytes().value_or(installed);
  const std::optional<std::int64_t> limit = control_group_limits().memory_bytes;
  const std::int64_t usable = std::min(available, limit.value_or(available));
  Finding finding{"memory",
                  Verdict::ok,
                  fmt::format("{:.1f} GiB installed, {:.1f} GiB available", gib(installed), gib(available)),
                  "",
                  {{"installed_bytes", installed}, {"available_bytes", available}}};
  if (limit) {
    finding.values["control_group_limit_bytes"] = *limit;
    finding.text += fmt::format(", its control group may have {:.1f} GiB", gib(*limit));
  }
  if (gib(usable) < enough_gib) {
    finding.verdict = Verdict::warning;
    finding.advice =
        fmt::format("large CTs with large networks take up to {:g} GiB; predict --dry-run estimates yours", enough_gib);
  }
  return finding;
}

Finding disk(const std::string& check, const fs::path& folder) {
  constexpr double enough_gib = 1;
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) {
    return {check,
            Verdict::failed,
            fmt::format("{}: {}", folder.string(), error.message()),
            "choose another folder (for temporary files: TMPDIR)",
            {}};
  }
  const double free_gib = static_cast<double>(space.available) / kGib;
  Finding finding{check,
                  Verdict::ok,
                  fmt::format("{:.1f} GiB free in {}", free_gib, folder.string()),
                  "",
                  {{"folder", folder.string()}, {"available_bytes", space.available}}};
  if (free_gib < enough_gib) {
    finding.verdict = Verdict::warning;
    finding.advice = "a case's results take some 10 to 100 MB, and as much in the format nrrd or mha";
  }
  return finding;
}

// As fs::temp_directory_path() finds it, also where there is no such folder.
fs::path temporary_folder() {
  const char* const wish = std::getenv("TMPDIR");
  return wish != nullptr && *wish != '\0' ? fs::path(wish) : fs::path("/tmp");
}

Finding libraries() {
  return {"libraries",
          Verdict::ok,
          fmt::format("oneDNN {}, ITK {}, GDCM {}, DCMTK {}", onednn_version(), itk_version(), gdcm_version(),
                      dcmtk_version()),
          "",
          {{"oneDNN", onednn_version()}, {"ITK", itk_version()}, {"GDCM", gdcm_version()}, {"DCMTK", dcmtk_version()}}};
}

Finding gpu() {
  const std::string without = "needed for training and GPUs only; docs/building.md says how to get it";
  try {
    const TorchPlugin& plugin = torch_plugin();
    const std::string description = plugin.describe();
    try {
      plugin.check_device("cuda:0");
      return {"GPU",
              Verdict::ok,
              description + "; predict --device cuda:0 uses it",
              "",
              {{"libtorch", description}, {"gpu", true}}};
    } catch (const Error&) {
      return {"GPU",
              Verdict::ok,
              description + ": no GPU, networks run on the processor",
              "",
              {{"libtorch", description}, {"gpu", false}}};
    }
  } catch (const Error& error) {
    return {"GPU",
            Verdict::ok,
            fmt::format("none, and no plug-in with libtorch ({})", error.what()),
            without,
            {{"libtorch", nullptr}, {"gpu", false}}};
  }
}

Finding precision() {
  const bool bf16 = has_native_bfloat16();
  return {"precision",
          Verdict::ok,
          bf16 ? "auto takes bf16: the processor has native bfloat16"
               : "auto takes fp32: the processor has no native bfloat16",
          "",
          {{"auto", bf16 ? "bf16" : "fp32"}}};
}

}  // namespace

std::vector<Finding> machine_findings() {
  return {processor(), threads(), memory(),   disk("temporary files", temporary_folder()), disk("this folder", "."),
          libraries(), gpu(),     precision()};
}

}  // namespace twintrack::cli
