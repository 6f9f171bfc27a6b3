#include "train/apply_model.h"

#include <cmath>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "lethe/decoder.h"
#include "lethe/gemm.h"
#include "lethe/thread_pool.h"
#include "train/default_threads.h"
#include "train/score_lines.h"
#include "train/scorer.h"
#include "train/token_data.h"
#include "weights/model_folder.h"

namespace lethe {
namespace {

// A model with its rows, ready to be used.
struct Loaded {
  TokenData data;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Decoder> decoder;
};

Status Load(const Options& options, TokenRowNeeds needs, Loaded* loaded) {
  std::unique_ptr<ModelWeights> weights;
  if (Status s = OpenModel(options.model, &weights); !s.ok()) return s;
  const ModelSpec& spec = weights->spec();
  if (Status s = TokenData::LoadFile(options.file, needs, spec, &loaded->data); !s.ok()) return s;
  loaded->pool = std::make_unique<ThreadPool>(options.threads > 0 ? options.threads : DefaultThreads(spec));
  if (Status s = CheckGemm(loaded->pool.get()); !s.ok()) return s;
  Tuning tuning;
  tuning.kind = TuningKind::kNone;
  tuning.frozen = options.weights;
  if (Status s = Decoder::Create(spec, tuning, loaded->pool.get(), &loaded->decoder); !s.ok()) return s;
  return LoadModelWeights(*weights, *loaded->decoder, loaded->pool.get());
}

Status WithoutPause() { return Status::Ok(); }

Status ScoreRows(const Options& options, std::string* lines) {
  Loaded loaded;
  if (Status s = Load(options, {.response = true}, &loaded); !s.ok()) return s;
  std::vector<SequenceScore> scores;
  if (Status s = Scorer(loaded.data, *loaded.decoder, options.micro_batch, WithoutPause).Score(&scores); !s.ok()) return s;
  for (size_t row = 0; row < scores.size(); ++row) {
    const std::string id = IdField(loaded.data.id(static_cast<int64_t>(row)));
    if (!std::isfinite(scores[row].sum_log_prob)) {
      return {Code::kBadData, options.file + " row " + std::to_string(row + 1) + " (" + id + "): expected a finite log-probability from the model " + options.model + ", found " +
                                  std::to_string(scores[row].sum_log_prob)};
    }
    lines->append("{" + id + "," + ScoreFields(scores[row]) + "}\n");
  }
  return Status::Ok();
}

Status GenerateRows(const Options& options, std::string* lines) {
  Loaded loaded;
  if (Status s = Load(options, {}, &loaded); !s.ok()) return s;
  for (const int32_t token : options.end_tokens) {
    if (token < loaded.decoder->spec().vocabulary) continue;
    return {Code::kBadSpec, "expected --end-token below the model's vocabulary of " + std::to_string(loaded.decoder->spec().vocabulary) + ", found " + std::to_string(token)};
  }
  std::vector<size_t> rows(static_cast<size_t>(loaded.data.rows()));
  std::iota(rows.begin(), rows.end(), size_t{0});
  std::vector<std::vector<int32_t>> continued;
  Scorer scorer(loaded.data, *loaded.decoder, options.micro_batch, WithoutPause);
  if (Status s = scorer.Continue(rows, options.end_tokens, options.max_new_tokens, &continued); !s.ok()) return s;
  for (const size_t row : rows) lines->append("{" + IdField(loaded.data.id(static_cast<int64_t>(row))) + "," + GeneratedField(continued[row]) + "}\n");
  return Status::Ok();
}

template <typename Command>
Status WithoutExceptions(const Command& command) {
  try {
    return command();
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, "out of memory: an allocation was refused; a smaller --micro-batch needs less"};
  }
}

}  // namespace

Status ScoreFile(const Options& options, std::string* lines) {
  return WithoutExceptions([&] { return ScoreRows(options, lines); });
}

Status GenerateFile(const Options& options, std::string* lines) {
  return WithoutExceptions([&] { return GenerateRows(options, lines); });
}

}  // namespace lethe
