#include "model/check_spec.h"

#include <cmath>
#include <string>

#include "ops/cpu/ops.h"

namespace lethe {
namespace {

Status Bad(const std::string& field, const std::string& expected, const std::string& came) {
  return Status(Code::kBadSpec, "expected model." + field + " to be " + expected + ", got " + came + "; correct the model in the sweep file");
}

Status CheckScaling(const ModelSpec& spec) {
  const RopeScaling& scaling = spec.rope_scaling;
  if (scaling.kind == RopeScaling::Kind::kNone) return Status::Ok();
  if (spec.family != Family::kLlama) return Bad("ropeScaling", "absent in a gpt2 model, which has no rotary positions", "a scaling");
  const auto positive = [](float value) { return value > 0 && std::isfinite(value); };
  if (!(scaling.factor >= 1) || !positive(scaling.factor)) return Bad("ropeScaling.factor", "a number from 1", std::to_string(scaling.factor));
  if (scaling.kind == RopeScaling::Kind::kLinear) return Status::Ok();
  if (!positive(scaling.low_frequency_factor)) return Bad("ropeScaling.lowFrequencyFactor", "a positive number", std::to_string(scaling.low_frequency_factor));
  if (!positive(scaling.high_frequency_factor) || scaling.high_frequency_factor <= scaling.low_frequency_factor) {
    return Bad("ropeScaling.highFrequencyFactor", "above lowFrequencyFactor " + std::to_string(scaling.low_frequency_factor), std::to_string(scaling.high_frequency_factor));
  }
  if (scaling.original_context < 1) return Bad("ropeScaling.originalContext", "at least 1", std::to_string(scaling.original_context));
  return Status::Ok();
}

}  // namespace

Status CheckSpec(const ModelSpec& spec) {
  struct Count { const char* field; int value; };
  for (Count count : {Count{"layers", spec.layers}, Count{"width", spec.width}, Count{"heads", spec.heads}, Count{"keyValueHeads", spec.key_value_heads},
                      Count{"feedForward", spec.feed_forward}, Count{"context", spec.context}, Count{"vocabulary", spec.vocabulary}}) {
    if (count.value < 1) return Bad(count.field, "at least 1", std::to_string(count.value));
  }
  if (spec.width % spec.heads != 0) return Bad("heads", "a divisor of the width " + std::to_string(spec.width), std::to_string(spec.heads));
  const int head_size = spec.width / spec.heads;
  if (head_size > kLargestHead) {
    return Bad("heads", "at least " + std::to_string((spec.width + kLargestHead - 1) / kLargestHead) + " (a head has at most " + std::to_string(kLargestHead) + " lanes)", std::to_string(spec.heads));
  }
  if (spec.family == Family::kGpt2 && spec.key_value_heads != spec.heads) {
    return Bad("keyValueHeads", "the number of heads " + std::to_string(spec.heads) + " in a gpt2 model", std::to_string(spec.key_value_heads));
  }
  if (spec.heads % spec.key_value_heads != 0) {
    return Bad("keyValueHeads", "a divisor of the heads " + std::to_string(spec.heads), std::to_string(spec.key_value_heads));
  }
  if (spec.family == Family::kLlama && head_size % 2 != 0) {
    return Bad("heads", "such that width / heads is even (rotary positions turn pairs of lanes)", "a head of " + std::to_string(head_size) + " lanes");
  }
  struct Positive { const char* field; float value; };
  for (Positive positive : {Positive{"normEpsilon", spec.norm_epsilon}, Positive{"ropeBase", spec.rope_base}, Positive{"initialRange", spec.initial_range}}) {
    if (!(positive.value > 0) || !std::isfinite(positive.value)) return Bad(positive.field, "a positive number", std::to_string(positive.value));
  }
  return CheckScaling(spec);
}

}  // namespace lethe
