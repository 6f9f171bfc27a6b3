#include "model/packed_batch.h"

#include <algorithm>
#include <string>

namespace lethe {
namespace {

Status CheckTokens(const ModelSpec& spec, std::span<const int32_t> tokens, size_t index) {
  if (static_cast<int64_t>(tokens.size()) > spec.context) {
    return Status(Code::kBadData, "expected sequences of at most " + std::to_string(spec.context) + " tokens (the model's context), sequence " + std::to_string(index) +
                                      " of the batch has " + std::to_string(tokens.size()) + "; shorten the example or raise model.context");
  }
  for (size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] < 0 || tokens[t] >= spec.vocabulary) {
      return Status(Code::kBadData, "expected token ids below the vocabulary of " + std::to_string(spec.vocabulary) + ", sequence " + std::to_string(index) + " of the batch has " +
                                        std::to_string(tokens[t]) + " at position " + std::to_string(t) + "; check that data and model use the same tokenizer");
    }
  }
  return Status::Ok();
}

}  // namespace

void PackedBatch::Clear() {
  ids.clear();
  positions.clear();
  owners.clear();
  sequences.clear();
  kept_rows.clear();
  targets.clear();
}

void PackedBatch::Append(std::span<const int32_t> tokens) {
  const int64_t count = static_cast<int64_t>(tokens.size());
  owners.resize(ids.size() + tokens.size(), static_cast<int32_t>(sequences.size()));
  sequences.push_back({.begin = rows(), .tokens = count, .kept_begin = kept()});
  for (int64_t t = 0; t < count; ++t) {
    ids.push_back(tokens[static_cast<size_t>(t)]);
    positions.push_back(static_cast<int32_t>(t));
  }
}

int64_t PackedBatch::longest() const {
  int64_t longest = 0;
  for (const PackedSequence& sequence : sequences) longest = std::max(longest, sequence.tokens);
  return longest;
}

Status PackedBatch::Pack(const ModelSpec& spec, std::span<const Sequence> batch, bool loss_on_all) {
  Clear();
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::span<const int32_t> tokens = batch[i].tokens;
    const int64_t length = static_cast<int64_t>(tokens.size());
    if (Status status = CheckTokens(spec, tokens, i); !status.ok()) return status;
    if (batch[i].prompt_length < 0 || batch[i].prompt_length > length) {
      return Status(Code::kBadData, "expected a prompt of 0 to " + std::to_string(length) + " tokens, sequence " + std::to_string(i) + " of the batch says " +
                                        std::to_string(batch[i].prompt_length) + "; a prompt is the beginning of its sequence");
    }
    const int64_t first_target = loss_on_all ? 1 : std::max<int64_t>(1, batch[i].prompt_length);
    if (first_target >= length) {  // nothing to predict: the sequence takes no rows
      Append({});
      continue;
    }
    Append(tokens.first(static_cast<size_t>(length - 1)));
    PackedSequence& sequence = sequences.back();
    sequence.kept = length - first_target;
    for (int64_t target = first_target; target < length; ++target) {
      kept_rows.push_back(static_cast<int32_t>(sequence.begin + target - 1));
      targets.push_back(tokens[static_cast<size_t>(target)]);
    }
  }
  return Status::Ok();
}

Status PackedBatch::PackPrompts(const ModelSpec& spec, std::span<const std::span<const int32_t>> prompts) {
  Clear();
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (Status status = CheckTokens(spec, prompts[i], i); !status.ok()) return status;
    if (prompts[i].empty()) return Status(Code::kBadData, "expected prompts of at least one token, prompt " + std::to_string(i) + " is empty; there is nothing to continue");
    Append(prompts[i]);
    sequences.back().kept = 1;
    kept_rows.push_back(static_cast<int32_t>(rows() - 1));
  }
  return Status::Ok();
}

void PackedBatch::PackSteps(int64_t count) {
  Clear();
  ids.resize(static_cast<size_t>(count));
  positions.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    sequences.push_back({.begin = i, .tokens = 1, .kept_begin = i, .kept = 1});
    kept_rows.push_back(static_cast<int32_t>(i));
  }
}

}  // namespace lethe
