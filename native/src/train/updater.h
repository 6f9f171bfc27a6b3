// One optimizer update: the step's examples, forward and backward in micro-batches, clipping, AdamW.
#ifndef LETHE_TRAIN_UPDATER_H_
#define LETHE_TRAIN_UPDATER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/status.h"
#include "stage/stage_spec.h"
#include "train/example_order.h"
#include "train/token_data.h"

namespace lethe {

struct UpdateReport {
  double loss = 0;           // mean over the batch's targets, before the update
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
  int64_t tokens = 0;        // that went through the model
};

class Updater {
 public:
  // All must outlive it. Micro-batches change only the order of sums, never the batch. between: called after each micro-batch.
  Updater(const TrainSpec& spec, uint64_t seed, const TokenData& data, Decoder& decoder, AdamW& optimizer, ThreadPool* pool, int64_t micro_batch,
          bool recompute, std::function<Status()> between);

  // The update that takes the weights from `step` to `step` + 1. kDiverged, with the weights untouched, when loss or gradient is not finite.
  Status Update(int64_t step, UpdateReport* report);

 private:
  const TrainSpec& spec_;
  uint64_t seed_;
  const TokenData& data_;
  Decoder& decoder_;
  AdamW& optimizer_;
  ThreadPool* pool_;
  size_t micro_batch_;
  bool recompute_;
  std::function<Status()> between_;
  ExampleOrder order_;
  std::vector<int64_t> rows_;
  std::vector<Sequence> batch_;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_UPDATER_H_
