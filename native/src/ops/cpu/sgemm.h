// OpenBLAS's sgemm for row-major matrices, safe to call from several threads at once.
#ifndef LETHE_OPS_CPU_SGEMM_H_
#define LETHE_OPS_CPU_SGEMM_H_

#include <cstdint>

namespace lethe {

struct SgemmArgs {
  int64_t m, n, k;
  const float* a;
  bool transpose_a;
  int64_t a_stride;  // between rows as stored, as the next two
  const float* b;
  bool transpose_b;
  int64_t b_stride;
  bool add;          // to what is in c
  float* c;
  int64_t c_stride;
};

// Buffers for the products of `threads` threads at once, each of 128 MiB of address space of which little is ever touched. To be called before the first product:
// OpenBLAS asks for a buffer that it lacks again and again until the system grants it. False: the system refuses one.
bool ReserveSgemmBuffers(int threads);

// C = op(A) op(B) (+ C).
void Sgemm(const SgemmArgs& args);

}  // namespace lethe

#endif  // LETHE_OPS_CPU_SGEMM_H_
