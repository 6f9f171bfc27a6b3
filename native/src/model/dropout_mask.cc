#include "model/dropout_mask.h"

#include <algorithm>
#include <cmath>

#include "lethe/philox.h"

namespace lethe {
namespace {

// Keeps these draws apart from others under the same seed: initial weights count their streams from 0, the order of examples by epochs.
constexpr uint64_t kDomain = uint64_t{0x6472} << 16;
constexpr int64_t kDraws = 8;  // elements of one counter, 16 bits each

}  // namespace

void DropoutMask::Apply(float* to, const float* from, bool add, int64_t begin, int64_t count, int64_t width) const {
  const uint32_t threshold = static_cast<uint32_t>(std::lround(static_cast<double>(share) * 65536.0));
  const float factor = 1.0f / (1.0f - share);
  const uint64_t stream = static_cast<uint64_t>(place.step) << 32 | kDomain | adapter;
  for (int64_t i = begin; i < begin + count; ++i) {
    const size_t row = static_cast<size_t>(kept_rows ? batch->kept_rows[static_cast<size_t>(i)] : i);
    const auto sequence = static_cast<uint64_t>(place.first_sequence + batch->owners[row]);
    const uint64_t counter = sequence << 37 | static_cast<uint64_t>(batch->positions[row]) << 17;
    const float* in = from + i * width;
    float* out = to + i * width;
    for (int64_t c = 0; c < width; c += kDraws) {
      const auto words = Philox(place.seed, stream, counter | static_cast<uint64_t>(c / kDraws));
      const int64_t end = std::min(kDraws, width - c);
      for (int64_t j = 0; j < end; ++j) {
        const uint32_t draw = words[static_cast<size_t>(j / 2)] >> (j % 2 * 16) & 0xffff;
        const float kept = draw < threshold ? 0.0f : in[c + j] * factor;
        out[c + j] = add ? out[c + j] + kept : kept;
      }
    }
  }
}

}  // namespace lethe
