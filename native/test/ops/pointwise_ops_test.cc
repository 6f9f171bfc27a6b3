// GELU, SwiGLU, rotary positions, embeddings and cross-entropy against their formulas in double and finite differences of those; the error of the
// vector exponential inside them.
#include "ops/reference.h"

namespace lethe {
namespace {

using test::Random;
using test::Weighted;
using test::Widen;

double Gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

std::vector<double> SwigluInDouble(const std::vector<double>& gate_up, int64_t rows, int64_t width) {
  std::vector<double> y;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t f = 0; f < width; ++f) {
      const double gate = gate_up[static_cast<size_t>(r * 2 * width + f)], up = gate_up[static_cast<size_t>(r * 2 * width + width + f)];
      y.push_back(gate / (1 + std::exp(-gate)) * up);
    }
  }
  return y;
}

double Ulp(float x) { return static_cast<double>(std::nextafter(std::abs(x), INFINITY)) - static_cast<double>(std::abs(x)); }

}  // namespace

// The exponential is measured where it shows almost bare: the gradient of a row of two logits, 0 and x < 0, holds exp(x) / (1 + exp(x)).
TEST(TheExponentialIsWithinFourUlpOverItsRange) {
  for (const test::Level& level : test::Levels()) {
    double worst = 0;
    for (int i = 0; i < 20000; ++i) {
      const float x = -87.0f * static_cast<float>(i + 1) / 20000.0f;
      float logits[2] = {0.0f, x};
      const int32_t target = 0;
      TokenScore score;
      level.ops->cross_entropy(&score, logits, true, 1.0f, &target, 1, 2);
      const double e = std::exp(static_cast<double>(x)), expected = e / (1 + e);
      worst = std::max(worst, std::abs(static_cast<double>(logits[1]) - expected) / Ulp(static_cast<float>(expected)));
    }
    test::CheckNear(worst, 0, 4, 0, level.name + " worst error in ulp, division and product included,", __FILE__, __LINE__);
  }
}

TEST(GeluAgreesWithItsFormulaAndFiniteDifferences) {
  std::vector<float> x = Random(203, 1, 6.0);
  x[0] = 0.0f, x[1] = 30.0f, x[2] = -30.0f;
  std::vector<double> input = Widen(x), y_expected, slope_expected;
  for (double value : input) {
    y_expected.push_back(Gelu(value));
    slope_expected.push_back((Gelu(value + 1e-5) - Gelu(value - 1e-5)) / 2e-5);
  }
  for (const test::Level& level : test::Levels()) {
    std::vector<float> y(x.size());
    level.ops->gelu_forward(y.data(), x.data(), static_cast<int64_t>(x.size()));
    test::CheckVector(y, y_expected, 1e-6, level.name + " y");
    std::vector<float> dx = x, again = Random(203, 2);
    std::vector<double> dx_expected = slope_expected;
    for (size_t i = 0; i < again.size(); ++i) dx_expected[i] *= static_cast<double>(again[i]);
    level.ops->gelu_backward(dx.data(), again.data(), static_cast<int64_t>(x.size()));
    test::CheckVector(dx, dx_expected, 2e-6, level.name + " dx");
    CHECK(again == y);
  }
}

TEST(SwigluAgreesWithItsFormulaAndFiniteDifferences) {
  for (int64_t width : {8, 21}) {
    const int64_t rows = 3;
    const std::vector<float> gate_up = Random(rows * 2 * width, 5, 5.0), dy = Random(rows * width, 6);
    std::vector<double> input = Widen(gate_up);
    const std::vector<double> y_expected = SwigluInDouble(input, rows, width);
    const std::vector<double> dx_expected = test::NumericalGradient(input, [&] { return Weighted(SwigluInDouble(input, rows, width), dy); });
    for (const test::Level& level : test::Levels()) {
      std::vector<float> y(dy.size()), again = dy, gradient = gate_up;
      level.ops->swiglu_forward(y.data(), gate_up.data(), rows, width);
      level.ops->swiglu_backward(gradient.data(), again.data(), rows, width);
      test::CheckVector(y, y_expected, 2e-6, level.name + " y");
      test::CheckVector(gradient, dx_expected, 5e-6, level.name + " d_gate_up");
      CHECK(again == y);
    }
  }
}

TEST(RopeTurnsPairsOfLanesAndItsInverseTurnsThemBack) {
  const int64_t rows = 3, heads = 2, size = 6, stride = 20, half = size / 2;
  const std::vector<float> x = Random(rows * stride, 7);
  const std::vector<int32_t> positions = {0, 3, 1};
  std::vector<float> cosines, sines;
  for (int64_t p = 0; p < 4; ++p) {
    for (int64_t i = 0; i < half; ++i) {
      cosines.push_back(static_cast<float>(std::cos(0.7 * static_cast<double>(p) / static_cast<double>(i + 1))));
      sines.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(p) / static_cast<double>(i + 1))));
    }
  }
  for (const test::Level& level : test::Levels()) {
    std::vector<float> turned = x;
    level.ops->rope(turned.data(), cosines.data(), sines.data(), positions.data(), rows, stride, heads, size, false);
    std::vector<double> expected = Widen(x);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < half; ++i) {
          const size_t low = static_cast<size_t>(r * stride + h * size + i), high = low + static_cast<size_t>(half);
          const double angle = 0.7 * positions[static_cast<size_t>(r)] / static_cast<double>(i + 1);
          const double a = static_cast<double>(x[low]), b = static_cast<double>(x[high]);
          expected[low] = a * std::cos(angle) - b * std::sin(angle);
          expected[high] = b * std::cos(angle) + a * std::sin(angle);
        }
      }
    }
    test::CheckVector(turned, expected, 1e-6, level.name + " rotated");
    // A rotation's gradient is the inverse rotation.
    level.ops->rope(turned.data(), cosines.data(), sines.data(), positions.data(), rows, stride, heads, size, true);
    test::CheckVector(turned, Widen(x), 1e-6, level.name + " turned back");
  }
}

