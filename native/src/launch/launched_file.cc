#include "launch/launched_file.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "files/file.h"
#include "process/process_identity.h"

namespace lethe {
namespace {

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::string HostName() {
  char name[256] = "";
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

// ISO 8601 in UTC with milliseconds, as JavaScript writes it.
std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char date[64], text[80];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof(text), "%s.%03dZ", date, static_cast<int>(milliseconds));
  return text;
}

}  // namespace

Status PublishLaunched(const std::string& attempt_folder, bool* won) {
  uint64_t start_time = 0;
  if (Status s = OwnStartTime(&start_time); !s.ok()) return s;
  const OomCounter counter = OwnOomCounter();
  const nlohmann::ordered_json launched = {
      {"format", "lethe-launched/1"}, {"pid", ::getpid()},          {"startTime", start_time},      {"bootId", BootId()},
      {"host", HostName()},           {"oomKills", counter.kills}, {"oomSource", counter.source}, {"launchedAt", Now()}};
  const std::string path = attempt_folder + "/launched.json";
  const std::string temporary = attempt_folder + "/.launched-" + std::to_string(::getpid());
  {
    const std::string text = launched.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    File file;
    if (Status s = CreateFile(temporary, &file); !s.ok()) return s;
    Status status = WriteAll(file, temporary, text.data(), text.size());
    if (status.ok()) status = SyncFile(file, temporary);
    if (!status.ok()) {
      ::unlink(temporary.c_str());
      return status;
    }
  }
  const int error = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  *won = error == 0;
  if (error == EEXIST) return Status::Ok();
  return error == 0 ? SyncDirectory(attempt_folder) : ErrnoStatus("link", path, error);
}

}  // namespace lethe
