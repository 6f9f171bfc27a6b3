#include "model/stored_tensor.h"

#include <bit>
#include <cstring>
#include <string>

#include "ops/cpu/ops.h"

namespace lethe {
namespace {

// To the nearest, ties to even. Numbers that are none stay so.
uint16_t RoundToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

}  // namespace

Status StoredTensor::Allocate(const BlockFormat& format, std::span<unsigned char>* bytes) {
  bytes_.reset();
  format_ = &format;
  const size_t count = static_cast<size_t>(rows_ * row_bytes());
  constexpr size_t kLine = 64;
  bytes_.reset(static_cast<unsigned char*>(std::aligned_alloc(kLine, (count + kLine - 1) / kLine * kLine)));
  if (bytes_ == nullptr) return {Code::kOutOfMemory, "expected " + std::to_string(count) + " bytes for frozen weights, the machine has no memory left; keep them in a smaller form"};
  *bytes = {bytes_.get(), count};
  return Status::Ok();
}

Status StoredTensor::Keep(std::span<const float> values) {
  std::span<unsigned char> bytes;
  if (Status s = Allocate(*FindBlockFormat(form_ == FrozenForm::kBf16 ? kFormatBf16 : kFormatF32), &bytes); !s.ok()) return s;
  if (form_ != FrozenForm::kBf16) {
    std::memcpy(bytes.data(), values.data(), values.size_bytes());
    return Status::Ok();
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t rounded = RoundToBf16(values[i]);
    std::memcpy(bytes.data() + 2 * i, &rounded, sizeof(rounded));
  }
  return Status::Ok();
}

void StoredTensor::Decode(int64_t first, int64_t count, float* into) const { ActiveOps().decode(into, *format_, row(first), count * columns_); }

}  // namespace lethe
