#include "train/token_data.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>

#include "files/file.h"
#include "files/sha256.h"
#include "stage/json_fields.h"

namespace lethe {

using Json = nlohmann::json;

// Takes the events of one line's JSON: no tree is built, a dataset of 100,000 rows loads in well under a second.
class TokenRowParser : public nlohmann::json_sax<Json> {
 public:
  TokenRowParser(TokenData* data, TokenData::Row* row, int vocabulary) : data_(data), row_(row), vocabulary_(vocabulary) {}

  const std::string& error() const { return error_; }
  bool complete() const { return seen_ == 15; }

  bool start_object(std::size_t) override { return depth_++ == 0 || Unexpected(); }
  bool end_object() override { return true; }
  bool key(string_t& name) override {
    static constexpr const char* kNames[] = {"id", "class", "prompt", "response"};
    for (field_ = 0; field_ < 4 && name != kNames[field_]; ++field_) {
    }
    if (field_ == 4) return Say("expected the fields id, class, prompt and response, found another");
    if ((seen_ >> field_ & 1) != 0) return Say(std::string("found ") + kNames[field_] + " twice");
    if (field_ == kResponse && (seen_ >> kPrompt & 1) == 0) return Say("expected prompt before response");
    seen_ |= 1 << field_;
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ != 1 || (field_ != kId && field_ != kClass)) return Unexpected();
    if (field_ == kId) {
      row_->id = value;
      return !value.empty() || Say("expected an id, found an empty one");
    }
    if (value == "unsafe") row_->example_class = kUnsafe;
    else if (value == "safe") row_->example_class = kSafe;
    else if (value == "task") row_->example_class = kTask;
    else return Say("expected class unsafe, safe or task, found another");
    return true;
  }
  bool start_array(std::size_t) override { return (depth_++ == 1 && field_ >= kPrompt) || Unexpected(); }
  bool end_array() override {
    --depth_;
    const auto length = static_cast<int>(data_->tokens_.size() - row_->begin);
    if (field_ == kPrompt) row_->prompt_length = length;
    row_->length = length;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 2) return Unexpected();
    if (value >= static_cast<uint64_t>(vocabulary_)) {
      return Say("expected token ids below the model's vocabulary of " + std::to_string(vocabulary_) + ", found " + std::to_string(value));
    }
    data_->tokens_.push_back(static_cast<int32_t>(value));
    return true;
  }
  bool number_integer(number_integer_t value) override {
    return depth_ == 2 ? Say("expected token ids from 0, found " + std::to_string(value)) : Unexpected();
  }
  bool number_float(number_float_t, const string_t&) override { return Unexpected(); }
  bool null() override { return Unexpected(); }
  bool boolean(bool) override { return Unexpected(); }
  bool binary(binary_t&) override { return Unexpected(); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    return Say("expected JSON, which breaks at byte " + std::to_string(position));
  }

 private:
  enum Field { kId, kClass, kPrompt, kResponse };

  bool Say(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return false;
  }
  bool Unexpected() { return Say("expected {id, class, prompt: [token ids], response: [token ids]}"); }

  TokenData* data_;
  TokenData::Row* row_;
  int vocabulary_;
  int depth_ = 0;
  int field_ = 0;
  int seen_ = 0;
  std::string error_;
};

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

std::string Quoted(const std::string& text) { return Json(text).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace); }

}  // namespace

Sequence TokenData::sequence(int64_t index) const {
  const Row& row = rows_[static_cast<size_t>(index)];
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
  data->tokens_.reserve(text.size() / 4);
  std::unordered_set<std::string> ids;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    Row& row = data->rows_.emplace_back();
    row.begin = data->tokens_.size();
    TokenRowParser parser(data, &row, model.vocabulary);
    const bool parsed = Json::sax_parse(text.data() + at, text.data() + end, &parser);
    std::string error = parser.error();
    if (error.empty() && (!parsed || !parser.complete())) error = "expected the fields id, class, prompt and response";
    if (error.empty() && row.prompt_length < 1) error = "expected a prompt of at least one token, found none";
    if (error.empty() && row.length == row.prompt_length) error = "expected a response, found an empty one";
    if (error.empty() && row.length > model.context) {
      error = "expected prompt and response of at most " + std::to_string(model.context) + " tokens (the model's context), found " + std::to_string(row.length);
    }
    if (error.empty() && data->tokens_.back() != data->end_token_) {
      error = "expected the response to end with the end token " + std::to_string(data->end_token_) + ", found " + std::to_string(data->tokens_.back());
    }
    if (error.empty() && !ids.insert(row.id).second) error = "expected ids that differ, found this one again";
    if (!error.empty()) {
      return {Code::kBadData, path + " row " + std::to_string(data->rows()) + (row.id.empty() ? "" : " (id " + Quoted(row.id) + ")") + ": " + error};
    }
    at = end + 1;
  }
  if (data->rows() != manifest.rows) {
    return {Code::kBadData, path + ": expected " + std::to_string(manifest.rows) + " rows (manifest.json), found " + std::to_string(data->rows())};
  }
  return Status::Ok();
}

}  // namespace lethe
