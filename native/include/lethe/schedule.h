// The learning rate of an update: linear warm-up, then constant, linear or cosine decay to zero at `steps`.
#ifndef LETHE_SCHEDULE_H_
#define LETHE_SCHEDULE_H_

#include <cstdint>

namespace lethe {

enum class ScheduleKind { kConstant, kLinear, kCosine };

struct Schedule {
  ScheduleKind kind = ScheduleKind::kConstant;
  double learning_rate = 0;  // the peak
  int64_t warmup_steps = 0;
  int64_t steps = 0;         // updates of the whole training; unused by kConstant
};

// step = updates made before this one: 0 for the first. Warm-up gives peak * (step + 1) / warmup_steps, so that no update is made with a rate of 0.
double LearningRate(const Schedule& schedule, int64_t step);

}  // namespace lethe

#endif  // LETHE_SCHEDULE_H_
