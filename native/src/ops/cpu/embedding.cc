// Token and position embeddings.
//   forward:  x[r, :] = token_table[ids[r], :] + position_table[positions[r], :]        (position_table null: tokens alone)
//   backward: d_token_table[ids[r], :] += dx[r, :], d_position_table[positions[r], :] += dx[r, :]
// Rows that share an id are added in the order of rows; the backward is shared between threads by columns, so that order never changes.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void EmbeddingForward(float* x, const float* token_table, const float* position_table, const int32_t* ids, const int32_t* positions, int64_t rows,
                      int64_t width) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* token = token_table + ids[r] * width;
    float* out = x + r * width;
    if (position_table == nullptr) {
      for (int64_t c = 0; c < width; ++c) out[c] = token[c];
    } else {
      const float* position = position_table + positions[r] * width;
      for (int64_t c = 0; c < width; ++c) out[c] = token[c] + position[c];
    }
  }
}

void EmbeddingBackward(float* d_token_table, float* d_position_table, const float* dx, const int32_t* ids, const int32_t* positions, int64_t rows,
                       int64_t width, int64_t column_begin, int64_t column_end) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = dx + r * width;
    float* token = d_token_table + ids[r] * width;
    for (int64_t c = column_begin; c < column_end; ++c) token[c] += from[c];
    if (d_position_table == nullptr) continue;
    float* position = d_position_table + positions[r] * width;
    for (int64_t c = column_begin; c < column_end; ++c) position[c] += from[c];
  }
}

}  // namespace lethe::LETHE_LEVEL
