// Weights that others made: a model's spec and its tensors as fp32, under the names and in the layouts of Decoder::parameters(), whatever the file's form.
// A seam with two kinds: hf_folder.h (config.json and safetensors) and gguf_model.h.
#ifndef LETHE_WEIGHTS_MODEL_WEIGHTS_H_
#define LETHE_WEIGHTS_MODEL_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "weights/dequantize.h"

namespace lethe {

// In what form weights lie in their files, for provenance: a model of the same numbers in another form computes the same, one of rounded numbers does not.
struct WeightsForm {
  std::string container;               // "gguf" or "safetensors"
  std::map<std::string, int> formats;  // tensors of each number format: {"F32": 61, "Q4_1": 210}
  std::vector<std::string> files;      // names of all files that were opened, inside the model's folder
};

// Duties of an opened one: every tensor of ExpectedTensors(spec()) is there in its shape, none is left over, all lie inside their files.
// Nothing is converted before it is read, and never more than one tensor at a time. The files must not change while it is open.
class ModelWeights {
 public:
  virtual ~ModelWeights() = default;
  virtual const ModelSpec& spec() const = 0;
  virtual WeightsForm form() const = 0;
  // kBadData when the model has no such tensor.
  virtual Status Read(const std::string& name, const std::vector<int64_t>& shape, std::span<float> into) const = 0;
  // The number format of the tensor in its file. Errors as above.
  virtual Status FormatOf(const std::string& name, const std::vector<int64_t>& shape, const BlockFormat** format) const = 0;
  // Its bytes in that format, its rows in our order. REQUIRES: `into` is as long as they are.
  virtual Status ReadBytes(const std::string& name, const std::vector<int64_t>& shape, std::span<unsigned char> into) const = 0;
};

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
};

// What a model of this spec consists of, in the order of Decoder::parameters().
std::vector<ExpectedTensor> ExpectedTensors(const ModelSpec& spec);

// A folder is taken as Hugging Face's, or, when it holds model.gguf and no config.json, as that file; a file as GGUF. kMissingInput: nothing at path. kBadData: not such a model, or one that we do not compute; the
// sentence names the field or tensor.
Status OpenModelWeights(const std::string& path, std::unique_ptr<ModelWeights>* out);

// Fills all parameters, each in the form in which the decoder keeps it, tensors shared between the threads. kBadData also when a value is not finite.
// REQUIRES: the decoder is of this model.
Status LoadModelWeights(const ModelWeights& weights, Decoder& decoder, ThreadPool* pool);

// kBadData with the first field in which a run's model differs from the one that its weights were made for. A LLaMA may be run with a shorter context.
// `path` is the weights'.
Status CheckSameModel(const ModelSpec& asked, const ModelSpec& found, const std::string& path);

// What ParseStageSpec would refuse is refused here too, as kBadData with `path`: sizes beyond bounds, heads that do not divide the width.
Status CheckForeignSpec(const ModelSpec& spec, const std::string& path);

// "tensor <name>" with control characters and bytes that are no UTF-8 spelled out, cut when long: names come from files that may be hostile.
std::string TensorText(const std::string& name);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_MODEL_WEIGHTS_H_
