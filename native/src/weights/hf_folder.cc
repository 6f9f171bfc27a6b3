#include "weights/hf_folder.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "files/file.h"
#include "weights/hf_config.h"
#include "weights/safetensors_reader.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

constexpr char kConfig[] = "config.json", kWhole[] = "model.safetensors", kIndex[] = "model.safetensors.index.json";
constexpr size_t kMostShards = 1024;  // each holds a file open

// What files carry without need: masks and frequencies that follow from the config, and, where the head is tied, its copy.
bool IsImplied(const std::string& name, const ModelSpec& spec) {
  if (spec.tied_head && name == "lm_head.weight") return true;
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") || name.ends_with(".rotary_emb.inv_freq");
}

Status CheckOverlaps(const TensorTable& tensors, const std::string& path) {
  std::vector<std::pair<uint64_t, const TensorTable::value_type*>> ranges;
  for (const auto& tensor : tensors) {
    if (tensor.second.begin < tensor.second.end) ranges.emplace_back(tensor.second.begin, &tensor);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first >= ranges[i - 1].second->second.end) continue;
    return {Code::kBadData, "bad safetensors file " + path + ": " + TensorText(ranges[i - 1].second->first) + " and " + TensorText(ranges[i].second->first) + " share bytes"};
  }
  return Status::Ok();
}

class HfFolder final : public ModelWeights {
 public:
  explicit HfFolder(std::string folder) : folder_(std::move(folder)) {}

  Status Open();
  const ModelSpec& spec() const override { return spec_; }
  WeightsForm form() const override;

  Status Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const override {
    const auto found = tensors_.find(NameInFile(name));
    if (found == tensors_.end()) return Missing(name);
    return found->second->Read(found->first, shape, into);
  }

  Status FormatOf(const std::string& name, const std::vector<int64_t>&, const BlockFormat** format) const override {
    const auto found = tensors_.find(NameInFile(name));
    if (found == tensors_.end()) return Missing(name);
    const TensorType type = found->second->tensors().at(found->first).type;  // one of these: CheckTensors
    *format = FindBlockFormat(type == TensorType::kBf16 ? kFormatBf16 : type == TensorType::kF16 ? kFormatF16 : kFormatF32);
    return Status::Ok();
  }

  Status ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const override {
    const auto found = tensors_.find(NameInFile(name));
    if (found == tensors_.end()) return Missing(name);
    return found->second->ReadBytes(found->first, shape, into);
  }

 private:
  Status OpenShard(const std::string& file);
  Status OpenIndex(const std::string& path);
  Status CheckTensors() const;
  Status Missing(const std::string& name) const { return {Code::kBadData, "expected " + TensorText(name) + " in " + folder_ + ", which does not have it"}; }

  std::string NameInFile(const std::string& name) const {
    if (tensors_.contains(name)) return name;
    const std::string prefix = spec_.family == Family::kLlama ? "model." : "transformer.";
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  }

  std::string folder_;
  bool sharded_ = false;
  ModelSpec spec_;
  std::map<std::string, std::unique_ptr<SafetensorsReader>> shards_;   // by file name
  std::map<std::string, const SafetensorsReader*> tensors_;
};

Status HfFolder::OpenShard(const std::string& file) {
  auto reader = std::make_unique<SafetensorsReader>();
  if (Status s = reader->Open(folder_ + "/" + file); !s.ok()) return s;
  if (Status s = CheckOverlaps(reader->tensors(), folder_ + "/" + file); !s.ok()) return s;
  for (const auto& [name, entry] : reader->tensors()) {
    if (!tensors_.emplace(name, reader.get()).second) return {Code::kBadData, "expected " + TensorText(name) + " once in " + folder_ + ", found it again in " + file};
  }
  shards_.emplace(file, std::move(reader));
  return Status::Ok();
}

