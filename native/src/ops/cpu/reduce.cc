// Sums in an order fixed by the shape, and scaling.
//   ColumnSums:   sums[c] += sum over rows of x[r, c], columns [column_begin, column_end) of rows that are `stride` floats apart
//   SumOfSquares: in double, eight chains
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

void ColumnSums(float* sums, const float* x, int64_t rows, int64_t stride, int64_t column_begin, int64_t column_end) {
  int64_t c = column_begin;
  for (; c + 4 * kLanes <= column_end; c += 4 * kLanes) {
    Vec s0 = Splat(0.0f), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x + r * stride + c;
      s0 += Load(row), s1 += Load(row + kLanes), s2 += Load(row + 2 * kLanes), s3 += Load(row + 3 * kLanes);
    }
    Store(sums + c, Load(sums + c) + s0);
    Store(sums + c + kLanes, Load(sums + c + kLanes) + s1);
    Store(sums + c + 2 * kLanes, Load(sums + c + 2 * kLanes) + s2);
    Store(sums + c + 3 * kLanes, Load(sums + c + 3 * kLanes) + s3);
  }
  for (; c < column_end; ++c) {
    float sum = 0.0f;
    for (int64_t r = 0; r < rows; ++r) sum += x[r * stride + c];
    sums[c] += sum;
  }
}

double SumOfSquares(const float* x, int64_t count) {
  double chain[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) chain[lane] += static_cast<double>(x[i + lane]) * static_cast<double>(x[i + lane]);
  }
  for (; i < count; ++i) chain[i % 8] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return ((chain[0] + chain[4]) + (chain[2] + chain[6])) + ((chain[1] + chain[5]) + (chain[3] + chain[7]));
}

void Scale(float* x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] *= factor;
}

}  // namespace lethe::LETHE_LEVEL
