#include "train/start_weights.h"

#include <memory>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include "files/file.h"
#include "model/stored_tensor.h"
#include "stage/json_fields.h"
#include "weights/model_folder.h"
#include "weights/safetensors_reader.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

Status LoadTensors(const std::string& path, const std::string& expected_sha256, Decoder& decoder) {
  std::string found;
  uint64_t bytes = 0;
  if (Status s = HashFile(path, &found, &bytes); !s.ok()) return s;
  if (found != expected_sha256) return {Code::kBadData, path + ": expected sha256 " + expected_sha256 + ", found " + found};
  SafetensorsReader reader;
  if (Status s = reader.Open(path); !s.ok()) return s;
  std::vector<float> memory;
  for (Parameter& parameter : decoder.parameters()) {
    std::span<float> into = parameter.data;
    if (parameter.stored != nullptr) {
      memory.resize(static_cast<size_t>(parameter.stored->rows() * parameter.stored->columns()));
      into = memory;
    }
    if (Status s = reader.Read(parameter.name, parameter.shape, into); !s.ok()) return s;
    if (parameter.stored == nullptr) continue;
    if (Status s = parameter.stored->Keep(into); !s.ok()) return s;
  }
  return Status::Ok();
}

bool StaysInside(const std::string& path) {
  return !path.empty() && path.front() != '/' && path.find("..") == std::string::npos && path.find('\0') == std::string::npos;
}

Status LoadFromStage(const std::string& stage, Decoder& decoder) {
  const std::string path = stage + "/result.json";
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) {
    return s.code() == Code::kMissingInput ? Status(s.code(), s.sentence() + "; the stage that this one starts from is not done") : s;
  }
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  JsonFields result(document, path, "", Code::kBadData);
  result.OneOf("format", {"lethe-result/1"});
  JsonFields weights = result.Object("weights");
  const std::string file = weights.Text("path");
  const std::string sha256 = weights.Digest("sha256");
  if (!StaysInside(file)) weights.Fail("path", "a path inside the stage's folder", "another");
  result.Adopt(weights.FirstError());
  if (Status s = result.FirstError(); !s.ok()) return s;
  return LoadTensors(stage + "/" + file, sha256, decoder);
}

Status LoadModel(const std::string& folder, const std::string& digest, Decoder& decoder, ThreadPool* pool, WeightsForm* form) {
  std::unique_ptr<ModelWeights> weights;
  if (Status s = OpenModelFolder(folder, digest, &weights); !s.ok()) return s;
  if (Status s = CheckSameModel(decoder.spec(), weights->spec(), folder); !s.ok()) return s;
  *form = weights->form();
  return LoadModelWeights(*weights, decoder, pool);
}

}  // namespace

Status LoadStart(const StorePaths& store, const StageStart& start, Decoder& decoder, ThreadPool* pool, WeightsForm* form) {
  switch (start.kind) {
    case StartKind::kRandom:
      return decoder.Initialize(start.seed);
    case StartKind::kStage:
      return LoadFromStage(store.other_stage(start.key), decoder);
    case StartKind::kWeights:
      return LoadModel(store.model(start.digest), start.digest, decoder, pool, form);
  }
  return {Code::kInternal, "unknown kind of start"};
}

}  // namespace lethe
