#include "weights/safetensors_header.h"

#include <nlohmann/json.hpp>

namespace lethe {
namespace {

using Json = nlohmann::json;

Status Bad(const std::string& path, const std::string& what) { return {Code::kBadData, "bad safetensors file " + path + ": " + what}; }

bool ReadUnsigned(const Json& value, uint64_t* out) {
  if (!value.is_number_unsigned()) return false;
  *out = value.get<uint64_t>();
  return true;
}

uint64_t ElementBytes(TensorType type) { return type == TensorType::kF32 ? 4 : 2; }

Status ParseEntry(const std::string& name, const Json& value, uint64_t data_bytes, const std::string& path, TensorEntry* entry) {
  const std::string where = "tensor " + Json(name).dump(-1, ' ', true, Json::error_handler_t::replace);
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets")) {
    return Bad(path, where + " must have dtype, shape and data_offsets");
  }
  const Json& dtype = value["dtype"];
  const Json& shape = value["shape"];
  const Json& offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2) {
    return Bad(path, where + ": expected dtype as text, shape as numbers, data_offsets as two numbers");
  }
  entry->type_name = dtype.get<std::string>();
  if (entry->type_name == "F32") entry->type = TensorType::kF32;
  if (entry->type_name == "F16") entry->type = TensorType::kF16;
  if (entry->type_name == "BF16") entry->type = TensorType::kBf16;

  entry->elements = 1;
  for (const Json& size : shape) {
    uint64_t extent = 0;
    if (!ReadUnsigned(size, &extent) || extent > uint64_t{1} << 40) return Bad(path, where + ": a shape holds sizes from 0 to 2^40");
    entry->shape.push_back(static_cast<int64_t>(extent));
    if (__builtin_mul_overflow(entry->elements, extent, &entry->elements) || entry->elements > uint64_t{1} << 60) {
      return Bad(path, where + " is too large");
    }
  }
  if (!ReadUnsigned(offsets[0], &entry->begin) || !ReadUnsigned(offsets[1], &entry->end) || entry->begin > entry->end || entry->end > data_bytes) {
    return Bad(path, where + ": data_offsets must be a range inside the " + std::to_string(data_bytes) + " bytes of data");
  }
  if (entry->type != TensorType::kOther && entry->end - entry->begin != entry->elements * ElementBytes(entry->type)) {
    return Bad(path, where + ": expected " + std::to_string(entry->elements * ElementBytes(entry->type)) + " bytes for " + entry->type_name + " " +
                         ShapeText(entry->shape) + ", data_offsets hold " + std::to_string(entry->end - entry->begin));
  }
  return Status::Ok();
}

}  // namespace

Status ParseTensorTable(std::string_view json, uint64_t data_bytes, const std::string& path, TensorTable* table) {
  const Json header = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Bad(path, "its header is not a JSON object");
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    TensorEntry entry;
    if (Status s = ParseEntry(name, value, data_bytes, path, &entry); !s.ok()) return s;
    table->emplace(name, std::move(entry));
  }
  return Status::Ok();
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace lethe
