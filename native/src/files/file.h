// Files as the store wants them: read whole, written whole or not at all. Errors name the path; a missing file is kMissingInput, all else kIo.
#ifndef LETHE_FILES_FILE_H_
#define LETHE_FILES_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lethe/status.h"

namespace lethe {

// An open file that closes itself.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() { Close(); }
  File(File&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  File& operator=(File&& other) noexcept;
  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void Close();

 private:
  int descriptor_ = -1;
};

// Translates errno: "could not <what> <path>: <why>".
Status ErrnoStatus(const std::string& what, const std::string& path, int error);

Status OpenForReading(const std::string& path, File* file, uint64_t* bytes);
Status ReadWholeFile(const std::string& path, std::string* content);
// Exactly count bytes from offset; an early end is kBadData.
Status ReadAt(const File& file, const std::string& path, uint64_t offset, void* into, size_t count);
Status HashFile(const std::string& path, std::string* sha256, uint64_t* bytes);

Status CreateFile(const std::string& path, File* file);  // truncates
Status WriteAll(const File& file, const std::string& path, const void* bytes, size_t count);
Status SyncFile(const File& file, const std::string& path);
Status SyncDirectory(const std::string& path);

// content under a temporary name beside path → fsync → rename → fsync of the directory.
Status WriteFileDurably(const std::string& path, const std::string& content);

bool Exists(const std::string& path);
Status MakeDirectories(const std::string& path);  // like mkdir -p
// Names in a directory, sorted, without . and ..; an absent directory has none.
std::vector<std::string> ListDirectory(const std::string& path);
void RemoveTree(const std::string& path);  // best effort: what remains is only disk space

}  // namespace lethe

#endif  // LETHE_FILES_FILE_H_
