#include "stage/json_fields.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "files/sha256.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

const Json& EmptyObject() {
  static const Json empty = Json::object();
  return empty;
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

}  // namespace

std::string ShortText(const Json& value) {
  if (value.is_structured()) return value.is_object() ? "an object" : "an array";  // not dumped: it may be nested without end
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

JsonFields::JsonFields(const Json& value, std::string file, std::string where, Code code)
    : value_(&value), file_(std::move(file)), where_(std::move(where)), code_(code) {
  if (!value.is_object()) {
    status_ = Status(code_, file_ + ": expected " + (where_.empty() ? std::string("a JSON object") : where_ + " to be a JSON object") + ", found " + ShortText(value));
    value_ = &EmptyObject();
  }
}

bool JsonFields::Has(const std::string& name) const { return value_->contains(name); }

void JsonFields::Fail(const std::string& name, const std::string& expected, const std::string& found) {
  if (!status_.ok()) return;
  status_ = Status(code_, file_ + ": expected " + (where_.empty() ? name : where_ + "." + name) + " to be " + expected + ", found " + found);
}

void JsonFields::Adopt(const Status& status) {
  if (status_.ok()) status_ = status;
}

const Json* JsonFields::Take(const std::string& name, const std::string& expected) {
  taken_.insert(name);
  const auto found = value_->find(name);
  if (found != value_->end()) return &*found;
  Fail(name, expected, "no such field");
  return nullptr;
}

int64_t JsonFields::Integer(const std::string& name, int64_t least, int64_t most) {
  const std::string expected = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  const Json* value = Take(name, expected);
  if (value == nullptr) return least;
  const bool fits = value->is_number_integer() && !(value->is_number_unsigned() && value->get<uint64_t>() > uint64_t{INT64_MAX});
  if (fits && value->get<int64_t>() >= least && value->get<int64_t>() <= most) return value->get<int64_t>();
  Fail(name, expected, ShortText(*value));
  return least;
}

double JsonFields::Number(const std::string& name, double least, double most) {
  const std::string expected = "a number from " + NumberText(least) + " to " + NumberText(most);
  const Json* value = Take(name, expected);
  if (value == nullptr) return least;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) return value->get<double>();
  Fail(name, expected, ShortText(*value));
  return least;
}

bool JsonFields::Boolean(const std::string& name) {
  const Json* value = Take(name, "true or false");
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  Fail(name, "true or false", ShortText(*value));
  return false;
}

std::string JsonFields::Text(const std::string& name) {
  const Json* value = Take(name, "text");
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  Fail(name, "text", ShortText(*value));
  return {};
}

std::string JsonFields::OneOf(const std::string& name, std::initializer_list<const char*> choices) {
  std::string expected = choices.size() > 1 ? "one of" : "";
  for (const char* choice : choices) expected += (expected.empty() ? "\"" : " \"") + std::string(choice) + "\"";
  const Json* value = Take(name, expected);
  if (value == nullptr) return {};
  for (const char* choice : choices) {
    if (value->is_string() && value->get_ref<const std::string&>() == choice) return choice;
  }
  Fail(name, expected, ShortText(*value));
  return {};
}

std::string JsonFields::Digest(const std::string& name) {
  const std::string expected = "a sha256 in lower-case hex";
  const Json* value = Take(name, expected);
  if (value == nullptr) return {};
  if (value->is_string() && IsSha256(value->get_ref<const std::string&>())) return value->get<std::string>();
  Fail(name, expected, ShortText(*value));
  return {};
}

JsonFields JsonFields::Object(const std::string& name) {
  const Json* value = Take(name, "a JSON object");
  return {value == nullptr ? EmptyObject() : *value, file_, where_.empty() ? name : where_ + "." + name, code_};
}

const Json* JsonFields::Array(const std::string& name) {
  const Json* value = Take(name, "an array");
  if (value == nullptr || value->is_array()) return value;
  Fail(name, "an array", ShortText(*value));
  return nullptr;
}

void JsonFields::Ignore(const std::string& name) { Take(name, "there"); }

Status JsonFields::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& [name, value] : value_->items()) {
    if (taken_.contains(name)) continue;
    const std::string shown = ShortText(Json(name));
    return {code_, file_ + ": unknown field " + shown + (where_.empty() ? "" : " in " + where_) + "; this trainer does not know it, so it will not guess"};
  }
  return Status::Ok();
}

}  // namespace lethe
