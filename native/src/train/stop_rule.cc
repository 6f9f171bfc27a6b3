#include "train/stop_rule.h"

#include <cmath>

namespace lethe {

bool StopRuleHolds(const StopRule& rule, const TokenData& data, std::span<const SequenceScore> scores) {
  constexpr double kLearnedProbability = 0.8;  // geometric mean over the tokens of a response
  struct Tally {
    int64_t rows = 0, exact = 0, learned = 0;
  } tallies[kExampleClasses];
  for (size_t i = 0; i < scores.size(); ++i) {
    Tally& tally = tallies[data.example_class(static_cast<int64_t>(i))];
    ++tally.rows;
    if (!scores[i].exact_match) continue;
    ++tally.exact;
    if (std::exp(scores[i].sum_log_prob / scores[i].tokens) >= kLearnedProbability) ++tally.learned;
  }
  for (const Tally& tally : tallies) {
    if (tally.rows == 0) continue;
    const auto rows = static_cast<double>(tally.rows);
    if (static_cast<double>(tally.exact) / rows < rule.exact_match) return false;
    if (rule.learned_share && static_cast<double>(tally.learned) / rows < *rule.learned_share) return false;
  }
  return true;
}

}  // namespace lethe
