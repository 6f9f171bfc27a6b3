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
  int scale = -1, offset = -1; // bytes of a block's f16 numbers: its weights are finite where these are
};

// Numbers of formats, as GGUF has them; those that our loops read by themselves have a name.
inline constexpr uint32_t kFormatF32 = 0, kFormatF16 = 1, kFormatQ4_0 = 2, kFormatQ4_1 = 3, kFormatQ8_0 = 8, kFormatBf16 = 30;

// Null for a format that we do not read.
const BlockFormat* FindBlockFormat(uint32_t id);

// The first block whose weights are not all finite numbers; `blocks` when there is none.
uint64_t FirstBlockThatIsNotFinite(const BlockFormat& format, const unsigned char* data, uint64_t blocks);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_DEQUANTIZE_H_
