// Scores and continues rows of token ids with the model as it stands. Rows are taken by length, so that a batch holds rows of about one length; results
// come in the order of the rows.
#ifndef LETHE_TRAIN_SCORER_H_
#define LETHE_TRAIN_SCORER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "train/token_data.h"

namespace lethe {

class Scorer {
 public:
  // Called between batches and between generated tokens; an error of it ends the scoring and is returned.
  using Between = std::function<Status()>;

  // Data and decoder must outlive it. most_sequences bounds a batch (memory); 0 = our own bound.
  Scorer(const TokenData& data, Decoder& decoder, int64_t most_sequences, Between between);

  // One score for each row.
  Status Score(std::vector<SequenceScore>* scores);

  // Greedy continuations of the prompts of `rows`, one for each.
  Status Continue(const std::vector<size_t>& rows, std::span<const int32_t> end_tokens, int max_new_tokens, std::vector<std::vector<int32_t>>* continued);

  // The lines of scores/step-NNNNNN.jsonl for these scores: greedy continuations are generated for rows that are not an exact match.
  Status Lines(const std::vector<SequenceScore>& scores, int max_new_tokens, std::string* lines);

 private:
  std::span<const int32_t> Prompt(size_t row) const;

  const TokenData& data_;
  Decoder& decoder_;
  size_t most_sequences_;
  Between between_;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_SCORER_H_
