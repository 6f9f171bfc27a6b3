#include "train/checkpoint.h"

#include <cstring>
#include <numeric>

#include "check.h"
#include "lethe/thread_pool.h"
#include "stage/store_paths.h"
#include "train/lineage.h"

namespace lethe {
namespace {

const CheckpointForm kWhole(Tuning{});

// Two parameters without a decoder, and an optimizer that has seen one update.
struct Model {
  std::vector<float> values = std::vector<float>(20), gradients = std::vector<float>(20);
  std::vector<Parameter> parameters = {{"wte.weight", {4, 3}, std::span(values).first(12), std::span(gradients).first(12)},
                                       {"ln.bias", {8}, std::span(values).subspan(12), std::span(gradients).subspan(12)}};
  ThreadPool pool{1};
  AdamW optimizer{parameters, {}, &pool};

  explicit Model(float first) {
    std::iota(values.begin(), values.end(), first);
    std::iota(gradients.begin(), gradients.end(), -first);
    optimizer.Step(0.1, 1);
  }
};

void WriteScores(const std::string& attempts, const std::string& writer, int64_t step, int rows) {
  std::string lines;
  for (int row = 0; row < rows; ++row) lines += "{}\n";
  test::WriteFile(attempts + "/" + writer + "/scores/" + StepName(step) + ".jsonl", lines);
}

void WriteStep(const std::string& attempts, const std::string& writer, int64_t step) {
  Model model(static_cast<float>(step));
  const std::string folder = attempts + "/" + writer + "/checkpoints";
  std::filesystem::create_directories(folder);
  CHECK_OK(WriteCheckpoint(folder, step, kWhole, model.parameters, model.optimizer));
}

std::string Text(const std::vector<CheckpointName>& names) {
  std::string text;
  for (const CheckpointName& name : names) text += name.text() + " ";
  return text;
}

}  // namespace

TEST(WeightsAndMomentsComeBackBitForBit) {
  const test::TemporaryFolder folder;
  Model model(1.5f);
  CHECK_OK(WriteCheckpoint(folder.path(), 7, kWhole, model.parameters, model.optimizer));
  const std::string path = folder / "step-000007";
  CHECK_OK(VerifyCheckpoint(path, 7, kWhole));
  Model other(9.0f);
  CHECK_OK(LoadWeights(path, kWhole, other.parameters));
  CHECK_OK(LoadMoments(path, other.parameters, other.optimizer));
  CHECK(other.values == model.values);
  for (size_t i = 0; i < 2; ++i) {
    const auto m = model.optimizer.first_moment(i), v = model.optimizer.second_moment(i);
    CHECK(std::memcmp(m.data(), other.optimizer.first_moment(i).data(), m.size_bytes()) == 0);
    CHECK(std::memcmp(v.data(), other.optimizer.second_moment(i).data(), v.size_bytes()) == 0);
  }
  CHECK_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()), 1);
}

TEST(ACheckpointOfAnotherStepOrWithADamagedFileIsRefused) {
  const test::TemporaryFolder folder;
  Model model(1.0f);
  CHECK_OK(WriteCheckpoint(folder.path(), 7, kWhole, model.parameters, model.optimizer));
  const std::string path = folder / "step-000007";
  CHECK_FAILS(VerifyCheckpoint(path, 8, kWhole), Code::kBadData, "expected step to be an integer from 8 to 8, found 7");
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "manifest.json"}) {
    const std::string good = test::ReadFile(path + "/" + name);
    test::Damage(good, 53, 100, [&](const std::string& bad) {
      if (bad == good) return;
      test::WriteFile(path + "/" + name, bad);
      const Status s = VerifyCheckpoint(path, 7, kWhole);
      CHECK(s.code() == Code::kBadData || (s.ok() && std::string(name) == "manifest.json"));  // other white space or fields in a manifest do no harm
    });
    std::filesystem::remove(path + "/" + name);
    CHECK_FAILS(VerifyCheckpoint(path, 7, kWhole), Code::kMissingInput, name);
    test::WriteFile(path + "/" + name, good);
  }
  CHECK_OK(VerifyCheckpoint(path, 7, kWhole));
}

TEST(OnlyTheNewestCheckpointsOfAWriterStay) {
  const test::TemporaryFolder folder;
  for (const int64_t step : {5, 1000000, 10, 999999}) {
    Model model(1.0f);
    CHECK_OK(WriteCheckpoint(folder.path(), step, kWhole, model.parameters, model.optimizer));
  }
  PruneCheckpoints(folder.path(), 2);
  CHECK(std::filesystem::exists(folder / "step-1000000") && std::filesystem::exists(folder / "step-999999"));
  CHECK_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()), 2);
}

