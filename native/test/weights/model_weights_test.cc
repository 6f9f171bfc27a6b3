// Models in the forms that others publish, against what their own libraries read (test/fixtures/native/make_weights.py), and damaged ones.
#include "weights/model_weights.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "check.h"
#include "files/sha256.h"
#include "lethe/thread_pool.h"
#include "model/test_batch.h"
#include "weights/gguf_file.h"
#include "weights/hf_config.h"

namespace lethe {
namespace {

const std::string kFixtures = std::string(LETHE_FIXTURES) + "/native/weights/";

// Of all parameters, end to end, after loading them into a decoder made from the model's own spec.
std::string DigestOf(const ModelWeights& weights) {
  ThreadPool pool(1);
  std::unique_ptr<Decoder> decoder;
  CHECK_OK(Decoder::Create(weights.spec(), &pool, &decoder));
  CHECK_OK(LoadModelWeights(weights, *decoder, &pool));
  Sha256 hash;
  for (const Parameter& parameter : decoder->parameters()) hash.Update(parameter.data.data(), parameter.data.size_bytes());
  return hash.Finish();
}

void CheckDigest(const std::string& name) {
  std::unique_ptr<ModelWeights> weights;
  const Status opened = OpenModelWeights(kFixtures + name, &weights);
  CHECK_OK(opened);
  if (opened.ok()) CHECK_EQ(DigestOf(*weights), nlohmann::json::parse(test::ReadFile(kFixtures + "sha256.json"))[name].get<std::string>());
}

Status Open(const std::string& path) {
  std::unique_ptr<ModelWeights> weights;
  return OpenModelWeights(path, &weights);
}

// Opens and, when that succeeds, reads everything: whatever was damaged, the end is OK or one sentence with kBadData.
bool SurvivesReading(const std::string& path) {
  std::unique_ptr<ModelWeights> weights;
  const Status opened = OpenModelWeights(path, &weights);
  if (!opened.ok()) {
    CHECK(opened.code() == Code::kBadData || opened.code() == Code::kMissingInput);
    CHECK(!opened.sentence().empty() && opened.sentence().size() < 800 && opened.sentence().find('\n') == std::string::npos);
    return false;
  }
  for (const ExpectedTensor& tensor : ExpectedTensors(weights->spec())) {
    size_t elements = 1;
    for (const int64_t extent : tensor.shape) elements *= static_cast<size_t>(extent);
    std::vector<float> into(elements);
    const Status read = weights->Read(tensor.name, tensor.shape, into);
    CHECK(read.ok() || read.code() == Code::kBadData);
    const BlockFormat* format = nullptr;
    CHECK_OK(weights->FormatOf(tensor.name, tensor.shape, &format));
    std::vector<unsigned char> bytes(elements / format->elements * format->bytes);
    const Status copied = weights->ReadBytes(tensor.name, tensor.shape, bytes);
    CHECK(copied.ok() || copied.code() == Code::kBadData);
  }
  return true;
}

// A copy of the fixture folder in which one file may be changed.
class FolderCopy {
 public:
  explicit FolderCopy(const std::string& name) { std::filesystem::copy(kFixtures + name, folder_.path(), std::filesystem::copy_options::recursive); }
  const std::string& path() const { return folder_.path(); }
  void Edit(const std::string& file, const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json document = nlohmann::json::parse(test::ReadFile(folder_ / file));
    change(document);
    test::WriteFile(folder_ / file, document.dump());
  }

