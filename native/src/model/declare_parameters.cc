// Which parameters a family has, under Hugging Face's names and in its layouts.
#include <algorithm>
#include <string>

#include "model/check_spec.h"
#include "model/transformer.h"

namespace lethe {

using Start = ParameterStore::Start;
using Place = ParameterStore::Place;

Status Decoder::Create(const ModelSpec& spec, ThreadPool* pool, std::unique_ptr<Decoder>* out, Purpose purpose) {
  Tuning tuning;
  if (purpose == Purpose::kFrozen) tuning.kind = TuningKind::kNone;
  return Create(spec, tuning, pool, out);
}

Status Decoder::Create(const ModelSpec& spec, const Tuning& tuning, ThreadPool* pool, std::unique_ptr<Decoder>* out) {
  if (Status status = CheckSpec(spec); !status.ok()) return status;
  auto transformer = std::make_unique<Transformer>(spec, pool);
  if (Status status = transformer->Build(tuning); !status.ok()) return status;
  *out = std::move(transformer);
  return Status::Ok();
}

Status Transformer::Build(const Tuning& tuning) {
  tuning_ = tuning;
  store_.KeepNext(tuning_.frozen);
  const int64_t width = spec_.width, head_size = spec_.width / spec_.heads;
  const int64_t feed_forward = spec_.feed_forward, row = (spec_.heads + 2 * spec_.key_value_heads) * head_size;
  const bool llama = spec_.family == Family::kLlama;
  blocks_.resize(static_cast<size_t>(spec_.layers));
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    Block& block = blocks_[layer];
    block.norm1.width = block.norm2.width = width;
    block.norm1.epsilon = block.norm2.epsilon = spec_.norm_epsilon;
    block.query_key_value = {.weight = {}, .bias = {}, .in = width, .out = row, .out_in = llama};
    block.project = {.weight = {}, .bias = {}, .in = width, .out = width, .out_in = llama};
    block.enter = {.weight = {}, .bias = {}, .in = width, .out = llama ? 2 * feed_forward : feed_forward, .out_in = llama};
    block.leave = {.weight = {}, .bias = {}, .in = feed_forward, .out = width, .out_in = llama};
    block.shape = {.heads = spec_.heads, .key_value_heads = spec_.key_value_heads, .head_size = head_size, .stride = row};
    block.feed_forward = feed_forward;
    block.gated = llama;
    block.narrow = layer + 1 == blocks_.size();
    block.layer = static_cast<int64_t>(layer);
  }
  last_norm_.width = width;
  last_norm_.epsilon = spec_.norm_epsilon;
  head_.linear = {.weight = {}, .bias = {}, .in = width, .out = spec_.vocabulary, .out_in = true};
  if (llama) {
    DeclareLlama();
  } else {
    DeclareGpt2();
  }
  store_.TrainNext(TrainsBlock(spec_.layers - 1) || tuning_.kind == TuningKind::kHead);
  if (!spec_.tied_head) store_.Declare("lm_head.weight", {spec_.vocabulary, width}, Start::kNormal, &head_.linear.weight);
  if (Status status = store_.Allocate(); !status.ok()) return status;
  if (spec_.tied_head) head_.linear.weight = token_table_;
  if (Status status = AddAdapters(); !status.ok()) return status;
  for (const ParameterStore* store : {&store_, &adapter_store_}) {
    for (const Parameter& parameter : store->parameters()) {
      if (!parameter.grad.empty()) trained_.push_back(parameter);
    }
  }
  FindDepth();
  return Status::Ok();
}

void Transformer::FindDepth() {
  to_embeddings_ = token_table_.grad != nullptr || position_table_.grad != nullptr;
  lowest_block_ = to_embeddings_ ? 0 : blocks_.size();
  for (size_t i = blocks_.size(); i-- > 0;) {
    const Block& block = blocks_[i];
    for (const Linear* linear : {&block.query_key_value, &block.project, &block.enter, &block.leave}) {
      if (linear->NeedsInput()) lowest_block_ = std::min(lowest_block_, i);
    }
  }
}

