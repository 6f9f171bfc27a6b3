#include "model/block.h"

#include <algorithm>
#include <cstring>

#include "model/row_tasks.h"

namespace lethe {
namespace {

void Gather(float* to, const float* from, const PackedBatch& batch, int64_t width) {
  for (int64_t i = 0; i < batch.kept(); ++i) {
    std::memcpy(to + i * width, from + batch.kept_rows[static_cast<size_t>(i)] * width, static_cast<size_t>(width) * sizeof(float));
  }
}

// Kept rows back to their places, zero elsewhere.
void Scatter(float* to, const float* from, const PackedBatch& batch, int64_t width) {
  std::memset(to, 0, static_cast<size_t>(batch.rows() * width) * sizeof(float));
  for (int64_t i = 0; i < batch.kept(); ++i) {
    std::memcpy(to + batch.kept_rows[static_cast<size_t>(i)] * width, from + i * width, static_cast<size_t>(width) * sizeof(float));
  }
}

int64_t QueryKeyValueFloats(const ModelSpec& spec) { return (spec.heads + 2 * spec.key_value_heads) * (spec.width / spec.heads); }

}  // namespace

void BlockActivations::Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch, int64_t after, bool narrowing) {
  const int64_t rows = batch.rows(), width = spec.width;
  const int64_t inner_width = spec.family == Family::kLlama ? 2 * spec.feed_forward : spec.feed_forward;
  norm1 = arena.Take(rows * width);
  mean1 = arena.Take(rows);
  inverse1 = arena.Take(rows);
  qkv = arena.Take(rows * QueryKeyValueFloats(spec));
  probabilities = arena.Take(spec.heads * batch.probabilities);
  attended = arena.Take(rows * width);
  attended_kept = narrowing ? arena.Take(batch.kept() * width) : nullptr;
  input_kept = narrowing ? arena.Take(batch.kept() * width) : nullptr;
  middle = arena.Take(after * width);
  norm2 = arena.Take(after * width);
  mean2 = arena.Take(after);
  inverse2 = arena.Take(after);
  inner = arena.Take(after * inner_width);
  hidden = arena.Take(after * spec.feed_forward);
}

void BlockGradients::Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch) {
  const int64_t rows = batch.rows();
  stream = arena.Take(rows * spec.width);
  wide = arena.Take(rows * spec.width);
  normed = arena.Take(rows * spec.width);
  hidden = arena.Take(rows * spec.feed_forward);
  qkv = arena.Take(rows * QueryKeyValueFloats(spec));
  scores = arena.Take(batch.probabilities);
}

void Block::Rotate(float* qkv, const Pass& pass, bool inverse, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  ForRows(pool, pass.batch->rows(), [&](int64_t begin, int64_t count) {  // queries and keys follow one another
    ops.rope(qkv + begin * shape.stride, pass.cosines, pass.sines, pass.batch->positions.data() + begin, count, shape.stride, shape.heads + shape.key_value_heads,
             shape.head_size, inverse);
  });
}

void Block::Attend(const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const PackedBatch& batch = *pass.batch;
  const int64_t width = shape.heads * shape.head_size;
  pool->For(static_cast<int64_t>(batch.sequences.size()), [&](int64_t i) {
    const PackedSequence& sequence = batch.sequences[static_cast<size_t>(i)];
    const float* qkv = kept.qkv + sequence.begin * shape.stride;
    float* out = kept.attended + sequence.begin * width;
    if (pass.cache != nullptr) {
      float* keys = pass.cache->keys(layer, pass.slots[i]);
      float* values = pass.cache->values(layer, pass.slots[i]);
      const int64_t context = pass.cache->context();
      for (int64_t t = 0; t < sequence.tokens; ++t) {
        ops.cache_append(keys, values, qkv + t * shape.stride, shape, batch.positions[static_cast<size_t>(sequence.begin + t)], context);
      }
      if (pass.kind == PassKind::kStep) {
        float* scratch = pass.cached_scores + i * PaddedKeys(context);
        return ops.attention_cached(out, scratch, qkv, keys, values, shape, batch.positions[static_cast<size_t>(sequence.begin)] + 1, context);
      }
    }
    ops.attention_forward(out, kept.probabilities + shape.heads * sequence.probabilities, qkv, shape, sequence.tokens);
  });
}

