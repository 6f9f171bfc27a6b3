// progress.jsonl: what the watcher shows. At most a line a second between checkpoints, so that a step of a tiny model pays one clock read.
#ifndef LETHE_TRAIN_PROGRESS_LOG_H_
#define LETHE_TRAIN_PROGRESS_LOG_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "files/file.h"
#include "lethe/status.h"

namespace lethe {

// Resident memory of this process, from /proc/self/statm.
int64_t ResidentBytes();

class ProgressLog {
 public:
  using Clock = std::chrono::steady_clock;

  Status Open(const std::string& folder, int64_t steps);

  // One update was made: its mean loss, and the tokens that went through the model in `seconds`.
  void Count(int64_t step, double loss, double learning_rate, double gradient_norm, int64_t tokens, double seconds);
  // The step at which the stage stands before its first update.
  void StandAt(int64_t step) { step_ = step; }

  // A checkpoint took so long: told in every line from now on, because a job that is to stop is given the time for one.
  void Checkpointed(double seconds) { checkpoint_seconds_ = seconds; }

  // A line when a second has passed since the last one. Called between steps, micro-batches and batches of scores.
  Status WriteWhenDue();
  Status Write();

 private:
  std::string path_;
  File file_;
  Clock::time_point last_ = Clock::now();
  int64_t steps_ = 0;
  int64_t step_ = 0;
  int64_t updates_ = 0;      // since the last line, as the next three
  double loss_sum_ = 0;
  int64_t tokens_ = 0;
  double seconds_ = 0;
  bool learned_ = false;     // an update was made: until then loss, rate, norm and speed are left out, not zero
  double loss_ = 0;          // as last written, as the next three
  double tokens_per_second_ = 0;
  double learning_rate_ = 0;
  double gradient_norm_ = 0;
  double checkpoint_seconds_ = -1;  // no checkpoint yet
};

}  // namespace lethe

#endif  // LETHE_TRAIN_PROGRESS_LOG_H_
