// Products of few rows with a large matrix of weights, read once from wherever it lies in whatever form: what a token under generation needs.
//   rows:    y[i, j] = bias[j] + sum over p of x[i, p] W[j, p] (+ addend[i, j])      W [n, k], blocks of any format
//   columns: y[i, j] = bias[j] + sum over p of x[i, p] W[p, j] (+ addend[i, j])      W [k, n], formats of single numbers
// Rows: lane l of 16 sums p = l, l + 16, … in ascending order, the lanes meet pairwise, then the rest, the bias, the addend. Columns: one chain over p that begins
// at the bias, as in matmul.cc. Either way an element depends on its own row and column alone: not on m, nor on how n is cut, nor on the form of equal weights.
#include "ops/cpu/ops.h"
#include "ops/cpu/widen.h"
#include "weights/dequantize.h"

namespace lethe::LETHE_LEVEL {

void Decode(float* into, const BlockFormat& format, const unsigned char* data, int64_t count);

namespace few_rows_detail {

constexpr int64_t kUnit = 32;          // weights: a block of the formats that have a loop here
constexpr int64_t kFused = 2;          // rows of x, at most, for which weights are widened where they are used; for more they are decoded once
constexpr int64_t kSegment = 1024;     // weights of a row that are decoded at once for more rows of x: whole blocks of every format
constexpr int64_t kMostRows = 96;      // of x: their sums wait on the stack between segments
constexpr int64_t kAhead = 2048;       // bytes, at least, by which weights are fetched before their turn

template <uint32_t kFormat>
constexpr int64_t kUnitBytes = kFormat == kFormatF32 ? 128 : kFormat == kFormatQ4_0 ? 18 : kFormat == kFormatQ4_1 ? 20 : kFormat == kFormatQ8_0 ? 34 : 64;

template <uint32_t kFormat>
constexpr bool kScaled = kFormat == kFormatQ4_0 || kFormat == kFormatQ4_1 || kFormat == kFormatQ8_0;

// Eight weights of a unit, the v-th of four, as Decode gives them.
template <uint32_t kFormat>
LETHE_INLINE Vec Widen(const unsigned char* at, int v, Vec scale, Vec offset) {
  if constexpr (kFormat == kFormatF32) return Load(reinterpret_cast<const float*>(at) + 8 * v);
  if constexpr (kFormat == kFormatBf16) return FromBf16(at + 16 * v);
  if constexpr (kFormat == kFormatF16) return FromF16(at + 16 * v);
  if constexpr (kFormat == kFormatQ8_0) return scale * FromInt8(at + 2 + 8 * v);
  if constexpr (kFormat == kFormatQ4_0) return scale * FromEightNibbles(at + 2 + v % 2 * 8, v >= 2, 8);
  if constexpr (kFormat == kFormatQ4_1) return scale * FromEightNibbles(at + 4 + v % 2 * 8, v >= 2, 0) + offset;
}

// sums[i][r] += the lanes of x[i] * w[r], for kRows rows of x and two of weights. ahead 0: the weights are in the cache already.
template <uint32_t kFormat, int kRows>
LETHE_INLINE void Dots(Vec (*sums)[2][2], const float* x, int64_t x_row, const unsigned char* w0, const unsigned char* w1, int64_t units, int64_t ahead) {
  Vec sum[kRows][2][2];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) sum[i][s / 2][s % 2] = sums[i][s / 2][s % 2];
  }
  for (int64_t u = 0; u < units; ++u) {
    if (ahead != 0) {
#pragma GCC unroll 2
      for (int64_t line = 0; line < kUnitBytes<kFormat>; line += 64) {
        __builtin_prefetch(w0 + ahead + line);
        __builtin_prefetch(w1 + ahead + line);
      }
    }
    Vec scale0 = Splat(0.0f), scale1 = scale0, offset0 = scale0, offset1 = scale0;
    if constexpr (kScaled<kFormat>) scale0 = Splat(OneF16(w0)), scale1 = Splat(OneF16(w1));
    if constexpr (kFormat == kFormatQ4_1) offset0 = Splat(OneF16(w0 + 2)), offset1 = Splat(OneF16(w1 + 2));
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Vec of0 = Widen<kFormat>(w0, v, scale0, offset0), of1 = Widen<kFormat>(w1, v, scale1, offset1);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        const Vec xs = Load(x + i * x_row + 8 * v);
        sum[i][0][v % 2] = MulAdd(xs, of0, sum[i][0][v % 2]);
        sum[i][1][v % 2] = MulAdd(xs, of1, sum[i][1][v % 2]);
      }
    }
    w0 += kUnitBytes<kFormat>;
    w1 += kUnitBytes<kFormat>;
    x += kUnit;
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) sums[i][s / 2][s % 2] = sum[i][s / 2][s % 2];
  }
}

