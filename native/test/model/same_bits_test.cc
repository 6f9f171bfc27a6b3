// What must not change a single bit: threads, recompute, neighbours in a batch, the cache of a generation.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "lethe/adamw.h"
#include "model/test_batch.h"

namespace lethe {
namespace {

using test::Gradients;
using test::MakeBatch;
using test::MakeDecoder;
using test::SmallSpec;

// Wide enough that every loop is shared: several row tasks, column tasks and product tiles.
ModelSpec WideSpec(Family family) {
  ModelSpec spec = SmallSpec(family);
  spec.width = 144;
  spec.feed_forward = 560;
  spec.heads = 6;
  spec.key_value_heads = family == Family::kLlama ? 2 : 6;
  spec.initial_range = 0.1f;
  return spec;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) return false;
  }
  return true;
}

std::vector<std::span<const int32_t>> Prompts(const test::TestBatch& batch) {
  std::vector<std::span<const int32_t>> prompts;
  for (const Sequence& sequence : batch.sequences) prompts.push_back(sequence.tokens.first(static_cast<size_t>(sequence.prompt_length)));
  return prompts;
}

struct Outcome {
  double loss = 0;
  std::vector<float> gradients, weights;
  std::vector<SequenceScore> scores;
  std::vector<std::vector<int32_t>> generated;
};

Outcome RunWith(const ModelSpec& spec, int threads, bool recompute) {
  ThreadPool pool(threads);
  auto decoder = MakeDecoder(spec, &pool);
  const test::TestBatch batch = MakeBatch(spec, 40);
  Outcome outcome;
  AdamW optimizer(decoder->parameters(), {.weight_decay = 0.1f}, &pool);
  for (int step = 1; step <= 2; ++step) {
    double loss = 0;
    decoder->ZeroGradients();
    CHECK_OK(decoder->Backward(std::span(batch.sequences).first(25), 0.01f, false, recompute, &loss));
    outcome.loss += loss;
    CHECK_OK(decoder->Backward(std::span(batch.sequences).subspan(25), 0.01f, false, recompute, &loss));
    outcome.loss += loss;
    outcome.gradients = Gradients(*decoder);
    ClipGradients(decoder->parameters(), 0.5, &pool);
    optimizer.Step(1e-2, step);
  }
  for (const Parameter& parameter : decoder->parameters()) outcome.weights.insert(outcome.weights.end(), parameter.data.begin(), parameter.data.end());
  outcome.scores.resize(batch.sequences.size());
  CHECK_OK(decoder->Score(batch.sequences, outcome.scores));
  CHECK_OK(decoder->Generate(Prompts(batch), 0, 8, &outcome.generated));
  return outcome;
}

void CheckSame(const Outcome& a, const Outcome& b) {
  CHECK_EQ(a.loss, b.loss);
  CHECK(SameBits(a.gradients, b.gradients));
  CHECK(SameBits(a.weights, b.weights));
  CHECK_EQ(a.scores.size(), b.scores.size());
  for (size_t i = 0; i < a.scores.size(); ++i) {
    CHECK_EQ(a.scores[i].sum_log_prob, b.scores[i].sum_log_prob);
    CHECK_EQ(a.scores[i].exact_match, b.scores[i].exact_match);
  }
  CHECK(a.generated == b.generated);
}

}  // namespace

// Every matrix is one for OpenBLAS.
ModelSpec LargeSpec() {
  ModelSpec spec = WideSpec(Family::kLlama);
  spec.width = 576;
  spec.heads = 9;
  spec.key_value_heads = 3;
  spec.feed_forward = 640;
  spec.vocabulary = 500;
  return spec;
}

TEST(ThreadsChangeNoBitOfAModelWithLargeMatrices) {
  const Outcome one = RunWith(LargeSpec(), 1, false);
  for (int threads : {2, 4}) CheckSame(RunWith(LargeSpec(), threads, false), one);
}

