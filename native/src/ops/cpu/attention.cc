// Causal self-attention of one sequence, heads sharing keys and values in groups (Vaswani et al. 2017; Ainslie et al. 2023, "GQA").
// Rows of qkv are [ H*D queries | Hkv*D keys | Hkv*D values ]; query head h reads key head h / (H / Hkv).
//   forward:  P[h] = softmax over s <= t of Q[h][t] . K[s] / sqrt(D), out[t, h] = sum over s <= t of P[h][t, s] V[s]; out [T, H*D]
//   backward: P again, then dV[s] = sum over t of P[t, s] dO[t]; dP[t, s] = dO[t] . V[s]; dS = P * (dP - sum over s of P * dP) / sqrt(D);
//             dQ[t] = sum over s of dS[t, s] K[s]; dK[s] = sum over t of dS[t, s] Q[t]. The key head's and its queries' columns of d_qkv are overwritten.
//             With `out` the forward's output comes again too.
//   cached:   the forward for one new token: key_cache [Hkv, D, context] holds keys transposed, value_cache [Hkv, context, D]; scratch [context padded].
//             Context is padded to whole vectors.
//
// A block of queries runs against all keys up to its own: nothing of [T, T] is kept, as in Rabe & Staats 2021, "Self-attention does not need O(n^2) memory".
// The products are matmul.cc's: one chain of multiply-adds per element, in ascending order. Probabilities above the diagonal are exact zeros and change no
// chain, so a row depends on neither block nor neighbours, and cached and full forward give the same bits.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void Matmul(const MatmulArgs& args);

namespace attention_detail {

// Lanes of `v` at key begin .. begin + 7; keys >= limit become `other`.
LETHE_INLINE Vec MaskKeys(Vec v, int64_t begin, int64_t limit, float other) {
  const VecInt key = VecInt{0, 1, 2, 3, 4, 5, 6, 7} + static_cast<int32_t>(begin);
  return key < static_cast<int32_t>(limit) ? v : Splat(other);
}

// out[s] = sum over d of x[d] * transposed[d * row + s] for whole vectors that cover s < keys.
LETHE_INLINE void DotKeys(float* out, const float* x, const float* transposed, int64_t row, int64_t head_size, int64_t keys) {
  int64_t s = 0;
  for (; s + 3 * kLanes < keys; s += 4 * kLanes) {  // four vectors at once, then two
    Vec sum[4] = {Splat(0.0f), Splat(0.0f), Splat(0.0f), Splat(0.0f)};
    for (int64_t d = 0; d < head_size; ++d) {
      const Vec xd = Splat(x[d]);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] = MulAdd(xd, Load(transposed + d * row + s + v * kLanes), sum[v]);
    }
    for (int v = 0; v < 4; ++v) Store(out + s + v * kLanes, sum[v]);
  }
  for (; s + kLanes < keys; s += 2 * kLanes) {
    Vec sum0 = Splat(0.0f), sum1 = Splat(0.0f);
    for (int64_t d = 0; d < head_size; ++d) {
      const Vec xd = Splat(x[d]);
      sum0 = MulAdd(xd, Load(transposed + d * row + s), sum0);
      sum1 = MulAdd(xd, Load(transposed + d * row + s + kLanes), sum1);
    }
    Store(out + s, sum0);
    Store(out + s + kLanes, sum1);
  }
  if (s < keys) {
    Vec sum = Splat(0.0f);
    for (int64_t d = 0; d < head_size; ++d) sum = MulAdd(Splat(x[d]), Load(transposed + d * row + s), sum);
    Store(out + s, sum);
  }
}

