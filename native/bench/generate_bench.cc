// Greedy generation at real shapes, one batch each time that a line comes on stdin, so that another program's can be timed in turn with it (bench/trainer).
//   generate_bench --model FOLDER_OR_GGUF [--weights f32|bf16|as-stored] [--threads N] [--batch B] [--prompt T] [--new N]
// Prompts are random tokens; there is no end token, so that every sequence gets N. Answers are JSON lines: first {"ready", …} when the first token may be made, then for
// each line {"seconds", "cpuSeconds"}, and after the last {"peakBytes"}.
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/gemm.h"
#include "lethe/philox.h"
#include "lethe/thread_pool.h"
#include "model/frozen_form.h"
#include "weights/model_folder.h"

namespace {

using namespace lethe;

double Clock(clockid_t id) {
  timespec time;
  clock_gettime(id, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.sentence().c_str());
  std::exit(status.exit_code());
}

}  // namespace

int main(int argc, char** argv) {
  std::string model;
  Tuning tuning;
  tuning.kind = TuningKind::kNone;
  int threads = 2, batch = 1, prompt = 16, count = 64;
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--model")) model = argv[i + 1];
    else if (is("--weights") && ParseFrozenForm(argv[i + 1], &tuning.frozen)) continue;
    else if (is("--threads")) threads = std::atoi(argv[i + 1]);
    else if (is("--batch")) batch = std::atoi(argv[i + 1]);
    else if (is("--prompt")) prompt = std::atoi(argv[i + 1]);
    else if (is("--new")) count = std::atoi(argv[i + 1]);
    else return 2;
  }
  std::unique_ptr<ModelWeights> weights;
  Require(OpenModel(model, &weights));
  const ModelSpec spec = weights->spec();
  ThreadPool pool(threads);
  Require(CheckGemm(&pool));
  std::unique_ptr<Decoder> decoder;
  Require(Decoder::Create(spec, tuning, &pool, &decoder));
  Require(LoadModelWeights(*weights, *decoder, &pool));
  std::vector<std::vector<int32_t>> tokens(static_cast<size_t>(batch)), generated;
  std::vector<std::span<const int32_t>> prompts;
  for (size_t i = 0; i < tokens.size(); ++i) {
    for (int t = 0; t < prompt; ++t) tokens[i].push_back(static_cast<int32_t>(Philox(3, i, static_cast<uint64_t>(t))[0] % static_cast<uint32_t>(spec.vocabulary)));
    prompts.emplace_back(tokens[i]);
  }
  std::printf("{\"ready\": %.4f}\n", Clock(CLOCK_PROCESS_CPUTIME_ID));
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const double wall = Clock(CLOCK_MONOTONIC), cpu = Clock(CLOCK_PROCESS_CPUTIME_ID);
    Require(decoder->Generate(prompts, {.end_tokens = {}, .max_new_tokens = count, .between = {}}, &generated));
    std::printf("{\"seconds\": %.6f, \"cpuSeconds\": %.6f}\n", Clock(CLOCK_MONOTONIC) - wall, Clock(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    std::fflush(stdout);
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"peakBytes\": %.0f}\n", 1024.0 * static_cast<double>(usage.ru_maxrss));
}