TEST(NamesOfStepsAndCheckpointsAreReadStrictly) {
  CHECK_EQ(StepName(500), "step-000500");
  CHECK_EQ(StepOfName("step-000500"), 500);
  CHECK_EQ(StepOfName("step-12345678"), 12345678);
  for (const char* bad : {"step-500", "step-0000500", "step-00050x", ".tmp-step-000500", "step-", "step--00500", "step-000500.jsonl"}) CHECK_EQ(StepOfName(bad), -1);
  CheckpointName name;
  CHECK(ParseCheckpointName("12/4242-99/step-000500", &name));
  CHECK_EQ(name.writer, "12/4242-99");
  CHECK_EQ(name.step, 500);
  CHECK_EQ(name.path("/a"), "/a/12/4242-99/checkpoints/step-000500");
  for (const char* bad : {"", "step-000500", "12/step-000500", "x/4242/step-000500", "12/../step-000500", "12/a/b/step-000500", "12/a b/step-000500", "12/a/step-5"}) {
    CHECK(!ParseCheckpointName(bad, &name));
  }
}

TEST(CheckpointsAreFoundHighestStepFirstThenNewestAttempt) {
  const test::TemporaryFolder attempts;
  for (const char* name : {"1/a/checkpoints/step-000010", "2/b/checkpoints/step-000010", "10/c/checkpoints/step-000010", "1/a/checkpoints/step-000020", "1/a/checkpoints/.tmp-step-000030",
                           "1/a/checkpoints/step-000000", "1/a/checkpoints/step-000099", "x/a/checkpoints/step-000040", "2/d/scores"}) {
    std::filesystem::create_directories(attempts / name);
  }
  CHECK_EQ(Text(FindCheckpoints(attempts.path(), 50)), "1/a/step-000020 10/c/step-000010 2/b/step-000010 1/a/step-000010 ");
  CHECK_EQ(FindCheckpoints(attempts / "none", 50).size(), 0u);
}

TEST(AChainHasTheAnchorsOfItsWritersUpToWhereTheyWereLeft) {
  const test::TemporaryFolder folder;
  const std::string& attempts = folder.path();
  // a ran to 30 and scored 0, 10, 30; b went on from a's 20 (not from 30) and is at 40.
  test::WriteFile(attempts + "/1/a/from.json", R"({"checkpoint":null,"step":0})");
  test::WriteFile(attempts + "/2/b/from.json", R"({"checkpoint":"1/a/step-000020","step":20})");
  for (const int64_t step : {0, 10, 30}) WriteScores(attempts, "1/a", step, 3);
  for (const int64_t step : {20, 40}) WriteStep(attempts, step == 20 ? "1/a" : "2/b", step);
  WriteStep(attempts, "2/b", 30);
  Lineage lineage;
  CHECK_OK(TraceLineage(attempts, {"2/b", 40}, {0, 10, 20, 30, 40, 50}, 3, kWhole, &lineage));
  CHECK((lineage.scored == std::set<int64_t>{0, 10}));
  CHECK_EQ(Text(lineage.backlog), "1/a/step-000020 2/b/step-000030 ");

  // A file with too few lines is none; an anchor without scores and checkpoint makes the chain useless.
  WriteScores(attempts, "1/a", 10, 2);
  CHECK_FAILS(TraceLineage(attempts, {"2/b", 40}, {0, 10}, 3, kWhole, &lineage), Code::kMissingInput, "anchor 10 is not scored in the chain of 2/b/step-000040");
}

TEST(AChainThatIsACircleOrNonsenseEnds) {
  const test::TemporaryFolder folder;
  const std::string& attempts = folder.path();
  test::WriteFile(attempts + "/1/a/from.json", R"({"checkpoint":"2/b/step-000010"})");
  test::WriteFile(attempts + "/2/b/from.json", R"({"checkpoint":"1/a/step-000010"})");
  Lineage lineage;
  CHECK_OK(TraceLineage(attempts, {"2/b", 10}, {0}, 3, kWhole, &lineage));
  CHECK_EQ(lineage.backlog.size(), 1u);
  test::Damage(R"({"checkpoint":"1/a/step-000010","step":10})", 59, 500, [&](const std::string& bad) {
    test::WriteFile(attempts + "/2/b/from.json", bad);
    Lineage damaged;
    CHECK_OK(TraceLineage(attempts, {"2/b", 10}, {0}, 3, kWhole, &damaged));
    CHECK_EQ(damaged.backlog.size(), 1u);
  });
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
