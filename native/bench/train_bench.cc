// Training steps at real shapes, one each time that a line comes on stdin, so that another program's steps can be timed in turn with them (bench/trainer).
//   train_bench [--model gpt2-124m|smollm2-135m|gpt2-1m|llama-1m|gpt2-w32|gpt2-w64|gpt2-w96|gpt2-w192] [--tuning full|lora] [--threads N] [--batch B] [--tokens T]
//               [--prompt P] [--recompute] [--weights f32|bf16|as-stored] [--folder FOLDER_OR_GGUF]
// --folder: the model and its weights come from there, as in a stage; otherwise the weights are random.
// A step = zero gradients, forward and backward over B sequences of T tokens with loss on those after the first P (1: all that can be predicted), norm of the
// gradients, AdamW with clipping. gpt2-w*: the quickstart's models. Answers are JSON lines:
// first {"ready", …} when the first step may begin, then for each line {"seconds", "cpuSeconds", "loss"}, and after the last {"peakBytes", "gemm", "flops"}:
// flops are those that the step needs (`Flops`), gemm the machine's own rate in the largest product of the model, measured then.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/gemm.h"
#include "lethe/philox.h"
#include "lethe/thread_pool.h"
#include "model/frozen_form.h"
#include "weights/model_folder.h"

namespace {

using namespace lethe;

struct Options {
  std::string model = "gpt2-124m", tuning = "full", folder;
  FrozenForm frozen = FrozenForm::kF32;
  int threads = 2, batch = 4, tokens = 256, prompt = 1;
  bool recompute = false;
};

double Clock(clockid_t id) {
  timespec time;
  clock_gettime(id, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

ModelSpec SpecOf(const std::string& model) {
  ModelSpec spec;
  spec.context = 1024;
  if (model == "gpt2-124m") {
    spec.layers = 12, spec.width = 768, spec.heads = spec.key_value_heads = 12, spec.feed_forward = 3072, spec.vocabulary = 50257;
  } else if (model == "smollm2-135m") {
    spec.family = Family::kLlama;
    spec.layers = 30, spec.width = 576, spec.heads = 9, spec.key_value_heads = 3, spec.feed_forward = 1536, spec.vocabulary = 49152, spec.rope_base = 1e5f;
  } else if (model == "gpt2-1m") {
    spec.layers = 4, spec.width = 128, spec.heads = spec.key_value_heads = 4, spec.feed_forward = 512, spec.vocabulary = 2048, spec.context = 128;
  } else if (model == "llama-1m") {
    spec.family = Family::kLlama;
    spec.layers = 4, spec.width = 128, spec.heads = spec.key_value_heads = 4, spec.feed_forward = 344, spec.vocabulary = 2048, spec.context = 128;
  } else if (model.rfind("gpt2-w", 0) == 0) {
    spec.width = std::atoi(model.c_str() + 6), spec.layers = spec.width < 96 ? 2 : 4, spec.heads = spec.key_value_heads = spec.width / 32;
    spec.feed_forward = 4 * spec.width, spec.vocabulary = 256, spec.context = 16;
  } else {
    std::exit(2);
  }
  return spec;
}

// Two for each weight and row forward, as much for the gradient of the input, and as much again for a weight that is trained; causal attention: half of its square.
// The head's rows are those with a loss.
double Flops(const ModelSpec& spec, const Options& options) {
  const double width = spec.width, rows = static_cast<double>(options.batch) * (options.tokens - 1);
  const double attention = width * (width + 2.0 * width / spec.heads * spec.key_value_heads) + width * width;
  const double inner = (spec.family == Family::kLlama ? 3.0 : 2.0) * width * spec.feed_forward;
  const double head = static_cast<double>(options.batch) * (options.tokens - options.prompt) * width * spec.vocabulary;
  const double factor = options.tuning == "full" ? 6 : 4;
  return factor * (rows * spec.layers * (attention + inner) + head) + rows * 3 * 2.0 * spec.layers * width * options.tokens;
}

double MeasureProduct(const ModelSpec& spec, int64_t rows, ThreadPool* pool) {
  const int64_t k = spec.width, n = spec.feed_forward;
  const std::vector<float> a(static_cast<size_t>(rows * k), 0.5f), b(static_cast<size_t>(k * n), 0.25f);
  std::vector<float> c(static_cast<size_t>(rows * n));
  double best = 1e30;
  for (int run = 0; run < 8; ++run) {
    const double begin = Clock(CLOCK_MONOTONIC);
    Gemm(Transpose::kNo, Transpose::kNo, rows, n, k, a.data(), k, b.data(), n, 0.0f, c.data(), n, pool);
    best = std::min(best, Clock(CLOCK_MONOTONIC) - begin);
  }
  return 2.0 * static_cast<double>(rows * k * n) / best;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--recompute")) options.recompute = true;
    else if (i + 1 == argc) return 2;
    else if (is("--model")) options.model = argv[++i];
    else if (is("--tuning")) options.tuning = argv[++i];
    else if (is("--folder")) options.folder = argv[++i];
    else if (is("--weights") && ParseFrozenForm(argv[i + 1], &options.frozen)) ++i;
    else if (is("--threads")) options.threads = std::atoi(argv[++i]);
    else if (is("--batch")) options.batch = std::atoi(argv[++i]);
    else if (is("--tokens")) options.tokens = std::atoi(argv[++i]);
    else if (is("--prompt")) options.prompt = std::atoi(argv[++i]);
    else return 2;
  }
  std::unique_ptr<ModelWeights> weights;
  if (!options.folder.empty()) {
    if (Status status = OpenModel(options.folder, &weights); !status.ok()) {
      std::fprintf(stderr, "%s\n", status.sentence().c_str());
      return status.exit_code();
    }
  }
  const ModelSpec spec = weights != nullptr ? weights->spec() : SpecOf(options.model);
  Tuning tuning;
  tuning.frozen = options.frozen;
  if (options.tuning == "lora") {
    tuning.kind = TuningKind::kLora;
    tuning.rank = 8, tuning.alpha = 16;
    tuning.targets = spec.family == Family::kLlama ? std::vector<std::string>{"q_proj", "v_proj"} : std::vector<std::string>{"c_attn"};
  }
  ThreadPool pool(options.threads);
  std::unique_ptr<Decoder> decoder;
  if (Status status = Decoder::Create(spec, tuning, &pool, &decoder); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.sentence().c_str());
    return status.exit_code();
  }
  const Status loaded = weights != nullptr ? LoadModelWeights(*weights, *decoder, &pool) : decoder->Initialize(1);
  if (!loaded.ok()) return loaded.exit_code();
  decoder->InitializeAdapters(1);
  std::vector<std::vector<int32_t>> tokens(static_cast<size_t>(options.batch));
  std::vector<Sequence> batch;
  for (size_t i = 0; i < tokens.size(); ++i) {
    for (int t = 0; t < options.tokens; ++t) tokens[i].push_back(static_cast<int32_t>(Philox(3, i, static_cast<uint64_t>(t))[0] % static_cast<uint32_t>(spec.vocabulary)));
    batch.push_back({.tokens = tokens[i], .prompt_length = options.prompt});
  }
  AdamW optimizer(decoder->trained(), {}, &pool);
  std::printf("{\"ready\": %.4f, \"gemm\": \"%s\"}\n", Clock(CLOCK_PROCESS_CPUTIME_ID), GemmName().c_str());
  std::fflush(stdout);
  const float scale = 1.0f / static_cast<float>(options.batch * (options.tokens - options.prompt));
  int64_t step = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const double wall = Clock(CLOCK_MONOTONIC), cpu = Clock(CLOCK_PROCESS_CPUTIME_ID);
    double loss = 0;
    decoder->ZeroGradients();
    if (!decoder->Backward(batch, scale, false, options.recompute, &loss).ok()) return 1;
    optimizer.Step(1e-4, ++step, ClipFactor(GradientNorm(decoder->trained(), &pool), 1.0));
    std::printf("{\"seconds\": %.6f, \"cpuSeconds\": %.6f, \"loss\": %.5f}\n", Clock(CLOCK_MONOTONIC) - wall, Clock(CLOCK_PROCESS_CPUTIME_ID) - cpu, loss * static_cast<double>(scale));
    std::fflush(stdout);
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const double peak = 1024.0 * static_cast<double>(usage.ru_maxrss);
  std::printf("{\"peakBytes\": %.0f, \"gemm\": %.4g, \"flops\": %.6g}\n", peak, MeasureProduct(spec, static_cast<int64_t>(options.batch) * (options.tokens - 1), &pool), Flops(spec, options));
}
