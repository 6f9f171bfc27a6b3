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

// Uniform in (-bound, bound).
void FillUniform(std::span<float> values, uint64_t seed, uint64_t stream, double bound) {
  for (size_t i = 0; i < values.size(); i += 4) {
    const auto bits = Philox(seed, stream, i / 4);
    for (size_t j = 0; j < 4 && i + j < values.size(); ++j) values[i + j] = static_cast<float>(bound * (2.0 * Uniform(bits[j]) - 1.0));
  }
}

}  // namespace

void ParameterStore::DeclareStored(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place) {
  if (place == Place::kAligned) matrices_.push_back(std::make_unique<StoredMatrix>());
  StoredMatrix& matrix = *matrices_.back();
  matrix.parts.push_back(std::make_unique<StoredTensor>(form_, shape[0], shape[1]));
  declared_.push_back({.start = start, .weight = weight, .offset = 0, .gradient = -1, .stored = &matrix});
  parameters_.push_back({.name = std::move(name), .shape = std::move(shape), .data = {}, .grad = {}, .stored = matrix.parts.back().get()});
}

void ParameterStore::Declare(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place) {
  if (!trained_ && form_ != FrozenForm::kF32 && shape.size() == 2) return DeclareStored(std::move(name), std::move(shape), start, weight, place);
  constexpr int64_t kLine = 16;  // floats of a cache line
  const auto align = [place](int64_t floats) { return place == Place::kAligned ? (floats + kLine - 1) / kLine * kLine : floats; };
  const int64_t count = Elements(shape);
  floats_ = align(floats_);
  if (trained_) gradient_floats_ = align(gradient_floats_);
  declared_.push_back({start, weight, floats_, trained_ ? gradient_floats_ : -1});
  floats_ += count;
  if (trained_) gradient_floats_ += count;
  parameters_.push_back({.name = std::move(name), .shape = std::move(shape), .data = {}, .grad = {}});
}

Status ParameterStore::Allocate() {
  int64_t panel_floats = 0;
  for (const auto& matrix : matrices_) panel_floats = std::max(panel_floats, matrix->PanelFloats());
  const bool placed = memory_.Place([&](Arena& arena) {
    data_ = arena.Take(floats_);
    grad_ = arena.Take(gradient_floats_);
    panel_ = arena.Take(panel_floats);  // pages that no product touches take no memory
  });
  if (!placed) {
    return Status(Code::kOutOfMemory, "expected " + std::to_string((floats_ + gradient_floats_) * 4) +
                                          " bytes for parameters and gradients, the machine has no memory left; lower the model's width or layers");
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Declared& declared = declared_[i];
    if (parameters_[i].stored != nullptr) {
      if (declared.weight != nullptr) *declared.weight = {.stored = declared.stored};
      continue;
    }
    const size_t count = static_cast<size_t>(Elements(parameters_[i].shape));
    float* const gradient = declared.gradient < 0 ? nullptr : grad_ + declared.gradient;
    parameters_[i].data = {data_ + declared.offset, count};
    if (gradient != nullptr) parameters_[i].grad = {gradient, count};
    if (declared.weight != nullptr) *declared.weight = {.data = data_ + declared.offset, .grad = gradient};
  }
  for (const auto& matrix : matrices_) matrix->panel = panel_;
  return Status::Ok();
}

Status ParameterStore::Initialize(uint64_t seed, uint64_t first_stream, float range, int residual_layers) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    StoredTensor* const stored = parameters_[i].stored;
    std::vector<float> made(stored == nullptr ? 0 : static_cast<size_t>(Elements(parameters_[i].shape)));
    const std::span<float> data = stored == nullptr ? parameters_[i].data : made;
    const uint64_t stream = first_stream + i;
    switch (declared_[i].start) {
      case Start::kNormal: FillNormal(data, seed, stream, range); break;
      case Start::kResidual: FillNormal(data, seed, stream, range / std::sqrt(2.0 * residual_layers)); break;
      case Start::kOne: std::fill(data.begin(), data.end(), 1.0f); break;
      case Start::kZero: std::fill(data.begin(), data.end(), 0.0f); break;
      case Start::kUniform: FillUniform(data, seed, stream, 1.0 / std::sqrt(static_cast<double>(parameters_[i].shape.back()))); break;
    }
    if (stored == nullptr) continue;
    if (Status status = stored->Keep(made); !status.ok()) return status;
  }
  return Status::Ok();
}

void ParameterStore::ZeroGradients() { std::fill_n(grad_, gradient_floats_, 0.0f); }

}  // namespace lethe
