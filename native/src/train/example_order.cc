#include "train/example_order.h"

#include <numeric>
#include <utility>

namespace lethe {
namespace {

// Keeps these draws apart from others under the same seed, such as the initial weights'.
constexpr uint32_t kShuffleDomain = 0x73687566;

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xd2511f53} * counter[0];
    const uint64_t second = uint64_t{0xcd9e8d57} * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    key[0] += 0x9e3779b9;
    key[1] += 0xbb67ae85;
  }
  return counter;
}

void ExampleOrder::Batch(int64_t step, std::span<int64_t> out) {
  // 128 bits: step × batch may pass 2^63 only in a spec that nobody can run, but it must not be undefined.
  auto at = static_cast<unsigned __int128>(step) * out.size();
  for (int64_t& row : out) {
    const auto epoch = static_cast<int64_t>(at / static_cast<uint64_t>(rows_));
    if (epoch != epoch_) Shuffle(epoch);
    row = permutation_[static_cast<size_t>(at % static_cast<uint64_t>(rows_))];
    ++at;
  }
}

void ExampleOrder::Shuffle(int64_t epoch) {
  permutation_.resize(static_cast<size_t>(rows_));
  std::iota(permutation_.begin(), permutation_.end(), 0u);
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)};
  const auto wide_epoch = static_cast<uint64_t>(epoch);
  for (auto last = static_cast<uint32_t>(rows_ - 1); last > 0; --last) {
    const auto words = Philox4x32({last, kShuffleDomain, static_cast<uint32_t>(wide_epoch), static_cast<uint32_t>(wide_epoch >> 32)}, key);
    const uint64_t draw = uint64_t{words[1]} << 32 | words[0];
    // The high word of draw × (last + 1) is uniform on [0, last] but for a bias below 2^-31.
    const auto chosen = static_cast<uint32_t>(static_cast<unsigned __int128>(draw) * (uint64_t{last} + 1) >> 64);
    std::swap(permutation_[last], permutation_[chosen]);
  }
  epoch_ = epoch;
}

}  // namespace lethe
