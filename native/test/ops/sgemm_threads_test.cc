// Products of several threads that begin at once. The library's own table of buffers is not safe for that (src/ops/cpu/sgemm.cc).
#include <vector>

#include "lethe/thread_pool.h"
#include "ops/cpu/sgemm.h"
#include "ops/reference.h"

namespace lethe {

TEST(ProductsThatBeginAtOnceHaveTheBitsOfOneAlone) {
  constexpr int64_t kRows = 24, kColumns = 160, kDepth = 384, kTiles = 4;
  const std::vector<float> a = test::Random(kRows * kDepth, 1), b = test::Random(kTiles * kColumns * kDepth, 2);
  const auto tile = [&](std::vector<float>& c, int64_t task) {
    Sgemm({.m = kRows, .n = kColumns, .k = kDepth, .a = a.data(), .transpose_a = false, .a_stride = kDepth, .b = b.data() + task * kColumns * kDepth, .transpose_b = true,
           .b_stride = kDepth, .add = false, .c = c.data() + task * kColumns, .c_stride = kTiles * kColumns});
  };
  std::vector<float> alone(kRows * kColumns * kTiles), together(alone.size());
  for (int64_t task = 0; task < kTiles; ++task) tile(alone, task);
  ThreadPool pool(4);
  int wrong = 0;
  for (int round = 0; round < 6000; ++round) {
    pool.For(kTiles, [&](int64_t task) { tile(together, task); });
    wrong += together == alone ? 0 : 1;
  }
  CHECK_EQ(wrong, 0);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
