#include "weights/gguf_rope.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "model/rotary_tables.h"
#include "weights/gguf_keys.h"
#include "weights/model_weights.h"
#include "weights/safetensors_header.h"

namespace lethe {
namespace {

Status ReadKeys(const GgufFile& file, RopeScaling* scaling) {
  GgufKeys keys(file);
  const char* const type = "llama.rope.scaling.type";
  const bool linear = keys.HasText(type, "linear");
  if (keys.Has(type) && !linear && !keys.HasText(type, "none")) keys.Fail(type, "\"none\" or \"linear\"");
  float factor = 1.0f;
  for (const char* name : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {  // the second is how older files say it
    if (!keys.Has(name)) continue;
    const bool counts = linear || (!keys.Has(type) && std::string_view(name).ends_with("scale_linear"));
    factor = std::max(factor, keys.Number(name, 1, counts ? 1e6 : 1));
  }
  if (factor != 1.0f) *scaling = {.kind = RopeScaling::Kind::kLinear, .factor = factor};
  return keys.status();
}

Status ReadDivisors(const GgufFile& file, const GgufTensor& tensor, size_t count, std::vector<float>* divisors) {
  if (tensor.shape != std::vector<int64_t>{static_cast<int64_t>(count)} || tensor.format->elements != 1) {
    return {Code::kBadData, "expected " + TensorText(kRopeFrequencies) + " of shape [" + std::to_string(count) + "] in " + file.path() + ", found " + ShapeText(tensor.shape)};
  }
  divisors->resize(count);
  for (size_t i = 0; i < count; ++i) tensor.format->dequantize(file.Data(tensor) + i * tensor.format->bytes, &(*divisors)[i]);
  return Status::Ok();
}

// Every published model of this kind has low 1 and high 4 and was pretrained on a power of two of tokens: the divisors say which.
bool FindLlama3(const ModelSpec& plain, const std::vector<float>& divisors, RopeScaling* scaling) {
  constexpr float kTolerance = 1e-4f;  // converters compute the blend in double or float
  const std::vector<float> frequencies = RotaryFrequencies(plain);
  ModelSpec trial = plain;
  trial.rope_scaling = {.kind = RopeScaling::Kind::kLlama3, .factor = *std::max_element(divisors.begin(), divisors.end())};
  for (int original = 256; original <= 1 << 20; original *= 2) {
    trial.rope_scaling.original_context = original;
    const std::vector<float> scaled = RotaryFrequencies(trial);
    bool same = true;
    for (size_t i = 0; i < divisors.size(); ++i) {
      if (!(std::abs(frequencies[i] / scaled[i] - divisors[i]) <= kTolerance * divisors[i])) same = false;
    }
    if (!same) continue;
    *scaling = trial.rope_scaling;
    return true;
  }
  return false;
}

}  // namespace

Status ReadRopeScaling(const GgufFile& file, ModelSpec* spec) {
  if (Status s = ReadKeys(file, &spec->rope_scaling); !s.ok()) return s;
  const auto tensor = file.tensors().find(kRopeFrequencies);
  if (tensor == file.tensors().end()) return Status::Ok();
  std::vector<float> divisors;
  if (Status s = ReadDivisors(file, tensor->second, static_cast<size_t>(spec->width / spec->heads / 2), &divisors); !s.ok()) return s;
  if (std::all_of(divisors.begin(), divisors.end(), [](float divisor) { return divisor == 1.0f; })) return Status::Ok();
  const bool linear_too = spec->rope_scaling.kind != RopeScaling::Kind::kNone;
  if (!linear_too && FindLlama3(*spec, divisors, &spec->rope_scaling)) return Status::Ok();
  return {Code::kBadData, "expected " + TensorText(kRopeFrequencies) + " in " + file.path() + " to hold the divisors of Llama 3 (low 1, high 4, a power of two of tokens)" +
                              (linear_too ? " and no linear scaling beside them" : "") + "; another scaling of rotary positions is not computed here"};
}

}  // namespace lethe
