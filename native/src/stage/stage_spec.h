// What a stage is asked to do: run.json, parsed and checked. docs/formats.md documents every field.
#ifndef LETHE_STAGE_STAGE_SPEC_H_
#define LETHE_STAGE_STAGE_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/schedule.h"

namespace lethe {

// Raised when results move beyond the tolerance that the golden fixtures state.
inline constexpr int kNumericsVersion = 2;

enum class StartKind { kRandom, kStage, kWeights };

struct StageStart {
  StartKind kind = StartKind::kRandom;
  uint64_t seed = 0;     // kRandom
  std::string key;       // kStage: the stage whose final weights are taken
  std::string digest;    // kWeights: folder under models/
};

struct StopRule {
  int64_t every_steps = 1;
  double exact_match = 1;
  std::optional<double> learned_share;
};

struct TrainSpec {
  std::string data;      // digest
  bool loss_on_all = false;
  int64_t batch = 1;
  int64_t steps = 1;
  AdamWOptions optimizer;
  double clip_norm = 0;
  Schedule schedule;
  Tuning tuning;         // full where run.json names none
  std::optional<StopRule> stop;
};

struct ScoreSpec {
  std::string data;      // digest
  std::vector<int64_t> at_steps;  // sorted, each once
  int max_new_tokens = 0;
};

struct StageSpec {
  std::string kind;
  ModelSpec model;
  StageStart start;
  uint64_t seed = 0;
  std::optional<TrainSpec> train;
  std::optional<ScoreSpec> score;
};

}  // namespace lethe

#endif  // LETHE_STAGE_STAGE_SPEC_H_
