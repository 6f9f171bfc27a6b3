#include "model/norm.h"

#include "model/row_tasks.h"
#include "ops/cpu/ops.h"

namespace lethe {

void Norm::Forward(float* y, float* mean, float* inverse, const float* x, int64_t rows, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  ForRows(pool, rows, [&](int64_t begin, int64_t count) {
    const int64_t at = begin * width;
    if (bias.data != nullptr) {
      ops.layernorm_forward(y + at, mean + begin, inverse + begin, x + at, weight.data, bias.data, count, width, epsilon);
    } else {
      ops.rmsnorm_forward(y + at, inverse + begin, x + at, weight.data, count, width, epsilon);
    }
  });
}

void Norm::Backward(float* dx, const float* dy, const float* x, const float* mean, const float* inverse, int64_t rows, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  if (weight.grad != nullptr) {
    ForColumns(pool, width, [&](int64_t begin, int64_t end) {
      if (bias.data != nullptr) {
        ops.layernorm_backward_weight(weight.grad, bias.grad, dy, x, mean, inverse, rows, width, begin, end);
      } else {
        ops.rmsnorm_backward_weight(weight.grad, dy, x, inverse, rows, width, begin, end);
      }
    });
  }
  if (dx == nullptr) return;
  ForRows(pool, rows, [&](int64_t begin, int64_t count) {
    const int64_t at = begin * width;
    if (bias.data != nullptr) {
      ops.layernorm_backward(dx + at, dy + at, x + at, mean + begin, inverse + begin, weight.data, count, width);
    } else {
      ops.rmsnorm_backward(dx + at, dy + at, x + at, inverse + begin, weight.data, count, width);
    }
  });
}

}  // namespace lethe
