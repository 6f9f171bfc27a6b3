#include "stage/store_paths.h"

#include <cstdio>

namespace lethe {

std::string StepName(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step-%06lld", static_cast<long long>(step));
  return name;
}

int64_t StepOfName(const std::string& name) {
  constexpr size_t kPrefix = 5;
  if (name.size() < kPrefix + 6 || name.size() > kPrefix + 12 || name.compare(0, kPrefix, "step-") != 0) return -1;
  int64_t step = 0;
  for (size_t i = kPrefix; i < name.size(); ++i) {
    if (name[i] < '0' || name[i] > '9') return -1;
    step = step * 10 + (name[i] - '0');
  }
  return StepName(step) == name ? step : -1;
}

}  // namespace lethe
