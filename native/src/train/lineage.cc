#include "train/lineage.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "files/file.h"
#include "stage/store_paths.h"
#include "train/checkpoint.h"

namespace lethe {
namespace {

// A writer of a chain and the last step for which the chain relies on it: what it did later belongs to a branch that was left.
struct Link {
  std::string writer;
  int64_t until = 0;
};

std::vector<Link> Chain(const std::string& attempts, const CheckpointName& from) {
  std::vector<Link> chain;
  std::set<std::string> seen;
  for (CheckpointName at = from; seen.insert(at.writer).second;) {
    chain.push_back({at.writer, at.step});
    std::string text;
    if (!ReadWholeFile(attempts + "/" + at.writer + "/from.json", &text).ok()) break;
    const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object() || !document.contains("checkpoint") || !document["checkpoint"].is_string()) break;
    if (!ParseCheckpointName(document["checkpoint"].get<std::string>(), &at)) break;
  }
  return chain;
}

bool HasScores(const std::string& attempts, const std::string& writer, int64_t step, int64_t rows) {
  std::string text;
  if (!ReadWholeFile(attempts + "/" + writer + "/scores/" + StepName(step) + ".jsonl", &text).ok()) return false;
  return !text.empty() && text.back() == '\n' && std::count(text.begin(), text.end(), '\n') == rows;
}

bool IsNumber(const std::string& text) { return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos; }

}  // namespace

std::string CheckpointName::text() const { return writer + "/" + StepName(step); }

std::string CheckpointName::path(const std::string& attempts) const { return attempts + "/" + writer + "/checkpoints/" + StepName(step); }

bool ParseCheckpointName(const std::string& text, CheckpointName* name) {
  const size_t last = text.rfind('/');
  if (last == std::string::npos) return false;
  const std::string writer = text.substr(0, last);
  const int64_t step = StepOfName(text.substr(last + 1));
  const size_t middle = writer.find('/');
  if (step < 0 || middle == std::string::npos || !IsNumber(writer.substr(0, middle))) return false;
  const std::string process = writer.substr(middle + 1);
  constexpr char kNameCharacters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
  if (process.empty() || process.front() == '.' || process.find_first_not_of(kNameCharacters) != std::string::npos) return false;
  *name = {writer, step};
  return true;
}

std::vector<CheckpointName> FindCheckpoints(const std::string& attempts, int64_t last_step) {
  std::vector<std::string> numbers;
  for (const std::string& attempt : ListDirectory(attempts)) {
    if (IsNumber(attempt)) numbers.push_back(attempt);
  }
  std::sort(numbers.begin(), numbers.end(), [](const std::string& a, const std::string& b) { return std::stoi(a) > std::stoi(b); });
  std::vector<CheckpointName> found;
  for (const std::string& attempt : numbers) {
    for (const std::string& process : ListDirectory(attempts + "/" + attempt)) {
      for (const std::string& name : ListDirectory(attempts + "/" + attempt + "/" + process + "/checkpoints")) {
        CheckpointName checkpoint;
        if (!ParseCheckpointName(attempt + "/" + process + "/" + name, &checkpoint)) continue;
        if (checkpoint.step >= 1 && checkpoint.step <= last_step) found.push_back(checkpoint);
      }
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const CheckpointName& a, const CheckpointName& b) { return a.step > b.step; });
  return found;
}

Status TraceLineage(const std::string& attempts, const CheckpointName& from, const std::vector<int64_t>& anchors, int64_t rows, const CheckpointForm& form, Lineage* lineage) {
  const std::vector<Link> chain = Chain(attempts, from);
  for (const int64_t anchor : anchors) {
    if (anchor > from.step) break;
    const auto has = [&](const Link& link) { return anchor <= link.until && HasScores(attempts, link.writer, anchor, rows); };
    if (std::any_of(chain.begin(), chain.end(), has)) {
      lineage->scored.insert(anchor);
      continue;
    }
    if (anchor == from.step) continue;
    if (anchor == 0) {
      lineage->backlog.push_back({"", 0});
      continue;
    }
    const auto keeps = [&](const Link& link) {
      return anchor <= link.until && VerifyCheckpoint(CheckpointName{link.writer, anchor}.path(attempts), anchor, form).ok();
    };
    const auto keeper = std::find_if(chain.begin(), chain.end(), keeps);
    if (keeper == chain.end()) {
      return {Code::kMissingInput, "anchor " + std::to_string(anchor) + " is not scored in the chain of " + from.text() + " and its checkpoint is gone"};
    }
    lineage->backlog.push_back({keeper->writer, anchor});
  }
  return Status::Ok();
}

}  // namespace lethe
