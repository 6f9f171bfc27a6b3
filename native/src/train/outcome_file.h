// outcome.json: how this process ended. Nobody can wait() for a job whose worker died, so the file is the exit code.
// Its block is reserved at the start: a full disk can still say that it is full.
#ifndef LETHE_TRAIN_OUTCOME_FILE_H_
#define LETHE_TRAIN_OUTCOME_FILE_H_

#include <cstdint>
#include <string>

#include "files/file.h"
#include "lethe/status.h"

namespace lethe {

struct Outcome {
  int code = 0;
  std::string sentence;
  int64_t step = 0;
  std::string stopped_by;  // "stop-rule", "step-limit", or empty when the training did not reach its end
};

class OutcomeFile {
 public:
  Status Reserve(const std::string& folder);
  // REQUIRES: Reserve succeeded. Overwrites the reserved block and renames it.
  Status Write(const Outcome& outcome);

 private:
  std::string folder_;
  File file_;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_OUTCOME_FILE_H_
