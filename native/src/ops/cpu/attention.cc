// Causal self-attention of one sequence, heads sharing keys and values in groups (Vaswani et al. 2017; Ainslie et al. 2023, "GQA").
// Rows of qkv are [ H*D queries | Hkv*D keys | Hkv*D values ]; query head h reads key head h / (H / Hkv).
//   forward:  P[h] = softmax over s <= t of Q[h][t] . K[s] / sqrt(D), out[t, h] = sum over s <= t of P[h][t, s] V[s]
//             out [T, H*D]; P [H, T, T padded to whole vectors], zero above the diagonal
//   backward: dV[s] = sum over t of P[t, s] dO[t]; dP[t, s] = dO[t] . V[s]; dS = P * (dP - sum over s of P * dP) / sqrt(D);
//             dQ[t] = sum over s of dS[t, s] K[s]; dK[s] = sum over t of dS[t, s] Q[t]. d_qkv is overwritten; scratch [T, T padded]
//   cached:   the forward for one new token: key_cache [Hkv, D, context] holds keys transposed, value_cache [Hkv, context, D]; scratch [context padded].
//             Context is padded to whole vectors. Every sum runs in the forward's order, so cached and full forward give the same bits.
//
// Sequences here are short and heads small, so the products are plain vector loops: dot products run over eight keys at once, weighted sums over eight
// lanes of the head. Both are one chain per element, in ascending order.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {
namespace attention_detail {

constexpr int64_t kKeyBlock = 64;  // keys transposed at a time on the stack

// Lanes of `v` at key begin .. begin + 7; keys >= limit become `other`.
LETHE_INLINE Vec MaskKeys(Vec v, int64_t begin, int64_t limit, float other) {
  const VecInt key = VecInt{0, 1, 2, 3, 4, 5, 6, 7} + static_cast<int32_t>(begin);
  return key < static_cast<int32_t>(limit) ? v : Splat(other);
}

// out[s] = scale * sum over d of x[d] * transposed[d * row + s] for whole vectors that cover s < keys.
LETHE_INLINE void DotKeys(float* out, const float* x, const float* transposed, int64_t row, int64_t head_size, int64_t keys, float scale) {
  int64_t s = 0;
  for (; s + kLanes < keys; s += 2 * kLanes) {  // two vectors at once
    Vec sum0 = Splat(0.0f), sum1 = Splat(0.0f);
    for (int64_t d = 0; d < head_size; ++d) {
      const Vec xd = Splat(x[d]);
      sum0 = MulAdd(xd, Load(transposed + d * row + s), sum0);
      sum1 = MulAdd(xd, Load(transposed + d * row + s + kLanes), sum1);
    }
    Store(out + s, sum0 * scale);
    Store(out + s + kLanes, sum1 * scale);
  }
  if (s < keys) {
    Vec sum = Splat(0.0f);
    for (int64_t d = 0; d < head_size; ++d) sum = MulAdd(Splat(x[d]), Load(transposed + d * row + s), sum);
    Store(out + s, sum * scale);
  }
}

// Dot products of every row of x with the rows of y up to its own: out[t, s] = scale * x[t] . y[s], s <= t; lanes beyond hold anything finite.
LETHE_INLINE void DotRows(float* out, const float* x, int64_t x_row, const float* y, int64_t y_row, int64_t tokens, int64_t head_size, float scale) {
  float transposed[kLargestHead * kKeyBlock];
  const int64_t padded = PaddedKeys(tokens);
  for (int64_t begin = 0; begin < tokens; begin += kKeyBlock) {
    const int64_t keys = tokens - begin < kKeyBlock ? tokens - begin : kKeyBlock;
    const int64_t row = PaddedKeys(keys);
    for (int64_t s = 0; s < keys; ++s) {
      for (int64_t d = 0; d < head_size; ++d) transposed[d * row + s] = y[(begin + s) * y_row + d];
    }
    for (int64_t s = keys; s < row; ++s) {
      for (int64_t d = 0; d < head_size; ++d) transposed[d * row + s] = 0.0f;
    }
    for (int64_t t = begin; t < tokens; ++t) {
      const int64_t seen = t + 1 - begin < keys ? t + 1 - begin : keys;
      DotKeys(out + t * padded + begin, x + t * x_row, transposed, row, head_size, seen, scale);
    }
  }
}

// y (+)= sum over i < count of weight[i * weight_step] * x[i * x_row ..], head_size lanes.
template <int kVectors>
LETHE_INLINE void WeightedSumPart(float* y, const float* weight, int64_t weight_step, const float* x, int64_t x_row, int64_t count, bool add) {
  Vec sum[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) sum[v] = Splat(0.0f);
  for (int64_t i = 0; i < count; ++i) {
    const Vec w = Splat(weight[i * weight_step]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = MulAdd(w, Load(x + i * x_row + v * kLanes), sum[v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) Store(y + v * kLanes, add ? Load(y + v * kLanes) + sum[v] : sum[v]);
}

LETHE_INLINE void WeightedSum(float* y, const float* weight, int64_t weight_step, const float* x, int64_t x_row, int64_t count, int64_t head_size, bool add) {
  int64_t d = 0;
  for (; d + 4 * kLanes <= head_size; d += 4 * kLanes) WeightedSumPart<4>(y + d, weight, weight_step, x + d, x_row, count, add);
  for (; d + 2 * kLanes <= head_size; d += 2 * kLanes) WeightedSumPart<2>(y + d, weight, weight_step, x + d, x_row, count, add);
  for (; d + kLanes <= head_size; d += kLanes) WeightedSumPart<1>(y + d, weight, weight_step, x + d, x_row, count, add);
  for (; d < head_size; ++d) {
    Vec sum = Splat(0.0f);  // a lane of a vector, so that every level fuses as above
    for (int64_t i = 0; i < count; ++i) sum = MulAdd(Splat(weight[i * weight_step]), Splat(x[i * x_row + d]), sum);
    y[d] = add ? y[d] + sum[0] : sum[0];
  }
}

// Softmax of p[0 .. keys) in place; lanes up to the padding become 0. Returns nothing: rows sum to 1 up to rounding.
LETHE_INLINE void Softmax(float* p, int64_t keys, int64_t padded) {
  Vec largest = Splat(-3e38f);
  int64_t s = 0;
  for (; s < keys; s += kLanes) largest = Max(largest, MaskKeys(Load(p + s), s, keys, -3e38f));
  const float top = MaxLanes(largest);
  Vec sum = Splat(0.0f);
  for (s = 0; s < keys; s += kLanes) {
    const Vec e = MaskKeys(Exp(Load(p + s) - top), s, keys, 0.0f);
    sum += e;
    Store(p + s, e);
  }
  const float inverse = 1.0f / SumLanes(sum);
  for (s = 0; s < keys; s += kLanes) Store(p + s, Load(p + s) * inverse);
  for (; s < padded; s += kLanes) Store(p + s, Splat(0.0f));
}

}  // namespace attention_detail

void AttentionForward(float* out, float* probabilities, const float* qkv, const AttentionShape& shape, int64_t tokens) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, size = shape.head_size, padded = PaddedKeys(tokens);
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  for (int64_t h = 0; h < shape.heads; ++h) {
    const float* query = qkv + h * size;
    const float* key = qkv + (shape.heads + h / group) * size;
    const float* value = key + shape.key_value_heads * size;
    float* p = probabilities + h * tokens * padded;
    DotRows(p, query, shape.stride, key, shape.stride, tokens, size, scale);
    for (int64_t t = 0; t < tokens; ++t) {
      Softmax(p + t * padded, t + 1, padded);
      WeightedSum(out + t * shape.heads * size + h * size, p + t * padded, 1, value, shape.stride, t + 1, size, false);
    }
  }
}

void AttentionBackward(float* d_qkv, float* scratch, const float* d_out, const float* probabilities, const float* qkv, const AttentionShape& shape,
                       int64_t tokens) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, size = shape.head_size, padded = PaddedKeys(tokens);
  const int64_t out_row = shape.heads * size;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  for (int64_t h = 0; h < shape.heads; ++h) {
    const int64_t key_offset = (shape.heads + h / group) * size, value_offset = key_offset + shape.key_value_heads * size;
    const float* p = probabilities + h * tokens * padded;
    const float* up = d_out + h * size;
    const bool add = h % group != 0;  // later heads of a group add to its keys and values
    DotRows(scratch, up, out_row, qkv + value_offset, shape.stride, tokens, size, 1.0f);
    for (int64_t t = 0; t < tokens; ++t) {
      float* ds = scratch + t * padded;
      const float* pt = p + t * padded;
      Vec sum = Splat(0.0f);
      for (int64_t s = 0; s <= t; s += kLanes) sum = MulAdd(Load(pt + s), MaskKeys(Load(ds + s), s, t + 1, 0.0f), sum);
      const float mean = SumLanes(sum);
      for (int64_t s = 0; s <= t; s += kLanes) Store(ds + s, Load(pt + s) * (Load(ds + s) - mean) * scale);
      WeightedSum(d_qkv + t * shape.stride + h * size, ds, 1, qkv + key_offset, shape.stride, t + 1, size, false);
    }
    for (int64_t s = 0; s < tokens; ++s) {
      WeightedSum(d_qkv + s * shape.stride + key_offset, scratch + s * padded + s, padded, qkv + s * shape.stride + h * size, shape.stride, tokens - s, size,
                  add);
      WeightedSum(d_qkv + s * shape.stride + value_offset, p + s * padded + s, padded, up + s * out_row, out_row, tokens - s, size, add);
    }
  }
}

void CacheAppend(float* key_cache, float* value_cache, const float* qkv, const AttentionShape& shape, int64_t position, int64_t context) {
  const int64_t size = shape.head_size, padded = PaddedKeys(context);
  for (int64_t h = 0; h < shape.key_value_heads; ++h) {
    const float* key = qkv + (shape.heads + h) * size;
    const float* value = key + shape.key_value_heads * size;
    for (int64_t d = 0; d < size; ++d) key_cache[(h * size + d) * padded + position] = key[d];
    for (int64_t d = 0; d < size; ++d) value_cache[(h * padded + position) * size + d] = value[d];
  }
}

// `tokens` are in the cache, the newest last; qkv is the row of the newest.
void AttentionCached(float* out, float* scratch, const float* qkv, const float* key_cache, const float* value_cache, const AttentionShape& shape,
                     int64_t tokens, int64_t context) {
  using namespace attention_detail;
  const int64_t group = shape.heads / shape.key_value_heads, size = shape.head_size, padded = PaddedKeys(context);
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  for (int64_t h = 0; h < shape.heads; ++h) {
    const float* keys = key_cache + h / group * size * padded;
    const float* values = value_cache + h / group * padded * size;
    DotKeys(scratch, qkv + h * size, keys, padded, size, tokens, scale);
    Softmax(scratch, tokens, PaddedKeys(tokens));
    WeightedSum(out + h * size, scratch, 1, values, size, tokens, size, false);
  }
}

}  // namespace lethe::LETHE_LEVEL
