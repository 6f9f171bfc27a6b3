// All parameters of a decoder in one piece of memory, their gradients in another, with Hugging Face's names, shapes and order.
#ifndef LETHE_MODEL_PARAMETER_STORE_H_
#define LETHE_MODEL_PARAMETER_STORE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "model/arena.h"

namespace lethe {

// A parameter as the layers see it. Both null: the layer has none (a bias that the family lacks).
struct Weight {
  float* data = nullptr;
  float* grad = nullptr;
};

class ParameterStore {
 public:
  enum class Start { kNormal, kResidual, kOne, kZero };

  // Declares the next parameter; `weight` (if any) is filled by Allocate and must live until then. kJoined: it lies right behind the one before, so
  // that both can be read as one matrix.
  enum class Place { kAligned, kJoined };
  void Declare(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place = Place::kAligned);

  // Zeroed memory for everything declared. Error: kOutOfMemory.
  Status Allocate();

  // See Decoder::Initialize. residual_layers: number of blocks, for the scale 1 / sqrt(2 * blocks) of projections into the residual stream.
  void Initialize(uint64_t seed, float range, int residual_layers);

  void ZeroGradients();
  std::span<Parameter> parameters() { return parameters_; }

 private:
  struct Declared {
    Start start;
    Weight* weight;
    int64_t offset;
  };

  std::vector<Parameter> parameters_;
  std::vector<Declared> declared_;
  int64_t floats_ = 0;
  Arena memory_;
  float* data_ = nullptr;
  float* grad_ = nullptr;
};

}  // namespace lethe

#endif  // LETHE_MODEL_PARAMETER_STORE_H_
