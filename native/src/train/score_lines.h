// The fields of a line of scores, as text: {"id", "tokens", "sumLogProb", "generated"}.
#ifndef LETHE_TRAIN_SCORE_LINES_H_
#define LETHE_TRAIN_SCORE_LINES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lethe/decoder.h"

namespace lethe {

std::string IdField(const std::string& id);
std::string ScoreFields(const SequenceScore& score);  // both; the sum with 17 significant digits, so that a double comes back as it was
std::string GeneratedField(const std::vector<int32_t>& generated);

}  // namespace lethe

#endif  // LETHE_TRAIN_SCORE_LINES_H_
