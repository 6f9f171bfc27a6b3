// Every op is compiled once per CPU level: by itself as "generic", and inside avx2.cc and avx512.cc, which set LETHE_LEVEL and the target before they
// include it. Op files include no templates or inline functions of the standard library: compiled for AVX-512 and merged by the linker, such
// a function would crash an older CPU. The levels also set LETHE_AVX2 and LETHE_AVX512: g++ 12 does not define __FMA__ from within a file.
#ifndef LETHE_OPS_CPU_LEVEL_H_
#define LETHE_OPS_CPU_LEVEL_H_

#ifndef LETHE_LEVEL
#define LETHE_LEVEL generic
#endif

#define LETHE_INLINE static inline __attribute__((always_inline))

#endif  // LETHE_OPS_CPU_LEVEL_H_
