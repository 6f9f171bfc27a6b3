// LoRA (Hu et al. 2021, "LoRA: low-rank adaptation of large language models") on the columns of one Hugging Face module inside a product of ours:
//   forward:  y[:, columns] += scale * drop(x) A^T B^T                          A [rank, in], B [out, rank]
//   backward: with l = scale * drop(x) A^T and d_l = scale * dy[:, columns] B: dB += dy^T l, dA += d_l^T drop(x), dx += mask * (d_l A)
// l is made again in the backward, so that an adapter keeps nothing of its forward.
#ifndef LETHE_MODEL_ADAPTER_H_
#define LETHE_MODEL_ADAPTER_H_

#include <cstdint>
#include <span>

#include "lethe/thread_pool.h"
#include "model/dropout_mask.h"
#include "model/parameter_store.h"

namespace lethe {

struct Adapter {
  Weight a, b;
  int64_t in = 0, out = 0, rank = 0;
  int64_t column = 0;   // of the joined product, where the module's columns begin
  float scale = 0;
  uint64_t number = 0;  // in the model
  size_t parameter = 0; // index of the module's weight in Decoder::parameters()
  bool out_in = false;  // that weight is [out, in]

  // weight += scale * B A, in the weight's layout; weight [in * out].
  void MergeInto(float* weight, ThreadPool* pool) const;
};

// What a pass lends to the adapters of one product of `rows` rows.
struct AdapterPass {
  float* low;       // [rows, rank]
  float* d_low;     // [adapters of the product, rows, rank]
  float* masked;    // [rows, in]; used with dropout only
  DropoutMask mask; // share 0: no dropout; `adapter` is filled in here
};

// y [rows, y_row], x [rows, in].
void ForwardAdapters(std::span<const Adapter> adapters, float* y, int64_t y_row, const float* x, int64_t rows, const AdapterPass& pass, ThreadPool* pool);

// The backward in three steps, because a block makes x again between them, where dx lay: first d_low, then any order of the others.
void BackwardAdaptersLow(std::span<const Adapter> adapters, const float* dy, int64_t dy_row, int64_t rows, const AdapterPass& pass, ThreadPool* pool);
// dx += …
void BackwardAdaptersInput(std::span<const Adapter> adapters, float* dx, int64_t rows, const AdapterPass& pass, ThreadPool* pool);
void BackwardAdaptersWeight(std::span<const Adapter> adapters, const float* dy, int64_t dy_row, const float* x, int64_t rows, const AdapterPass& pass, ThreadPool* pool);

}  // namespace lethe

#endif  // LETHE_MODEL_ADAPTER_H_
