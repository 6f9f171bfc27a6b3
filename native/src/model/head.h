// The language-model head with its loss, in chunks of rows, so that never more than a chunk of logits exists.
#ifndef LETHE_MODEL_HEAD_H_
#define LETHE_MODEL_HEAD_H_

#include <cstdint>
#include <vector>

#include "model/linear.h"
#include "ops/cpu/ops.h"

namespace lethe {

struct Head {
  Linear linear;  // [V, C], tied to the token embedding or its own; no bias

  // Rows of a chunk: about 4 MB of logits, whatever the batch; never below 256 rows, because each chunk reads and writes the whole gradient of the weight.
  static int64_t ChunkRows(int64_t vocabulary);

  // scores [rows] for x [rows, C] and targets [rows]. With backward: the weight's gradient is added to where it is trained, and dx (unless null) is the
  // gradient of (sum of -log p) * scale.
  // logits: scratch of min(rows, ChunkRows) * V floats.
  void Score(TokenScore* scores, bool backward, float* dx, const float* x, const int32_t* targets, int64_t rows, float scale, float* logits, ThreadPool* pool) const;

  // The arg max of every row of x. A small head has the products, and so the arg max, of Score; a large one those of few_rows.cc.
  void ArgMax(int32_t* ids, const float* x, int64_t rows, float* logits, ThreadPool* pool) const;
};

}  // namespace lethe

#endif  // LETHE_MODEL_HEAD_H_
