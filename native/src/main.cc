// lethe-trainer: runs one stage, or applies a model to a file. The only place that exits and the only one that speaks to stdout and stderr.
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "files/file.h"
#include "stage/options.h"
#include "train/apply_model.h"
#include "train/measure.h"
#include "train/stage_runner.h"
#include "train/stop_signal.h"
#include "train/trainer_identity.h"

namespace {

lethe::Status Execute(const lethe::Options& options) {
  std::string text;
  switch (options.command) {
    case lethe::Command::kHelp:
      text = lethe::kUsage;
      break;
    case lethe::Command::kVersion:
      text = lethe::VersionText() + "\n";
      break;
    case lethe::Command::kMeasure:
      text = lethe::MeasureText(options.threads) + "\n";
      break;
    case lethe::Command::kScore:
      if (lethe::Status status = lethe::ScoreFile(options, &text); !status.ok()) return status;
      break;
    case lethe::Command::kGenerate:
      if (lethe::Status status = lethe::GenerateFile(options, &text); !status.ok()) return status;
      break;
    case lethe::Command::kRun:
      lethe::InstallStopSignal();
      return lethe::RunStage(options);
  }
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return lethe::Status::Ok();
  return {lethe::Code::kIo, "could not write to the standard output"};
}

void Report(const lethe::Status& status) {
  std::fprintf(stderr, "lethe-trainer: %s\n", status.sentence().c_str());
  const char* path = std::getenv("LETHE_TERMINATION_MESSAGE");
  if (path == nullptr || *path == '\0') return;
  lethe::File file;
  if (!lethe::CreateFile(path, &file).ok()) return;  // stderr has it already
  (void)lethe::WriteAll(file, path, status.sentence().data(), status.sentence().size()).ok();
}

}  // namespace

int main(int count, char** arguments) {
  lethe::Options options;
  lethe::Status status = lethe::ParseOptions(std::span(arguments + 1, static_cast<size_t>(count > 0 ? count - 1 : 0)), &options);
  if (status.ok()) status = Execute(options);
  if (!status.ok()) Report(status);
  return status.exit_code();
}
