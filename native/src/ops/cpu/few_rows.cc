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
constexpr int kGroup = 3;              // rows of x whose sums with two rows of weights fill the registers
constexpr int64_t kSegment = 2048;     // weights of a row that are decoded at once for more rows of x: whole blocks of every format
constexpr int64_t kMostRows = 96;      // of x: their sums wait on the stack between segments
constexpr int64_t kAhead = 2048;       // bytes, at least, by which weights are fetched before their turn
constexpr int64_t kLine = 64;          // bytes of a cache line

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

// Lanes of the sums of a row of x with two rows of weights.
typedef Vec Sums[2][2];

// The lanes of both rows of weights meet, each as in SumLanes.
LETHE_INLINE void MeetBoth(float out[2], const Sums& sums) {
#if defined(LETHE_AVX2)
  const __m256 first = (__m256)(sums[0][0] + sums[0][1]), second = (__m256)(sums[1][0] + sums[1][1]);
  const __m128 one = _mm_add_ps(_mm256_castps256_ps128(first), _mm256_extractf128_ps(first, 1));
  const __m128 two = _mm_add_ps(_mm256_castps256_ps128(second), _mm256_extractf128_ps(second, 1));
  const __m128 met = _mm_add_ps(_mm_unpacklo_ps(one, two), _mm_unpackhi_ps(one, two));
  _mm_storel_pi(reinterpret_cast<__m64*>(out), _mm_add_ps(met, _mm_movehl_ps(met, met)));
#else
  for (int r = 0; r < 2; ++r) out[r] = SumLanes(sums[r][0] + sums[r][1]);
#endif
}

// y of row i and of outputs j and j + 1, or of j alone.
LETHE_INLINE void Put(const FewRowsArgs& args, int64_t i, int64_t j, int64_t rows, const float both[2]) {
  for (int64_t r = 0; r < rows; ++r) {
    float sum = both[r];
    if (args.bias != nullptr) sum += args.bias[j + r];
    if (args.addend != nullptr) sum += args.addend[i * args.addend_row + j + r];
    args.y[i * args.y_row + j + r] = sum;
  }
}

// Some units of two neighbouring rows of weights, as they lie or decoded, and the rows of x that meet them.
struct Stretch {
  const FewRowsArgs* args;
  int64_t i, j, rows;         // the first row of x; the first row of weights, and whether there are two
  int64_t from;               // the weight of a row at which it begins
  bool whole;                 // all of the rows: the sums need no place to wait, they become y
  const unsigned char *w0, *w1;
  int64_t units;
  const unsigned char* soon;  // what is fetched on the way
};

// sums[i][r] += the lanes of x[i] * w[r], for kRows rows of x. On the way, kLines cache lines are fetched for each unit; returns where they go on.
template <uint32_t kFormat, int kRows, int kLines>
LETHE_INLINE const unsigned char* AddDots(Sums* sums, Stretch of) {
  const int64_t x_row = of.args->x_row;
  const float* x = of.args->x + of.i * x_row + of.from;
  Sums sum[kRows];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) sum[i][s / 2][s % 2] = of.whole ? Splat(0.0f) : sums[i][s / 2][s % 2];
  }
  for (int64_t u = 0; u < of.units; ++u) {
#pragma GCC unroll 4
    for (int line = 0; line < kLines; ++line, of.soon += kLine) __builtin_prefetch(of.soon);
    Vec scale0 = Splat(0.0f), scale1 = scale0, offset0 = scale0, offset1 = scale0;
    if constexpr (kScaled<kFormat>) scale0 = Splat(OneF16(of.w0)), scale1 = Splat(OneF16(of.w1));
    if constexpr (kFormat == kFormatQ4_1) offset0 = Splat(OneF16(of.w0 + 2)), offset1 = Splat(OneF16(of.w1 + 2));
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Vec of0 = Widen<kFormat>(of.w0, v, scale0, offset0), of1 = Widen<kFormat>(of.w1, v, scale1, offset1);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        const Vec xs = Load(x + i * x_row + 8 * v);
        AddProduct(sum[i][0][v % 2], xs, of0);
        AddProduct(sum[i][1][v % 2], xs, of1);
      }
    }
    of.w0 += kUnitBytes<kFormat>;
    of.w1 += kUnitBytes<kFormat>;
    x += kUnit;
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
    if (of.whole) {
      float both[2];
      MeetBoth(both, sum[i]);
      Put(*of.args, of.i + i, of.j, of.rows, both);
    } else {
#pragma GCC unroll 4
      for (int s = 0; s < 4; ++s) sums[i][s / 2][s % 2] = sum[i][s / 2][s % 2];
    }
  }
  return of.soon;
}

