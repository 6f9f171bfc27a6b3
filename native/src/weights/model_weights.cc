#include "weights/model_weights.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "model/check_spec.h"
#include "weights/gguf_model.h"
#include "weights/hf_folder.h"

namespace lethe {
namespace {

void ExpectGpt2Block(const ModelSpec& spec, const std::string& name, std::vector<ExpectedTensor>* all) {
  const int64_t width = spec.width, feed_forward = spec.feed_forward;
  all->push_back({name + ".ln_1.weight", {width}});
  all->push_back({name + ".ln_1.bias", {width}});
  all->push_back({name + ".attn.c_attn.weight", {width, 3 * width}});
  all->push_back({name + ".attn.c_attn.bias", {3 * width}});
  all->push_back({name + ".attn.c_proj.weight", {width, width}});
  all->push_back({name + ".attn.c_proj.bias", {width}});
  all->push_back({name + ".ln_2.weight", {width}});
  all->push_back({name + ".ln_2.bias", {width}});
  all->push_back({name + ".mlp.c_fc.weight", {width, feed_forward}});
  all->push_back({name + ".mlp.c_fc.bias", {feed_forward}});
  all->push_back({name + ".mlp.c_proj.weight", {feed_forward, width}});
  all->push_back({name + ".mlp.c_proj.bias", {width}});
}

void ExpectLlamaBlock(const ModelSpec& spec, const std::string& name, std::vector<ExpectedTensor>* all) {
  const int64_t width = spec.width, feed_forward = spec.feed_forward, key_width = int64_t{spec.width / spec.heads} * spec.key_value_heads;
  all->push_back({name + ".self_attn.q_proj.weight", {width, width}});
  all->push_back({name + ".self_attn.k_proj.weight", {key_width, width}});
  all->push_back({name + ".self_attn.v_proj.weight", {key_width, width}});
  all->push_back({name + ".self_attn.o_proj.weight", {width, width}});
  all->push_back({name + ".mlp.gate_proj.weight", {feed_forward, width}});
  all->push_back({name + ".mlp.up_proj.weight", {feed_forward, width}});
  all->push_back({name + ".mlp.down_proj.weight", {width, feed_forward}});
  all->push_back({name + ".input_layernorm.weight", {width}});
  all->push_back({name + ".post_attention_layernorm.weight", {width}});
}

}  // namespace

std::vector<ExpectedTensor> ExpectedTensors(const ModelSpec& spec) {
  std::vector<ExpectedTensor> all;
  const int64_t width = spec.width, vocabulary = spec.vocabulary;
  const bool llama = spec.family == Family::kLlama;
  all.push_back({llama ? "model.embed_tokens.weight" : "transformer.wte.weight", {vocabulary, width}});
  if (!llama) all.push_back({"transformer.wpe.weight", {spec.context, width}});
  for (int layer = 0; layer < spec.layers; ++layer) {
    if (llama) ExpectLlamaBlock(spec, "model.layers." + std::to_string(layer), &all);
    if (!llama) ExpectGpt2Block(spec, "transformer.h." + std::to_string(layer), &all);
  }
  all.push_back({llama ? "model.norm.weight" : "transformer.ln_f.weight", {width}});
  if (!llama) all.push_back({"transformer.ln_f.bias", {width}});
  if (!spec.tied_head) all.push_back({"lm_head.weight", {vocabulary, width}});
  return all;
}

Status OpenModelWeights(const std::string& path, std::unique_ptr<ModelWeights>* out) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? OpenHfFolder(path, out) : OpenGgufModel(path, out);
}

Status LoadModelWeights(const ModelWeights& weights, Decoder& decoder) {
  for (Parameter& parameter : decoder.parameters()) {
    if (Status s = weights.Read(parameter.name, parameter.shape, parameter.data); !s.ok()) return s;
    for (size_t i = 0; i < parameter.data.size(); ++i) {
      if (std::isfinite(parameter.data[i])) continue;
      return {Code::kBadData, "expected finite numbers in " + TensorText(parameter.name) + ", found " + std::to_string(parameter.data[i]) + " at element " +
                                  std::to_string(i) + "; fetch the model again"};
    }
  }
  return Status::Ok();
}

Status CheckForeignSpec(const ModelSpec& spec, const std::string& path) {
  const Status s = CheckSpec(spec);
  if (s.ok()) return s;
  const std::string sentence = s.sentence();
  return {Code::kBadData, path + " describes a model that cannot be built: " + sentence.substr(0, sentence.find(';'))};
}

std::string TensorText(const std::string& name) {
  const std::string shown = name.size() > 120 ? name.substr(0, 117) + "..." : name;
  return "tensor " + nlohmann::json(shown).dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

}  // namespace lethe
