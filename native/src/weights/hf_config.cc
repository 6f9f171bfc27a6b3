#include "weights/hf_config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "stage/json_fields.h"
#include "weights/model_weights.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

// Fields that say nothing about the function from tokens to logits, or only in training by dropout, which we do not use.
constexpr const char* kInert[] = {
    "_name_or_path", "_commit_hash", "architectures", "auto_map", "dtype", "torch_dtype", "transformers_version", "transformers.js_config", "use_cache", "bos_token_id", "eos_token_id",
    "pad_token_id", "unk_token_id", "sep_token_id", "decoder_start_token_id", "attn_pdrop", "embd_pdrop", "resid_pdrop", "attention_dropout", "hidden_dropout", "summary_activation", "summary_first_dropout",
    "summary_proj_to_labels", "summary_type", "summary_use_proj", "task_specific_params", "n_ctx", "gradient_checkpointing", "reorder_and_upcast_attn", "pretraining_tp", "is_llama_config",
    "max_sequence_length", "id2label", "label2id", "num_labels", "problem_type", "return_dict", "output_attentions", "output_hidden_states", "chunk_size_feed_forward", "finetuning_task",
    "model_type", "initializer_range", "tokenizer_class", "prefix", "return_dict_in_generate", "use_bfloat16", "is_encoder_decoder", "base_model_tp_plan", "name_or_path",
    "layer_types", "original_max_position_embeddings", "n_special", "predict_special_tokens", "output_past", "is_decoder", "torchscript", "_attn_implementation_autoset"};

bool IsInert(const std::string& name) {
  for (const char* inert : kInert) {
    if (name == inert) return true;
  }
  return false;
}

int Count(JsonFields& fields, const char* name, int64_t least, int64_t most) { return static_cast<int>(fields.Integer(name, least, most)); }

// A switch that we compute in one position only; absent means that position.
void Fixed(JsonFields& fields, const char* name, bool position) {
  if (fields.Has(name) && fields.Boolean(name) != position) fields.Fail(name, position ? "true" : "false", position ? "false" : "true, which is not computed here");
}

void ParseGpt2(JsonFields& fields, ModelSpec* spec) {
  spec->family = Family::kGpt2;
  spec->layers = Count(fields, "n_layer", 1, 1024);
  spec->width = Count(fields, "n_embd", 1, 1 << 17);
  spec->heads = spec->key_value_heads = Count(fields, "n_head", 1, 1 << 12);
  spec->feed_forward = fields.Has("n_inner") ? Count(fields, "n_inner", 1, 1 << 20) : 4 * spec->width;
  spec->context = Count(fields, "n_positions", 2, 1 << 20);
  spec->norm_epsilon = static_cast<float>(fields.Number("layer_norm_epsilon", 1e-12, 1));
  if (fields.Has("activation_function")) fields.OneOf("activation_function", {"gelu_new", "gelu_pytorch_tanh"});
  Fixed(fields, "scale_attn_weights", true);
  Fixed(fields, "scale_attn_by_inverse_layer_idx", false);
  Fixed(fields, "add_cross_attention", false);
  spec->tied_head = !fields.Has("tie_word_embeddings") || fields.Boolean("tie_word_embeddings");
}

// rope_scaling of older versions (`type`), rope_parameters of newer ones (`rope_type` and the base).
void ParseRope(JsonFields& fields, const char* name, ModelSpec* spec) {
  if (!fields.Has(name)) return;
  JsonFields rope = fields.Object(name);
  std::string kind = "default";
  for (const char* field : {"rope_type", "type"}) {
    if (rope.Has(field)) kind = rope.OneOf(field, {"default", "linear", "llama3"});
  }
  if (rope.Has("rope_theta")) spec->rope_base = static_cast<float>(rope.Number("rope_theta", 1, 1e12));
  if (rope.Has("partial_rotary_factor")) rope.Number("partial_rotary_factor", 1, 1);
  RopeScaling& scaling = spec->rope_scaling;
  if (kind == "default") {
    if (rope.Has("factor")) rope.Number("factor", 1, 1);
  } else {
    scaling.kind = kind == "linear" ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3;
    scaling.factor = static_cast<float>(rope.Number("factor", 1, 1e6));
  }
  if (kind == "llama3") {
    scaling.low_frequency_factor = static_cast<float>(rope.Number("low_freq_factor", 1e-6, 1e6));
    scaling.high_frequency_factor = static_cast<float>(rope.Number("high_freq_factor", 1e-6, 1e6));
    scaling.original_context = Count(rope, "original_max_position_embeddings", 1, 1 << 20);
  } else if (rope.Has("original_max_position_embeddings")) {
    rope.Ignore("original_max_position_embeddings");
  }
  fields.Adopt(rope.Finish());
}

void ParseLlama(JsonFields& fields, ModelSpec* spec) {
  spec->family = Family::kLlama;
  spec->layers = Count(fields, "num_hidden_layers", 1, 1024);
  spec->width = Count(fields, "hidden_size", 1, 1 << 17);
  spec->heads = Count(fields, "num_attention_heads", 1, 1 << 12);
  spec->key_value_heads = fields.Has("num_key_value_heads") ? Count(fields, "num_key_value_heads", 1, 1 << 12) : spec->heads;
  spec->feed_forward = Count(fields, "intermediate_size", 1, 1 << 20);
  spec->context = Count(fields, "max_position_embeddings", 2, 1 << 20);
  spec->norm_epsilon = static_cast<float>(fields.Number("rms_norm_eps", 1e-12, 1));
  spec->rope_base = fields.Has("rope_theta") ? static_cast<float>(fields.Number("rope_theta", 1, 1e12)) : 10000.0f;
  ParseRope(fields, "rope_scaling", spec);
  ParseRope(fields, "rope_parameters", spec);
  if (fields.Has("partial_rotary_factor")) fields.Number("partial_rotary_factor", 1, 1);
  if (fields.Has("hidden_act")) fields.OneOf("hidden_act", {"silu"});
  if (fields.Has("head_dim")) {
    const int64_t head = spec->width / spec->heads;
    fields.Integer("head_dim", head, head);
  }
  for (const char* name : {"attention_bias", "mlp_bias", "rope_interleaved"}) Fixed(fields, name, false);
  spec->tied_head = fields.Has("tie_word_embeddings") && fields.Boolean("tie_word_embeddings");
}

}  // namespace

Status ParseHfConfig(const std::string& text, const std::string& path, ModelSpec* spec) {
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return {Code::kBadData, path + ": expected JSON, found " + std::to_string(text.size()) + " bytes that are none"};
  if (document.is_object()) {  // null means the default, as if absent
    for (auto field = document.begin(); field != document.end();) field = field->is_null() ? document.erase(field) : std::next(field);
  }
  JsonFields fields(document, path, "", Code::kBadData);
  const std::string family = fields.OneOf("model_type", {"gpt2", "llama"});
  if (Status s = fields.FirstError(); !s.ok()) return s;
  if (fields.Has("initializer_range")) spec->initial_range = static_cast<float>(fields.Number("initializer_range", 1e-9, 10));
  spec->vocabulary = Count(fields, "vocab_size", 2, 1 << 24);
  if (family == "gpt2") ParseGpt2(fields, spec);
  if (family == "llama") ParseLlama(fields, spec);
  for (const auto& [name, value] : document.items()) {
    if (IsInert(name)) fields.Ignore(name);
  }
  if (Status s = fields.Finish(); !s.ok()) return s;
  return CheckForeignSpec(*spec, path);
}

}  // namespace lethe
