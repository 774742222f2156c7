// Training batches, prepared ahead on threads of their own and handed over in order.
#pragma once

#include "twintrack/network/trainable_network.hpp"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace twintrack {

class BatchLoader {
 public:
  // Batches `first` to `end` - 1. `make` is called from `workers` (1 or more) threads at once, each with one thread for
  // parallel loops; a few batches a worker wait in memory at most. Throws ResourceError when there are no threads left.
  BatchLoader(std::int64_t first, std::int64_t end, int workers, std::function<TrainingBatch(std::int64_t)> make);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // The next batch; waits for it. Rethrows what `make` threw for it. Throws std::out_of_range after the last one.
  TrainingBatch next();

 private:
  struct Prepared {
    TrainingBatch batch;
    std::exception_ptr error;
  };

  void work();
  void stop();
  Prepared prepare(std::int64_t index) const;

  std::function<TrainingBatch(std::int64_t)> make_;
  std::int64_t ahead_;
  std::int64_t end_;
  std::int64_t claimed_;
  std::int64_t consumed_;
  bool stopped_ = false;
  std::map<std::int64_t, Prepared> ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace twintrack
