// LayerNorm and RMSNorm against their formulas in double and finite differences of those, at every level of this CPU.
#include "ops/reference.h"

namespace lethe {
namespace {

using test::Random;
using test::Weighted;
using test::Widen;

constexpr int64_t kRows = 5;
constexpr float kEpsilon = 1e-5f;

std::vector<double> NormInDouble(const std::vector<double>& x, const std::vector<double>& weight, const std::vector<double>& bias, int64_t width) {
  std::vector<double> y(x.size());
  for (int64_t r = 0; r < kRows; ++r) {
    double mean = 0, square = 0;
    for (int64_t c = 0; c < width; ++c) mean += bias.empty() ? 0 : x[static_cast<size_t>(r * width + c)] / static_cast<double>(width);
    for (int64_t c = 0; c < width; ++c) square += std::pow(x[static_cast<size_t>(r * width + c)] - mean, 2) / static_cast<double>(width);
    const double s = 1 / std::sqrt(square + static_cast<double>(kEpsilon));
    for (int64_t c = 0; c < width; ++c) {
      const size_t i = static_cast<size_t>(r * width + c), k = static_cast<size_t>(c);
      y[i] = (x[i] - mean) * s * weight[k] + (bias.empty() ? 0 : bias[k]);
    }
  }
  return y;
}

void CheckNorm(bool layer_norm, int64_t width) {
  const std::vector<float> x = Random(kRows * width, 1, 2.0), weight = Random(width, 2), dy = Random(kRows * width, 4);
  const std::vector<float> bias = layer_norm ? Random(width, 3) : std::vector<float>();
  std::vector<double> dx_input = Widen(x), dw_input = Widen(weight), db_input = Widen(bias);
  const auto loss = [&] { return Weighted(NormInDouble(dx_input, dw_input, db_input, width), dy); };
  const std::vector<double> y_expected = NormInDouble(dx_input, dw_input, db_input, width);
  std::vector<double> dx_expected = test::NumericalGradient(dx_input, loss), dw_expected = test::NumericalGradient(dw_input, loss),
                      db_expected = test::NumericalGradient(db_input, loss);
  for (const test::Level& level : test::Levels()) {
    std::vector<float> y(x.size()), mean(kRows), inverse(kRows), dx(x.size(), 0.5f), dw(weight.size(), 0.25f), db(bias.size(), 0.125f);
    if (layer_norm) {
      level.ops->layernorm_forward(y.data(), mean.data(), inverse.data(), x.data(), weight.data(), bias.data(), kRows, width, kEpsilon);
      level.ops->layernorm_backward(dx.data(), dy.data(), x.data(), mean.data(), inverse.data(), weight.data(), kRows, width);
      level.ops->layernorm_backward_weight(dw.data(), db.data(), dy.data(), x.data(), mean.data(), inverse.data(), kRows, width, 0, width / 2);
      level.ops->layernorm_backward_weight(dw.data(), db.data(), dy.data(), x.data(), mean.data(), inverse.data(), kRows, width, width / 2, width);
    } else {
      level.ops->rmsnorm_forward(y.data(), inverse.data(), x.data(), weight.data(), kRows, width, kEpsilon);
      level.ops->rmsnorm_backward(dx.data(), dy.data(), x.data(), inverse.data(), weight.data(), kRows, width);
      level.ops->rmsnorm_backward_weight(dw.data(), dy.data(), x.data(), inverse.data(), kRows, width, 0, width / 2);
      level.ops->rmsnorm_backward_weight(dw.data(), dy.data(), x.data(), inverse.data(), kRows, width, width / 2, width);
    }
    // Backwards add to what is there.
    for (float& value : dx) value -= 0.5f;
    for (float& value : dw) value -= 0.25f;
    for (float& value : db) value -= 0.125f;
    test::CheckVector(y, y_expected, 2e-6, level.name + " y");
    test::CheckVector(dx, dx_expected, 1e-5, level.name + " dx");
    test::CheckVector(dw, dw_expected, 1e-5, level.name + " d_weight");
    test::CheckVector(db, db_expected, 1e-5, level.name + " d_bias");
  }
}

}  // namespace

TEST(LayerNormAgreesWithItsFormulaAndFiniteDifferences) {
  for (int64_t width : {8, 13, 32, 50}) CheckNorm(true, width);
}

TEST(RmsNormAgreesWithItsFormulaAndFiniteDifferences) {
  for (int64_t width : {8, 13, 32, 50}) CheckNorm(false, width);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
