#include "model/adapter.h"

#include <vector>

#include "model/row_tasks.h"
#include "ops/cpu/ops.h"
#include "ops/cpu/run_matmul.h"

namespace lethe {
namespace {

void ScaleRows(float* x, float factor, int64_t rows, int64_t width, ThreadPool* pool) {
  const Ops& ops = ActiveOps();
  ForRows(pool, rows, [&](int64_t begin, int64_t count) { ops.scale(x + begin * width, factor, count * width); });
}

// x itself, or x under the adapter's mask.
const float* Dropped(const Adapter& adapter, const float* x, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  if (pass.mask.share == 0) return x;
  DropoutMask mask = pass.mask;
  mask.adapter = adapter.number;
  ForRows(pool, rows, [&](int64_t begin, int64_t count) { mask.Apply(pass.masked, x, false, begin, count, adapter.in); });
  return pass.masked;
}

// low = scale * seen A^T.
void Lower(const Adapter& adapter, const float* seen, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  RunMatmul({.m = rows, .n = adapter.rank, .k = adapter.in, .a = seen, .a_row = adapter.in, .a_column = 1, .b = adapter.a.data, .b_row = 1, .b_column = adapter.in, .c = pass.low, .c_row = adapter.rank},
            pool);
  ScaleRows(pass.low, adapter.scale, rows, adapter.rank, pool);
}

}  // namespace

void Adapter::MergeInto(float* weight, ThreadPool* pool) const {
  std::vector<float> scaled(static_cast<size_t>(out * rank));
  for (size_t i = 0; i < scaled.size(); ++i) scaled[i] = scale * b.data[i];
  if (out_in) {
    RunMatmul({.m = out, .n = in, .k = rank, .a = scaled.data(), .a_row = rank, .a_column = 1, .b = a.data, .b_row = in, .b_column = 1, .c = weight, .c_row = in, .addend = weight, .addend_row = in}, pool);
  } else {
    RunMatmul({.m = in, .n = out, .k = rank, .a = a.data, .a_row = 1, .a_column = in, .b = scaled.data(), .b_row = 1, .b_column = rank, .c = weight, .c_row = out, .addend = weight, .addend_row = out}, pool);
  }
}

void ForwardAdapters(std::span<const Adapter> adapters, float* y, int64_t y_row, const float* x, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  for (const Adapter& adapter : adapters) {
    Lower(adapter, Dropped(adapter, x, rows, pass, pool), rows, pass, pool);
    float* const columns = y + adapter.column;
    RunMatmul({.m = rows, .n = adapter.out, .k = adapter.rank, .a = pass.low, .a_row = adapter.rank, .a_column = 1, .b = adapter.b.data, .b_row = 1, .b_column = adapter.rank, .c = columns, .c_row = y_row,
               .addend = columns, .addend_row = y_row},
              pool);
  }
}

void BackwardAdaptersLow(std::span<const Adapter> adapters, const float* dy, int64_t dy_row, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  float* d_low = pass.d_low;
  for (const Adapter& adapter : adapters) {
    RunMatmul({.m = rows, .n = adapter.rank, .k = adapter.out, .a = dy + adapter.column, .a_row = dy_row, .a_column = 1, .b = adapter.b.data, .b_row = adapter.rank, .b_column = 1, .c = d_low,
               .c_row = adapter.rank},
              pool);
    ScaleRows(d_low, adapter.scale, rows, adapter.rank, pool);
    d_low += rows * adapter.rank;
  }
}

void BackwardAdaptersInput(std::span<const Adapter> adapters, float* dx, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  const float* d_low = pass.d_low;
  for (const Adapter& adapter : adapters) {
    const bool drops = pass.mask.share != 0;
    RunMatmul({.m = rows, .n = adapter.in, .k = adapter.rank, .a = d_low, .a_row = adapter.rank, .a_column = 1, .b = adapter.a.data, .b_row = adapter.in, .b_column = 1, .c = drops ? pass.masked : dx,
               .c_row = adapter.in, .addend = drops ? nullptr : dx, .addend_row = adapter.in},
              pool);
    if (drops) {
      DropoutMask mask = pass.mask;
      mask.adapter = adapter.number;
      ForRows(pool, rows, [&](int64_t begin, int64_t count) { mask.Apply(dx, pass.masked, true, begin, count, adapter.in); });
    }
    d_low += rows * adapter.rank;
  }
}

void BackwardAdaptersWeight(std::span<const Adapter> adapters, const float* dy, int64_t dy_row, const float* x, int64_t rows, const AdapterPass& pass, ThreadPool* pool) {
  const float* d_low = pass.d_low;
  for (const Adapter& adapter : adapters) {
    const float* seen = Dropped(adapter, x, rows, pass, pool);
    Lower(adapter, seen, rows, pass, pool);
    RunMatmul({.m = adapter.out, .n = adapter.rank, .k = rows, .a = dy + adapter.column, .a_row = 1, .a_column = dy_row, .b = pass.low, .b_row = adapter.rank, .b_column = 1, .c = adapter.b.grad,
               .c_row = adapter.rank, .addend = adapter.b.grad, .addend_row = adapter.rank},
              pool);
    RunMatmul({.m = adapter.rank, .n = adapter.in, .k = rows, .a = d_low, .a_row = 1, .a_column = adapter.rank, .b = seen, .b_row = adapter.in, .b_column = 1, .c = adapter.a.grad, .c_row = adapter.in,
               .addend = adapter.a.grad, .addend_row = adapter.in},
              pool);
    d_low += rows * adapter.rank;
  }
}

}  // namespace lethe
