// checkpoints/step-NNNNNN/: weights, both moments and a manifest with their digests. A folder of that name is whole or damaged, never half written:
// it is made under a temporary name, synced and renamed. The step is the only other state, since example order and schedule follow from it.
#ifndef LETHE_TRAIN_CHECKPOINT_H_
#define LETHE_TRAIN_CHECKPOINT_H_

#include <cstdint>
#include <span>
#include <string>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/status.h"

namespace lethe {

// Writes folder/step-NNNNNN. After an error nothing of it is left.
Status WriteCheckpoint(const std::string& folder, int64_t step, std::span<Parameter> parameters, AdamW& optimizer);

// Reads every file of the checkpoint at `path` and compares it with the manifest.
Status VerifyCheckpoint(const std::string& path, int64_t step);

// REQUIRES: VerifyCheckpoint succeeded.
Status LoadWeights(const std::string& path, std::span<Parameter> parameters);
Status LoadMoments(const std::string& path, std::span<Parameter> parameters, AdamW& optimizer);

// Removes all but the newest `keep` checkpoints of a writer's own folder.
void PruneCheckpoints(const std::string& folder, size_t keep);

}  // namespace lethe

#endif  // LETHE_TRAIN_CHECKPOINT_H_
