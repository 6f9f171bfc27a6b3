#include "stage/options.h"

#include <charconv>

#include "model/frozen_form.h"

namespace lethe {

const char kUsage[] =
    "lethe-trainer --stage DIR --attempt N [--micro-batch N] [--accumulate N] [--recompute] [--threads N] [--checkpoint-every STEPS] [--crash-at STEP]\n"
    "    Runs the stage that DIR/run.json asks for, from the newest valid checkpoint of any attempt; writes into DIR/attempts/N/<writer>/.\n"
    "    --micro-batch N         examples of one forward and backward pass (default: the whole batch); less needs less memory\n"
    "    --accumulate N          passes of one update (default: as many as the batch needs)\n"
    "    --recompute             keep no inner activations of a block: less memory, about a third slower\n"
    "    --threads N             results do not depend on it (default: 1 for widths up to 128, otherwise one for each core)\n"
    "    --checkpoint-every N    steps between checkpoints (default: by the clock, about every 20 seconds)\n"
    "    --crash-at N            end with 70 after step N, without a checkpoint: a drill of what watches the trainer\n"
    "lethe-trainer --score FILE --model DIR [--weights FORM] [--threads N] [--micro-batch N]\n"
    "    Prints a line {\"id\", \"tokens\", \"sumLogProb\"} for each line {\"id\", \"prompt\": [ids], \"response\": [ids]} of FILE: response tokens alone.\n"
    "lethe-trainer --generate FILE --model DIR --max-new-tokens N [--end-token ID]... [--weights FORM] [--threads N] [--micro-batch N]\n"
    "    Prints a line {\"id\", \"generated\": [ids]} for each line {\"id\", \"prompt\": [ids]}: greedy, up to and without the first end token.\n"
    "    --model DIR             a folder of a store's models/, a Hugging Face folder (config.json and safetensors) or a GGUF file\n"
    "    --weights FORM          f32 (default), bf16 (half the memory; exact where the files hold bf16, otherwise rounded) or as-stored (as in the files, exact)\n"
    "    --micro-batch N         most sequences of one pass (default: 64, fewer of long ones)\n"
    "lethe-trainer --measure [--threads N]    prints this machine's rates as JSON\n"
    "lethe-trainer --version                  prints version, numerics and build as JSON\n"
    "\n"
    "SIGTERM: a checkpoint at the next step, then exit 75.\n"
    "Exit codes: 0 done, 65 bad data or digest, 66 missing input, 69 device unavailable, 70 internal, 74 input or output, 75 stopped after a checkpoint,\n"
    "78 bad run.json or flag, 80 out of memory, 81 diverged. The last error also goes to the file $LETHE_TERMINATION_MESSAGE.\n";

namespace {

Status Number(const std::string& flag, const char* text, int64_t most, int64_t* out, int64_t least = 1) {
  const std::string value = text == nullptr ? "" : text;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *out);
  if (error == std::errc() && end == value.data() + value.size() && *out >= least && *out <= most) return Status::Ok();
  return {Code::kBadSpec, "expected " + flag + " with an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", found \"" + value + "\""};
}

Status Form(const std::string& flag, const char* text, FrozenForm* form) {
  if (ParseFrozenForm(text == nullptr ? "" : text, form)) return Status::Ok();
  return {Code::kBadSpec, "expected " + flag + " with f32, bf16 or as-stored, found \"" + (text == nullptr ? "" : text) + "\""};
}

Status Path(const std::string& flag, const char* text, const char* what, std::string* out) {
  if (text == nullptr || *text == '\0') return {Code::kBadSpec, "expected " + flag + " with " + what + ", found nothing"};
  *out = text;
  while (out->size() > 1 && out->back() == '/') out->pop_back();
  return Status::Ok();
}

// What a command needs, and that it was given no flag of another.
Status CheckTogether(const Options& options) {
  const bool applies = options.command == Command::kScore || options.command == Command::kGenerate;
  const std::string flag = options.command == Command::kScore ? "--score" : "--generate";
  if (options.command == Command::kRun && (options.stage.empty() || options.attempt == 0)) {
    return {Code::kBadSpec, "expected --stage DIR and --attempt N; lethe-trainer --help shows more"};
  }
  if (applies && options.model.empty()) return {Code::kBadSpec, "expected --model DIR beside " + flag + "; lethe-trainer --help shows more"};
  if (applies && !options.stage.empty()) return {Code::kBadSpec, "expected --stage or " + flag + ", found both"};
  if (!applies && !options.model.empty()) return {Code::kBadSpec, "expected --score FILE or --generate FILE beside --model; a stage takes its model from run.json"};
  if (!applies && options.weights != FrozenForm::kF32) return {Code::kBadSpec, "expected --weights beside --score or --generate; a stage's stand in run.json (train.frozenWeights)"};
  if (options.command == Command::kGenerate && options.max_new_tokens == 0) return {Code::kBadSpec, "expected --max-new-tokens N beside --generate"};
  if (options.command != Command::kGenerate && (options.max_new_tokens > 0 || !options.end_tokens.empty())) {
    return {Code::kBadSpec, "expected --max-new-tokens and --end-token beside --generate only"};
  }
  return Status::Ok();
}

}  // namespace

