#include "weights/gguf_cursor.h"

namespace lethe {
namespace {

// The types of values, by their number in the file.
enum Type : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kArray, kU64, kI64, kF64, kTypes };

constexpr uint64_t kLeastBytes[kTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
constexpr int kDeepestArray = 4;

}  // namespace

uint64_t GgufCursor::TakeCount(uint64_t least_bytes, const char* what) {
  const uint64_t count = Take<uint64_t>();
  if (!ok()) return 0;
  if (count <= (bytes_.size() - at_) / least_bytes) return count;
  Fail(std::to_string(count) + " " + what + " do not fit in a file of " + std::to_string(bytes_.size()) + " bytes");
  return 0;
}

std::string GgufCursor::TakeText() {
  const uint64_t length = TakeCount(1, "characters");
  if (!ok()) return {};
  std::string text(reinterpret_cast<const char*>(bytes_.data()) + at_, length);
  at_ += length;
  return text;
}

GgufValue GgufCursor::TakeArray(int depth) {
  const uint32_t type = Take<uint32_t>();
  if (ok() && (type >= kTypes || depth >= kDeepestArray)) Fail("an array of type " + std::to_string(type) + " at depth " + std::to_string(depth));
  const uint64_t count = ok() ? TakeCount(kLeastBytes[type], "items of an array") : 0;
  if (!ok()) return GgufArray{};
  if (type == kText) {
    for (uint64_t i = 0; i < count && ok(); ++i) at_ += TakeCount(1, "characters");  // not copied: a vocabulary has many
  } else if (type == kArray) {
    for (uint64_t i = 0; i < count && ok(); ++i) TakeArray(depth + 1);
  } else {
    at_ += count * kLeastBytes[type];
  }
  return GgufArray{count};
}

GgufValue GgufCursor::TakeValue(uint32_t type, int depth) {
  switch (type) {
    case kU8: return int64_t{Take<uint8_t>()};
    case kI8: return int64_t{Take<int8_t>()};
    case kU16: return int64_t{Take<uint16_t>()};
    case kI16: return int64_t{Take<int16_t>()};
    case kU32: return int64_t{Take<uint32_t>()};
    case kI32: return int64_t{Take<int32_t>()};
    case kI64: return Take<int64_t>();
    case kF32: return static_cast<double>(Take<float>());
    case kF64: return Take<double>();
    case kText: return TakeText();
    case kArray: return TakeArray(depth);
    case kBool: return Take<uint8_t>() != 0;
    case kU64: {
      const uint64_t value = Take<uint64_t>();
      if (value > uint64_t{INT64_MAX}) Fail("an integer of " + std::to_string(value));
      return static_cast<int64_t>(value);
    }
    default: Fail("a value of unknown type " + std::to_string(type)); return int64_t{0};
  }
}

}  // namespace lethe
