#include "twintrack/core/system.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <fstream>

#include "twintrack/core/error.hpp"
#include "twintrack/core/machine.hpp"

namespace twintrack {
namespace {

// The text after "NAME<blanks>:<blanks>" in the first such line of a file of /proc; empty when there is none.
std::string proc_field(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t colon = line.find_first_not_of(" \t", name.size());
    if (colon == std::string::npos || line[colon] != ':') continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

constexpr std::array ending_signals = {SIGINT, SIGTERM};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int) {
  interrupted = true;
  for (const int number : ending_signals) ::signal(number, SIG_DFL);
}

}  // namespace

std::string version() { return TWINTRACK_VERSION; }

std::int64_t peak_resident_bytes() {
  // Not getrusage first: its figure includes the peak of the process that started this one.
  const std::string kibibytes = proc_field("/proc/self/status", "VmHWM");
  std::int64_t value = 0;
  if (std::from_chars(kibibytes.data(), kibibytes.data() + kibibytes.size(), value).ec == std::errc())
    return value * 1024;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

std::int64_t installed_memory_bytes() {
  return std::int64_t{::sysconf(_SC_PHYS_PAGES)} * std::int64_t{::sysconf(_SC_PAGESIZE)};
}

std::string processor_name() {
  const std::string name = proc_field("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown processor" : name;
}

bool has_native_bfloat16() {
  return std::ranges::any_of(instruction_sets(), [](const std::string& name) { return name.ends_with("bf16"); });
}

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : ending_signals) ::sigaction(number, &action, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);
}

void throw_if_interrupted() {
  if (interrupted) throw Interrupted();
}

}  // namespace twintrack
