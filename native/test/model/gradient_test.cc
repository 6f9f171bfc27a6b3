// The whole model's gradients against finite differences of its own loss, for both families and every way of tuning.
#include <algorithm>
#include <cmath>
#include <string>

#include "model/test_batch.h"
#include "near.h"

namespace lethe {
namespace {

using test::MakeBatch;
using test::MakeDecoder;
using test::Kind;
using test::Lora;
using test::SmallSpec;

double Loss(Decoder& decoder, const test::TestBatch& batch, bool loss_on_all) {
  double loss = 0;
  decoder.ZeroGradients();
  CHECK_OK(decoder.Backward(batch.sequences, 1.0f, loss_on_all, false, &loss));
  return loss;
}

// Along one random direction of each tensor: (L(p + h d) - L(p - h d)) / 2h against g . d. A direction sums many elements, so that fp32 noise of the loss
// (relative 1e-7) stays small against it.
void CheckTensors(const ModelSpec& spec, bool loss_on_all, const Tuning& tuning = {}) {
  ThreadPool pool(1);
  auto decoder = MakeDecoder(spec, &pool, 5, tuning);
  test::StirAdapters(*decoder);
  decoder->PlaceDropout({.seed = 3, .step = 2, .first_sequence = 1});  // one mask for all losses
  // Biases and norm weights away from their neutral start.
  for (Parameter& parameter : decoder->parameters()) {
    if (parameter.shape.size() != 1) continue;
    for (size_t i = 0; i < parameter.data.size(); ++i) parameter.data[i] += 0.2f * static_cast<float>(std::sin(1.0 + 3.0 * static_cast<double>(i)));
  }
  const test::TestBatch batch = MakeBatch(spec, 6);
  Loss(*decoder, batch, loss_on_all);
  const std::vector<float> gradients = test::Gradients(*decoder);
  size_t offset = 0, index = 0;
  for (Parameter& parameter : decoder->trained()) {
    const size_t count = parameter.data.size();
    const std::vector<float> before(parameter.data.begin(), parameter.data.end());
    double gradient_norm = 0;
    for (size_t i = 0; i < count; ++i) gradient_norm += static_cast<double>(gradients[offset + i]) * static_cast<double>(gradients[offset + i]);
    gradient_norm = std::sqrt(gradient_norm);
    CHECK(gradient_norm > 0);
    for (int trial = 0; trial < 3; ++trial) {
      // Half the gradient's own direction, half noise: never near orthogonal to it, yet a wrong element shows.
      std::vector<double> direction(count);
      double norm = 0;
      for (size_t i = 0; i < count; ++i) {
        const double noise = static_cast<double>(Philox(99, index, static_cast<uint64_t>(trial) << 32 | i)[0]) * 0x1p-31 - 1.0;
        direction[i] = static_cast<double>(gradients[offset + i]) / gradient_norm + noise / std::sqrt(static_cast<double>(count));
        norm += direction[i] * direction[i];
      }
      norm = std::sqrt(norm);
      double expected = 0;
      for (size_t i = 0; i < count; ++i) expected += static_cast<double>(gradients[offset + i]) * direction[i] / norm;
      const double h = 4e-3;
      double difference[2];  // steps h and 2h, for Richardson's extrapolation
      for (int scale = 1; scale <= 2; ++scale) {
        double loss[2];
        for (int side = 0; side < 2; ++side) {
          for (size_t i = 0; i < count; ++i) {
            parameter.data[i] = static_cast<float>(static_cast<double>(before[i]) + (side == 0 ? 1 : -1) * scale * h * direction[i] / norm);
          }
          loss[side] = Loss(*decoder, batch, loss_on_all);
        }
        difference[scale - 1] = (loss[0] - loss[1]) / (2 * scale * h);
      }
      const double measured = (4 * difference[0] - difference[1]) / 3;
      test::CheckNear(expected, measured, 1e-3, 2e-3, "gradient of " + parameter.name, __FILE__, __LINE__);
      std::copy(before.begin(), before.end(), parameter.data.begin());
    }
    offset += count;
    ++index;
  }
}

}  // namespace

TEST(EveryTensorOfGpt2AgreesWithFiniteDifferences) { CheckTensors(test::SmallSpec(Family::kGpt2), false); }
TEST(EveryTensorOfLlamaAgreesWithFiniteDifferences) { CheckTensors(test::SmallSpec(Family::kLlama), false); }
TEST(Gpt2WithItsOwnHeadAndLossOnAllTokensAgreesToo) { CheckTensors(test::SmallSpec(Family::kGpt2, false), true); }
TEST(LlamaWithItsOwnHeadAndLossOnAllTokensAgreesToo) { CheckTensors(test::SmallSpec(Family::kLlama, false), true); }

TEST(EveryAdapterAgrees) {
  for (Family family : {Family::kGpt2, Family::kLlama}) CheckTensors(SmallSpec(family), false, Lora(family));
}
TEST(EveryAdapterUnderDropoutAgrees) {
  for (Family family : {Family::kGpt2, Family::kLlama}) CheckTensors(SmallSpec(family), false, Lora(family, 0.3));
}
TEST(AdaptersOfOneModuleAgree) {
  Tuning tuning = Lora(Family::kLlama);
  tuning.targets = {"v_proj"};  // nothing trained above it in its block
  CheckTensors(SmallSpec(Family::kLlama), true, tuning);
  tuning.targets = {"mlp.c_proj"};
  CheckTensors(SmallSpec(Family::kGpt2), true, tuning);
}
TEST(TheTopBlockAgrees) {
  for (bool tied : {true, false}) CheckTensors(SmallSpec(Family::kLlama, tied), false, Kind(TuningKind::kTopBlock));
  CheckTensors(SmallSpec(Family::kGpt2), true, Kind(TuningKind::kTopBlock));
}
TEST(TheHeadAgreesTiedAndOnItsOwn) {
  for (bool tied : {true, false}) {
    for (Family family : {Family::kGpt2, Family::kLlama}) CheckTensors(SmallSpec(family, tied), false, Kind(TuningKind::kHead));
  }
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
