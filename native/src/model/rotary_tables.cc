#include "model/rotary_tables.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lethe {
namespace {

// Quotients of a number and a tensor are products with the reciprocal, as PyTorch computes them.
float ScaleLlama3(float frequency, const RopeScaling& scaling) {
  const auto original = static_cast<float>(scaling.original_context);
  const float wavelength = 1.0f / frequency * static_cast<float>(2 * std::numbers::pi);
  if (wavelength > original / scaling.low_frequency_factor) return frequency / scaling.factor;
  if (wavelength < original / scaling.high_frequency_factor) return frequency;
  const float blend = (1.0f / wavelength * original - scaling.low_frequency_factor) / (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1.0f - blend) * frequency / scaling.factor + blend * frequency;
}

}  // namespace

std::vector<float> RotaryFrequencies(const ModelSpec& spec) {
  const int64_t half = spec.width / spec.heads / 2;
  const RopeScaling& scaling = spec.rope_scaling;
  std::vector<float> frequencies;
  for (int64_t i = 0; i < half; ++i) {
    const float plain = 1.0f / static_cast<float>(std::pow(static_cast<double>(spec.rope_base), static_cast<double>(i) / static_cast<double>(half)));
    switch (scaling.kind) {
      case RopeScaling::Kind::kNone: frequencies.push_back(plain); break;
      case RopeScaling::Kind::kLinear: frequencies.push_back(plain / scaling.factor); break;
      case RopeScaling::Kind::kLlama3: frequencies.push_back(ScaleLlama3(plain, scaling)); break;
    }
  }
  return frequencies;
}

RotaryTables::RotaryTables(const ModelSpec& spec) : context_(spec.context) {
  if (spec.family == Family::kLlama) frequencies_ = RotaryFrequencies(spec);
}

void RotaryTables::Grow(int64_t positions) {
  if (positions <= positions_ || frequencies_.empty()) return;
  // Doubled, so that a pass that is a token longer than the last does not copy everything.
  const int64_t wanted = std::min(context_, std::max(positions, 2 * positions_));
  cosines_.reserve(static_cast<size_t>(wanted) * frequencies_.size());
  sines_.reserve(static_cast<size_t>(wanted) * frequencies_.size());
  for (; positions_ < wanted; ++positions_) {
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(positions_) * frequency;  // a float product, as in Hugging Face's implementation
      cosines_.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      sines_.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
}

}  // namespace lethe
