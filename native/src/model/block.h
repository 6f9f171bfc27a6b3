// One block of a decoder, both families: norm, attention, norm, feed-forward, each half added to the residual stream.
//   GPT-2 (Radford et al. 2019): LayerNorm, one Conv1D for queries, keys and values, GELU.
//   LLaMA (Touvron et al. 2023): RMSNorm, rotary positions, grouped keys and values, SwiGLU; q, k, v and gate, up lie joined and are one product each.
// Legend: N rows of the packed micro-batch, K kept rows (the last block narrows to them after attention), C width, F feed-forward,
// S = (H + 2 Hkv) D floats of a row of queries, keys and values.
#ifndef LETHE_MODEL_BLOCK_H_
#define LETHE_MODEL_BLOCK_H_

#include <cstdint>

#include "model/kv_cache.h"
#include "model/linear.h"
#include "model/norm.h"
#include "model/packed_batch.h"

namespace lethe {

// What the backward needs of a block's forward and cannot make again for little: products, and statistics of norms. Without recompute every block has its own;
// with it, or without gradients, all share one.
struct BlockActivations {
  float *mean1, *inverse1;  // [N]
  float* qkv;               // [N, S]
  float* middle;            // [N or K, C] residual stream between the halves
  float *mean2, *inverse2;  // [N or K]
  float* inner;             // [N or K, F or 2F] before the activation function

  // after: rows of the second half.
  void Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch, int64_t after);
};

// Memory that every block uses in turn, forward and backward.
struct BlockScratch {
  float* normed;     // [N, C]
  float* attended;   // [N, C]
  float* gathered;   // [N, C] kept rows alone
  float* hidden;     // [N, F] after the activation function
  float* attention;  // [threads, attention_floats]
  int64_t attention_floats;
  float *low, *d_low, *masked;  // of AdapterPass

  // most_low: largest sum of ranks of one product's adapters. widest: largest input of one under dropout, otherwise 0.
  void Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch, int threads, int64_t most_low, int64_t widest);
};

// Gradients on their way down, shared by all blocks.
struct BlockGradients {
  float* stream;  // [N, C] of the residual stream: a block's backward turns that of its output into that of its input
  float* qkv;     // [N, S]

  void Place(Arena& arena, const ModelSpec& spec, const PackedBatch& batch);
};

enum class PassKind {
  kTrain,    // with dropout
  kScore,
  kPrefill,  // as kScore, and keys and values go to the cache
  kStep,     // one new token a sequence, attending to the cache
};

struct Pass {
  PassKind kind;
  bool few = false;  // rows of generation, so few that a large matrix is read where it lies (Linear::ForwardFew)
  const PackedBatch* batch;
  BlockScratch scratch;
  float dropout = 0;  // of the adapters' inputs
  DropoutPlace dropout_place;
  const float *cosines = nullptr, *sines = nullptr;  // rotary tables [context, D/2]; LLaMA only
  KvCache* cache = nullptr;                          // kPrefill, kStep
  const int32_t* slots = nullptr;                    // cache slot of each sequence
  float* cached_scores = nullptr;                    // [threads, padded context] scratch of kStep
};

struct Block {
  Norm norm1, norm2;
  Linear query_key_value, project, enter, leave;  // enter: F, or gate and up joined to 2F
  AttentionShape shape;
  int64_t feed_forward = 0;
  bool gated = false;   // SwiGLU and rotary positions
  bool narrow = false;  // the last block: after attention only kept rows go on
  int64_t layer = 0;

  // output [N, C], narrow: [K, C]; may be `input` itself when nothing is kept for a backward.
  void Forward(float* output, const float* input, const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const;
  // REQUIRES: `kept` as Forward(kTrain) left it. Adds to the gradients of what is trained; spends kept.inner. Without to_input the gradient of the
  // input, which nothing trained needs, is not made.
  void Backward(const BlockGradients& gradients, const float* input, const BlockActivations& kept, const Pass& pass, bool to_input, ThreadPool* pool) const;

 private:
  void Multiply(const Linear& linear, float* y, const float* x, int64_t rows, const float* addend, const Pass& pass, ThreadPool* pool) const;
  bool Narrows(const Pass& pass) const { return narrow && pass.batch->kept() != pass.batch->rows(); }
  void Attend(const BlockActivations& kept, const Pass& pass, ThreadPool* pool) const;
  void Rotate(float* qkv, const Pass& pass, bool inverse, ThreadPool* pool) const;
};

}  // namespace lethe

#endif  // LETHE_MODEL_BLOCK_H_
