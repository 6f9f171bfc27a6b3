// What tuning trains, what it leaves alone, and what must not change its results.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lethe/adamw.h"
#include "model/test_batch.h"
#include "near.h"

namespace lethe {
namespace {

using test::Gradients;
using test::Kind;
using test::Lora;
using test::MakeBatch;
using test::MakeDecoder;
using test::SmallSpec;

constexpr Family kFamilies[] = {Family::kGpt2, Family::kLlama};

std::vector<std::string> Names(std::span<const Parameter> parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

std::vector<float> GradientOf(Decoder& decoder, std::span<const Sequence> batch, bool recompute = false) {
  double loss = 0;
  decoder.ZeroGradients();
  CHECK_OK(decoder.Backward(batch, 0.1f, false, recompute, &loss));
  return Gradients(decoder);
}

std::vector<SequenceScore> ScoresOf(Decoder& decoder, const test::TestBatch& batch) {
  std::vector<SequenceScore> scores(batch.sequences.size());
  CHECK_OK(decoder.Score(batch.sequences, scores));
  return scores;
}

}  // namespace

TEST(OnlyWhatIsTrainedHasGradients) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    for (bool tied : {true, false}) {
      for (const Tuning& tuning : {Kind(TuningKind::kNone), Kind(TuningKind::kFull), Lora(family), Kind(TuningKind::kTopBlock), Kind(TuningKind::kHead)}) {
        auto decoder = MakeDecoder(SmallSpec(family, tied), &pool, 5, tuning);
        size_t with_gradient = 0;
        for (const Parameter& parameter : decoder->parameters()) with_gradient += parameter.grad.empty() ? 0 : 1;
        if (tuning.kind == TuningKind::kLora) {
          CHECK_EQ(with_gradient, size_t{0});
        } else {
          CHECK_EQ(with_gradient, decoder->trained().size());
        }
        for (const Parameter& parameter : decoder->trained()) CHECK(parameter.grad.size() == parameter.data.size());
      }
    }
  }
  auto head = MakeDecoder(SmallSpec(Family::kLlama, false), &pool, 5, Kind(TuningKind::kHead));
  CHECK((Names(head->trained()) == std::vector<std::string>{"lm_head.weight"}));
  head = MakeDecoder(SmallSpec(Family::kLlama, true), &pool, 5, Kind(TuningKind::kHead));
  CHECK((Names(head->trained()) == std::vector<std::string>{"model.embed_tokens.weight"}));
  auto top = MakeDecoder(SmallSpec(Family::kGpt2, true), &pool, 5, Kind(TuningKind::kTopBlock));
  CHECK_EQ(top->trained().size(), size_t{14});  // twelve of the block, two of the norm; the tied head is the token table
  CHECK_EQ(top->trained().front().name, "transformer.h.1.ln_1.weight");
  CHECK_EQ(top->trained().back().name, "transformer.ln_f.bias");
}

TEST(AdaptersHaveTheNamesAndShapesOfPeft) {
  ThreadPool pool(1);
  Tuning tuning = Lora(Family::kGpt2);
  tuning.targets = {"c_proj"};
  auto gpt2 = MakeDecoder(SmallSpec(Family::kGpt2), &pool, 5, tuning);
  const std::vector<std::string> names = Names(gpt2->trained());
  CHECK_EQ(names.size(), size_t{8});  // of attention and feed-forward, two blocks
  CHECK_EQ(names[0], "base_model.model.transformer.h.0.attn.c_proj.lora_A.weight");
  CHECK_EQ(names[3], "base_model.model.transformer.h.0.mlp.c_proj.lora_B.weight");
  CHECK((gpt2->trained()[2].shape == std::vector<int64_t>{3, 96}));
  CHECK((gpt2->trained()[3].shape == std::vector<int64_t>{24, 3}));
  tuning.targets = {"q_proj", "v_proj"};
  auto llama = MakeDecoder(SmallSpec(Family::kLlama), &pool, 5, tuning);
  CHECK_EQ(llama->trained()[2].name, "base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight");
  CHECK((llama->trained()[3].shape == std::vector<int64_t>{8, 3}));
}

