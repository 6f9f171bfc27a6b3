#include "weights/safetensors_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lethe {

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian and copied as they are");

Status SafetensorsReader::Open(const std::string& path) {
  path_ = path;
  uint64_t bytes = 0;
  if (Status s = OpenForReading(path, &file_, &bytes); !s.ok()) return s;
  uint64_t header_bytes = 0;
  if (bytes < sizeof(header_bytes)) return {Code::kBadData, "bad safetensors file " + path + ": only " + std::to_string(bytes) + " bytes"};
  if (Status s = ReadAt(file_, path, 0, &header_bytes, sizeof(header_bytes)); !s.ok()) return s;
  if (header_bytes > kLongestHeader || header_bytes > bytes - sizeof(header_bytes)) {
    return {Code::kBadData, "bad safetensors file " + path + ": a header of " + std::to_string(header_bytes) + " bytes in a file of " + std::to_string(bytes)};
  }
  std::string header(header_bytes, '\0');
  if (Status s = ReadAt(file_, path, sizeof(header_bytes), header.data(), header.size()); !s.ok()) return s;
  data_start_ = sizeof(header_bytes) + header_bytes;
  return ParseTensorTable(header, bytes - data_start_, path, &tensors_);
}

Status SafetensorsReader::Find(const std::string& name, const std::vector<int64_t>& shape, const TensorEntry** entry) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return {Code::kBadData, "expected tensor " + name + " in " + path_ + ", which does not have it"};
  *entry = &found->second;
  if ((*entry)->shape != shape) {
    return {Code::kBadData, "expected tensor " + name + " of shape " + ShapeText(shape) + " in " + path_ + ", found " + ShapeText((*entry)->shape)};
  }
  if ((*entry)->type != TensorType::kOther) return Status::Ok();
  return {Code::kBadData, "expected tensor " + name + " in " + path_ + " as F32, F16 or BF16, found " + (*entry)->type_name};
}

Status SafetensorsReader::ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const {
  const TensorEntry* entry = nullptr;
  if (Status s = Find(name, shape, &entry); !s.ok()) return s;
  if (entry->end - entry->begin != into.size()) return {Code::kInternal, "a buffer of " + std::to_string(into.size()) + " bytes for tensor " + name};
  return ReadAt(file_, path_, data_start_ + entry->begin, into.data(), into.size());
}

Status SafetensorsReader::Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const {
  const TensorEntry* found = nullptr;
  if (Status s = Find(name, shape, &found); !s.ok()) return s;
  const TensorEntry& entry = *found;
  if (entry.elements != into.size()) return {Code::kInternal, "a buffer of " + std::to_string(into.size()) + " floats for tensor " + name};
  if (entry.type == TensorType::kF32) return ReadAt(file_, path_, data_start_ + entry.begin, into.data(), into.size_bytes());

  std::vector<uint16_t> narrow(std::min<size_t>(into.size(), 1 << 20));
  for (size_t done = 0; done < into.size();) {
    const size_t count = std::min(narrow.size(), into.size() - done);
    if (Status s = ReadAt(file_, path_, data_start_ + entry.begin + 2 * done, narrow.data(), 2 * count); !s.ok()) return s;
    for (size_t i = 0; i < count; ++i) into[done + i] = entry.type == TensorType::kF16 ? WidenF16(narrow[i]) : WidenBf16(narrow[i]);
    done += count;
  }
  return Status::Ok();
}

float WidenBf16(uint16_t brain) { return std::bit_cast<float>(uint32_t{brain} << 16); }

float WidenF16(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15 << 31;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = std::ldexp(static_cast<float>(fraction), -24);  // subnormal
  return sign != 0 ? -magnitude : magnitude;
}

}  // namespace lethe