 private:
  test::TemporaryFolder folder_;
};

template <typename T>
std::string Patched(std::string bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

}  // namespace

TEST(EveryGgufFormatGivesTheBitsOfTheGgufPackage) {
  GgufFile file;
  CHECK_OK(file.Open(kFixtures + "formats.gguf"));
  const std::string expected = test::ReadFile(kFixtures + "formats.f32");
  size_t at = 0;
  for (const char* name : {"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"}) {
    CHECK(file.tensors().contains(name));
    const GgufTensor& tensor = file.tensors().at(name);
    CHECK((tensor.shape == std::vector<int64_t>{2, 256}));
    CHECK_EQ(std::string(tensor.format->name), name);
    std::vector<float> values(512);
    for (size_t i = 0; i < 512; i += tensor.format->elements) tensor.format->dequantize(file.Data(tensor) + i / tensor.format->elements * tensor.format->bytes, &values[i]);
    for (size_t i = 0; i < 512; ++i) {
      float wanted = 0;
      std::memcpy(&wanted, expected.data() + at + 4 * i, 4);
      if (values[i] == wanted) continue;  // zeros of either sign are one number
      test::CheckTrue(false, std::string(name) + " element " + std::to_string(i) + " to be " + std::to_string(wanted) + ", found " + std::to_string(values[i]), __FILE__, __LINE__);
      break;
    }
    at += 4 * 512;
  }
  CHECK_EQ(at, expected.size());
}

TEST(ALlamaFromGgufHasHuggingFacesNamesAndRowOrder) {
  CheckDigest("llama.gguf");
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(kFixtures + "llama.gguf", &weights));
  CHECK(weights->spec().tied_head);
  CHECK_EQ(weights->spec().key_value_heads, 2);
  CHECK_EQ(weights->spec().rope_base, 50000.0f);
}

TEST(RotaryScalingIsReadFromConfigsOfEitherAgeAndFromDivisors) {
  CheckDigest("llama3.gguf");
  const RopeScaling llama3 = {.kind = RopeScaling::Kind::kLlama3, .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_context = 8192};
  for (const char* name : {"llama3", "llama3.gguf"}) {
    std::unique_ptr<ModelWeights> weights;
    CHECK_OK(OpenModelWeights(kFixtures + name, &weights));
    CHECK(weights->spec().rope_scaling == llama3);
    CHECK_EQ(weights->spec().rope_base, 500000.0f);
  }
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(kFixtures + "linear", &weights));
  CHECK((weights->spec().rope_scaling == RopeScaling{.kind = RopeScaling::Kind::kLinear, .factor = 2}));
}

TEST(DivisorsThatAreNotThoseOfLlama3AreRefused) {
  const test::TemporaryFolder folder;
  const std::string good = test::ReadFile(kFixtures + "llama3.gguf");
  GgufFile file;
  CHECK_OK(file.Open(kFixtures + "llama3.gguf"));
  const GgufTensor& divisors = file.tensors().at("rope_freqs.weight");
  const size_t start = good.find(std::string(reinterpret_cast<const char*>(file.Data(divisors)), divisors.bytes));
  for (const float value : {3.0f, 0.0f, -1.0f, NAN, INFINITY}) {
    test::WriteFile(folder / "m.gguf", Patched(good, start + 8, value));
    CHECK_FAILS(Open(folder / "m.gguf"), Code::kBadData, "to hold the divisors of Llama 3");
  }
  const std::string name = "rope_freqs.weight";
  test::WriteFile(folder / "m.gguf", Patched(good, good.find(name) + name.size() + 4, uint64_t{3}));
  CHECK_FAILS(Open(folder / "m.gguf"), Code::kBadData, "expected tensor \"rope_freqs.weight\" of shape [4]");
}

TEST(TheFormOfTheWeightsIsTold) {
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(kFixtures + "llama.gguf", &weights));
  CHECK_EQ(weights->form().container, "gguf");
  CHECK((weights->form().formats == std::map<std::string, int>{{"F32", 5}, {"Q8_0", 15}}));
  CHECK((weights->form().files == std::vector<std::string>{"llama.gguf"}));
  CHECK_OK(OpenModelWeights(kFixtures + "gpt2", &weights));
  CHECK_EQ(weights->form().container, "safetensors");
  CHECK((weights->form().formats == std::map<std::string, int>{{"BF16", 28}}));
  CHECK_EQ(weights->form().files.size(), size_t{6});  // config, index and four shards
}

TEST(ShardedFoldersOfBothFamiliesHaveTheTensorsThatTransformersSaved) {
  CheckDigest("gpt2");
  CheckDigest("llama");
  CheckDigest("llama3");
  CheckDigest("linear");
}

TEST(ExpectedTensorsAreTheParametersOfTheDecoder) {
  ThreadPool pool(1);
  for (const Family family : {Family::kGpt2, Family::kLlama}) {
    for (const bool tied : {true, false}) {
      const auto decoder = test::MakeDecoder(test::SmallSpec(family, tied), &pool);
      const auto expected = ExpectedTensors(decoder->spec());
      CHECK_EQ(expected.size(), decoder->parameters().size());
      for (size_t i = 0; i < expected.size(); ++i) {
        CHECK_EQ(expected[i].name, decoder->parameters()[i].name);
        CHECK(expected[i].shape == decoder->parameters()[i].shape);
      }
    }
  }
}

