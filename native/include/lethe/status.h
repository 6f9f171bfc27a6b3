// What went wrong, for the person who must act: what was expected, what came, where. The code is the process's exit code.
#ifndef LETHE_STATUS_H_
#define LETHE_STATUS_H_

#include <string>
#include <utility>

namespace lethe {

enum class Code {
  kOk = 0,
  kBadData = 65,
  kMissingInput = 66,
  kDevice = 69,
  kInternal = 70,
  kIo = 74,
  kStopped = 75,
  kBadSpec = 78,
  kOutOfMemory = 80,
  kDiverged = 81,
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string sentence) : code_(code), sentence_(std::move(sentence)) {}

  static Status Ok() { return {}; }
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  int exit_code() const { return static_cast<int>(code_); }
  const std::string& sentence() const { return sentence_; }

 private:
  Code code_ = Code::kOk;
  std::string sentence_;
};

}  // namespace lethe

#endif  // LETHE_STATUS_H_
