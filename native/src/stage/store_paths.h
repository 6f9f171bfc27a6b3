// Where things lie in the store, as docs/formats.md draws it. The store is two folders above the stage.
#ifndef LETHE_STAGE_STORE_PATHS_H_
#define LETHE_STAGE_STORE_PATHS_H_

#include <cstdint>
#include <filesystem>
#include <string>

namespace lethe {

class StorePaths {
 public:
  // stage: the canonical path of the stage's folder.
  explicit StorePaths(std::string stage) : stage_(std::move(stage)), store_(std::filesystem::path(stage_).parent_path().parent_path().string()) {}

  const std::string& stage() const { return stage_; }
  std::string run() const { return stage_ + "/run.json"; }
  std::string result() const { return stage_ + "/result.json"; }
  std::string attempts() const { return stage_ + "/attempts"; }
  std::string attempt(int number) const { return attempts() + "/" + std::to_string(number); }
  std::string data(const std::string& digest) const { return store_ + "/data/" + digest; }
  std::string model(const std::string& digest) const { return store_ + "/models/" + digest; }
  std::string other_stage(const std::string& key) const { return store_ + "/stages/" + key; }

 private:
  std::string stage_;
  std::string store_;
};

std::string StepName(int64_t step);  // "step-000500"
// The step of such a name, or -1.
int64_t StepOfName(const std::string& name);

}  // namespace lethe

#endif  // LETHE_STAGE_STORE_PATHS_H_
