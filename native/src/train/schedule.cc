#include "lethe/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lethe {

double LearningRate(const Schedule& schedule, int64_t step) {
  const double peak = schedule.learning_rate;
  if (step < schedule.warmup_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps);
  if (schedule.kind == ScheduleKind::kConstant) return peak;
  const double decay_steps = static_cast<double>(std::max<int64_t>(1, schedule.steps - schedule.warmup_steps));
  const double done = std::min(1.0, static_cast<double>(step - schedule.warmup_steps) / decay_steps);
  if (schedule.kind == ScheduleKind::kLinear) return peak * (1.0 - done);
  return peak * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace lethe
