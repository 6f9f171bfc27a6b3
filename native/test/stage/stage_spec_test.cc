#include "stage/parse_stage_spec.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "check.h"

namespace lethe {
namespace {

using Json = nlohmann::json;

Json Good() {
  const std::string digest(64, 'a');
  Json spec = Json::parse(R"({
    "format": "lethe-stage/1", "kind": "finetune", "backend": "cpu", "precision": "fp32", "numerics": 2,
    "model": {"family": "gpt2", "layers": 2, "width": 32, "heads": 2, "keyValueHeads": 2, "feedForward": 128, "context": 16, "vocabulary": 256,
              "tiedHead": true, "normEpsilon": 1e-5, "ropeBase": 10000, "initialRange": 0.02},
    "start": {"kind": "random", "seed": 7}, "seed": 7,
    "train": {"data": {"recipe": {"kind": "x"}}, "lossOn": "response", "batch": 64, "steps": 800,
              "optimizer": {"kind": "adamw", "learningRate": 0.003, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0, "clipNorm": 1.0},
              "schedule": {"kind": "constant", "warmupSteps": 0}, "stop": {"everySteps": 50, "exactMatch": 0.9, "learnedShare": 0.9}},
    "score": {"data": {"recipe": {}}, "atSteps": [100, 0, 100], "maxNewTokens": 8}})");
  spec["train"]["data"]["digest"] = digest;
  spec["score"]["data"]["digest"] = digest;
  return spec;
}

Status Parse(const Json& json, StageSpec* spec) { return ParseStageSpec(json.dump(), "run.json", spec); }

Status ParseChanged(const std::function<void(Json&)>& change) {
  Json json = Good();
  change(json);
  StageSpec spec;
  return Parse(json, &spec);
}

}  // namespace

TEST(TheDocumentedExampleIsRead) {
  StageSpec spec;
  CHECK_OK(Parse(Good(), &spec));
  CHECK_EQ(spec.kind, "finetune");
  CHECK_EQ(spec.model.width, 32);
  CHECK(spec.model.tied_head);
  CHECK_EQ(spec.model.initial_range, 0.02f);
  CHECK_EQ(spec.start.seed, 7u);
  CHECK_EQ(spec.train->batch, 64);
  CHECK(!spec.train->loss_on_all);
  CHECK_EQ(spec.train->schedule.learning_rate, 0.003);
  CHECK_EQ(spec.train->schedule.steps, 800);
  CHECK_EQ(spec.train->optimizer.beta2, 0.999f);
  CHECK_EQ(*spec.train->stop->learned_share, 0.9);
  CHECK((spec.score->at_steps == std::vector<int64_t>{0, 100}));
}

TEST(RotaryScalingIsReadAndChecked) {
  const auto with = [](const char* scaling, StageSpec* spec) {
    Json json = Good();
    json["model"]["family"] = "llama";
    json["model"]["ropeScaling"] = Json::parse(scaling);
    return Parse(json, spec);
  };
  StageSpec spec;
  CHECK_OK(with(R"({"kind":"llama3","factor":8,"lowFrequencyFactor":1,"highFrequencyFactor":4,"originalContext":8192})", &spec));
  CHECK((spec.model.rope_scaling == RopeScaling{.kind = RopeScaling::Kind::kLlama3, .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_context = 8192}));
  StageSpec linear;
  CHECK_OK(with(R"({"kind":"linear","factor":2.5})", &linear));
  CHECK((linear.model.rope_scaling == RopeScaling{.kind = RopeScaling::Kind::kLinear, .factor = 2.5f}));
  CHECK_FAILS(with(R"({"kind":"yarn","factor":2})", &spec), Code::kBadSpec, "model.ropeScaling.kind");
  CHECK_FAILS(with(R"({"kind":"linear","factor":0.5})", &spec), Code::kBadSpec, "model.ropeScaling.factor");
  CHECK_FAILS(with(R"({"kind":"linear","factor":2,"originalContext":5})", &spec), Code::kBadSpec, "unknown field \"originalContext\" in model.ropeScaling");
  CHECK_FAILS(with(R"({"kind":"llama3","factor":2})", &spec), Code::kBadSpec, "model.ropeScaling.lowFrequencyFactor");
}

TEST(FrozenWeightsGoWithATuningThatFreezesSome) {
  const auto with = [](const std::string& form, bool tuned, StageSpec* spec) {
    Json json = Good();
    json["train"]["frozenWeights"] = form;
    if (tuned) json["train"]["tuning"] = {{"kind", "head"}};
    return Parse(json, spec);
  };
  StageSpec spec;
  CHECK_OK(with("bf16", true, &spec));
  CHECK(spec.train->tuning.frozen == FrozenForm::kBf16);
  CHECK_OK(with("as-stored", true, &spec));
  CHECK(spec.train->tuning.frozen == FrozenForm::kAsStored);
  CHECK_FAILS(with("int8", true, &spec), Code::kBadSpec, "train.frozenWeights");
  CHECK_FAILS(with("bf16", false, &spec), Code::kBadSpec, "expected train.frozenWeights to be absent where tuning freezes nothing");
}

