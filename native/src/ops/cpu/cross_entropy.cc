// Log-probability of a target, arg max, and the gradient of -log p * scale, row by row over logits [R, V].
//   forward:  log_prob = logit[target] - max - log(sum exp(logit - max)), sums of 512 in float, the rest in double; arg_max = the lowest id of the largest logit
//   backward: logits are replaced by (softmax - onehot(target)) * scale
#include "ops/cpu/ops.h"
#include "ops/cpu/vector.h"

namespace lethe::LETHE_LEVEL {

// Sums of floats are short and meet in double: over a vocabulary of 50,000 the many small terms would be lost beside the few large ones.
constexpr int64_t kSumBlock = 512;

int32_t ArgMax(const float* logits, int64_t vocabulary) {
  const int64_t whole = vocabulary / kLanes * kLanes;
  float top = logits[0];
  if (whole > 0) {
    Vec largest = Load(logits);
    for (int64_t v = kLanes; v < whole; v += kLanes) largest = Max(largest, Load(logits + v));
    top = MaxLanes(largest);
  }
  for (int64_t v = whole; v < vocabulary; ++v) top = logits[v] > top ? logits[v] : top;
  for (int64_t v = 0; v < vocabulary; ++v) {
    if (logits[v] == top) return static_cast<int32_t>(v);
  }
  return 0;  // no logit equals the largest: they are not numbers, which the loss reports
}

void CrossEntropy(TokenScore* scores, float* logits_to_gradient, bool keep_gradient, float scale, const int32_t* targets, int64_t rows, int64_t vocabulary) {
  const int64_t whole = vocabulary / kLanes * kLanes, rest = vocabulary - whole;
  for (int64_t r = 0; r < rows; ++r) {
    float* logits = logits_to_gradient + r * vocabulary;
    const int32_t best = ArgMax(logits, vocabulary);
    const float top = logits[best];
    const float target_logit = logits[targets[r]];
    double total = 0;
    for (int64_t begin = 0; begin < vocabulary; begin += kSumBlock) {
      const int64_t end = begin + kSumBlock < whole ? begin + kSumBlock : whole;
      Vec sum = Splat(0.0f);
      for (int64_t v = begin; v < end; v += kLanes) {
        const Vec e = Exp(Load(logits + v) - top);
        sum += e;
        if (keep_gradient) Store(logits + v, e);
      }
      float part = SumLanes(sum);
      if (rest > 0 && begin + kSumBlock >= vocabulary) {
        const Vec e = Exp(LoadFirst(logits + whole, rest) - top);
        for (int64_t i = 0; i < rest; ++i) part += e[i];
        if (keep_gradient) StoreFirst(logits + whole, e, rest);
      }
      total += static_cast<double>(part);
    }
    scores[r].log_prob = static_cast<double>(target_logit) - static_cast<double>(top) - __builtin_log(total);
    scores[r].arg_max = best;
    if (!keep_gradient) continue;
    const float factor = scale / static_cast<float>(total);
    for (int64_t v = 0; v < vocabulary; ++v) logits[v] *= factor;
    logits[targets[r]] -= scale;
  }
}

}  // namespace lethe::LETHE_LEVEL
