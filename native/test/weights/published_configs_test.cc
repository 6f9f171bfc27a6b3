// Configurations in the words of the published models: each is read, and makes as many parameters as its card says.
#include <nlohmann/json.hpp>

#include "check.h"
#include "weights/hf_config.h"
#include "weights/model_weights.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

// GPT-2's first file and the fields that its larger ones and later versions of the library added.
Json Gpt2(int width, int heads, int layers) {
  Json config = Json::parse(R"({"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
    "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_inner":null,"n_positions":1024,"n_special":0,"output_past":true,"predict_special_tokens":true,
    "reorder_and_upcast_attn":false,"resid_pdrop":0.1,"scale_attn_by_inverse_layer_idx":false,"scale_attn_weights":true,"summary_activation":null,"summary_first_dropout":0.1,
    "summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},
    "transformers_version":"4.12.5","use_cache":true,"vocab_size":50257})");
  config["n_embd"] = width;
  config["n_head"] = heads;
  config["n_layer"] = layers;
  return config;
}

// Fields of every LLaMA, with what a model has beside them.
Json Llama(int width, int heads, int layers, int feed_forward, int vocabulary, const char* more) {
  Json config = Json::parse(R"({"architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","initializer_range":0.02,"model_type":"llama","pad_token_id":0,
    "rms_norm_eps":1e-05,"torch_dtype":"float16","transformers_version":"4.31.0","use_cache":true})");
  config["hidden_size"] = width;
  config["num_attention_heads"] = heads;
  config["num_hidden_layers"] = layers;
  config["intermediate_size"] = feed_forward;
  config["vocab_size"] = vocabulary;
  config.merge_patch(Json::parse(more));
  return config;
}

ModelSpec Read(const Json& config) {
  ModelSpec spec;
  CHECK_OK(ParseHfConfig(config.dump(), "config.json", &spec));
  return spec;
}

int64_t Parameters(const ModelSpec& spec) {
  int64_t all = 0;
  for (const ExpectedTensor& tensor : ExpectedTensors(spec)) {
    int64_t elements = 1;
    for (const int64_t extent : tensor.shape) elements *= extent;
    all += elements;
  }
  return all;
}

constexpr char kSmol[] = R"({"attention_bias":false,"attention_dropout":0.0,"head_dim":64,"is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"pretraining_tp":1,
  "rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}}})";
constexpr char kLlama3[] = R"({"attention_bias":false,"attention_dropout":0.0,"eos_token_id":[128001,128008,128009],"max_position_embeddings":131072,"mlp_bias":false,"num_key_value_heads":8,
  "pretraining_tp":1,"rope_scaling":{"factor":8.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,
  "tie_word_embeddings":false})";

Json With(Json config, const char* more) {
  config.merge_patch(Json::parse(more));
  return config;
}

}  // namespace

TEST(Gpt2OfAllSizesHasItsParameters) {
  CHECK_EQ(Parameters(Read(Gpt2(768, 12, 12))), 124439808);
  CHECK_EQ(Parameters(Read(Gpt2(1024, 16, 24))), 354823168);
  CHECK_EQ(Parameters(Read(Gpt2(1280, 20, 36))), 774030080);
  CHECK_EQ(Parameters(Read(Gpt2(1600, 25, 48))), 1557611200);
}

TEST(SmolLm2OfAllSizesHasItsParameters) {
  CHECK_EQ(Parameters(Read(With(Llama(576, 9, 30, 1536, 49152, kSmol), R"({"num_key_value_heads":3})"))), 134515008);
  CHECK_EQ(Parameters(Read(With(Llama(960, 15, 32, 2560, 49152, kSmol), R"({"num_key_value_heads":5})"))), 361821120);
  CHECK_EQ(Parameters(Read(With(Llama(2048, 32, 24, 8192, 49152, kSmol), R"({"num_key_value_heads":32})"))), 1711376384);
}

TEST(LlamasFromTheFirstToTheThirdHaveTheirParameters) {
  CHECK_EQ(Parameters(Read(Llama(4096, 32, 32, 11008, 32000, R"({"max_position_embeddings":2048,"rms_norm_eps":1e-06,"max_sequence_length":2048})"))), 6738415616);
  CHECK_EQ(Parameters(Read(Llama(4096, 32, 32, 11008, 32000, R"({"max_position_embeddings":4096,"num_key_value_heads":32,"pretraining_tp":1,"rope_scaling":null,"tie_word_embeddings":false})"))),
           6738415616);
  CHECK_EQ(Parameters(Read(Llama(5120, 40, 40, 13824, 32000, R"({"max_position_embeddings":4096,"num_key_value_heads":40,"pretraining_tp":1,"rope_scaling":null,"tie_word_embeddings":false})"))),
           13015864320);
  CHECK_EQ(Parameters(Read(Llama(2048, 32, 22, 5632, 32000, R"({"max_position_embeddings":2048,"num_key_value_heads":4,"rope_scaling":null,"tie_word_embeddings":false})"))), 1100048384);
  CHECK_EQ(Parameters(Read(Llama(3200, 32, 26, 8640, 32000, R"({"max_position_embeddings":2048,"rms_norm_eps":1e-06,"tie_word_embeddings":false})"))), 3426473600);
  CHECK_EQ(Parameters(Read(Llama(4096, 32, 32, 14336, 128256, kLlama3))), 8030261248);
  CHECK_EQ(Parameters(Read(With(Llama(2048, 32, 16, 8192, 128256, kLlama3), R"({"head_dim":64,"rope_scaling":{"factor":32.0},"tie_word_embeddings":true})"))), 1235814400);
}

TEST(ScalingsOfPublishedModelsAreRead) {
  const ModelSpec third = Read(Llama(4096, 32, 32, 14336, 128256, kLlama3));
  CHECK((third.rope_scaling == RopeScaling{.kind = RopeScaling::Kind::kLlama3, .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_context = 8192}));
  CHECK_EQ(third.rope_base, 500000.0f);
  // Vicuna's versions with 16,384 tokens.
  const ModelSpec vicuna = Read(Llama(4096, 32, 32, 11008, 32000, R"({"max_position_embeddings":4096,"max_sequence_length":16384,"num_key_value_heads":32,"pretraining_tp":1,
    "rope_scaling":{"factor":4.0,"type":"linear"},"tie_word_embeddings":false})"));
  CHECK((vicuna.rope_scaling == RopeScaling{.kind = RopeScaling::Kind::kLinear, .factor = 4}));
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