TEST(AConfigThatWouldComputeSomethingElseIsRefusedByField) {
  const auto refuse = [](const std::string& name, const std::string& patch, const std::string& part) {
    nlohmann::json config = nlohmann::json::parse(test::ReadFile(kFixtures + name + "/config.json"));
    config.merge_patch(nlohmann::json::parse(patch));
    ModelSpec spec;
    CHECK_FAILS(ParseHfConfig(config.dump(), "config.json", &spec), Code::kBadData, part);
  };
  refuse("llama", R"({"rope_scaling":{"rope_type":"llama3","factor":8}})", "rope_scaling.low_freq_factor");
  refuse("llama", R"({"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":8192}})", "ropeScaling.highFrequencyFactor");
  refuse("llama", R"({"rope_scaling":{"type":"linear"}})", "rope_scaling.factor");
  refuse("llama", R"({"rope_scaling":{"type":"linear","factor":0.5}})", "rope_scaling.factor to be a number from 1");
  refuse("llama", R"({"rope_scaling":{"type":"linear","factor":2,"attention_factor":1}})", "unknown field \"attention_factor\" in rope_scaling");
  refuse("llama", R"({"rope_scaling":{"type":"dynamic","factor":2}})", "rope_scaling.type to be one of \"default\" \"linear\" \"llama3\", found \"dynamic\"");
  refuse("llama", R"({"rope_parameters":{"rope_type":"yarn"}})", "rope_parameters.rope_type");
  refuse("llama", R"({"hidden_act":"gelu"})", "hidden_act to be \"silu\", found \"gelu\"");
  refuse("llama", R"({"attention_bias":true})", "attention_bias");
  refuse("llama", R"({"head_dim":16})", "head_dim");
  refuse("llama", R"({"rope_interleaved":true})", "rope_interleaved");
  refuse("llama", R"({"num_key_value_heads":3})", "keyValueHeads");
  refuse("llama", R"({"quantization_config":{"bits":4}})", "quantization_config");
  refuse("llama", R"({"model_type":"qwen2"})", "model_type to be one of \"gpt2\" \"llama\", found \"qwen2\"");
  refuse("gpt2", R"({"activation_function":"relu"})", "activation_function");
  refuse("gpt2", R"({"scale_attn_by_inverse_layer_idx":true})", "scale_attn_by_inverse_layer_idx");
  refuse("gpt2", R"({"n_embd":99999999})", "n_embd");
  refuse("gpt2", R"({"n_layer":null})", "n_layer");
}

TEST(FoldersWithoutThePrefixOfTheFamilyAreTheSame) {
  FolderCopy copy("gpt2");
  for (const auto& entry : std::filesystem::directory_iterator(copy.path())) {
    if (entry.path().extension() != ".safetensors") continue;
    std::string bytes = test::ReadFile(entry.path().string());
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    std::string header = bytes.substr(8, length);
    for (size_t at; (at = header.find("\"transformer.")) != std::string::npos;) header.erase(at + 1, 12);
    header.resize(length, ' ');
    test::WriteFile(entry.path().string(), bytes.substr(0, 8) + header + bytes.substr(8 + length));
  }
  copy.Edit("model.safetensors.index.json", [](nlohmann::json& index) {
    nlohmann::json map;
    for (const auto& [name, file] : index["weight_map"].items()) map[name.substr(12)] = file;
    index["weight_map"] = map;
  });
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(copy.path(), &weights));
  CHECK_EQ(DigestOf(*weights), nlohmann::json::parse(test::ReadFile(kFixtures + "sha256.json"))["gpt2"].get<std::string>());
}

