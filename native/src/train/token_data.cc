#include "train/token_data.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>

#include "files/file.h"
#include "files/sha256.h"
#include "stage/json_fields.h"

namespace lethe {

using Json = nlohmann::json;

namespace {

struct Manifest {
  int64_t rows = 0;
  int64_t vocabulary = 0;
  int64_t end_token = 0;
  std::string tokens_sha256;
};

Status ReadManifest(const std::string& path, const std::string& digest, Manifest* manifest) {
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) return s;
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  JsonFields fields(document, path, "", Code::kBadData);
  fields.OneOf("format", {"lethe-data/1"});
  fields.OneOf("digest", {digest.c_str()});
  manifest->rows = fields.Integer("rows", 1, int64_t{1} << 31);
  manifest->vocabulary = fields.Integer("vocabulary", 1, 1 << 24);
  manifest->end_token = fields.Integer("endToken", 0, manifest->vocabulary - 1);
  JsonFields files = fields.Object("files");
  JsonFields tokens = files.Object("tokens.jsonl");
  manifest->tokens_sha256 = tokens.Digest("sha256");
  fields.Adopt(tokens.FirstError());
  fields.Adopt(files.FirstError());
  return fields.FirstError();
}

// Rows count from 1.
Status RowError(const std::string& path, int64_t index, const std::string& id, const std::string& error) {
  const std::string quoted = Json(id).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return {Code::kBadData, path + " row " + std::to_string(index + 1) + (id.empty() ? "" : " (id " + quoted + ")") + ": " + error};
}

}  // namespace

Sequence TokenData::sequence(int64_t index) const {
  const TokenRow& row = rows_[static_cast<size_t>(index)];
  return {{tokens_.data() + row.begin, static_cast<size_t>(row.length)}, row.prompt_length};
}

Status TokenData::Load(const std::string& folder, const std::string& digest, const ModelSpec& model, TokenData* data) {
  Manifest manifest;
  if (Status s = ReadManifest(folder + "/manifest.json", digest, &manifest); !s.ok()) return s;
  if (manifest.vocabulary > model.vocabulary) {
    return {Code::kBadData, folder + "/manifest.json: expected a vocabulary of at most " + std::to_string(model.vocabulary) + " (the model's), found " +
                                std::to_string(manifest.vocabulary)};
  }
  const std::string path = folder + "/tokens.jsonl";
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) return s;
  if (const std::string found = Sha256Hex(text); found != manifest.tokens_sha256) {
    return {Code::kBadData, path + ": expected sha256 " + manifest.tokens_sha256 + " (manifest.json), found " + found + "; remove the folder " + folder + " and build the data again"};
  }
  data->end_token_ = static_cast<int32_t>(manifest.end_token);
  if (Status s = data->ParseRows(text, path, {.example_class = true, .response = true}, model); !s.ok()) return s;
  for (const TokenRow& row : data->rows_) {
    const int32_t last = data->tokens_[row.begin + static_cast<size_t>(row.length) - 1];
    if (last == data->end_token_) continue;
    return RowError(path, &row - data->rows_.data(), row.id,
                    "expected the response to end with the end token " + std::to_string(data->end_token_) + ", found " + std::to_string(last));
  }
  if (data->rows() != manifest.rows) {
    return {Code::kBadData, path + ": expected " + std::to_string(manifest.rows) + " rows (manifest.json), found " + std::to_string(data->rows())};
  }
  return Status::Ok();
}

Status TokenData::LoadFile(const std::string& path, TokenRowNeeds needs, const ModelSpec& model, TokenData* data) {
  std::string text;
  if (Status s = ReadWholeFile(path, &text); !s.ok()) return s;
  if (Status s = data->ParseRows(text, path, needs, model); !s.ok()) return s;
  return data->rows() > 0 ? Status::Ok() : Status(Code::kBadData, path + ": expected a line of JSON for each item, found an empty file");
}

Status TokenData::ParseRows(std::string_view text, const std::string& path, TokenRowNeeds needs, const ModelSpec& model) {
  tokens_.reserve(text.size() / 4);
  std::unordered_set<std::string> ids;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    TokenRow row;
    std::string error = ParseTokenRow(text.substr(at, end - at), needs, model.vocabulary, &tokens_, &row);
    if (error.empty() && row.length > model.context) {
      error = "expected prompt and response of at most " + std::to_string(model.context) + " tokens (the model's context), found " + std::to_string(row.length);
    }
    if (error.empty() && !ids.insert(row.id).second) error = "expected ids that differ, found this one again";
    if (!error.empty()) return RowError(path, rows(), row.id, error);
    rows_.push_back(std::move(row));
    at = end + 1;
  }
  return Status::Ok();
}

}  // namespace lethe
