// Takes keys of a GGUF file with their bounds; keeps the first error.
#ifndef LETHE_WEIGHTS_GGUF_KEYS_H_
#define LETHE_WEIGHTS_GGUF_KEYS_H_

#include <cstdint>
#include <string>

#include "lethe/status.h"
#include "weights/gguf_file.h"

namespace lethe {

class GgufKeys {
 public:
  // The file must outlive it.
  explicit GgufKeys(const GgufFile& file) : file_(file) {}

  bool Has(const std::string& name) const { return file_.keys().contains(name); }
  // After an error these return the least value.
  int Integer(const std::string& name, int64_t least, int64_t most);
  float Number(const std::string& name, double least, double most);
  void TextIs(const std::string& name, const std::string& only);
  bool HasText(const std::string& name, const std::string& text) const;

  void Fail(const std::string& name, const std::string& expected);
  const Status& status() const { return status_; }

 private:
  const GgufValue* Find(const std::string& name) const;
  std::string Text(const std::string& name) const;

  const GgufFile& file_;
  Status status_;
};

}  // namespace lethe

#endif  // LETHE_WEIGHTS_GGUF_KEYS_H_
