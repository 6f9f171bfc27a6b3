// Parameters of a decoder in one piece of memory, gradients of the trained ones in another, with names, shapes and order of their maker (Hugging Face, PEFT).
#ifndef LETHE_MODEL_PARAMETER_STORE_H_
#define LETHE_MODEL_PARAMETER_STORE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "model/arena.h"

namespace lethe {

// A parameter as the layers see it. Both null: the layer has none (a bias that the family lacks). No gradient: frozen.
struct Weight {
  float* data = nullptr;
  float* grad = nullptr;
};

class ParameterStore {
 public:
  enum class Start { kNormal, kResidual, kOne, kZero, kUniform };

  // Whether the parameters declared from here on are trained; at first they are.
  void TrainNext(bool trained) { trained_ = trained; }

  // Declares the next parameter; `weight` (if any) is filled by Allocate and must live until then. kJoined: it and its gradient lie right behind those before,
  // so that both can be read as one matrix.
  enum class Place { kAligned, kJoined };
  void Declare(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place = Place::kAligned);

  // Zeroed memory for everything declared. Error: kOutOfMemory.
  Status Allocate();

  // See Decoder::Initialize. Parameter i draws from stream first_stream + i. residual_layers: number of blocks, for the scale 1 / sqrt(2 * blocks) of
  // projections into the residual stream. kUniform has the width of its rows for a bound: 1 / sqrt(columns).
  void Initialize(uint64_t seed, uint64_t first_stream, float range, int residual_layers);

  void ZeroGradients();
  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }

 private:
  struct Declared {
    Start start;
    Weight* weight;
    int64_t offset;
    int64_t gradient;  // its offset; -1 when frozen
  };

  std::vector<Parameter> parameters_;
  std::vector<Declared> declared_;
  bool trained_ = true;
  int64_t floats_ = 0, gradient_floats_ = 0;
  Arena memory_;
  float* data_ = nullptr;
  float* grad_ = nullptr;
};

}  // namespace lethe

#endif  // LETHE_MODEL_PARAMETER_STORE_H_
