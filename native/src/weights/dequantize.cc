// q: the stored integer, d: the block's scale, m: its offset (both f16).
#include "weights/dequantize.h"

#include <cstring>

#include "weights/safetensors_reader.h"

namespace lethe {
namespace {

uint16_t Load16(const unsigned char* at) {
  uint16_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

uint32_t Load32(const unsigned char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

float Half(const unsigned char* at) { return WidenF16(Load16(at)); }
float Signed(unsigned char byte) { return static_cast<float>(static_cast<signed char>(byte)); }

void F32(const unsigned char* block, float* into) { std::memcpy(into, block, sizeof(float)); }
void F16(const unsigned char* block, float* into) { *into = Half(block); }
void Bf16(const unsigned char* block, float* into) { *into = WidenBf16(Load16(block)); }

// 32 weights; the low nibbles hold the first 16, the high ones the last. d (q - 8)
void Q4_0(const unsigned char* block, float* into) {
  const float d = Half(block);
  for (int i = 0; i < 16; ++i) {
    into[i] = d * static_cast<float>((block[2 + i] & 15) - 8);
    into[i + 16] = d * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

// d q + m
void Q4_1(const unsigned char* block, float* into) {
  const float d = Half(block), m = Half(block + 2);
  for (int i = 0; i < 16; ++i) {
    into[i] = d * static_cast<float>(block[4 + i] & 15) + m;
    into[i + 16] = d * static_cast<float>(block[4 + i] >> 4) + m;
  }
}

// Nibbles as above; bit i of a word is the fifth bit of weight i. d (q - 16)
void Q5_0(const unsigned char* block, float* into) {
  const float d = Half(block);
  const uint32_t fifth = Load32(block + 2);
  for (int i = 0; i < 16; ++i) {
    into[i] = d * static_cast<float>(static_cast<int>((block[6 + i] & 15u) | (fifth >> i & 1) << 4) - 16);
    into[i + 16] = d * static_cast<float>(static_cast<int>((block[6 + i] >> 4) | (fifth >> (i + 16) & 1) << 4) - 16);
  }
}

// d q + m
void Q5_1(const unsigned char* block, float* into) {
  const float d = Half(block), m = Half(block + 2);
  const uint32_t fifth = Load32(block + 4);
  for (int i = 0; i < 16; ++i) {
    into[i] = d * static_cast<float>((block[8 + i] & 15u) | (fifth >> i & 1) << 4) + m;
    into[i + 16] = d * static_cast<float>((block[8 + i] >> 4) | (fifth >> (i + 16) & 1) << 4) + m;
  }
}

void Q8_0(const unsigned char* block, float* into) {
  const float d = Half(block);
  for (int i = 0; i < 32; ++i) into[i] = d * Signed(block[2 + i]);
}

// The K formats: 256 weights in eight groups of 32, each with a scale and an offset of six bits, packed in 12 bytes.
struct GroupScale {
  float scale, offset;
};

GroupScale UnpackScale(const unsigned char* packed, int group) {
  if (group < 4) return {static_cast<float>(packed[group] & 63), static_cast<float>(packed[group + 4] & 63)};
  const unsigned char low = packed[group + 4];
  return {static_cast<float>((low & 15) | (packed[group - 4] >> 6) << 4), static_cast<float>((low >> 4) | (packed[group] >> 6) << 4)};
}

// (d scale) q - (dmin offset); groups 2j and 2j + 1 are the low and high nibbles of the same 32 bytes.
void Q4_K(const unsigned char* block, float* into) {
  const float d = Half(block), dmin = Half(block + 2);
  for (int group = 0; group < 8; ++group) {
    const GroupScale unpacked = UnpackScale(block + 4, group);
    const float scale = d * unpacked.scale, offset = dmin * unpacked.offset;
    const unsigned char* nibbles = block + 16 + group / 2 * 32;
    for (int i = 0; i < 32; ++i) into[32 * group + i] = scale * static_cast<float>(group % 2 == 0 ? nibbles[i] & 15 : nibbles[i] >> 4) - offset;
  }
}

// The same with a fifth bit: bit `group` of 32 bytes.
void Q5_K(const unsigned char* block, float* into) {
  const float d = Half(block), dmin = Half(block + 2);
  const unsigned char* fifth = block + 16;
  for (int group = 0; group < 8; ++group) {
    const GroupScale unpacked = UnpackScale(block + 4, group);
    const float scale = d * unpacked.scale, offset = dmin * unpacked.offset;
    const unsigned char* nibbles = block + 48 + group / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int q = (group % 2 == 0 ? nibbles[i] & 15 : nibbles[i] >> 4) | (fifth[i] >> group & 1) << 4;
      into[32 * group + i] = scale * static_cast<float>(q) - offset;
    }
  }
}

// (d scale) (q - 32) with a scale of eight bits for 16 weights. In each half of 128: four groups of 32, whose low four bits are the low nibbles of
// bytes 0-31 and 32-63, then the high nibbles of the same; their upper two bits are bit pairs of 32 further bytes.
void Q6_K(const unsigned char* block, float* into) {
  const float d = Half(block + 208);
  for (int half = 0; half < 2; ++half) {
    const unsigned char* low = block + 64 * half;
    const unsigned char* high = block + 128 + 32 * half;
    const unsigned char* scales = block + 192 + 8 * half;
    for (int group = 0; group < 4; ++group) {
      for (int i = 0; i < 32; ++i) {
        const unsigned char byte = low[32 * (group % 2) + i];
        const int q = (group < 2 ? byte & 15 : byte >> 4) | (high[i] >> 2 * group & 3) << 4;
        into[128 * half + 32 * group + i] = d * Signed(scales[2 * group + i / 16]) * static_cast<float>(q - 32);
      }
    }
  }
}

constexpr BlockFormat kFormats[] = {{kFormatF32, "F32", 1, 4, F32},
                                    {kFormatF16, "F16", 1, 2, F16, 0},
                                    {kFormatQ4_0, "Q4_0", 32, 18, Q4_0, 0},
                                    {kFormatQ4_1, "Q4_1", 32, 20, Q4_1, 0, 2},
                                    {6, "Q5_0", 32, 22, Q5_0, 0},
                                    {7, "Q5_1", 32, 24, Q5_1, 0, 2},
                                    {kFormatQ8_0, "Q8_0", 32, 34, Q8_0, 0},
                                    {12, "Q4_K", 256, 144, Q4_K, 0, 2},
                                    {13, "Q5_K", 256, 176, Q5_K, 0, 2},
                                    {14, "Q6_K", 256, 210, Q6_K, 208},
                                    {kFormatBf16, "BF16", 1, 2, Bf16}};

bool IsFiniteHalf(const unsigned char* at) { return (Load16(at) & 0x7c00) != 0x7c00; }

}  // namespace

const BlockFormat* FindBlockFormat(uint32_t id) {
  for (const BlockFormat& format : kFormats) {
    if (format.id == id) return &format;
  }
  return nullptr;
}

uint64_t FirstBlockThatIsNotFinite(const BlockFormat& format, const unsigned char* data, uint64_t blocks) {
  for (uint64_t i = 0; i < blocks; ++i, data += format.bytes) {
    bool finite = true;
    if (format.id == kFormatF32) finite = (Load32(data) & 0x7f800000) != 0x7f800000;
    if (format.id == kFormatBf16) finite = (Load16(data) & 0x7f80) != 0x7f80;
    if (format.scale >= 0) finite = IsFiniteHalf(data + format.scale);
    if (format.offset >= 0) finite = finite && IsFiniteHalf(data + format.offset);
    if (!finite) return i;
  }
  return blocks;
}

}  // namespace lethe
