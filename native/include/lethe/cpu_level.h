// The instruction sets that our loops use: part of the numerics tuple, because the levels round differently.
#ifndef LETHE_CPU_LEVEL_H_
#define LETHE_CPU_LEVEL_H_

namespace lethe {

enum class CpuLevel { kGeneric, kAvx2, kAvx512 };

// The best level of this CPU, lowered by LETHE_CPU_LEVEL=generic|avx2|avx512 (a wish for a level that the CPU lacks, or an unknown word, is ignored). Read once.
CpuLevel ActiveCpuLevel();

// "generic", "avx2" or "avx512".
const char* Name(CpuLevel level);

}  // namespace lethe

#endif  // LETHE_CPU_LEVEL_H_
