// A GGUF file of the architecture "llama" as a model: spec from its keys, tensors under Hugging Face's names. Its q and k rows, which are stored with the
// two halves of a rotary pair side by side, come back in the order that our rotation and Hugging Face's expect.
#ifndef LETHE_WEIGHTS_GGUF_MODEL_H_
#define LETHE_WEIGHTS_GGUF_MODEL_H_

#include <memory>
#include <string>

#include "lethe/status.h"
#include "weights/model_weights.h"

namespace lethe {

Status OpenGgufModel(const std::string& path, std::unique_ptr<ModelWeights>* out);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_GGUF_MODEL_H_
