// LayerNorm over the width (Ba et al. 2016, "Layer normalization").
//   forward:  y = (x - mean) * s * weight + bias, s = 1 / sqrt(mean((x - mean)^2) + epsilon); x, y [R, C]; mean, s [R]
//   backward: with n = (x - mean) * s and g = dy * weight: dx += s * (g - mean(g) - n * mean(g * n))
//             d_weight[c] += sum over rows of dy * n, d_bias[c] += sum over rows of dy, for columns [column_begin, column_end)
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void LayerNormForward(float* y, float* mean, float* inverse_deviation, const float* x, const float* weight, const float* bias, int64_t rows, int64_t width,
                      float epsilon) {
  const int64_t whole = width / kLanes * kLanes, rest = width - whole;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    float* out = y + r * width;
    Vec sum = LoadFirst(in + whole, rest);
    for (int64_t c = 0; c < whole; c += kLanes) sum += Load(in + c);
    const float average = SumLanes(sum) / static_cast<float>(width);
    Vec squares = Splat(0.0f);
    for (int64_t c = 0; c < whole; c += kLanes) {
      const Vec d = Load(in + c) - average;
      squares = MulAdd(d, d, squares);
    }
    float square_sum = SumLanes(squares);
    for (int64_t c = whole; c < width; ++c) square_sum += (in[c] - average) * (in[c] - average);
    const float s = 1.0f / __builtin_sqrtf(square_sum / static_cast<float>(width) + epsilon);
    for (int64_t c = 0; c < whole; c += kLanes) Store(out + c, MulAdd((Load(in + c) - average) * s, Load(weight + c), Load(bias + c)));
    for (int64_t c = whole; c < width; ++c) out[c] = (in[c] - average) * s * weight[c] + bias[c];
    mean[r] = average;
    inverse_deviation[r] = s;
  }
}

void LayerNormBackward(float* dx, const float* dy, const float* x, const float* mean, const float* inverse_deviation, const float* weight, int64_t rows,
                       int64_t width) {
  const int64_t whole = width / kLanes * kLanes;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    const float* up = dy + r * width;
    float* down = dx + r * width;
    const float average = mean[r], s = inverse_deviation[r];
    Vec g_sum = Splat(0.0f), gn_sum = Splat(0.0f);
    for (int64_t c = 0; c < whole; c += kLanes) {
      const Vec g = Load(up + c) * Load(weight + c);
      g_sum += g;
      gn_sum = MulAdd(g, (Load(in + c) - average) * s, gn_sum);
    }
    float g_total = SumLanes(g_sum), gn_total = SumLanes(gn_sum);
    for (int64_t c = whole; c < width; ++c) {
      g_total += up[c] * weight[c];
      gn_total += up[c] * weight[c] * ((in[c] - average) * s);
    }
    const float g_mean = g_total / static_cast<float>(width), gn_mean = gn_total / static_cast<float>(width);
    for (int64_t c = 0; c < whole; c += kLanes) {
      const Vec n = (Load(in + c) - average) * s;
      const Vec d = Load(up + c) * Load(weight + c) - g_mean - n * gn_mean;
      Store(down + c, MulAdd(d, Splat(s), Load(down + c)));
    }
    for (int64_t c = whole; c < width; ++c) down[c] += s * (up[c] * weight[c] - g_mean - (in[c] - average) * s * gn_mean);
  }
}

void LayerNormBackwardWeight(float* d_weight, float* d_bias, const float* dy, const float* x, const float* mean, const float* inverse_deviation, int64_t rows,
                             int64_t width, int64_t column_begin, int64_t column_end) {
  int64_t c = column_begin;
  for (; c + kLanes <= column_end; c += kLanes) {
    Vec weight = Splat(0.0f), bias = Splat(0.0f);
    for (int64_t r = 0; r < rows; ++r) {
      const Vec up = Load(dy + r * width + c);
      weight = MulAdd(up, (Load(x + r * width + c) - mean[r]) * inverse_deviation[r], weight);
      bias += up;
    }
    Store(d_weight + c, Load(d_weight + c) + weight);
    Store(d_bias + c, Load(d_bias + c) + bias);
  }
  for (; c < column_end; ++c) {
    float weight = 0.0f, bias = 0.0f;
    for (int64_t r = 0; r < rows; ++r) {
      weight += dy[r * width + c] * ((x[r * width + c] - mean[r]) * inverse_deviation[r]);
      bias += dy[r * width + c];
    }
    d_weight[c] += weight;
    d_bias[c] += bias;
  }
}

}  // namespace lethe::LETHE_LEVEL
