// Cosines and sines of the rotary positions of a LLaMA, made for as many positions as have been asked for: a model's context may be a hundred times longer
// than any sequence that it ever sees.
#ifndef LETHE_MODEL_ROTARY_TABLES_H_
#define LETHE_MODEL_ROTARY_TABLES_H_

#include <cstdint>
#include <vector>

#include "lethe/decoder.h"

namespace lethe {

// Frequencies [D/2] of a head's pairs of lanes, scaled as the spec says; float arithmetic as in Hugging Face's implementation, since other frequencies
// would be another model.
std::vector<float> RotaryFrequencies(const ModelSpec& spec);

class RotaryTables {
 public:
  explicit RotaryTables(const ModelSpec& spec);

  // Makes rows up to `positions` (bounded by the context); pointers of before are then stale.
  void Grow(int64_t positions);

  const float* cosines() const { return cosines_.data(); }  // [positions, D/2]
  const float* sines() const { return sines_.data(); }

 private:
  std::vector<float> frequencies_;
  int64_t context_;
  int64_t positions_ = 0;
  std::vector<float> cosines_, sines_;
};

}  // namespace lethe

#endif  // LETHE_MODEL_ROTARY_TABLES_H_
