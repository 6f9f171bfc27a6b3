#ifndef LETHE_TRAIN_DEFAULT_THREADS_H_
#define LETHE_TRAIN_DEFAULT_THREADS_H_

#include <algorithm>
#include <thread>

#include "lethe/decoder.h"

namespace lethe {

// Threads for a model when nobody says how many: small products are done sooner by one.
inline int DefaultThreads(const ModelSpec& spec) { return spec.width <= 128 ? 1 : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

}  // namespace lethe

#endif  // LETHE_TRAIN_DEFAULT_THREADS_H_
