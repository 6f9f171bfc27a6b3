// Thousands of small models that lie: every number of a header replaced by the ones that break careless readers, by a seeded generator. Each ends in one
// sentence with kBadData or is read in bounds; run it under LETHE_SANITIZE too. What random bytes do stands in model_weights_test.cc.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

#include "check.h"
#include "weights/gguf_file.h"
#include "weights/model_weights.h"

namespace lethe {
namespace {

const std::string kFixtures = std::string(LETHE_FIXTURES) + "/native/weights/";

constexpr uint64_t kNumbers[] = {0,          1,          2,          7,          31,          33,          255,         256,        65535,        65536,
                                 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffff0,
                                 0x4000000000000000, 0x2000000000000001};
constexpr size_t kNumberCount = sizeof(kNumbers) / sizeof(kNumbers[0]);

struct Tally {
  int opened = 0, refused = 0;
};

// A model of a few kilobytes must not cost more than its size, whatever its header promises.
constexpr size_t kMostElements = size_t{1} << 22;

void Attempt(const std::string& path, Tally* tally) {
  std::unique_ptr<ModelWeights> weights;
  const Status opened = OpenModelWeights(path, &weights);
  if (!opened.ok()) {
    CHECK(opened.code() == Code::kBadData || opened.code() == Code::kMissingInput);
    CHECK(!opened.sentence().empty() && opened.sentence().size() < 800 && opened.sentence().find('\n') == std::string::npos);
    ++tally->refused;
    return;
  }
  ++tally->opened;
  for (const ExpectedTensor& tensor : ExpectedTensors(weights->spec())) {
    size_t elements = 1;
    for (const int64_t extent : tensor.shape) elements *= static_cast<size_t>(extent);
    CHECK(elements < kMostElements);  // every tensor of an opened model lies in its file
    std::vector<float> into(elements);
    const Status read = weights->Read(tensor.name, tensor.shape, into);
    CHECK(read.ok() || read.code() == Code::kBadData);
  }
}

// Numbers of the header in place: 1 to 3 fields of 4 or 8 bytes each time.
void DamageFields(const std::string& name, size_t header, uint64_t seed, int rounds, Tally* tally) {
  const test::TemporaryFolder folder;
  const std::string good = test::ReadFile(kFixtures + name);
  test::Dice dice(seed);
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    for (uint64_t change = 0; change <= dice.Below(3); ++change) {
      const uint64_t number = kNumbers[dice.Below(kNumberCount)];
      std::memcpy(bad.data() + dice.Below(header - 8), &number, dice.Below(2) == 0 ? 4 : 8);
    }
    test::WriteFile(folder / "m.gguf", bad);
    Attempt(folder / "m.gguf", tally);
  }
}

// Every number of a JSON text may become another: the whole digits at a random place.
std::string WithOtherNumber(std::string text, test::Dice& dice) {
  const size_t start = dice.Below(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t at = (start + i) % text.size();
    if (std::isdigit(static_cast<unsigned char>(text[at])) == 0) continue;
    size_t begin = at, end = at;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1])) != 0) --begin;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    static constexpr const char* kTexts[] = {"-1", "0", "1", "2", "33", "4294967296", "9223372036854775807", "18446744073709551615", "1e308", "0.5", "null", "true", "[]", "{}", "\"x\""};
    return text.replace(begin, end - begin, kTexts[dice.Below(sizeof(kTexts) / sizeof(kTexts[0]))]);
  }
  return text;
}

class FolderCopy {
 public:
  explicit FolderCopy(const std::string& name) { std::filesystem::copy(kFixtures + name, folder_.path(), std::filesystem::copy_options::recursive); }
  const std::string& path() const { return folder_.path(); }
  std::string operator/(const std::string& file) const { return folder_ / file; }

 private:
  test::TemporaryFolder folder_;
};

void DamageShards(const std::string& name, uint64_t seed, int rounds, Tally* tally) {
  const FolderCopy copy(name);
  test::Dice dice(seed);
  std::vector<std::string> shards;
  for (const auto& entry : std::filesystem::directory_iterator(copy.path())) {
    if (entry.path().extension() == ".safetensors") shards.push_back(entry.path().string());
  }
  std::sort(shards.begin(), shards.end());
  for (int round = 0; round < rounds; ++round) {
    const std::string& path = shards[dice.Below(shards.size())];
    const std::string good = test::ReadFile(path);
    uint64_t length = 0;
    std::memcpy(&length, good.data(), sizeof(length));
    std::string header = good.substr(sizeof(length), length);
    const std::string data = good.substr(sizeof(length) + length);
    for (uint64_t change = 0; change <= dice.Below(2); ++change) header = WithOtherNumber(header, dice);
    length = dice.Below(8) == 0 ? kNumbers[dice.Below(kNumberCount)] : header.size();
    test::WriteFile(path, std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + data);
    Attempt(copy.path(), tally);
    test::WriteFile(path, good);
  }
}

void DamageJson(const std::string& name, const std::string& file, uint64_t seed, int rounds, Tally* tally) {
  const FolderCopy copy(name);
  const std::string good = test::ReadFile(copy / file);
  test::Dice dice(seed);
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    for (uint64_t change = 0; change <= dice.Below(2); ++change) bad = WithOtherNumber(bad, dice);
    test::WriteFile(copy / file, bad);
    Attempt(copy.path(), tally);
  }
}

}  // namespace

TEST(GgufHeadersOfOtherNumbersAreRefusedOrReadInBounds) {
  Tally tally;
  DamageFields("llama.gguf", 2600, 301, 4000, &tally);
  DamageFields("llama3.gguf", 2600, 303, 4000, &tally);
  CHECK(tally.opened > 50);
  CHECK(tally.refused > 4000);
}

TEST(SafetensorsHeadersOfOtherNumbersAreRefusedOrReadInBounds) {
  Tally tally;
  DamageShards("llama", 307, 2000, &tally);
  DamageShards("gpt2", 311, 2000, &tally);
  CHECK(tally.refused > 2000);
}

TEST(ConfigsOfOtherNumbersAreRefusedOrReadInBounds) {
  Tally tally;
  for (const char* name : {"gpt2", "llama3", "linear"}) DamageJson(name, "config.json", 313, 1000, &tally);
  DamageJson("llama", "model.safetensors.index.json", 317, 500, &tally);
  CHECK(tally.opened > 50);
  CHECK(tally.refused > 1000);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
