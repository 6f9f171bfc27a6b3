#include "train/length_batches.h"

#include "check.h"

namespace lethe {
namespace {

using Batches = std::vector<std::vector<size_t>>;

Batches Cut(const std::vector<size_t>& lengths, BatchBounds bounds) {
  return CutByLength(lengths.size(), [&](size_t i) { return lengths[i]; }, bounds);
}

}  // namespace

TEST(RowsAreTakenByLengthAndEqualOnesInTheirOrder) {
  CHECK((Cut({5, 2, 5, 1, 2}, {.sequences = 2, .tokens = 100}) == Batches{{3, 1}, {4, 0}, {2}}));
}

TEST(ABatchIsBoundedByItsPaddedTokens) {
  CHECK((Cut({3, 4, 5, 6}, {.sequences = 10, .tokens = 10}) == Batches{{0, 1}, {2}, {3}}));
}

TEST(ARowBeyondTheBoundIsABatchOfItsOwn) {
  CHECK((Cut({50, 1, 60}, {.sequences = 10, .tokens = 10}) == Batches{{1}, {0}, {2}}));
  CHECK(Cut({}, {}).empty());
}

TEST(BoundsFollowTheModel) {
  ModelSpec small{.family = Family::kLlama, .layers = 2, .width = 64, .heads = 4, .key_value_heads = 2, .feed_forward = 128, .context = 64, .vocabulary = 256};
  CHECK_EQ(ScoringBounds(small).tokens, size_t{4096});
  ModelSpec large{.family = Family::kLlama, .layers = 32, .width = 4096, .heads = 32, .key_value_heads = 32, .feed_forward = 11008, .context = 4096, .vocabulary = 32000};
  CHECK_EQ(ScoringBounds(large).tokens, size_t{512});
  CHECK_EQ(GenerationBounds(large).tokens, size_t{4096});
  large.key_value_heads = 1;  // a thirty-second of the cache
  CHECK_EQ(GenerationBounds(large).tokens, size_t{16384});
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
