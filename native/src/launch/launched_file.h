#ifndef LETHE_LAUNCH_LAUNCHED_FILE_H_
#define LETHE_LAUNCH_LAUNCHED_FILE_H_

#include <string>

#include "lethe/status.h"

namespace lethe {

// Publishes attempt_folder/launched.json, which says that this process is the job. won = false: another process was first, and is the job.
Status PublishLaunched(const std::string& attempt_folder, bool* won);

}  // namespace lethe

#endif  // LETHE_LAUNCH_LAUNCHED_FILE_H_
