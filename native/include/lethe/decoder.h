// A GPT-2- or LLaMA-style decoder: parameters, forward, backward, scoring, greedy generation. fp32, CPU.
// Shapes: B sequences, T tokens, C width, V vocabulary. One Decoder owns its parameters, gradients and activations; no globals.
// Same inputs give the same bits for any number of threads of the pool.
#ifndef LETHE_DECODER_H_
#define LETHE_DECODER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lethe/status.h"

namespace lethe {

class ThreadPool;

enum class Family { kGpt2, kLlama };

// How rotary frequencies are stretched for contexts longer than those of the pretraining.
struct RopeScaling {
  enum class Kind {
    kNone,
    kLinear,  // every frequency / factor
    kLlama3,  // frequencies of wavelengths above original_context / low_frequency_factor are divided by factor, those below original_context /
              // high_frequency_factor stay, between them a blend of both
  };
  Kind kind = Kind::kNone;
  float factor = 1.0f;
  float low_frequency_factor = 1.0f, high_frequency_factor = 4.0f;  // kLlama3, as the next
  int original_context = 8192;

  bool operator==(const RopeScaling&) const = default;
};

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
  RopeScaling rope_scaling = {};  // LLaMA only
  float initial_range = 0.02f;
};

// What is trained. The rest is frozen: it has no gradient and no optimizer state, and the backward skips whatever no trained parameter needs.
enum class TuningKind {
  kNone,      // nothing: a model that only scores and generates has no gradients
  kFull,
  kLora,      // adapters on the named modules (Hu et al. 2021); the model's own parameters stay as they are
  kTopBlock,  // the last block, the last norm, and the head where it is a matrix of its own: a tied head is the token table, which stays
  kHead,      // the head; where it is tied, the token table in both its roles, as in PyTorch
};

// In what form the frozen matrices of products and the token table are kept. What is trained, vectors and position tables are fp32 in any case.
// Products of a kept form have the bits of products of the same numbers in fp32.
enum class FrozenForm {
  kF32,
  kBf16,      // half the memory; exact where the weights come as bf16, otherwise rounded
  kAsStored,  // the number format of the file that they come from; fp32 where they come from none
};

struct Tuning {
  TuningKind kind = TuningKind::kFull;
  FrozenForm frozen = FrozenForm::kF32;
  // kLora: y += alpha / rank * drop(x) A^T B^T for each module whose name ends with a target ("q_proj", "c_attn", "mlp.c_proj").
  int rank = 0;
  double alpha = 0;
  double dropout = 0;  // share of x's elements that an adapter does not see while training
  std::vector<std::string> targets;
};

// Where the masks of LoRA's dropout stand in their stream: beside this a mask depends on the adapter, the sequence's number in the whole batch, its position and
// the channel, so that micro-batches, recompute and resumption change none.
struct DropoutPlace {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_sequence = 0;  // number in the whole batch of the first sequence of the next Backward
};

class StoredTensor;

// A parameter by its Hugging Face name; data and grad live as long as the Decoder.
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  std::span<float> data;           // empty when it is kept in another form
  std::span<float> grad;           // empty when frozen
  StoredTensor* stored = nullptr;  // in place of data
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

// How prompts are continued.
struct Continuation {
  std::span<const int32_t> end_tokens;
  int max_new_tokens = 0;
  std::function<Status()> between;  // when set: called before each token; an error of it ends the generation and is returned
};

class Decoder {
 public:
  // kFrozen: TuningKind::kNone. Backward is then kInternal.
  enum class Purpose { kTraining, kFrozen };
  // Errors: a spec that cannot be (heads do not divide width, …), no memory.
  static Status Create(const ModelSpec& spec, ThreadPool* pool, std::unique_ptr<Decoder>* out, Purpose purpose = Purpose::kTraining);
  // Errors also: a rank below 1, a target that no module of the family has.
  static Status Create(const ModelSpec& spec, const Tuning& tuning, ThreadPool* pool, std::unique_ptr<Decoder>* out);
  virtual ~Decoder() = default;

  virtual const ModelSpec& spec() const = 0;
  // The model's own, frozen or not.
  virtual std::span<Parameter> parameters() = 0;
  // What an optimizer updates and a checkpoint holds: parameters() when all are trained, otherwise those with a gradient. Adapters have PEFT's names
  // ("base_model.model.<module>.lora_A.weight").
  virtual std::span<Parameter> trained() = 0;
  // A uniform within 1 / sqrt(in) by a counter-based generator, B zero, as PEFT does: the adapted model starts as the model itself. Nothing without adapters.
  virtual void InitializeAdapters(uint64_t seed) = 0;
  // The data of parameters()[index] with the product of its adapter added, made in `memory`; without an adapter, and where it is kept as fp32, the data itself.
  // What a merged model holds.
  virtual std::span<const float> Merged(size_t index, std::vector<float>* memory) const = 0;
  // The same from element `from` on, as many as come in one piece: a large matrix that is kept in another form is never there as a whole.
  virtual std::span<const float> MergedPiece(size_t index, size_t from, std::vector<float>* memory) const = 0;
  // For the Backward calls that follow; needed where dropout is not 0.
  virtual void PlaceDropout(const DropoutPlace& place) = 0;
  // Normal(0, initial_range) by a counter-based generator keyed (seed, parameter index); norms 1, biases 0; residual projections scaled as GPT-2 does.
  // Error: kOutOfMemory, where weights are kept in another form than fp32.
  virtual Status Initialize(uint64_t seed) = 0;

  // Forward and backward over a micro-batch; adds gradients of (sum over the batch's targets of -log p) * scale. Returns that sum unscaled, in double.
  // loss_on_all: every token after the first is a target, otherwise the response only. recompute: keep no inner activations of a block.
  virtual Status Backward(std::span<const Sequence> batch, float scale, bool loss_on_all, bool recompute, double* loss_sum) = 0;
  virtual void ZeroGradients() = 0;

  // Teacher-forced scores; out.size() == batch.size().
  virtual Status Score(std::span<const Sequence> batch, std::span<SequenceScore> out) = 0;

  // Greedy continuation of prompts with a KV cache, up to and without the first end token, never beyond the context.
  virtual Status Generate(std::span<const std::span<const int32_t>> prompts, const Continuation& how, std::vector<std::vector<int32_t>>* out) = 0;
  Status Generate(std::span<const std::span<const int32_t>> prompts, int32_t end_token, int max_new_tokens, std::vector<std::vector<int32_t>>* out) {
    return Generate(prompts, {.end_tokens = std::span(&end_token, 1), .max_new_tokens = max_new_tokens, .between = {}}, out);
  }
};

}  // namespace lethe

#endif  // LETHE_DECODER_H_
