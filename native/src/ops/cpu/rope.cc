// Rotary position embedding (Su et al. 2021, "RoFormer") in Hugging Face's layout: a head's lane i < D/2 is paired with lane i + D/2.
//   forward:  (a, b) -> (a cos - b sin, b cos + a sin) with the angle positions[r] * base^(-2i/D), in place; cosines, sines [context, D/2]
//   backward: the same rotation by the negative angle (inverse)
// x is the first head of the first row; a row's heads follow one another, rows are `stride` floats apart.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void Rope(float* x, const float* cosines, const float* sines, const int32_t* positions, int64_t rows, int64_t stride, int64_t heads, int64_t head_size,
          bool inverse) {
  const int64_t half = head_size / 2;
  const float sign = inverse ? -1.0f : 1.0f;
  for (int64_t r = 0; r < rows; ++r) {
    const float* cosine = cosines + positions[r] * half;
    const float* sine = sines + positions[r] * half;
    for (int64_t h = 0; h < heads; ++h) {
      float* low = x + r * stride + h * head_size;
      float* high = low + half;
      for (int64_t i = 0; i < half; ++i) {
        const float a = low[i], b = high[i], s = sign * sine[i];
        low[i] = a * cosine[i] - b * s;
        high[i] = b * cosine[i] + a * s;
      }
    }
  }
}

}  // namespace lethe::LETHE_LEVEL