TEST(TargetsThatTheFamilyLacksAreRefused) {
  ThreadPool pool(1);
  std::unique_ptr<Decoder> decoder;
  Tuning tuning = Lora(Family::kLlama);
  CHECK_FAILS(Decoder::Create(SmallSpec(Family::kGpt2), tuning, &pool, &decoder), Code::kBadSpec, "c_attn, c_proj, c_fc, c_proj), got \"q_proj\"");
  tuning.targets = {"proj"};  // an end, but not after a dot
  CHECK_FAILS(Decoder::Create(SmallSpec(Family::kLlama), tuning, &pool, &decoder), Code::kBadSpec, "got \"proj\"");
  tuning = Lora(Family::kLlama);
  tuning.rank = 0;
  CHECK_FAILS(Decoder::Create(SmallSpec(Family::kLlama), tuning, &pool, &decoder), Code::kBadSpec, "tuning.rank");
}

TEST(AdaptersThatHaveNotLearnedChangeNoBit) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 9);
    auto plain = MakeDecoder(spec, &pool), adapted = MakeDecoder(spec, &pool, 5, Lora(family, 0.5));
    const auto expected = ScoresOf(*plain, batch), found = ScoresOf(*adapted, batch);
    for (size_t i = 0; i < found.size(); ++i) CHECK_EQ(found[i].sum_log_prob, expected[i].sum_log_prob);
  }
}

TEST(AMergedModelScoresAndContinuesAsTheAdaptedOne) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 9);
    auto adapted = MakeDecoder(spec, &pool, 5, Lora(family)), merged = MakeDecoder(spec, &pool, 6);
    test::StirAdapters(*adapted);
    std::vector<float> memory;
    for (size_t i = 0; i < merged->parameters().size(); ++i) {
      const auto data = adapted->Merged(i, &memory);
      std::copy(data.begin(), data.end(), merged->parameters()[i].data.begin());
    }
    const auto expected = ScoresOf(*adapted, batch), found = ScoresOf(*merged, batch);
    auto plain = MakeDecoder(spec, &pool);
    CHECK(std::abs(ScoresOf(*plain, batch)[0].sum_log_prob - expected[0].sum_log_prob) > 1e-2);  // the adapters do something
    for (size_t i = 0; i < found.size(); ++i) CHECK_NEAR(found[i].sum_log_prob, expected[i].sum_log_prob, 1e-4, 1e-6);
    std::vector<std::span<const int32_t>> prompts;
    for (const Sequence& sequence : batch.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
    std::vector<std::vector<int32_t>> by_adapted, by_merged;
    CHECK_OK(adapted->Generate(prompts, -1, 6, &by_adapted));
    CHECK_OK(merged->Generate(prompts, -1, 6, &by_merged));
    CHECK(by_adapted == by_merged);
  }
}

TEST(FrozenPartsDoNotChangeTheGradientsOfTheRest) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    for (bool tied : {true, false}) {
      const ModelSpec spec = SmallSpec(family, tied);
      const test::TestBatch batch = MakeBatch(spec, 9);
      auto full = MakeDecoder(spec, &pool);
      GradientOf(*full, batch.sequences);
      for (TuningKind kind : {TuningKind::kTopBlock, TuningKind::kHead}) {
        auto part = MakeDecoder(spec, &pool, 5, Kind(kind));
        GradientOf(*part, batch.sequences);
        for (const Parameter& trained : part->trained()) {
          const auto of_full = std::find_if(full->parameters().begin(), full->parameters().end(), [&](const Parameter& parameter) { return parameter.name == trained.name; });
          CHECK(std::equal(trained.grad.begin(), trained.grad.end(), of_full->grad.begin()));
        }
      }
    }
  }
}

TEST(ThreadsAndRecomputeChangeNoBitOfTunedGradients) {
  for (Family family : kFamilies) {
    ModelSpec spec = SmallSpec(family);
    spec.layers = 3;
    const test::TestBatch batch = MakeBatch(spec, 40);
    for (const Tuning& tuning : {Lora(family, 0.2), Kind(TuningKind::kTopBlock), Kind(TuningKind::kHead)}) {
      std::vector<std::vector<float>> found;
      for (int threads : {1, 2, 3}) {
        for (bool recompute : {false, true}) {
          ThreadPool pool(threads);
          auto decoder = MakeDecoder(spec, &pool, 5, tuning);
          test::StirAdapters(*decoder);
          found.push_back(GradientOf(*decoder, batch.sequences, recompute));
        }
      }
      for (const std::vector<float>& other : found) CHECK(other == found[0]);
    }
  }
}

