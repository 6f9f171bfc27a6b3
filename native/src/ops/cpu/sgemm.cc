#include "ops/cpu/sgemm.h"

#include <cblas.h>

#include <mutex>

// The single-threaded OpenBLAS takes the buffers of a call from a table that it does not lock: two calls that begin at once may be given the same buffer,
// and both products are wrong. The linker sends its two functions here (CMakeLists.txt, --wrap); the table is all that calls share.
extern "C" {
void* __real_blas_memory_alloc(int position);
void __real_blas_memory_free(void* buffer);

namespace {

std::mutex& TableMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void* __wrap_blas_memory_alloc(int position) {
  const std::lock_guard lock(TableMutex());
  return __real_blas_memory_alloc(position);
}

void __wrap_blas_memory_free(void* buffer) {
  const std::lock_guard lock(TableMutex());
  __real_blas_memory_free(buffer);
}
}

namespace lethe {

void Sgemm(const SgemmArgs& args) {
  cblas_sgemm(CblasRowMajor, args.transpose_a ? CblasTrans : CblasNoTrans, args.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(args.m),
              static_cast<int>(args.n), static_cast<int>(args.k), 1.0f, args.a, static_cast<int>(args.a_stride), args.b, static_cast<int>(args.b_stride),
              args.add ? 1.0f : 0.0f, args.c, static_cast<int>(args.c_stride));
}

}  // namespace lethe
