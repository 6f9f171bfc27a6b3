// Which rows make up the batch of a step: a pure function of (seed, rows, batch, step), so that a resumed training needs no cursor.
// Epoch e is a Fisher-Yates permutation of the rows whose draws come from Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")
// with the seed as key and (draw, a constant, e) as counter.
#ifndef LETHE_TRAIN_EXAMPLE_ORDER_H_
#define LETHE_TRAIN_EXAMPLE_ORDER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace lethe {

// One block of Philox4x32-10.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class ExampleOrder {
 public:
  // REQUIRES: 1 <= rows < 2^32.
  ExampleOrder(uint64_t seed, int64_t rows) : seed_(seed), rows_(rows) {}

  // Rows step * batch … of the endless concatenation of epochs, one per element of out. Steps in order cost one shuffle per epoch.
  void Batch(int64_t step, std::span<int64_t> out);

 private:
  void Shuffle(int64_t epoch);

  uint64_t seed_;
  int64_t rows_;
  int64_t epoch_ = -1;  // of permutation_
  std::vector<uint32_t> permutation_;
};

}  // namespace lethe

#endif  // LETHE_TRAIN_EXAMPLE_ORDER_H_
