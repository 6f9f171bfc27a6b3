#include "train/example_order.h"

#include <algorithm>
#include <set>

#include "check.h"

namespace lethe {

TEST(PhiloxGivesTheKnownAnswersOfItsPaper) {
  const auto zeros = Philox4x32({0, 0, 0, 0}, {0, 0});
  CHECK((zeros == std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const auto ones = Philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u});
  CHECK((ones == std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  const auto pi = Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  CHECK((pi == std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(EveryEpochHasEveryRowOnce) {
  ExampleOrder order(7, 10);
  std::vector<int64_t> batch(4), rows;
  for (int64_t step = 0; step < 10; ++step) {
    order.Batch(step, batch);
    rows.insert(rows.end(), batch.begin(), batch.end());
  }
  std::set<std::vector<int64_t>> epochs;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::vector<int64_t> part(rows.begin() + 10 * epoch, rows.begin() + 10 * (epoch + 1));
    epochs.insert(part);
    std::sort(part.begin(), part.end());
    for (int64_t row = 0; row < 10; ++row) CHECK_EQ(part[static_cast<size_t>(row)], row);
  }
  CHECK_EQ(epochs.size(), 4u);
}

TEST(ABatchDependsOnSeedAndStepAlone) {
  ExampleOrder forwards(7, 100);
  std::vector<std::vector<int64_t>> batches;
  std::vector<int64_t> batch(33);
  for (int64_t step = 0; step < 12; ++step) {
    forwards.Batch(step, batch);
    batches.push_back(batch);
  }
  for (int64_t step = 11; step >= 0; --step) {
    ExampleOrder fresh(7, 100);
    fresh.Batch(step, batch);
    CHECK(batch == batches[static_cast<size_t>(step)]);
  }
  ExampleOrder other(8, 100);
  other.Batch(0, batch);
  CHECK(batch != batches[0]);
}

TEST(ABatchMayBeLargerThanTheData) {
  ExampleOrder order(1, 3);
  std::vector<int64_t> batch(10);
  order.Batch(5, batch);
  for (const int64_t row : batch) CHECK(row >= 0 && row < 3);
  ExampleOrder single(1, 1);
  single.Batch(1'000'000'000, batch);
  for (const int64_t row : batch) CHECK_EQ(row, 0);
}

TEST(ShufflesAreUniform) {
  int counts[5][5] = {};
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    ExampleOrder order(seed, 5);
    std::vector<int64_t> batch(5);
    order.Batch(0, batch);
    for (int place = 0; place < 5; ++place) ++counts[place][batch[static_cast<size_t>(place)]];
  }
  // 1,000 expected, standard deviation 28: six of them.
  for (const auto& place : counts) {
    for (const int count : place) CHECK(count > 830 && count < 1170);
  }
}

// The order is part of every result: it may change only with a new numerics version.
TEST(TheOrderOfSeed7IsPinned) {
  ExampleOrder order(7, 8);
  std::vector<int64_t> batch(8);
  order.Batch(0, batch);
  std::string text;
  for (const int64_t row : batch) text += std::to_string(row);
  CHECK_EQ(text, "34270165");
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
