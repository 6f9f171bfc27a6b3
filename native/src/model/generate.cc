// Greedy continuation: passes over the packed prompts fill the cache, then one row a sequence and step. Sequences that have ended leave the batch.
#include <algorithm>
#include <string>

#include "model/transformer.h"

namespace lethe {
namespace {

constexpr size_t kPromptsOfAPart = 128;    // bounds the cache
constexpr int64_t kFewRows = 128;          // of a pass that reads large matrices where they lie: all steps, and short prompts
constexpr size_t kRowsOfAPrefill = 1024;   // bounds the activations, and the time between two calls of `between`

}  // namespace

Status Transformer::Generate(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::vector<std::vector<int32_t>>* out) {
  out->assign(prompts.size(), {});
  for (size_t begin = 0; begin < prompts.size(); begin += kPromptsOfAPart) {
    const size_t count = std::min(kPromptsOfAPart, prompts.size() - begin);
    Status status = GeneratePart(prompts.subspan(begin, count), how, std::span(*out).subspan(begin, count));
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status Transformer::GeneratePart(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::span<std::vector<int32_t>> out) {
  size_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, prompt.size());
  const int64_t context = std::min<int64_t>(spec_.context, static_cast<int64_t>(longest) + std::max(0, how.max_new_tokens));
  if (!cache_.Resize(spec_.layers, static_cast<int64_t>(prompts.size()), context, blocks_[0].shape)) {
    return Status(Code::kOutOfMemory, "expected memory for the keys and values of " + std::to_string(prompts.size()) + " prompts, the machine has none left; use a smaller --micro-batch");
  }
  rotary_.Grow(context);

  std::vector<int32_t> slots(prompts.size()), next(prompts.size());
  for (size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<int32_t>(i);
  if (Status status = Prefill(prompts, how, slots, next); !status.ok()) return status;
  for (int step = 0; step < how.max_new_tokens; ++step) {
    size_t alive = 0;  // sequences that take another token move to the front
    for (size_t i = 0; i < slots.size(); ++i) {
      const size_t slot = static_cast<size_t>(slots[i]);
      const size_t length = prompts[slot].size() + out[slot].size();
      const bool ended = std::find(how.end_tokens.begin(), how.end_tokens.end(), next[i]) != how.end_tokens.end();
      if (ended || length == static_cast<size_t>(spec_.context)) continue;
      out[slot].push_back(next[i]);
      slots[alive] = slots[i];
      next[alive] = next[i];
      ++alive;
    }
    slots.resize(alive);
    if (alive == 0 || step + 1 == how.max_new_tokens) break;
    batch_.PackSteps(static_cast<int64_t>(alive));
    for (size_t i = 0; i < alive; ++i) {
      const size_t slot = static_cast<size_t>(slots[i]);
      batch_.ids[i] = next[i];
      batch_.positions[i] = static_cast<int32_t>(prompts[slot].size() + out[slot].size() - 1);
    }
    if (step == 0) {
      if (Status status = PlaceBuffers(Keep::kNothing); !status.ok()) return status;  // the first step is the largest: later ones fit into its layout
    }
    if (Status status = NextTokens(PassKind::kStep, how, slots, next); !status.ok()) return status;
  }
  return Status::Ok();
}

Status Transformer::Prefill(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::span<const int32_t> slots, std::span<int32_t> next) {
  for (size_t begin = 0, end = 0; begin < prompts.size() && how.max_new_tokens > 0; begin = end) {
    size_t rows = 0;
    do {
      rows += prompts[end].size();
      ++end;
    } while (end < prompts.size() && rows + prompts[end].size() <= kRowsOfAPrefill);
    if (Status status = batch_.PackPrompts(spec_, prompts.subspan(begin, end - begin)); !status.ok()) return status;
    if (Status status = PlaceBuffers(Keep::kNothing); !status.ok()) return status;
    if (Status status = NextTokens(PassKind::kPrefill, how, slots.subspan(begin, end - begin), next.subspan(begin, end - begin)); !status.ok()) return status;
  }
  return Status::Ok();
}

Status Transformer::NextTokens(PassKind kind, const Continuation& how, std::span<const int32_t> slots, std::span<int32_t> next) {
  if (how.between) {
    if (Status status = how.between(); !status.ok()) return status;
  }
  Pass pass = MakePass(kind);
  pass.few = batch_.rows() <= kFewRows;
  pass.cache = &cache_;
  pass.slots = slots.data();
  ForwardToHead(pass);
  head_.ArgMax(next.data(), final_, static_cast<int64_t>(slots.size()), logits_, pool_);
  return Status::Ok();
}

}  // namespace lethe
