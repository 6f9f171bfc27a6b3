// Keys and values of sequences under generation: one slot a sequence. Keys lie transposed, so that a new token's scores run over eight keys at once.
#ifndef LETHE_MODEL_KV_CACHE_H_
#define LETHE_MODEL_KV_CACHE_H_

#include <cstdint>

#include "model/arena.h"
#include "ops/cpu/ops.h"

namespace lethe {

class KvCache {
 public:
  // Room for `slots` sequences of at most `context` tokens in each of `layers` blocks. False: no memory.
  bool Resize(int64_t layers, int64_t slots, int64_t context, const AttentionShape& shape) {
    layers_ = layers;
    context_ = context;
    plane_ = shape.key_value_heads * shape.head_size * PaddedKeys(context);
    return arena_.Place([&](Arena& arena) { memory_ = arena.Take(2 * layers * slots * plane_); });
  }

  float* keys(int64_t layer, int64_t slot) { return memory_ + 2 * (slot * layers_ + layer) * plane_; }
  float* values(int64_t layer, int64_t slot) { return keys(layer, slot) + plane_; }
  int64_t context() const { return context_; }

 private:
  Arena arena_;
  float* memory_ = nullptr;
  int64_t layers_ = 0, context_ = 0, plane_ = 0;
};

}  // namespace lethe

#endif  // LETHE_MODEL_KV_CACHE_H_
