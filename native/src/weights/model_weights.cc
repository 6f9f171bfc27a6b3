#include "weights/model_weights.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>

#include "files/file.h"
#include "lethe/thread_pool.h"
#include "model/check_spec.h"
#include "model/stored_tensor.h"
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

Status ReadFloats(const ModelWeights& weights, const Parameter& parameter, std::span<float> into) {
  if (Status s = weights.Read(parameter.name, parameter.shape, into); !s.ok()) return s;
  for (size_t i = 0; i < into.size(); ++i) {
    if (std::isfinite(into[i])) continue;
    return {Code::kBadData, "expected finite numbers in " + TensorText(parameter.name) + ", found " + std::to_string(into[i]) + " at element " + std::to_string(i) +
                                "; fetch the model again"};
  }
  return Status::Ok();
}

Status ReadStored(const ModelWeights& weights, const Parameter& parameter) {
  StoredTensor& stored = *parameter.stored;
  const BlockFormat* format = nullptr;
  if (Status s = weights.FormatOf(parameter.name, parameter.shape, &format); !s.ok()) return s;
  if (stored.form() == FrozenForm::kBf16 && format->id != kFormatBf16) {
    std::vector<float> values(static_cast<size_t>(stored.rows() * stored.columns()));
    if (Status s = ReadFloats(weights, parameter, values); !s.ok()) return s;
    if (Status s = stored.Keep(values); !s.ok()) return s;
  } else {
    std::span<unsigned char> bytes;
    if (Status s = stored.Allocate(*format, &bytes); !s.ok()) return s;
    if (Status s = weights.ReadBytes(parameter.name, parameter.shape, bytes); !s.ok()) return s;
  }
  const auto blocks = static_cast<uint64_t>(stored.rows() * (stored.columns() / stored.format().elements));
  const uint64_t bad = FirstBlockThatIsNotFinite(stored.format(), stored.row(0), blocks);
  if (bad == blocks) return Status::Ok();
  return {Code::kBadData, "expected finite numbers in " + TensorText(parameter.name) + ", found others (" + stored.format().name + ") from element " +
                              std::to_string(bad * stored.format().elements) + "; fetch the model again, or keep it as f32"};
}

Status LoadParameter(const ModelWeights& weights, Parameter& parameter) {
  try {
    return parameter.stored != nullptr ? ReadStored(weights, parameter) : ReadFloats(weights, parameter, parameter.data);
  } catch (const std::bad_alloc&) {  // a task of the pool must not throw
    return {Code::kOutOfMemory, "out of memory while " + TensorText(parameter.name) + " was read"};
  }
}

std::string NumberText(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(value));
  return text;
}

std::string ScalingText(const RopeScaling& scaling) {
  switch (scaling.kind) {
    case RopeScaling::Kind::kNone: break;
    case RopeScaling::Kind::kLinear: return "linear, factor " + NumberText(scaling.factor);
    case RopeScaling::Kind::kLlama3:
      return "llama3, factor " + NumberText(scaling.factor) + ", low " + NumberText(scaling.low_frequency_factor) + ", high " + NumberText(scaling.high_frequency_factor) +
             ", original context " + std::to_string(scaling.original_context);
  }
  return "absent";
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
  if (!std::filesystem::is_directory(path, error)) return OpenGgufModel(path, out);
  const std::string gguf = path + "/model.gguf";
  return Exists(gguf) && !Exists(path + "/config.json") ? OpenGgufModel(gguf, out) : OpenHfFolder(path, out);
}

Status CheckSameModel(const ModelSpec& asked, const ModelSpec& found, const std::string& path) {
  const auto differs = [&](const std::string& field, const std::string& ours, const std::string& theirs) {
    return Status(Code::kBadData, "expected model." + field + " " + ours + " (run.json) in " + path + ", found " + theirs + "; plan the sweep again with the model as it is now");
  };
  const auto family = [](const ModelSpec& spec) { return std::string(spec.family == Family::kLlama ? "llama" : "gpt2"); };
  if (asked.family != found.family) return differs("family", family(asked), family(found));
  const bool shorter = asked.family == Family::kLlama && asked.context < found.context;
  struct Count { const char* field; int ours, theirs; };
  for (const Count& count : {Count{"layers", asked.layers, found.layers}, Count{"width", asked.width, found.width}, Count{"heads", asked.heads, found.heads},
                             Count{"keyValueHeads", asked.key_value_heads, found.key_value_heads}, Count{"feedForward", asked.feed_forward, found.feed_forward},
                             Count{"context", shorter ? found.context : asked.context, found.context}, Count{"vocabulary", asked.vocabulary, found.vocabulary}}) {
    if (count.ours != count.theirs) return differs(count.field, std::to_string(count.ours), std::to_string(count.theirs));
  }
  if (asked.tied_head != found.tied_head) return differs("tiedHead", asked.tied_head ? "true" : "false", found.tied_head ? "true" : "false");
  if (asked.norm_epsilon != found.norm_epsilon) return differs("normEpsilon", NumberText(asked.norm_epsilon), NumberText(found.norm_epsilon));
  if (asked.family == Family::kGpt2) return Status::Ok();
  if (asked.rope_base != found.rope_base) return differs("ropeBase", NumberText(asked.rope_base), NumberText(found.rope_base));
  if (!(asked.rope_scaling == found.rope_scaling)) return differs("ropeScaling", ScalingText(asked.rope_scaling), ScalingText(found.rope_scaling));
  return Status::Ok();
}

Status LoadModelWeights(const ModelWeights& weights, Decoder& decoder, ThreadPool* pool) {
  const std::span<Parameter> parameters = decoder.parameters();
  std::vector<Status> results(parameters.size());
  pool->For(static_cast<int64_t>(parameters.size()), [&](int64_t i) { results[static_cast<size_t>(i)] = LoadParameter(weights, parameters[static_cast<size_t>(i)]); });
  for (Status& result : results) {
    if (!result.ok()) return std::move(result);
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
