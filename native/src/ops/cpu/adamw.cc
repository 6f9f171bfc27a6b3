// One AdamW update (Loshchilov & Hutter 2019, algorithm 2, with torch's order of operations):
//   p -= decay * p, m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p -= step_size * m / (sqrt(v) * inverse_root_correction2 + epsilon)
// with g = gradient * gradient_scale (clipping), decay = rate * weight decay, step_size = rate / (1 - beta1^t), inverse_root_correction2 = 1 / sqrt(1 - beta2^t), computed by the caller in double.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void AdamWUpdate(float* parameter, float* first, float* second, const float* gradient, float gradient_scale, int64_t count, float beta1, float beta2,
                 float step_size, float inverse_root_correction2, float epsilon, float decay) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * gradient_scale;
    const float m = first[i] + (1.0f - beta1) * (g - first[i]);
    const float v = beta2 * second[i] + (1.0f - beta2) * g * g;
    const float p = parameter[i] * (1.0f - decay);
    parameter[i] = p - step_size * (m / (__builtin_sqrtf(v) * inverse_root_correction2 + epsilon));
    first[i] = m;
    second[i] = v;
  }
}

}  // namespace lethe::LETHE_LEVEL
