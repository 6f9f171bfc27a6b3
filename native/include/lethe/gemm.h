// Matrix products: C = beta * C + op(A) * op(B), row-major, fp32. Bits depend on the shape and the CPU level, never on the number of threads.
#ifndef LETHE_GEMM_H_
#define LETHE_GEMM_H_

#include <cstdint>
#include <string>

#include "lethe/status.h"

namespace lethe {

class ThreadPool;

enum class Transpose { kNo, kYes };

// op(A) is [m, k], op(B) is [k, n], C is [m, n]; lda, ldb, ldc are the row strides of the matrices as stored. beta is 0 (C is overwritten) or 1 (added to).
void Gemm(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
          float beta, float* c, int64_t ldc, ThreadPool* pool);

// Compares products of all orientations, through every path of Gemm, with a plain double loop. To be called once at start-up (about 10 ms):
// a library that misreads this CPU must stop the trainer, not spoil a run. Takes the library's buffers before.
// Errors: kDevice, kOutOfMemory.
Status CheckGemm(ThreadPool* pool);

// Name of the BLAS core and of our own kernels' level, such as "openblas-Zen/avx2": part of the numerics tuple.
std::string GemmName();

// Best rate in GFLOP/s of a 512 x 512 x 512 product, timed for about `seconds`.
double MeasureGemm(ThreadPool* pool, double seconds);

}  // namespace lethe

#endif  // LETHE_GEMM_H_
