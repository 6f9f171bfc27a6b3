// Who this process is, in the terms by which another process finds it again.
#ifndef LETHE_PROCESS_PROCESS_IDENTITY_H_
#define LETHE_PROCESS_PROCESS_IDENTITY_H_

#include <cstdint>
#include <string>

#include "lethe/status.h"

namespace lethe {

// Field 22 of /proc/self/stat: clock ticks between boot and start. Pid and start time name one process of one boot; exec changes neither.
Status OwnStartTime(uint64_t* ticks);

// How often the kernel has killed for memory, and the file that says so: the memory control group's events where there is one, otherwise /proc/vmstat.
struct OomCounter {
  int64_t kills = 0;
  std::string source;
};
OomCounter OwnOomCounter();

}  // namespace lethe

#endif  // LETHE_PROCESS_PROCESS_IDENTITY_H_
