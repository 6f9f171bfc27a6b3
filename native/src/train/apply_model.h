// The commands that use a model outside of any stage: score and generate. Token ids in and out; whoever calls tokenizes.
#ifndef LETHE_TRAIN_APPLY_MODEL_H_
#define LETHE_TRAIN_APPLY_MODEL_H_

#include <string>

#include "lethe/status.h"
#include "stage/options.h"

namespace lethe {

// A line {"id", "tokens", "sumLogProb"} for each line {"id", "prompt", "response"} of options.file, in its order.
Status ScoreFile(const Options& options, std::string* lines);

// A line {"id", "generated"} for each line {"id", "prompt"}.
Status GenerateFile(const Options& options, std::string* lines);

}  // namespace lethe

#endif  // LETHE_TRAIN_APPLY_MODEL_H_
