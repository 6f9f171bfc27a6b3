#include "weights/gguf_model.h"

#include <cstring>
#include <filesystem>
#include <set>

#include "weights/gguf_file.h"
#include "weights/gguf_keys.h"
#include "weights/gguf_rope.h"
#include "weights/safetensors_header.h"

namespace lethe {
namespace {

struct Rename {
  const char* ours;
  const char* file;
};

constexpr Rename kWhole[] = {{"model.embed_tokens.weight", "token_embd.weight"}, {"model.norm.weight", "output_norm.weight"}, {"lm_head.weight", "output.weight"}};
constexpr Rename kInBlock[] = {{"self_attn.q_proj.weight", "attn_q.weight"},      {"self_attn.k_proj.weight", "attn_k.weight"},
                               {"self_attn.v_proj.weight", "attn_v.weight"},      {"self_attn.o_proj.weight", "attn_output.weight"},
                               {"mlp.gate_proj.weight", "ffn_gate.weight"},       {"mlp.up_proj.weight", "ffn_up.weight"},
                               {"mlp.down_proj.weight", "ffn_down.weight"},       {"input_layernorm.weight", "attn_norm.weight"},
                               {"post_attention_layernorm.weight", "ffn_norm.weight"}};

// Empty when the file has no counterpart.
std::string NameInFile(const std::string& name) {
  for (const Rename& rename : kWhole) {
    if (name == rename.ours) return rename.file;
  }
  constexpr char kLayers[] = "model.layers.";
  const size_t number = sizeof(kLayers) - 1, dot = name.find('.', number);
  if (!name.starts_with(kLayers) || dot == std::string::npos) return {};
  for (const Rename& rename : kInBlock) {
    if (name.compare(dot + 1, std::string::npos, rename.ours) == 0) return "blk." + name.substr(number, dot - number) + "." + rename.file;
  }
  return {};
}

class GgufModel final : public ModelWeights {
 public:
  Status Open(const std::string& path) {
    if (Status s = file_.Open(path); !s.ok()) return s;
    if (Status s = ReadSpec(); !s.ok()) return s;
    return CheckTensors();
  }

  const ModelSpec& spec() const override { return spec_; }
  WeightsForm form() const override {
    WeightsForm form{.container = "gguf", .formats = {}, .files = {std::filesystem::path(file_.path()).filename().string()}};
    for (const auto& [name, tensor] : file_.tensors()) ++form.formats[tensor.format->name];
    return form;
  }
  Status Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const override;
  Status FormatOf(const std::string& name, const std::vector<int64_t>& shape, const BlockFormat** format) const override;
  Status ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const override;

 private:
  Status ReadSpec();
  Status CheckTensors() const;
  // Where a row of the file goes: row 2i + p of a head there is lane i of the pair's half p, row p·D/2 + i of ours.
  int64_t OurRow(const std::string& name, int64_t row) const;
  Status Find(const std::string& name, const std::vector<int64_t>& shape, const GgufTensor** tensor) const;

