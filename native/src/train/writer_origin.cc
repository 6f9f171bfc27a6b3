#include "train/writer_origin.h"

#include <nlohmann/json.hpp>

#include "files/file.h"
#include "model/frozen_form.h"
#include "train/trainer_identity.h"

namespace lethe {
namespace {

using Json = nlohmann::ordered_json;

// The tuple of the checkpoint's writer; null when it cannot be read any more.
Json NumericsOf(const std::string& attempts, const CheckpointName& checkpoint) {
  std::string text;
  if (!ReadWholeFile(attempts + "/" + checkpoint.writer + "/from.json", &text).ok()) return nullptr;
  const Json origin = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return origin.is_object() && origin.contains("numerics") ? origin["numerics"] : Json(nullptr);
}

}  // namespace

Status WriteOrigin(const WriterOrigin& origin, const std::string& attempts, const std::string& path) {
  const Json numerics = Json::parse(NumericsTuple());
  Json fields = {{"checkpoint", nullptr}, {"step", origin.step}, {"numerics", numerics}, {"build", std::string(kBuildDigest)}};
  if (origin.checkpoint) {
    fields["checkpoint"] = origin.checkpoint->text();
    const Json before = NumericsOf(attempts, *origin.checkpoint);
    if (before.is_object() && nlohmann::json(before) != nlohmann::json(numerics)) fields["checkpointNumerics"] = before;
  }
  if (origin.frozen != FrozenForm::kF32) fields["frozenWeights"] = Name(origin.frozen);
  if (!origin.weights.container.empty()) {
    fields["weights"] = {{"digest", origin.weights_digest}, {"container", origin.weights.container}, {"formats", origin.weights.formats}};
  }
  return WriteFileDurably(path, fields.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace lethe
