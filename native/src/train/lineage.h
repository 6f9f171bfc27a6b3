// Which checkpoint a stage goes on from, over all writers of all attempts, and which anchors still have to be scored before it does.
// The chain of a checkpoint: its writer, the writer that from.json of that one names, and so on to the writer that began at the stage's start.
#ifndef LETHE_TRAIN_LINEAGE_H_
#define LETHE_TRAIN_LINEAGE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lethe/status.h"
#include "train/checkpoint.h"

namespace lethe {

struct CheckpointName {
  std::string writer;  // "<attempt>/<writer>"
  int64_t step = 0;

  std::string text() const;                              // "<attempt>/<writer>/step-000500"
  std::string path(const std::string& attempts) const;   // its folder
};

// Reads such a text; false when it is none.
bool ParseCheckpointName(const std::string& text, CheckpointName* name);

// All checkpoints from step 1 to last_step: highest step first, newest attempt first.
std::vector<CheckpointName> FindCheckpoints(const std::string& attempts, int64_t last_step);

struct Lineage {
  std::set<int64_t> scored;              // anchors up to the checkpoint's step that the chain has whole
  std::vector<CheckpointName> backlog;   // checkpoints of the anchors that it lacks, oldest first; step 0 stands for the stage's start (its writer is empty)
};

// What the chain of `from` has and lacks of `anchors`; whole = a line for each of `rows`. An anchor at from.step itself is neither: the training loop scores it.
// kMissingInput when an anchor is lacking whose checkpoint the chain no longer has intact: the caller takes an older checkpoint.
Status TraceLineage(const std::string& attempts, const CheckpointName& from, const std::vector<int64_t>& anchors, int64_t rows, const CheckpointForm& form, Lineage* lineage);

}  // namespace lethe

#endif  // LETHE_TRAIN_LINEAGE_H_