TEST(ThreadsChangeNoBitOfGpt2) {
  const Outcome one = RunWith(WideSpec(Family::kGpt2), 1, false);
  for (int threads : {2, 3}) CheckSame(RunWith(WideSpec(Family::kGpt2), threads, false), one);
}

TEST(ThreadsChangeNoBitOfLlama) {
  const Outcome one = RunWith(WideSpec(Family::kLlama), 1, false);
  for (int threads : {2, 3}) CheckSame(RunWith(WideSpec(Family::kLlama), threads, false), one);
}

TEST(RecomputeChangesNoBit) {
  for (Family family : {Family::kGpt2, Family::kLlama}) CheckSame(RunWith(SmallSpec(family), 1, true), RunWith(SmallSpec(family), 1, false));
}

TEST(AScoreDoesNotDependOnTheNeighboursInTheBatch) {
  for (Family family : {Family::kGpt2, Family::kLlama}) {
    ThreadPool pool(1);
    const ModelSpec spec = WideSpec(family);
    auto decoder = MakeDecoder(spec, &pool);
    const test::TestBatch batch = MakeBatch(spec, 40);
    std::vector<SequenceScore> together(40);
    CHECK_OK(decoder->Score(batch.sequences, together));
    for (size_t i = 0; i < together.size(); ++i) {
      SequenceScore alone;
      CHECK_OK(decoder->Score(std::span(batch.sequences).subspan(i, 1), std::span(&alone, 1)));
      CHECK_EQ(alone.sum_log_prob, together[i].sum_log_prob);
      CHECK_EQ(alone.tokens, together[i].tokens);
      CHECK(alone.tokens > 0);
    }
  }
}

// A continuation is scored again by teacher forcing: if every cached step's arg max is that of a full forward, the score says "exact match".
TEST(CachedGenerationIsTheArgMaxOfFullForwards) {
  for (Family family : {Family::kGpt2, Family::kLlama}) {
    ThreadPool pool(1);
    const ModelSpec spec = WideSpec(family);
    auto decoder = MakeDecoder(spec, &pool);
    const test::TestBatch batch = MakeBatch(spec, 40);
    const auto prompts = Prompts(batch);
    std::vector<std::vector<int32_t>> generated;
    CHECK_OK(decoder->Generate(prompts, -1, 8, &generated));
    for (size_t i = 0; i < prompts.size(); ++i) {
      CHECK_EQ(generated[i].size(), std::min<size_t>(8, static_cast<size_t>(spec.context) - prompts[i].size()));
      std::vector<int32_t> tokens(prompts[i].begin(), prompts[i].end());
      tokens.insert(tokens.end(), generated[i].begin(), generated[i].end());
      if (generated[i].empty()) continue;
      const Sequence sequence{.tokens = tokens, .prompt_length = static_cast<int>(prompts[i].size())};
      SequenceScore score;
      CHECK_OK(decoder->Score(std::span(&sequence, 1), std::span(&score, 1)));
      CHECK(score.exact_match);
      tokens.back() = (tokens.back() + 1) % spec.vocabulary;
      CHECK_OK(decoder->Score(std::span(&sequence, 1), std::span(&score, 1)));
      CHECK(!score.exact_match);
    }
  }
}

TEST(GenerationStopsBeforeTheEndToken) {
  ThreadPool pool(1);
  const ModelSpec spec = SmallSpec(Family::kGpt2);
  auto decoder = MakeDecoder(spec, &pool);
  const test::TestBatch batch = MakeBatch(spec, 12);
  std::vector<std::vector<int32_t>> free, stopped;
  CHECK_OK(decoder->Generate(Prompts(batch), -1, 8, &free));
  const int32_t end_token = free[0].at(1);
  CHECK_OK(decoder->Generate(Prompts(batch), end_token, 8, &stopped));
  for (size_t i = 0; i < free.size(); ++i) {
    const std::vector<int32_t> expected(free[i].begin(), std::find(free[i].begin(), free[i].end(), end_token));
    CHECK(stopped[i] == expected);
  }
}

