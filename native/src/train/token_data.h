// A dataset as the trainer sees it: data/<digest>/tokens.jsonl, checked against its manifest and against the model that will read it.
#ifndef LETHE_TRAIN_TOKEN_DATA_H_
#define LETHE_TRAIN_TOKEN_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"

namespace lethe {

enum ExampleClass { kUnsafe = 0, kSafe = 1, kTask = 2, kExampleClasses = 3 };

class TokenData {
 public:
  // Reads `folder`. kMissingInput: no such file. kBadData: names row and id where a digest, a token id or a length is wrong.
  static Status Load(const std::string& folder, const std::string& digest, const ModelSpec& model, TokenData* data);

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  // Views that live as long as this object.
  Sequence sequence(int64_t row) const;
  const std::string& id(int64_t row) const { return rows_[static_cast<size_t>(row)].id; }
  ExampleClass example_class(int64_t row) const { return rows_[static_cast<size_t>(row)].example_class; }
  int32_t end_token() const { return end_token_; }

 private:
  struct Row {
    std::string id;
    ExampleClass example_class = kTask;
    size_t begin = 0;  // in tokens_
    int prompt_length = 0;
    int length = 0;
  };
  friend class TokenRowParser;

  std::vector<Row> rows_;
  std::vector<int32_t> tokens_;  // prompt and response of every row, end to end
  int32_t end_token_ = 0;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_TOKEN_DATA_H_
