// The header of a .safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the tensors' bytes.
#ifndef LETHE_WEIGHTS_SAFETENSORS_HEADER_H_
#define LETHE_WEIGHTS_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lethe/status.h"

namespace lethe {

enum class TensorType { kF32, kF16, kBf16, kOther };

struct TensorEntry {
  TensorType type = TensorType::kOther;
  std::string type_name;
  std::vector<int64_t> shape;
  uint64_t begin = 0;     // from the first byte after the header
  uint64_t end = 0;
  uint64_t elements = 0;  // product of shape
};

using TensorTable = std::map<std::string, TensorEntry>;

// The longest header that we accept; the format's own reader has the same bound.
inline constexpr uint64_t kLongestHeader = 100'000'000;

// Checks everything that a later read relies on: ranges inside data_bytes, and, for the types that we read, a range as long as the shape says.
// Anything else is kBadData; `path` is for the sentence.
Status ParseTensorTable(std::string_view json, uint64_t data_bytes, const std::string& path, TensorTable* table);

std::string ShapeText(const std::vector<int64_t>& shape);  // "[2, 3]"

}  // namespace lethe

#endif  // LETHE_WEIGHTS_SAFETENSORS_HEADER_H_
