// Products of few rows with a large matrix of weights, read once from wherever it lies in whatever form: what a token under generation needs.
//   rows:    y[i, j] = bias[j] + sum over p of x[i, p] W[j, p] (+ addend[i, j])      W [n, k], blocks of any format
//   columns: y[i, j] = bias[j] + sum over p of x[i, p] W[p, j] (+ addend[i, j])      W [k, n], formats of single numbers
// Rows: lane l sums p = l, l + 8, … in ascending order, the lanes meet pairwise, then the rest, the bias, the addend. Columns: one chain over p that begins at
// the bias, as in matmul.cc. Either way an element depends on its own row and column alone: not on m, nor on how n is cut, nor on the form of equal weights.
#include "ops/cpu/ops.h"
#include "ops/cpu/widen.h"
#include "weights/dequantize.h"

namespace lethe::LETHE_LEVEL {

void Decode(float* into, const BlockFormat& format, const unsigned char* data, int64_t count);

namespace few_rows_detail {

constexpr int kWeightRows = 4;         // at once
constexpr int64_t kSegment = 256;      // weights of a row that are decoded at once: whole blocks of every format
constexpr int64_t kMostRows = 96;      // of x at once: their sums wait on the stack between segments

// sums[i][j] += lanes of x[i] * w[j], for kRows rows of x.
template <int kRows>
LETHE_INLINE void Dots(Vec (*sums)[kWeightRows], const float* x, int64_t x_row, const float* w, int64_t w_row, int64_t count) {
  Vec sum[kRows][kWeightRows];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kWeightRows; ++j) sum[i][j] = sums[i][j];
  }
  for (int64_t p = 0; p < count; p += kLanes) {
    Vec xs[kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) xs[i] = Load(x + i * x_row + p);
#pragma GCC unroll 4
    for (int j = 0; j < kWeightRows; ++j) {
      const Vec weight = Load(w + j * w_row + p);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) sum[i][j] = MulAdd(xs[i], weight, sum[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kWeightRows; ++j) sums[i][j] = sum[i][j];
  }
}

LETHE_INLINE void AllDots(Vec (*sums)[kWeightRows], int64_t m, const float* x, int64_t x_row, const float* w, int64_t w_row, int64_t count) {
  int64_t i = 0;
  for (; i + 3 <= m; i += 3) Dots<3>(sums + i, x + i * x_row, x_row, w, w_row, count);
  if (i + 2 == m) Dots<2>(sums + i, x + i * x_row, x_row, w, w_row, count);
  if (i + 1 == m) Dots<1>(sums + i, x + i * x_row, x_row, w, w_row, count);
}

// Four numbers p .. p + 3 of 8 columns, chained onto `sum`.
template <uint32_t kFormat>
LETHE_INLINE Vec Column(const unsigned char* w, int64_t p, int64_t n, int64_t column) {
  const int64_t at = p * n + column;
  if (kFormat == kFormatBf16) return FromBf16(w + 2 * at);
  if (kFormat == kFormatF16) return FromF16(w + 2 * at);
  return Load(reinterpret_cast<const float*>(w) + at);
}

constexpr int64_t kColumns = 64;

template <uint32_t kFormat>
void Columns(const FewRowsArgs& args, int64_t begin, int64_t end) {
  const int64_t whole = begin + (end - begin) / kLanes * kLanes;
  for (int64_t i = 0; i < args.m; ++i) {
    for (int64_t j = begin; j < end; ++j) args.y[i * args.y_row + j] = args.bias == nullptr ? 0.0f : args.bias[j];
  }
  for (int64_t p = 0; p < args.k; p += 4) {
    const int64_t deep = args.k - p < 4 ? args.k - p : 4;
    for (int64_t j = begin; j < whole; j += kLanes) {
      Vec w[4];
      for (int64_t d = 0; d < deep; ++d) w[d] = Column<kFormat>(args.weights, p + d, args.weights_row, j);
      for (int64_t i = 0; i < args.m; ++i) {
        const float* x = args.x + i * args.x_row + p;
        Vec sum = Load(args.y + i * args.y_row + j);
        for (int64_t d = 0; d < deep; ++d) sum = MulAdd(Splat(x[d]), w[d], sum);
        Store(args.y + i * args.y_row + j, sum);
      }
    }
    if (whole == end) continue;
    for (int64_t d = 0; d < deep; ++d) {
      Vec w = Splat(0.0f);
      for (int64_t j = whole; j < end; ++j) {
        float one;
        const int64_t at = (p + d) * args.weights_row + j;
        Decode(&one, *args.format, args.weights + at * args.format->bytes, 1);
        w[j - whole] = one;
      }
      for (int64_t i = 0; i < args.m; ++i) {
        float* y = args.y + i * args.y_row + whole;
        StoreFirst(y, MulAdd(Splat(args.x[i * args.x_row + p + d]), w, LoadFirst(y, end - whole)), end - whole);
      }
    }
  }
  if (args.addend == nullptr) return;
  for (int64_t i = 0; i < args.m; ++i) {
    for (int64_t j = begin; j < end; ++j) args.y[i * args.y_row + j] += args.addend[i * args.addend_row + j];
  }
}

}  // namespace few_rows_detail

