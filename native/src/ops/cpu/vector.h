// Eight lanes of fp32 on every level (GCC lowers them to two SSE registers where there is no AVX), so that sums run in the same order everywhere.
// Levels differ by fused multiply-add alone.
#ifndef LETHE_OPS_CPU_VECTOR_H_
#define LETHE_OPS_CPU_VECTOR_H_

#include <cstdint>
#if defined(LETHE_AVX2)
#include <immintrin.h>
#endif

#include "ops/cpu/level.h"

namespace lethe::LETHE_LEVEL {

constexpr int64_t kLanes = 8;
typedef float Vec __attribute__((vector_size(32), may_alias));
typedef float UnalignedVec __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t VecInt __attribute__((vector_size(32), may_alias));

LETHE_INLINE Vec Splat(float x) { return Vec{x, x, x, x, x, x, x, x}; }
LETHE_INLINE Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
LETHE_INLINE void Store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// The first n < 8 lanes from memory, the others zero.
LETHE_INLINE Vec LoadFirst(const float* p, int64_t n) {
  Vec v = Splat(0.0f);
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
LETHE_INLINE void StoreFirst(float* p, Vec v, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}

// a * b + c, fused where the level has it.
LETHE_INLINE Vec MulAdd(Vec a, Vec b, Vec c) {
#if defined(LETHE_AVX2)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

LETHE_INLINE Vec Max(Vec a, Vec b) { return a > b ? a : b; }
LETHE_INLINE Vec Min(Vec a, Vec b) { return a < b ? a : b; }

// Pairwise: ((0+4)+(2+6)) + ((1+5)+(3+7)).
LETHE_INLINE float SumLanes(Vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
LETHE_INLINE float MaxLanes(Vec v) {
  float m = v[0];
  for (int i = 1; i < 8; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

// sum += a * b, as MulAdd. Where all registers are sums, g++ 12 spills some, or reads `a` from memory once for each product: here it may not.
LETHE_INLINE void AddProduct(Vec& sum, Vec a, Vec b) {
#if defined(LETHE_AVX2)
  asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
#else
  sum = MulAdd(a, b, sum);
#endif
}

// exp(x) by x = n ln 2 + r, |r| <= ln 2 / 2, and the polynomial of degree 6 of Cephes' expf (Moshier). Measured error against double: below 1.3 ulp for
// -87.3 <= x <= 88.3. Outside, the result is that of the nearer bound: about 1e-38 and 2e38.
LETHE_INLINE Vec Exp(Vec x) {
  x = Min(Max(x, Splat(-87.3f)), Splat(88.3f));
  const Vec magic = Splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer held in the low bits
  const Vec shifted = MulAdd(x, Splat(1.44269504088896341f), magic);
  const Vec n = shifted - magic;
  Vec r = MulAdd(n, Splat(-0.693359375f), x);
  r = MulAdd(n, Splat(2.12194440e-4f), r);
  Vec p = Splat(1.9875691500e-4f);
  p = MulAdd(p, r, Splat(1.3981999507e-3f));
  p = MulAdd(p, r, Splat(8.3334519073e-3f));
  p = MulAdd(p, r, Splat(4.1665795894e-2f));
  p = MulAdd(p, r, Splat(1.6666665459e-1f));
  p = MulAdd(p, r, Splat(5.0000001201e-1f));
  p = MulAdd(p, r * r, r + Splat(1.0f));
  const VecInt exponent = (VecInt)shifted - (VecInt)magic;  // -126 .. 127
  return p * (Vec)((exponent + 127) << 23);
}

}  // namespace lethe::LETHE_LEVEL

#endif  // LETHE_OPS_CPU_VECTOR_H_
