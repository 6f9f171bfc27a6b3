#include "lethe/cpu_level.h"
#include "ops/cpu/ops.h"

namespace lethe {

const Ops& ActiveOps() {
#if defined(__x86_64__)
  switch (ActiveCpuLevel()) {
    case CpuLevel::kAvx512: return avx512::kOps;
    case CpuLevel::kAvx2: return avx2::kOps;
    case CpuLevel::kGeneric: break;
  }
#endif
  return generic::kOps;
}

}  // namespace lethe