void FewRows(const FewRowsArgs& args) {
  using namespace few_rows_detail;
  const BlockFormat& format = *args.format;
  const bool plain = format.id == kFormatF32;
  const int64_t row_bytes = args.k / format.elements * format.bytes;
  const int64_t whole = args.k / kLanes * kLanes, rest = args.k - whole;
  alignas(64) float decoded[kWeightRows * kSegment];
  Vec sums[kMostRows][kWeightRows];
  float tails[kWeightRows][kLanes];
  for (int64_t first = 0; first < args.m; first += kMostRows) {
    const int64_t m = args.m - first < kMostRows ? args.m - first : kMostRows;
    const float* x = args.x + first * args.x_row;
    for (int64_t j = 0; j < args.n; j += kWeightRows) {
      const int64_t rows = args.n - j < kWeightRows ? args.n - j : kWeightRows;
      for (int64_t i = 0; i < m; ++i) {
        for (int r = 0; r < kWeightRows; ++r) sums[i][r] = Splat(0.0f);
      }
      // A group that is not whole takes its first row again.
      const unsigned char* row[kWeightRows];
      for (int64_t r = 0; r < kWeightRows; ++r) row[r] = args.weights + (j + (r < rows ? r : 0)) * row_bytes;
      if (plain && rows == kWeightRows) {
        AllDots(sums, m, x, args.x_row, reinterpret_cast<const float*>(row[0]), args.k, whole);
      } else {
        for (int64_t p = 0; p < whole; p += kSegment) {
          const int64_t count = args.k - p < kSegment ? args.k - p : kSegment;
          for (int64_t r = 0; r < kWeightRows; ++r) Decode(decoded + r * kSegment, format, row[r] + p / format.elements * format.bytes, count / format.elements * format.elements);
          AllDots(sums, m, x + p, args.x_row, decoded, kSegment, count / kLanes * kLanes);
        }
      }
      for (int64_t r = 0; r < rows && rest > 0; ++r) Decode(tails[r], format, row[r] + whole * format.bytes, rest);  // only formats of single numbers have a rest
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t r = 0; r < rows; ++r) {
          float sum = SumLanes(sums[i][r]);
          if (rest > 0) {
            Vec tail = Splat(sum);
            for (int64_t p = 0; p < rest; ++p) tail = MulAdd(Splat(x[i * args.x_row + whole + p]), Splat(tails[r][p]), tail);
            sum = tail[0];
          }
          if (args.bias != nullptr) sum += args.bias[j + r];
          if (args.addend != nullptr) sum += args.addend[(first + i) * args.addend_row + j + r];
          args.y[(first + i) * args.y_row + j + r] = sum;
        }
      }
    }
  }
}

void FewRowsByColumn(const FewRowsArgs& args) {
  using namespace few_rows_detail;
  for (int64_t j = 0; j < args.n; j += kColumns) {
    const int64_t end = j + kColumns < args.n ? j + kColumns : args.n;
    if (args.format->id == kFormatF32) Columns<kFormatF32>(args, j, end);
    if (args.format->id == kFormatF16) Columns<kFormatF16>(args, j, end);
    if (args.format->id == kFormatBf16) Columns<kFormatBf16>(args, j, end);
  }
}

}  // namespace lethe::LETHE_LEVEL
