// lethe-launch: the first act of a local job. It publishes launched.json and then becomes the job: pid and start time stay what the file says.
// Of two that were started for one attempt, the one that links the file first is the job; the other ends with 0 without doing anything.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "launch/launched_file.h"
#include "lethe/status.h"

extern char** environ;

namespace {

constexpr char kUsage[] =
    "lethe-launch --attempt-dir DIR -- COMMAND [ARGUMENT ...]\n"
    "    Links DIR/launched.json, then becomes COMMAND in a session of its own, with stdout and stderr appended to DIR/log.txt.\n"
    "    Ends with 0 without running COMMAND when DIR/launched.json exists: the attempt has its job.\n"
    "Exit codes of its own: 70 COMMAND could not be started, 74 input or output, 78 bad arguments.\n";

int Fail(const lethe::Status& status) {
  std::fprintf(stderr, "lethe-launch: %s\n", status.sentence().c_str());
  return status.exit_code();
}

lethe::Status RedirectStreams(const std::string& log) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int append = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (null < 0 || append < 0) {
    return {lethe::Code::kIo, "could not open " + (null < 0 ? std::string("/dev/null") : log) + ": " + std::strerror(errno)};
  }
  std::fflush(nullptr);
  if (::dup2(null, STDIN_FILENO) < 0 || ::dup2(append, STDOUT_FILENO) < 0 || ::dup2(append, STDERR_FILENO) < 0) {
    return {lethe::Code::kIo, std::string("could not redirect the standard streams: ") + std::strerror(errno)};
  }
  ::close_range(STDERR_FILENO + 1, ~0U, 0);  // what the launcher left open is not the job's
  return lethe::Status::Ok();
}

// A job starts as from a shell, whatever its launcher ignored or blocked.
void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Settings of BLAS libraries change the order of sums, and so the bits.
std::vector<char*> CleanEnvironment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const bool stripped = text.starts_with("OPENBLAS_") || text.starts_with("OMP_") || text.starts_with("GOMP_") || text.starts_with("MKL_");
    if (!stripped) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (count < 5 || std::string_view(arguments[1]) != "--attempt-dir" || std::string_view(arguments[3]) != "--") {
    std::fputs(kUsage, stderr);
    return static_cast<int>(lethe::Code::kBadSpec);
  }
  const std::string folder = arguments[2];
  // Before the link: whoever reads launched.json may signal the group of this pid.
  if (::getsid(0) != ::getpid() && ::setsid() < 0) ::setpgid(0, 0);

  bool won = false;
  if (const lethe::Status s = lethe::PublishLaunched(folder, &won); !s.ok()) return Fail(s);
  if (!won) return 0;
  if (const lethe::Status s = RedirectStreams(folder + "/log.txt"); !s.ok()) return Fail(s);
  ResetSignals();
  std::vector<char*> environment = CleanEnvironment();
  ::execvpe(arguments[4], arguments + 4, environment.data());
  return Fail({lethe::Code::kInternal, std::string("could not start ") + arguments[4] + ": " + std::strerror(errno)});
}
