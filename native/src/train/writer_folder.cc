#include "train/writer_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "files/file.h"
#include "process/process_identity.h"

namespace lethe {
namespace {

Status WriterName(std::string* name) {
  if (const char* pod = std::getenv("POD_UID"); pod != nullptr && *pod != '\0') {
    *name = pod;
    const bool plain = name->size() <= 64 && name->find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
    return plain ? Status::Ok() : Status(Code::kBadSpec, "expected $POD_UID as a UID of hex digits and dashes, found another text");
  }
  uint64_t ticks = 0;
  if (Status s = OwnStartTime(&ticks); !s.ok()) return s;
  *name = std::to_string(::getpid()) + "-" + std::to_string(ticks);
  return Status::Ok();
}

}  // namespace

Status MakeWriterFolder(const std::string& attempt_folder, std::string* path) {
  std::string name;
  if (Status s = WriterName(&name); !s.ok()) return s;
  if (Status s = MakeDirectories(attempt_folder); !s.ok()) return s;
  *path = attempt_folder + "/" + name;
  for (int again = 2; ::mkdir(path->c_str(), 0755) != 0; ++again) {
    if (errno != EEXIST) return ErrnoStatus("create folder", *path, errno);
    *path = attempt_folder + "/" + name + "-" + std::to_string(again);
  }
  for (const char* inner : {"/checkpoints", "/scores"}) {
    if (Status s = MakeDirectories(*path + inner); !s.ok()) return s;
  }
  return SyncDirectory(attempt_folder);
}

}  // namespace lethe
