// Walks over mapped bytes and never past their end: after the first failure everything reads as zero and ok() is false.
#ifndef LETHE_WEIGHTS_GGUF_CURSOR_H_
#define LETHE_WEIGHTS_GGUF_CURSOR_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "weights/gguf_file.h"

namespace lethe {

class GgufCursor {
 public:
  explicit GgufCursor(std::span<const unsigned char> bytes) : bytes_(bytes) {}

  bool ok() const { return failure_.empty(); }
  const std::string& failure() const { return failure_; }
  uint64_t at() const { return at_; }

  template <typename T>
  T Take() {
    T value{};
    if (!Has(sizeof(T))) return value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  // A number of things that take at least `least_bytes` each: a count that cannot fit is a failure now, not after a long loop.
  uint64_t TakeCount(uint64_t least_bytes, const char* what);
  std::string TakeText();
  GgufValue TakeValue(uint32_t type, int depth = 0);
  void Fail(std::string failure) {
    if (ok()) failure_ = std::move(failure) + " at byte " + std::to_string(at_);
  }

 private:
  bool Has(uint64_t count) {
    if (ok() && count <= bytes_.size() - at_) return true;
    Fail("expected " + std::to_string(count) + " more bytes, found the end of the file");
    return false;
  }
  GgufValue TakeArray(int depth);

  std::span<const unsigned char> bytes_;
  uint64_t at_ = 0;
  std::string failure_;
};

}  // namespace lethe

#endif  // LETHE_WEIGHTS_GGUF_CURSOR_H_
