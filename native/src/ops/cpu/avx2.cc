// All ops for AVX2 and FMA (x86-64-v3). Standard headers come before the target is set: their functions must stay generic.
#if defined(__x86_64__)
#define LETHE_LEVEL avx2
#define LETHE_AVX2
#include <immintrin.h>

#include <cstdint>
#include <type_traits>

#include "ops/cpu/ops.h"

#pragma GCC target("avx2,fma")
#include "ops/cpu/all_ops.inc"
#include "ops/cpu/table.inc"
#endif
