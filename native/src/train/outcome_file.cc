#include "train/outcome_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace lethe {
namespace {

constexpr size_t kReserved = 4096;
constexpr size_t kLongestSentence = 1500;  // with room for escapes
constexpr char kReservedName[] = "/outcome.json.reserved";

}  // namespace

Status OutcomeFile::Reserve(const std::string& folder) {
  folder_ = folder;
  const std::string path = folder + kReservedName;
  if (Status s = CreateFile(path, &file_); !s.ok()) return s;
  const std::string blanks(kReserved, ' ');
  if (Status s = WriteAll(file_, path, blanks.data(), blanks.size()); !s.ok()) return s;
  return SyncFile(file_, path);
}

Status OutcomeFile::Write(const Outcome& outcome) {
  nlohmann::ordered_json json = {{"code", outcome.code}, {"sentence", outcome.sentence.substr(0, kLongestSentence)}, {"step", outcome.step}};
  if (!outcome.stopped_by.empty()) json["stoppedBy"] = outcome.stopped_by;
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const std::string reserved = folder_ + kReservedName;
  const std::string path = folder_ + "/outcome.json";
  if (::pwrite(file_.descriptor(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return ErrnoStatus("write", reserved, errno);
  if (::ftruncate(file_.descriptor(), static_cast<off_t>(text.size())) != 0) return ErrnoStatus("shorten", reserved, errno);
  if (Status s = SyncFile(file_, reserved); !s.ok()) return s;
  if (std::rename(reserved.c_str(), path.c_str()) != 0) return ErrnoStatus("rename to", path, errno);
  return SyncDirectory(folder_);
}

}  // namespace lethe
