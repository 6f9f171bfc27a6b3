// models/<digest>/: the manifest decides which files count, and they must be those.
#include "weights/model_folder.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "check.h"
#include "files/sha256.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

const std::string kFixtures = std::string(LETHE_FIXTURES) + "/native/weights/";

std::string DigestOf(const Json& manifest) {
  Json deciding = Json::object();
  for (const auto& [name, file] : manifest["files"].items()) {
    if (name.ends_with(".safetensors") || name.ends_with(".json") || name.ends_with(".gguf")) deciding[name] = {{"bytes", file["bytes"]}, {"sha256", file["sha256"]}};
  }
  deciding.erase("tokenizer.json");
  return Sha256Hex(deciding.dump());
}

// A model of the fixtures as `lethe model add` lays it down, with a tokenizer beside it.
struct Stored {
  test::TemporaryFolder folder;
  Json manifest;
  std::string digest;

  explicit Stored(const std::string& name) {
    manifest = {{"format", "lethe-model/1"}, {"name", name}, {"source", "made up"}, {"files", Json::object()}};
    if (name.ends_with(".gguf")) {
      Put("model.gguf", test::ReadFile(kFixtures + name));
    } else {
      for (const auto& entry : std::filesystem::directory_iterator(kFixtures + name)) Put(entry.path().filename().string(), test::ReadFile(entry.path().string()));
    }
    Put("tokenizer.json", "{}");
    digest = DigestOf(manifest);
    manifest["digest"] = digest;
    Write();
  }
  void Put(const std::string& file, const std::string& content) {
    test::WriteFile(folder / file, content);
    manifest["files"][file] = {{"sha256", Sha256Hex(content)}, {"bytes", content.size()}};
  }
  void Write() { test::WriteFile(folder / "manifest.json", manifest.dump()); }
  Status Open() const {
    std::unique_ptr<ModelWeights> weights;
    return OpenModelFolder(folder.path(), digest, &weights);
  }
};

}  // namespace

TEST(FoldersAndGgufFilesOpenByTheirDigest) {
  for (const char* name : {"gpt2", "llama", "llama.gguf", "llama3.gguf"}) CHECK_OK(Stored(name).Open());
}

TEST(TheDigestIsThatOfTheCanonicalListOfDecidingFiles) {
  // What the TypeScript side computes for the same list (test/data): keys sorted, no white space.
  const Json list = {{"model.gguf", {{"sha256", std::string(64, 'a')}, {"bytes", 3}}}};
  CHECK_EQ(list.dump(), "{\"model.gguf\":{\"bytes\":3,\"sha256\":\"" + std::string(64, 'a') + "\"}}");
}

TEST(AnotherTokenizerChangesNothing) {
  Stored stored("llama");
  stored.Put("tokenizer.json", "{\"another\":1}");
  stored.Write();
  CHECK_OK(stored.Open());
}

TEST(AFolderThatIsNotTheModelOfItsDigestIsRefused) {
  const auto changed = [](const char* model, const std::function<void(Stored&)>& change) {
    Stored stored(model);
    change(stored);
    stored.Write();
    return stored.Open();
  };
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.digest = std::string(64, 'b'); }), Code::kBadData, "expected the model of digest bbbb");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["files"]["config.json"]["sha256"] = std::string(64, 'c'); }), Code::kBadData, "expected files whose digest is");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["files"].erase("model.safetensors.index.json"); }), Code::kBadData, "expected files whose digest is");
  CHECK_FAILS(changed("llama", [](Stored& stored) { test::WriteFile(stored.folder / "config.json", "{}"); }), Code::kBadData, "config.json: expected");
  CHECK_FAILS(changed("llama.gguf", [](Stored& stored) { std::filesystem::remove(stored.folder / "model.gguf"); }), Code::kMissingInput, "model.gguf, which is not there");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["format"] = "lethe-model/2"; }), Code::kBadData, "format to be \"lethe-model/1\"");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["files"] = 3; }), Code::kBadData, "files to be a JSON object");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["files"]["../x.gguf"] = {{"sha256", std::string(64, 'd')}, {"bytes", 1}}; }), Code::kBadData,
              "the name of a file of this folder");
  CHECK_FAILS(changed("llama", [](Stored& stored) { stored.manifest["files"]["config.json"]["bytes"] = -1; }), Code::kBadData, "config.json.bytes");
}

TEST(AFileThatTheManifestDoesNotListIsNotRead) {
  Stored stored("llama.gguf");
  // A config.json beside it would make the reader take the folder for Hugging Face's.
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures + "llama")) std::filesystem::copy(entry.path(), stored.folder / entry.path().filename().string());
  CHECK_FAILS(stored.Open(), Code::kBadData, "to list config.json, which the model is read from");
}

TEST(AFolderWithoutManifestIsMissing) {
  const test::TemporaryFolder folder;
  std::unique_ptr<ModelWeights> weights;
  CHECK_FAILS(OpenModelFolder(folder.path(), std::string(64, 'a'), &weights), Code::kMissingInput, "lethe model add");
  CHECK_OK(OpenModel(kFixtures + "llama", &weights));
}

TEST(ARunMustAskForTheModelThatTheWeightsAre) {
  std::unique_ptr<ModelWeights> weights;
  CHECK_OK(OpenModelWeights(kFixtures + "llama3", &weights));
  const ModelSpec found = weights->spec();
  CHECK_OK(CheckSameModel(found, found, "models/x"));
  const auto refuse = [&](const std::function<void(ModelSpec&)>& change, const std::string& part) {
    ModelSpec asked = found;
    change(asked);
    CHECK_FAILS(CheckSameModel(asked, found, "models/x"), Code::kBadData, part);
  };
  refuse([](ModelSpec& spec) { spec.family = Family::kGpt2; }, "expected model.family gpt2 (run.json) in models/x, found llama");
  refuse([](ModelSpec& spec) { spec.layers = 3; }, "expected model.layers 3");
  refuse([](ModelSpec& spec) { spec.vocabulary = 41; }, "model.vocabulary 41");
  refuse([](ModelSpec& spec) { spec.context += 1; }, "model.context 97");
  refuse([](ModelSpec& spec) { spec.tied_head = false; }, "model.tiedHead false");
  refuse([](ModelSpec& spec) { spec.norm_epsilon = 1e-5f; }, "model.normEpsilon 9.99999975e-06");
  refuse([](ModelSpec& spec) { spec.rope_base = 10000; }, "model.ropeBase 10000 (run.json) in models/x, found 500000");
  refuse([](ModelSpec& spec) { spec.rope_scaling = {}; }, "model.ropeScaling absent (run.json) in models/x, found llama3, factor 8, low 1, high 4, original context 8192");
  ModelSpec shorter = found;  // the same function on what it still takes
  shorter.context = 32;
  shorter.initial_range = 1;
  CHECK_OK(CheckSameModel(shorter, found, "models/x"));
}

TEST(DamagedManifestsAreRefusedOrReadNeverACrash) {
  Stored stored("llama.gguf");
  int refused = 0;
  test::Damage(stored.manifest.dump(), 101, 2000, [&](const std::string& bad) {
    test::WriteFile(stored.folder / "manifest.json", bad);
    const Status s = stored.Open();
    CHECK(s.ok() || s.code() == Code::kBadData || s.code() == Code::kMissingInput);
    refused += s.ok() ? 0 : 1;
  });
  CHECK(refused > 500);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
