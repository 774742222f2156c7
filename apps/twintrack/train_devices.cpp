#include "train_devices.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/torch_plugin.hpp"

extern char** environ;

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

// Files that exist as long as this does.
class ScratchFiles {
 public:
  ~ScratchFiles() {
    std::error_code ignored;
    for (const fs::path& file : files_) fs::remove(file, ignored);
  }
  fs::path add(fs::path file) { return files_.emplace_back(std::move(file)); }

 private:
  std::vector<fs::path> files_;
};

// Other processes; those that still run are ended with this.
class Processes {
 public:
  Processes() = default;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  ~Processes() {
    for (const pid_t id : running_) kill(id, SIGTERM);
    for (const pid_t id : running_) waitpid(id, nullptr, 0);
  }

  void start(const std::vector<std::string>& arguments) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    pid_t id = 0;
    if (const int error = posix_spawn(&id, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ); error != 0) {
      throw ResourceError("cannot start another process of this program: {}", strerror(error));
    }
    running_.push_back(id);
  }

  void wait() {
    while (!running_.empty()) {
      int status = 0;
      waitpid(running_.back(), &status, 0);
      running_.pop_back();
      if (status != 0) throw ResourceError("one of the processes that train together failed (see above)");
    }
  }

 private:
  std::vector<pid_t> running_;
};

int threads_each(const std::vector<std::string>& devices) {
  const auto on_cpu = std::ranges::count(devices, "cpu");
  return std::max(1, thread_count() / static_cast<int>(std::max<std::ptrdiff_t>(1, on_cpu)));
}

void run_rank(const fs::path& file) {
  const Json document = read_json(file);
  const JsonView view(document, file.string());
  set_thread_count(static_cast<int>(view.at("threads").as_integer(1, 1024)));
  const TrainingJob job = parse_job(view);
  TrainingObserver observer;
  observer.on_iteration = [](const TrainingStatus&) { throw_if_interrupted(); };
  train(job.source, job.settings, job.model_folder, job.overwrite, observer);
}

}  // namespace

TrainingOutcome train_on_devices(TrainingJob job, const std::vector<std::string>& devices,
                                 const TrainingObserver& observer) {
  GroupMembership& group = job.settings.network.group;
  group.processes = static_cast<int>(devices.size());
  job.settings.network.device = devices.front();
  if (devices.size() == 1) return train(job.source, job.settings, job.model_folder, job.overwrite, observer);

  for (const std::string& device : devices) torch_plugin().check_device(device);
  preprocess_cases(job.source, job.settings, observer);
  ScratchFiles files;
  Processes processes;
  const auto file = [&](const std::string& name) {
    return files.add(job.source.work_folder / fmt::format(".{}-{}", name, getpid()));
  };
  group.rendezvous = file("rendezvous").string();
  for (int rank = 1; rank < group.processes; ++rank) {
    TrainingJob other = job;
    other.settings.network.group.rank = rank;
    other.settings.network.device = devices[rank];
    Json document = to_json(other);
    document["threads"] = threads_each(devices);
    const fs::path path = file(fmt::format("rank-{}.json", rank));
    write_file(path, to_text(document));
    processes.start({"twintrack", "train", "rank", path.string()});
  }
  const int threads = thread_count();
  set_thread_count(threads_each(devices));
  TrainingOutcome outcome = train(job.source, job.settings, job.model_folder, job.overwrite, observer);
  set_thread_count(threads);
  processes.wait();
  return outcome;
}

void add_train_rank(CLI::App& group, ExitStatus& status) {
  const auto file = std::make_shared<fs::path>();
  CLI::App* const job = group.add_subcommand("rank", "One of several processes that train together");
  job->group("");
  job->add_option("job", *file)->required();
  job->callback([file, &status] {
    run_rank(*file);
    status = ExitStatus::done;
  });
}

}  // namespace twintrack::cli
