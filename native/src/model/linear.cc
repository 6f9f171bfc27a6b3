#include "model/linear.h"

#include <algorithm>

#include "model/row_tasks.h"
#include "ops/cpu/ops.h"
#include "ops/cpu/run_matmul.h"

namespace lethe {

void Linear::Forward(float* y, const float* x, int64_t rows, const float* addend, ThreadPool* pool) const {
  const MatmulArgs args = {.m = rows, .n = out, .k = in, .a = x, .a_row = in, .a_column = 1, .b = weight.data, .b_row = out_in ? 1 : out, .b_column = out_in ? in : 1, .c = y,
                           .c_row = out, .bias = bias.data, .addend = addend, .addend_row = out};
  if (weight.stored != nullptr) return RunStoredMatmul(args, *weight.stored, out_in, pool);
  RunMatmul(args, pool);
}

void Linear::ForwardFew(float* y, const float* x, int64_t rows, const float* addend, ThreadPool* pool) const {
  if (!IsLargeMatrix(in * out)) return Forward(y, x, rows, addend, pool);
  const Ops& ops = ActiveOps();
  const FewRowsArgs whole = {.m = rows, .n = out, .k = in, .x = x, .x_row = in, .format = FindBlockFormat(kFormatF32), .weights = reinterpret_cast<const unsigned char*>(weight.data),
                             .weights_row = out, .y = y, .y_row = out, .bias = bias.data, .addend = addend, .addend_row = out};
  const int64_t width = out_in ? 64 : 128;  // outputs of a task
  pool->For((out + width - 1) / width, [&](int64_t task) {
    const int64_t begin = task * width, end = std::min(out, begin + width);
    const auto run = [&](int64_t from, int64_t to, const BlockFormat& format, const unsigned char* weights) {
      FewRowsArgs args = whole;
      args.n = to - from;
      args.format = &format;
      args.weights = weights;
      args.y += from;
      if (args.bias != nullptr) args.bias += from;
      if (args.addend != nullptr) args.addend += from;
      if (out_in) return ops.few_rows(args);
      ops.few_rows_by_column(args);
    };
    if (weight.stored == nullptr) return run(begin, end, *whole.format, whole.weights + begin * (out_in ? in : 1) * static_cast<int64_t>(sizeof(float)));
    if (!out_in) {  // one part, of single numbers
      const StoredTensor& part = *weight.stored->parts.front();
      return run(begin, end, part.format(), part.row(0) + begin * part.format().bytes);
    }
    int64_t at = 0;  // the first output of a part
    for (const auto& part : weight.stored->parts) {
      const int64_t from = std::max(begin, at), to = std::min(end, at + part->rows());
      if (from < to) run(from, to, part->format(), part->row(from - at));
      at += part->rows();
    }
  });
}

void Linear::BackwardInput(float* dx, const float* dy, int64_t rows, ThreadPool* pool) const {
  const MatmulArgs args = {.m = rows, .n = in, .k = out, .a = dy, .a_row = out, .a_column = 1, .b = weight.data, .b_row = out_in ? in : 1, .b_column = out_in ? 1 : out, .c = dx,
                           .c_row = in};
  if (weight.stored != nullptr) return RunStoredMatmul(args, *weight.stored, !out_in, pool);
  RunMatmul(args, pool);
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
