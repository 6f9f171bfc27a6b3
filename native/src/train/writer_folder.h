// The folder that this process alone writes: attempts/<n>/<writer>/. Isolation by ownership: no other process ever writes there.
#ifndef LETHE_TRAIN_WRITER_FOLDER_H_
#define LETHE_TRAIN_WRITER_FOLDER_H_

#include <string>

#include "lethe/status.h"

namespace lethe {

// Makes it, and the attempt's folder where it is missing. The writer's name is $POD_UID (with "-2", "-3", … for a container started again in its pod),
// or <pid>-<start time in clock ticks>.
Status MakeWriterFolder(const std::string& attempt_folder, std::string* path);

}  // namespace lethe

#endif  // LETHE_TRAIN_WRITER_FOLDER_H_
