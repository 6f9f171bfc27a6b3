#include "model/linear.h"

#include "model/row_tasks.h"
#include "ops/cpu/ops.h"
#include "ops/cpu/run_matmul.h"

namespace lethe {

void Linear::Forward(float* y, const float* x, int64_t rows, const float* addend, ThreadPool* pool) const {
  RunMatmul({.m = rows, .n = out, .k = in, .a = x, .a_row = in, .a_column = 1, .b = weight.data, .b_row = out_in ? 1 : out, .b_column = out_in ? in : 1, .c = y,
             .c_row = out, .bias = bias.data, .addend = addend, .addend_row = out},
            pool);
}

void Linear::BackwardInput(float* dx, const float* dy, int64_t rows, ThreadPool* pool) const {
  RunMatmul({.m = rows, .n = in, .k = out, .a = dy, .a_row = out, .a_column = 1, .b = weight.data, .b_row = out_in ? in : 1, .b_column = out_in ? 1 : out, .c = dx,
             .c_row = in},
            pool);
}

void Linear::BackwardWeight(const float* dy, const float* x, int64_t rows, ThreadPool* pool) const {
  const float* left = out_in ? dy : x;
  const float* right = out_in ? x : dy;
  const int64_t down = out_in ? out : in, across = out_in ? in : out;
  if (weight.grad != nullptr) {
    RunMatmul({.m = down, .n = across, .k = rows, .a = left, .a_row = 1, .a_column = down, .b = right, .b_row = across, .b_column = 1, .c = weight.grad, .c_row = across,
               .addend = weight.grad, .addend_row = across},
              pool);
  }
  if (bias.grad == nullptr) return;
  const Ops& ops = ActiveOps();
  ForColumns(pool, out, [&](int64_t begin, int64_t end) { ops.column_sums(bias.grad, dy, rows, out, begin, end); });
}

}  // namespace lethe
