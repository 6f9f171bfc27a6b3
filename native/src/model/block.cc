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

AdapterPass ForAdapters(const Pass& pass, bool kept_rows) {
  const bool drops = pass.kind == PassKind::kTrain;
  return {.low = pass.scratch.low,
          .d_low = pass.scratch.d_low,
          .masked = pass.scratch.masked,
          .mask = {.share = drops ? pass.dropout : 0, .place = pass.dropout_place, .batch = pass.batch, .kept_rows = kept_rows}};
}

int64_t QueryKeyValueFloats(const ModelSpec& spec) { return (spec.heads + 2 * spec.key_value_heads) * (spec.width / spec.heads); }

}  // namespace

void BlockActivations::Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch, int64_t after) {
  const int64_t rows = batch.rows();
  mean1 = arena.Take(rows);
  inverse1 = arena.Take(rows);
  qkv = arena.Take(rows * QueryKeyValueFloats(spec));
  middle = arena.Take(after * spec.width);
  mean2 = arena.Take(after);
  inverse2 = arena.Take(after);
  inner = arena.Take(after * (spec.family == Family::kLlama ? 2 * spec.feed_forward : spec.feed_forward));
}

void BlockScratch::Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch, int threads, int64_t most_low, int64_t widest) {
  const int64_t rows = batch.rows();
  normed = arena.Take(rows * spec.width);
  attended = arena.Take(rows * spec.width);
  gathered = arena.Take(rows * spec.width);
  hidden = arena.Take(rows * spec.feed_forward);
  attention_floats = AttentionScratch(batch.longest());
  attention = arena.Take(threads * attention_floats);
  low = arena.Take(rows * most_low);
  d_low = arena.Take(rows * most_low);
  masked = arena.Take(rows * widest);
}

void BlockGradients::Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch) {
  stream = arena.Take(batch.rows() * spec.width);
  qkv = arena.Take(batch.rows() * QueryKeyValueFloats(spec));
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
  const int64_t key_heads = shape.key_value_heads, tasks = static_cast<int64_t>(batch.sequences.size()) * key_heads;
  if (pass.cache != nullptr) {
    pool->ForOnThreads(tasks, [&](int64_t task, int thread) {
      const int64_t i = task / key_heads, key_head = task % key_heads;
      const PackedSequence& sequence = batch.sequences[static_cast<size_t>(i)];
      const float* qkv = kept.qkv + sequence.begin * shape.stride;
      float* keys = pass.cache->keys(layer, pass.slots[i]);
      float* values = pass.cache->values(layer, pass.slots[i]);
      const int64_t context = pass.cache->context();
      for (int64_t t = 0; t < sequence.tokens; ++t) {
        ops.cache_append(keys, values, qkv + t * shape.stride, shape, key_head, batch.positions[static_cast<size_t>(sequence.begin + t)], context);
      }
      if (pass.kind != PassKind::kStep) return;
      ops.attention_cached(pass.scratch.attended + sequence.begin * width, pass.cached_scores + thread * PaddedKeys(context), qkv, keys, values, shape, key_head,
                           batch.positions[static_cast<size_t>(sequence.begin)] + 1, context);
    });
    if (pass.kind == PassKind::kStep) return;
  }
  pool->ForOnThreads(tasks, [&](int64_t task, int thread) {
    const PackedSequence& sequence = batch.sequences[static_cast<size_t>(task / key_heads)];
    ops.attention_forward(pass.scratch.attended + sequence.begin * width, pass.scratch.attention + thread * pass.scratch.attention_floats,
                          kept.qkv + sequence.begin * shape.stride, shape, task % key_heads, sequence.tokens);
  });
}

void Block::Multiply(const Linear& linear, float* y, const float* x, int64_t rows, const float* addend, const Pass& pass, ThreadPool* pool) const {
  if (pass.few) return linear.ForwardFew(y, x, rows, addend, pool);
  linear.Forward(y, x, rows, addend, pool);
}

void Block::Forward(float* output, const float* input, const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const PackedBatch& batch = *pass.batch;
  const BlockScratch& scratch = pass.scratch;
  const int64_t rows = batch.rows(), width = norm1.width;

  norm1.Forward(scratch.normed, kept.mean1, kept.inverse1, input, rows, pool);
  Multiply(query_key_value, kept.qkv, scratch.normed, rows, nullptr, pass, pool);
  ForwardAdapters(query_key_value.adapters, kept.qkv, query_key_value.out, scratch.normed, rows, ForAdapters(pass, false), pool);
  if (gated) Rotate(kept.qkv, pass, false, pool);
  Attend(kept, pass, pool);

  const float* attended = scratch.attended;
  int64_t after = rows;
  const bool narrows = Narrows(pass);
  if (narrows) {
    after = batch.kept();
    Gather(scratch.gathered, scratch.attended, batch, width);
    Gather(scratch.normed, input, batch, width);
    attended = scratch.gathered;
    input = scratch.normed;
  }
  const AdapterPass adapter_pass = ForAdapters(pass, narrows);
  Multiply(project, kept.middle, attended, after, input, pass, pool);
  ForwardAdapters(project.adapters, kept.middle, width, attended, after, adapter_pass, pool);

  norm2.Forward(scratch.normed, kept.mean2, kept.inverse2, kept.middle, after, pool);
  Multiply(enter, kept.inner, scratch.normed, after, nullptr, pass, pool);
  ForwardAdapters(enter.adapters, kept.inner, enter.out, scratch.normed, after, adapter_pass, pool);
  ForRows(pool, after, [&](int64_t begin, int64_t count) {
    float* hidden = scratch.hidden + begin * feed_forward;
    if (gated) {
      ops.swiglu_forward(hidden, kept.inner + begin * 2 * feed_forward, count, feed_forward);
    } else {
      ops.gelu_forward(hidden, kept.inner + begin * feed_forward, count * feed_forward);
    }
  });
  Multiply(leave, output, scratch.hidden, after, kept.middle, pass, pool);
  ForwardAdapters(leave.adapters, output, width, scratch.hidden, after, adapter_pass, pool);
}