TEST(DropoutFollowsStepAndPlaceInTheBatchAlone) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 12);
    auto decoder = MakeDecoder(spec, &pool, 5, Lora(family, 0.4));
    test::StirAdapters(*decoder);
    const auto scores = ScoresOf(*decoder, batch);
    decoder->PlaceDropout({.seed = 1, .step = 5});
    const std::vector<float> whole = GradientOf(*decoder, batch.sequences);
    decoder->ZeroGradients();
    for (size_t begin = 0; begin < 12; begin += 5) {
      double loss = 0;
      decoder->PlaceDropout({.seed = 1, .step = 5, .first_sequence = static_cast<int64_t>(begin)});
      CHECK_OK(decoder->Backward(std::span(batch.sequences).subspan(begin, std::min<size_t>(5, 12 - begin)), 0.1f, false, false, &loss));
    }
    const std::vector<float> parts = Gradients(*decoder);
    CHECK(test::Compare(std::span<const float>(parts), std::span<const float>(whole)).relative < 1e-5);
    for (const DropoutPlace& other : {DropoutPlace{.seed = 1, .step = 6}, DropoutPlace{.seed = 2, .step = 5}, DropoutPlace{.seed = 1, .step = 5, .first_sequence = 1}}) {
      decoder->PlaceDropout(other);
      const std::vector<float> elsewhere = GradientOf(*decoder, batch.sequences);
      CHECK(test::Compare(std::span<const float>(elsewhere), std::span<const float>(whole)).relative > 1e-2);
    }
    const auto again = ScoresOf(*decoder, batch);  // scoring drops nothing
    for (size_t i = 0; i < again.size(); ++i) CHECK_EQ(again[i].sum_log_prob, scores[i].sum_log_prob);
  }
}

// Sequences share a matrix without padding: if one could see another, or a position were counted on, the sum over single ones would differ.
TEST(ThePackedGradientIsTheSumOfSingleOnes) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 12);
    auto decoder = MakeDecoder(spec, &pool);
    const std::vector<float> packed = GradientOf(*decoder, batch.sequences);
    decoder->ZeroGradients();
    double loss = 0;
    for (size_t i = 12; i-- > 0;) CHECK_OK(decoder->Backward(std::span(batch.sequences).subspan(i, 1), 0.1f, false, false, &loss));
    const std::vector<float> singles = Gradients(*decoder);
    const test::Agreement agreement = test::Compare(std::span<const float>(packed), std::span<const float>(singles));
    CHECK(agreement.relative < 1e-5);
    CHECK(std::any_of(packed.begin(), packed.end(), [](float value) { return value != 0; }));
  }
}

// More rows than a product takes at once: halves that are added up must not count twice.
TEST(TheGradientOfALargeBatchIsTheSumOfItsParts) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 90);
    for (const Tuning& tuning : {Kind(TuningKind::kFull), Lora(family)}) {
      auto decoder = MakeDecoder(spec, &pool, 5, tuning);
      test::StirAdapters(*decoder);
      const std::vector<float> whole = GradientOf(*decoder, batch.sequences);
      decoder->ZeroGradients();
      double loss = 0;
      for (size_t i = 0; i < 90; i += 9) CHECK_OK(decoder->Backward(std::span(batch.sequences).subspan(i, 9), 0.1f, false, false, &loss));
      const std::vector<float> parts = Gradients(*decoder);
      CHECK(test::Compare(std::span<const float>(whole), std::span<const float>(parts)).relative < 1e-5);
    }
  }
}

TEST(FrozenWeightsStayBitForBitUnderTraining) {
  ThreadPool pool(1);
  for (Family family : kFamilies) {
    const ModelSpec spec = SmallSpec(family);
    const test::TestBatch batch = MakeBatch(spec, 9);
    for (const Tuning& tuning : {Lora(family), Kind(TuningKind::kTopBlock), Kind(TuningKind::kHead)}) {
      auto decoder = MakeDecoder(spec, &pool, 5, tuning), before = MakeDecoder(spec, &pool, 5, tuning);
      AdamW optimizer(decoder->trained(), {.weight_decay = 0.1f}, &pool);
      double first = 0, last = 0;
      for (int step = 1; step <= 8; ++step) {
        decoder->ZeroGradients();
        CHECK_OK(decoder->Backward(batch.sequences, 0.02f, false, false, step == 1 ? &first : &last));
        optimizer.Step(1e-2, step);
      }
      CHECK(last < first);
      for (size_t i = 0; i < decoder->parameters().size(); ++i) {
        const Parameter &now = decoder->parameters()[i], &then = before->parameters()[i];
        CHECK_EQ(std::equal(now.data.begin(), now.data.end(), then.data.begin()), now.grad.empty());
      }
    }
  }
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
