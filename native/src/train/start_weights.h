#ifndef LETHE_TRAIN_START_WEIGHTS_H_
#define LETHE_TRAIN_START_WEIGHTS_H_

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "stage/stage_spec.h"
#include "stage/store_paths.h"
#include "weights/model_weights.h"

namespace lethe {

// Gives the decoder the weights of step 0: random ones, the final ones of another stage, or those of a folder under models/, whose form is then told.
// kMissingInput: not there. kBadData: another digest, model or shape than promised.
Status LoadStart(const StorePaths& store, const StageStart& start, Decoder& decoder, ThreadPool* pool, WeightsForm* form);

}  // namespace lethe

#endif  // LETHE_TRAIN_START_WEIGHTS_H_
