// Parameters of a decoder in one piece of memory, gradients of the trained ones in another, with names, shapes and order of their maker (Hugging Face, PEFT).
#ifndef LETHE_MODEL_PARAMETER_STORE_H_
#define LETHE_MODEL_PARAMETER_STORE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "model/arena.h"
#include "model/stored_matrix.h"

namespace lethe {

// A parameter as the layers see it. All null: the layer has none (a bias that the family lacks). No gradient: frozen. Stored: in place of data.
struct Weight {
  float* data = nullptr;
  float* grad = nullptr;
  const StoredMatrix* stored = nullptr;
};

class ParameterStore {
 public:
  enum class Start { kNormal, kResidual, kOne, kZero, kUniform };

  // Whether the parameters declared from here on are trained; at first they are.
  void TrainNext(bool trained) { trained_ = trained; }
  // In what form matrices are kept that are declared from here on and not trained; at first as fp32.
  void KeepNext(FrozenForm form) { form_ = form; }

  // Declares the next parameter; `weight` (if any) is filled by Allocate and must live until then. kJoined: it and its gradient lie right behind those before,
  // so that both can be read as one matrix.
  enum class Place { kAligned, kJoined };
  void Declare(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place = Place::kAligned);

  // Zeroed memory for everything declared. Error: kOutOfMemory.
  Status Allocate();

  // See Decoder::Initialize. Parameter i draws from stream first_stream + i. residual_layers: number of blocks, for the scale 1 / sqrt(2 * blocks) of
  // projections into the residual stream. kUniform has the width of its rows for a bound: 1 / sqrt(columns). Error: kOutOfMemory for what is stored.
  Status Initialize(uint64_t seed, uint64_t first_stream, float range, int residual_layers);

  void ZeroGradients();
  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }

 private:
  struct Declared {
    Start start;
    Weight* weight;
    int64_t offset;
    int64_t gradient;  // its offset; -1 when frozen
    const StoredMatrix* stored = nullptr;  // whose first part it is
  };

  void DeclareStored(std::string name, std::vector<int64_t> shape, Start start, Weight* weight, Place place);

  std::vector<Parameter> parameters_;
  std::vector<Declared> declared_;
  std::vector<std::unique_ptr<StoredMatrix>> matrices_;
  bool trained_ = true;
  FrozenForm form_ = FrozenForm::kF32;
  int64_t floats_ = 0, gradient_floats_ = 0;
  Arena memory_;
  float* data_ = nullptr;
  float* grad_ = nullptr;
  float* panel_ = nullptr;  // of the matrices
};

}  // namespace lethe

#endif  // LETHE_MODEL_PARAMETER_STORE_H_