// y = sum over i < count of weight[i] * x[i * x_row ..], head_size lanes.
template <int kVectors>
LETHE_INLINE void WeightedSumPart(float* y, const float* weight, const float* x, int64_t x_row, int64_t count) {
  Vec sum[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) sum[v] = Splat(0.0f);
  for (int64_t i = 0; i < count; ++i) {
    const Vec w = Splat(weight[i]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = MulAdd(w, Load(x + i * x_row + v * kLanes), sum[v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) Store(y + v * kLanes, sum[v]);
}

LETHE_INLINE void WeightedSum(float* y, const float* weight, const float* x, int64_t x_row, int64_t count, int64_t head_size) {
  int64_t d = 0;
  for (; d + 4 * kLanes <= head_size; d += 4 * kLanes) WeightedSumPart<4>(y + d, weight, x + d, x_row, count);
  for (; d + 2 * kLanes <= head_size; d += 2 * kLanes) WeightedSumPart<2>(y + d, weight, x + d, x_row, count);
  for (; d + kLanes <= head_size; d += kLanes) WeightedSumPart<1>(y + d, weight, x + d, x_row, count);
  for (; d < head_size; ++d) {
    Vec sum = Splat(0.0f);  // a lane of a vector, so that every level fuses as above
    for (int64_t i = 0; i < count; ++i) sum = MulAdd(Splat(weight[i]), Splat(x[i * x_row + d]), sum);
    y[d] = sum[0];
  }
}

// Softmax of scale * p[0 .. keys) in place; lanes up to the padding become 0. Rows sum to 1 up to rounding.
LETHE_INLINE void Softmax(float* p, float scale, int64_t keys, int64_t padded) {
  Vec largest = Splat(-3e38f);
  int64_t s = 0;
  for (; s < keys; s += kLanes) largest = Max(largest, MaskKeys(Load(p + s) * scale, s, keys, -3e38f));
  const float top = MaxLanes(largest);
  Vec sum = Splat(0.0f);
  for (s = 0; s < keys; s += kLanes) {
    const Vec e = MaskKeys(Exp(Load(p + s) * scale - top), s, keys, 0.0f);
    sum += e;
    Store(p + s, e);
  }
  const float inverse = 1.0f / SumLanes(sum);
  for (s = 0; s < keys; s += kLanes) Store(p + s, Load(p + s) * inverse);
  for (; s < padded; s += kLanes) Store(p + s, Splat(0.0f));
}

// Where one query head and its key head lie in a row of queries, keys and values.
struct Head {
  int64_t query, key, value;
};

LETHE_INLINE Head HeadOf(const AttentionShape& shape, int64_t query_head) {
  const int64_t key = (shape.heads + query_head / (shape.heads / shape.key_value_heads)) * shape.head_size;
  return {query_head * shape.head_size, key, key + shape.key_value_heads * shape.head_size};
}

// P of queries [begin, begin + count) against keys [0, begin + count), rows `padded` apart.
LETHE_INLINE void Probabilities(float* p, const float* qkv, const AttentionShape& shape, const Head& head, int64_t begin, int64_t count, int64_t padded) {
  const int64_t keys = begin + count;
  Matmul({.m = count, .n = keys, .k = shape.head_size, .a = qkv + begin * shape.stride + head.query, .a_row = shape.stride, .a_column = 1, .b = qkv + head.key, .b_row = 1,
          .b_column = shape.stride, .c = p, .c_row = padded});
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(shape.head_size));
  for (int64_t t = 0; t < count; ++t) Softmax(p + t * padded, scale, begin + t + 1, PaddedKeys(keys));
}

// out of those queries = P V.
LETHE_INLINE void Mix(float* out, const float* p, const float* qkv, const AttentionShape& shape, const Head& head, int64_t begin, int64_t count, int64_t padded) {
  const int64_t row = shape.heads * shape.head_size;
  Matmul({.m = count, .n = shape.head_size, .k = begin + count, .a = p, .a_row = padded, .a_column = 1, .b = qkv + head.value, .b_row = shape.stride, .b_column = 1,
          .c = out + begin * row + head.query, .c_row = row});
}

}  // namespace attention_detail

void AttentionForward(float* out, float* scratch, const float* qkv, const AttentionShape& shape, int64_t key_head, int64_t tokens) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, padded = PaddedKeys(tokens);
  for (int64_t h = key_head * group; h < (key_head + 1) * group; ++h) {
    const Head head = HeadOf(shape, h);
    for (int64_t begin = 0; begin < tokens; begin += kQueryBlock) {
      const int64_t count = tokens - begin < kQueryBlock ? tokens - begin : kQueryBlock;
      Probabilities(scratch, qkv, shape, head, begin, count, padded);
      Mix(out, scratch, qkv, shape, head, begin, count, padded);
    }
  }
}

