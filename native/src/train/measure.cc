#include "train/measure.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "lethe/cpu_level.h"
#include "lethe/gemm.h"
#include "lethe/thread_pool.h"

namespace lethe {
namespace {

// Best rate of a copy far larger than any cache, counting bytes read and written.
double MeasureBandwidth(ThreadPool* pool) {
  constexpr size_t kBytes = size_t{1} << 26;
  constexpr int64_t kTasks = 64;
  constexpr size_t kPiece = kBytes / kTasks;
  std::vector<char> from(kBytes, 1), to(kBytes, 2);
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    pool->For(kTasks, [&](int64_t task) { std::memcpy(to.data() + static_cast<size_t>(task) * kPiece, from.data() + static_cast<size_t>(task) * kPiece, kPiece); });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, 2.0 * kBytes / seconds);
  }
  return best;
}

}  // namespace

std::string MeasureText(int threads) {
  ThreadPool pool(threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  const nlohmann::ordered_json measured = {
      {"gflops", MeasureGemm(&pool, 0.3)}, {"bandwidthBytesPerSecond", MeasureBandwidth(&pool)}, {"cpu", Name(ActiveCpuLevel())}};
  return measured.dump();
}

}  // namespace lethe
