// C = bias + A * B (+ addend), any strides of A, B with either orientation.
//
// Micro-tiles of kTileRows x (2 vectors) stay in registers; B is packed panel by panel on the stack. Every element is one chain of multiply-adds over
// k in ascending order that begins at its bias, whatever m, n and the tile it falls into: a row's result depends on that row alone, and
// equals a plain loop bit for bit (matmul_test). An addend at the end is one more rounding; where C itself is the addend (a gradient that grows), the chain
// begins at it instead, because partial sums pass through C. Layout after Goto & van de Geijn 2008,
// "Anatomy of high-performance matrix multiplication", without packing A: the matrices here have some hundred rows.
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {
namespace matmul_detail {

#if defined(LETHE_AVX512)
constexpr int kTileLanes = 16;
constexpr int kTileRows = 12;
typedef float TileVec __attribute__((vector_size(64), may_alias));
typedef float UnalignedTileVec __attribute__((vector_size(64), aligned(4), may_alias));
LETHE_INLINE TileVec TileMulAdd(TileVec a, TileVec b, TileVec c) { return (TileVec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
LETHE_INLINE TileVec TileSplat(const float* p) { return (TileVec)_mm512_set1_ps(*p); }
#elif defined(LETHE_AVX2)
constexpr int kTileLanes = 8;
constexpr int kTileRows = 6;
typedef float TileVec __attribute__((vector_size(32), may_alias));
typedef float UnalignedTileVec __attribute__((vector_size(32), aligned(4), may_alias));
LETHE_INLINE TileVec TileMulAdd(TileVec a, TileVec b, TileVec c) { return (TileVec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
LETHE_INLINE TileVec TileSplat(const float* p) { return (TileVec)_mm256_broadcast_ss(p); }
#else
constexpr int kTileLanes = 4;
constexpr int kTileRows = 4;
typedef float TileVec __attribute__((vector_size(16), may_alias));
typedef float UnalignedTileVec __attribute__((vector_size(16), aligned(4), may_alias));
LETHE_INLINE TileVec TileMulAdd(TileVec a, TileVec b, TileVec c) { return a * b + c; }
LETHE_INLINE TileVec TileSplat(const float* p) { return TileVec{*p, *p, *p, *p}; }
#endif
constexpr int kPanel = 2 * kTileLanes;
constexpr int kDepth = 256;  // k is cut here; partial sums pass through C without a further rounding

LETHE_INLINE TileVec LoadTile(const float* p) { return *reinterpret_cast<const UnalignedTileVec*>(p); }
LETHE_INLINE void StoreTile(float* p, TileVec v) { *reinterpret_cast<UnalignedTileVec*>(p) = v; }

typedef float Four __attribute__((vector_size(16), may_alias));
typedef float UnalignedFour __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t FourInt __attribute__((vector_size(16)));

// Four values of p of four columns (each `step` behind the one before) into four rows of the panel.
LETHE_INLINE void TransposeFour(float* packed, const float* b, int64_t step) {
  const Four c0 = *reinterpret_cast<const UnalignedFour*>(b), c1 = *reinterpret_cast<const UnalignedFour*>(b + step);
  const Four c2 = *reinterpret_cast<const UnalignedFour*>(b + 2 * step), c3 = *reinterpret_cast<const UnalignedFour*>(b + 3 * step);
  const Four low01 = __builtin_shuffle(c0, c1, FourInt{0, 4, 1, 5}), high01 = __builtin_shuffle(c0, c1, FourInt{2, 6, 3, 7});
  const Four low23 = __builtin_shuffle(c2, c3, FourInt{0, 4, 1, 5}), high23 = __builtin_shuffle(c2, c3, FourInt{2, 6, 3, 7});
  *reinterpret_cast<UnalignedFour*>(packed) = __builtin_shuffle(low01, low23, FourInt{0, 1, 4, 5});
  *reinterpret_cast<UnalignedFour*>(packed + kPanel) = __builtin_shuffle(low01, low23, FourInt{2, 3, 6, 7});
  *reinterpret_cast<UnalignedFour*>(packed + 2 * kPanel) = __builtin_shuffle(high01, high23, FourInt{0, 1, 4, 5});
  *reinterpret_cast<UnalignedFour*>(packed + 3 * kPanel) = __builtin_shuffle(high01, high23, FourInt{2, 3, 6, 7});
}

// packed[p * kPanel + j] = B(p, j) for j < columns, 0 beyond.
void Pack(float* packed, const float* b, int64_t b_row, int64_t b_column, int64_t depth, int64_t columns) {
  if (b_column == 1 && columns == kPanel) {
    for (int64_t p = 0; p < depth; ++p) {
      StoreTile(packed + p * kPanel, LoadTile(b + p * b_row));
      StoreTile(packed + p * kPanel + kTileLanes, LoadTile(b + p * b_row + kTileLanes));
    }
    return;
  }
  if (columns < kPanel) {
    for (int64_t i = 0; i < depth * kPanel; ++i) packed[i] = 0.0f;
  }
  if (b_column == 1) {
    for (int64_t p = 0; p < depth; ++p) {
      for (int64_t j = 0; j < columns; ++j) packed[p * kPanel + j] = b[p * b_row + j];
    }
    return;
  }
  const int64_t whole_depth = depth / 4 * 4, whole_columns = columns / 4 * 4;  // b_row is 1: p runs along memory
  for (int64_t j = 0; j < whole_columns; j += 4) {
    for (int64_t p = 0; p < whole_depth; p += 4) TransposeFour(packed + p * kPanel + j, b + p + j * b_column, b_column);
  }
  for (int64_t p = 0; p < depth; ++p) {
    for (int64_t j = p < whole_depth ? whole_columns : 0; j < columns; ++j) packed[p * kPanel + j] = b[p + j * b_column];
  }
}

// One micro-tile: c = (from_c ? c : bias) + A * packed (+ addend). c, bias and addend have kPanel columns.
template <int kRows>
LETHE_INLINE void Tile(int64_t depth, const float* a, int64_t a_row, int64_t a_column, const float* packed, float* c, int64_t c_row, bool from_c,
                       const float* bias, const float* addend, int64_t addend_row) {
  TileVec sum[kRows][2];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    const float* begin = from_c ? c + i * c_row : bias;
    sum[i][0] = LoadTile(begin);
    sum[i][1] = LoadTile(begin + kTileLanes);
  }
  for (int64_t p = 0; p < depth; ++p) {
    const TileVec b0 = LoadTile(packed + p * kPanel);
    const TileVec b1 = LoadTile(packed + p * kPanel + kTileLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const TileVec x = TileSplat(a + i * a_row + p * a_column);
      sum[i][0] = TileMulAdd(x, b0, sum[i][0]);
      sum[i][1] = TileMulAdd(x, b1, sum[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    if (addend != nullptr) {
      sum[i][0] += LoadTile(addend + i * addend_row);
      sum[i][1] += LoadTile(addend + i * addend_row + kTileLanes);
    }
    StoreTile(c + i * c_row, sum[i][0]);
    StoreTile(c + i * c_row + kTileLanes, sum[i][1]);
  }
}

typedef void (*TileFunction)(int64_t depth, const float* a, int64_t a_row, int64_t a_column, const float* packed, float* c, int64_t c_row, bool from_c,
                             const float* bias, const float* addend, int64_t addend_row);

template <int kRows>
void TileOf(int64_t depth, const float* a, int64_t a_row, int64_t a_column, const float* packed, float* c, int64_t c_row, bool from_c, const float* bias,
            const float* addend, int64_t addend_row) {
  if (a_column == 1) return Tile<kRows>(depth, a, a_row, 1, packed, c, c_row, from_c, bias, addend, addend_row);
  return Tile<kRows>(depth, a, 1, a_column, packed, c, c_row, from_c, bias, addend, addend_row);
}

constexpr TileFunction kTiles[] = {nullptr,    TileOf<1>,  TileOf<2>, TileOf<3>, TileOf<4>,
#if defined(LETHE_AVX2)
                                   TileOf<5>,  TileOf<6>,
#endif
#if defined(LETHE_AVX512)
                                   TileOf<7>,  TileOf<8>,  TileOf<9>, TileOf<10>, TileOf<11>, TileOf<12>,
#endif
};

}  // namespace matmul_detail

// REQUIRES: one of a_row, a_column is 1, one of b_row, b_column is 1; an addend is C itself or apart from it, and in the first case there is no bias.
void Matmul(const MatmulArgs& args) {
  using namespace matmul_detail;
  alignas(64) float packed[kDepth * kPanel];
  alignas(64) float edge[kTileRows * kPanel];         // a tile at the right border, padded
  alignas(64) float edge_addend[kTileRows * kPanel];
  alignas(64) float panel_bias[kPanel];
  const bool grows = args.addend == args.c;
  for (int64_t p = 0; p == 0 || p < args.k; p += kDepth) {
    const bool from_c = p != 0 || grows;
    const int64_t depth = args.k - p < kDepth ? args.k - p : kDepth;
    const bool last = p + depth == args.k;
    for (int64_t j = 0; j < args.n; j += kPanel) {
      const int64_t columns = args.n - j < kPanel ? args.n - j : kPanel;
      Pack(packed, args.b + p * args.b_row + j * args.b_column, args.b_row, args.b_column, depth, columns);
      for (int64_t x = 0; x < kPanel; ++x) panel_bias[x] = args.bias != nullptr && x < columns ? args.bias[j + x] : 0.0f;
      for (int64_t i = 0; i < args.m; i += kTileRows) {
        const int64_t rows = args.m - i < kTileRows ? args.m - i : kTileRows;
        const float* a = args.a + i * args.a_row + p * args.a_column;
        float* c = args.c + i * args.c_row + j;
        const float* addend = last && !grows && args.addend != nullptr ? args.addend + i * args.addend_row + j : nullptr;
        if (columns == kPanel) {
          kTiles[rows](depth, a, args.a_row, args.a_column, packed, c, args.c_row, from_c, panel_bias, addend, args.addend_row);
          continue;
        }
        for (int64_t x = 0; x < rows; ++x) {
          for (int64_t y = 0; y < columns; ++y) {
            if (from_c) edge[x * kPanel + y] = c[x * args.c_row + y];
            if (addend != nullptr) edge_addend[x * kPanel + y] = addend[x * args.addend_row + y];
          }
          for (int64_t y = columns; y < kPanel; ++y) edge[x * kPanel + y] = edge_addend[x * kPanel + y] = 0.0f;
        }
        kTiles[rows](depth, a, args.a_row, args.a_column, packed, edge, kPanel, from_c, panel_bias, addend != nullptr ? edge_addend : nullptr, kPanel);
        for (int64_t x = 0; x < rows; ++x) {
          for (int64_t y = 0; y < columns; ++y) c[x * args.c_row + y] = edge[x * kPanel + y];
        }
      }
    }
  }
}

}  // namespace lethe::LETHE_LEVEL
