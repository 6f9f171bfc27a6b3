// GELU in its tanh form (Hendrycks & Gimpel 2016, "Gaussian error linear units"), as GPT-2 has it.
//   forward:  y = x/2 * (1 + tanh(u)) = x * p with u = sqrt(2/pi) (x + 0.044715 x^3), p = 1 / (1 + exp(-2u))
//   backward: dx = dy * (p + x * p * (1 - p) * 2u') in place of x, and y again in place of dy: whoever trains the product behind needs it, and
//             an exponential costs less than the memory that would keep y
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {
namespace gelu_detail {

constexpr float kTwiceRoot = 1.5957691216057308f;  // 2 sqrt(2/pi)
constexpr float kCubic = 0.044715f;

// p of the head comment; e = exp(-2u), so that 1 - p = e * p without cancellation.
LETHE_INLINE Vec Gate(Vec x, Vec square, Vec* e) {
  *e = Exp(-x * kTwiceRoot * MulAdd(square, Splat(kCubic), Splat(1.0f)));
  return 1.0f / (*e + 1.0f);
}

LETHE_INLINE Vec Forward(Vec x) {
  Vec e;
  return x * Gate(x, x * x, &e);
}

LETHE_INLINE void Backward(Vec* x, Vec* dy) {
  Vec e;
  const Vec square = *x * *x, p = Gate(*x, square, &e);
  const Vec inner = kTwiceRoot * MulAdd(square, Splat(3.0f * kCubic), Splat(1.0f));
  const Vec slope = MulAdd(*x * p * (e * p), inner, p);
  const Vec y = *x * p;
  *x = slope * *dy;
  *dy = y;
}

}  // namespace gelu_detail

void GeluForward(float* y, const float* x, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(y + i, gelu_detail::Forward(Load(x + i)));
  if (i < count) StoreFirst(y + i, gelu_detail::Forward(LoadFirst(x + i, count - i)), count - i);
}

void GeluBackward(float* x_to_dx, float* dy_to_y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t n = count - i < kLanes ? count - i : kLanes;
    Vec x = n == kLanes ? Load(x_to_dx + i) : LoadFirst(x_to_dx + i, n);
    Vec dy = n == kLanes ? Load(dy_to_y + i) : LoadFirst(dy_to_y + i, n);
    gelu_detail::Backward(&x, &dy);
    if (n == kLanes) {
      Store(x_to_dx + i, x), Store(dy_to_y + i, dy);
    } else {
      StoreFirst(x_to_dx + i, x, n), StoreFirst(dy_to_y + i, dy, n);
    }
  }
}

}  // namespace lethe::LETHE_LEVEL
