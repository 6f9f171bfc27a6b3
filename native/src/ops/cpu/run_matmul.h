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

}  // namespace lethe

#endif  // LETHE_OPS_CPU_RUN_MATMUL_H_
