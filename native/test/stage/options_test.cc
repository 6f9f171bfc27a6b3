#include "stage/options.h"

#include <vector>

#include "check.h"

namespace lethe {
namespace {

Status Parse(std::vector<std::string> words, Options* options) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ParseOptions(arguments, options);
}

Status Parse(std::vector<std::string> words) {
  Options options;
  return Parse(std::move(words), &options);
}

}  // namespace

TEST(TheCommandsThatUseAModelTakeFileAndModel) {
  Options score;
  CHECK_OK(Parse({"--score", "items.jsonl", "--model", "models/x/", "--threads", "2"}, &score));
  CHECK(score.command == Command::kScore);
  CHECK_EQ(score.file, "items.jsonl");
  CHECK_EQ(score.model, "models/x");
  CHECK_EQ(score.threads, 2);
  Options generate;
  CHECK_OK(Parse({"--generate", "items.jsonl", "--model", "m.gguf", "--max-new-tokens", "500", "--end-token", "2", "--end-token", "0"}, &generate));
  CHECK(generate.command == Command::kGenerate);
  CHECK_EQ(generate.max_new_tokens, 500);
  CHECK((generate.end_tokens == std::vector<int32_t>{2, 0}));
  CHECK(generate.weights == FrozenForm::kF32);
  Options kept;
  CHECK_OK(Parse({"--score", "items.jsonl", "--model", "m", "--weights", "as-stored"}, &kept));
  CHECK(kept.weights == FrozenForm::kAsStored);
}

TEST(FlagsThatDoNotGoTogetherAreRefused) {
  CHECK_FAILS(Parse({}), Code::kBadSpec, "expected --stage DIR and --attempt N");
  CHECK_FAILS(Parse({"--score", "f"}), Code::kBadSpec, "expected --model DIR beside --score");
  CHECK_FAILS(Parse({"--score"}), Code::kBadSpec, "expected --score with a file, found nothing");
  CHECK_FAILS(Parse({"--score", "f", "--generate", "g"}), Code::kBadSpec, "expected one of --score and --generate once");
  CHECK_FAILS(Parse({"--score", "f", "--model", "m", "--stage", "s"}), Code::kBadSpec, "expected --stage or --score, found both");
  CHECK_FAILS(Parse({"--stage", "s", "--attempt", "1", "--model", "m"}), Code::kBadSpec, "a stage takes its model from run.json");
  CHECK_FAILS(Parse({"--generate", "f", "--model", "m"}), Code::kBadSpec, "expected --max-new-tokens N beside --generate");
  CHECK_FAILS(Parse({"--score", "f", "--model", "m", "--end-token", "1"}), Code::kBadSpec, "beside --generate only");
  CHECK_FAILS(Parse({"--generate", "f", "--model", "m", "--max-new-tokens", "0"}), Code::kBadSpec, "an integer from 1 to 1048576, found \"0\"");
  CHECK_FAILS(Parse({"--generate", "f", "--model", "m", "--end-token", "-1"}), Code::kBadSpec, "an integer from 0");
  CHECK_FAILS(Parse({"--score", "f", "--model", "m", "--weights", "int8"}), Code::kBadSpec, "expected --weights with f32, bf16 or as-stored, found \"int8\"");
  CHECK_FAILS(Parse({"--stage", "s", "--attempt", "1", "--weights", "bf16"}), Code::kBadSpec, "a stage's stand in run.json (train.frozenWeights)");
  CHECK_FAILS(Parse({"--threads", "two"}), Code::kBadSpec, "found \"two\"");
  CHECK_FAILS(Parse({"--frobnicate"}), Code::kBadSpec, "unknown argument");
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
