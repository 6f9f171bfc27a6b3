// Scores the rows of a dataset with the model as it stands: log-probabilities for all, greedy continuations for those that are not an exact match.
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
  // Called between batches; an error of it ends the scoring and is returned.
  using Between = std::function<Status()>;

  // Data and decoder must outlive it. most_sequences bounds a batch (memory); 0 = our own bound.
  Scorer(const TokenData& data, Decoder& decoder, int64_t most_sequences, Between between);

  // One score for each row, in order.
  Status Score(std::vector<SequenceScore>* scores);

  // The lines of scores/step-NNNNNN.jsonl for these scores.
  Status Lines(const std::vector<SequenceScore>& scores, int max_new_tokens, std::string* lines);

 private:
  // Consecutive elements of [0, count) whose padded size stays in bounds.
  std::vector<size_t> CutBatches(size_t count, const std::function<size_t(size_t)>& length) const;
  Status Generate(const std::vector<SequenceScore>& scores, int max_new_tokens, std::vector<std::vector<int32_t>>* generated);

  const TokenData& data_;
  Decoder& decoder_;
  size_t most_sequences_;
  Between between_;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_SCORER_H_
