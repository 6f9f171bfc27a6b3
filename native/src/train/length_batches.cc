#include "train/length_batches.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace lethe {
namespace {

constexpr size_t kMostTokens = 4096;
constexpr double kPassFlops = 2e11;                   // about two seconds of two cores
constexpr size_t kLeastPassTokens = 512;              // below it products lose speed
constexpr size_t kCacheBytes = size_t{1} << 29;

}  // namespace

BatchBounds ScoringBounds(const ModelSpec& spec) {
  const double width = spec.width, inner = (spec.family == Family::kLlama ? 3.0 : 2.0) * width * spec.feed_forward;
  const double weights = spec.layers * (4 * width * width + inner) + width * spec.vocabulary;
  return {.tokens = std::clamp(static_cast<size_t>(kPassFlops / (2 * weights)), kLeastPassTokens, kMostTokens)};
}

BatchBounds GenerationBounds(const ModelSpec& spec) {
  const size_t token_bytes = size_t{2} * sizeof(float) * static_cast<size_t>(spec.layers) * static_cast<size_t>(spec.width / spec.heads * spec.key_value_heads);
  return {.tokens = std::max(kMostTokens, kCacheBytes / token_bytes)};
}

std::vector<std::vector<size_t>> CutByLength(size_t count, const std::function<size_t(size_t)>& length, const BatchBounds& bounds) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return length(a) < length(b); });
  std::vector<std::vector<size_t>> batches;
  for (const size_t row : order) {  // the newest is the longest so far
    const bool fits = !batches.empty() && batches.back().size() < bounds.sequences && length(row) * (batches.back().size() + 1) <= bounds.tokens;
    if (!fits) batches.emplace_back();
    batches.back().push_back(row);
  }
  return batches;
}

}  // namespace lethe
