// What a product sees of stored tensors: one or several (queries, keys and values; gate and up), one below another, and memory to decode a part of them into.
#ifndef LETHE_MODEL_STORED_MATRIX_H_
#define LETHE_MODEL_STORED_MATRIX_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "lethe/thread_pool.h"
#include "model/stored_tensor.h"
#include "ops/cpu/ops.h"

namespace lethe {

// A part that is decoded at once. Sums over rows are cut at it, and 7,680 is a multiple of the depth at which OpenBLAS's kernels cut them by themselves, so that
// products have the bits of those with fp32 weights.
inline constexpr int64_t kPanelRows = 7680;

struct StoredMatrix {
  std::vector<std::unique_ptr<StoredTensor>> parts;
  float* panel = nullptr;  // PanelFloats at least; shared by the matrices of a decoder, whose products come one after another

  int64_t rows() const;
  int64_t columns() const { return parts.front()->columns(); }
  int64_t PanelFloats() const;

  // Rows [first, first + count) into the panel.
  void DecodeRows(int64_t first, int64_t count, ThreadPool* pool) const;
};

// RunMatmul with args.b in `matrix`. across: its rows are columns of B ([out, in] in a forward); otherwise they are rows of B. args.b and its strides are not read.
void RunStoredMatmul(const MatmulArgs& args, const StoredMatrix& matrix, bool across, ThreadPool* pool);

}  // namespace lethe

#endif  // LETHE_MODEL_STORED_MATRIX_H_
