// Sequences of token ids: a dataset as the trainer sees it (data/<digest>/tokens.jsonl, checked against its manifest), or any file of such lines. Both are
// checked against the model that will read them.
#ifndef LETHE_TRAIN_TOKEN_DATA_H_
#define LETHE_TRAIN_TOKEN_DATA_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "train/token_row.h"

namespace lethe {

class TokenData {
 public:
  // Reads `folder`. kMissingInput: no such file. kBadData: names row and id where a digest, a token id or a length is wrong.
  static Status Load(const std::string& folder, const std::string& digest, const ModelSpec& model, TokenData* data);

  // A file of such lines without manifest: it has no end token. kMissingInput and kBadData as above.
  static Status LoadFile(const std::string& path, TokenRowNeeds needs, const ModelSpec& model, TokenData* data);

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  // Views that live as long as this object.
  Sequence sequence(int64_t row) const;
  const std::string& id(int64_t row) const { return rows_[static_cast<size_t>(row)].id; }
  ExampleClass example_class(int64_t row) const { return rows_[static_cast<size_t>(row)].example_class; }
  int32_t end_token() const { return end_token_; }

 private:
  Status ParseRows(std::string_view text, const std::string& path, TokenRowNeeds needs, const ModelSpec& model);

  std::vector<TokenRow> rows_;
  std::vector<int32_t> tokens_;  // prompt and response of every row, end to end
  int32_t end_token_ = 0;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_TOKEN_DATA_H_
