#include "train/token_data.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "check.h"
#include "files/sha256.h"
#include "train/stop_rule.h"

namespace lethe {
namespace {

const std::string kDigest(64, 'd');

ModelSpec Model() {
  ModelSpec model;
  model.vocabulary = 32;
  model.context = 8;
  return model;
}

void WriteData(const test::TemporaryFolder& folder, const std::string& tokens, int rows, int vocabulary = 32) {
  test::WriteFile(folder / "tokens.jsonl", tokens);
  const nlohmann::json manifest = {{"format", "lethe-data/1"}, {"digest", kDigest}, {"rows", rows}, {"vocabulary", vocabulary}, {"endToken", 0}, {"note", "others may add fields"},
                                   {"files", {{"tokens.jsonl", {{"sha256", Sha256Hex(tokens)}, {"bytes", tokens.size()}}}}}};
  test::WriteFile(folder / "manifest.json", manifest.dump());
}

Status LoadText(const std::string& tokens, int rows, int vocabulary = 32) {
  const test::TemporaryFolder folder;
  WriteData(folder, tokens, rows, vocabulary);
  TokenData data;
  return TokenData::Load(folder.path(), kDigest, Model(), &data);
}

std::string Row(const std::string& id, const std::string& prompt, const std::string& response, const std::string& name = "safe") {
  return "{\"id\":\"" + id + "\",\"class\":\"" + name + "\",\"prompt\":[" + prompt + "],\"response\":[" + response + "]}\n";
}

}  // namespace

TEST(RowsComeBackInOrder) {
  const test::TemporaryFolder folder;
  WriteData(folder, Row("a\\u00e9", "1,2,3", "4,0", "unsafe") + Row("b", "5", "0", "task"), 2);
  TokenData data;
  CHECK_OK(TokenData::Load(folder.path(), kDigest, Model(), &data));
  CHECK_EQ(data.rows(), 2);
  CHECK_EQ(data.id(0), "aé");
  CHECK_EQ(data.example_class(0), kUnsafe);
  CHECK_EQ(data.example_class(1), kTask);
  const Sequence first = data.sequence(0);
  CHECK_EQ(first.prompt_length, 3);
  CHECK((std::vector<int32_t>(first.tokens.begin(), first.tokens.end()) == std::vector<int32_t>{1, 2, 3, 4, 0}));
  CHECK_EQ(data.sequence(1).tokens.size(), 2u);
}

TEST(BadRowsAreNamedByNumberAndId) {
  const std::string good = Row("a", "1", "0");
  const auto fails = [&](const std::string& bad, const std::string& sentence) {
    const Status s = LoadText(good + bad, 2);
    CHECK_FAILS(s, Code::kBadData, "tokens.jsonl row 2");
    CHECK_FAILS(s, Code::kBadData, sentence);
  };
  fails(Row("b", "1", "32,0"), "(id \"b\"): expected token ids below the model's vocabulary of 32, found 32");
  fails(Row("b", "-1", "0"), "expected token ids from 0, found -1");
  fails(Row("b", "1,2,3,4", "5,6,7,8,0"), "at most 8 tokens (the model's context), found 9");
  fails(Row("b", "1", "2,3"), "expected the response to end with the end token 0, found 3");
  fails(Row("b", "", "2,0"), "a prompt of at least one token");
  fails(Row("b", "1", ""), "expected a response, found an empty one");
  fails(Row("b", "1", "0", "nice"), "expected class unsafe, safe or task");
  fails(Row("a", "1", "0"), "expected ids that differ");
  fails("{\"id\":\"b\",\"class\":\"safe\",\"response\":[1,0]}\n", "expected prompt before response");
  fails("{\"id\":\"b\",\"class\":\"safe\",\"prompt\":[1]}\n", "expected the fields id, class, prompt and response");
  fails("{\"id\":\"b\",\"id\":\"c\"}\n", "found id twice");
  fails("{\"id\":\"b\",\"class\":\"safe\",\"prompt\":[[1]],\"response\":[0]}\n", "expected {id, class");
  fails("{\"id\":\"b\",\"class\":\"safe\",\"prompt\":[1.5],\"response\":[0]}\n", "expected {id, class");
  fails("{\"id\":\"b\",\"text\":\"s\"}\n", "found another");
  fails("not json\n", "expected JSON, which breaks at byte");
  fails("\n", "expected JSON");
}

TEST(FilesThatDisagreeWithTheManifestAreBadData) {
  CHECK_FAILS(LoadText(Row("a", "1", "0"), 2), Code::kBadData, "expected 2 rows (manifest.json), found 1");
  CHECK_FAILS(LoadText(Row("a", "1", "0"), 1, 64), Code::kBadData, "expected a vocabulary of at most 32 (the model's), found 64");
  const test::TemporaryFolder folder;
  TokenData data;
  CHECK_FAILS(TokenData::Load(folder.path(), kDigest, Model(), &data), Code::kMissingInput, "manifest.json, which is not there");
  WriteData(folder, Row("a", "1", "0"), 1);
  test::WriteFile(folder / "tokens.jsonl", Row("a", "2", "0"));
  CHECK_FAILS(TokenData::Load(folder.path(), kDigest, Model(), &data), Code::kBadData, "tokens.jsonl: expected sha256");
  CHECK_FAILS(TokenData::Load(folder.path(), std::string(64, 'e'), Model(), &data), Code::kBadData, "expected digest to be");
  std::filesystem::remove(folder / "tokens.jsonl");
  CHECK_FAILS(TokenData::Load(folder.path(), kDigest, Model(), &data), Code::kMissingInput, "tokens.jsonl, which is not there");
}

TEST(DamagedRowsAreRefusedOrReadNeverACrash) {
  const std::string good = Row("a", "1,2,3", "4,0") + Row("b", "5", "0", "task") + Row("c", "6,7", "8,9,0", "unsafe");
  int refused = 0;
  test::Damage(good, 47, 2000, [&](const std::string& bad) {
    const Status s = LoadText(bad, 3);
    CHECK(s.ok() || s.code() == Code::kBadData);
    refused += s.ok() ? 0 : 1;
  });
  CHECK(refused > 500);
}

TEST(TheStopRuleNeedsEveryClass) {
  const test::TemporaryFolder folder;
  WriteData(folder, Row("a", "1", "2,0", "unsafe") + Row("b", "1", "2,0", "unsafe") + Row("c", "1", "2,0", "safe"), 3);
  TokenData data;
  CHECK_OK(TokenData::Load(folder.path(), kDigest, Model(), &data));
  StopRule rule;
  rule.exact_match = 0.5;
  const SequenceScore sure = {2, 2 * std::log(0.81), true}, unsure = {2, 2 * std::log(0.79), true}, wrong = {2, -0.01, false};
  CHECK(StopRuleHolds(rule, data, std::vector{sure, wrong, unsure}));
  CHECK(!StopRuleHolds(rule, data, std::vector{wrong, wrong, unsure}));
  CHECK(!StopRuleHolds(rule, data, std::vector{sure, sure, wrong}));
  rule.learned_share = 0.5;
  CHECK(!StopRuleHolds(rule, data, std::vector{sure, wrong, unsure}));
  CHECK(StopRuleHolds(rule, data, std::vector{sure, wrong, sure}));
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
