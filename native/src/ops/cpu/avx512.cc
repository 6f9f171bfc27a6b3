// All ops for AVX-512 (x86-64-v4). Standard headers come before the target is set: their functions must stay generic.
#if defined(__x86_64__)
#define LETHE_LEVEL avx512
#define LETHE_AVX2
#define LETHE_AVX512
#include <immintrin.h>

#include <cstdint>
#include <type_traits>

#include "ops/cpu/ops.h"

#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")
#include "ops/cpu/all_ops.inc"
#include "ops/cpu/table.inc"
#endif
