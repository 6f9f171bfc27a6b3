// A GPT-2- or LLaMA-style decoder: parameters, forward, backward, scoring, greedy generation. fp32, CPU.
// Shapes: B sequences, T tokens, C width, V vocabulary. One Decoder owns its parameters, gradients and activations; no globals.
// Same inputs give the same bits for any number of threads of the pool.
#ifndef LETHE_DECODER_H_
#define LETHE_DECODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lethe/status.h"

namespace lethe {

class ThreadPool;

enum class Family { kGpt2, kLlama };

struct ModelSpec {
  Family family = Family::kGpt2;
  int layers = 0;
  int width = 0;             // C
  int heads = 0;
  int key_value_heads = 0;   // equals heads for GPT-2
  int feed_forward = 0;
  int context = 0;           // longest sequence
  int vocabulary = 0;        // V
  bool tied_head = true;
  float norm_epsilon = 1e-5f;
  float rope_base = 10000.0f;
  float initial_range = 0.02f;
};

// A parameter by its Hugging Face name; data and grad live as long as the Decoder.
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  std::span<float> data;
  std::span<float> grad;     // empty when frozen
};

// One sequence: prompt and response laid end to end. Views; the caller keeps the tokens alive during the call.
struct Sequence {
  std::span<const int32_t> tokens;
  int prompt_length = 0;     // targets are tokens[prompt_length ..)
};

struct SequenceScore {
  int tokens = 0;            // response tokens, end token included
  double sum_log_prob = 0;   // accumulated in double
  bool exact_match = false;  // every target was the arg max of its position (equals greedy decoding)
};

class Decoder {
 public:
  // Errors: a spec that cannot be (heads do not divide width, …), no memory.
  static Status Create(const ModelSpec& spec, ThreadPool* pool, std::unique_ptr<Decoder>* out);
  virtual ~Decoder() = default;

  virtual const ModelSpec& spec() const = 0;
  virtual std::span<Parameter> parameters() = 0;
  // Normal(0, initial_range) by a counter-based generator keyed (seed, parameter index); norms 1, biases 0; residual projections scaled as GPT-2 does.
  virtual void Initialize(uint64_t seed) = 0;

  // Forward and backward over a micro-batch; adds gradients of (sum over the batch's targets of -log p) * scale. Returns that sum unscaled, in double.
  // loss_on_all: every token after the first is a target, otherwise the response only. recompute: keep no inner activations of a block.
  virtual Status Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) = 0;
  virtual void ZeroGradients() = 0;

  // Teacher-forced scores; out.size() == batch.size().
  virtual Status Score(std::span<const Sequence> batch, std::span<SequenceScore> out) = 0;

  // Greedy continuation of prompts with a KV cache, up to and without end_token, at most max_new_tokens.
  virtual Status Generate(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens,
                          std::vector<std::vector<int32_t>>* out) = 0;
};

}  // namespace lethe

#endif  // LETHE_DECODER_H_
