// How a GGUF file of a llama scales its rotary positions: keys for the linear kind; for that of Llama 3 only a tensor of divisors, one a frequency,
// from which the numbers of the formula are found again.
#ifndef LETHE_WEIGHTS_GGUF_ROPE_H_
#define LETHE_WEIGHTS_GGUF_ROPE_H_

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "weights/gguf_file.h"

namespace lethe {

inline constexpr char kRopeFrequencies[] = "rope_freqs.weight";

// Fills spec->rope_scaling. REQUIRES: the rest of the spec is read and can be built. kBadData: a scaling that we do not compute.
Status ReadRopeScaling(const GgufFile& file, ModelSpec* spec);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_GGUF_ROPE_H_
