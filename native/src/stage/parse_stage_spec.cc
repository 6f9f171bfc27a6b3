#include "stage/parse_stage_spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/frozen_form.h"
#include "stage/json_fields.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMostSteps = 1'000'000'000;
constexpr int64_t kLargestExactInteger = (int64_t{1} << 53) - 1;  // what a JSON number holds exactly in every reader

void ParseRopeScaling(JsonFields& fields, RopeScaling* scaling) {
  const bool linear = fields.OneOf("kind", {"linear", "llama3"}) == "linear";
  scaling->kind = linear ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3;
  scaling->factor = static_cast<float>(fields.Number("factor", 1, 1e6));
  if (linear) return;
  scaling->low_frequency_factor = static_cast<float>(fields.Number("lowFrequencyFactor", 1e-6, 1e6));
  scaling->high_frequency_factor = static_cast<float>(fields.Number("highFrequencyFactor", 1e-6, 1e6));
  scaling->original_context = static_cast<int>(fields.Integer("originalContext", 1, 1 << 20));
}

void ParseModel(JsonFields& fields, ModelSpec* model) {
  model->family = fields.OneOf("family", {"gpt2", "llama"}) == "llama" ? Family::kLlama : Family::kGpt2;
  model->layers = static_cast<int>(fields.Integer("layers", 1, 1024));
  model->width = static_cast<int>(fields.Integer("width", 1, 1 << 17));
  model->heads = static_cast<int>(fields.Integer("heads", 1, 1 << 12));
  model->key_value_heads = static_cast<int>(fields.Integer("keyValueHeads", 1, 1 << 12));
  model->feed_forward = static_cast<int>(fields.Integer("feedForward", 1, 1 << 20));
  model->context = static_cast<int>(fields.Integer("context", 2, 1 << 20));
  model->vocabulary = static_cast<int>(fields.Integer("vocabulary", 2, 1 << 24));
  model->tied_head = fields.Boolean("tiedHead");
  model->norm_epsilon = static_cast<float>(fields.Number("normEpsilon", 1e-12, 1));
  model->rope_base = static_cast<float>(fields.Number("ropeBase", 1, 1e12));
  model->initial_range = static_cast<float>(fields.Number("initialRange", 0, 10));
  if (fields.Has("ropeScaling")) {
    JsonFields scaling = fields.Object("ropeScaling");
    ParseRopeScaling(scaling, &model->rope_scaling);
    fields.Adopt(scaling.Finish());
  }
}

void ParseStart(JsonFields& fields, StageStart* start) {
  const std::string kind = fields.OneOf("kind", {"random", "stage", "weights"});
  if (kind == "random") {
    start->kind = StartKind::kRandom;
    start->seed = static_cast<uint64_t>(fields.Integer("seed", 0, kLargestExactInteger));
  } else if (kind == "stage") {
    start->kind = StartKind::kStage;
    start->key = fields.Digest("key");
  } else if (kind == "weights") {
    start->kind = StartKind::kWeights;
    start->digest = fields.Digest("digest");
  }
}

std::string ParseData(JsonFields& parent) {
  JsonFields fields = parent.Object("data");
  const std::string digest = fields.Digest("digest");
  fields.Ignore("recipe");
  parent.Adopt(fields.Finish());
  return digest;
}

void ParseOptimizer(JsonFields& fields, TrainSpec* train) {
  fields.OneOf("kind", {"adamw"});
  train->schedule.learning_rate = fields.Number("learningRate", 0, 1e3);
  train->optimizer.beta1 = static_cast<float>(fields.Number("beta1", 0, 0.999999));
  train->optimizer.beta2 = static_cast<float>(fields.Number("beta2", 0, 0.999999));
  train->optimizer.epsilon = static_cast<float>(fields.Number("epsilon", 1e-20, 1));
  train->optimizer.weight_decay = static_cast<float>(fields.Number("weightDecay", 0, 1e3));
  train->clip_norm = fields.Number("clipNorm", 0, 1e9);
}

void ParseSchedule(JsonFields& fields, Schedule* schedule) {
  const std::string kind = fields.OneOf("kind", {"constant", "linear", "cosine"});
  schedule->kind = kind == "linear" ? ScheduleKind::kLinear : kind == "cosine" ? ScheduleKind::kCosine : ScheduleKind::kConstant;
  schedule->warmup_steps = fields.Integer("warmupSteps", 0, kMostSteps);
}

void ParseTuning(JsonFields& fields, Tuning* tuning) {
  const std::string kind = fields.OneOf("kind", {"lora", "top-block", "head"});
  tuning->kind = kind == "lora" ? TuningKind::kLora : kind == "head" ? TuningKind::kHead : TuningKind::kTopBlock;
  if (tuning->kind != TuningKind::kLora) return;
  tuning->rank = static_cast<int>(fields.Integer("rank", 1, 1 << 12));
  tuning->alpha = fields.Number("alpha", 0, 1e6);
  tuning->dropout = fields.Number("dropout", 0, 0.99);
  const Json* targets = fields.Array("targets");
  for (size_t i = 0; targets != nullptr && i < targets->size(); ++i) {  // whether the family has them, the decoder knows
    if (!(*targets)[i].is_string()) return fields.Fail("targets", "names of modules", ShortText((*targets)[i]));
    tuning->targets.push_back((*targets)[i].get<std::string>());
  }
}

