// SwiGLU (Shazeer 2020, "GLU variants improve transformer") on rows [ gate (F) | up (F) ].
//   forward:  y = silu(gate) * up, silu(g) = g * p, p = 1 / (1 + exp(-g)); y [R, F]
//   backward: d_gate = dy * up * p * (1 + g * (1 - p)) in place of gate, d_up = dy * silu(gate) in place of up, and y again in place of dy
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {
namespace swiglu_detail {

LETHE_INLINE Vec LoadSome(const float* p, int64_t n) { return n == kLanes ? Load(p) : LoadFirst(p, n); }
LETHE_INLINE void StoreSome(float* p, Vec v, int64_t n) {
  if (n == kLanes) return Store(p, v);
  StoreFirst(p, v, n);
}

}  // namespace swiglu_detail

void SwigluForward(float* y, const float* gate_up, int64_t rows, int64_t feed_forward) {
  using namespace swiglu_detail;
  for (int64_t r = 0; r < rows; ++r) {
    const float* gate = gate_up + r * 2 * feed_forward;
    const float* up = gate + feed_forward;
    for (int64_t f = 0; f < feed_forward; f += kLanes) {
      const int64_t n = feed_forward - f < kLanes ? feed_forward - f : kLanes;
      const Vec g = LoadSome(gate + f, n);
      const Vec p = 1.0f / (Exp(-g) + 1.0f);
      StoreSome(y + r * feed_forward + f, g * p * LoadSome(up + f, n), n);
    }
  }
}

void SwigluBackward(float* gate_up_to_gradient, float* dy_to_y, int64_t rows, int64_t feed_forward) {
  using namespace swiglu_detail;
  for (int64_t r = 0; r < rows; ++r) {
    float* gate = gate_up_to_gradient + r * 2 * feed_forward;
    float* up = gate + feed_forward;
    float* dy = dy_to_y + r * feed_forward;
    for (int64_t f = 0; f < feed_forward; f += kLanes) {
      const int64_t n = feed_forward - f < kLanes ? feed_forward - f : kLanes;
      const Vec g = LoadSome(gate + f, n), u = LoadSome(up + f, n), d = LoadSome(dy + f, n);
      const Vec e = Exp(-g);
      const Vec p = 1.0f / (e + 1.0f);
      const Vec silu = g * p;
      StoreSome(gate + f, u * p * MulAdd(g, e * p, Splat(1.0f)) * d, n);
      StoreSome(up + f, silu * d, n);
      StoreSome(dy + f, silu * u, n);
    }
  }
}

}  // namespace lethe::LETHE_LEVEL
