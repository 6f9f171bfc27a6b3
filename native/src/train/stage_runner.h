// Runs one stage to its end, from wherever earlier attempts left it.
//
// The order on disk is the contract with whoever resumes: a checkpoint s is whole before anchor s is scored, an anchor is whole before the training goes on,
// and outcome.json comes last. Every decision (batch, learning rate, stop) follows from step and weights, so a run killed anywhere and started again
// ends with the same bits as the undisturbed one.
#ifndef LETHE_TRAIN_STAGE_RUNNER_H_
#define LETHE_TRAIN_STAGE_RUNNER_H_

#include "lethe/status.h"
#include "stage/options.h"

namespace lethe {

// REQUIRES: InstallStopSignal was called. Ok: the stage is done (or another writer had done it). The outcome is in the writer's folder, if one could be made.
Status RunStage(const Options& options);

}  // namespace lethe

#endif  // LETHE_TRAIN_STAGE_RUNNER_H_
