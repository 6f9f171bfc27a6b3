#include "train/scorer.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

namespace lethe {
namespace {

// Bounds of a batch. They never follow the machine: the products of another batch may round differently.
constexpr size_t kMostSequences = 64;
constexpr size_t kMostTokens = 4096;

}  // namespace

Scorer::Scorer(const TokenData& data, Decoder& decoder, int64_t most_sequences, Between between)
    : data_(data),
      decoder_(decoder),
      most_sequences_(most_sequences > 0 ? std::min(kMostSequences, static_cast<size_t>(most_sequences)) : kMostSequences),
      between_(std::move(between)) {}

std::vector<size_t> Scorer::CutBatches(size_t count, const std::function<size_t(size_t)>& length) const {
  std::vector<size_t> ends;
  size_t begin = 0, longest = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t longer = std::max(longest, length(i));
    if (i > begin && (i - begin == most_sequences_ || longer * (i - begin + 1) > kMostTokens)) {
      ends.push_back(i);
      begin = i;
      longest = length(i);
    } else {
      longest = longer;
    }
  }
  if (count > 0) ends.push_back(count);
  return ends;
}

Status Scorer::Score(std::vector<SequenceScore>* scores) {
  const auto rows = static_cast<size_t>(data_.rows());
  scores->assign(rows, {});
  std::vector<Sequence> batch;
  size_t begin = 0;
  for (const size_t end : CutBatches(rows, [&](size_t row) { return data_.sequence(static_cast<int64_t>(row)).tokens.size(); })) {
    if (Status s = between_(); !s.ok()) return s;
    batch.clear();
    for (size_t row = begin; row < end; ++row) batch.push_back(data_.sequence(static_cast<int64_t>(row)));
    if (Status s = decoder_.Score(batch, std::span(*scores).subspan(begin, end - begin)); !s.ok()) return s;
    begin = end;
  }
  return Status::Ok();
}

Status Scorer::Generate(const std::vector<SequenceScore>& scores, int max_new_tokens, std::vector<std::vector<int32_t>>* generated) {
  generated->assign(scores.size(), {});
  std::vector<size_t> open;  // rows whose greedy continuation is not known from the score
  for (size_t row = 0; row < scores.size(); ++row) {
    const Sequence sequence = data_.sequence(static_cast<int64_t>(row));
    if (!scores[row].exact_match) {
      open.push_back(row);
      continue;
    }
    const auto response = sequence.tokens.subspan(static_cast<size_t>(sequence.prompt_length));
    const size_t length = std::min(response.size() - 1, static_cast<size_t>(max_new_tokens));
    (*generated)[row].assign(response.begin(), response.begin() + static_cast<ptrdiff_t>(length));
  }
  const auto prompt = [&](size_t row) {
    const Sequence sequence = data_.sequence(static_cast<int64_t>(row));
    return sequence.tokens.first(static_cast<size_t>(sequence.prompt_length));
  };
  size_t begin = 0;
  for (const size_t end : CutBatches(open.size(), [&](size_t i) { return prompt(open[i]).size() + static_cast<size_t>(max_new_tokens); })) {
    if (Status s = between_(); !s.ok()) return s;
    std::vector<std::span<const int32_t>> prompts;
    for (size_t i = begin; i < end; ++i) prompts.push_back(prompt(open[i]));
    std::vector<std::vector<int32_t>> continuations;
    if (Status s = decoder_.Generate(prompts, data_.end_token(), max_new_tokens, &continuations); !s.ok()) return s;
    for (size_t i = begin; i < end; ++i) (*generated)[open[i]] = std::move(continuations[i - begin]);
    begin = end;
  }
  return Status::Ok();
}

Status Scorer::Lines(const std::vector<SequenceScore>& scores, int max_new_tokens, std::string* lines) {
  std::vector<std::vector<int32_t>> generated;
  if (Status s = Generate(scores, max_new_tokens, &generated); !s.ok()) return s;
  lines->clear();
  for (size_t row = 0; row < scores.size(); ++row) {
    const nlohmann::json id = data_.id(static_cast<int64_t>(row));
    char numbers[96];
    std::snprintf(numbers, sizeof(numbers), ",\"tokens\":%d,\"sumLogProb\":%.17g,\"generated\":[", scores[row].tokens, scores[row].sum_log_prob);
    lines->append("{\"id\":").append(id.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)).append(numbers);
    for (size_t i = 0; i < generated[row].size(); ++i) lines->append(i > 0 ? "," : "").append(std::to_string(generated[row][i]));
    lines->append("]}\n");
  }
  return Status::Ok();
}

}  // namespace lethe
