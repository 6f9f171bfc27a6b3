// y = x W + b for rows of a packed micro-batch, in either of Hugging Face's layouts: GPT-2's Conv1D keeps W as [in, out], nn.Linear as [out, in].
#ifndef LETHE_MODEL_LINEAR_H_
#define LETHE_MODEL_LINEAR_H_

#include <cstdint>

#include <vector>

#include "lethe/thread_pool.h"
#include "model/adapter.h"
#include "model/parameter_store.h"

namespace lethe {

struct Linear {
  Weight weight, bias;
  int64_t in = 0, out = 0;
  bool out_in = false;  // weight is [out, in]
  std::vector<Adapter> adapters = {};  // applied by their own functions, before or after these

  // Whether a backward needs x again: for the weight's gradient or an adapter's.
  bool NeedsInput() const { return weight.grad != nullptr || !adapters.empty(); }

  // y = x W + b (+ addend). y, addend [rows, out]; x [rows, in].
  void Forward(float* y, const float* x, int64_t rows, const float* addend, ThreadPool* pool) const;
  // The same for tokens under generation: a large matrix is read once, where it lies (few_rows.cc). Small ones have Forward's bits. addend is apart from y.
  void ForwardFew(float* y, const float* x, int64_t rows, const float* addend, ThreadPool* pool) const;
  // dx = dy W^T.
  void BackwardInput(float* dx, const float* dy, int64_t rows, ThreadPool* pool) const;
  // weight.grad += x^T dy, bias.grad += sum over rows of dy, where they are trained.
  void BackwardWeight(const float* dy, const float* x, int64_t rows, ThreadPool* pool) const;
};

}  // namespace lethe

#endif  // LETHE_MODEL_LINEAR_H_