TEST(MissingExtraAndMisshapenTensorsOfAFolderAreNamed) {
  const auto with = [](const std::string& file, const std::function<void(nlohmann::json&)>& change) {
    FolderCopy copy("llama");
    copy.Edit(file, change);
    return Open(copy.path());
  };
  CHECK_FAILS(with("config.json", [](auto& config) { config["num_hidden_layers"] = 3; }), Code::kBadData, "expected tensor \"model.layers.2.self_attn.q_proj.weight\"");
  CHECK_FAILS(with("config.json", [](auto& config) { config["num_hidden_layers"] = 1; }), Code::kBadData, "expected no tensor \"model.layers.1.");
  CHECK_FAILS(with("config.json", [](auto& config) { config["vocab_size"] = 41; }), Code::kBadData, "of shape [41, 32]");
  const char* index = "model.safetensors.index.json";
  CHECK_FAILS(with(index, [](auto& file) { file["weight_map"]["lm_head.weight"] = "../model.safetensors"; }), Code::kBadData, "a .safetensors file of this folder");
  CHECK_FAILS(with(index, [](auto& file) { file["weight_map"]["lm_head.weight"] = "absent.safetensors"; }), Code::kMissingInput, "absent.safetensors");
  CHECK_FAILS(with(index, [](auto& file) { file["weight_map"]["none"] = file["weight_map"]["lm_head.weight"]; }), Code::kBadData, "expected tensor \"none\"");
  CHECK_FAILS(with(index, [](auto& file) { file = nlohmann::json::array(); }), Code::kBadData, "weight_map");
  CHECK_FAILS(Open(kFixtures + "absent"), Code::kMissingInput, "absent");
}

TEST(ATensorWithoutFiniteValuesIsRefusedWhenItIsLoaded) {
  const test::TemporaryFolder folder;
  const std::string bytes = test::ReadFile(kFixtures + "llama.gguf");
  GgufFile file;
  CHECK_OK(file.Open(kFixtures + "llama.gguf"));
  const GgufTensor& norm = file.tensors().at("output_norm.weight");
  const size_t start = bytes.find(std::string(reinterpret_cast<const char*>(file.Data(norm)), norm.bytes));
  CHECK(start != std::string::npos);
  test::WriteFile(folder / "m.gguf", Patched(bytes, start + 8, NAN));
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(folder / "m.gguf", &weights));
  ThreadPool pool(1);
  std::unique_ptr<Decoder> decoder;
  CHECK_OK(Decoder::Create(weights->spec(), &pool, &decoder));
  CHECK_FAILS(LoadModelWeights(*weights, *decoder, &pool), Code::kBadData, "expected finite numbers in tensor \"model.norm.weight\"");
}

TEST(AStoredTensorWithoutFiniteValuesIsRefusedInEveryForm) {
  const test::TemporaryFolder folder;
  const std::string bytes = test::ReadFile(kFixtures + "llama.gguf");
  GgufFile file;
  CHECK_OK(file.Open(kFixtures + "llama.gguf"));
  const GgufTensor& table = file.tensors().at("token_embd.weight");
  const size_t start = bytes.find(std::string(reinterpret_cast<const char*>(file.Data(table)), table.bytes));
  CHECK(start != std::string::npos);
  test::WriteFile(folder / "m.gguf", Patched(bytes, start + 34, uint16_t{0x7c00}));  // the scale of its second block: infinite
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(folder / "m.gguf", &weights));
  ThreadPool pool(1);
  for (const FrozenForm form : {FrozenForm::kF32, FrozenForm::kBf16, FrozenForm::kAsStored}) {
    Tuning tuning = test::Kind(TuningKind::kNone);
    tuning.frozen = form;
    std::unique_ptr<Decoder> decoder;
    CHECK_OK(Decoder::Create(weights->spec(), tuning, &pool, &decoder));
    CHECK_FAILS(LoadModelWeights(*weights, *decoder, &pool), Code::kBadData, "expected finite numbers in tensor \"model.embed_tokens.weight\"");
  }
}

