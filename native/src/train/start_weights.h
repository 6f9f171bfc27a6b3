#ifndef LETHE_TRAIN_START_WEIGHTS_H_
#define LETHE_TRAIN_START_WEIGHTS_H_

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "stage/stage_spec.h"
#include "stage/store_paths.h"

namespace lethe {

// Gives the decoder the weights of step 0: random ones, the final ones of another stage, or a folder under models/.
// kMissingInput: not there. kBadData: another digest or shape than promised.
Status LoadStart(const StorePaths& store, const StageStart& start, Decoder& decoder);

}  // namespace lethe

#endif  // LETHE_TRAIN_START_WEIGHTS_H_
