#include "lethe/cpu_level.h"

#include <cstdlib>
#include <string_view>

namespace lethe {
namespace {

CpuLevel Supported() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  return avx512 ? CpuLevel::kAvx512 : avx2 ? CpuLevel::kAvx2 : CpuLevel::kGeneric;
}

CpuLevel Choose() {
  const CpuLevel supported = Supported();
  const char* wish = std::getenv("LETHE_CPU_LEVEL");
  if (wish == nullptr) return supported;
  for (CpuLevel level : {CpuLevel::kGeneric, CpuLevel::kAvx2, CpuLevel::kAvx512}) {
    if (std::string_view(wish) == Name(level) && level <= supported) return level;
  }
  return supported;
}

}  // namespace

CpuLevel ActiveCpuLevel() {
  static const CpuLevel level = Choose();
  return level;
}

const char* Name(CpuLevel level) {
  switch (level) {
    case CpuLevel::kAvx512: return "avx512";
    case CpuLevel::kAvx2: return "avx2";
    case CpuLevel::kGeneric: break;
  }
  return "generic";
}

}  // namespace lethe