TEST(OptionalPartsMayBeAbsent) {
  CHECK_OK(ParseChanged([](Json& json) { json["train"].erase("stop"); }));
  CHECK_OK(ParseChanged([](Json& json) { json["train"]["stop"].erase("learnedShare"); }));
  CHECK_OK(ParseChanged([](Json& json) {
    json.erase("score");
    json["train"].erase("stop");
  }));
  CHECK_OK(ParseChanged([](Json& json) {
    json["kind"] = "score";
    json.erase("train");
  }));
}

TEST(EveryErrorNamesFieldBoundAndWhatCame) {
  const auto fails = [](const std::function<void(Json&)>& change, const std::string& sentence) {
    const Status s = ParseChanged(change);
    CHECK_FAILS(s, Code::kBadSpec, sentence);
  };
  fails([](Json& j) { j["train"]["batch"] = 0; }, "run.json: expected train.batch to be an integer from 1 to 1000000, found 0");
  fails([](Json& j) { j["train"]["batch"] = 1.5; }, "expected train.batch to be an integer");
  fails([](Json& j) { j["train"]["batch"] = "64"; }, "found \"64\"");
  fails([](Json& j) { j["train"]["batch"] = nullptr; }, "found null");
  fails([](Json& j) { j["train"]["optimizer"]["learningRate"] = -1; }, "expected train.optimizer.learningRate to be a number from 0 to 1000, found -1");
  fails([](Json& j) { j["train"]["optimizer"].erase("beta1"); }, "expected train.optimizer.beta1 to be a number from 0 to 0.999999, found no such field");
  fails([](Json& j) { j["train"]["optimizer"]["kind"] = "sgd"; }, "expected train.optimizer.kind to be \"adamw\", found \"sgd\"");
  fails([](Json& j) { j["model"]["widht"] = 3; }, "unknown field \"widht\" in model");
  fails([](Json& j) { j["model"] = 3; }, "expected model to be a JSON object, found 3");
  fails([](Json& j) { j["model"]["tiedHead"] = 1; }, "expected model.tiedHead to be true or false, found 1");
  fails([](Json& j) { j["extra"] = 3; }, "unknown field \"extra\"");
  fails([](Json& j) { j["start"] = {{"kind", "stage"}, {"key", "../../etc"}}; }, "expected start.key to be a sha256 in lower-case hex, found \"../../etc\"");
  fails([](Json& j) { j["start"]["key"] = std::string(64, 'a'); }, "unknown field \"key\" in start");
  fails([](Json& j) { j["score"]["atSteps"] = {0, -1}; }, "expected score.atSteps to be integers from 0");
  fails([](Json& j) { j["score"]["atSteps"] = 5; }, "expected score.atSteps to be an array, found 5");
  fails([](Json& j) { j["train"]["data"]["digest"] = 5; }, "expected train.data.digest to be a sha256");
  fails([](Json& j) { j["train"]["stop"]["exactMatch"] = 1.1; }, "expected train.stop.exactMatch to be a number from 0 to 1, found 1.1");
  fails([](Json& j) { j["seed"] = -4; }, "expected seed to be an integer from 0 to 9007199254740991, found -4");
  fails([](Json& j) { j["seed"] = 18446744073709551615u; }, "found 18446744073709551615");
  fails([](Json& j) { j["format"] = "lethe-stage/2"; }, "found \"lethe-stage/2\"");
  fails([](Json& j) { j["numerics"] = 1; }, "expected numerics 2, which this trainer has, found 1");
  fails([](Json& j) { j.erase("score"); }, "expected score to be there, because train.stop looks at its data");
  fails([](Json& j) { j["kind"] = "score"; }, "expected train to be absent in a score stage");
  fails([](Json& j) { j.erase("train"); }, "expected train to be there in a stage of kind finetune");
}

TEST(ABackendThatTheBuildLacksIsADeviceError) {
  CHECK_FAILS(ParseChanged([](Json& json) { json["backend"] = "cuda"; }), Code::kDevice, "built without CUDA");
}

TEST(TextThatIsNoObjectIsABadSpec) {
  StageSpec spec;
  for (const std::string text : {"", "{", "[]", "null", "3", "{\"format\":", "\xff\xfe"}) {
    CHECK_FAILS(ParseStageSpec(text, "run.json", &spec), Code::kBadSpec, "run.json: expected");
  }
  const std::string deep(200000, '[');
  CHECK_FAILS(ParseStageSpec(deep, "run.json", &spec), Code::kBadSpec, "run.json: expected");
  CHECK_FAILS(ParseStageSpec("{\"format\":" + deep + std::string(200000, ']') + "}", "run.json", &spec), Code::kBadSpec, "expected format");
}

TEST(DamagedTextIsRefusedOrReadNeverACrash) {
  int refused = 0;
  test::Damage(Good().dump(), 43, 5000, [&](const std::string& bad) {
    StageSpec spec;
    const Status s = ParseStageSpec(bad, "run.json", &spec);
    CHECK(s.ok() || s.code() == Code::kBadSpec || s.code() == Code::kDevice);
    refused += s.ok() ? 0 : 1;
  });
  CHECK(refused > 1000);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
