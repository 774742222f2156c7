// Batches that are prepared ahead: their order, their errors, and an early end.
#include "twintrack/training/batch_loader.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <stdexcept>

#include "support/error_message.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

using test::error_message;
using testing::HasSubstr;

TrainingBatch numbered(std::int64_t index) {
  TrainingBatch batch;
  batch.samples = index;
  return batch;
}

void sleep_a_little(std::int64_t index) {
  std::mt19937 random(static_cast<unsigned>(index));
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
}

TEST(BatchLoader, HandsOverInOrderWhateverTheWorkers) {
  for (const int workers : {1, 2, 7}) {
    BatchLoader loader(5, 105, workers, [](std::int64_t index) {
      sleep_a_little(index);
      return numbered(index);
    });
    for (std::int64_t index = 5; index < 105; ++index) ASSERT_EQ(loader.next().samples, index) << workers;
  }
}

TEST(BatchLoader, MakesEveryBatchOnceAndNoMore) {
  std::mutex mutex;
  std::multiset<std::int64_t> made;
  {
    BatchLoader loader(0, 30, 3, [&](std::int64_t index) {
      const std::scoped_lock lock(mutex);
      made.insert(index);
      return numbered(index);
    });
    for (int i = 0; i < 30; ++i) loader.next();
  }
  EXPECT_EQ(made.size(), 30u);
  EXPECT_EQ(std::set(made.begin(), made.end()).size(), 30u);
}

TEST(BatchLoader, ABatchAfterTheLastOneIsRefused) {
  BatchLoader loader(3, 4, 2, numbered);
  EXPECT_EQ(loader.next().samples, 3);
  EXPECT_THROW(loader.next(), std::out_of_range);
  BatchLoader none(7, 7, 2, numbered);
  EXPECT_THROW(none.next(), std::out_of_range);
}

TEST(BatchLoader, ErrorsComeWithTheirBatchAndTheOthersStay) {
  BatchLoader loader(0, 12, 3, [](std::int64_t index) {
    sleep_a_little(index);
    if (index % 5 == 4) throw InputError("batch {}", index);
    return numbered(index);
  });
  for (std::int64_t index = 0; index < 12; ++index) {
    if (index % 5 == 4) {
      EXPECT_EQ(error_message([&] { loader.next(); }), "batch " + std::to_string(index));
    } else {
      EXPECT_EQ(loader.next().samples, index);
    }
  }
}

TEST(BatchLoader, PreparesAFewAheadAndNoMore) {
  std::atomic<std::int64_t> made = 0;
  BatchLoader loader(0, 1000, 2, [&](std::int64_t index) {
    ++made;
    return numbered(index);
  });
  const auto start = std::chrono::steady_clock::now();
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  while (made < 6 && std::chrono::steady_clock::now() - start < std::chrono::seconds(30)) pause();
  pause();
  EXPECT_EQ(made, 6);  // three a worker
  for (int i = 0; i < 10; ++i) loader.next();
  EXPECT_LE(made, 16);
}

TEST(BatchLoader, EndsEarlyWhileWorkersWaitOrWork) {
  for (const int taken : {0, 1, 4}) {
    std::atomic<int> running = 0;
    {
      BatchLoader loader(0, 1'000'000, 3, [&](std::int64_t index) {
        ++running;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        --running;
        return numbered(index);
      });
      for (int i = 0; i < taken; ++i) loader.next();
    }
    EXPECT_EQ(running, 0);  // joined
  }
}

TEST(BatchLoader, EndsEarlyWithErrorsThatNobodyAskedFor) {
  BatchLoader loader(0, 10, 2, [](std::int64_t index) -> TrainingBatch { throw InputError("batch {}", index); });
  EXPECT_THAT(error_message([&] { loader.next(); }), HasSubstr("batch 0"));
}

TEST(BatchLoader, WorkersUseOneThreadEach) {
  const int own = thread_count();
  BatchLoader loader(0, 8, 2, [](std::int64_t) { return numbered(thread_count()); });
  for (int i = 0; i < 8; ++i) EXPECT_EQ(loader.next().samples, 1);
  EXPECT_EQ(thread_count(), own);
}

}  // namespace
}  // namespace twintrack
