#include "lethe/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "lethe/cpu_level.h"
#include "lethe/thread_pool.h"
#include "ops/cpu/run_matmul.h"
#include "ops/cpu/sgemm.h"

namespace lethe {
namespace {

// Small numbers without a pattern that a wrong stride could reproduce.
std::vector<float> TestMatrix(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t x = seed;
  for (float& value : values) {
    x = x * 1664525u + 1013904223u;
    value = static_cast<float>(x >> 8) / 16777216.0f - 0.5f;
  }
  return values;
}

Status CheckProduct(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, ThreadPool* pool) {
  const bool ta = transpose_a == Transpose::kYes, tb = transpose_b == Transpose::kYes;
  const std::vector<float> a = TestMatrix(m * k, 1), b = TestMatrix(k * n, 2), before = TestMatrix(m * n, 3);
  std::vector<float> c = before;
  Gemm(transpose_a, transpose_b, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, 1.0f, c.data(), n, pool);
  const double tolerance = 1e-6 * (std::sqrt(static_cast<double>(k)) + 4.0);
  for (int64_t i = 0; i < m; i += std::max<int64_t>(1, m / 16)) {
    // Every 13th element, from another one in each row: all columns, rows and lanes are met at a thirteenth of the price, which every stage pays.
    for (int64_t j = i % 13; j < n; j += 13) {
      double sum = before[static_cast<size_t>(i * n + j)];
      for (int64_t p = 0; p < k; ++p) {
        sum += static_cast<double>(a[static_cast<size_t>(ta ? p * m + i : i * k + p)]) * static_cast<double>(b[static_cast<size_t>(tb ? j * k + p : p * n + j)]);
      }
      const double came = c[static_cast<size_t>(i * n + j)];
      if (!(std::abs(came - sum) <= tolerance)) {
        return Status(Code::kDevice, "expected element (" + std::to_string(i) + ", " + std::to_string(j) + ") of a " + std::to_string(m) + " x " + std::to_string(n) + " x " +
                                         std::to_string(k) + " product to be " + std::to_string(sum) + ", got " + std::to_string(came) + " from " + GemmName() +
                                         "; set OPENBLAS_CORETYPE=Haswell or LETHE_CPU_LEVEL=generic and start again");
      }
    }
  }
  return Status::Ok();
}

}  // namespace

void Gemm(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
          float* c, int64_t ldc, ThreadPool* pool) {
  const bool ta = transpose_a == Transpose::kYes, tb = transpose_b == Transpose::kYes;
  RunMatmul({.m = m, .n = n, .k = k, .a = a, .a_row = ta ? 1 : lda, .a_column = ta ? lda : 1, .b = b, .b_row = tb ? 1 : ldb, .b_column = tb ? ldb : 1, .c = c,
             .c_row = ldc, .addend = beta != 0.0f ? c : nullptr, .addend_row = ldc},
            pool);
}

Status CheckGemm(ThreadPool* pool) {
  if (!ReserveSgemmBuffers(pool->threads())) {
    return {Code::kOutOfMemory, "expected memory for the products of " + std::to_string(pool->threads()) + " threads, 128 MiB of address space each, the machine has none left; use fewer --threads"};
  }
  struct Shape { int64_t m, n, k; };
  for (Shape shape : {Shape{37, 45, 70}, Shape{20, 600, 512}}) {  // below and above the bound where OpenBLAS takes over
    for (Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        if (Status status = CheckProduct(ta, tb, shape.m, shape.n, shape.k, pool); !status.ok()) return status;
      }
    }
  }
  return Status::Ok();
}

std::string GemmName() { return std::string("openblas-") + openblas_get_corename() + "/" + Name(ActiveCpuLevel()); }

double MeasureGemm(ThreadPool* pool, double seconds) {
  constexpr int64_t kSize = 512;
  const std::vector<float> a = TestMatrix(kSize * kSize, 1), b = TestMatrix(kSize * kSize, 2);
  std::vector<float> c(kSize * kSize);
  double best = 1e30, spent = 0;
  for (int run = 0; run < 3 || spent < seconds; ++run) {
    const auto start = std::chrono::steady_clock::now();
    Gemm(Transpose::kNo, Transpose::kNo, kSize, kSize, kSize, a.data(), kSize, b.data(), kSize, 0.0f, c.data(), kSize, pool);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    spent += took;
    best = std::min(best, took);
  }
  return 2.0 * kSize * kSize * kSize / best * 1e-9;
}

}  // namespace lethe
