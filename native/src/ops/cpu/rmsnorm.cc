// RMSNorm over the width (Zhang & Sennrich 2019, "Root mean square layer normalization").
//   forward:  y = x * s * weight, s = 1 / sqrt(mean(x^2) + epsilon); x, y [R, C]; s [R]
//   backward: with n = x * s and g = dy * weight: dx += s * (g - n * mean(g * n))
//             d_weight[c] += sum over rows of dy * n, for columns [column_begin, column_end)
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void RmsNormForward(float* y, float* inverse_rms, const float* x, const float* weight, int64_t rows, int64_t width, float epsilon) {
  const int64_t whole = width / kLanes * kLanes;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    float* out = y + r * width;
    Vec squares = Splat(0.0f);
    for (int64_t c = 0; c < whole; c += kLanes) squares = MulAdd(Load(in + c), Load(in + c), squares);
    float square_sum = SumLanes(squares);
    for (int64_t c = whole; c < width; ++c) square_sum += in[c] * in[c];
    const float s = 1.0f / __builtin_sqrtf(square_sum / static_cast<float>(width) + epsilon);
    for (int64_t c = 0; c < whole; c += kLanes) Store(out + c, Load(in + c) * s * Load(weight + c));
    for (int64_t c = whole; c < width; ++c) out[c] = in[c] * s * weight[c];
    inverse_rms[r] = s;
  }
}

void RmsNormBackward(float* dx, const float* dy, const float* x, const float* inverse_rms, const float* weight, int64_t rows, int64_t width) {
  const int64_t whole = width / kLanes * kLanes;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    const float* up = dy + r * width;
    float* down = dx + r * width;
    const float s = inverse_rms[r];
    Vec sum = Splat(0.0f);
    for (int64_t c = 0; c < whole; c += kLanes) sum = MulAdd(Load(up + c) * Load(weight + c), Load(in + c) * s, sum);
    float total = SumLanes(sum);
    for (int64_t c = whole; c < width; ++c) total += up[c] * weight[c] * (in[c] * s);
    const float gn_mean = total / static_cast<float>(width);
    for (int64_t c = 0; c < whole; c += kLanes) {
      const Vec d = Load(up + c) * Load(weight + c) - Load(in + c) * s * gn_mean;
      Store(down + c, MulAdd(d, Splat(s), Load(down + c)));
    }
    for (int64_t c = whole; c < width; ++c) down[c] += s * (up[c] * weight[c] - in[c] * s * gn_mean);
  }
}

void RmsNormBackwardWeight(float* d_weight, const float* dy, const float* x, const float* inverse_rms, int64_t rows, int64_t width, int64_t column_begin,
                           int64_t column_end) {
  int64_t c = column_begin;
  for (; c + kLanes <= column_end; c += kLanes) {
    Vec weight = Splat(0.0f);
    for (int64_t r = 0; r < rows; ++r) weight = MulAdd(Load(dy + r * width + c), Load(x + r * width + c) * inverse_rms[r], weight);
    Store(d_weight + c, Load(d_weight + c) + weight);
  }
  for (; c < column_end; ++c) {
    float weight = 0.0f;
    for (int64_t r = 0; r < rows; ++r) weight += dy[r * width + c] * (x[r * width + c] * inverse_rms[r]);
    d_weight[c] += weight;
  }
}

}  // namespace lethe::LETHE_LEVEL
