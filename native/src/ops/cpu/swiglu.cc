// SwiGLU (Shazeer 2020, "GLU variants improve transformer") on rows [ gate (F) | up (F) ].
//   forward:  y = silu(gate) * up, silu(g) = g * p, p = 1 / (1 + exp(-g)); y [R, F]
//             With keep_slopes the row is replaced by [ dy/dgate | dy/dup ] = [ up * p * (1 + g * (1 - p)) | silu(gate) ].
//   backward: d_gate = slope * dy, d_up = slope * dy, in place of the slopes
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void SwigluForward(float* y, float* gate_up_to_slopes, bool keep_slopes, int64_t rows, int64_t feed_forward) {
  for (int64_t r = 0; r < rows; ++r) {
    float* gate = gate_up_to_slopes + r * 2 * feed_forward;
    float* up = gate + feed_forward;
    float* out = y + r * feed_forward;
    for (int64_t f = 0; f < feed_forward; f += kLanes) {
      const int64_t n = feed_forward - f < kLanes ? feed_forward - f : kLanes;
      const Vec g = n == kLanes ? Load(gate + f) : LoadFirst(gate + f, n);
      const Vec u = n == kLanes ? Load(up + f) : LoadFirst(up + f, n);
      const Vec e = Exp(-g);
      const Vec p = 1.0f / (e + 1.0f);
      const Vec silu = g * p;
      const Vec slope = u * p * MulAdd(g, e * p, Splat(1.0f));
      if (n == kLanes) {
        Store(out + f, silu * u);
        if (keep_slopes) Store(gate + f, slope), Store(up + f, silu);
      } else {
        StoreFirst(out + f, silu * u, n);
        if (keep_slopes) StoreFirst(gate + f, slope, n), StoreFirst(up + f, silu, n);
      }
    }
  }
}

void SwigluBackward(float* slopes_to_d_gate_up, const float* dy, int64_t rows, int64_t feed_forward) {
  for (int64_t r = 0; r < rows; ++r) {
    float* gate = slopes_to_d_gate_up + r * 2 * feed_forward;
    float* up = gate + feed_forward;
    const float* from = dy + r * feed_forward;
    for (int64_t f = 0; f < feed_forward; ++f) gate[f] *= from[f];
    for (int64_t f = 0; f < feed_forward; ++f) up[f] *= from[f];
  }
}

}  // namespace lethe::LETHE_LEVEL
