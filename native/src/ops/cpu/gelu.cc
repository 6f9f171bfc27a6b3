// GELU in its tanh form (Hendrycks & Gimpel 2016, "Gaussian error linear units"), as GPT-2 has it.
//   forward:  y = x/2 * (1 + tanh(u)) = x * p with u = sqrt(2/pi) (x + 0.044715 x^3), p = 1 / (1 + exp(-2u))
//             With keep_slope, x is replaced by dy/dx = p + x * p * (1 - p) * 2u', so that the backward needs neither x nor an exponential.
//   backward: dx = slope * dy, in place of slope (Multiply)
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {
namespace gelu_detail {

constexpr float kTwiceRoot = 1.5957691216057308f;  // 2 sqrt(2/pi)
constexpr float kCubic = 0.044715f;

LETHE_INLINE Vec Gelu(Vec x, bool keep_slope, Vec* slope) {
  const Vec square = x * x;
  const Vec e = Exp(-x * kTwiceRoot * MulAdd(square, Splat(kCubic), Splat(1.0f)));
  const Vec p = 1.0f / (e + 1.0f);
  if (keep_slope) {
    const Vec inner = kTwiceRoot * MulAdd(square, Splat(3.0f * kCubic), Splat(1.0f));
    *slope = MulAdd(x * p * (e * p), inner, p);  // 1 - p = e * p, without cancellation
  }
  return x * p;
}

}  // namespace gelu_detail

void GeluForward(float* y, float* x_to_slope, bool keep_slope, int64_t count) {
  Vec slope = Splat(0.0f);
  int64_t i = 0;
  if (keep_slope) {
    for (; i + kLanes <= count; i += kLanes) {
      Store(y + i, gelu_detail::Gelu(Load(x_to_slope + i), true, &slope));
      Store(x_to_slope + i, slope);
    }
  } else {
    for (; i + kLanes <= count; i += kLanes) Store(y + i, gelu_detail::Gelu(Load(x_to_slope + i), false, &slope));
  }
  if (i == count) return;
  StoreFirst(y + i, gelu_detail::Gelu(LoadFirst(x_to_slope + i, count - i), true, &slope), count - i);
  if (keep_slope) StoreFirst(x_to_slope + i, slope, count - i);
}

void Multiply(float* slope_to_dx, const float* dy, int64_t count) {
  for (int64_t i = 0; i < count; ++i) slope_to_dx[i] *= dy[i];
}

}  // namespace lethe::LETHE_LEVEL