template <uint32_t kFormat>
void AllDots(Vec (*sums)[2][2], int64_t m, const float* x, int64_t x_row, const unsigned char* w0, const unsigned char* w1, int64_t units, int64_t ahead) {
  int64_t i = 0;
  for (; i + 3 <= m; i += 3) Dots<kFormat, 3>(sums + i, x + i * x_row, x_row, w0, w1, units, ahead);
  if (i + 2 == m) Dots<kFormat, 2>(sums + i, x + i * x_row, x_row, w0, w1, units, ahead);
  if (i + 1 == m) Dots<kFormat, 1>(sums + i, x + i * x_row, x_row, w0, w1, units, ahead);
}

typedef void (*DotsFunction)(Vec (*sums)[2][2], int64_t m, const float* x, int64_t x_row, const unsigned char* w0, const unsigned char* w1, int64_t units, int64_t ahead);

// Null for formats that are decoded first.
DotsFunction DotsOf(uint32_t format) {
  switch (format) {
    case kFormatF32: return AllDots<kFormatF32>;
    case kFormatF16: return AllDots<kFormatF16>;
    case kFormatBf16: return AllDots<kFormatBf16>;
    case kFormatQ4_0: return AllDots<kFormatQ4_0>;
    case kFormatQ4_1: return AllDots<kFormatQ4_1>;
    case kFormatQ8_0: return AllDots<kFormatQ8_0>;
    default: return nullptr;
  }
}

// `count` numbers that whole units leave of a row: whole vectors of them go on with the lanes. Formats of single numbers only.
LETHE_INLINE float Finish(Vec sums[2], const float* rest, const float* x, int64_t count) {
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t p = 0; p < whole; p += kLanes) sums[p / kLanes % 2] = MulAdd(Load(x + p), Load(rest + p), sums[p / kLanes % 2]);
  Vec sum = Splat(SumLanes(sums[0] + sums[1]));
  for (int64_t p = whole; p < count; ++p) sum = MulAdd(Splat(x[p]), Splat(rest[p]), sum);  // vectors, so that every level fuses as above
  return sum[0];
}

constexpr int64_t kColumns = 128;
constexpr int kDeep = 4;  // weights of a column that are added at once

template <uint32_t kFormat>
LETHE_INLINE Vec EightColumns(const unsigned char* w, int64_t at) {
  if constexpr (kFormat == kFormatBf16) return FromBf16(w + 2 * at);
  if constexpr (kFormat == kFormatF16) return FromF16(w + 2 * at);
  if constexpr (kFormat == kFormatF32) return Load(reinterpret_cast<const float*>(w) + at);
}

