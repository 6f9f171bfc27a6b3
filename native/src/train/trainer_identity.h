// What decides the bits of a result besides the stage: recorded in from.json, compared by whoever mixes results.
#ifndef LETHE_TRAIN_TRAINER_IDENTITY_H_
#define LETHE_TRAIN_TRAINER_IDENTITY_H_

#include <string>

namespace lethe {

inline constexpr char kVersion[] = "0.1.0";

// sha256 over sources, compiler and GEMM library.
extern const char kBuildDigest[];

// {"backend", "precision", "cpu", "blas", "version"} as JSON.
std::string NumericsTuple();

// {"version", "numerics", "build", "cpu"} as JSON.
std::string VersionText();

}  // namespace lethe

#endif  // LETHE_TRAIN_TRAINER_IDENTITY_H_
