#include "train/score_lines.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace lethe {

std::string IdField(const std::string& id) { return "\"id\":" + nlohmann::json(id).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

std::string ScoreFields(const SequenceScore& score) {
  char text[96];
  std::snprintf(text, sizeof(text), "\"tokens\":%d,\"sumLogProb\":%.17g", score.tokens, score.sum_log_prob);
  return text;
}

std::string GeneratedField(const std::vector<int32_t>& generated) {
  std::string text = "\"generated\":[";
  for (size_t i = 0; i < generated.size(); ++i) text.append(i > 0 ? "," : "").append(std::to_string(generated[i]));
  return text + "]";
}

}  // namespace lethe
