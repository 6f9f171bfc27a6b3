#include "model/stored_matrix.h"

#include <algorithm>

#include "ops/cpu/run_matmul.h"

namespace lethe {

int64_t StoredMatrix::rows() const {
  int64_t rows = 0;
  for (const auto& part : parts) rows += part->rows();
  return rows;
}

int64_t StoredMatrix::PanelFloats() const { return std::min(rows(), kPanelRows) * columns(); }

void StoredMatrix::DecodeRows(int64_t first, int64_t count, ThreadPool* pool) const {
  constexpr int64_t kRows = 32;
  pool->For((count + kRows - 1) / kRows, [&](int64_t task) {
    const int64_t begin = first + task * kRows, end = std::min(first + count, begin + kRows);
    int64_t at = 0;  // the first row of a part
    for (const auto& part : parts) {
      const int64_t from = std::max(begin, at), to = std::min(end, at + part->rows());
      if (from < to) part->Decode(from - at, to - from, panel + (from - first) * columns());
      at += part->rows();
    }
  });
}

void RunStoredMatmul(const MatmulArgs& args, const StoredMatrix& matrix, bool across, ThreadPool* pool) {
  const int64_t rows = matrix.rows(), columns = matrix.columns();
  const MatmulCut cut = CutOf(args);
  const int64_t most = across && rows > kPanelRows ? kPanelRows / cut.columns * cut.columns : kPanelRows;
  for (int64_t first = 0; first < rows; first += most) {
    const int64_t count = std::min(most, rows - first);
    matrix.DecodeRows(first, count, pool);
    MatmulArgs part = args;
    part.b = matrix.panel;
    part.b_row = across ? 1 : columns;
    part.b_column = across ? columns : 1;
    if (across) {
      part.n = count;
      part.c += first;
      if (part.bias != nullptr) part.bias += first;
      if (part.addend != nullptr) part.addend += first;
    } else {
      part.k = count;
      part.a += first * args.a_column;
      if (first > 0) {  // onto the sum so far
        part.bias = nullptr;
        part.addend = args.c;
        part.addend_row = args.c_row;
      }
    }
    RunMatmul(part, cut, pool);
  }
}

}  // namespace lethe
