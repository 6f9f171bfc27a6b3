#include "train/stage_runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "files/file.h"
#include "lethe/adamw.h"
#include "lethe/decoder.h"
#include "lethe/gemm.h"
#include "lethe/thread_pool.h"
#include "stage/parse_stage_spec.h"
#include "stage/store_paths.h"
#include "train/checkpoint.h"
#include "train/default_threads.h"
#include "train/lineage.h"
#include "train/outcome_file.h"
#include "train/progress_log.h"
#include "train/scorer.h"
#include "train/start_weights.h"
#include "train/stop_rule.h"
#include "train/stop_signal.h"
#include "train/token_data.h"
#include "train/updater.h"
#include "train/writer_folder.h"
#include "train/writer_origin.h"

namespace lethe {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kCheckpointsKept = 2;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

Tuning TuningOf(const StageSpec& spec) {
  if (spec.train) return spec.train->tuning;
  Tuning nothing;
  nothing.kind = TuningKind::kNone;
  return nothing;
}

class StageRunner {
 public:
  StageRunner(const Options& options, StorePaths store, std::string writer) : options_(options), store_(std::move(store)), writer_(std::move(writer)) {}

  Status Run();
  Outcome outcome(const Status& status) const;

 private:
  Status Load();
  Status ChooseMicroBatch();
  Status Resume();
  // The weights of step 0: the start, with adapters that change nothing yet.
  Status LoadBeginning();
  Status LoadCheckpoint(const CheckpointName& from);
  Status WriteFrom();
  Status ScoreBacklog();
  // Weights of a checkpoint that Resume has verified.
  Status LoadAgain(const CheckpointName& checkpoint);
  Status Train();
  // Scores the weights of step_ for the stop rule.
  Status StopRuleSays(bool* stop);
  // Scores the weights of `step` and publishes the file; reuses the scores of the stop rule's check at the same step.
  Status ScoreAnchor(int64_t step);
  Status ScoreRows(int64_t step);
  Status Checkpoint(bool last);
  bool CheckpointIsDue() const;
  bool ResultExists() const { return Exists(store_.result()); }

  const Options& options_;
  StorePaths store_;
  std::string writer_;  // its folder

  StageSpec spec_;
  int64_t last_step_ = 0;
  int64_t micro_batch_ = 0;  // 0 in a score stage without the flag
  TokenData train_data_;
  TokenData score_data_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  std::optional<AdamW> optimizer_;
  std::optional<Scorer> scorer_;
  ProgressLog progress_;

