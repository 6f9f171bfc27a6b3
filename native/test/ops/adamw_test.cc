// AdamW, clipping and the learning rate against their formulas in double.
#include "lethe/adamw.h"

#include <cmath>

#include "lethe/schedule.h"
#include "lethe/thread_pool.h"
#include "ops/reference.h"

namespace lethe {
namespace {

using test::Random;

struct Tensor {
  std::vector<float> data, grad;
};

Parameter View(Tensor& tensor, std::vector<int64_t> shape) { return {.name = "tensor", .shape = std::move(shape), .data = tensor.data, .grad = tensor.grad}; }

}  // namespace

TEST(AdamWFollowsTheFormulaAndDecaysMatricesOnly) {
  ThreadPool pool(2);
  Tensor matrix{Random(40000, 1), Random(40000, 2)}, vector{Random(37, 3), Random(37, 4)};
  std::vector<Parameter> parameters = {View(matrix, {200, 200}), View(vector, {37})};
  std::vector<double> p = test::Widen(matrix.data), m(p.size()), v(p.size()), q = test::Widen(vector.data), mq(q.size()), vq(q.size());
  AdamW optimizer(parameters, {.beta1 = 0.9f, .beta2 = 0.95f, .epsilon = 1e-6f, .weight_decay = 0.1f}, &pool);
  for (int step = 1; step <= 5; ++step) {
    const double rate = 0.01 * step;
    optimizer.Step(rate, step);
    const auto update = [&](std::vector<double>& x, std::vector<double>& first, std::vector<double>& second, const std::vector<float>& grad, double decay) {
      for (size_t i = 0; i < x.size(); ++i) {
        const double g = static_cast<double>(grad[i]);
        first[i] = 0.9 * first[i] + 0.1 * g;
        second[i] = 0.95 * second[i] + 0.05 * g * g;
        x[i] -= rate * decay * x[i];
        x[i] -= rate * (first[i] / (1 - std::pow(0.9, step))) / (std::sqrt(second[i] / (1 - std::pow(0.95, step))) + 1e-6);
      }
    };
    update(p, m, v, matrix.grad, 0.1);
    update(q, mq, vq, vector.grad, 0.0);
  }
  test::CheckVector(matrix.data, p, 2e-6, "matrix");
  test::CheckVector(vector.data, q, 2e-6, "vector");
  test::CheckVector({optimizer.first_moment(1).begin(), optimizer.first_moment(1).end()}, mq, 1e-6, "first moment");
  test::CheckVector({optimizer.second_moment(0).begin(), optimizer.second_moment(0).end()}, v, 1e-6, "second moment");
}

TEST(AFrozenParameterIsLeftAlone) {
  ThreadPool pool(1);
  Tensor frozen{Random(10, 1), {}}, free{Random(10, 2), Random(10, 3)};
  std::vector<Parameter> parameters = {View(frozen, {10}), View(free, {10})};
  const std::vector<float> before = frozen.data;
  AdamW optimizer(parameters, {}, &pool);
  optimizer.Step(0.1, 1);
  CHECK(frozen.data == before);
  CHECK(optimizer.first_moment(0).empty());
  CHECK(free.data != Random(10, 2));
}

TEST(ClippingScalesToTheNormAndReportsTheOneBefore) {
  ThreadPool pool(2);
  Tensor a{Random(50000, 1), Random(50000, 2)}, b{Random(3, 3), Random(3, 4)};
  std::vector<Parameter> parameters = {View(a, {50000}), View(b, {3})};
  double sum = 0;
  for (float g : a.grad) sum += static_cast<double>(g) * static_cast<double>(g);
  for (float g : b.grad) sum += static_cast<double>(g) * static_cast<double>(g);
  const std::vector<float> before = a.grad;
  CHECK_NEAR(ClipGradients(parameters, 0, &pool), std::sqrt(sum), 0, 1e-12);
  CHECK_NEAR(ClipGradients(parameters, 1e6, &pool), std::sqrt(sum), 0, 1e-12);
  CHECK(a.grad == before);
  CHECK_NEAR(ClipGradients(parameters, 0.5, &pool), std::sqrt(sum), 0, 1e-12);
  CHECK_NEAR(GradientNorm(parameters, &pool), 0.5, 1e-5, 0);
  ThreadPool other(3);
  CHECK_EQ(GradientNorm(parameters, &other), GradientNorm(parameters, &pool));
  b.grad[1] = NAN;
  CHECK(std::isnan(ClipGradients(parameters, 0.5, &pool)));
  CHECK_NEAR(static_cast<double>(a.grad[0]), static_cast<double>(before[0]) * 0.5 / std::sqrt(sum), 1e-7, 1e-4);  // not scaled again
}

TEST(TheLearningRateWarmsUpThenFollowsItsKind) {
  const Schedule constant{.kind = ScheduleKind::kConstant, .learning_rate = 2.0, .warmup_steps = 4, .steps = 10};
  CHECK_EQ(LearningRate(constant, 0), 0.5);
  CHECK_EQ(LearningRate(constant, 3), 2.0);
  CHECK_EQ(LearningRate(constant, 9), 2.0);
  const Schedule linear{.kind = ScheduleKind::kLinear, .learning_rate = 2.0, .warmup_steps = 2, .steps = 10};
  CHECK_EQ(LearningRate(linear, 2), 2.0);
  CHECK_EQ(LearningRate(linear, 6), 1.0);
  CHECK_EQ(LearningRate(linear, 9), 0.25);
  CHECK_EQ(LearningRate(linear, 10), 0.0);
  const Schedule cosine{.kind = ScheduleKind::kCosine, .learning_rate = 2.0, .warmup_steps = 0, .steps = 8};
  CHECK_EQ(LearningRate(cosine, 0), 2.0);
  CHECK_NEAR(LearningRate(cosine, 4), 1.0, 1e-12, 0);
  CHECK_NEAR(LearningRate(cosine, 8), 0.0, 1e-12, 0);
  CHECK_NEAR(LearningRate(cosine, 800), 0.0, 1e-12, 0);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