// y[i, j] goes on by p .. p + kCount - 1, for whole vectors of columns.
template <uint32_t kFormat, int kCount>
LETHE_INLINE void AddDeep(const FewRowsArgs& args, int64_t begin, int64_t end, int64_t p) {
  for (int64_t j = begin; j < end; j += kLanes) {
    Vec w[kCount];
#pragma GCC unroll 4
    for (int d = 0; d < kCount; ++d) w[d] = EightColumns<kFormat>(args.weights, (p + d) * args.weights_row + j);
    for (int64_t i = 0; i < args.m; ++i) {
      const float* x = args.x + i * args.x_row + p;
      float* y = args.y + i * args.y_row + j;
      Vec sum = Load(y);
#pragma GCC unroll 4
      for (int d = 0; d < kCount; ++d) sum = MulAdd(Splat(x[d]), w[d], sum);
      Store(y, sum);
    }
  }
}

template <uint32_t kFormat>
void Columns(const FewRowsArgs& args, int64_t begin, int64_t end) {
  const int64_t whole = begin + (end - begin) / kLanes * kLanes;
  for (int64_t i = 0; i < args.m; ++i) {
    for (int64_t j = begin; j < end; ++j) args.y[i * args.y_row + j] = args.bias == nullptr ? 0.0f : args.bias[j];
  }
  int64_t p = 0;
  for (; p + kDeep <= args.k; p += kDeep) AddDeep<kFormat, kDeep>(args, begin, whole, p);
  for (; p < args.k; ++p) AddDeep<kFormat, 1>(args, begin, whole, p);
  for (p = 0; p < args.k && whole < end; ++p) {
    float last[kLanes] = {};
    Decode(last, *args.format, args.weights + (p * args.weights_row + whole) * args.format->bytes, end - whole);
    for (int64_t i = 0; i < args.m; ++i) {
      float* y = args.y + i * args.y_row + whole;
      StoreFirst(y, MulAdd(Splat(args.x[i * args.x_row + p]), Load(last), LoadFirst(y, end - whole)), end - whole);
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
  const int64_t row_bytes = args.k / format.elements * format.bytes;
  const int64_t units = args.k / kUnit, whole = units * kUnit;
  const int64_t ahead = (kAhead + 2 * row_bytes - 1) / (2 * row_bytes) * 2 * row_bytes;  // whole pairs of rows
  const DotsFunction dots = DotsOf(format.id), decoded_dots = DotsOf(kFormatF32);
  alignas(64) float decoded[2][kSegment];
  Vec sums[kMostRows][2][2];
  float rest[2][kUnit] = {};
  for (int64_t first = 0; first < args.m; first += kMostRows) {
    const int64_t m = args.m - first < kMostRows ? args.m - first : kMostRows;
    const float* x = args.x + first * args.x_row;
    for (int64_t j = 0; j < args.n; j += 2) {
      const int64_t rows = args.n - j < 2 ? 1 : 2;
      // A last row without a partner is taken twice.
      const unsigned char* const w[2] = {args.weights + j * row_bytes, args.weights + (j + rows - 1) * row_bytes};
      for (int64_t i = 0; i < m; ++i) {
        for (int v = 0; v < 4; ++v) sums[i][v / 2][v % 2] = Splat(0.0f);
      }
      if (dots != nullptr && (m <= kFused || format.id == kFormatF32)) {
        dots(sums, m, x, args.x_row, w[0], w[1], units, ahead);
      } else {
        for (int64_t p = 0; p < whole; p += kSegment) {
          const int64_t count = whole - p < kSegment ? whole - p : kSegment;
          for (int r = 0; r < 2; ++r) Decode(decoded[r], format, w[r] + p / format.elements * format.bytes, count);
          decoded_dots(sums, m, x + p, args.x_row, reinterpret_cast<const unsigned char*>(decoded[0]), reinterpret_cast<const unsigned char*>(decoded[1]), count / kUnit, 0);
        }
      }
      for (int64_t r = 0; r < rows && whole < args.k; ++r) Decode(rest[r], format, w[r] + whole * format.bytes, args.k - whole);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t r = 0; r < rows; ++r) {
          float sum = Finish(sums[i][r], rest[r], x + i * args.x_row + whole, args.k - whole);
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
