// DICOM readers that are not ours.
#pragma once

#include <stdio.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

namespace twintrack::test {

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

// What dicom3tools' dciodvfy finds wrong: its lines with "Error", empty when there is none.
inline std::string errors_of_dciodvfy(const std::filesystem::path& file) {
  FILE* const pipe = ::popen(("dciodvfy '" + file.string() + "' 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = ::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  ::pclose(pipe);
  std::string errors;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("Error") != std::string::npos) errors += line + "\n";
  }
  return errors;
}

}  // namespace twintrack::test