  CheckpointForm form_{Tuning{}};
  std::optional<CheckpointName> from_;
  WeightsForm weights_form_;     // empty unless the start was read from a model's files
  Lineage lineage_;
  int64_t step_ = 0;             // of the weights in memory
  int64_t checkpointed_ = -1;    // newest step that is on disk in this writer's folder
  Clock::time_point checkpoint_time_ = Clock::now();
  double checkpoint_seconds_ = 0;  // what the last one took
  std::vector<SequenceScore> scores_;
  int64_t scores_step_ = -1;     // of scores_
  int64_t anchors_ = 0;          // scored by this process
  std::string stopped_by_;
  bool superseded_ = false;      // result.json exists: another writer was first
};

Status StageRunner::Run() {
  if (ResultExists()) {
    superseded_ = true;
    return Status::Ok();
  }
  if (Status s = Load(); !s.ok()) return s;
  if (Status s = Resume(); !s.ok()) return s;
  if (Status s = WriteFrom(); !s.ok()) return s;
  if (Status s = ScoreBacklog(); !s.ok()) return s;
  return Train();
}

Status StageRunner::Load() {
  std::string text;
  if (Status s = ReadWholeFile(store_.run(), &text); !s.ok()) return s;
  if (Status s = ParseStageSpec(text, store_.run(), &spec_); !s.ok()) return s;
  if (spec_.train) {
    last_step_ = spec_.train->steps;
    if (Status s = ChooseMicroBatch(); !s.ok()) return s;
    if (Status s = TokenData::Load(store_.data(spec_.train->data), spec_.train->data, spec_.model, &train_data_); !s.ok()) return s;
  }
  if (spec_.score) {
    if (Status s = TokenData::Load(store_.data(spec_.score->data), spec_.score->data, spec_.model, &score_data_); !s.ok()) return s;
  }
  pool_ = std::make_unique<ThreadPool>(options_.threads > 0 ? options_.threads : DefaultThreads(spec_.model));
  if (Status s = CheckGemm(pool_.get()); !s.ok()) return s;
  if (Status s = Decoder::Create(spec_.model, TuningOf(spec_), pool_.get(), &decoder_); !s.ok()) return s;
  if (spec_.train) optimizer_.emplace(decoder_->trained(), spec_.train->optimizer, pool_.get());
  if (spec_.score) {
    // Before an update a stop request can wait for nothing better: what is scored so far is not kept.
    const auto between = [this] { return StopRequested() ? Status(Code::kStopped, "asked to stop while scoring") : progress_.WriteWhenDue(); };
    scorer_.emplace(score_data_, *decoder_, options_.micro_batch, between);
  }
  return progress_.Open(writer_, last_step_);
}

Status StageRunner::ChooseMicroBatch() {
  const int64_t batch = spec_.train->batch;
  const int64_t passes = options_.accumulate;
  micro_batch_ = options_.micro_batch > 0 ? options_.micro_batch : passes > 0 ? (batch + passes - 1) / passes : batch;
  micro_batch_ = std::min(micro_batch_, batch);
  if (passes > 0 && passes < (batch + micro_batch_ - 1) / micro_batch_) {
    return {Code::kBadSpec, "expected --micro-batch × --accumulate of at least train.batch " + std::to_string(batch) + ", found " +
                                std::to_string(micro_batch_) + " × " + std::to_string(passes)};
  }
  return Status::Ok();
}

Status StageRunner::LoadCheckpoint(const CheckpointName& from) {
  const std::string path = from.path(store_.attempts());
  if (Status s = VerifyCheckpoint(path, from.step, form_); !s.ok()) return s;
  lineage_ = {};
  const std::vector<int64_t> none;
  if (Status s = TraceLineage(store_.attempts(), from, spec_.score ? spec_.score->at_steps : none, score_data_.rows(), form_, &lineage_); !s.ok()) return s;
  if (Status s = LoadWeights(path, form_, decoder_->trained()); !s.ok()) return s;
  return LoadMoments(path, decoder_->trained(), *optimizer_);
}

Status StageRunner::LoadBeginning() {
  if (Status s = LoadStart(store_, spec_.start, *decoder_, pool_.get(), &weights_form_); !s.ok()) return s;
  decoder_->InitializeAdapters(spec_.seed);
  return Status::Ok();
}

Status StageRunner::Resume() {
  if (spec_.train) {
    form_ = CheckpointForm(spec_.train->tuning);
    const std::vector<CheckpointName> candidates = FindCheckpoints(store_.attempts(), last_step_);
    if (!form_.whole() && !candidates.empty()) {  // the frozen weights
      if (Status s = LoadBeginning(); !s.ok()) return s;
    }
    for (const CheckpointName& candidate : candidates) {
      const Status s = LoadCheckpoint(candidate);
      if (s.code() == Code::kOutOfMemory) return s;
      if (!s.ok()) continue;  // damaged, or gone while we read it: the next one is as good, only older
      from_ = candidate;
      step_ = candidate.step;
      progress_.StandAt(step_);
      return Status::Ok();
    }
    lineage_ = {};
    optimizer_.emplace(decoder_->trained(), spec_.train->optimizer, pool_.get());  // moments that a damaged checkpoint may have touched
  }
  return LoadBeginning();
}

Status StageRunner::WriteFrom() {
  WriterOrigin origin{.checkpoint = from_, .step = step_, .weights_digest = spec_.start.digest, .weights = weights_form_, .frozen = TuningOf(spec_).frozen};
  return WriteOrigin(origin, store_.attempts(), writer_ + "/from.json");
}

Status StageRunner::ScoreBacklog() {
  if (lineage_.backlog.empty()) return Status::Ok();
  for (const CheckpointName& anchor : lineage_.backlog) {
    if (Status s = anchor.writer.empty() ? LoadBeginning() : LoadAgain(anchor); !s.ok()) return s;
    if (Status s = ScoreAnchor(anchor.step); !s.ok()) return s;
  }
  return LoadAgain(*from_);
}

Status StageRunner::LoadAgain(const CheckpointName& checkpoint) {
  const Status s = LoadWeights(checkpoint.path(store_.attempts()), form_, decoder_->trained());
  if (s.code() != Code::kMissingInput && s.code() != Code::kBadData) return s;
  // It was whole a moment ago, so nothing is wrong with the stage: the next start chooses among what is left.
  return {Code::kIo, "checkpoint " + checkpoint.text() + " was taken away while it was in use (" + s.sentence() + "); start again"};
}

Status StageRunner::Train() {
  std::optional<Updater> updater;
  const auto between = [this] { return progress_.WriteWhenDue(); };
  if (spec_.train) updater.emplace(*spec_.train, spec_.seed, train_data_, *decoder_, *optimizer_, pool_.get(), micro_batch_, options_.recompute, between);
  std::set<int64_t> anchors;
  if (spec_.score) anchors.insert(spec_.score->at_steps.begin(), spec_.score->at_steps.end());
  checkpoint_time_ = Clock::now();

  while (true) {
    const bool asked_to_stop = StopRequested();
    bool last = step_ == last_step_;
    if (last) stopped_by_ = "step-limit";
    if (!asked_to_stop && spec_.train && spec_.train->stop && step_ > 0 && step_ % spec_.train->stop->every_steps == 0) {
      bool stop = false;
      const Status s = StopRuleSays(&stop);
      if (!s.ok() && s.code() != Code::kStopped) return s;  // stopped inside the check: the checkpoint below comes first
      if (stop) {
        last = true;
        stopped_by_ = "stop-rule";
      }
    }
    const bool stopping = StopRequested();
    const bool anchor = scorer_ && (last || anchors.contains(step_));

    // Step 0 needs none, since it is the stage's start; nor does the step that this process went on from, unless it is the end: whoever reaches that holds it.
    const bool on_disk = step_ == 0 || checkpointed_ == step_ || (from_ && from_->step == step_ && !last);
    if (!on_disk && (anchor || last || stopping || CheckpointIsDue())) {
      if (Status s = Checkpoint(last); !s.ok()) return s;
      if (ResultExists()) {
        superseded_ = true;
        return Status::Ok();
      }
    }
    if (stopping) {
      stopped_by_.clear();
      return {Code::kStopped, "stopped as asked at step " + std::to_string(step_) + " of " + std::to_string(last_step_) + ", after a checkpoint"};
    }
    if (anchor && !lineage_.scored.contains(step_)) {
      if (Status s = ScoreAnchor(step_); !s.ok()) {
        stopped_by_.clear();
        return s;
      }
    }
    if (last) return progress_.Write();

    const auto begin = Clock::now();
    UpdateReport report;
    if (Status s = updater->Update(step_, &report); !s.ok()) return s;
    ++step_;
    progress_.Count(step_, report.loss, report.learning_rate, report.gradient_norm, report.tokens, Seconds(Clock::now() - begin));
    if (step_ == options_.crash_at) {
      if (Status s = progress_.Write(); !s.ok()) return s;  // what is lost shall be known
      return {Code::kInternal, "crashed after step " + std::to_string(step_) + ", as --crash-at asked"};
    }
    if (Status s = progress_.WriteWhenDue(); !s.ok()) return s;
  }
}

Status StageRunner::ScoreRows(int64_t step) {
  if (scores_step_ == step) return Status::Ok();
  scores_step_ = -1;
  if (Status s = scorer_->Score(&scores_); !s.ok()) return s;
  for (size_t row = 0; row < scores_.size(); ++row) {
    if (std::isfinite(scores_[row].sum_log_prob)) continue;
    return {Code::kDiverged, "diverged at step " + std::to_string(step) + ": expected finite log-probabilities, found " +
                                 std::to_string(scores_[row].sum_log_prob) + " in row " + std::to_string(row + 1) + " of the scored data"};
  }
  scores_step_ = step;
  return Status::Ok();
}

Status StageRunner::StopRuleSays(bool* stop) {
  if (Status s = ScoreRows(step_); !s.ok()) return s;
  *stop = StopRuleHolds(*spec_.train->stop, score_data_, scores_);
  return Status::Ok();
}

Status StageRunner::ScoreAnchor(int64_t step) {
  if (Status s = ScoreRows(step); !s.ok()) return s;
  std::string lines;
  if (Status s = scorer_->Lines(scores_, spec_.score->max_new_tokens, &lines); !s.ok()) return s;
  if (Status s = WriteFileDurably(writer_ + "/scores/" + StepName(step) + ".jsonl", lines); !s.ok()) return s;
  ++anchors_;
  return Status::Ok();
}

Status StageRunner::Checkpoint(bool last) {
  const auto begin = Clock::now();
  const std::string folder = writer_ + "/checkpoints";
  if (Status s = WriteCheckpoint(folder, step_, form_, decoder_->trained(), *optimizer_, last ? decoder_.get() : nullptr); !s.ok()) return s;
  checkpointed_ = step_;
  PruneCheckpoints(folder, kCheckpointsKept);  // anchors are scored as soon as their checkpoint is on disk, so older ones serve nobody
  checkpoint_time_ = Clock::now();
  checkpoint_seconds_ = Seconds(checkpoint_time_ - begin);
  progress_.Checkpointed(checkpoint_seconds_);
  return progress_.Write();
}

bool StageRunner::CheckpointIsDue() const {
  if (options_.checkpoint_every > 0) return step_ % options_.checkpoint_every == 0;
  // By the clock: often enough that a kill costs little, seldom enough that checkpoints take at most a twentieth of the time.
  return Seconds(Clock::now() - checkpoint_time_) >= std::max(20.0, 20 * checkpoint_seconds_);
}

Outcome StageRunner::outcome(const Status& status) const {
  if (!status.ok()) return {status.exit_code(), status.sentence(), step_, ""};
  if (superseded_) return {0, "result.json exists: the stage was done by another writer", step_, ""};
  std::string sentence = spec_.train ? "trained " + std::to_string(step_) + " of " + std::to_string(last_step_) + " steps" : "scored the stage's start";
  if (stopped_by_ == "stop-rule") sentence += ", where the stop rule held";
  if (spec_.train && from_) sentence += ", from step " + std::to_string(from_->step);
  if (spec_.score) sentence += "; anchors scored by this process: " + std::to_string(anchors_);
  return {0, sentence, step_, stopped_by_};
}

// Whatever the standard library throws becomes a Status here, so that outcome.json can be written: only memory is expected.
Status RunAndCatch(StageRunner& runner) {
  try {
    return runner.Run();
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, "out of memory: an allocation was refused; a smaller --micro-batch or --recompute needs less"};
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) return {Code::kOutOfMemory, "out of memory or processes: no thread could be started"};
    return {Code::kInternal, std::string("unexpected error: ") + error.what()};
  } catch (const std::exception& error) {
    return {Code::kInternal, std::string("unexpected error: ") + error.what()};
  }
}

}  // namespace

Status RunStage(const Options& options) {
  std::error_code error;
  const std::string folder = std::filesystem::canonical(options.stage, error).string();
  if (error) return {Code::kMissingInput, "expected the stage's folder " + options.stage + ", which is not there"};
  const StorePaths store(folder);
  std::string writer;
  if (Status s = MakeWriterFolder(store.attempt(options.attempt), &writer); !s.ok()) return s;
  OutcomeFile outcome;
  if (Status s = outcome.Reserve(writer); !s.ok()) return s;
  StageRunner runner(options, store, writer);
  const Status status = RunAndCatch(runner);
  const Status written = outcome.Write(runner.outcome(status));
  return status.ok() ? written : status;
}

}  // namespace lethe