TEST(AccumulatedMicroBatchesAddUpToTheWholeBatch) {
  ThreadPool pool(1);
  const ModelSpec spec = SmallSpec(Family::kLlama);
  auto decoder = MakeDecoder(spec, &pool);
  const test::TestBatch batch = MakeBatch(spec, 12);
  double whole = 0;
  CHECK_OK(decoder->Backward(batch.sequences, 0.1f, false, false, &whole));
  const std::vector<float> at_once = Gradients(*decoder);
  decoder->ZeroGradients();
  double parts = 0;
  for (size_t i = 0; i < 12; i += 4) {
    double loss = 0;
    CHECK_OK(decoder->Backward(std::span(batch.sequences).subspan(i, 4), 0.1f, false, false, &loss));
    parts += loss;
  }
  CHECK(std::abs(parts - whole) < 1e-9 * whole);
  const std::vector<float> added = Gradients(*decoder);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < added.size(); ++i) {
    difference += std::pow(static_cast<double>(added[i]) - static_cast<double>(at_once[i]), 2);
    norm += std::pow(static_cast<double>(at_once[i]), 2);
  }
  CHECK(difference < 1e-10 * norm);
}

TEST(ASequenceWithNothingToPredictIsScoredAsEmpty) {
  ThreadPool pool(1);
  const ModelSpec spec = SmallSpec(Family::kGpt2);
  auto decoder = MakeDecoder(spec, &pool);
  test::TestBatch batch = MakeBatch(spec, 3);
  std::vector<SequenceScore> before(3), after(3);
  CHECK_OK(decoder->Score(batch.sequences, before));
  batch.sequences[1].prompt_length = static_cast<int>(batch.sequences[1].tokens.size());
  CHECK_OK(decoder->Score(batch.sequences, after));
  CHECK_EQ(after[1].tokens, 0);
  CHECK_EQ(after[1].sum_log_prob, 0.0);
  CHECK_EQ(after[2].sum_log_prob, before[2].sum_log_prob);
}

TEST(WhatCannotBeIsRefusedInASentence) {
  ThreadPool pool(1);
  std::unique_ptr<Decoder> decoder;
  ModelSpec spec = SmallSpec(Family::kGpt2);
  spec.heads = 5;
  CHECK_FAILS(Decoder::Create(spec, &pool, &decoder), Code::kBadSpec, "model.heads");
  spec = SmallSpec(Family::kLlama);
  spec.key_value_heads = 4;
  CHECK_FAILS(Decoder::Create(spec, &pool, &decoder), Code::kBadSpec, "keyValueHeads");
  spec = SmallSpec(Family::kLlama);
  spec.width = 18, spec.heads = 6;
  CHECK_FAILS(Decoder::Create(spec, &pool, &decoder), Code::kBadSpec, "even");
  spec = SmallSpec(Family::kGpt2);
  spec.layers = 0;
  CHECK_FAILS(Decoder::Create(spec, &pool, &decoder), Code::kBadSpec, "model.layers");

  spec = SmallSpec(Family::kGpt2);
  auto good = MakeDecoder(spec, &pool);
  double loss = 0;
  const std::vector<int32_t> foreign = {1, spec.vocabulary, 2}, longer(static_cast<size_t>(spec.context) + 1, 1);
  const Sequence bad_token{.tokens = foreign, .prompt_length = 1}, bad_length{.tokens = longer, .prompt_length = 1}, bad_prompt{.tokens = std::span(longer).first(3), .prompt_length = 4};
  CHECK_FAILS(good->Backward(std::span(&bad_token, 1), 1.0f, false, false, &loss), Code::kBadData, "vocabulary of 37");
  CHECK_FAILS(good->Backward(std::span(&bad_length, 1), 1.0f, false, false, &loss), Code::kBadData, "at most 20 tokens");
  CHECK_FAILS(good->Backward(std::span(&bad_prompt, 1), 1.0f, false, false, &loss), Code::kBadData, "prompt");
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
