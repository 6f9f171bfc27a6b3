#include "weights/gguf_keys.h"

#include "weights/model_weights.h"

namespace lethe {

const GgufValue* GgufKeys::Find(const std::string& name) const {
  const auto found = file_.keys().find(name);
  return found == file_.keys().end() ? nullptr : &found->second;
}

int GgufKeys::Integer(const std::string& name, int64_t least, int64_t most) {
  const auto* value = std::get_if<int64_t>(Find(name));
  if (value != nullptr && *value >= least && *value <= most) return static_cast<int>(*value);
  Fail(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<int>(least);
}

float GgufKeys::Number(const std::string& name, double least, double most) {
  const auto* value = std::get_if<double>(Find(name));
  if (value != nullptr && *value >= least && *value <= most) return static_cast<float>(*value);
  Fail(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<float>(least);
}

void GgufKeys::TextIs(const std::string& name, const std::string& only) {
  if (!HasText(name, only)) Fail(name, "\"" + only + "\"");
}

bool GgufKeys::HasText(const std::string& name, const std::string& text) const {
  const auto* value = std::get_if<std::string>(Find(name));
  return value != nullptr && *value == text;
}

void GgufKeys::Fail(const std::string& name, const std::string& expected) {
  if (status_.ok()) status_ = {Code::kBadData, file_.path() + ": expected the key " + name + " to be " + expected + ", found " + Text(name)};
}

std::string GgufKeys::Text(const std::string& name) const {
  const GgufValue* found = Find(name);
  if (found == nullptr) return "no such key";
  if (const auto* value = std::get_if<int64_t>(found)) return std::to_string(*value);
  if (const auto* value = std::get_if<double>(found)) return std::to_string(*value);
  if (const auto* value = std::get_if<bool>(found)) return *value ? "true" : "false";
  if (const auto* value = std::get_if<std::string>(found)) return TensorText(*value).substr(7);
  return "an array";
}

}  // namespace lethe
