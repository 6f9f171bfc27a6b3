// SIGTERM and SIGINT become a flag that the training loop reads between steps. The one process-wide state: a signal has no other address.
#ifndef LETHE_TRAIN_STOP_SIGNAL_H_
#define LETHE_TRAIN_STOP_SIGNAL_H_

namespace lethe {

// Also ignores SIGXFSZ and SIGPIPE, so that a full quota or a closed pipe comes back as an error of the write.
void InstallStopSignal();

bool StopRequested();

}  // namespace lethe

#endif  // LETHE_TRAIN_STOP_SIGNAL_H_
