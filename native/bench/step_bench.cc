// Small models: training steps in tokens/s, GFLOP/s and share of the machine's own product rate; scored and greedily continued sequences a second.
//   step_bench [--threads N] [--seconds S] [--tokens T] [--prompt P] [--batch B] [--layers L --width C] [--vocabulary V] [--llama] [--all-tokens]
// A step = zero gradients, forward and backward over B sequences of T tokens with loss on the response, clip, AdamW. tokens = all tokens of the batch.
// GFLOP are the useful ones of a plain implementation that also runs every token through every layer and the head through kept rows only:
// 6 * (matrix parameters of blocks) * B * T + 6 * V * C * targets + attention.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/gemm.h"
#include "lethe/philox.h"
#include "lethe/thread_pool.h"

namespace {

using namespace lethe;

struct Options {
  int threads = 1, tokens = 9, prompt = 5, batch = 64, layers = 0, width = 0, vocabulary = 256;
  double seconds = 2;
  bool llama = false, all_tokens = false;
};

// One thread: CPU time, which a busy machine stretches less. More: wall time.
double Now(const ThreadPool& pool) {
  if (pool.threads() > 1) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void Measure(const Options& options, int layers, int width, double gemm_rate, ThreadPool* pool) {
  ModelSpec spec;
  spec.family = options.llama ? Family::kLlama : Family::kGpt2;
  spec.layers = layers;
  spec.width = width;
  spec.heads = std::max(1, width / (width < 512 ? 32 : 64));
  spec.key_value_heads = spec.heads;
  spec.feed_forward = options.llama ? width * 8 / 3 / 8 * 8 : 4 * width;
  spec.context = options.tokens;
  spec.vocabulary = options.vocabulary;
  std::unique_ptr<Decoder> decoder;
  if (Status status = Decoder::Create(spec, pool, &decoder); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.sentence().c_str());
    std::exit(status.exit_code());
  }
  decoder->Initialize(1);
  std::vector<std::vector<int32_t>> tokens(static_cast<size_t>(options.batch));
  std::vector<Sequence> batch;
  for (size_t i = 0; i < tokens.size(); ++i) {
    for (int t = 0; t < options.tokens; ++t) tokens[i].push_back(static_cast<int32_t>(Philox(3, i, static_cast<uint64_t>(t))[0] % static_cast<uint32_t>(spec.vocabulary)));
    batch.push_back({.tokens = tokens[i], .prompt_length = options.prompt});
  }
  const int64_t targets = static_cast<int64_t>(options.batch) * (options.tokens - (options.all_tokens ? 1 : options.prompt));
  AdamW optimizer(decoder->parameters(), {}, pool);
  double best = 1e30, best_forward_backward = 1e30, total = 0;
  std::vector<double> steps;
  for (int64_t step = 1; step <= 5 || total < options.seconds; ++step) {
    const double start = Now(*pool);
    double loss = 0;
    decoder->ZeroGradients();
    if (!decoder->Backward(batch, 1.0f / static_cast<float>(targets), options.all_tokens, false, &loss).ok()) std::exit(1);
    const double middle = Now(*pool);
    ClipGradients(decoder->parameters(), 1.0, pool);
    optimizer.Step(1e-3, step);
    const double took = Now(*pool) - start;
    total += took;
    steps.push_back(took);
    best = std::min(best, took);
    best_forward_backward = std::min(best_forward_backward, middle - start);
  }
  std::nth_element(steps.begin(), steps.begin() + static_cast<long>(steps.size() / 2), steps.end());
  const double rows = static_cast<double>(options.batch) * options.tokens;
  const double block = (options.llama ? 4.0 * width * width + 3.0 * width * spec.feed_forward : 12.0 * width * width);
  const double flop = 6 * layers * block * rows + 6.0 * spec.vocabulary * width * static_cast<double>(targets) + 6.0 * layers * width * rows * options.tokens;
  std::printf("%-5s L%d d%-4d  %9.0f tokens/s  %7.3f ms/step (median %7.3f, optimizer %6.3f)  %6.1f GFLOP/s  %3.0f %% of products\n", options.llama ? "llama" : "gpt2", layers,
              width, rows / best, best * 1e3, steps[steps.size() / 2] * 1e3, (best - best_forward_backward) * 1e3, flop / best * 1e-9, 100 * flop / best * 1e-9 / gemm_rate);

  std::vector<SequenceScore> scores(batch.size());
  std::vector<std::span<const int32_t>> prompts;
  for (const Sequence& sequence : batch) prompts.push_back(sequence.tokens.first(static_cast<size_t>(options.prompt)));
  std::vector<std::vector<int32_t>> generated;
  double best_score = 1e30, best_generate = 1e30;
  for (int run = 0; run < 20; ++run) {
    const double start = Now(*pool);
    if (!decoder->Score(batch, scores).ok()) std::exit(1);
    const double middle = Now(*pool);
    if (!decoder->Generate(prompts, -1, options.tokens - options.prompt, &generated).ok()) std::exit(1);
    best_score = std::min(best_score, middle - start);
    best_generate = std::min(best_generate, Now(*pool) - middle);
  }
  std::printf("                 %9.0f sequences/s scored, %9.0f sequences/s continued by %d tokens\n", options.batch / best_score, options.batch / best_generate,
              options.tokens - options.prompt);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--llama")) options.llama = true;
    else if (is("--all-tokens")) options.all_tokens = true;
    else if (i + 1 == argc) return 2;
    else if (is("--threads")) options.threads = std::atoi(argv[++i]);
    else if (is("--seconds")) options.seconds = std::atof(argv[++i]);
    else if (is("--tokens")) options.tokens = std::atoi(argv[++i]);
    else if (is("--prompt")) options.prompt = std::atoi(argv[++i]);
    else if (is("--width")) options.width = std::atoi(argv[++i]);
    else if (is("--layers")) options.layers = std::atoi(argv[++i]);
    else if (is("--vocabulary")) options.vocabulary = std::atoi(argv[++i]);
    else if (is("--batch")) options.batch = std::atoi(argv[++i]);
    else return 2;
  }
  ThreadPool pool(options.threads);
  const double rate = MeasureGemm(&pool, 0.3);
  std::printf("%s, %d thread(s), 512^3 product %.1f GFLOP/s; B=%d T=%d V=%d, loss on %s\n", GemmName().c_str(), pool.threads(), rate, options.batch, options.tokens, options.vocabulary,
              options.all_tokens ? "all tokens" : "the response");
  if (options.layers > 0) {
    Measure(options, options.layers, options.width, rate, &pool);
    return 0;
  }
  for (auto [layers, width] : {std::pair{2, 32}, {2, 64}, {4, 96}, {4, 192}}) {
    if (options.width == 0 || options.width == width) Measure(options, layers, width, rate, &pool);
  }
}
