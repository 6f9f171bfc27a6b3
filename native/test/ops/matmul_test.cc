// Products: every element of our own kernel is one chain of multiply-adds, whatever the tile; OpenBLAS's products are right; threads change no bit.
#include <bit>
#include <cmath>

#include "lethe/gemm.h"
#include "lethe/thread_pool.h"
#include "ops/cpu/run_matmul.h"
#include "ops/reference.h"

namespace lethe {
namespace {

using test::Random;

struct Shape {
  int64_t m, n, k;
};

// The chain that matmul.cc promises.
float Chain(const MatmulArgs& args, int64_t i, int64_t j, bool fused) {
  const bool grows = args.addend == args.c;
  float sum = grows ? args.addend[i * args.addend_row + j] : args.bias != nullptr ? args.bias[j] : 0.0f;
  for (int64_t p = 0; p < args.k; ++p) {
    const float a = args.a[i * args.a_row + p * args.a_column], b = args.b[p * args.b_row + j * args.b_column];
    if (fused) {
      sum = std::fma(a, b, sum);
    } else {
      const volatile float product = a * b;  // rounded by itself
      sum = sum + product;
    }
  }
  return args.addend != nullptr && !grows ? sum + args.addend[i * args.addend_row + j] : sum;
}

}  // namespace

TEST(EveryElementIsOneChainWhateverTheTile) {
  for (const test::Level& level : test::Levels()) {
    const bool fused = level.name != "generic";
    for (Shape shape : {Shape{1, 1, 1}, Shape{1, 40, 33}, Shape{7, 16, 5}, Shape{13, 33, 300}, Shape{25, 70, 64}, Shape{30, 31, 600}}) {
      for (int orientation = 0; orientation < 4; ++orientation) {
        for (int extras = 0; extras < 4; ++extras) {
          const bool ta = orientation & 1, tb = orientation & 2;
          const std::vector<float> a = Random(shape.m * shape.k, 1), b = Random(shape.n * shape.k, 2), bias = Random(shape.n, 3), addend = Random(shape.m * (shape.n + 2), 4);
          const int64_t c_row = shape.n + 3;
          std::vector<float> c(static_cast<size_t>(shape.m * c_row), 55.0f);
          const MatmulArgs args{.m = shape.m, .n = shape.n, .k = shape.k, .a = a.data(), .a_row = ta ? 1 : shape.k, .a_column = ta ? shape.m : 1, .b = b.data(),
                                .b_row = tb ? 1 : shape.n, .b_column = tb ? shape.k : 1, .c = c.data(), .c_row = c_row, .bias = extras & 1 ? bias.data() : nullptr,
                                .addend = extras & 2 ? addend.data() : nullptr, .addend_row = shape.n + 2};
          level.ops->matmul(args);
          int64_t wrong = 0;
          for (int64_t i = 0; i < shape.m; ++i) {
            for (int64_t j = 0; j < c_row; ++j) {
              const float expected = j < shape.n ? Chain(args, i, j, fused) : 55.0f;  // nothing is written beyond a row's end
              wrong += std::bit_cast<uint32_t>(c[static_cast<size_t>(i * c_row + j)]) != std::bit_cast<uint32_t>(expected);
            }
          }
          CHECK_EQ(wrong, int64_t{0});
        }
      }
    }
  }
}

TEST(AGradientGrowsByTheWholeProductHoweverDeepItIs) {
  for (const test::Level& level : test::Levels()) {
    for (Shape shape : {Shape{5, 9, 3}, Shape{13, 33, 256}, Shape{13, 33, 257}, Shape{6, 32, 1100}}) {
      const std::vector<float> a = Random(shape.m * shape.k, 1), b = Random(shape.n * shape.k, 2), before = Random(shape.m * shape.n, 3);
      std::vector<float> c = before, expected = before;
      MatmulArgs args{.m = shape.m, .n = shape.n, .k = shape.k, .a = a.data(), .a_row = 1, .a_column = shape.m, .b = b.data(), .b_row = shape.n, .b_column = 1, .c = c.data(),
                      .c_row = shape.n, .addend = c.data(), .addend_row = shape.n};
      for (int64_t i = 0; i < shape.m; ++i) {
        for (int64_t j = 0; j < shape.n; ++j) expected[static_cast<size_t>(i * shape.n + j)] = Chain(args, i, j, level.name != "generic");
      }
      level.ops->matmul(args);
      CHECK(c == expected);
    }
  }
}

TEST(LargeProductsThroughOpenBlasAgreeWithDoubleAndWithAnyNumberOfThreads) {
  const Shape shape{700, 1600, 520};  // several tiles each way
  const std::vector<float> a = Random(shape.m * shape.k, 5), b = Random(shape.k * shape.n, 6), bias = Random(shape.n, 7), addend = Random(shape.m * shape.n, 8);
  std::vector<float> first;
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    std::vector<float> c(addend.size());
    RunMatmul({.m = shape.m, .n = shape.n, .k = shape.k, .a = a.data(), .a_row = shape.k, .a_column = 1, .b = b.data(), .b_row = shape.n, .b_column = 1, .c = c.data(),
               .c_row = shape.n, .bias = bias.data(), .addend = addend.data(), .addend_row = shape.n},
              &pool);
    if (first.empty()) {
      for (int64_t i = 0; i < shape.m; i += 41) {
        for (int64_t j = 0; j < shape.n; j += 7) {
          double sum = static_cast<double>(bias[static_cast<size_t>(j)]) + static_cast<double>(addend[static_cast<size_t>(i * shape.n + j)]);
          for (int64_t p = 0; p < shape.k; ++p) sum += static_cast<double>(a[static_cast<size_t>(i * shape.k + p)]) * static_cast<double>(b[static_cast<size_t>(p * shape.n + j)]);
          CHECK_NEAR(static_cast<double>(c[static_cast<size_t>(i * shape.n + j)]), sum, 2e-5, 0);
        }
      }
      first = c;
    }
    CHECK(c == first);
  }
}

TEST(TheStartUpCheckPassesOnThisMachine) {
  ThreadPool pool(2);
  CHECK_OK(CheckGemm(&pool));
}

TEST(EveryTaskRunsOnceHoweverManyThreads) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> runs(static_cast<size_t>(round));
      pool.For(round, [&](int64_t task) { ++runs[static_cast<size_t>(task)]; });
      for (int count : runs) CHECK_EQ(count, 1);
    }
  }
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
