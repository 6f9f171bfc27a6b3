#include "lethe/adamw.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "lethe/thread_pool.h"
#include "ops/cpu/ops.h"

namespace lethe {
namespace {

constexpr int64_t kChunk = 16384;  // elements a task takes: a fixed cut, so that sums do not depend on threads

// Calls body(parameter index, begin, count) for fixed chunks of all trainable parameters.
template <typename Body>
void ForChunks(std::span<const Parameter> parameters, ThreadPool* pool, const Body& body) {
  struct Chunk { size_t index; int64_t begin, count; };
  std::vector<Chunk> chunks;
  for (size_t index = 0; index < parameters.size(); ++index) {
    const int64_t size = static_cast<int64_t>(parameters[index].grad.size());
    for (int64_t begin = 0; begin < size; begin += kChunk) chunks.push_back({index, begin, std::min(kChunk, size - begin)});
  }
  pool->For(static_cast<int64_t>(chunks.size()), [&](int64_t task) {
    const Chunk& chunk = chunks[static_cast<size_t>(task)];
    body(task, chunk.index, chunk.begin, chunk.count);
  });
}

}  // namespace

AdamW::AdamW(std::span<Parameter> parameters, const AdamWOptions& options, ThreadPool* pool) : parameters_(parameters), options_(options), pool_(pool) {
  size_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.grad.size();
  storage_.reset(static_cast<float*>(std::calloc(std::max<size_t>(2 * total, 1), sizeof(float))));
  if (storage_ == nullptr) throw std::bad_alloc();
  float* next = storage_.get();
  for (const Parameter& parameter : parameters_) {
    first_.emplace_back(next, parameter.grad.size());
    second_.emplace_back(next + total, parameter.grad.size());
    next += parameter.grad.size();
  }
}

void AdamW::Step(double learning_rate, int64_t step, float gradient_scale) {
  const double correction1 = 1.0 - std::pow(static_cast<double>(options_.beta1), static_cast<double>(step));
  const double correction2 = 1.0 - std::pow(static_cast<double>(options_.beta2), static_cast<double>(step));
  const float step_size = static_cast<float>(learning_rate / correction1);
  const float inverse_root = static_cast<float>(1.0 / std::sqrt(correction2));
  const Ops& ops = ActiveOps();
  ForChunks(parameters_, pool_, [&](int64_t, size_t index, int64_t begin, int64_t count) {
    Parameter& parameter = parameters_[index];
    const float decay = parameter.shape.size() == 2 ? static_cast<float>(learning_rate * static_cast<double>(options_.weight_decay)) : 0.0f;
    ops.adamw(parameter.data.data() + begin, first_[index].data() + begin, second_[index].data() + begin, parameter.grad.data() + begin, gradient_scale, count, options_.beta1,
              options_.beta2, step_size, inverse_root, options_.epsilon, decay);
  });
}

double GradientNorm(std::span<const Parameter> parameters, ThreadPool* pool) {
  size_t chunks = 0;
  for (const Parameter& parameter : parameters) chunks += (parameter.grad.size() + kChunk - 1) / kChunk;
  std::vector<double> sums(chunks);
  const Ops& ops = ActiveOps();
  ForChunks(parameters, pool, [&](int64_t task, size_t index, int64_t begin, int64_t count) {
    sums[static_cast<size_t>(task)] = ops.sum_of_squares(parameters[index].grad.data() + begin, count);
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return std::sqrt(total);
}

float ClipFactor(double norm, double clip_norm) {
  if (clip_norm <= 0 || !std::isfinite(norm)) return 1.0f;
  const double factor = clip_norm / (norm + 1e-6);
  return factor >= 1.0 ? 1.0f : static_cast<float>(factor);
}

double ClipGradients(std::span<Parameter> parameters, double clip_norm, ThreadPool* pool) {
  const double norm = GradientNorm(parameters, pool);
  const float factor = ClipFactor(norm, clip_norm);
  if (factor == 1.0f) return norm;
  const Ops& ops = ActiveOps();
  ForChunks(parameters, pool, [&](int64_t, size_t index, int64_t begin, int64_t count) {
    ops.scale(parameters[index].grad.data() + begin, factor, count);
  });
  return norm;
}

}  // namespace lethe
