// Writes fp32 tensors as one .safetensors file, hashing on the way, so that a checkpoint's manifest costs no second read.
#ifndef LETHE_WEIGHTS_SAFETENSORS_WRITER_H_
#define LETHE_WEIGHTS_SAFETENSORS_WRITER_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lethe/status.h"

namespace lethe {

// Views: the data must live until the write returns.
struct TensorView {
  std::string name;
  std::vector<int64_t> shape;
  std::span<const float> data;
};

struct WrittenFile {
  std::string sha256;
  uint64_t bytes = 0;
};

// Writes path and syncs it. The bytes depend on names, shapes and data alone.
Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors, WrittenFile* written);

// The same for tensors that exist a piece at a time: piece(i, from) is the data of tensors[i] from element `from` on, as much as there is, until the next call;
// tensors[i].data is not looked at.
using TensorPieces = std::function<std::span<const float>(size_t tensor, size_t from)>;
Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors, const TensorPieces& piece, WrittenFile* written);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_SAFETENSORS_WRITER_H_
