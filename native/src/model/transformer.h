// The decoder of both families on the CPU: parameters, blocks, head and the buffers that a pass needs.
#ifndef LETHE_MODEL_TRANSFORMER_H_
#define LETHE_MODEL_TRANSFORMER_H_

#include <memory>
#include <span>
#include <vector>

#include "lethe/decoder.h"
#include "model/arena.h"
#include "model/block.h"
#include "model/head.h"
#include "model/kv_cache.h"
#include "model/packed_batch.h"
#include "model/parameter_store.h"

namespace lethe {

class Transformer : public Decoder {
 public:
  Transformer(const ModelSpec& spec, ThreadPool* pool) : spec_(spec), pool_(pool) {}

  // Lays the parameters out. Error: kOutOfMemory.
  Status Build();

  const ModelSpec& spec() const override { return spec_; }
  std::span<Parameter> parameters() override { return store_.parameters(); }
  void Initialize(uint64_t seed) override { store_.Initialize(seed, spec_.initial_range, spec_.layers); }
  Status Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) override;
  void ZeroGradients() override { store_.ZeroGradients(); }
  Status Score(std::span<const Sequence> batch, std::span<SequenceScore> out) override;
  Status Generate(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens, std::vector<std::vector<int32_t>>* out) override;

 private:
  void DeclareGpt2();
  void DeclareLlama();
  void BuildRotaryTables();

  // Buffers for a pass over batch_. kept_inputs: one residual stream and one set of activations a block, otherwise shared.
  enum class Keep { kNothing, kStreams, kAll };
  Status PlaceBuffers(Keep keep);
  Pass MakePass(PassKind kind) const;
  // Embeddings, blocks and the last norm: final_ [K, C] for the kept rows.
  void ForwardToHead(const Pass& pass);
  Status ScorePart(std::span<const Sequence> batch, std::span<SequenceScore> out);
  Status GeneratePart(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens, std::span<std::vector<int32_t>> out);

  ModelSpec spec_;
  ThreadPool* pool_;
  ParameterStore store_;
  Weight token_table_, position_table_;
  std::vector<Block> blocks_;
  Norm last_norm_;
  Head head_;
  std::vector<float> cosines_, sines_;  // [context, D/2], LLaMA

  PackedBatch batch_;
  Arena arena_;
  std::vector<float*> streams_;                 // input of each block, then the output of the last [K, C]
  std::vector<BlockActivations> activations_;   // one a block; copies of one another when shared
  BlockGradients gradients_;
  float *final_ = nullptr, *final_mean_ = nullptr, *final_inverse_ = nullptr, *d_final_ = nullptr, *logits_ = nullptr, *cached_scores_ = nullptr;
  std::vector<TokenScore> token_scores_;
  KvCache cache_;
};

}  // namespace lethe

#endif  // LETHE_MODEL_TRANSFORMER_H_
