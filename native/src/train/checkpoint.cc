#include "train/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "files/file.h"
#include "files/sha256.h"
#include "stage/json_fields.h"
#include "stage/store_paths.h"
#include "weights/safetensors_reader.h"
#include "weights/safetensors_writer.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

constexpr char kModel[] = "model.safetensors";
constexpr char kOptimizer[] = "optimizer.safetensors";
constexpr char kAdapterConfig[] = "adapter_config.json";

std::vector<TensorView> ModelTensors(std::span<const Parameter> parameters) {
  std::vector<TensorView> tensors;
  for (const Parameter& parameter : parameters) tensors.push_back({parameter.name, parameter.shape, parameter.data});
  return tensors;
}

// What PEFT needs to put our adapters onto a model of Transformers.
std::string AdapterConfig(const Tuning& tuning) {
  const bool conv1d = std::any_of(tuning.targets.begin(), tuning.targets.end(), [](const std::string& target) { return target.find("c_") != std::string::npos; });
  nlohmann::ordered_json config = {{"peft_type", "LORA"},
                                   {"task_type", "CAUSAL_LM"},
                                   {"base_model_name_or_path", nullptr},
                                   {"r", tuning.rank},
                                   {"lora_alpha", tuning.alpha},
                                   {"lora_dropout", tuning.dropout},
                                   {"target_modules", tuning.targets},
                                   {"fan_in_fan_out", conv1d},  // GPT-2's matrices are [in, out]
                                   {"bias", "none"},
                                   {"use_rslora", false},
                                   {"use_dora", false},
                                   {"inference_mode", true}};
  return config.dump(2) + "\n";
}

// `expected` is the manifest's entry of a file.
Status VerifyFile(const std::string& path, const char* name, JsonFields& files) {
  JsonFields file = files.Object(name);
  const std::string expected = file.Digest("sha256");
  files.Adopt(file.FirstError());
  if (Status s = files.FirstError(); !s.ok()) return s;
  std::string found;
  uint64_t bytes = 0;
  if (Status s = HashFile(path + "/" + name, &found, &bytes); !s.ok()) return s;
  if (found != expected) return {Code::kBadData, path + "/" + name + ": expected sha256 " + expected + " (manifest.json), found " + found};
  return Status::Ok();
}

std::vector<TensorView> OptimizerTensors(std::span<const Parameter> parameters, AdamW& optimizer) {
  std::vector<TensorView> tensors;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (optimizer.first_moment(i).empty()) continue;  // frozen
    tensors.push_back({"m." + parameters[i].name, parameters[i].shape, optimizer.first_moment(i)});
    tensors.push_back({"v." + parameters[i].name, parameters[i].shape, optimizer.second_moment(i)});
  }
  return tensors;
}

Status WriteFiles(const std::string& folder, int64_t step, const CheckpointForm& form, std::span<Parameter> trained, AdamW& optimizer, Decoder* merged) {
  nlohmann::ordered_json manifest = {{"step", step}};
  const auto note = [&](const std::string& name, const WrittenFile& written) { manifest["files"][name] = {{"sha256", written.sha256}, {"bytes", written.bytes}}; };
  WrittenFile written;
  if (Status s = WriteSafetensors(folder + "/" + form.weights(), ModelTensors(trained), &written); !s.ok()) return s;
  note(form.weights(), written);
  if (!form.whole() && merged != nullptr) {
    std::vector<float> memory;
    if (Status s = WriteSafetensors(folder + "/" + kModel, ModelTensors(merged->parameters()), [&](size_t i, size_t from) { return merged->MergedPiece(i, from, &memory); }, &written); !s.ok()) return s;
    note(kModel, written);
  }
  if (!form.adapter_config().empty()) {
    if (Status s = WriteFileDurably(folder + "/" + kAdapterConfig, form.adapter_config()); !s.ok()) return s;
    note(kAdapterConfig, {Sha256Hex(form.adapter_config()), form.adapter_config().size()});
  }
  if (Status s = WriteSafetensors(folder + "/" + kOptimizer, OptimizerTensors(trained, optimizer), &written); !s.ok()) return s;
  note(kOptimizer, written);
  return WriteFileDurably(folder + "/manifest.json", manifest.dump() + "\n");  // syncs the folder too
}

}  // namespace

