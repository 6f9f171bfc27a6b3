// Models as others publish them, opened, scored and continued by the commands, against what Transformers computes from the same folders
// (test/fixtures/native/make_weights.py): sharded, bfloat16 and float16, grouped keys, tied and untied heads, both kinds of rotary scaling.
#include "model/computed_model.h"

namespace lethe {
namespace {

using test::For;
using test::ItemFile;
using test::Lines;
using Json = nlohmann::json;

const std::string kWeights = std::string(LETHE_FIXTURES) + "/native/weights/";

const Json& Computed() {
  static const Json computed = Json::parse(test::ReadFile(kWeights + "computed.json"));
  return computed;
}

}  // namespace

TEST(PublishedFoldersScoreAndContinueAsInTransformers) {
  for (const char* model : {"gpt2", "llama", "llama3", "linear"}) test::CheckComputed(kWeights + model, Computed()[model], 1e-5);
}

TEST(EveryEndTokenEndsAContinuation) {
  const Json& facts = Computed()["llama3"];
  const test::TemporaryFolder folder;
  Options options = For(kWeights + "llama3", ItemFile(folder, facts["items"]));
  options.max_new_tokens = facts["newTokens"];
  // The second token of one continuation and the third of another: both are cut where either comes.
  options.end_tokens = {facts["greedy"][0][1].get<int32_t>(), facts["greedy"][1][2].get<int32_t>()};
  std::string text;
  CHECK_OK(GenerateFile(options, &text));
  const std::vector<Json> continued = Lines(text);
  for (size_t i = 0; i < continued.size(); ++i) {
    std::vector<int32_t> expected;
    for (const int32_t token : facts["greedy"][i].get<std::vector<int32_t>>()) {
      if (token == options.end_tokens[0] || token == options.end_tokens[1]) break;
      expected.push_back(token);
    }
    CHECK_EQ(continued[i]["generated"], Json(expected));
  }
}

TEST(AContinuationEndsAtTheContext) {
  const test::TemporaryFolder folder;
  Json item = {{"id", "long"}, {"prompt", std::vector<int>(22, 7)}};
  Options options = For(kWeights + "llama", ItemFile(folder, Json::array({item})));  // a context of 24
  options.max_new_tokens = 500;
  std::string text;
  CHECK_OK(GenerateFile(options, &text));
  CHECK_EQ(Lines(text)[0]["generated"].size(), size_t{2});
}

TEST(ItemsThatCannotBeScoredAreNamed) {
  const test::TemporaryFolder folder;
  const auto score = [&](const std::string& content, const std::string& model = "llama") {
    test::WriteFile(folder / "items.jsonl", content);
    std::string text;
    return ScoreFile(For(kWeights + model, folder / "items.jsonl"), &text);
  };
  CHECK_FAILS(score(R"({"id":"a","prompt":[1],"response":[2]})" "\n" R"({"id":"b","prompt":[1]})"), Code::kBadData, "items.jsonl row 2 (id \"b\"): expected the fields id, prompt and response");
  CHECK_FAILS(score(R"({"id":"a","prompt":[1],"response":[40]})"), Code::kBadData, "vocabulary of 40, found 40");
  CHECK_FAILS(score(R"({"id":"a","prompt":[],"response":[4]})"), Code::kBadData, "a prompt of at least one token");
  CHECK_FAILS(score(""), Code::kBadData, "a line of JSON for each item");
  CHECK_FAILS(score("{}", "absent"), Code::kMissingInput, "absent");
  Json item = {{"id", "long"}, {"prompt", std::vector<int>(20, 7)}, {"response", std::vector<int>(5, 7)}};
  CHECK_FAILS(score(item.dump()), Code::kBadData, "at most 24 tokens (the model's context), found 25");
  std::string text;
  CHECK_FAILS(ScoreFile(For(kWeights + "llama", folder / "absent.jsonl"), &text), Code::kMissingInput, "absent.jsonl");
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
