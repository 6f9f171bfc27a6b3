// A Hugging Face folder: config.json beside model.safetensors, or beside the shards that model.safetensors.index.json names.
// Tensors may lack the family's prefix ("transformer.", "model."), as files saved from the body alone do. F32, F16 and BF16.
#ifndef LETHE_WEIGHTS_HF_FOLDER_H_
#define LETHE_WEIGHTS_HF_FOLDER_H_

#include <memory>
#include <string>

#include "lethe/status.h"
#include "weights/model_weights.h"

namespace lethe {

Status OpenHfFolder(const std::string& folder, std::unique_ptr<ModelWeights>* out);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_HF_FOLDER_H_
