#include "twintrack/training/batch_loader.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"

#include <stdexcept>
#include <system_error>

namespace twintrack {
namespace {

constexpr std::int64_t kAheadPerWorker = 3;

}  // namespace

BatchLoader::BatchLoader(std::int64_t first, std::int64_t end, int workers,
                         std::function<TrainingBatch(std::int64_t)> make)
    : make_(std::move(make)), ahead_(kAheadPerWorker * workers), end_(end), claimed_(first), consumed_(first) {
  try {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    stop();
    throw ResourceError("{} threads to prepare patches cannot be started: {}; fewer --workers may help", workers,
                        error.what());
  }
}

BatchLoader::~BatchLoader() { stop(); }

void BatchLoader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

BatchLoader::Prepared BatchLoader::prepare(std::int64_t index) const {
  try {
    return {make_(index), nullptr};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

void BatchLoader::work() {
  set_thread_count(1);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopped_ || claimed_ >= end_ || claimed_ < consumed_ + ahead_; });
    if (stopped_ || claimed_ >= end_) return;
    const std::int64_t index = claimed_++;
    lock.unlock();
    Prepared prepared = prepare(index);
    lock.lock();
    ready_.emplace(index, std::move(prepared));
    changed_.notify_all();
  }
}

TrainingBatch BatchLoader::next() {
  std::unique_lock lock(mutex_);
  if (consumed_ >= end_) throw std::out_of_range("a batch after the last one");
  changed_.wait(lock, [&] { return ready_.contains(consumed_); });
  const auto node = ready_.extract(consumed_++);
  lock.unlock();
  changed_.notify_all();
  if (node.mapped().error) std::rethrow_exception(node.mapped().error);
  return std::move(node.mapped().batch);
}

}  // namespace twintrack
