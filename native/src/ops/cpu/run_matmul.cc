#include "ops/cpu/run_matmul.h"

#include <cblas.h>

#include <algorithm>

#include "lethe/thread_pool.h"

namespace lethe {
namespace {

constexpr int64_t kLargeOperand = 512 * 512;
// Tiles are fixed numbers: a cut that followed the number of threads would change OpenBLAS's bits.
constexpr int64_t kOwnRows = 192, kOwnColumns = 512;
constexpr int64_t kBlasRows = 512, kBlasColumns = 768;

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
  cblas_sgemm(CblasRowMajor, a_plain ? CblasNoTrans : CblasTrans, b_plain ? CblasNoTrans : CblasTrans, static_cast<int>(rows), static_cast<int>(columns),
              static_cast<int>(args.k), 1.0f, args.a + row * args.a_row, static_cast<int>(a_plain ? a_row : args.a_column),
              args.b + column * args.b_column, static_cast<int>(b_plain ? args.b_row : args.b_column), prefilled ? 1.0f : 0.0f, c,
              static_cast<int>(args.c_row));
}

}  // namespace

void RunMatmul(const MatmulArgs& args, ThreadPool* pool) {
  const bool blas = args.n * args.k >= kLargeOperand;
  const int64_t tile_rows = blas ? kBlasRows : kOwnRows, tile_columns = blas ? kBlasColumns : kOwnColumns;
  const int64_t down = (args.m + tile_rows - 1) / tile_rows, across = (args.n + tile_columns - 1) / tile_columns;
  const Ops& ops = ActiveOps();
  pool->For(down * across, [&](int64_t task) {
    const int64_t row = task % down * tile_rows, column = task / down * tile_columns;
    const int64_t rows = std::min(tile_rows, args.m - row), columns = std::min(tile_columns, args.n - column);
    if (blas) return BlasTile(args, row, rows, column, columns);
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
