// Comparison of floating-point results, for tests of the numerics.
#ifndef LETHE_TEST_NEAR_H_
#define LETHE_TEST_NEAR_H_

#include <cmath>
#include <cstdio>
#include <span>
#include <string>

#include "check.h"

namespace lethe::test {

inline std::string Digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

// |found - expected| <= absolute + relative * |expected|; fails for NaN.
inline void CheckNear(double found, double expected, double absolute, double relative, const std::string& what, const char* file, int line) {
  if (std::abs(found - expected) <= absolute + relative * std::abs(expected)) return;
  CheckTrue(false, what + " near " + Digits(expected) + ", found " + Digits(found), file, line);
}

struct Agreement {
  double cosine = 0;
  double relative = 0;  // |a - b| / |b|
};

// Of two tensors, with |b| as the measure.
template <typename A, typename B>
Agreement Compare(std::span<const A> a, std::span<const B> b) {
  double aa = 0, bb = 0, ab = 0, dd = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    aa += x * x, bb += y * y, ab += x * y, dd += (x - y) * (x - y);
  }
  if (bb == 0) return {.cosine = aa == 0 ? 1.0 : 0.0, .relative = std::sqrt(dd)};
  return {.cosine = ab / std::sqrt(aa * bb), .relative = std::sqrt(dd / bb)};
}

}  // namespace lethe::test

#define CHECK_NEAR(found, expected, absolute, relative) ::lethe::test::CheckNear((found), (expected), (absolute), (relative), #found, __FILE__, __LINE__)

#endif  // LETHE_TEST_NEAR_H_