template <uint32_t kFormat, int kLines>
void AddAllDots(Sums* sums, int64_t m, Stretch of) {
  for (; m >= kGroup; m -= kGroup, of.i += kGroup, sums += kGroup) of.soon = AddDots<kFormat, kGroup, kLines>(sums, of);
  if (m == 2) AddDots<kFormat, 2, kLines>(sums, of);
  if (m == 1) AddDots<kFormat, 1, kLines>(sums, of);
}

typedef void (*DotsFunction)(Sums* sums, int64_t m, Stretch of);

// How m rows of x meet weights of a format where they lie; all groups together fetch about as much as they read. Null where decoding once costs less: for formats
// without a loop here, and for more than one group where widening takes effort.
DotsFunction DotsOf(uint32_t format, int64_t m) {
  const bool one_group = m <= kGroup;
  switch (format) {
    case kFormatF32: return one_group ? AddAllDots<kFormatF32, 4> : AddAllDots<kFormatF32, 2>;
    case kFormatBf16: return one_group ? AddAllDots<kFormatBf16, 2> : AddAllDots<kFormatBf16, 1>;
    case kFormatF16: return one_group ? AddAllDots<kFormatF16, 2> : nullptr;
    case kFormatQ8_0: return one_group ? AddAllDots<kFormatQ8_0, 2> : nullptr;
    case kFormatQ4_0: return one_group ? AddAllDots<kFormatQ4_0, 1> : nullptr;
    case kFormatQ4_1: return one_group ? AddAllDots<kFormatQ4_1, 1> : nullptr;
    default: return nullptr;
  }
}

constexpr DotsFunction kDecodedDots = AddAllDots<kFormatF32, 1>;

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
  const int64_t whole = args.k / kUnit * kUnit, left = args.k - whole;
  const int64_t ahead = (kAhead + 2 * row_bytes - 1) / (2 * row_bytes) * 2 * row_bytes;  // whole pairs of rows
  alignas(64) float decoded[2][kSegment];
  Sums sums[kMostRows];
  float rest[2][kUnit] = {};
  for (int64_t first = 0; first < args.m; first += kMostRows) {
    const int64_t m = args.m - first < kMostRows ? args.m - first : kMostRows;
    const DotsFunction dots = DotsOf(format.id, m);
    const int64_t segment = dots != nullptr || whole < kSegment ? whole : kSegment;
    for (int64_t j = 0; j < args.n; j += 2) {
      const int64_t rows = args.n - j < 2 ? 1 : 2;
      // A last row without a partner is taken twice.
      const unsigned char* const w[2] = {args.weights + j * row_bytes, args.weights + (j + rows - 1) * row_bytes};
      Stretch stretch = {.args = &args, .i = first, .j = j, .rows = rows, .from = 0, .whole = segment == args.k, .w0 = w[0], .w1 = w[1], .units = 0, .soon = nullptr};
      if (!stretch.whole) __builtin_memset(sums, 0, static_cast<unsigned long>(m) * sizeof(Sums));
      for (; stretch.from < whole; stretch.from += segment) {
        const int64_t count = whole - stretch.from < segment ? whole - stretch.from : segment, at = stretch.from / format.elements * format.bytes;
        stretch.units = count / kUnit;
        stretch.soon = w[0] + ahead + 2 * at;
        if (dots == nullptr) {
          for (int r = 0; r < 2; ++r) Decode(decoded[r], format, w[r] + at, count);
          stretch.w0 = reinterpret_cast<const unsigned char*>(decoded[0]);
          stretch.w1 = reinterpret_cast<const unsigned char*>(decoded[1]);
        }
        (dots != nullptr ? dots : kDecodedDots)(sums, m, stretch);
      }
      if (stretch.whole) continue;
      for (int64_t r = 0; r < rows; ++r) Decode(rest[r], format, w[r] + whole / format.elements * format.bytes, left);
      for (int64_t i = 0; i < m; ++i) {
        float both[2];
        for (int64_t r = 0; r < rows; ++r) both[r] = Finish(sums[i][r], rest[r], args.x + (first + i) * args.x_row + whole, left);
        Put(args, first + i, j, rows, both);
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