void Transformer::DeclareGpt2() {
  const int64_t width = spec_.width, feed_forward = spec_.feed_forward;
  // A tied table that is trained as the head alone learns from both of its roles.
  store_.TrainNext(tuning_.kind == TuningKind::kFull || (tuning_.kind == TuningKind::kHead && spec_.tied_head));
  store_.Declare("transformer.wte.weight", {spec_.vocabulary, width}, Start::kNormal, &token_table_);
  store_.TrainNext(tuning_.kind == TuningKind::kFull);
  store_.KeepNext(FrozenForm::kF32);  // rows are added to those of the token table: no product
  store_.Declare("transformer.wpe.weight", {spec_.context, width}, Start::kNormal, &position_table_);
  store_.KeepNext(tuning_.frozen);
  for (Block& block : blocks_) {
    store_.TrainNext(TrainsBlock(block.layer));
    const std::string name = "transformer.h." + std::to_string(block.layer);
    store_.Declare(name + ".ln_1.weight", {width}, Start::kOne, &block.norm1.weight);
    store_.Declare(name + ".ln_1.bias", {width}, Start::kZero, &block.norm1.bias);
    store_.Declare(name + ".attn.c_attn.weight", {width, 3 * width}, Start::kNormal, &block.query_key_value.weight);
    store_.Declare(name + ".attn.c_attn.bias", {3 * width}, Start::kZero, &block.query_key_value.bias);
    store_.Declare(name + ".attn.c_proj.weight", {width, width}, Start::kResidual, &block.project.weight);
    store_.Declare(name + ".attn.c_proj.bias", {width}, Start::kZero, &block.project.bias);
    store_.Declare(name + ".ln_2.weight", {width}, Start::kOne, &block.norm2.weight);
    store_.Declare(name + ".ln_2.bias", {width}, Start::kZero, &block.norm2.bias);
    store_.Declare(name + ".mlp.c_fc.weight", {width, feed_forward}, Start::kNormal, &block.enter.weight);
    store_.Declare(name + ".mlp.c_fc.bias", {feed_forward}, Start::kZero, &block.enter.bias);
    store_.Declare(name + ".mlp.c_proj.weight", {feed_forward, width}, Start::kResidual, &block.leave.weight);
    store_.Declare(name + ".mlp.c_proj.bias", {width}, Start::kZero, &block.leave.bias);
  }
  store_.Declare("transformer.ln_f.weight", {width}, Start::kOne, &last_norm_.weight);
  store_.Declare("transformer.ln_f.bias", {width}, Start::kZero, &last_norm_.bias);
}

void Transformer::DeclareLlama() {
  const int64_t width = spec_.width, feed_forward = spec_.feed_forward;
  const int64_t key_width = spec_.key_value_heads * (spec_.width / spec_.heads);
  store_.TrainNext(tuning_.kind == TuningKind::kFull || (tuning_.kind == TuningKind::kHead && spec_.tied_head));
  store_.Declare("model.embed_tokens.weight", {spec_.vocabulary, width}, Start::kNormal, &token_table_);
  for (Block& block : blocks_) {
    store_.TrainNext(TrainsBlock(block.layer));
    const std::string name = "model.layers." + std::to_string(block.layer);
    // Joined matrices: the layer sees the first, the others lie behind it.
    store_.Declare(name + ".self_attn.q_proj.weight", {width, width}, Start::kNormal, &block.query_key_value.weight);
    store_.Declare(name + ".self_attn.k_proj.weight", {key_width, width}, Start::kNormal, nullptr, Place::kJoined);
    store_.Declare(name + ".self_attn.v_proj.weight", {key_width, width}, Start::kNormal, nullptr, Place::kJoined);
    store_.Declare(name + ".self_attn.o_proj.weight", {width, width}, Start::kResidual, &block.project.weight);
    store_.Declare(name + ".mlp.gate_proj.weight", {feed_forward, width}, Start::kNormal, &block.enter.weight);
    store_.Declare(name + ".mlp.up_proj.weight", {feed_forward, width}, Start::kNormal, nullptr, Place::kJoined);
    store_.Declare(name + ".mlp.down_proj.weight", {width, feed_forward}, Start::kResidual, &block.leave.weight);
    store_.Declare(name + ".input_layernorm.weight", {width}, Start::kOne, &block.norm1.weight);
    store_.Declare(name + ".post_attention_layernorm.weight", {width}, Start::kOne, &block.norm2.weight);
  }
  store_.Declare("model.norm.weight", {width}, Start::kOne, &last_norm_.weight);
}

}  // namespace lethe
