#include "model/head.h"

#include <algorithm>

#include "model/row_tasks.h"

namespace lethe {

int64_t Head::ChunkRows(int64_t vocabulary) { return std::max<int64_t>(256, (int64_t{1} << 20) / vocabulary / 64 * 64); }

void Head::Score(TokenScore* scores, bool backward, float* dx, const float* x, const int32_t* targets, int64_t rows, float scale, float* logits, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const int64_t chunk = ChunkRows(linear.out);
  for (int64_t row = 0; row < rows; row += chunk) {
    const int64_t count = std::min(chunk, rows - row);
    linear.Forward(logits, x + row * linear.in, count, nullptr, pool);
    ForRows(pool, count, [&](int64_t begin, int64_t part) {
      ops.cross_entropy(scores + row + begin, logits + begin * linear.out, backward, scale, targets + row + begin, part, linear.out);
    });
    if (!backward) continue;
    if (dx != nullptr) linear.BackwardInput(dx + row * linear.in, logits, count, pool);
    linear.BackwardWeight(logits, x + row * linear.in, count, pool);
  }
}

void Head::ArgMax(int32_t* ids, const float* x, int64_t rows, float* logits, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const int64_t chunk = ChunkRows(linear.out);
  for (int64_t row = 0; row < rows; row += chunk) {
    const int64_t count = std::min(chunk, rows - row);
    linear.ForwardFew(logits, x + row * linear.in, count, nullptr, pool);
    pool->For(count, [&](int64_t i) { ids[row + i] = ops.arg_max(logits + i * linear.out, linear.out); });
  }
}

}  // namespace lethe
