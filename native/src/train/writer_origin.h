// from.json: what a writer went on from, with which numerics, and in what form it found the model that it starts from.
#ifndef LETHE_TRAIN_WRITER_ORIGIN_H_
#define LETHE_TRAIN_WRITER_ORIGIN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "lethe/status.h"
#include "train/lineage.h"
#include "weights/model_weights.h"

namespace lethe {

struct WriterOrigin {
  std::optional<CheckpointName> checkpoint;
  int64_t step = 0;
  std::string weights_digest;  // with the next: where the start was read from a model's files
  WeightsForm weights;
  FrozenForm frozen = FrozenForm::kF32;  // how weights that are not trained are kept
};

// Writes it durably. When the checkpoint's writer had another numerics tuple, that one is told too: its steps may have been rounded otherwise.
Status WriteOrigin(const WriterOrigin& origin, const std::string& attempts, const std::string& path);

}  // namespace lethe

#endif  // LETHE_TRAIN_WRITER_ORIGIN_H_
