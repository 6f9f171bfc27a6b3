// Small models and batches for tests: unequal lengths, fixed by a seed.
#ifndef LETHE_TEST_MODEL_TEST_BATCH_H_
#define LETHE_TEST_MODEL_TEST_BATCH_H_

#include <memory>
#include <span>
#include <vector>

#include "check.h"
#include "lethe/decoder.h"
#include "lethe/philox.h"
#include "lethe/thread_pool.h"

namespace lethe::test {

inline ModelSpec SmallSpec(Family family, bool tied_head = true) {
  ModelSpec spec;
  spec.family = family;
  spec.layers = 2;
  spec.width = 24;
  spec.heads = family == Family::kLlama ? 6 : 2;  // LLaMA: heads of 4 lanes, 3 heads a key; GPT-2: 12 lanes, so that vectors have a rest
  spec.key_value_heads = family == Family::kLlama ? 2 : spec.heads;
  spec.feed_forward = family == Family::kLlama ? 40 : 96;
  spec.context = 20;
  spec.vocabulary = 37;
  spec.tied_head = tied_head;
  spec.initial_range = 0.3f;  // large, so that softmax and slopes leave their linear ranges
  return spec;
}

inline std::unique_ptr<Decoder> MakeDecoder(const ModelSpec& spec, ThreadPool* pool, uint64_t seed = 5, const Tuning& tuning = {}) {
  std::unique_ptr<Decoder> decoder;
  CHECK_OK(Decoder::Create(spec, tuning, pool, &decoder));
  CHECK_OK(decoder->Initialize(seed));
  decoder->InitializeAdapters(seed);
  return decoder;
}

inline Tuning Kind(TuningKind kind) {
  Tuning tuning;
  tuning.kind = kind;
  return tuning;
}

// Adapters on every module of the family, those of joined products too.
inline Tuning Lora(Family family, double dropout = 0) {
  Tuning tuning = Kind(TuningKind::kLora);
  tuning.rank = 3;
  tuning.alpha = 6;
  tuning.dropout = dropout;
  if (family == Family::kGpt2) {
    tuning.targets = {"c_attn", "c_proj", "c_fc"};
  } else {
    tuning.targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  }
  return tuning;
}

// B's start at zero, where A has no gradient and dropout shows nowhere.
inline void StirAdapters(Decoder& decoder, uint64_t seed = 7) {
  uint64_t stream = 0;
  for (Parameter& parameter : decoder.trained()) {
    ++stream;
    if (!parameter.name.ends_with("lora_B.weight")) continue;
    for (size_t i = 0; i < parameter.data.size(); ++i) parameter.data[i] = static_cast<float>(0.2 * (static_cast<double>(Philox(seed, stream, i)[0]) * 0x1p-31 - 1.0));
  }
}

struct TestBatch {
  std::vector<std::vector<int32_t>> tokens;
  std::vector<Sequence> sequences;
};

// `count` sequences of 3 to spec.context tokens; prompts of 1 to length - 1.
inline TestBatch MakeBatch(const ModelSpec& spec, int count, uint64_t seed = 11) {
  TestBatch batch;
  batch.tokens.resize(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto shape = Philox(seed, static_cast<uint64_t>(i), 1u << 20);
    const uint32_t length = 3 + shape[0] % static_cast<uint32_t>(spec.context - 2);
    for (uint32_t t = 0; t < length; ++t) {
      batch.tokens[static_cast<size_t>(i)].push_back(static_cast<int32_t>(Philox(seed, static_cast<uint64_t>(i), t)[0] % static_cast<uint32_t>(spec.vocabulary)));
    }
    batch.sequences.push_back({.tokens = batch.tokens[static_cast<size_t>(i)], .prompt_length = static_cast<int>(1 + shape[1] % (length - 1))});
  }
  return batch;
}

// Gradients of all that is trained, in its order.
inline std::vector<float> Gradients(Decoder& decoder) {
  std::vector<float> all;
  for (const Parameter& parameter : decoder.trained()) all.insert(all.end(), parameter.grad.begin(), parameter.grad.end());
  return all;
}

}  // namespace lethe::test

#endif  // LETHE_TEST_MODEL_TEST_BATCH_H_
