#include "train/progress_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lethe {

int64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  long long total = 0, resident = 0;
  const int fields = std::fscanf(file, "%lld %lld", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

Status ProgressLog::Open(const std::string& folder, int64_t steps) {
  steps_ = steps;
  path_ = folder + "/progress.jsonl";
  file_ = File(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  return file_.is_open() ? Status::Ok() : ErrnoStatus("create", path_, errno);
}

void ProgressLog::Count(int64_t step, double loss, double learning_rate, double gradient_norm, int64_t tokens, double seconds) {
  step_ = step;
  ++updates_;
  loss_sum_ += loss;
  learning_rate_ = learning_rate;
  gradient_norm_ = gradient_norm;
  tokens_ += tokens;
  seconds_ += seconds;
}

Status ProgressLog::WriteWhenDue() { return Clock::now() - last_ < std::chrono::seconds(1) ? Status::Ok() : Write(); }

Status ProgressLog::Write() {
  last_ = Clock::now();
  if (updates_ > 0) {
    loss_ = loss_sum_ / static_cast<double>(updates_);
    tokens_per_second_ = seconds_ > 0 ? static_cast<double>(tokens_) / seconds_ : 0;
    learned_ = true;
    updates_ = 0, loss_sum_ = 0, tokens_ = 0, seconds_ = 0;
  }
  const double time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  char measured[256] = "";
  if (learned_) {
    std::snprintf(measured, sizeof(measured), "\"loss\":%.9g,\"learningRate\":%.9g,\"gradientNorm\":%.9g,\"tokensPerSecond\":%.6g,", loss_, learning_rate_,
                  gradient_norm_, tokens_per_second_);
  }
  char checkpointed[48] = "";
  if (checkpoint_seconds_ >= 0) std::snprintf(checkpointed, sizeof(checkpointed), "\"checkpointSeconds\":%.3f,", checkpoint_seconds_);
  char line[512];
  const int length = std::snprintf(line, sizeof(line), "{\"step\":%lld,\"steps\":%lld,%s%s\"residentBytes\":%lld,\"time\":%.3f}\n", static_cast<long long>(step_),
                                   static_cast<long long>(steps_), measured, checkpointed, static_cast<long long>(ResidentBytes()), time);
  return WriteAll(file_, path_, line, static_cast<size_t>(length));
}

}  // namespace lethe
