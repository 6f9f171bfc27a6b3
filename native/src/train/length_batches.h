// Cuts rows into batches of about one length, within bounds on their number and on the tokens that they take together.
#ifndef LETHE_TRAIN_LENGTH_BATCHES_H_
#define LETHE_TRAIN_LENGTH_BATCHES_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "lethe/decoder.h"

namespace lethe {

struct BatchBounds {
  size_t sequences = 64;
  size_t tokens = 4096;  // padded: sequences times the longest
};

// Bounds of a scoring pass and of a generation. They follow the model and never the machine: the products of another batch may round differently.
// A pass of a large model is kept short enough for a sign of life in between, a generation's cache within half a gigabyte where 4,096 tokens take less.
BatchBounds ScoringBounds(const ModelSpec& spec);
BatchBounds GenerationBounds(const ModelSpec& spec);

// Indices of [0, count), shortest first, equal lengths in their order; a batch has at least one.
std::vector<std::vector<size_t>> CutByLength(size_t count, const std::function<size_t(size_t)>& length, const BatchBounds& bounds);

}  // namespace lethe

#endif  // LETHE_TRAIN_LENGTH_BATCHES_H_
