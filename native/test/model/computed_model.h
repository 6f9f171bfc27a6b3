// Runs the commands that use a model, and compares with what Transformers computed.
#ifndef LETHE_TEST_MODEL_COMPUTED_MODEL_H_
#define LETHE_TEST_MODEL_COMPUTED_MODEL_H_

#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "near.h"
#include "train/apply_model.h"

namespace lethe::test {

inline Options For(const std::string& model, const std::string& file) {
  Options options;
  options.model = model;
  options.file = file;
  return options;
}

inline std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

inline std::string ItemFile(const TemporaryFolder& folder, const nlohmann::json& items) {
  std::string text;
  for (const nlohmann::json& item : items) text += item.dump() + "\n";
  test::WriteFile(folder / "items.jsonl", text);
  return folder / "items.jsonl";
}

// Scores and continues facts["items"] with the model at `model`. tolerance: of each sum of log-probabilities, relative.
inline void CheckComputed(const std::string& model, const nlohmann::json& facts, double tolerance) {
  const TemporaryFolder folder;
  Options options = For(model, ItemFile(folder, facts["items"]));
  std::string text;
  CHECK_OK(ScoreFile(options, &text));
  const std::vector<nlohmann::json> scores = Lines(text);
  CHECK_EQ(scores.size(), facts["items"].size());
  for (size_t i = 0; i < scores.size(); ++i) {
    CHECK_EQ(scores[i]["id"], facts["items"][i]["id"]);
    CHECK_EQ(scores[i]["tokens"].get<size_t>(), facts["items"][i]["response"].size());
    CHECK_NEAR(scores[i]["sumLogProb"].get<double>(), facts["sumLogProb"][i].get<double>(), 1e-5, tolerance);
  }
  options.max_new_tokens = facts["newTokens"];
  if (facts.contains("endTokens")) options.end_tokens = facts["endTokens"].get<std::vector<int32_t>>();
  text.clear();
  CHECK_OK(GenerateFile(options, &text));
  const std::vector<nlohmann::json> continued = Lines(text);
  CHECK_EQ(continued.size(), facts["greedy"].size());
  for (size_t i = 0; i < continued.size(); ++i) {
    CHECK_EQ(continued[i]["id"], facts["items"][i]["id"]);
    CHECK_EQ(continued[i]["generated"], facts["greedy"][i]);
  }
}

}  // namespace lethe::test

#endif  // LETHE_TEST_MODEL_COMPUTED_MODEL_H_
