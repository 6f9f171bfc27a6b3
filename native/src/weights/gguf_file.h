// A GGUF v3 file, mapped: magic "GGUF", version, number of tensors, number of keys; the keys; the tensors' names, shapes, formats and offsets; padding to
// the alignment; the tensors. Little-endian. Every count and offset is checked against the file's size before it is used.
#ifndef LETHE_WEIGHTS_GGUF_FILE_H_
#define LETHE_WEIGHTS_GGUF_FILE_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "lethe/status.h"
#include "weights/dequantize.h"

namespace lethe {

struct GgufArray {
  uint64_t count = 0;   // its items are checked and passed over
};

// Unsigned and signed integers of all widths come as int64_t (kBadData beyond), both float widths as double.
using GgufValue = std::variant<int64_t, double, bool, std::string, GgufArray>;

struct GgufTensor {
  std::vector<int64_t> shape;          // slowest first, as everywhere else; the file has it the other way round
  const BlockFormat* format = nullptr;
  uint64_t offset = 0;                 // from the first byte of tensor data
  uint64_t bytes = 0;
};

class GgufFile {
 public:
  GgufFile() = default;
  ~GgufFile();
  GgufFile(const GgufFile&) = delete;
  GgufFile& operator=(const GgufFile&) = delete;

  // kMissingInput: nothing there. kBadData: no such file, or one that is damaged.
  Status Open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, GgufValue>& keys() const { return keys_; }
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }
  // The tensor's bytes; they live as long as this object, and only while nobody shortens the file.
  const unsigned char* Data(const GgufTensor& tensor) const { return mapped_.data() + data_start_ + tensor.offset; }
  // The tensor has been read: its pages need not stay in this process's memory. They come back when it is read again.
  void Release(const GgufTensor& tensor) const;

 private:
  Status Map();
  Status Parse();
  Status CheckRanges() const;
  Status Bad(const std::string& what) const { return {Code::kBadData, "bad GGUF file " + path_ + ": " + what}; }

  std::string path_;
  std::span<const unsigned char> mapped_;
  uint64_t data_start_ = 0;
  std::map<std::string, GgufValue> keys_;
  std::map<std::string, GgufTensor> tensors_;
};

}  // namespace lethe

#endif  // LETHE_WEIGHTS_GGUF_FILE_H_
