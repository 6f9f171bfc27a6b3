// One line of token ids: {"id", "class"?, "prompt": [ids], "response"?: [ids]}.
#ifndef LETHE_TRAIN_TOKEN_ROW_H_
#define LETHE_TRAIN_TOKEN_ROW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

enum ExampleClass { kUnsafe = 0, kSafe = 1, kTask = 2, kExampleClasses = 3 };

struct TokenRow {
  std::string id;
  ExampleClass example_class = kTask;
  size_t begin = 0;       // in the tokens of all rows
  int prompt_length = 0;
  int length = 0;         // with the response
};

// What a line must have besides its id and prompt; what it may have is the same for all.
struct TokenRowNeeds {
  bool example_class = false;
  bool response = false;
};

// Appends the line's tokens to `tokens`. Returns what is wrong with it, or an empty text; `row` then has its id already where it was read.
std::string ParseTokenRow(std::string_view line, TokenRowNeeds needs, int vocabulary, std::vector<int32_t>* tokens, TokenRow* row);

}  // namespace lethe

#endif  // LETHE_TRAIN_TOKEN_ROW_H_
