#include "files/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "files/sha256.h"

namespace lethe {
namespace fs = std::filesystem;

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void File::Close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Status ErrnoStatus(const std::string& what, const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) return {Code::kMissingInput, "expected " + path + ", which is not there"};
  if (error == ENOMEM) return {Code::kOutOfMemory, "no memory to " + what + " " + path};
  std::string sentence = "could not " + what + " " + path + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) sentence += "; free disk space and start again";
  return {Code::kIo, std::move(sentence)};
}

namespace {

// A path that we write to is never a missing input: its folder vanished, which is trouble of the disk.
Status WriteError(const std::string& what, const std::string& path, int error) {
  if (error == ENOENT) return {Code::kIo, "could not " + what + " " + path + ": its folder is gone"};
  return ErrnoStatus(what, path, error);
}

}  // namespace

Status OpenForReading(const std::string& path, File* file, uint64_t* bytes) {
  *file = File(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file->is_open()) return ErrnoStatus("open", path, errno);
  struct stat info;
  if (::fstat(file->descriptor(), &info) != 0) return ErrnoStatus("open", path, errno);
  if (!S_ISREG(info.st_mode)) return {Code::kBadData, "expected a file, found something else at " + path};
  *bytes = static_cast<uint64_t>(info.st_size);
  return Status::Ok();
}

Status ReadAt(const File& file, const std::string& path, uint64_t offset, void* into, size_t count) {
  auto at = static_cast<char*>(into);
  while (count > 0) {
    const ssize_t got = ::pread(file.descriptor(), at, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("read", path, errno);
    if (got == 0) return {Code::kBadData, "expected " + std::to_string(count) + " more bytes in " + path + ", found its end"};
    at += got, offset += static_cast<uint64_t>(got), count -= static_cast<size_t>(got);
  }
  return Status::Ok();
}

Status ReadWholeFile(const std::string& path, std::string* content) {
  File file;
  uint64_t bytes = 0;
  if (Status s = OpenForReading(path, &file, &bytes); !s.ok()) return s;
  content->resize(bytes);
  return ReadAt(file, path, 0, content->data(), content->size());
}

Status HashFile(const std::string& path, std::string* sha256, uint64_t* bytes) {
  File file;
  if (Status s = OpenForReading(path, &file, bytes); !s.ok()) return s;
  Sha256 hash;
  std::vector<char> buffer(std::min<uint64_t>(*bytes, 1 << 20));
  for (uint64_t at = 0; at < *bytes;) {
    const size_t count = std::min<uint64_t>(buffer.size(), *bytes - at);
    if (Status s = ReadAt(file, path, at, buffer.data(), count); !s.ok()) return s;
    hash.Update(buffer.data(), count);
    at += count;
  }
  *sha256 = hash.Finish();
  return Status::Ok();
}

Status CreateFile(const std::string& path, File* file) {
  *file = File(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  return file->is_open() ? Status::Ok() : WriteError("create", path, errno);
}

Status WriteAll(const File& file, const std::string& path, const void* bytes, size_t count) {
  auto at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t put = ::write(file.descriptor(), at, count);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return WriteError("write", path, errno);
    at += put, count -= static_cast<size_t>(put);
  }
  return Status::Ok();
}

Status SyncFile(const File& file, const std::string& path) {
  return ::fsync(file.descriptor()) == 0 ? Status::Ok() : WriteError("sync", path, errno);
}

Status SyncDirectory(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return WriteError("open", path, errno);
  // Some file systems refuse to sync a directory (EINVAL); their renames are durable by themselves.
  if (::fsync(file.descriptor()) != 0 && errno != EINVAL) return WriteError("sync", path, errno);
  return Status::Ok();
}

Status WriteFileDurably(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".tmp";
  Status status;
  {
    File file;
    if (status = CreateFile(temporary, &file); !status.ok()) return status;
    status = WriteAll(file, temporary, content.data(), content.size());
    if (status.ok()) status = SyncFile(file, temporary);
  }
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) status = WriteError("rename to", path, errno);
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(fs::path(path).parent_path().string());
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? WriteError("create folder", path, error.value()) : Status::Ok();
}

std::vector<std::string> ListDirectory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
}

}  // namespace lethe