  GgufFile file_;
  ModelSpec spec_;
};

Status GgufModel::ReadSpec() {
  GgufKeys keys(file_);
  keys.TextIs("general.architecture", "llama");
  if (!keys.status().ok()) return keys.status();
  spec_.family = Family::kLlama;
  spec_.layers = keys.Integer("llama.block_count", 1, 1024);
  spec_.width = keys.Integer("llama.embedding_length", 1, 1 << 17);
  spec_.heads = keys.Integer("llama.attention.head_count", 1, 1 << 12);
  spec_.key_value_heads = keys.Has("llama.attention.head_count_kv") ? keys.Integer("llama.attention.head_count_kv", 1, 1 << 12) : spec_.heads;
  spec_.feed_forward = keys.Integer("llama.feed_forward_length", 1, 1 << 20);
  spec_.context = keys.Integer("llama.context_length", 2, 1 << 20);
  spec_.norm_epsilon = keys.Number("llama.attention.layer_norm_rms_epsilon", 1e-12, 1);
  spec_.rope_base = keys.Has("llama.rope.freq_base") ? keys.Number("llama.rope.freq_base", 1, 1e12) : 10000.0f;
  spec_.tied_head = !file_.tensors().contains("output.weight");
  const int head_size = spec_.width / spec_.heads;
  for (const char* name : {"llama.rope.dimension_count", "llama.attention.key_length", "llama.attention.value_length"}) {
    if (keys.Has(name)) keys.Integer(name, head_size, head_size);
  }
  for (const char* name : {"llama.expert_count", "llama.attention.sliding_window"}) {
    if (keys.Has(name)) keys.Integer(name, 0, 0);
  }
  const auto table = file_.tensors().find("token_embd.weight");
  if (table == file_.tensors().end()) return {Code::kBadData, "expected tensor \"token_embd.weight\" in " + file_.path() + ", which does not have it"};
  const int64_t rows = table->second.shape.front();
  if (rows < 2 || rows > 1 << 24) return {Code::kBadData, "expected tensor \"token_embd.weight\" of 2 to 2^24 rows in " + file_.path() + ", found " + std::to_string(rows)};
  spec_.vocabulary = static_cast<int>(rows);
  if (keys.Has("llama.vocab_size")) keys.Integer("llama.vocab_size", rows, rows);
  if (!keys.status().ok()) return keys.status();
  if (Status s = CheckForeignSpec(spec_, file_.path()); !s.ok()) return s;
  if (Status s = ReadRopeScaling(file_, &spec_); !s.ok()) return s;
  return CheckForeignSpec(spec_, file_.path());  // the scaling too
}

Status GgufModel::Find(const std::string& name, const std::vector<int64_t>& shape, const GgufTensor** tensor) const {
  const std::string in_file = NameInFile(name);
  const auto found = file_.tensors().find(in_file);
  if (found == file_.tensors().end()) return {Code::kBadData, "expected " + TensorText(in_file) + " (" + name + ") in " + file_.path() + ", which does not have it"};
  if (found->second.shape != shape) {
    return {Code::kBadData, "expected " + TensorText(in_file) + " of shape " + ShapeText(shape) + " in " + file_.path() + ", found " + ShapeText(found->second.shape)};
  }
  *tensor = &found->second;
  return Status::Ok();
}

Status GgufModel::CheckTensors() const {
  std::set<std::string> expected;
  for (const ExpectedTensor& wanted : ExpectedTensors(spec_)) {
    const GgufTensor* tensor = nullptr;
    if (Status s = Find(wanted.name, wanted.shape, &tensor); !s.ok()) return s;
    expected.insert(NameInFile(wanted.name));
  }
  for (const auto& [name, tensor] : file_.tensors()) {
    if (expected.contains(name) || name == kRopeFrequencies) continue;
    return {Code::kBadData, "expected no " + TensorText(name) + " in " + file_.path() + ": a plain llama has none, so what it does cannot be computed here"};
  }
  return Status::Ok();
}

int64_t GgufModel::OurRow(const std::string& name, int64_t row) const {
  if (!name.ends_with(".q_proj.weight") && !name.ends_with(".k_proj.weight")) return row;
  const int64_t head_size = spec_.width / spec_.heads, lane = row % head_size;
  return row - lane + lane % 2 * (head_size / 2) + lane / 2;
}

Status GgufModel::FormatOf(const std::string& name, const std::vector<int64_t>& shape, const BlockFormat** format) const {
  const GgufTensor* tensor = nullptr;
  if (Status s = Find(name, shape, &tensor); !s.ok()) return s;
  *format = tensor->format;
  return Status::Ok();
}

Status GgufModel::ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const {
  const GgufTensor* tensor = nullptr;
  if (Status s = Find(name, shape, &tensor); !s.ok()) return s;
  if (tensor->bytes != into.size()) return {Code::kInternal, "a buffer of " + std::to_string(into.size()) + " bytes for " + TensorText(name)};
  const auto row_bytes = static_cast<size_t>(shape.back() / tensor->format->elements * tensor->format->bytes);
  const unsigned char* from = file_.Data(*tensor);
  for (size_t at = 0, row = 0; at < into.size(); at += row_bytes, ++row) {
    std::memcpy(into.data() + static_cast<size_t>(OurRow(name, static_cast<int64_t>(row))) * row_bytes, from + at, row_bytes);
  }
  file_.Release(*tensor);
  return Status::Ok();
}

Status GgufModel::Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const {
  const GgufTensor* tensor = nullptr;
  if (Status s = Find(name, shape, &tensor); !s.ok()) return s;
  const int64_t columns = shape.back(), rows = static_cast<int64_t>(into.size()) / columns;
  const BlockFormat& format = *tensor->format;
  if (static_cast<int64_t>(into.size()) != rows * columns || tensor->bytes / format.bytes * format.elements != into.size()) {
    return {Code::kInternal, "a buffer of " + std::to_string(into.size()) + " floats for " + TensorText(name) + " of shape " + ShapeText(shape)};
  }
  const unsigned char* block = file_.Data(*tensor);
  for (int64_t row = 0; row < rows; ++row) {
    float* to = into.data() + OurRow(name, row) * columns;
    for (int64_t column = 0; column < columns; column += format.elements, block += format.bytes) format.dequantize(block, to + column);
  }
  file_.Release(*tensor);
  return Status::Ok();
}

}  // namespace

Status OpenGgufModel(const std::string& path, std::unique_ptr<ModelWeights>* out) {
  auto weights = std::make_unique<GgufModel>();
  if (Status s = weights->Open(path); !s.ok()) return s;
  *out = std::move(weights);
  return Status::Ok();
}

}  // namespace lethe
