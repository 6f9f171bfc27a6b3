#include "lethe/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace lethe {

// One round = one call of Share. Workers take task numbers from `next`; the round ends when every worker has seen it and gone idle again,
// so that no late worker can read the closure of a finished round.
struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable idle;
  uint64_t round = 0;
  bool stopping = false;
  int busy = 0;
  Call call = nullptr;
  const void* closure = nullptr;
  int64_t tasks = 0;
  std::atomic<int64_t> next{0};
  std::vector<std::thread> workers;

  void Take() {
    for (int64_t task = next.fetch_add(1, std::memory_order_relaxed); task < tasks; task = next.fetch_add(1, std::memory_order_relaxed)) call(closure, task);
  }

  void Work() {
    uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || round != seen; });
      if (stopping) return;
      seen = round;
      lock.unlock();
      Take();
      lock.lock();
      if (--busy == 0) idle.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads) {
  if (threads_ == 1) return;
  state_ = std::make_unique<State>();
  for (int i = 1; i < threads_; ++i) state_->workers.emplace_back([state = state_.get()] { state->Work(); });
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
    state.busy = threads_ - 1;
    ++state.round;
  }
  state.wake.notify_all();
  state.Take();
  std::unique_lock lock(state.mutex);
  state.idle.wait(lock, [&] { return state.busy == 0; });
}

}  // namespace lethe
