#include "train/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "files/file.h"
#include "stage/json_fields.h"
#include "stage/store_paths.h"
#include "weights/safetensors_reader.h"
#include "weights/safetensors_writer.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

constexpr char kModel[] = "model.safetensors";
constexpr char kOptimizer[] = "optimizer.safetensors";

std::vector<TensorView> ModelTensors(std::span<const Parameter> parameters) {
  std::vector<TensorView> tensors;
  for (const Parameter& parameter : parameters) tensors.push_back({parameter.name, parameter.shape, parameter.data});
  return tensors;
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

Status WriteFiles(const std::string& folder, int64_t step, std::span<Parameter> parameters, AdamW& optimizer) {
  WrittenFile model, moments;
  if (Status s = WriteSafetensors(folder + "/" + kModel, ModelTensors(parameters), &model); !s.ok()) return s;
  if (Status s = WriteSafetensors(folder + "/" + kOptimizer, OptimizerTensors(parameters, optimizer), &moments); !s.ok()) return s;
  nlohmann::ordered_json manifest = {{"step", step}};
  manifest["files"][kModel] = {{"sha256", model.sha256}, {"bytes", model.bytes}};
  manifest["files"][kOptimizer] = {{"sha256", moments.sha256}, {"bytes", moments.bytes}};
  return WriteFileDurably(folder + "/manifest.json", manifest.dump() + "\n");  // syncs the folder too
}

}  // namespace

Status WriteCheckpoint(const std::string& folder, int64_t step, std::span<Parameter> parameters, AdamW& optimizer) {
  const std::string path = folder + "/" + StepName(step);
  const std::string temporary = folder + "/.tmp-" + StepName(step);
  RemoveTree(temporary);
  Status status;
  if (::mkdir(temporary.c_str(), 0755) != 0) return ErrnoStatus("create folder", temporary, errno);
  status = WriteFiles(temporary, step, parameters, optimizer);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoStatus("rename to", path, errno);
  if (!status.ok()) {
    RemoveTree(temporary);  // gives the disk back what a full one needs
    return status;
  }
  return SyncDirectory(folder);
}

Status VerifyCheckpoint(const std::string& path, int64_t step) {
  const std::string manifest_path = path + "/manifest.json";
  std::string text;
  if (Status s = ReadWholeFile(manifest_path, &text); !s.ok()) return s;
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  JsonFields manifest(document, manifest_path, "", Code::kBadData);
  const int64_t manifest_step = manifest.Integer("step", step, step);
  JsonFields files = manifest.Object("files");
  manifest.Adopt(files.FirstError());
  if (!manifest.FirstError().ok() || manifest_step != step) return manifest.FirstError();
  for (const char* name : {kModel, kOptimizer}) {
    JsonFields file = files.Object(name);
    const std::string expected = file.Digest("sha256");
    files.Adopt(file.FirstError());
    if (Status s = files.FirstError(); !s.ok()) return s;
    std::string found;
    uint64_t bytes = 0;
    if (Status s = HashFile(path + "/" + name, &found, &bytes); !s.ok()) return s;
    if (found != expected) return {Code::kBadData, path + "/" + name + ": expected sha256 " + expected + " (manifest.json), found " + found};
  }
  return Status::Ok();
}

Status LoadWeights(const std::string& path, std::span<Parameter> parameters) {
  SafetensorsReader reader;
  if (Status s = reader.Open(path + "/" + kModel); !s.ok()) return s;
  for (Parameter& parameter : parameters) {
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
