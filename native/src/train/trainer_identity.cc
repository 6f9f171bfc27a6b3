#include "train/trainer_identity.h"

#include <nlohmann/json.hpp>

#include "lethe/cpu_level.h"
#include "lethe/gemm.h"
#include "stage/stage_spec.h"

namespace lethe {

using Json = nlohmann::ordered_json;

std::string NumericsTuple() {
  const Json tuple = {
      {"backend", "cpu"}, {"precision", "fp32"}, {"cpu", Name(ActiveCpuLevel())}, {"blas", GemmName()}, {"version", kNumericsVersion}};
  return tuple.dump();
}

std::string VersionText() {
  const Json version = {{"version", kVersion}, {"numerics", kNumericsVersion}, {"build", std::string(kBuildDigest)}, {"cpu", Name(ActiveCpuLevel())}};
  return version.dump();
}

}  // namespace lethe
