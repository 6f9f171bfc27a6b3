#include "train/scorer.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "train/length_batches.h"
#include "train/score_lines.h"

namespace lethe {

Scorer::Scorer(const TokenData& data, Decoder& decoder, int64_t most_sequences, Between between)
    : data_(data), decoder_(decoder), most_sequences_(most_sequences > 0 ? static_cast<size_t>(most_sequences) : SIZE_MAX), between_(std::move(between)) {}

std::span<const int32_t> Scorer::Prompt(size_t row) const {
  const Sequence sequence = data_.sequence(static_cast<int64_t>(row));
  return sequence.tokens.first(static_cast<size_t>(sequence.prompt_length));
}

Status Scorer::Score(std::vector<SequenceScore>* scores) {
  const auto rows = static_cast<size_t>(data_.rows());
  scores->assign(rows, {});
  BatchBounds bounds = ScoringBounds(decoder_.spec());
  bounds.sequences = std::min(bounds.sequences, most_sequences_);
  std::vector<Sequence> batch;
  std::vector<SequenceScore> found;
  for (const std::vector<size_t>& members : CutByLength(rows, [&](size_t row) { return data_.sequence(static_cast<int64_t>(row)).tokens.size(); }, bounds)) {
    if (Status s = between_(); !s.ok()) return s;
    batch.clear();
    for (const size_t row : members) batch.push_back(data_.sequence(static_cast<int64_t>(row)));
    found.resize(batch.size());
    if (Status s = decoder_.Score(batch, found); !s.ok()) return s;
    for (size_t i = 0; i < members.size(); ++i) (*scores)[members[i]] = found[i];
  }
  return Status::Ok();
}

Status Scorer::Continue(const std::vector<size_t>& rows, std::span<const int32_t> end_tokens, int max_new_tokens, std::vector<std::vector<int32_t>>* continued) {
  continued->assign(rows.size(), {});
  BatchBounds bounds = GenerationBounds(decoder_.spec());
  bounds.sequences = std::min(bounds.sequences, most_sequences_);
  const auto context = static_cast<size_t>(decoder_.spec().context);
  const auto length = [&](size_t i) { return std::min(context, Prompt(rows[i]).size() + static_cast<size_t>(max_new_tokens)); };
  for (const std::vector<size_t>& members : CutByLength(rows.size(), length, bounds)) {
    std::vector<std::span<const int32_t>> prompts;
    for (const size_t i : members) prompts.push_back(Prompt(rows[i]));
    std::vector<std::vector<int32_t>> found;
    if (Status s = decoder_.Generate(prompts, {.end_tokens = end_tokens, .max_new_tokens = max_new_tokens, .between = between_}, &found); !s.ok()) return s;
    for (size_t i = 0; i < members.size(); ++i) (*continued)[members[i]] = std::move(found[i]);
  }
  return Status::Ok();
}

Status Scorer::Lines(const std::vector<SequenceScore>& scores, int max_new_tokens, std::string* lines) {
  std::vector<std::vector<int32_t>> generated(scores.size()), continued;
  std::vector<size_t> open;  // rows whose greedy continuation is not known from the score
  for (size_t row = 0; row < scores.size(); ++row) {
    if (!scores[row].exact_match) {
      open.push_back(row);
      continue;
    }
    const auto response = data_.sequence(static_cast<int64_t>(row)).tokens.subspan(Prompt(row).size());
    const size_t length = std::min(response.size() - 1, static_cast<size_t>(max_new_tokens));
    generated[row].assign(response.begin(), response.begin() + static_cast<ptrdiff_t>(length));
  }
  const int32_t end_token = data_.end_token();
  if (Status s = Continue(open, std::span(&end_token, 1), max_new_tokens, &continued); !s.ok()) return s;
  for (size_t i = 0; i < open.size(); ++i) generated[open[i]] = std::move(continued[i]);
  lines->clear();
  for (size_t row = 0; row < scores.size(); ++row) {
    lines->append("{" + IdField(data_.id(static_cast<int64_t>(row))) + "," + ScoreFields(scores[row]) + "," + GeneratedField(generated[row]) + "}\n");
  }
  return Status::Ok();
}

}  // namespace lethe
