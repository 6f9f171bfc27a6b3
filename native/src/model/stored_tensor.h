// A frozen matrix of weights in the form in which it is kept instead of fp32: bytes of a number format, row by row.
#ifndef LETHE_MODEL_STORED_TENSOR_H_
#define LETHE_MODEL_STORED_TENSOR_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "lethe/decoder.h"
#include "lethe/status.h"
#include "weights/dequantize.h"

namespace lethe {

class StoredTensor {
 public:
  // form: kBf16 or kAsStored. Nothing is allocated before the weights come.
  StoredTensor(FrozenForm form, int64_t rows, int64_t columns) : form_(form), rows_(rows), columns_(columns) {}

  FrozenForm form() const { return form_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  // REQUIRES of what follows: weights have come.
  const BlockFormat& format() const { return *format_; }
  const unsigned char* row(int64_t row) const { return bytes_.get() + row * row_bytes(); }
  int64_t row_bytes() const { return columns_ / format_->elements * format_->bytes; }

  // Room for the matrix in `format`, to be filled by the caller. Replaces what was kept. Error: kOutOfMemory.
  Status Allocate(const BlockFormat& format, std::span<unsigned char>* bytes);
  // Keeps these numbers: rounded to bf16 (ties to even) where that is the form, otherwise as they are. Error: kOutOfMemory.
  Status Keep(std::span<const float> values);
  // Rows [first, first + count) in fp32.
  void Decode(int64_t first, int64_t count, float* into) const;

 private:
  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };

  FrozenForm form_;
  int64_t rows_, columns_;
  const BlockFormat* format_ = nullptr;
  std::unique_ptr<unsigned char, Free> bytes_;
};

}  // namespace lethe

#endif  // LETHE_MODEL_STORED_TENSOR_H_
