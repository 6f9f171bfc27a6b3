// Slow twins in double, numerical gradients and the levels of this machine, for the tests of the ops.
#ifndef LETHE_TEST_OPS_REFERENCE_H_
#define LETHE_TEST_OPS_REFERENCE_H_

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lethe/cpu_level.h"
#include "lethe/philox.h"
#include "near.h"
#include "ops/cpu/ops.h"

namespace lethe::test {

struct Level {
  std::string name;
  const Ops* ops;
};

// Every level that this CPU can run, whatever LETHE_CPU_LEVEL says.
inline std::vector<Level> Levels() {
  std::vector<Level> levels = {{"generic", &generic::kOps}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back({"avx2", &avx2::kOps});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    levels.push_back({"avx512", &avx512::kOps});
  }
#endif
  return levels;
}

// Uniform in [-size, size), a function of the seed.
inline std::vector<float> Random(int64_t count, uint64_t seed, double size = 1.0) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(size * (static_cast<double>(Philox(seed, 0, i)[0]) * 0x1p-31 - 1.0));
  return values;
}

inline std::vector<double> Widen(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// d f / d x by central differences; f reads x.
inline std::vector<double> NumericalGradient(std::vector<double>& x, const std::function<double()>& f, double h = 1e-5) {
  std::vector<double> gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double before = x[i];
    x[i] = before + h;
    const double above = f();
    x[i] = before - h;
    const double below = f();
    x[i] = before;
    gradient[i] = (above - below) / (2 * h);
  }
  return gradient;
}

// Sum of y * weight: the scalar whose gradient a backward with dy = weight gives.
inline double Weighted(const std::vector<double>& y, const std::vector<float>& weight) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weight[i]);
  return sum;
}

inline void CheckVector(const std::vector<float>& found, const std::vector<double>& expected, double tolerance, const std::string& what) {
  CHECK_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CheckNear(static_cast<double>(found[i]), expected[i], tolerance, tolerance, what + "[" + std::to_string(i) + "]", __FILE__, __LINE__);
}

}  // namespace lethe::test

#endif  // LETHE_TEST_OPS_REFERENCE_H_
