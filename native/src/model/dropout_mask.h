// Dropout (Srivastava et al. 2014) whose masks are a pure function of where an element stands: nothing is stored between forward and backward, nothing drifts on
// resumption. The inputs of LoRA's adapters are its only user.
#ifndef LETHE_MODEL_DROPOUT_MASK_H_
#define LETHE_MODEL_DROPOUT_MASK_H_

#include <cstdint>

#include "lethe/decoder.h"
#include "model/packed_batch.h"

namespace lethe {

struct DropoutMask {
  float share = 0;        // of elements that become zero; the others are divided by 1 - share
  uint64_t adapter = 0;   // its number in the model
  DropoutPlace place;
  const PackedBatch* batch = nullptr;
  bool kept_rows = false;  // row i of the matrix is row batch->kept_rows[i]

  // to = from * mask, or to += from * mask, for `count` rows of `width` from row `begin` on. from may be to.
  void Apply(float* to, const float* from, bool add, int64_t begin, int64_t count, int64_t width) const;
};

}  // namespace lethe

#endif  // LETHE_MODEL_DROPOUT_MASK_H_
