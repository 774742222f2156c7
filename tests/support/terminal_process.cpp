#include "support/terminal_process.hpp"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace twintrack::test {

TerminalProcess::TerminalProcess(const Arguments& command, unsigned short columns,
                                 const std::map<std::string, std::string>& variables) {
  Arguments words = {"env"};
  for (const auto& [name, value] : variables) words.push_back(name + "=" + value);
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const winsize size{50, columns, 0, 0};
  id_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (id_ < 0) throw std::runtime_error("no pseudo-terminal");
  if (id_ == 0) {
    ::execvp(pointers.front(), pointers.data());
    ::_exit(127);
  }
}

TerminalProcess::~TerminalProcess() {
  if (id_ > 0) {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  ::close(terminal_);
}

void TerminalProcess::type(const std::string& text) const {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t now = ::write(terminal_, text.data() + written, text.size() - written);
    if (now <= 0) throw std::runtime_error("cannot write to the terminal");
    written += static_cast<std::size_t>(now);
  }
}

bool TerminalProcess::read_more(int timeout_ms) {
  pollfd waiting{terminal_, POLLIN, 0};
  if (::poll(&waiting, 1, timeout_ms) <= 0) return false;
  char chunk[4096];
  const ssize_t got = ::read(terminal_, chunk, sizeof chunk);
  if (got <= 0) return false;
  shown_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

bool TerminalProcess::shows(const std::string& text) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(30);
  for (;;) {
    if (const std::size_t at = shown_.find(text); at != std::string::npos) {
      shown_.erase(0, at + text.size());
      return true;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0 || !read_more(static_cast<int>(left))) return false;
  }
}

Outcome TerminalProcess::finish() {
  constexpr int patience_ms = 60'000;
  while (read_more(patience_ms)) {
  }
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), shown_, ""};
}

}  // namespace twintrack::test
