// Frozen weights kept as bf16 or as they are stored: products, losses, gradients, scores and continuations are those of the same numbers in fp32.
#include <bit>
#include <cmath>

#include "model/computed_model.h"
#include "model/stored_tensor.h"
#include "model/test_batch.h"
#include "weights/model_weights.h"

namespace lethe {
namespace {

using test::Gradients;
using test::MakeBatch;

const std::string kWeights = std::string(LETHE_FIXTURES) + "/native/weights/";

Tuning In(FrozenForm form, Tuning tuning) {
  tuning.frozen = form;
  return tuning;
}

std::vector<float> Numbers(Decoder& decoder, size_t index) {
  std::vector<float> memory;
  const std::span<const float> merged = decoder.Merged(index, &memory);
  return {merged.begin(), merged.end()};
}

// A decoder in fp32 that holds the numbers of `decoder`, which has no adapters of its own or adapters that add nothing yet.
std::unique_ptr<Decoder> Fp32Twin(Decoder& decoder, Tuning tuning, ThreadPool* pool) {
  auto twin = test::MakeDecoder(decoder.spec(), pool, 5, In(FrozenForm::kF32, tuning));
  for (size_t i = 0; i < twin->parameters().size(); ++i) {
    const std::vector<float> numbers = Numbers(decoder, i);
    std::copy(numbers.begin(), numbers.end(), twin->parameters()[i].data.begin());
  }
  return twin;
}

int64_t Stored(Decoder& decoder) {
  int64_t count = 0;
  for (const Parameter& parameter : decoder.parameters()) {
    if (parameter.stored == nullptr) continue;
    ++count;
    CHECK(parameter.data.empty() && parameter.grad.empty() && parameter.shape.size() == 2);
  }
  return count;
}

int64_t DifferentBits(const std::vector<float>& a, const std::vector<float>& b) {
  int64_t different = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) different += std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]);
  return different;
}

// Everything that either computes, bit for bit.
void CheckTwins(Decoder& stored, Decoder& twin, bool trains) {
  const test::TestBatch batch = MakeBatch(stored.spec(), 12);
  if (trains) {
    double loss = 0, expected = 0;
    for (Decoder* decoder : {&stored, &twin}) {
      test::StirAdapters(*decoder);
      decoder->ZeroGradients();
      CHECK_OK(decoder->Backward(batch.sequences, 0.01f, true, false, decoder == &stored ? &loss : &expected));
    }
    CHECK_EQ(loss, expected);
    CHECK_EQ(DifferentBits(Gradients(stored), Gradients(twin)), int64_t{0});
    for (size_t i = 0; i < stored.parameters().size(); ++i) CHECK_EQ(DifferentBits(Numbers(stored, i), Numbers(twin, i)), int64_t{0});
  }
  std::vector<SequenceScore> scores(batch.sequences.size()), expected_scores(scores.size());
  CHECK_OK(stored.Score(batch.sequences, scores));
  CHECK_OK(twin.Score(batch.sequences, expected_scores));
  for (size_t i = 0; i < scores.size(); ++i) CHECK_EQ(scores[i].sum_log_prob, expected_scores[i].sum_log_prob);
  std::vector<std::span<const int32_t>> prompts;
  for (const Sequence& sequence : batch.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
  std::vector<std::vector<int32_t>> generated, expected_tokens;
  CHECK_OK(stored.Generate(prompts, -1, 8, &generated));
  CHECK_OK(twin.Generate(prompts, -1, 8, &expected_tokens));
  CHECK(generated == expected_tokens);
}

// Large enough that OpenBLAS makes the products, the token table is widened in parts, and few_rows.cc reads what is generated.
ModelSpec LargeSpec(Family family) {
  ModelSpec spec = test::SmallSpec(family);
  spec.layers = 1;
  spec.width = 64;
  spec.heads = spec.key_value_heads = 4;
  spec.feed_forward = 4160;
  spec.vocabulary = 9000;
  spec.initial_range = 0.1f;
  return spec;
}

}  // namespace

TEST(PiecesOfAStoredMatrixAreTheWholeOne) {
  ThreadPool pool(1);
  const auto decoder = test::MakeDecoder(LargeSpec(Family::kLlama), &pool, 5, In(FrozenForm::kBf16, test::Lora(Family::kLlama)));
  size_t pieces = 0;
  for (size_t i = 0; i < decoder->parameters().size(); ++i) {
    const std::vector<float> whole = Numbers(*decoder, i);
    std::vector<float> together, memory;
    while (together.size() < whole.size()) {
      const std::span<const float> piece = decoder->MergedPiece(i, together.size(), &memory);
      together.insert(together.end(), piece.begin(), piece.end());
      ++pieces;
    }
    CHECK_EQ(DifferentBits(together, whole), int64_t{0});
  }
  CHECK(pieces > decoder->parameters().size());
}

TEST(EveryFormOfFrozenWeightsComputesTheBitsOfTheSameNumbersInFp32) {
  ThreadPool pool(2);
  for (const Family family : {Family::kGpt2, Family::kLlama}) {
    for (const bool tied : {true, false}) {
      for (const FrozenForm form : {FrozenForm::kBf16, FrozenForm::kAsStored}) {
        const ModelSpec spec = test::SmallSpec(family, tied);
        for (const Tuning& tuning : {test::Kind(TuningKind::kNone), test::Lora(family), test::Kind(TuningKind::kTopBlock), test::Kind(TuningKind::kHead)}) {
          const auto decoder = test::MakeDecoder(spec, &pool, 5, In(form, tuning));
          CHECK(Stored(*decoder) > 0);
          const auto twin = Fp32Twin(*decoder, tuning, &pool);
          CHECK_EQ(Stored(*twin), int64_t{0});
          CheckTwins(*decoder, *twin, tuning.kind != TuningKind::kNone);
        }
      }
    }
  }
}

