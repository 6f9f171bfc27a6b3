// Greedy continuation: one pass over the packed prompts fills the cache, then one row a sequence and step. Sequences that have ended leave the batch.
#include <algorithm>
#include <string>

#include "model/transformer.h"

namespace lethe {
namespace {

constexpr size_t kPromptsOfAPart = 128;  // bounds the cache

}  // namespace

Status Transformer::Generate(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens, std::vector<std::vector<int32_t>>* out) {
  out->assign(prompts.size(), {});
  for (size_t begin = 0; begin < prompts.size(); begin += kPromptsOfAPart) {
    const size_t count = std::min(kPromptsOfAPart, prompts.size() - begin);
    Status status = GeneratePart(prompts.subspan(begin, count), end_token, max_new_tokens, std::span(*out).subspan(begin, count));
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status Transformer::GeneratePart(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens, std::span<std::vector<int32_t>> out) {
  if (Status status = batch_.PackPrompts(spec_, prompts); !status.ok()) return status;
  size_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, prompt.size());
  const int64_t context = std::min<int64_t>(spec_.context, static_cast<int64_t>(longest) + std::max(0, max_new_tokens));
  if (!cache_.Resize(spec_.layers, static_cast<int64_t>(prompts.size()), context, blocks_[0].shape)) {
    return Status(Code::kOutOfMemory, "expected memory for the keys and values of " + std::to_string(prompts.size()) + " prompts, the machine has none left; use fewer --threads or a smaller model");
  }
  if (Status status = PlaceBuffers(Keep::kNothing); !status.ok()) return status;

  std::vector<int32_t> slots(prompts.size()), next(prompts.size());
  for (size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<int32_t>(i);
  PassKind kind = PassKind::kPrefill;
  for (int step = 0; step < max_new_tokens && !slots.empty(); ++step) {
    Pass pass = MakePass(kind);
    pass.cache = &cache_;
    pass.slots = slots.data();
    ForwardToHead(pass);
    head_.ArgMax(next.data(), final_, static_cast<int64_t>(slots.size()), logits_, pool_);

    size_t alive = 0;  // sequences that take another step move to the front
    for (size_t i = 0; i < slots.size(); ++i) {
      const size_t slot = static_cast<size_t>(slots[i]);
      const size_t length = prompts[slot].size() + out[slot].size();
      if (next[i] == end_token || length == static_cast<size_t>(spec_.context)) continue;
      out[slot].push_back(next[i]);
      slots[alive] = slots[i];
      next[alive] = next[i];
      ++alive;
    }
    slots.resize(alive);
    if (alive == 0) break;
    batch_.PackSteps(static_cast<int64_t>(alive));
    for (size_t i = 0; i < alive; ++i) {
      const size_t slot = static_cast<size_t>(slots[i]);
      batch_.ids[i] = next[i];
      batch_.positions[i] = static_cast<int32_t>(prompts[slot].size() + out[slot].size() - 1);
    }
    if (kind == PassKind::kPrefill) {
      kind = PassKind::kStep;
      if (Status status = PlaceBuffers(Keep::kNothing); !status.ok()) return status;  // the first step is the largest: later ones fit into its layout
    }
  }
  return Status::Ok();
}

}  // namespace lethe
