// A micro-batch without padding: the tokens of all sequences laid end to end as rows of one matrix.
// A sequence's last token predicts nothing, so it has no row. Row r of a sequence predicts its token r + 1; rows that predict a target are "kept": the last
// block's feed-forward, the head and the loss run on those alone.
#ifndef LETHE_MODEL_PACKED_BATCH_H_
#define LETHE_MODEL_PACKED_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "lethe/decoder.h"

namespace lethe {

struct PackedSequence {
  int64_t begin = 0;          // its first row
  int64_t tokens = 0;         // its rows
  int64_t kept_begin = 0;     // its first kept row, counted among the kept
  int64_t kept = 0;
};

struct PackedBatch {
  std::vector<int32_t> ids, positions;
  std::vector<int32_t> owners;  // the sequence of a row
  std::vector<PackedSequence> sequences;
  std::vector<int32_t> kept_rows, targets;

  int64_t rows() const { return static_cast<int64_t>(ids.size()); }
  int64_t kept() const { return static_cast<int64_t>(kept_rows.size()); }
  int64_t longest() const;  // rows of the longest sequence

  // Training and scoring. Errors: kBadData for a token outside the vocabulary, a sequence longer than the context, a prompt longer than its sequence.
  Status Pack(const ModelSpec& spec, std::span<const Sequence> batch, bool loss_on_all);

  // Generation: every token of a prompt has a row, the last is kept. Error: kBadData.
  Status PackPrompts(const ModelSpec& spec, std::span<const std::span<const int32_t>> prompts);

  // One generated token for each of `count` sequences: ids and positions are set by the caller afterwards.
  void PackSteps(int64_t count);

 private:
  void Clear();
  void Append(std::span<const int32_t> tokens);
};

}  // namespace lethe

#endif  // LETHE_MODEL_PACKED_BATCH_H_
