#ifndef LETHE_TRAIN_STOP_RULE_H_
#define LETHE_TRAIN_STOP_RULE_H_

#include <span>

#include "lethe/decoder.h"
#include "stage/stage_spec.h"
#include "train/token_data.h"

namespace lethe {

// True when every class that the data have reached the rule's thresholds. scores[i] belongs to row i. A function of the weights alone,
// so that a resumed training stops where the undisturbed one does.
bool StopRuleHolds(const StopRule& rule, const TokenData& data, std::span<const SequenceScore> scores);

}  // namespace lethe

#endif  // LETHE_TRAIN_STOP_RULE_H_
