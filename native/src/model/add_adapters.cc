// LoRA's adapters of a decoder: which module of Hugging Face's is which columns of which product, and PEFT's names.
#include <algorithm>
#include <string>
#include <vector>

#include "model/transformer.h"

namespace lethe {
namespace {

using Start = ParameterStore::Start;

// Keeps these draws apart from the initial weights', whose streams count from 0, and from the masks of dropout.
constexpr uint64_t kFirstStream = uint64_t{0x6c6f} << 16;

struct Module {
  std::string path;  // within its block
  Linear* linear;
  int64_t column, out;
};

std::vector<Module> Modules(Block& block) {
  const int64_t width = block.norm1.width, key_width = block.shape.key_value_heads * block.shape.head_size;
  Linear* const qkv = &block.query_key_value;
  if (!block.gated) {
    return {{"attn.c_attn", qkv, 0, qkv->out}, {"attn.c_proj", &block.project, 0, width}, {"mlp.c_fc", &block.enter, 0, block.enter.out}, {"mlp.c_proj", &block.leave, 0, width}};
  }
  return {{"self_attn.q_proj", qkv, 0, width},
          {"self_attn.k_proj", qkv, width, key_width},
          {"self_attn.v_proj", qkv, width + key_width, key_width},
          {"self_attn.o_proj", &block.project, 0, width},
          {"mlp.gate_proj", &block.enter, 0, block.feed_forward},
          {"mlp.up_proj", &block.enter, block.feed_forward, block.feed_forward},
          {"mlp.down_proj", &block.leave, 0, width}};
}

// As in PEFT: a target is a module's path or its end after a dot.
bool Targets(const std::string& target, const std::string& path) { return path == target || path.ends_with("." + target); }

Status CheckTuning(const Tuning& tuning, Block& block) {
  const auto bad = [](const std::string& field, const std::string& expected, const std::string& came) {
    return Status(Code::kBadSpec, "expected train.tuning." + field + " to be " + expected + ", got " + came + "; correct training.tuning in the sweep file");
  };
  if (tuning.rank < 1) return bad("rank", "at least 1", std::to_string(tuning.rank));
  if (!(tuning.dropout >= 0 && tuning.dropout < 1)) return bad("dropout", "from 0 to below 1", std::to_string(tuning.dropout));
  std::string known;
  for (const Module& module : Modules(block)) known += (known.empty() ? "" : ", ") + module.path.substr(module.path.find('.') + 1);
  if (tuning.targets.empty()) return bad("targets", "some of " + known, "none");
  for (const std::string& target : tuning.targets) {
    const std::vector<Module> modules = Modules(block);
    const bool found = std::any_of(modules.begin(), modules.end(), [&](const Module& module) { return Targets(target, module.path); });
    if (!found) return bad("targets", "names of modules of this family (" + known + ")", "\"" + target + "\"");
  }
  return Status::Ok();
}

}  // namespace

Status Transformer::AddAdapters() {
  if (tuning_.kind != TuningKind::kLora) return Status::Ok();
  if (Status status = CheckTuning(tuning_, blocks_[0]); !status.ok()) return status;
  const bool llama = spec_.family == Family::kLlama;
  std::vector<std::string> names;
  for (Block& block : blocks_) {
    const std::string prefix = (llama ? "model.layers." : "transformer.h.") + std::to_string(block.layer) + ".";
    for (const Module& module : Modules(block)) {
      const bool targeted = std::any_of(tuning_.targets.begin(), tuning_.targets.end(), [&](const std::string& target) { return Targets(target, module.path); });
      if (!targeted) continue;
      const std::string weight = prefix + module.path + ".weight";
      const auto all = store_.parameters();
      const auto found = std::find_if(all.begin(), all.end(), [&](const Parameter& parameter) { return parameter.name == weight; });
      module.linear->adapters.push_back({.a = {},
                                         .b = {},
                                         .in = module.linear->in,
                                         .out = module.out,
                                         .rank = tuning_.rank,
                                         .column = module.column,
                                         .scale = static_cast<float>(tuning_.alpha / tuning_.rank),
                                         .number = names.size(),
                                         .parameter = static_cast<size_t>(found - all.begin()),
                                         .out_in = llama});
      names.push_back("base_model.model." + prefix + module.path);
    }
  }
  for (Block& block : blocks_) {  // only now: the lists above moved while they grew. In the order of their numbers
    for (Linear* linear : {&block.query_key_value, &block.project, &block.enter, &block.leave}) {
      for (Adapter& adapter : linear->adapters) adapters_.push_back(&adapter);
    }
  }
  for (Adapter* adapter : adapters_) {
    adapter_store_.Declare(names[adapter->number] + ".lora_A.weight", {adapter->rank, adapter->in}, Start::kUniform, &adapter->a);
    adapter_store_.Declare(names[adapter->number] + ".lora_B.weight", {adapter->out, adapter->rank}, Start::kZero, &adapter->b);
  }
  return adapter_store_.Allocate();
}

void Transformer::InitializeAdapters(uint64_t seed) { (void)adapter_store_.Initialize(seed, kFirstStream, 0, 0).ok(); }  // fp32: cannot fail

std::span<const float> Transformer::MergedPiece(size_t index, size_t from, std::vector<float>* memory) const {
  const StoredTensor* const stored = store_.parameters()[index].stored;
  const bool adapted = std::any_of(adapters_.begin(), adapters_.end(), [&](const Adapter* adapter) { return adapter->parameter == index; });
  if (stored == nullptr || adapted) return Merged(index, memory).subspan(from);
  constexpr int64_t kPiece = int64_t{1} << 18;
  const int64_t columns = stored->columns(), first = static_cast<int64_t>(from) / columns, count = std::min(stored->rows() - first, std::max<int64_t>(1, kPiece / columns));
  memory->resize(static_cast<size_t>(count * columns));
  stored->Decode(first, count, memory->data());
  return *memory;
}

std::span<const float> Transformer::Merged(size_t index, std::vector<float>* memory) const {
  std::span<const float> data = store_.parameters()[index].data;
  if (const StoredTensor* stored = store_.parameters()[index].stored; stored != nullptr) {
    memory->resize(static_cast<size_t>(stored->rows() * stored->columns()));
    pool_->For(stored->rows(), [&](int64_t row) { stored->Decode(row, 1, memory->data() + row * stored->columns()); });
    data = *memory;
  }
  for (const Adapter* adapter : adapters_) {
    if (adapter->parameter != index) continue;
    if (data.data() != memory->data()) memory->assign(data.begin(), data.end());
    adapter->MergeInto(memory->data(), pool_);
    return *memory;
  }
  return data;
}

}  // namespace lethe