CheckpointForm::CheckpointForm(const Tuning& tuning) : whole_(tuning.kind == TuningKind::kFull) {
  const bool adapters = tuning.kind == TuningKind::kLora;
  weights_ = whole_ ? kModel : adapters ? "adapter_model.safetensors" : "trained.safetensors";
  if (adapters) adapter_config_ = AdapterConfig(tuning);
}

Status WriteCheckpoint(const std::string& folder, int64_t step, const CheckpointForm& form, std::span<Parameter> trained, AdamW& optimizer, Decoder* merged) {
  const std::string path = folder + "/" + StepName(step);
  const std::string temporary = folder + "/.tmp-" + StepName(step);
  RemoveTree(temporary);
  Status status;
  if (::mkdir(temporary.c_str(), 0755) != 0) return ErrnoStatus("create folder", temporary, errno);
  status = WriteFiles(temporary, step, form, trained, optimizer, merged);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoStatus("rename to", path, errno);
  if (!status.ok()) {
    RemoveTree(temporary);  // gives the disk back what a full one needs
    return status;
  }
  return SyncDirectory(folder);
}

Status VerifyCheckpoint(const std::string& path, int64_t step, const CheckpointForm& form) {
  const std::string manifest_path = path + "/manifest.json";
  std::string text;
  if (Status s = ReadWholeFile(manifest_path, &text); !s.ok()) return s;
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  JsonFields manifest(document, manifest_path, "", Code::kBadData);
  const int64_t manifest_step = manifest.Integer("step", step, step);
  JsonFields files = manifest.Object("files");
  manifest.Adopt(files.FirstError());
  if (!manifest.FirstError().ok() || manifest_step != step) return manifest.FirstError();
  std::vector<const char*> names = {form.weights().c_str(), kOptimizer};
  if (!form.adapter_config().empty()) names.push_back(kAdapterConfig);
  if (!form.whole() && files.Has(kModel)) names.push_back(kModel);  // the last one of a stage
  for (const char* name : names) {
    if (Status s = VerifyFile(path, name, files); !s.ok()) return s;
  }
  return Status::Ok();
}

Status LoadWeights(const std::string& path, const CheckpointForm& form, std::span<Parameter> trained) {
  SafetensorsReader reader;
  if (Status s = reader.Open(path + "/" + form.weights()); !s.ok()) return s;
  for (Parameter& parameter : trained) {
    if (Status s = reader.Read(parameter.name, parameter.shape, parameter.data); !s.ok()) return s;
  }
  return Status::Ok();
}

Status LoadMoments(const std::string& path, std::span<Parameter> parameters, AdamW& optimizer) {
  SafetensorsReader reader;
  if (Status s = reader.Open(path + "/" + kOptimizer); !s.ok()) return s;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (optimizer.first_moment(i).empty()) continue;
    if (Status s = reader.Read("m." + parameters[i].name, parameters[i].shape, optimizer.first_moment(i)); !s.ok()) return s;
    if (Status s = reader.Read("v." + parameters[i].name, parameters[i].shape, optimizer.second_moment(i)); !s.ok()) return s;
  }
  return Status::Ok();
}

void PruneCheckpoints(const std::string& folder, size_t keep) {
  std::vector<int64_t> steps;
  for (const std::string& name : ListDirectory(folder)) {
    if (const int64_t step = StepOfName(name); step >= 0) steps.push_back(step);
  }
  std::sort(steps.rbegin(), steps.rend());
  for (size_t i = keep; i < steps.size(); ++i) {
    const std::string path = folder + "/" + StepName(steps[i]);
    std::remove((path + "/manifest.json").c_str());  // first: without it nobody takes the rest for a checkpoint
    RemoveTree(path);
  }
}

}  // namespace lethe
