#ifndef LETHE_TRAIN_MEASURE_H_
#define LETHE_TRAIN_MEASURE_H_

#include <string>

namespace lethe {

// {"gflops", "bandwidthBytesPerSecond", "cpu"} of this machine as JSON, in about half a second. threads 0 = one for each core.
std::string MeasureText(int threads);

}  // namespace lethe

#endif  // LETHE_TRAIN_MEASURE_H_
