// LayerNorm (with bias) or RMSNorm (without) of rows of a packed micro-batch.
#ifndef LETHE_MODEL_NORM_H_
#define LETHE_MODEL_NORM_H_

#include <cstdint>

#include "lethe/thread_pool.h"
#include "model/parameter_store.h"

namespace lethe {

struct Norm {
  Weight weight, bias;  // no bias: RMSNorm
  int64_t width = 0;
  float epsilon = 0;

  // y = norm(x); mean and inverse [rows] are kept for the backward (RMSNorm leaves mean untouched).
  void Forward(float* y, float* mean, float* inverse, const float* x, int64_t rows, ThreadPool* pool) const;
  // dx += gradient through the norm; adds to the gradients of weight and bias where they are trained. dx null: those alone.
  void Backward(float* dx, const float* dy, const float* x, const float* mean, const float* inverse, int64_t rows, ThreadPool* pool) const;
};

}  // namespace lethe

#endif  // LETHE_MODEL_NORM_H_
