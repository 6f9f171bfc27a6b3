#include "weights/model_folder.h"

#include <map>
#include <nlohmann/json.hpp>

#include "files/file.h"
#include "files/sha256.h"
#include "stage/json_fields.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

constexpr char kManifest[] = "/manifest.json";

struct ListedFile {
  std::string sha256;
  int64_t bytes = 0;
};

// The files that decide what the model computes; a tokenizer beside them does not.
bool Decides(const std::string& name) {
  return name == "config.json" || name == "model.safetensors.index.json" || name.ends_with(".safetensors") || name.ends_with(".gguf");
}

bool IsPlain(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
}

Status ReadManifest(const std::string& path, std::string* digest, std::map<std::string, ListedFile>* deciding) {
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) return s;
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  JsonFields fields(document, path, "", Code::kBadData);
  fields.OneOf("format", {"lethe-model/1"});
  *digest = fields.Digest("digest");
  JsonFields files = fields.Object("files");
  if (Status s = fields.FirstError(); !s.ok()) return s;
  for (const auto& [name, value] : document["files"].items()) {
    if (!Decides(name)) continue;
    if (!IsPlain(name)) files.Fail(ShortText(Json(name)), "the name of a file of this folder in plain letters", "another");
    JsonFields file = files.Object(name);
    (*deciding)[name] = {.sha256 = file.Digest("sha256"), .bytes = file.Integer("bytes", 0, int64_t{1} << 50)};
    files.Adopt(file.FirstError());
  }
  return files.FirstError();
}

// sha256 of the canonical JSON of {name: {bytes, sha256}}: keys sorted, no white space.
std::string DigestOf(const std::map<std::string, ListedFile>& files) {
  Json list = Json::object();
  for (const auto& [name, file] : files) list[name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  return Sha256Hex(list.dump());
}

Status OpenListed(const std::string& folder, const std::map<std::string, ListedFile>& deciding, std::unique_ptr<ModelWeights>* out) {
  for (const auto& [name, listed] : deciding) {
    const std::string path = folder + "/" + name;
    File file;
    uint64_t bytes = 0;
    if (Status s = OpenForReading(path, &file, &bytes); !s.ok()) return s;
    if (bytes == static_cast<uint64_t>(listed.bytes)) continue;
    return {Code::kBadData, path + ": expected " + std::to_string(listed.bytes) + " bytes (manifest.json), found " + std::to_string(bytes) +
                                "; add the model again (lethe model add)"};
  }
  std::unique_ptr<ModelWeights> weights;
  if (Status s = OpenModelWeights(folder, &weights); !s.ok()) return s;
  for (const std::string& name : weights->form().files) {
    if (deciding.contains(name)) continue;
    return {Code::kBadData, folder + kManifest + ": expected its files to list " + name + ", which the model is read from; add the model again (lethe model add)"};
  }
  *out = std::move(weights);
  return Status::Ok();
}

}  // namespace

Status OpenModelFolder(const std::string& folder, const std::string& digest, std::unique_ptr<ModelWeights>* out) {
  const std::string path = folder + kManifest;
  std::string stated;
  std::map<std::string, ListedFile> deciding;
  if (Status s = ReadManifest(path, &stated, &deciding); !s.ok()) {
    return s.code() == Code::kMissingInput ? Status(s.code(), s.sentence() + "; add the model to this store (lethe model add)") : s;
  }
  if (stated != digest) return {Code::kBadData, path + ": expected the model of digest " + digest + ", found that of " + stated};
  if (const std::string found = DigestOf(deciding); found != digest) {
    return {Code::kBadData, path + ": expected files whose digest is " + digest + ", found files of digest " + found + "; add the model again (lethe model add)"};
  }
  return OpenListed(folder, deciding, out);
}

Status OpenModel(const std::string& path, std::unique_ptr<ModelWeights>* out) {
  const std::string manifest = path + kManifest;
  if (!Exists(manifest)) return OpenModelWeights(path, out);
  std::string digest;
  std::map<std::string, ListedFile> deciding;
  if (Status s = ReadManifest(manifest, &digest, &deciding); !s.ok()) return s;
  return OpenModelFolder(path, digest, out);
}

}  // namespace lethe
