// Stored weights to fp32: into[i] = weight i of `count`, whole blocks of the format.
// The bits are those of the format's own function (weights/dequantize.h), which is called for formats that have no loop here.
#include "ops/cpu/ops.h"
#include "ops/cpu/widen.h"
#include "weights/dequantize.h"

namespace lethe::LETHE_LEVEL {
namespace decode_detail {

LETHE_INLINE void DecodeQ4(float* into, const unsigned char* block, int64_t blocks, bool has_offset) {
  const int64_t bytes = has_offset ? 20 : 18;
  for (int64_t i = 0; i < blocks; ++i, block += bytes, into += 32) {
    Vec q[4];
    FromNibbles(q, block + bytes - 16, has_offset ? 0 : 8);
    const Vec scale = Splat(OneF16(block));
    if (has_offset) {
      const Vec offset = Splat(OneF16(block + 2));
      for (int v = 0; v < 4; ++v) Store(into + 8 * v, scale * q[v] + offset);
    } else {
      for (int v = 0; v < 4; ++v) Store(into + 8 * v, scale * q[v]);
    }
  }
}

}  // namespace decode_detail

void Decode(float* into, const BlockFormat& format, const unsigned char* data, int64_t count) {
  using namespace decode_detail;
  const int64_t blocks = count / format.elements;
  const int64_t whole = count / kLanes * kLanes;
  int64_t done = 0;
  switch (format.id) {
    case kFormatF32:
      __builtin_memcpy(into, data, static_cast<unsigned long>(count) * sizeof(float));
      return;
    case kFormatBf16:
      for (; done < whole; done += kLanes) Store(into + done, FromBf16(data + 2 * done));
      break;
    case kFormatF16:
      for (; done < whole; done += kLanes) Store(into + done, FromF16(data + 2 * done));
      break;
    case kFormatQ4_0:
      return DecodeQ4(into, data, blocks, false);
    case kFormatQ4_1:
      return DecodeQ4(into, data, blocks, true);
    case kFormatQ8_0:
      for (; done < count; done += 32, data += 34) {
        const Vec scale = Splat(OneF16(data));
        for (int v = 0; v < 4; ++v) Store(into + done + 8 * v, scale * FromInt8(data + 2 + 8 * v));
      }
      return;
    default:
      break;
  }
  for (int64_t block = done / format.elements; block < blocks; ++block) format.dequantize(data + block * format.bytes, into + block * format.elements);
}

}  // namespace lethe::LETHE_LEVEL