void AttentionBackward(float* d_qkv, float* out, float* scratch, const float* d_out, const float* qkv, const AttentionShape& shape, int64_t key_head, int64_t tokens) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, size = shape.head_size, padded = PaddedKeys(tokens), stride = shape.stride;
  const int64_t out_row = shape.heads * size;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  float* const p = scratch;
  float* const ds = scratch + kQueryBlock * padded;
  const Head first = HeadOf(shape, key_head * group);
  for (int64_t s = 0; s < tokens; ++s) {
    for (int64_t d = 0; d < size; ++d) d_qkv[s * stride + first.key + d] = d_qkv[s * stride + first.value + d] = 0.0f;
  }
  for (int64_t h = key_head * group; h < (key_head + 1) * group; ++h) {
    const Head head = HeadOf(shape, h);
    for (int64_t begin = 0; begin < tokens; begin += kQueryBlock) {
      const int64_t count = tokens - begin < kQueryBlock ? tokens - begin : kQueryBlock, keys = begin + count;
      const float* up = d_out + begin * out_row + head.query;
      Probabilities(p, qkv, shape, head, begin, count, padded);
      if (out != nullptr) Mix(out, p, qkv, shape, head, begin, count, padded);
      Matmul({.m = count, .n = keys, .k = size, .a = up, .a_row = out_row, .a_column = 1, .b = qkv + head.value, .b_row = 1, .b_column = stride, .c = ds, .c_row = padded});
      for (int64_t i = 0; i < count; ++i) {
        const float* pt = p + i * padded;
        float* dst = ds + i * padded;
        Vec sum = Splat(0.0f);
        for (int64_t s = 0; s <= begin + i; s += kLanes) sum = MulAdd(Load(pt + s), MaskKeys(Load(dst + s), s, begin + i + 1, 0.0f), sum);
        const float mean = SumLanes(sum);
        for (int64_t s = 0; s < keys; s += kLanes) Store(dst + s, Load(pt + s) * (Load(dst + s) - mean) * scale);
      }
      Matmul({.m = count, .n = size, .k = keys, .a = ds, .a_row = padded, .a_column = 1, .b = qkv + head.key, .b_row = stride, .b_column = 1,
              .c = d_qkv + begin * stride + head.query, .c_row = stride});
      float* const d_key = d_qkv + head.key;
      float* const d_value = d_qkv + head.value;
      Matmul({.m = keys, .n = size, .k = count, .a = ds, .a_row = 1, .a_column = padded, .b = qkv + begin * stride + head.query, .b_row = stride, .b_column = 1, .c = d_key,
              .c_row = stride, .addend = d_key, .addend_row = stride});
      Matmul({.m = keys, .n = size, .k = count, .a = p, .a_row = 1, .a_column = padded, .b = up, .b_row = out_row, .b_column = 1, .c = d_value, .c_row = stride,
              .addend = d_value, .addend_row = stride});
    }
  }
}

void CacheAppend(float* key_cache, float* value_cache, const float* qkv, const AttentionShape& shape, int64_t key_head, int64_t position, int64_t context) {
  const int64_t size = shape.head_size, padded = PaddedKeys(context);
  const float* key = qkv + (shape.heads + key_head) * size;
  const float* value = key + shape.key_value_heads * size;
  for (int64_t d = 0; d < size; ++d) key_cache[(key_head * size + d) * padded + position] = key[d];
  for (int64_t d = 0; d < size; ++d) value_cache[(key_head * padded + position) * size + d] = value[d];
}

// The query heads of one key head. `tokens` are in the cache, the newest last; qkv is the row of the newest.
void AttentionCached(float* out, float* scratch, const float* qkv, const float* key_cache, const float* value_cache, const AttentionShape& shape,
                     int64_t key_head, int64_t tokens, int64_t context) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, size = shape.head_size, padded = PaddedKeys(context);
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  const float* keys = key_cache + key_head * size * padded;
  const float* values = value_cache + key_head * padded * size;
  for (int64_t h = key_head * group; h < (key_head + 1) * group; ++h) {
    DotKeys(scratch, qkv + h * size, keys, padded, size, tokens);
    Softmax(scratch, scale, tokens, PaddedKeys(tokens));
    WeightedSum(out + h * size, scratch, values, size, tokens, size);
  }
}

}  // namespace lethe::LETHE_LEVEL
