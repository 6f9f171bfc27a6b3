// A whole product, cut into tiles for the pool.
#ifndef LETHE_OPS_CPU_RUN_MATMUL_H_
#define LETHE_OPS_CPU_RUN_MATMUL_H_

#include "ops/cpu/ops.h"

namespace lethe {

class ThreadPool;

// Our own micro-kernel while B (for the gradient of a weight: C) has fewer than 512 * 512 elements (it beats OpenBLAS there: nothing is packed but a panel),
// OpenBLAS above. The choice does not look at the rows of a batch, so one row's result depends on their number only where OpenBLAS makes it so.
// An addend that is C itself: OpenBLAS too begins at it.
void RunMatmul(const MatmulArgs& args, ThreadPool* pool);

// By what, and in what tiles. A part of a product that is run with the cut of the whole has the bits of that part.
struct MatmulCut {
  bool blas;
  int64_t rows, columns;  // of a tile
};
MatmulCut CutOf(const MatmulArgs& args);
void RunMatmul(const MatmulArgs& args, const MatmulCut& cut, ThreadPool* pool);

// Whether a matrix of so many weights is one whose products OpenBLAS makes, whatever the rows.
bool IsLargeMatrix(int64_t elements);

}  // namespace lethe

#endif  // LETHE_OPS_CPU_RUN_MATMUL_H_
