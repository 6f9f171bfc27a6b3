#include "lethe/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace lethe {
namespace {

// Loops follow one another within microseconds, so a thread looks for news about 20 us before it sleeps. Longer would burn the cores of a busy machine.
constexpr int kLooks = 500;

template <typename Condition>
void LookFor(const Condition& condition) {
  for (int look = 0; look < kLooks && !condition(); ++look) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

}  // namespace

// One round = one call of Share. Workers take task numbers from `next`; the round ends when every worker has seen it and gone idle again,
// so that no late worker can read the closure of a finished round.
struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable idle;
  std::atomic<uint64_t> round{0};  // written under the mutex; read without it only while looking
  bool stopping = false;
  std::atomic<int> busy{0};        // likewise
  Call call = nullptr;
  const void* closure = nullptr;
  int64_t tasks = 0;
  std::atomic<int64_t> next{0};
  std::vector<std::thread> workers;

  void Take(int thread) {
    for (int64_t task = next.fetch_add(1, std::memory_order_relaxed); task < tasks; task = next.fetch_add(1, std::memory_order_relaxed)) call(closure, task, thread);
  }

  void Work(int thread) {
    uint64_t seen = 0;
    for (;;) {
      LookFor([&] { return round.load(std::memory_order_relaxed) != seen; });
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || round.load() != seen; });
        if (stopping) return;
        seen = round.load();
      }
      Take(thread);
      std::lock_guard lock(mutex);
      if (busy.fetch_sub(1) == 1) idle.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads) {
  if (threads_ == 1) return;
  state_ = std::make_unique<State>();
  for (int i = 1; i < threads_; ++i) state_->workers.emplace_back([state = state_.get(), i] { state->Work(i); });
}

ThreadPool::~ThreadPool() {
  if (!state_) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

void ThreadPool::Share(int64_t tasks, Call call, const void* closure) {
  State& state = *state_;
  {
    std::lock_guard lock(state.mutex);
    state.call = call;
    state.closure = closure;
    state.tasks = tasks;
    state.next.store(0, std::memory_order_relaxed);
    state.busy.store(threads_ - 1);
    state.round.fetch_add(1);
  }
  state.wake.notify_all();
  state.Take(0);
  LookFor([&] { return state.busy.load(std::memory_order_relaxed) == 0; });
  std::unique_lock lock(state.mutex);
  state.idle.wait(lock, [&] { return state.busy.load() == 0; });
}

}  // namespace lethe
