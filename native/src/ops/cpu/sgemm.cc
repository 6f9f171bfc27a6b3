#include "ops/cpu/sgemm.h"

#include <cblas.h>
#include <sys/mman.h>

#include <mutex>
#include <vector>

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
namespace {

constexpr size_t kBufferBytes = size_t{128} << 20;  // what OpenBLAS maps at once on x86-64; elsewhere it is less

bool IsGranted(size_t bytes) {
  void* const piece = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return piece != MAP_FAILED && ::munmap(piece, bytes) == 0;
}

}  // namespace

bool ReserveSgemmBuffers(int threads) {
  // Held all at once, so that the table comes to have as many; it keeps what is given back.
  std::vector<void*> held;
  while (static_cast<int>(held.size()) < threads && IsGranted(kBufferBytes)) held.push_back(__wrap_blas_memory_alloc(0));
  for (void* buffer : held) __wrap_blas_memory_free(buffer);
  return static_cast<int>(held.size()) >= threads;
}

void Sgemm(const SgemmArgs& args) {
  cblas_sgemm(CblasRowMajor, args.transpose_a ? CblasTrans : CblasNoTrans, args.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(args.m),
              static_cast<int>(args.n), static_cast<int>(args.k), 1.0f, args.a, static_cast<int>(args.a_stride), args.b, static_cast<int>(args.b_stride),
              args.add ? 1.0f : 0.0f, args.c, static_cast<int>(args.c_stride));
}

}  // namespace lethe