TEST(GgufFilesThatLieAreRefusedWithOneSentence) {
  const test::TemporaryFolder folder;
  const std::string good = test::ReadFile(kFixtures + "llama.gguf");
  const auto open = [&](const std::string& bytes) {
    test::WriteFile(folder / "m.gguf", bytes);
    return Open(folder / "m.gguf");
  };
  CHECK_OK(open(good));
  CHECK_FAILS(open(good.substr(0, 20)), Code::kBadData, "only 20 bytes");
  CHECK_FAILS(open(good.substr(0, 40)), Code::kBadData, "do not fit");
  CHECK_FAILS(open(good.substr(0, good.size() - 2000)), Code::kBadData, "it was cut short");
  CHECK_FAILS(open("GGML" + good.substr(4)), Code::kBadData, "does not begin with \"GGUF\"");
  CHECK_FAILS(open(Patched(good, 4, uint32_t{2})), Code::kBadData, "expected version 3, found 2");
  CHECK_FAILS(open(Patched(good, 4, uint32_t{0x03000000})), Code::kBadData, "big-endian");
  CHECK_FAILS(open(Patched(good, 8, UINT64_MAX)), Code::kBadData, "18446744073709551615 tensors do not fit");
  CHECK_FAILS(open(Patched(good, 16, uint64_t{1} << 63)), Code::kBadData, "9223372036854775808 keys do not fit");
  CHECK_FAILS(open(Patched(good, 24, UINT64_MAX)), Code::kBadData, "characters do not fit");

  // A tensor's entry: name, dimensions, extents, format, offset.
  const std::string name = "blk.0.attn_q.weight";
  const size_t entry = good.find(name) + name.size();
  CHECK_FAILS(open(Patched(good, entry, uint32_t{0})), Code::kBadData, "has 0 dimensions");
  CHECK_FAILS(open(Patched(good, entry, UINT32_MAX)), Code::kBadData, "has 4294967295 dimensions");
  CHECK_FAILS(open(Patched(good, entry + 4, UINT64_MAX)), Code::kBadData, "has an extent of");
  CHECK_FAILS(open(Patched(good, entry + 4, uint64_t{33})), Code::kBadData, "in blocks of 32, found 33");
  CHECK_FAILS(open(Patched(good, entry + 12, uint64_t{64})), Code::kBadData, "share bytes");
  CHECK_FAILS(open(Patched(good, entry + 20, uint32_t{16})), Code::kBadData, "found format number 16");
  CHECK_FAILS(open(Patched(good, entry + 24, uint64_t{0})), Code::kBadData, "share bytes");
  CHECK_FAILS(open(Patched(good, entry + 24, uint64_t{8})), Code::kBadData, "no multiple of the alignment 32");
  CHECK_FAILS(open(Patched(good, entry + 24, uint64_t{1} << 62)), Code::kBadData, "it was cut short");
  CHECK_FAILS(open(Patched(good, entry - 1, 'T')), Code::kBadData, "expected tensor \"blk.0.attn_q.weight\"");

  // A key's entry: name, type, value.
  const std::string layers = "llama.block_count", architecture = "general.architecture";
  CHECK_FAILS(open(Patched(good, good.find(layers) + layers.size(), uint32_t{99})), Code::kBadData, "unknown type 99");
  CHECK_FAILS(open(Patched(good, good.find(layers) + layers.size() + 4, UINT32_MAX)), Code::kBadData, "llama.block_count to be an integer from 1 to 1024");
  CHECK_FAILS(open(Patched(good, good.find(layers) + layers.size() + 4, uint32_t{1})), Code::kBadData, "expected no tensor \"blk.1.");
  CHECK_FAILS(open(Patched(good, good.find(architecture) + architecture.size() + 12, 'x')), Code::kBadData, "general.architecture to be \"llama\", found \"xlama\"");
}

TEST(DamagedGgufFilesAreRefusedOrReadInBounds) {
  const test::TemporaryFolder folder;
  const std::string good = test::ReadFile(kFixtures + "llama.gguf");
  int opened = 0, refused = 0;
  const auto attempt = [&](const std::string& bad) {
    test::WriteFile(folder / "m.gguf", bad);
    ++(SurvivesReading(folder / "m.gguf") ? opened : refused);
  };
  for (size_t length = 0; length < 3000; length += 7) attempt(good.substr(0, length));  // header, keys, tensor table
  test::Damage(good.substr(0, 3000), 83, 1500, [&](const std::string& bad) { attempt(bad + good.substr(3000)); });
  test::Damage(good, 89, 300, attempt);
  CHECK(opened > 20);
  CHECK(refused > 500);
}

TEST(DamagedFoldersAreRefusedOrReadInBounds) {
  FolderCopy copy("gpt2");
  int opened = 0, refused = 0;
  for (const char* name : {"config.json", "model.safetensors.index.json", "model-00001-of-00004.safetensors"}) {
    const std::string path = copy.path() + "/" + name, good = test::ReadFile(path);
    test::Damage(good, 97, 250, [&](const std::string& bad) {
      test::WriteFile(path, bad);
      ++(SurvivesReading(copy.path()) ? opened : refused);
    });
    test::WriteFile(path, good);
  }
  CHECK(opened > 5);
  CHECK(refused > 200);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
