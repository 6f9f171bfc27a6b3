#include "train/updater.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

namespace lethe {
namespace {

Status Diverged(int64_t step, const char* what, double found) {
  return {Code::kDiverged, "diverged at step " + std::to_string(step) + ": expected a finite " + what + ", found " + std::to_string(found) +
                               "; a lower learning rate or clipping may help"};
}

}  // namespace

Updater::Updater(const TrainSpec& spec, uint64_t seed, const TokenData& data, Decoder& decoder, AdamW& optimizer, ThreadPool* pool, int64_t micro_batch,
                 bool recompute, std::function<Status()> between)
    : spec_(spec),
      seed_(seed),
      data_(data),
      decoder_(decoder),
      optimizer_(optimizer),
      pool_(pool),
      micro_batch_(static_cast<size_t>(micro_batch)),
      recompute_(recompute),
      between_(std::move(between)),
      order_(seed, data.rows()),
      rows_(static_cast<size_t>(spec.batch)),
      batch_(static_cast<size_t>(spec.batch)) {}

Status Updater::Update(int64_t step, UpdateReport* report) {
  order_.Batch(step, rows_);
  int64_t targets = 0;
  report->tokens = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    batch_[i] = data_.sequence(rows_[i]);
    const auto length = static_cast<int64_t>(batch_[i].tokens.size());
    report->tokens += length;
    targets += spec_.loss_on_all ? length - 1 : length - batch_[i].prompt_length;
  }
  decoder_.ZeroGradients();
  const auto scale = static_cast<float>(1.0 / static_cast<double>(targets));
  double loss_sum = 0;
  for (size_t begin = 0; begin < batch_.size(); begin += micro_batch_) {
    const auto micro = std::span<const Sequence>(batch_).subspan(begin, std::min(micro_batch_, batch_.size() - begin));
    double part = 0;
    decoder_.PlaceDropout({.seed = seed_, .step = step, .first_sequence = static_cast<int64_t>(begin)});
    if (Status s = decoder_.Backward(micro, scale, spec_.loss_on_all, recompute_, &part); !s.ok()) return s;
    loss_sum += part;
    if (Status s = between_(); !s.ok()) return s;
  }
  report->loss = loss_sum / static_cast<double>(targets);
  if (!std::isfinite(report->loss)) return Diverged(step, "loss", report->loss);
  report->gradient_norm = GradientNorm(decoder_.trained(), pool_);
  if (!std::isfinite(report->gradient_norm)) return Diverged(step, "gradient norm", report->gradient_norm);
  report->learning_rate = LearningRate(spec_.schedule, step);
  optimizer_.Step(report->learning_rate, step + 1, ClipFactor(report->gradient_norm, spec_.clip_norm));
  return Status::Ok();
}

}  // namespace lethe
