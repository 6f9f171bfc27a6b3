#include "process/process_identity.h"

#include <fstream>
#include <sstream>

namespace lethe {
namespace {

// Files of /proc have no size, so they are read to their end.
std::string ReadKernelFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

bool FindCount(const std::string& source, int64_t* count) {
  std::istringstream lines(ReadKernelFile(source));
  std::string name;
  while (lines >> name) {
    if (name == "oom_kill") return static_cast<bool>(lines >> *count);
    std::getline(lines, name);
  }
  return false;
}

// The file of this process's memory control group; empty when there is none. A line of /proc/self/cgroup is "<id>:<controllers>:<path>".
std::string GroupCounter() {
  std::istringstream lines(ReadKernelFile("/proc/self/cgroup"));
  std::string unified;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1) == "/" ? "" : line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) return "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
    if (line.starts_with("0::")) unified = "/sys/fs/cgroup" + path + "/memory.events";
  }
  return unified;
}

}  // namespace

Status OwnStartTime(uint64_t* ticks) {
  const std::string text = ReadKernelFile("/proc/self/stat");
  const size_t bracket = text.rfind(')');  // the second field, the program's name, may hold blanks and brackets
  if (bracket == std::string::npos) return {Code::kInternal, "expected /proc/self/stat of this process, found none; is /proc mounted?"};
  std::istringstream fields(text.substr(bracket + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  if (fields >> *ticks) return Status::Ok();
  return {Code::kInternal, "expected 22 fields in /proc/self/stat, found fewer"};
}

OomCounter OwnOomCounter() {
  for (const std::string& source : {GroupCounter(), std::string("/proc/vmstat")}) {
    OomCounter counter{0, source};
    if (!source.empty() && FindCount(source, &counter.kills)) return counter;
  }
  return {0, "/proc/vmstat"};
}

}  // namespace lethe
