// Reads tensors of a .safetensors file as fp32. F32 comes bit for bit; F16 and BF16 are widened, which is exact.
#ifndef LETHE_WEIGHTS_SAFETENSORS_READER_H_
#define LETHE_WEIGHTS_SAFETENSORS_READER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "files/file.h"
#include "lethe/status.h"
#include "weights/safetensors_header.h"

namespace lethe {

class SafetensorsReader {
 public:
  // Opens path and checks its header. kMissingInput when it is not there, kBadData when it is no such file.
  Status Open(const std::string& path);

  const TensorTable& tensors() const { return tensors_; }

  // REQUIRES: Open succeeded. kBadData when there is no tensor of that name and shape, or its type is not a float that we read.
  Status Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const;
  // The same without widening: the tensor's bytes. REQUIRES: `into` is as long as they are.
  Status ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const;

 private:
  Status Find(const std::string& name, const std::vector<int64_t>& shape, const TensorEntry** entry) const;

  std::string path_;
  File file_;
  uint64_t data_start_ = 0;
  TensorTable tensors_;
};

float WidenF16(uint16_t half);
float WidenBf16(uint16_t brain);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_SAFETENSORS_READER_H_
