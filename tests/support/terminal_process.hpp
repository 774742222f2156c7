// A program on a pseudo-terminal, as somebody types to it.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "support/process.hpp"

namespace twintrack::test {

// Ended with SIGKILL when this is destroyed before finish() has returned.
class TerminalProcess {
 public:
  // `variables` are set in its environment besides this process's.
  TerminalProcess(const Arguments& command, unsigned short columns,
                  const std::map<std::string, std::string>& variables = {});
  ~TerminalProcess();
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  void type(const std::string& text) const;
  // Reads until the terminal has shown `text` since the last call that returned true; false after 30 seconds or at the
  // program's end.
  bool shows(const std::string& text);
  // All that is shown until the program ends, and its status.
  Outcome finish();

 private:
  bool read_more(int timeout_ms);

  int terminal_ = -1;
  pid_t id_ = -1;
  std::string shown_;
};

}  // namespace twintrack::test
