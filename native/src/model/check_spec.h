// Whether a model can be built from a spec.
#ifndef LETHE_MODEL_CHECK_SPEC_H_
#define LETHE_MODEL_CHECK_SPEC_H_

#include "lethe/decoder.h"

namespace lethe {

// Error: kBadSpec with the first field that cannot be, its bound and what came.
Status CheckSpec(const ModelSpec& spec);

}  // namespace lethe

#endif  // LETHE_MODEL_CHECK_SPEC_H_
