#include "ops/cpu/run_matmul.h"

#include <algorithm>

#include "lethe/thread_pool.h"
#include "ops/cpu/sgemm.h"

namespace lethe {
namespace {

constexpr int64_t kLargeOperand = 512 * 512;
// Tiles are fixed numbers: a cut that followed the number of threads would change OpenBLAS's bits.
constexpr int64_t kOwnRows = 192, kOwnColumns = 512;
constexpr int64_t kBlasRows = 512, kBlasColumns = 768;  // at most; half the rows where that would make fewer than four tiles
constexpr int64_t kBlasWidth = 16;                      // columns and rows of its kernels, or a multiple

int64_t Parts(int64_t size, int64_t most) { return (size + most - 1) / most; }

// Size of one of `parts` about equal parts, in whole kernels.
int64_t PartSize(int64_t size, int64_t parts) { return (Parts(size, parts) + kBlasWidth - 1) / kBlasWidth * kBlasWidth; }

// c = addend + bias, for sgemm to add to.
void Prefill(const MatmulArgs& args, float* c, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    float* out = c + i * args.c_row;
    const float* addend = args.addend == nullptr ? nullptr : args.addend + (row + i) * args.addend_row + column;
    for (int64_t j = 0; j < columns; ++j) {
      out[j] = (addend == nullptr ? 0.0f : addend[j]) + (args.bias == nullptr ? 0.0f : args.bias[column + j]);
    }
  }
}

void BlasTile(const MatmulArgs& args, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const bool a_plain = args.a_column == 1, b_plain = args.b_column == 1;
  // One row has no stride, and BLAS wants one.
  const int64_t a_row = rows == 1 ? std::max(args.a_row, args.k) : args.a_row;
  float* c = args.c + row * args.c_row + column;
  const bool prefilled = args.bias != nullptr || args.addend != nullptr;
  const bool adds_to_itself = args.bias == nullptr && args.addend == args.c;  // a gradient: it lies there already
  if (prefilled && !adds_to_itself) Prefill(args, c, row, rows, column, columns);
  Sgemm({.m = rows, .n = columns, .k = args.k, .a = args.a + row * args.a_row, .transpose_a = !a_plain, .a_stride = a_plain ? a_row : args.a_column,
         .b = args.b + column * args.b_column, .transpose_b = !b_plain, .b_stride = b_plain ? args.b_row : args.b_column, .add = prefilled, .c = c, .c_stride = args.c_row});
}

}  // namespace

bool IsLargeMatrix(int64_t elements) { return elements >= kLargeOperand; }

MatmulCut CutOf(const MatmulArgs& args) {
  // A transposed left operand is a weight's gradient: its rows are the weight's, not the batch's, so they may count.
  const bool blas = args.n * args.k >= kLargeOperand || (args.a_column != 1 && args.m * args.n >= kLargeOperand);
  if (!blas) return {.blas = false, .rows = kOwnRows, .columns = kOwnColumns};
  const int64_t across = Parts(args.n, kBlasColumns);
  const int64_t most_rows = Parts(args.m, kBlasRows) * across >= 4 ? kBlasRows : kBlasRows / 2;
  return {.blas = true, .rows = PartSize(args.m, Parts(args.m, most_rows)), .columns = PartSize(args.n, std::max<int64_t>(across, args.m <= most_rows ? 2 : 1))};
}

void RunMatmul(const MatmulArgs& args, ThreadPool* pool) { RunMatmul(args, CutOf(args), pool); }

void RunMatmul(const MatmulArgs& args, const MatmulCut& cut, ThreadPool* pool) {
  const int64_t down = Parts(args.m, cut.rows), across = Parts(args.n, cut.columns);
  const Ops& ops = ActiveOps();
  pool->For(down * across, [&](int64_t task) {
    const int64_t row = task % down * cut.rows, column = task / down * cut.columns;
    const int64_t rows = std::min(cut.rows, args.m - row), columns = std::min(cut.columns, args.n - column);
    if (cut.blas) return BlasTile(args, row, rows, column, columns);
    MatmulArgs tile = args;
    tile.m = rows;
    tile.n = columns;
    tile.a += row * args.a_row;
    tile.b += column * args.b_column;
    tile.c += row * args.c_row + column;
    if (args.bias != nullptr) tile.bias += column;
    if (args.addend != nullptr) tile.addend += row * args.addend_row + column;
    ops.matmul(tile);
  });
}

}  // namespace lethe
