// Attention of one sequence against its formula in double and finite differences of that; the cached form against the full one, bit for bit.
#include <algorithm>
#include <bit>

#include "ops/reference.h"

namespace lethe {
namespace {

using test::Random;
using test::Weighted;
using test::Widen;

AttentionShape Shape(int64_t heads, int64_t key_value_heads, int64_t head_size) {
  return {.heads = heads, .key_value_heads = key_value_heads, .head_size = head_size, .stride = (heads + 2 * key_value_heads) * head_size};
}

std::vector<double> AttentionInDouble(const std::vector<double>& qkv, const AttentionShape& shape, int64_t tokens) {
  std::vector<double> out(static_cast<size_t>(tokens * shape.heads * shape.head_size));
  const int64_t size = shape.head_size;
  for (int64_t h = 0; h < shape.heads; ++h) {
    const int64_t key = (shape.heads + h / (shape.heads / shape.key_value_heads)) * size, value = key + shape.key_value_heads * size;
    const auto at = [&](int64_t t, int64_t lane) { return qkv[static_cast<size_t>(t * shape.stride + lane)]; };
    for (int64_t t = 0; t < tokens; ++t) {
      std::vector<double> p;
      double sum = 0;
      for (int64_t s = 0; s <= t; ++s) {
        double dot = 0;
        for (int64_t d = 0; d < size; ++d) dot += at(t, h * size + d) * at(s, key + d);
        p.push_back(std::exp(dot / std::sqrt(static_cast<double>(size))));
        sum += p.back();
      }
      for (int64_t d = 0; d < size; ++d) {
        for (int64_t s = 0; s <= t; ++s) out[static_cast<size_t>((t * shape.heads + h) * size + d)] += p[static_cast<size_t>(s)] / sum * at(s, value + d);
      }
    }
  }
  return out;
}

void CheckAttention(const AttentionShape& shape, int64_t tokens) {
  const std::vector<float> qkv = Random(tokens * shape.stride, 1, 1.5), d_out = Random(tokens * shape.heads * shape.head_size, 2);
  std::vector<double> input = Widen(qkv);
  const std::vector<double> out_expected = AttentionInDouble(input, shape, tokens);
  const std::vector<double> d_expected = test::NumericalGradient(input, [&] { return Weighted(AttentionInDouble(input, shape, tokens), d_out); });
  for (const test::Level& level : test::Levels()) {
    std::vector<float> out(d_out.size()), again(d_out.size()), scratch(static_cast<size_t>(AttentionScratch(tokens)), NAN);  // what is not written must not matter
    std::vector<float> d_qkv(qkv.size(), NAN);  // overwritten
    for (int64_t head = 0; head < shape.key_value_heads; ++head) {
      level.ops->attention_forward(out.data(), scratch.data(), qkv.data(), shape, head, tokens);
      level.ops->attention_backward(d_qkv.data(), head == 0 ? again.data() : nullptr, scratch.data(), d_out.data(), qkv.data(), shape, head, tokens);
    }
    const int64_t first = shape.heads / shape.key_value_heads * shape.head_size;  // the columns of the first key head's queries
    for (int64_t t = 0; t < tokens; ++t) CHECK(std::equal(again.begin() + t * shape.heads * shape.head_size, again.begin() + t * shape.heads * shape.head_size + first, out.begin() + t * shape.heads * shape.head_size));
    const std::string name = level.name + " T=" + std::to_string(tokens) + " D=" + std::to_string(shape.head_size);
    test::CheckVector(out, out_expected, 2e-6, name + " out");
    test::CheckVector(d_qkv, d_expected, 1e-5, name + " d_qkv");
  }
}

void CheckCached(const AttentionShape& shape, int64_t tokens) {
  const std::vector<float> qkv = Random(tokens * shape.stride, 3, 1.5);
  const int64_t context = tokens + 3, row = shape.heads * shape.head_size;
  for (const test::Level& level : test::Levels()) {
    std::vector<float> full(static_cast<size_t>(tokens * row)), block(static_cast<size_t>(AttentionScratch(tokens)), NAN);
    for (int64_t head = 0; head < shape.key_value_heads; ++head) level.ops->attention_forward(full.data(), block.data(), qkv.data(), shape, head, tokens);
    const size_t plane = static_cast<size_t>(shape.key_value_heads * shape.head_size * PaddedKeys(context));
    std::vector<float> keys(plane, NAN), values(plane, NAN), scratch(static_cast<size_t>(PaddedKeys(context))), out(static_cast<size_t>(row));  // lanes never written must not matter
    for (int64_t t = 0; t < tokens; ++t) {
      const float* newest = qkv.data() + t * shape.stride;
      for (int64_t head = 0; head < shape.key_value_heads; ++head) {
        level.ops->cache_append(keys.data(), values.data(), newest, shape, head, t, context);
        level.ops->attention_cached(out.data(), scratch.data(), newest, keys.data(), values.data(), shape, head, t + 1, context);
      }
      for (int64_t c = 0; c < row; ++c) CHECK_EQ(std::bit_cast<uint32_t>(out[static_cast<size_t>(c)]), std::bit_cast<uint32_t>(full[static_cast<size_t>(t * row + c)]));
    }
  }
}

}  // namespace

TEST(AttentionAgreesWithItsFormulaAndFiniteDifferences) {
  for (int64_t tokens : {1, 2, 7, 8, 9, 17}) CheckAttention(Shape(2, 2, 8), tokens);
  CheckAttention(Shape(2, 2, 5), 9);    // a head that is no whole vector
  CheckAttention(Shape(1, 1, 44), 10);  // 32 + 8 + 4 lanes
}

TEST(GroupedHeadsShareTheirKeysAndValues) {
  CheckAttention(Shape(6, 2, 8), 9);
  CheckAttention(Shape(4, 1, 6), 12);
}

TEST(SequencesLongerThanABlockOfQueriesAgreeToo) {
  CheckAttention(Shape(1, 1, 4), 70);
  CheckAttention(Shape(2, 1, 4), 2 * kQueryBlock + 1);
}

TEST(CachedAttentionHasTheBitsOfTheFullOne) {
  CheckCached(Shape(2, 2, 8), 20);
  CheckCached(Shape(6, 2, 5), 11);
  CheckCached(Shape(2, 1, 16), 140);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