void Block::Backward(const BlockGradients& gradients, const float* input, const BlockActivations& kept, const Pass& pass, bool to_input, ThreadPool* pool) const {
  const Ops& ops = ActiveOps();
  const PackedBatch& batch = *pass.batch;
  const BlockScratch& scratch = pass.scratch;
  const int64_t rows = batch.rows(), width = norm1.width;
  const bool narrows = Narrows(pass);
  const int64_t after = narrows ? batch.kept() : rows;
  const AdapterPass adapter_pass = ForAdapters(pass, narrows);
  float* const stream = gradients.stream;

  // Feed-forward. The activation function's backward turns the gradient of its output into that output, and its input into the gradient.
  BackwardAdaptersLow(leave.adapters, stream, width, after, adapter_pass, pool);
  leave.BackwardInput(scratch.hidden, stream, after, pool);
  BackwardAdaptersInput(leave.adapters, scratch.hidden, after, adapter_pass, pool);
  ForRows(pool, after, [&](int64_t begin, int64_t count) {
    float* hidden = scratch.hidden + begin * feed_forward;
    if (gated) {
      ops.swiglu_backward(kept.inner + begin * 2 * feed_forward, hidden, count, feed_forward);
    } else {
      ops.gelu_backward(kept.inner + begin * feed_forward, hidden, count * feed_forward);
    }
  });
  leave.BackwardWeight(stream, scratch.hidden, after, pool);
  BackwardAdaptersWeight(leave.adapters, stream, width, scratch.hidden, after, adapter_pass, pool);
  if (enter.NeedsInput()) norm2.Forward(scratch.normed, kept.mean2, kept.inverse2, kept.middle, after, pool);
  BackwardAdaptersLow(enter.adapters, kept.inner, enter.out, after, adapter_pass, pool);
  enter.BackwardWeight(kept.inner, scratch.normed, after, pool);
  BackwardAdaptersWeight(enter.adapters, kept.inner, enter.out, scratch.normed, after, adapter_pass, pool);
  enter.BackwardInput(scratch.normed, kept.inner, after, pool);
  BackwardAdaptersInput(enter.adapters, scratch.normed, after, adapter_pass, pool);
  norm2.Backward(stream, scratch.normed, kept.middle, kept.mean2, kept.inverse2, after, pool);

  // Attention, which makes its output again where the projection trains.
  BackwardAdaptersLow(project.adapters, stream, width, after, adapter_pass, pool);
  project.BackwardInput(scratch.normed, stream, after, pool);
  BackwardAdaptersInput(project.adapters, scratch.normed, after, adapter_pass, pool);
  const float* d_attended = scratch.normed;
  if (narrows) {
    Scatter(scratch.gathered, scratch.normed, batch, width);
    d_attended = scratch.gathered;
  }
  const bool again = project.NeedsInput();
  const int64_t key_heads = shape.key_value_heads;
  pool->ForOnThreads(static_cast<int64_t>(batch.sequences.size()) * key_heads, [&](int64_t task, int thread) {
    const PackedSequence& sequence = batch.sequences[static_cast<size_t>(task / key_heads)];
    ops.attention_backward(gradients.qkv + sequence.begin * shape.stride, again ? scratch.attended + sequence.begin * width : nullptr,
                           scratch.attention + thread * scratch.attention_floats, d_attended + sequence.begin * width, kept.qkv + sequence.begin * shape.stride, shape,
                           task % key_heads, sequence.tokens);
  });
  if (again) {
    const float* attended = scratch.attended;
    if (narrows) {
      Gather(scratch.gathered, scratch.attended, batch, width);
      attended = scratch.gathered;
    }
    project.BackwardWeight(stream, attended, after, pool);
    BackwardAdaptersWeight(project.adapters, stream, width, attended, after, adapter_pass, pool);
  }
  if (narrows) {
    Scatter(scratch.gathered, stream, batch, width);
    std::memcpy(stream, scratch.gathered, static_cast<size_t>(rows * width) * sizeof(float));
  }
  if (gated) Rotate(gradients.qkv, pass, true, pool);

  const AdapterPass whole_pass = ForAdapters(pass, false);
  if (query_key_value.NeedsInput()) norm1.Forward(scratch.normed, kept.mean1, kept.inverse1, input, rows, pool);
  BackwardAdaptersLow(query_key_value.adapters, gradients.qkv, query_key_value.out, rows, whole_pass, pool);
  query_key_value.BackwardWeight(gradients.qkv, scratch.normed, rows, pool);
  BackwardAdaptersWeight(query_key_value.adapters, gradients.qkv, query_key_value.out, scratch.normed, rows, whole_pass, pool);
  if (!to_input && norm1.weight.grad == nullptr) return;
  query_key_value.BackwardInput(scratch.normed, gradients.qkv, rows, pool);
  BackwardAdaptersInput(query_key_value.adapters, scratch.normed, rows, whole_pass, pool);
  norm1.Backward(to_input ? stream : nullptr, scratch.normed, input, kept.mean1, kept.inverse1, rows, pool);
}

}  // namespace lethe
