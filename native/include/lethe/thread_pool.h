// A fixed set of threads that share the work of one loop. Results never depend on the number of threads: callers cut the work into tasks by
// shape alone, and a task writes what no other task writes.
#ifndef LETHE_THREAD_POOL_H_
#define LETHE_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <type_traits>

namespace lethe {

class ThreadPool {
 public:
  // threads counts the caller too; values below 1 are read as 1. One thread: no thread is started and For is a plain loop.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls body(task) once for each task in [0, tasks), in any order, and returns when all have returned.
  // REQUIRES: one caller at a time; body neither throws nor calls For.
  template <typename Body>
  void For(int64_t tasks, const Body& body) {
    ForOnThreads(tasks, [&](int64_t task, int) { body(task); });
  }

  // The same with body(task, thread), thread in [0, threads()): tasks that run at once have different ones, so that each can have its scratch memory.
  template <typename Body>
  void ForOnThreads(int64_t tasks, const Body& body) {
    if (threads_ == 1 || tasks <= 1) {
      for (int64_t task = 0; task < tasks; ++task) body(task, 0);
      return;
    }
    Share(tasks, [](const void* closure, int64_t task, int thread) { (*static_cast<const Body*>(closure))(task, thread); }, &body);
  }

 private:
  using Call = void (*)(const void* closure, int64_t task, int thread);
  struct State;

  void Share(int64_t tasks, Call call, const void* closure);

  int threads_;
  std::unique_ptr<State> state_;  // null with one thread
};

}  // namespace lethe

#endif  // LETHE_THREAD_POOL_H_
