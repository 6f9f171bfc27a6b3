#include "model/transformer.h"

#include <algorithm>
#include <string>

#include "model/row_tasks.h"

namespace lethe {
namespace {

constexpr int64_t kRowsOfAPart = 8192;  // scoring cuts larger batches, so that its buffers stay small

}  // namespace

Status Transformer::PlaceBuffers(Keep keep) {
  const int64_t width = spec_.width, rows = batch_.rows(), kept = batch_.kept();
  const size_t layers = blocks_.size();
  streams_.resize(layers + 1);
  activations_.resize(layers);
  token_scores_.resize(static_cast<size_t>(kept));
  // Blocks that no backward reaches share their memory with the lowest that one does.
  const size_t own = keep == Keep::kNothing ? layers : lowest_block_;
  int64_t most_low = 0, widest = 0;
  for (const Adapter* adapter : adapters_) {
    most_low = std::max(most_low, 3 * adapter->rank);  // q, k, v
    if (keep != Keep::kNothing && tuning_.dropout > 0) widest = std::max(widest, adapter->in);
  }
  const bool placed = arena_.Place([&](Arena& arena) {
    for (size_t i = 0; i <= layers; ++i) streams_[i] = i == 0 || i > own ? arena.Take(rows * width) : streams_[0];
    for (size_t i = 0; i < layers; ++i) {
      if (i == 0 || (keep == Keep::kAll && i > own)) {
        activations_[i].Place(arena, spec_, batch_, i + 1 == layers ? kept : rows);
      } else {
        activations_[i] = activations_[0];
      }
    }
    scratch_.Place(arena, spec_, batch_, pool_->threads(), most_low, widest);
    final_ = arena.Take(kept * width);
    final_mean_ = arena.Take(kept);
    final_inverse_ = arena.Take(kept);
    d_final_ = keep != Keep::kNothing ? arena.Take(kept * width) : nullptr;
    arena.TakeEither([&](Arena& head) { logits_ = head.Take(std::min(kept, Head::ChunkRows(spec_.vocabulary)) * spec_.vocabulary); },
                     [&](Arena& blocks) {
                       if (keep != Keep::kNothing) gradients_.Place(blocks, spec_, batch_);
                     });
    cached_scores_ = arena.Take(pool_->threads() * PaddedKeys(cache_.context()));
  });
  if (placed) return Status::Ok();
  return Status(Code::kOutOfMemory, "expected memory for the activations of " + std::to_string(rows) + " tokens, the machine has none left; use a smaller --micro-batch or --recompute");
}

Pass Transformer::MakePass(PassKind kind) const {
  return {.kind = kind, .batch = &batch_, .scratch = scratch_, .dropout = static_cast<float>(tuning_.dropout), .dropout_place = dropout_place_, .cosines = rotary_.cosines(), .sines = rotary_.sines(), .cached_scores = cached_scores_};
}

void Transformer::Embed() {
  const Ops& ops = ActiveOps();
  const int64_t width = spec_.width;
  ForRows(pool_, batch_.rows(), [&](int64_t begin, int64_t count) {
    float* const x = streams_[0] + begin * width;
    const int32_t* const ids = batch_.ids.data() + begin;
    const int32_t* const positions = batch_.positions.data() + begin;
    if (token_table_.stored == nullptr) return ops.embedding_forward(x, token_table_.data, position_table_.data, ids, positions, count, width);
    for (int64_t i = 0; i < count; ++i) {
      token_table_.stored->parts.front()->Decode(ids[i], 1, x + i * width);
      for (int64_t c = 0; position_table_.data != nullptr && c < width; ++c) x[i * width + c] += position_table_.data[positions[i] * width + c];
    }
  });
}

void Transformer::ForwardToHead(const Pass& pass) {
  Embed();
  for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i].Forward(streams_[i + 1], streams_[i], activations_[i], pass, pool_);
  last_norm_.Forward(final_, final_mean_, final_inverse_, streams_.back(), batch_.kept(), pool_);
}

Status Transformer::Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) {
  *loss_sum = 0;
  if (trained().empty()) return {Code::kInternal, "a backward pass through a decoder that was made without gradients"};
  if (Status status = batch_.Pack(spec_, batch, loss_on_all); !status.ok()) return status;
  if (batch_.kept() == 0) return Status::Ok();
  rotary_.Grow(batch_.longest());
  if (Status status = PlaceBuffers(recompute ? Keep::kStreams : Keep::kAll); !status.ok()) return status;
  const Ops& ops = ActiveOps();
  const Pass pass = MakePass(PassKind::kTrain);
  const int64_t width = spec_.width, kept = batch_.kept();

  ForwardToHead(pass);
  const bool below_head = lowest_block_ < blocks_.size() || last_norm_.weight.grad != nullptr;
  head_.Score(token_scores_.data(), true, below_head ? d_final_ : nullptr, final_, batch_.targets.data(), kept, scale, logits_, pool_);
  for (const TokenScore& score : token_scores_) *loss_sum -= score.log_prob;
  if (!below_head) return Status::Ok();

  std::fill_n(gradients_.stream, kept * width, 0.0f);
  last_norm_.Backward(gradients_.stream, d_final_, streams_.back(), final_mean_, final_inverse_, kept, pool_);
  for (size_t i = blocks_.size(); i-- > lowest_block_;) {
    if (recompute && i + 1 != blocks_.size()) blocks_[i].Forward(streams_[i + 1], streams_[i], activations_[i], pass, pool_);
    blocks_[i].Backward(gradients_, streams_[i], activations_[i], pass, i > lowest_block_ || to_embeddings_, pool_);
  }
  if (!to_embeddings_) return Status::Ok();
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
    rotary_.Grow(batch_.longest());
    ForwardToHead(MakePass(PassKind::kScore));
    head_.Score(token_scores_.data(), false, nullptr, final_, batch_.targets.data(), batch_.kept(), 1.0f, logits_, pool_);
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
