// SHA-256 (FIPS 180-4) of a stream of bytes; uses the CPU's SHA instructions when it has them.
#ifndef LETHE_FILES_SHA256_H_
#define LETHE_FILES_SHA256_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace lethe {

class Sha256 {
 public:
  Sha256();
  void Update(const void* bytes, size_t count);
  // Lower-case hex of everything since construction. REQUIRES: called once, last.
  std::string Finish();

  // Hides the SHA instructions, so that a test can compare both ways.
  static void UsePortableRounds(bool portable);

 private:
  uint32_t state_[8];
  unsigned char block_[64];
  size_t filled_ = 0;
  uint64_t total_ = 0;
};

std::string Sha256Hex(const std::string& bytes);

// True for 64 lower-case hex digits.
bool IsSha256(const std::string& text);

}  // namespace lethe

#endif  // LETHE_FILES_SHA256_H_
