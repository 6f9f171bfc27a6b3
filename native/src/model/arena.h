// One aligned piece of memory that a pass over a micro-batch lays its buffers into. It grows to the largest shape seen and is kept: once the shapes
// repeat, nothing is allocated.
#ifndef LETHE_MODEL_ARENA_H_
#define LETHE_MODEL_ARENA_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace lethe {

class Arena {
 public:
  // Lays out twice: layout(arena) calls Take for every buffer, first to measure (Take returns null), then for real. False: no memory.
  template <typename Layout>
  bool Place(const Layout& layout) {
    base_ = nullptr;
    used_ = 0;
    layout(*this);
    if (used_ > capacity_) {
      memory_.reset();
      capacity_ = 0;
      // calloc, because large pieces come from the kernel as pages of zeros: nothing is written, and none is resident, before its first use.
      memory_.reset(std::calloc(static_cast<size_t>(used_) * sizeof(float) + kAlignment, 1));
      if (memory_ == nullptr) return false;
      capacity_ = used_;
    }
    void* aligned = memory_.get();
    size_t room = static_cast<size_t>(capacity_) * sizeof(float) + kAlignment;
    base_ = static_cast<float*>(std::align(kAlignment, static_cast<size_t>(capacity_) * sizeof(float), aligned, room));
    used_ = 0;
    layout(*this);
    return true;
  }

  // `count` floats at the start of a cache line: zeros where the memory is fresh, otherwise what the last layout left there.
  float* Take(int64_t count) {
    float* taken = base_ == nullptr ? nullptr : base_ + used_;
    used_ += (count + kLine - 1) / kLine * kLine;
    return taken;
  }

  // Two groups of buffers that are never in use at once share their memory.
  template <typename First, typename Second>
  void TakeEither(const First& first, const Second& second) {
    const int64_t begin = used_;
    first(*this);
    const int64_t end = used_;
    used_ = begin;
    second(*this);
    used_ = std::max(used_, end);
  }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr int64_t kLine = kAlignment / sizeof(float);
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::unique_ptr<void, Free> memory_;
  float* base_ = nullptr;
  int64_t used_ = 0;
  int64_t capacity_ = 0;
};

}  // namespace lethe

#endif  // LETHE_MODEL_ARENA_H_