Status HfFolder::OpenIndex(const std::string& path) {
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) return s;
  const Json index = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object()) return {Code::kBadData, path + ": expected a JSON object with weight_map"};
  std::set<std::string> files;
  for (const auto& [name, file] : map->items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : "";
    const bool plain = shard.ends_with(".safetensors") && shard.front() != '.' && shard.find('/') == std::string::npos && shard.find('\0') == std::string::npos;
    if (!plain) return {Code::kBadData, path + ": expected the name of a .safetensors file of this folder for " + TensorText(name) + ", found " + TensorText(shard).substr(7)};
    files.insert(shard);
  }
  if (files.size() > kMostShards) return {Code::kBadData, path + ": expected at most " + std::to_string(kMostShards) + " files, found " + std::to_string(files.size())};
  for (const std::string& file : files) {
    if (Status s = OpenShard(file); !s.ok()) return s;
  }
  for (const auto& [name, file] : map->items()) {
    const auto found = tensors_.find(name);
    if (found != tensors_.end() && found->second == shards_.at(file.get<std::string>()).get()) continue;
    return {Code::kBadData, "expected " + TensorText(name) + " in " + folder_ + "/" + file.get<std::string>() + ", as the index says; it is not there"};
  }
  return Status::Ok();
}

Status HfFolder::CheckTensors() const {
  std::set<std::string> expected;
  for (const ExpectedTensor& tensor : ExpectedTensors(spec_)) {
    const std::string name = NameInFile(tensor.name);
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return Missing(tensor.name);
    const TensorEntry& entry = found->second->tensors().at(name);
    if (entry.shape != tensor.shape) {
      return {Code::kBadData, "expected " + TensorText(name) + " of shape " + ShapeText(tensor.shape) + " in " + folder_ + ", found " + ShapeText(entry.shape)};
    }
    if (entry.type == TensorType::kOther) {
      return {Code::kBadData, "expected " + TensorText(name) + " in " + folder_ + " as F32, F16 or BF16, found " + entry.type_name.substr(0, 20)};
    }
    expected.insert(name);
  }
  for (const auto& [name, shard] : tensors_) {
    if (expected.contains(name) || IsImplied(name, spec_)) continue;
    return {Code::kBadData, "expected no " + TensorText(name) + " in " + folder_ + ": the model of its config.json has none, so what it does cannot be computed here"};
  }
  return Status::Ok();
}

WeightsForm HfFolder::form() const {
  WeightsForm form{.container = "safetensors", .formats = {}, .files = {kConfig}};
  if (sharded_) form.files.push_back(kIndex);
  for (const auto& [name, reader] : shards_) {
    form.files.push_back(name);
    for (const auto& [tensor, entry] : reader->tensors()) ++form.formats[entry.type_name];
  }
  return form;
}

Status HfFolder::Open() {
  std::string config;
  const std::string config_path = folder_ + "/" + kConfig, index = folder_ + "/" + kIndex;
  if (Status s = ReadWholeFile(config_path, &config); !s.ok()) return s;
  if (Status s = ParseHfConfig(config, config_path, &spec_); !s.ok()) return s;
  sharded_ = !Exists(folder_ + "/" + kWhole) && Exists(index);
  for (const char* pickled : {"/pytorch_model.bin", "/pytorch_model.bin.index.json"}) {
    if (sharded_ || Exists(folder_ + "/" + kWhole) || !Exists(folder_ + pickled)) continue;
    return {Code::kMissingInput, "expected safetensors in " + folder_ + ", found " + (pickled + 1) + " only, which may hold programs and is not read; save the model as safetensors"};
  }
  if (Status s = sharded_ ? OpenIndex(index) : OpenShard(kWhole); !s.ok()) return s;
  return CheckTensors();
}

}  // namespace

Status OpenHfFolder(const std::string& folder, std::unique_ptr<ModelWeights>* out) {
  auto weights = std::make_unique<HfFolder>(folder);
  if (Status s = weights->Open(); !s.ok()) return s;
  *out = std::move(weights);
  return Status::Ok();
}

}  // namespace lethe