Status ParseOptions(std::span<char* const> arguments, Options* options) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string flag = arguments[i];
    const char* const value = i + 1 < arguments.size() ? arguments[i + 1] : nullptr;
    int64_t number = 0;
    Status status;
    if (flag == "--help" || flag == "-h") {
      options->command = Command::kHelp;
      return Status::Ok();
    } else if (flag == "--version") {
      options->command = Command::kVersion;
    } else if (flag == "--measure") {
      options->command = Command::kMeasure;
    } else if (flag == "--recompute") {
      options->recompute = true;
    } else if (flag == "--stage") {
      status = Path(flag, value, "a folder", &options->stage);
      ++i;
    } else if (flag == "--score" || flag == "--generate") {
      options->command = flag == "--score" ? Command::kScore : Command::kGenerate;
      status = options->file.empty() ? Path(flag, value, "a file", &options->file) : Status(Code::kBadSpec, "expected one of --score and --generate once, found " + flag + " again");
      ++i;
    } else if (flag == "--model") {
      status = Path(flag, value, "a folder or file", &options->model);
      ++i;
    } else if (flag == "--weights") {
      status = Form(flag, value, &options->weights);
      ++i;
    } else if (flag == "--max-new-tokens") {
      status = Number(flag, value, 1 << 20, &number);
      options->max_new_tokens = static_cast<int>(number);
      ++i;
    } else if (flag == "--end-token") {
      status = Number(flag, value, 1 << 24, &number, 0);
      options->end_tokens.push_back(static_cast<int32_t>(number));
      ++i;
    } else if (flag == "--attempt") {
      status = Number(flag, value, 1'000'000, &number);
      options->attempt = static_cast<int>(number);
      ++i;
    } else if (flag == "--threads") {
      status = Number(flag, value, 1024, &number);
      options->threads = static_cast<int>(number);
      ++i;
    } else if (flag == "--micro-batch") {
      status = Number(flag, value, 1'000'000, &options->micro_batch);
      ++i;
    } else if (flag == "--accumulate") {
      status = Number(flag, value, 1'000'000, &options->accumulate);
      ++i;
    } else if (flag == "--checkpoint-every") {
      status = Number(flag, value, 1'000'000'000, &options->checkpoint_every);
      ++i;
    } else if (flag == "--crash-at") {
      status = Number(flag, value, 1'000'000'000, &options->crash_at);
      ++i;
    } else {
      return {Code::kBadSpec, "unknown argument \"" + flag + "\"; lethe-trainer --help lists all"};
    }
    if (!status.ok()) return status;
  }
  return CheckTogether(*options);
}

}  // namespace lethe
