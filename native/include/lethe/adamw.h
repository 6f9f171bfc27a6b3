// AdamW (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2) over a decoder's parameters, and clipping by global norm.
#ifndef LETHE_ADAMW_H_
#define LETHE_ADAMW_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "lethe/decoder.h"

namespace lethe {

struct AdamWOptions {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.0f;  // on tensors of two dimensions only
};

// Holds both moments of every parameter that has a gradient. The parameters must outlive it.
class AdamW {
 public:
  // Moments start at zero. A checkpoint restores them by writing through first_moment/second_moment.
  AdamW(std::span<Parameter> parameters, const AdamWOptions& options, ThreadPool* pool);

  // One update. step counts updates from 1: it is the power of the bias corrections. Gradients are read, each times gradient_scale, and not cleared.
  void Step(double learning_rate, int64_t step, float gradient_scale = 1.0f);

  // Moments of parameters[index]; empty when that parameter is frozen.
  std::span<float> first_moment(size_t index) { return first_[index]; }
  std::span<float> second_moment(size_t index) { return second_[index]; }

 private:
  std::span<Parameter> parameters_;
  AdamWOptions options_;
  ThreadPool* pool_;
  // From calloc: large pieces are pages of zeros that the first step makes resident, not the start.
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> storage_;
  std::vector<std::span<float>> first_;
  std::vector<std::span<float>> second_;
};

// Square root of the sum of squares of all gradients, in double, in an order fixed by the shapes.
double GradientNorm(std::span<const Parameter> parameters, ThreadPool* pool);

// What clipping multiplies gradients of this norm by: 1 where they pass (clip_norm 0: always), otherwise clip_norm / (norm + 1e-6), as torch's clip_grad_norm_.
float ClipFactor(double norm, double clip_norm);

// Scales all gradients by clip_norm / norm when norm > clip_norm (torch's clip_grad_norm_ with its 1e-6); returns the norm before. clip_norm 0 only measures.
// A norm that is not finite is returned and nothing is scaled: the caller reports divergence.
double ClipGradients(std::span<Parameter> parameters, double clip_norm, ThreadPool* pool);

}  // namespace lethe

#endif  // LETHE_ADAMW_H_
