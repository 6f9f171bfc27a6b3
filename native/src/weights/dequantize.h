// The number formats of GGUF tensors, block by block, to fp32. A product and a sum are rounded one after the other, as the format's reference
// implementation in numpy does: the results are the same bits.
#ifndef LETHE_WEIGHTS_DEQUANTIZE_H_
#define LETHE_WEIGHTS_DEQUANTIZE_H_

#include <cstdint>

namespace lethe {

struct BlockFormat {
  uint32_t id = 0;             // in the file
  const char* name = "";
  uint32_t elements = 1;       // of a block
  uint32_t bytes = 0;          // of a block
  void (*dequantize)(const unsigned char* block, float* into) = nullptr;
};

// Null for a format that we do not read.
const BlockFormat* FindBlockFormat(uint32_t id);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_DEQUANTIZE_H_
