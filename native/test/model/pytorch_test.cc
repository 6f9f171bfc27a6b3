// Both families against what PyTorch and Transformers computed (test/fixtures/native/make_fixtures.py): log-probabilities, every gradient, ten AdamW
// steps, greedy continuations.
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/thread_pool.h"
#include "near.h"
#include "weights/safetensors_reader.h"

namespace lethe {
namespace {

struct Fixture {
  nlohmann::json facts;
  SafetensorsReader tensors;
  ModelSpec spec;
  std::vector<std::vector<int32_t>> tokens;
  std::vector<Sequence> sequences;
  int64_t targets = 0;
};

void Load(const std::string& name, Fixture* fixture) {
  const std::string path = std::string(LETHE_FIXTURES) + "/native/" + name;
  std::ifstream(path + ".json") >> fixture->facts;
  CHECK_OK(fixture->tensors.Open(path + ".safetensors"));
  const auto& spec = fixture->facts["spec"];
  fixture->spec = {.family = spec["family"] == "llama" ? Family::kLlama : Family::kGpt2,
                   .layers = spec["layers"],
                   .width = spec["width"],
                   .heads = spec["heads"],
                   .key_value_heads = spec["keyValueHeads"],
                   .feed_forward = spec["feedForward"],
                   .context = spec["context"],
                   .vocabulary = spec["vocabulary"],
                   .tied_head = spec["tiedHead"],
                   .norm_epsilon = spec["normEpsilon"],
                   .rope_base = spec["ropeBase"]};
  if (spec.contains("ropeScaling")) {
    const auto& scaling = spec["ropeScaling"];
    fixture->spec.rope_scaling = {.kind = scaling["kind"] == "linear" ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3, .factor = scaling["factor"]};
    if (scaling.contains("originalContext")) {
      fixture->spec.rope_scaling.low_frequency_factor = scaling["lowFrequencyFactor"];
      fixture->spec.rope_scaling.high_frequency_factor = scaling["highFrequencyFactor"];
      fixture->spec.rope_scaling.original_context = scaling["originalContext"];
    }
  }
  for (const auto& sequence : fixture->facts["sequences"]) fixture->tokens.push_back(sequence["tokens"]);
  for (size_t i = 0; i < fixture->tokens.size(); ++i) {
    fixture->sequences.push_back({.tokens = fixture->tokens[i], .prompt_length = fixture->facts["sequences"][i]["promptLength"]});
    fixture->targets += static_cast<int64_t>(fixture->tokens[i].size()) - fixture->sequences[i].prompt_length;
  }
}

std::unique_ptr<Decoder> Restore(const Fixture& fixture, ThreadPool* pool) {
  std::unique_ptr<Decoder> decoder;
  CHECK_OK(Decoder::Create(fixture.spec, pool, &decoder));
  for (Parameter& parameter : decoder->parameters()) CHECK_OK(fixture.tensors.Read("weights." + parameter.name, parameter.shape, parameter.data));
  return decoder;
}

void CheckLogProbs(const Fixture& fixture) {
  ThreadPool pool(1);
  auto decoder = Restore(fixture, &pool);
  int64_t count = 0;
  for (const auto& tokens : fixture.tokens) count += static_cast<int64_t>(tokens.size()) - 1;
  std::vector<float> expected(static_cast<size_t>(count));
  CHECK_OK(fixture.tensors.Read("log_probs", {count}, expected));
  size_t next = 0;
  for (const auto& tokens : fixture.tokens) {
    for (size_t t = 1; t < tokens.size(); ++t, ++next) {  // token t alone is the response
      const Sequence sequence{.tokens = std::span(tokens).first(t + 1), .prompt_length = static_cast<int>(t)};
      SequenceScore score;
      CHECK_OK(decoder->Score(std::span(&sequence, 1), std::span(&score, 1)));
      CHECK_NEAR(score.sum_log_prob, static_cast<double>(expected[next]), 1e-5, 0);
    }
  }
}

void CheckGradients(const Fixture& fixture) {
  ThreadPool pool(1);
  auto decoder = Restore(fixture, &pool);
  double loss = 0;
  CHECK_OK(decoder->Backward(fixture.sequences, 1.0f / static_cast<float>(fixture.targets), false, false, &loss));
  CHECK_NEAR(loss / static_cast<double>(fixture.targets), fixture.facts["losses"][0].get<double>(), 1e-6, 0);
  for (const Parameter& parameter : decoder->parameters()) {
    std::vector<float> expected(parameter.grad.size());
    CHECK_OK(fixture.tensors.Read("gradients." + parameter.name, parameter.shape, expected));
    const test::Agreement agreement = test::Compare(std::span<const float>(parameter.grad), std::span<const float>(expected));
    test::CheckNear(agreement.relative, 0, 1e-5, 0, "relative error of the gradient of " + parameter.name, __FILE__, __LINE__);
    test::CheckNear(agreement.cosine, 1, 1e-8, 0, "cosine of the gradient of " + parameter.name, __FILE__, __LINE__);
  }
}

void CheckTraining(const Fixture& fixture) {
  ThreadPool pool(1);
  auto decoder = Restore(fixture, &pool);
  const auto& recipe = fixture.facts["optimizer"];
  AdamW optimizer(decoder->parameters(), {.beta1 = recipe["beta1"], .beta2 = recipe["beta2"], .epsilon = recipe["epsilon"], .weight_decay = recipe["weightDecay"]}, &pool);
  const std::vector<double> losses = fixture.facts["losses"], norms = fixture.facts["gradientNorms"];
  CHECK_EQ(losses.size(), size_t{10});
  for (size_t step = 0; step < losses.size(); ++step) {
    double loss = 0;
    decoder->ZeroGradients();
    CHECK_OK(decoder->Backward(fixture.sequences, 1.0f / static_cast<float>(fixture.targets), false, false, &loss));
    CHECK_NEAR(loss / static_cast<double>(fixture.targets), losses[step], 1e-5, 0);
    CHECK_NEAR(ClipGradients(decoder->parameters(), recipe["clipNorm"], &pool), norms[step], 1e-4, 1e-4);
    optimizer.Step(recipe["learningRate"], static_cast<int64_t>(step) + 1);
  }
}

void CheckGreedy(const Fixture& fixture) {
  ThreadPool pool(1);
  auto decoder = Restore(fixture, &pool);
  std::vector<std::span<const int32_t>> prompts;
  for (const Sequence& sequence : fixture.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
  std::vector<std::vector<int32_t>> generated;
  CHECK_OK(decoder->Generate(prompts, 0, 8, &generated));
  for (size_t i = 0; i < prompts.size(); ++i) CHECK(generated[i] == fixture.facts["greedy"][i].get<std::vector<int32_t>>());
}

void With(const char* name, void (*check)(const Fixture&)) {
  Fixture fixture;
  Load(name, &fixture);
  check(fixture);
}

}  // namespace

TEST(Gpt2GivesTheLogProbabilitiesOfTransformers) { With("gpt2", CheckLogProbs); }
TEST(LlamaGivesTheLogProbabilitiesOfTransformers) { With("llama", CheckLogProbs); }
TEST(RotaryPositionsOfLlama3GiveTheLogProbabilitiesOfTransformers) { With("llama3", CheckLogProbs); }
TEST(LinearlyScaledPositionsGiveTheLogProbabilitiesOfTransformers) { With("linear", CheckLogProbs); }
TEST(Gpt2GivesTheGradientsOfPyTorch) { With("gpt2", CheckGradients); }
TEST(LlamaGivesTheGradientsOfPyTorch) { With("llama", CheckGradients); }
TEST(RotaryPositionsOfLlama3GiveTheGradientsOfPyTorch) { With("llama3", CheckGradients); }
TEST(LinearlyScaledPositionsGiveTheGradientsOfPyTorch) { With("linear", CheckGradients); }
TEST(TenStepsOfGpt2FollowPyTorch) { With("gpt2", CheckTraining); }
TEST(TenStepsOfLlamaFollowPyTorch) { With("llama", CheckTraining); }
TEST(TenStepsWithPositionsOfLlama3FollowPyTorch) { With("llama3", CheckTraining); }
TEST(TenStepsWithLinearlyScaledPositionsFollowPyTorch) { With("linear", CheckTraining); }
TEST(Gpt2ContinuesAsTransformersDoes) { With("gpt2", CheckGreedy); }
TEST(LlamaContinuesAsTransformersDoes) { With("llama", CheckGreedy); }
TEST(ScaledPositionsContinueAsTransformersDoes) {
  With("llama3", CheckGreedy);
  With("linear", CheckGreedy);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
