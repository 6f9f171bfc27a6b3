// LoRA against what PEFT computed (test/fixtures/native/make_lora_fixtures.py): loss, the gradient of every adapter, ten AdamW steps.
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/thread_pool.h"
#include "model/fixture.h"
#include "near.h"
#include "weights/safetensors_reader.h"

namespace lethe {
namespace {

struct LoraFixture {
  test::ModelFixture base;
  nlohmann::json facts;
  SafetensorsReader tensors;
};

void Load(const std::string& name, LoraFixture* fixture) {
  fixture->base.Load(name);
  const std::string path = std::string(LETHE_FIXTURES) + "/native/" + name + "-lora";
  std::ifstream(path + ".json") >> fixture->facts;
  CHECK_OK(fixture->tensors.Open(path + ".safetensors"));
}

// The base model with the adapters of the start. Every tensor of the fixture is found under our names, so the names are PEFT's.
std::unique_ptr<Decoder> Restore(const LoraFixture& fixture, ThreadPool* pool) {
  Tuning tuning;
  tuning.kind = TuningKind::kLora;
  tuning.rank = fixture.facts["rank"];
  tuning.alpha = fixture.facts["alpha"];
  tuning.targets = fixture.facts["targets"].get<std::vector<std::string>>();
  std::unique_ptr<Decoder> decoder;
  CHECK_OK(Decoder::Create(fixture.base.spec, tuning, pool, &decoder));
  fixture.base.Restore(*decoder);
  size_t adapters = 0;
  for (const auto& [name, tensor] : fixture.tensors.tensors()) adapters += name.starts_with("adapters.") ? 1 : 0;
  CHECK_EQ(adapters, decoder->trained().size());
  for (Parameter& parameter : decoder->trained()) CHECK_OK(fixture.tensors.Read("adapters." + parameter.name, parameter.shape, parameter.data));
  return decoder;
}

void CheckAgainst(const LoraFixture& fixture, const Parameter& parameter, std::span<const float> found, const std::string& group, double relative) {
  std::vector<float> expected(found.size());
  CHECK_OK(fixture.tensors.Read(group + "." + parameter.name, parameter.shape, expected));
  const test::Agreement agreement = test::Compare(found, std::span<const float>(expected));
  test::CheckNear(agreement.relative, 0, relative, 0, "relative error of " + group + "." + parameter.name, __FILE__, __LINE__);
}

// fp32 sums in another order than PyTorch's: 1e-5 relative, as for the gradients of full training. Ten steps of Adam, which divides by the root of small second
// moments, carry that up to 1e-4 of the adapters.
void CheckFamily(const std::string& name) {
  LoraFixture fixture;
  Load(name, &fixture);
  ThreadPool pool(1);
  auto decoder = Restore(fixture, &pool);
  const auto& recipe = fixture.base.facts["optimizer"];
  AdamW optimizer(decoder->trained(), {.beta1 = recipe["beta1"], .beta2 = recipe["beta2"], .epsilon = recipe["epsilon"], .weight_decay = recipe["weightDecay"]}, &pool);
  const std::vector<double> losses = fixture.facts["losses"], norms = fixture.facts["gradientNorms"];
  CHECK_EQ(losses.size(), size_t{10});
  const double targets = static_cast<double>(fixture.base.targets);
  for (size_t step = 0; step < losses.size(); ++step) {
    double loss = 0;
    decoder->ZeroGradients();
    CHECK_OK(decoder->Backward(fixture.base.sequences, static_cast<float>(1.0 / targets), false, false, &loss));
    CHECK_NEAR(loss / targets, losses[step], step == 0 ? 1e-6 : 1e-5, 0);
    if (step == 0) {
      for (const Parameter& parameter : decoder->trained()) CheckAgainst(fixture, parameter, parameter.grad, "gradients", 1e-5);
    }
    const double norm = GradientNorm(decoder->trained(), &pool);
    CHECK_NEAR(norm, norms[step], 1e-4, 1e-4);
    optimizer.Step(recipe["learningRate"], static_cast<int64_t>(step) + 1, ClipFactor(norm, recipe["clipNorm"]));
  }
  for (const Parameter& parameter : decoder->trained()) CheckAgainst(fixture, parameter, parameter.data, "trained", 1e-4);
}

}  // namespace

TEST(AdaptersOfGpt2TrainAsPeftTrainsThem) { CheckFamily("gpt2"); }
TEST(AdaptersOfLlamaTrainAsPeftTrainsThem) { CheckFamily("llama"); }

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
