#include "model/transformer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/row_tasks.h"

namespace lethe {
namespace {

constexpr int64_t kRowsOfAPart = 8192;  // scoring cuts larger batches, so that its buffers stay small

}  // namespace

void Transformer::BuildRotaryTables() {
  const int64_t half = spec_.width / spec_.heads / 2;
  for (int64_t position = 0; position < spec_.context; ++position) {
    for (int64_t i = 0; i < half; ++i) {
      // The angle is a float product of a float frequency, as in Hugging Face's implementation; a better angle would be another model.
      const float frequency = 1.0f / static_cast<float>(std::pow(static_cast<double>(spec_.rope_base), static_cast<double>(2 * i) / static_cast<double>(2 * half)));
      const float angle = static_cast<float>(position) * frequency;
      cosines_.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      sines_.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
}

Status Transformer::PlaceBuffers(Keep keep) {
  const int64_t width = spec_.width, rows = batch_.rows(), kept = batch_.kept();
  const size_t layers = blocks_.size();
  streams_.resize(layers + 1);
  activations_.resize(layers);
  token_scores_.resize(static_cast<size_t>(kept));
  const bool placed = arena_.Place([&](Arena& arena) {
    for (size_t i = 0; i <= layers; ++i) streams_[i] = i == 0 || keep != Keep::kNothing ? arena.Take(rows * width) : streams_[0];
    for (size_t i = 0; i < layers; ++i) {
      if (i == 0 || keep == Keep::kAll) {
        const bool last = i + 1 == layers;
        activations_[i].Place(arena, spec_, batch_, last ? kept : rows, last || keep != Keep::kAll);
      } else {
        activations_[i] = activations_[0];
      }
    }
    if (keep != Keep::kNothing) gradients_.Place(arena, spec_, batch_);
    final_ = arena.Take(kept * width);
    final_mean_ = arena.Take(kept);
    final_inverse_ = arena.Take(kept);
    d_final_ = keep != Keep::kNothing ? arena.Take(kept * width) : nullptr;
    logits_ = arena.Take(std::min(kept, Head::ChunkRows(spec_.vocabulary)) * spec_.vocabulary);
    cached_scores_ = arena.Take(static_cast<int64_t>(batch_.sequences.size()) * PaddedKeys(spec_.context));
  });
  if (placed) return Status::Ok();
  return Status(Code::kOutOfMemory, "expected memory for the activations of " + std::to_string(rows) + " tokens, the machine has none left; use a smaller --micro-batch or --recompute");
}

Pass Transformer::MakePass(PassKind kind) const {
  return {.kind = kind, .batch = &batch_, .cosines = cosines_.data(), .sines = sines_.data(), .cached_scores = cached_scores_};
}

void Transformer::ForwardToHead(const Pass& pass) {
  const Ops& ops = ActiveOps();
  const int64_t width = spec_.width;
  ForRows(pool_, batch_.rows(), [&](int64_t begin, int64_t count) {
    ops.embedding_forward(streams_[0] + begin * width, token_table_.data, position_table_.data, batch_.ids.data() + begin, batch_.positions.data() + begin, count, width);
  });
  for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i].Forward(streams_[i + 1], streams_[i], activations_[i], pass, pool_);
  last_norm_.Forward(final_, final_mean_, final_inverse_, streams_.back(), batch_.kept(), pool_);
}

Status Transformer::Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) {
  *loss_sum = 0;
  if (Status status = batch_.Pack(spec_, batch, loss_on_all); !status.ok()) return status;
  if (batch_.kept() == 0) return Status::Ok();
  if (Status status = PlaceBuffers(recompute ? Keep::kStreams : Keep::kAll); !status.ok()) return status;
  const Ops& ops = ActiveOps();
  const Pass pass = MakePass(PassKind::kTrain);
  const int64_t width = spec_.width, kept = batch_.kept();

  ForwardToHead(pass);
  head_.Score(token_scores_.data(), d_final_, final_, batch_.targets.data(), kept, scale, logits_, pool_);
  for (const TokenScore& score : token_scores_) *loss_sum -= score.log_prob;

  std::fill_n(gradients_.stream, kept * width, 0.0f);
  last_norm_.Backward(gradients_.stream, d_final_, streams_.back(), final_mean_, final_inverse_, kept, pool_);
  for (size_t i = blocks_.size(); i-- > 0;) {
    if (recompute && i + 1 != blocks_.size()) blocks_[i].Forward(streams_[i + 1], streams_[i], activations_[i], pass, pool_);
    blocks_[i].Backward(gradients_, streams_[i], activations_[i], pass, pool_);
  }
  ForColumns(pool_, width, [&](int64_t begin, int64_t end) {
    ops.embedding_backward(token_table_.grad, position_table_.grad, gradients_.stream, batch_.ids.data(), batch_.positions.data(), batch_.rows(), width, begin, end);
  });
  return Status::Ok();
}

Status Transformer::Score(std::span<const Sequence> batch, std::span<SequenceScore> out) {
  for (size_t begin = 0, end = 0; begin < batch.size(); begin = end) {
    int64_t rows = 0;
    do {
      rows += static_cast<int64_t>(batch[end].tokens.size());
      ++end;
    } while (end < batch.size() && rows + static_cast<int64_t>(batch[end].tokens.size()) <= kRowsOfAPart);
    if (Status status = ScorePart(batch.subspan(begin, end - begin), out.subspan(begin, end - begin)); !status.ok()) return status;
  }
  return Status::Ok();
}

Status Transformer::ScorePart(std::span<const Sequence> batch, std::span<SequenceScore> out) {
  if (Status status = batch_.Pack(spec_, batch, false); !status.ok()) return status;
  if (Status status = PlaceBuffers(Keep::kNothing); !status.ok()) return status;
  if (batch_.kept() > 0) {
    ForwardToHead(MakePass(PassKind::kScore));
    head_.Score(token_scores_.data(), nullptr, final_, batch_.targets.data(), batch_.kept(), 1.0f, logits_, pool_);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const PackedSequence& sequence = batch_.sequences[i];
    SequenceScore score{.tokens = static_cast<int>(sequence.kept), .sum_log_prob = 0, .exact_match = sequence.kept > 0};
    for (int64_t k = sequence.kept_begin; k < sequence.kept_begin + sequence.kept; ++k) {
      const TokenScore& token = token_scores_[static_cast<size_t>(k)];
      score.sum_log_prob += token.log_prob;
      if (token.arg_max != batch_.targets[static_cast<size_t>(k)]) score.exact_match = false;
    }
    out[i] = score;
  }
  return Status::Ok();
}

}  // namespace lethe