TEST(EmbeddingsAddTokensAndPositionsAndScatterTheirGradients) {
  const int64_t rows = 4, width = 11;
  const std::vector<float> tokens = Random(6 * width, 8), places = Random(5 * width, 9), dx = Random(rows * width, 10);
  const std::vector<int32_t> ids = {2, 5, 2, 0}, positions = {0, 1, 2, 0};
  for (const test::Level& level : test::Levels()) {
    std::vector<float> x(dx.size()), d_tokens(tokens.size()), d_places(places.size());
    level.ops->embedding_forward(x.data(), tokens.data(), places.data(), ids.data(), positions.data(), rows, width);
    level.ops->embedding_backward(d_tokens.data(), d_places.data(), dx.data(), ids.data(), positions.data(), rows, width, 0, 7);
    level.ops->embedding_backward(d_tokens.data(), d_places.data(), dx.data(), ids.data(), positions.data(), rows, width, 7, width);
    for (int64_t c = 0; c < width; ++c) {
      const auto at = [&](const std::vector<float>& table, int64_t row) { return table[static_cast<size_t>(row * width + c)]; };
      CHECK_EQ(at(x, 1), at(tokens, 5) + at(places, 1));
      CHECK_EQ(at(d_tokens, 2), at(dx, 0) + at(dx, 2));
      CHECK_EQ(at(d_tokens, 0), at(dx, 3));
      CHECK_EQ(at(d_tokens, 1), 0.0f);
      CHECK_EQ(at(d_places, 0), at(dx, 0) + at(dx, 3));
    }
    level.ops->embedding_forward(x.data(), tokens.data(), nullptr, ids.data(), positions.data(), rows, width);
    CHECK_EQ(x[0], tokens[static_cast<size_t>(2 * width)]);
  }
}

TEST(TheManySmallTermsOfALargeVocabularyCount) {
  const int64_t vocabulary = 50003;
  std::vector<float> logits = Random(vocabulary, 13, 2.0);
  logits[7] = 16.0f;  // each of the others is less than a millionth of it, all together a hundredth
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  for (const test::Level& level : test::Levels()) {
    for (const int32_t target : {7, 50002}) {
      std::vector<float> copy = logits;
      TokenScore score;
      level.ops->cross_entropy(&score, copy.data(), false, 1.0f, &target, 1, vocabulary);
      CHECK_NEAR(score.log_prob, static_cast<double>(logits[static_cast<size_t>(target)]) - std::log(sum), 6e-7, 1e-7);
    }
  }
}

TEST(CrossEntropyAgreesWithItsFormulaAndFiniteDifferences) {
  const int64_t rows = 3;
  for (int64_t vocabulary : {5, 16, 37}) {
    const std::vector<float> logits = Random(rows * vocabulary, 12, 8.0);
    const std::vector<int32_t> targets = {0, static_cast<int32_t>(vocabulary - 1), 3};
    std::vector<double> input = Widen(logits);
    const auto log_prob = [&](int64_t r) {
      double sum = 0;
      for (int64_t v = 0; v < vocabulary; ++v) sum += std::exp(input[static_cast<size_t>(r * vocabulary + v)]);
      return input[static_cast<size_t>(r * vocabulary + targets[static_cast<size_t>(r)])] - std::log(sum);
    };
    const double scale = 0.25;
    const std::vector<double> gradient = test::NumericalGradient(input, [&] { return -scale * (log_prob(0) + log_prob(1) + log_prob(2)); });
    for (const test::Level& level : test::Levels()) {
      std::vector<float> d_logits = logits;
      std::vector<TokenScore> scores(3), alone(3);
      level.ops->cross_entropy(scores.data(), d_logits.data(), true, 0.25f, targets.data(), rows, vocabulary);
      test::CheckVector(d_logits, gradient, 1e-6, level.name + " d_logits");
      std::vector<float> untouched = logits;
      level.ops->cross_entropy(alone.data(), untouched.data(), false, 1.0f, targets.data(), rows, vocabulary);
      CHECK(untouched == logits);
      for (int64_t r = 0; r < rows; ++r) {
        const size_t i = static_cast<size_t>(r);
        CHECK_NEAR(scores[i].log_prob, log_prob(r), 1e-6, 1e-6);
        CHECK_EQ(alone[i].log_prob, scores[i].log_prob);
        const auto row = logits.begin() + r * vocabulary;
        CHECK_EQ(scores[i].arg_max, static_cast<int32_t>(std::max_element(row, row + vocabulary) - row));
      }
    }
  }
}

TEST(AmongEqualLogitsTheLowestIdWins) {
  for (const test::Level& level : test::Levels()) {
    std::vector<float> logits(29, -1.0f);
    logits[7] = logits[8] = logits[26] = 2.0f;
    CHECK_EQ(level.ops->arg_max(logits.data(), 29), 7);
  }
}

TEST(LogitsOfAnySizeGiveAFiniteLoss) {
  for (const test::Level& level : test::Levels()) {
    std::vector<float> logits = {300.0f, -400.0f, 1000.0f, 0.0f};
    const int32_t target = 1;
    TokenScore score;
    level.ops->cross_entropy(&score, logits.data(), true, 1.0f, &target, 1, 4);
    CHECK_NEAR(score.log_prob, -1400.0, 1e-3, 0);
    CHECK_NEAR(static_cast<double>(logits[1]), -1.0, 1e-6, 0);
  }
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
