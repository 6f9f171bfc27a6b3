// Weights that others made: a model's spec and its tensors as fp32, under the names and in the layouts of Decoder::parameters(), whatever the file's form.
// A seam with two kinds: hf_folder.h (config.json and safetensors) and gguf_model.h.
#ifndef LETHE_WEIGHTS_MODEL_WEIGHTS_H_
#define LETHE_WEIGHTS_MODEL_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"

namespace lethe {

// Duties of an opened one: every tensor of ExpectedTensors(spec()) is there in its shape, none is left over, all lie inside their files.
// Nothing is converted before it is read, and never more than one tensor at a time. The files must not change while it is open.
class ModelWeights {
 public:
  virtual ~ModelWeights() = default;
  virtual const ModelSpec& spec() const = 0;
  // kBadData when the model has no such tensor.
  virtual Status Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const = 0;
};

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
};

// What a model of this spec consists of, in the order of Decoder::parameters().
std::vector<ExpectedTensor> ExpectedTensors(const ModelSpec& spec);

// A folder is taken as Hugging Face's, a file as GGUF. kMissingInput: nothing at path. kBadData: not such a model, or one that we do not compute; the
// sentence names the field or tensor.
Status OpenModelWeights(const std::string& path, std::unique_ptr<ModelWeights>* out);

// Fills all parameters. kBadData also when a value is not finite. REQUIRES: the decoder was made from weights.spec().
Status LoadModelWeights(const ModelWeights& weights, Decoder& decoder);

// What ParseStageSpec would refuse is refused here too, as kBadData with `path`: sizes beyond bounds, heads that do not divide the width.
Status CheckForeignSpec(const ModelSpec& spec, const std::string& path);

// "tensor <name>" with control characters and bytes that are no UTF-8 spelled out, cut when long: names come from files that may be hostile.
std::string TensorText(const std::string& name);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_MODEL_WEIGHTS_H_
