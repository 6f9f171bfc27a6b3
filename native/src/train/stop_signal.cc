#include "train/stop_signal.h"

#include <csignal>

namespace lethe {
namespace {

volatile std::sig_atomic_t stop_requested = 0;

extern "C" void OnStop(int) { stop_requested = 1; }

}  // namespace

void InstallStopSignal() {
  struct sigaction action = {};
  action.sa_handler = OnStop;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

bool StopRequested() { return stop_requested != 0; }

}  // namespace lethe
