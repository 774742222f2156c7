// One case or a folder of them: the next one is read while the current one is computed, and a bad one does not stop the
// others.
#pragma once

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct Case {
  std::string name;
  std::filesystem::path path;
};

// A volume file or DICOM of one study (a file, a list of files, a folder) is one case; a folder of volumes is one per
// file, in name order, its name without ending and without nnU-Net's `_0000`; a folder with the DICOM of several
// studies is one per folder that holds one, its name the path below `input` with `_` between folders. Throws InputError
// when there is none, or when two cases would have one name.
std::vector<Case> list_cases(const std::filesystem::path& input);

// What `step` returns; an InputError of it gets the file's name before its message.
template <typename Step>
auto naming(const std::filesystem::path& file, Step&& step) {
  try {
    return step();
  } catch (const InputError& error) {
    throw InputError("{}: {}", file.string(), error.what());
  }
}

struct BatchReport {
  std::size_t done = 0;
  std::size_t kept = 0;  // had results already
  std::vector<std::string> failed;
};

// Calls read(case) and process(case, what read returned) for every case whose is_complete(case) is false. A single
// case's error is passed on; of several, on_failure(case, error) is told and the rest goes on, except after
// interruption or exhausted resources.
template <typename Input>
BatchReport run_cases(const std::vector<Case>& cases, const std::function<bool(const Case&)>& is_complete,
                      const std::function<Input(const Case&)>& read,
                      const std::function<void(const Case&, Input&)>& process,
                      const std::function<void(const Case&, const Error&)>& on_failure) {
  BatchReport report;
  std::vector<Case> open;
  for (const Case& item : cases) {
    if (is_complete(item)) {
      ++report.kept;
    } else {
      open.push_back(item);
    }
  }
  const auto read_in_background = [&](std::size_t index) -> std::future<Input> {
    if (index >= open.size()) return {};
    return std::async(std::launch::async, [&read, item = open[index]] {
      set_thread_count(1);
      return read(item);
    });
  };
  std::future<Input> next;
  for (std::size_t i = 0; i < open.size(); ++i) {
    try {
      Input input = i == 0 ? read(open[0]) : next.get();
      next = read_in_background(i + 1);
      process(open[i], input);
      ++report.done;
    } catch (const InputError& error) {
      if (cases.size() == 1) throw;
      report.failed.push_back(open[i].name);
      on_failure(open[i], error);
      if (!next.valid()) next = read_in_background(i + 1);
    }
  }
  return report;
}

}  // namespace twintrack