void Block::Forward(float* output, const float* input, const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const PackedBatch& batch = *pass.batch;
  const int64_t rows = batch.rows(), width = norm1.width;

  norm1.Forward(kept.norm1, kept.mean1, kept.inverse1, input, rows, pool);
  query_key_value.Forward(kept.qkv, kept.norm1, rows, nullptr, pool);
  if (gated) Rotate(kept.qkv, pass, false, pool);
  Attend(kept, pass, pool);

  const float* attended = kept.attended;
  int64_t after = rows;
  if (Narrows(pass)) {
    after = batch.kept();
    Gather(kept.attended_kept, kept.attended, batch, width);
    Gather(kept.input_kept, input, batch, width);
    attended = kept.attended_kept;
    input = kept.input_kept;
  }
  project.Forward(kept.middle, attended, after, input, pool);

  norm2.Forward(kept.norm2, kept.mean2, kept.inverse2, kept.middle, after, pool);
  enter.Forward(kept.inner, kept.norm2, after, nullptr, pool);
  const bool keep_slopes = pass.kind == PassKind::kTrain;
  ForRows(pool, after, [&](int64_t begin, int64_t count) {
    float* hidden = kept.hidden + begin * feed_forward;
    if (gated) {
      ops.swiglu_forward(hidden, kept.inner + begin * 2 * feed_forward, keep_slopes, count, feed_forward);
    } else {
      ops.gelu_forward(hidden, kept.inner + begin * feed_forward, keep_slopes, count * feed_forward);
    }
  });
  leave.Forward(output, kept.hidden, after, kept.middle, pool);
}

void Block::Backward(const BlockGradients& gradients, const float* input, const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const PackedBatch& batch = *pass.batch;
  const int64_t rows = batch.rows(), width = norm1.width;
  const bool narrows = Narrows(pass);
  const int64_t after = narrows ? batch.kept() : rows;
  float* stream = gradients.stream;

  leave.BackwardWeight(stream, kept.hidden, after, pool);
  leave.BackwardInput(gradients.hidden, stream, after, pool);
  ForRows(pool, after, [&](int64_t begin, int64_t count) {  // inner: from slopes to gradients
    const float* hidden = gradients.hidden + begin * feed_forward;
    if (gated) {
      ops.swiglu_backward(kept.inner + begin * 2 * feed_forward, hidden, count, feed_forward);
    } else {
      ops.multiply(kept.inner + begin * feed_forward, hidden, count * feed_forward);
    }
  });
  enter.BackwardWeight(kept.inner, kept.norm2, after, pool);
  enter.BackwardInput(gradients.normed, kept.inner, after, pool);
  norm2.Backward(stream, gradients.normed, kept.middle, kept.mean2, kept.inverse2, after, pool);

  project.BackwardWeight(stream, narrows ? kept.attended_kept : kept.attended, after, pool);
  project.BackwardInput(gradients.normed, stream, after, pool);
  const float* d_attended = gradients.normed;
  if (narrows) {
    Scatter(gradients.wide, gradients.normed, batch, width);
    d_attended = gradients.wide;
  }
  pool->For(static_cast<int64_t>(batch.sequences.size()), [&](int64_t i) {
    const PackedSequence& sequence = batch.sequences[static_cast<size_t>(i)];
    ops.attention_backward(gradients.qkv + sequence.begin * shape.stride, gradients.scores + sequence.probabilities, d_attended + sequence.begin * width,
                           kept.probabilities + shape.heads * sequence.probabilities, kept.qkv + sequence.begin * shape.stride, shape, sequence.tokens);
  });
  if (narrows) {  // only now: `wide` held the gradient of the attention's output
    Scatter(gradients.wide, stream, batch, width);
    std::memcpy(stream, gradients.wide, static_cast<size_t>(rows * width) * sizeof(float));
  }
  if (gated) Rotate(gradients.qkv, pass, true, pool);
  query_key_value.BackwardWeight(gradients.qkv, kept.norm1, rows, pool);
  query_key_value.BackwardInput(gradients.normed, gradients.qkv, rows, pool);
  norm1.Backward(stream, gradients.normed, input, kept.mean1, kept.inverse1, rows, pool);
}

}  // namespace lethe
