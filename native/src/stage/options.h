// The command line: how the stage is run, nothing of what it computes.
#ifndef LETHE_STAGE_OPTIONS_H_
#define LETHE_STAGE_OPTIONS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"

namespace lethe {

enum class Command { kRun, kScore, kGenerate, kMeasure, kVersion, kHelp };

struct Options {
  Command command = Command::kRun;
  std::string stage;
  int attempt = 0;
  int64_t micro_batch = 0;       // examples of one forward and backward pass; 0 = the whole batch
  int64_t accumulate = 0;        // passes of one update; 0 = as many as micro_batch needs
  bool recompute = false;
  int threads = 0;               // 0 = chosen by the model's width
  int64_t checkpoint_every = 0;  // steps; 0 = by the clock
  int64_t crash_at = 0;          // once so many steps are done, an internal error without a checkpoint: what `lethe drill` recovers from; 0 = never

  std::string file;              // kScore, kGenerate, as the rest
  std::string model;             // a folder of the store's models/, a Hugging Face folder or a GGUF file
  FrozenForm weights = FrozenForm::kF32;  // kScore, kGenerate: how the weights are kept
  int max_new_tokens = 0;        // kGenerate, as the next
  std::vector<int32_t> end_tokens;
};

extern const char kUsage[];

// arguments without the program's name. kBadSpec names the flag and what came.
Status ParseOptions(std::span<char* const> arguments, Options* options);

}  // namespace lethe

#endif  // LETHE_STAGE_OPTIONS_H_
