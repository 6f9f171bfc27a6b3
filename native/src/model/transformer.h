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
#include "model/rotary_tables.h"

namespace lethe {

class Transformer : public Decoder {
 public:
  Transformer(const ModelSpec& spec, ThreadPool* pool) : spec_(spec), pool_(pool), rotary_(spec) {}

  // Lays the parameters out. Errors: kOutOfMemory, kBadSpec for a tuning that does not fit the family.
  Status Build(const Tuning& tuning);

  const ModelSpec& spec() const override { return spec_; }
  std::span<Parameter> parameters() override { return store_.parameters(); }
  std::span<Parameter> trained() override { return tuning_.kind == TuningKind::kFull ? store_.parameters() : trained_; }
  Status Initialize(uint64_t seed) override { return store_.Initialize(seed, 0, spec_.initial_range, spec_.layers); }
  void InitializeAdapters(uint64_t seed) override;
  std::span<const float> Merged(size_t index, std::vector<float>* memory) const override;
  std::span<const float> MergedPiece(size_t index, size_t from, std::vector<float>* memory) const override;
  void PlaceDropout(const DropoutPlace& place) override { dropout_place_ = place; }
  Status Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) override;
  void ZeroGradients() override {
    store_.ZeroGradients();
    adapter_store_.ZeroGradients();
  }
  Status Score(std::span<const Sequence> batch, std::span<SequenceScore> out) override;
  Status Generate(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::vector<std::vector<int32_t>>* out) override;

 private:
  void DeclareGpt2();
  void DeclareLlama();
  // Whether the tuning trains the parameters of a block (the last norm's: of the last block).
  bool TrainsBlock(int64_t layer) const { return tuning_.kind == TuningKind::kFull || (tuning_.kind == TuningKind::kTopBlock && layer + 1 == spec_.layers); }
  Status AddAdapters();
  void FindDepth();
  void Embed();

  // Buffers for a pass over batch_: what the backward needs of the blocks that it reaches, or the inputs of those alone, or nothing.
  enum class Keep { kNothing, kStreams, kAll };
  Status PlaceBuffers(Keep keep);
  Pass MakePass(PassKind kind) const;
  // Embeddings, blocks and the last norm: final_ [K, C] for the kept rows.
  void ForwardToHead(const Pass& pass);
  Status ScorePart(std::span<const Sequence> batch, std::span<SequenceScore> out);
  Status GeneratePart(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::span<std::vector<int32_t>> out);
  // Prompts of `slots` into the cache; next: the arg max behind each.
  Status Prefill(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::span<const int32_t> slots, std::span<int32_t> next);
  // One pass over batch_, whose sequences are those of `slots`.
  Status NextTokens(PassKind kind, const Continuation& how, std::span<const int32_t> slots, std::span<int32_t> next);

  ModelSpec spec_;
  ThreadPool* pool_;
  Tuning tuning_;
  ParameterStore store_, adapter_store_;
  std::vector<Parameter> trained_;  // unless all are
  std::vector<Adapter*> adapters_;  // of all blocks
  size_t lowest_block_ = 0;         // the backward ends here: nothing below is trained
  bool to_embeddings_ = true;       // or goes on into the embeddings
  DropoutPlace dropout_place_;
  Weight token_table_, position_table_;
  std::vector<Block> blocks_;
  Norm last_norm_;
  Head head_;
  RotaryTables rotary_;  // empty for GPT-2

  PackedBatch batch_;
  Arena arena_;
  std::vector<float*> streams_;                 // input of each block, then the output of the last [K, C]
  std::vector<BlockActivations> activations_;   // one a block; copies of one another when shared
  BlockScratch scratch_;
  BlockGradients gradients_;
  float *final_ = nullptr, *final_mean_ = nullptr, *final_inverse_ = nullptr, *d_final_ = nullptr, *logits_ = nullptr, *cached_scores_ = nullptr;
  std::vector<TokenScore> token_scores_;
  KvCache cache_;
};

}  // namespace lethe

#endif  // LETHE_MODEL_TRANSFORMER_H_