TEST(LargeMatricesWidenedInPartsAgreeWithFp32) {
  for (const Family family : {Family::kGpt2, Family::kLlama}) {
    const ModelSpec spec = LargeSpec(family);
    std::vector<float> gradients[2];
    std::vector<std::vector<int32_t>> generated[2];
    for (int threads = 1; threads <= 2; ++threads) {
      ThreadPool pool(threads);
      const auto decoder = test::MakeDecoder(spec, &pool, 5, In(FrozenForm::kBf16, test::Lora(family)));
      const auto twin = Fp32Twin(*decoder, test::Lora(family), &pool);
      const test::TestBatch batch = MakeBatch(spec, 12);
      double loss[2] = {};
      int index = 0;
      for (Decoder* either : {decoder.get(), twin.get()}) {
        test::StirAdapters(*either);
        CHECK_OK(either->Backward(batch.sequences, 0.01f, true, false, &loss[index++]));
      }
      CHECK_NEAR(loss[0], loss[1], 0, 1e-6);
      gradients[threads - 1] = Gradients(*decoder);
      const std::vector<float> expected = Gradients(*twin);
      // The head's sum over 9,000 rows is cut in two: where OpenBLAS cuts its own sums elsewhere, it is rounded once more.
      CHECK(test::Compare(std::span<const float>(gradients[threads - 1]), std::span<const float>(expected)).relative < 1e-5);
      std::vector<std::span<const int32_t>> prompts;
      for (const Sequence& sequence : batch.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
      std::vector<std::vector<int32_t>> of_twin;
      CHECK_OK(decoder->Generate(prompts, -1, 8, &generated[threads - 1]));
      CHECK_OK(twin->Generate(prompts, -1, 8, &of_twin));
      CHECK(generated[threads - 1] == of_twin);
    }
    CHECK_EQ(DifferentBits(gradients[0], gradients[1]), int64_t{0});
    CHECK(generated[0] == generated[1]);
  }
}

// A prompt alone and among others: few_rows.cc makes every row by itself, whatever OpenBLAS does with its neighbours.
TEST(AContinuationByLargeMatricesDoesNotDependOnItsNeighbours) {
  ThreadPool pool(2);
  const ModelSpec spec = LargeSpec(Family::kLlama);
  const auto decoder = test::MakeDecoder(spec, &pool);
  const test::TestBatch batch = MakeBatch(spec, 9);
  std::vector<std::span<const int32_t>> prompts;
  for (const Sequence& sequence : batch.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
  std::vector<std::vector<int32_t>> together, alone;
  CHECK_OK(decoder->Generate(prompts, -1, 6, &together));
  for (size_t i = 0; i < prompts.size(); ++i) {
    CHECK_OK(decoder->Generate(std::span(prompts).subspan(i, 1), -1, 6, &alone));
    CHECK(alone[0] == together[i]);
  }
}

TEST(FilesOfEveryKindScoreAndContinueAsInFp32WhenTheyAreKeptAsStored) {
  const nlohmann::json items = nlohmann::json::parse(test::ReadFile(kWeights + "computed.json"))["llama"]["items"];
  for (const char* model : {"gpt2", "llama", "llama3", "linear", "llama.gguf"}) {
    const test::TemporaryFolder folder;
    Options options = test::For(kWeights + model, test::ItemFile(folder, items));
    std::string expected, found;
    CHECK_OK(ScoreFile(options, &expected));
    options.weights = FrozenForm::kAsStored;
    CHECK_OK(ScoreFile(options, &found));
    CHECK_EQ(found, expected);
    options.weights = FrozenForm::kF32;
    options.max_new_tokens = 6;
    expected.clear(), found.clear();
    CHECK_OK(GenerateFile(options, &expected));
    options.weights = FrozenForm::kAsStored;
    CHECK_OK(GenerateFile(options, &found));
    CHECK_EQ(found, expected);
  }
}

// A number is moved by at most 2^-9 of itself. What that does to a score depends on the model: the random ones here, whose logits are large, move by less than 2 %.
TEST(WeightsRoundedToBf16ScoreWithinTwoPerCent) {
  const nlohmann::json facts = nlohmann::json::parse(test::ReadFile(kWeights + "computed.json"))["llama"];
  const test::TemporaryFolder folder;
  Options options = test::For(kWeights + "llama.gguf", test::ItemFile(folder, facts["items"]));
  std::string expected, found;
  CHECK_OK(ScoreFile(options, &expected));
  options.weights = FrozenForm::kBf16;
  CHECK_OK(ScoreFile(options, &found));
  const auto lines = test::Lines(found), in_fp32 = test::Lines(expected);
  for (size_t i = 0; i < lines.size(); ++i) CHECK_NEAR(lines[i]["sumLogProb"].get<double>(), in_fp32[i]["sumLogProb"].get<double>(), 0, 0.02);
  CHECK(found != expected);  // it is rounded, and says so in the help
}

TEST(RoundingToBf16IsToTheNearestAndToEven) {
  StoredTensor tensor(FrozenForm::kBf16, 1, 6);
  const float values[] = {1.0f, 1.00390625f, 1.01171875f, -3.1415927f, 1e-40f, 3.3895314e38f};
  CHECK_OK(tensor.Keep(values));
  float kept[6];
  tensor.Decode(0, 1, kept);
  const float expected[] = {1.0f, 1.0f, 1.015625f, -3.140625f, 0x1p-133f, 3.3895314e38f};
  for (int i = 0; i < 6; ++i) CHECK_NEAR(static_cast<double>(kept[i]), static_cast<double>(expected[i]), 1e-43, 1e-7);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
