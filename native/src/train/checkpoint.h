// checkpoints/step-NNNNNN/: trained weights, both moments and a manifest with their digests. A folder of that name is whole or damaged, never half written:
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

// What a stage's checkpoints hold beside the moments. Where all is trained: model.safetensors. Otherwise frozen weights come from the stage's start, and
// there are adapter_model.safetensors with adapter_config.json (together what PEFT loads) or trained.safetensors.
class CheckpointForm {
 public:
  explicit CheckpointForm(const Tuning& tuning);

  const std::string& weights() const { return weights_; }
  // Empty without adapters.
  const std::string& adapter_config() const { return adapter_config_; }
  // Whether the trained weights are the whole model.
  bool whole() const { return whole_; }

 private:
  std::string weights_, adapter_config_;
  bool whole_;
};

// Writes folder/step-NNNNNN. After an error nothing of it is left. merged: the model at the stage's end, from which children start, so that
// checkpoint has model.safetensors in any case; null at every other.
Status WriteCheckpoint(const std::string& folder, int64_t step, const CheckpointForm& form, std::span<Parameter> trained, AdamW& optimizer, Decoder* merged = nullptr);

// Reads every file of the checkpoint at `path` and compares it with the manifest.
Status VerifyCheckpoint(const std::string& path, int64_t step, const CheckpointForm& form);

// REQUIRES: VerifyCheckpoint succeeded.
Status LoadWeights(const std::string& path, const CheckpointForm& form, std::span<Parameter> trained);
Status LoadMoments(const std::string& path, std::span<Parameter> parameters, AdamW& optimizer);

// Removes all but the newest `keep` checkpoints of a writer's own folder.
void PruneCheckpoints(const std::string& folder, size_t keep);

}  // namespace lethe

#endif  // LETHE_TRAIN_CHECKPOINT_H_