void ParseStop(JsonFields& fields, StopRule* stop) {
  stop->every_steps = fields.Integer("everySteps", 1, kMostSteps);
  stop->exact_match = fields.Number("exactMatch", 0, 1);
  if (fields.Has("learnedShare")) stop->learned_share = fields.Number("learnedShare", 0, 1);
}

void ParseTrain(JsonFields& fields, TrainSpec* train) {
  train->data = ParseData(fields);
  train->loss_on_all = fields.OneOf("lossOn", {"response", "all"}) == "all";
  train->batch = fields.Integer("batch", 1, 1'000'000);
  train->steps = fields.Integer("steps", 1, kMostSteps);
  train->schedule.steps = train->steps;
  JsonFields optimizer = fields.Object("optimizer");
  ParseOptimizer(optimizer, train);
  fields.Adopt(optimizer.Finish());
  JsonFields schedule = fields.Object("schedule");
  ParseSchedule(schedule, &train->schedule);
  fields.Adopt(schedule.Finish());
  if (fields.Has("tuning")) {
    JsonFields tuning = fields.Object("tuning");
    ParseTuning(tuning, &train->tuning);
    fields.Adopt(tuning.Finish());
  }
  if (fields.Has("frozenWeights")) {
    ParseFrozenForm(fields.OneOf("frozenWeights", {"bf16", "as-stored"}), &train->tuning.frozen);
    if (train->tuning.kind == TuningKind::kFull) fields.Fail("frozenWeights", "absent where tuning freezes nothing", "one");
  }
  if (fields.Has("stop")) {
    JsonFields stop = fields.Object("stop");
    ParseStop(stop, &train->stop.emplace());
    fields.Adopt(stop.Finish());
  }
}

void ParseScore(JsonFields& fields, ScoreSpec* score) {
  score->data = ParseData(fields);
  if (const Json* steps = fields.Array("atSteps")) {
    for (const Json& step : *steps) {
      if (!step.is_number_unsigned() || step.get<uint64_t>() > uint64_t{kMostSteps}) {
        fields.Fail("atSteps", "integers from 0 to " + std::to_string(kMostSteps), ShortText(step));
        break;
      }
      score->at_steps.push_back(step.get<int64_t>());
    }
  }
  std::sort(score->at_steps.begin(), score->at_steps.end());
  score->at_steps.erase(std::unique(score->at_steps.begin(), score->at_steps.end()), score->at_steps.end());
  score->max_new_tokens = static_cast<int>(fields.Integer("maxNewTokens", 0, 1 << 20));
}

}  // namespace

Status ParseStageSpec(const std::string& text, const std::string& path, StageSpec* spec) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return {Code::kBadSpec, path + ": expected JSON, found " + std::to_string(text.size()) + " bytes that are none"};
  JsonFields fields(document, path, "");
  fields.OneOf("format", {"lethe-stage/1"});
  spec->kind = fields.OneOf("kind", {"pretrain", "align", "finetune", "review", "filter", "retrain", "score"});
  const std::string backend = fields.OneOf("backend", {"cpu", "cuda"});
  fields.OneOf("precision", {"fp32"});
  const int64_t numerics = fields.Integer("numerics", 1, kMostSteps);
  JsonFields model = fields.Object("model");
  ParseModel(model, &spec->model);
  fields.Adopt(model.Finish());
  JsonFields start = fields.Object("start");
  ParseStart(start, &spec->start);
  fields.Adopt(start.Finish());
  spec->seed = static_cast<uint64_t>(fields.Integer("seed", 0, kLargestExactInteger));
  if (fields.Has("train")) {
    JsonFields train = fields.Object("train");
    ParseTrain(train, &spec->train.emplace());
    fields.Adopt(train.Finish());
  }
  if (fields.Has("score")) {
    JsonFields score = fields.Object("score");
    ParseScore(score, &spec->score.emplace());
    fields.Adopt(score.Finish());
  }
  if (spec->kind == "score" && spec->train) fields.Fail("train", "absent in a score stage", "a train block");
  if (spec->kind == "score" && !spec->score) fields.Fail("score", "there in a score stage", "no such field");
  if (spec->kind != "score" && !spec->train) fields.Fail("train", "there in a stage of kind " + spec->kind, "no such field");
  if (spec->train && spec->train->stop && !spec->score) fields.Fail("score", "there, because train.stop looks at its data", "no such field");
  if (Status s = fields.Finish(); !s.ok()) return s;
  if (numerics != kNumericsVersion) {
    return {Code::kBadSpec, path + ": expected numerics " + std::to_string(kNumericsVersion) + ", which this trainer has, found " + std::to_string(numerics) +
                                "; use the trainer of that version or plan the sweep again"};
  }
  if (backend == "cuda") return {Code::kDevice, path + ": asks for backend cuda, but this trainer was built without CUDA"};
  return Status::Ok();
}

}  // namespace lethe
