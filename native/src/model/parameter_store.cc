#include "model/parameter_store.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "lethe/philox.h"

namespace lethe {
namespace {

int64_t Elements(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

// Uniform in (0, 1) from 32 bits.
double Uniform(uint32_t bits) { return (static_cast<double>(bits) + 0.5) * 0x1p-32; }

// Four normal numbers a counter, by Box and Muller (1958).
void FillNormal(std::span<float> values, uint64_t seed, uint64_t stream, double deviation) {
  for (size_t i = 0; i < values.size(); i += 4) {
    const auto bits = Philox(seed, stream, i / 4);
    double normal[4];
    for (size_t pair = 0; pair < 4; pair += 2) {
      const double radius = std::sqrt(-2.0 * std::log(Uniform(bits[pair])));
      const double angle = 2.0 * std::numbers::pi * Uniform(bits[pair + 1]);
      normal[pair] = radius * std::cos(angle);
      normal[pair + 1] = radius * std::sin(angle);
    }
    for (size_t j = 0; j < 4 && i + j < values.size(); ++j) values[i + j] = static_cast<float>(deviation * normal[j]);
  }
}

}  // namespace

void ParameterStore::Declare(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place) {
  constexpr int64_t kLine = 16;  // floats of a cache line
  if (place == Place::kAligned) floats_ = (floats_ + kLine - 1) / kLine * kLine;
  declared_.push_back({start, weight, floats_});
  floats_ += Elements(shape);
  parameters_.push_back({.name = std::move(name), .shape = std::move(shape), .data = {}, .grad = {}});
}

Status ParameterStore::Allocate() {
  const bool placed = memory_.Place([&](Arena& arena) {
    data_ = arena.Take(floats_);
    grad_ = arena.Take(floats_);
  });
  if (!placed) {
    return Status(Code::kOutOfMemory, "expected " + std::to_string(2 * floats_ * 4) + " bytes for parameters and gradients, the machine has no memory left; lower the model's width or layers");
  }
  std::fill_n(data_, floats_, 0.0f);
  std::fill_n(grad_, floats_, 0.0f);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const size_t count = static_cast<size_t>(Elements(parameters_[i].shape));
    parameters_[i].data = {data_ + declared_[i].offset, count};
    parameters_[i].grad = {grad_ + declared_[i].offset, count};
    if (declared_[i].weight != nullptr) *declared_[i].weight = {data_ + declared_[i].offset, grad_ + declared_[i].offset};
  }
  return Status::Ok();
}

void ParameterStore::Initialize(uint64_t seed, float range, int residual_layers) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::span<float> data = parameters_[i].data;
    switch (declared_[i].start) {
      case Start::kNormal: FillNormal(data, seed, i, range); break;
      case Start::kResidual: FillNormal(data, seed, i, range / std::sqrt(2.0 * residual_layers)); break;
      case Start::kOne: std::fill(data.begin(), data.end(), 1.0f); break;
      case Start::kZero: std::fill(data.begin(), data.end(), 0.0f); break;
    }
  }
}

void ParameterStore::ZeroGradients() { std::fill_n(grad_, floats_, 0.0f); }

}  // namespace lethe
