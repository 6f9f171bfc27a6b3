// Weights in narrower number formats to eight lanes of fp32: the same bits as weights/dequantize.cc gives, on every level.
#ifndef LETHE_OPS_CPU_WIDEN_H_
#define LETHE_OPS_CPU_WIDEN_H_

#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

typedef uint32_t VecBits __attribute__((vector_size(32), may_alias));

// Eight unsigned 16-bit numbers.
LETHE_INLINE VecBits LoadHalves(const unsigned char* from) {
#if defined(LETHE_AVX2)
  return (VecBits)_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  uint16_t halves[8];
  __builtin_memcpy(halves, from, sizeof(halves));
  VecBits bits;
  for (int i = 0; i < 8; ++i) bits[i] = halves[i];
  return bits;
#endif
}

LETHE_INLINE Vec FromBf16(const unsigned char* from) { return (Vec)(LoadHalves(from) << 16); }

// Exponent and fraction of a half, moved to those of a float, are 2^-112 of its value; subnormals too, since a float's are scaled exactly.
LETHE_INLINE Vec FromF16(const unsigned char* from) {
  const VecBits half = LoadHalves(from);
  const Vec magnitude = (Vec)((half & 0x7fffu) << 13) * Splat(0x1p112f);
  return (Vec)((VecBits)magnitude | (half & 0x8000u) << 16);
}

LETHE_INLINE float OneF16(const unsigned char* from) {
  uint16_t half;
  __builtin_memcpy(&half, from, sizeof(half));
  const uint32_t bits = (half & 0x7fffu) << 13;
  float magnitude;
  __builtin_memcpy(&magnitude, &bits, sizeof(bits));
  magnitude *= 0x1p112f;
  return (half & 0x8000u) != 0 ? -magnitude : magnitude;
}

LETHE_INLINE Vec FromInt8(const unsigned char* from) {
#if defined(LETHE_AVX2)
  return (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
#else
  Vec v;
  for (int i = 0; i < 8; ++i) v[i] = static_cast<float>(static_cast<signed char>(from[i]));
  return v;
#endif
}

// 16 bytes of nibbles, less `bias`: the low ones are the first 16 numbers, the high ones the last.
LETHE_INLINE void FromNibbles(Vec out[4], const unsigned char* from, int bias) {
#if defined(LETHE_AVX2)
  const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), mask = _mm_set1_epi8(15), less = _mm_set1_epi8(static_cast<char>(bias));
  const __m128i low = _mm_sub_epi8(_mm_and_si128(both, mask), less), high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(both, 4), mask), less);
  out[0] = (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low));
  out[1] = (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(low, 8)));
  out[2] = (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high));
  out[3] = (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(high, 8)));
#else
  for (int i = 0; i < 16; ++i) {
    out[i / 8][i % 8] = static_cast<float>((from[i] & 15) - bias);
    out[2 + i / 8][i % 8] = static_cast<float>((from[i] >> 4) - bias);
  }
#endif
}

// The low or high nibbles of eight bytes, less `bias`.
LETHE_INLINE Vec FromEightNibbles(const unsigned char* from, bool high, int bias) {
#if defined(LETHE_AVX2)
  __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  if (high) bytes = _mm_srli_epi16(bytes, 4);
  bytes = _mm_and_si128(bytes, _mm_set1_epi8(15));
  if (bias != 0) bytes = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(bias)));
  return (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
#else
  Vec v;
  for (int i = 0; i < 8; ++i) v[i] = static_cast<float>((high ? from[i] >> 4 : from[i] & 15) - bias);
  return v;
#endif
}

}  // namespace lethe::LETHE_LEVEL

#endif  // LETHE_OPS_CPU_WIDEN_H_
