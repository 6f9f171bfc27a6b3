// What the native tests need and no more: TEST(Claim) { CHECK(…); } and a main that runs them all. A failed check says where and goes on.
#ifndef LETHE_TEST_CHECK_H_
#define LETHE_TEST_CHECK_H_

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "lethe/status.h"

namespace lethe::test {

struct Case {
  const char* claim;
  void (*body)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

inline int& Failures() {
  static int failures = 0;
  return failures;
}

struct Registration {
  Registration(const char* claim, void (*body)()) { Cases().push_back({claim, body}); }
};

inline std::ostream& operator<<(std::ostream& out, Code code) { return out << static_cast<int>(code); }

template <typename A, typename B>
void CheckEqual(const A& found, const B& expected, const char* text, const char* file, int line) {
  if (found == expected) return;
  ++Failures();
  std::cerr << file << ":" << line << ": " << text << ": expected " << expected << ", found " << found << "\n";
}

inline void CheckTrue(bool holds, const std::string& text, const char* file, int line) {
  if (holds) return;
  ++Failures();
  std::cerr << file << ":" << line << ": expected " << text << "\n";
}

inline void CheckOk(const Status& status, const char* text, const char* file, int line) {
  if (!status.ok()) CheckTrue(false, std::string(text) + " to succeed, found " + std::to_string(status.exit_code()) + ": " + status.sentence(), file, line);
}

inline void CheckFails(const Status& status, Code code, const std::string& part, const char* file, int line) {
  if (status.code() == code && status.sentence().find(part) != std::string::npos) return;
  CheckTrue(false, std::to_string(static_cast<int>(code)) + " with \"" + part + "\", found " + std::to_string(status.exit_code()) + ": " + status.sentence(), file, line);
}

// A folder of its own for each test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lethe-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline void WriteFile(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string ReadFile(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// Random numbers of a stated seed for the tests that break inputs.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t Below(uint64_t bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % bound;
  }

 private:
  uint64_t state_;
};

// `rounds` damaged copies of `good`: cut short, bits flipped, bytes put in or overwritten.
template <typename Try>
void Damage(const std::string& good, uint64_t seed, int rounds, const Try& attempt) {
  Dice dice(seed);
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    for (uint64_t change = 0; change <= dice.Below(3); ++change) {
      const size_t at = dice.Below(bad.size() + 1);
      switch (dice.Below(4)) {
        case 0:
          bad.resize(at);
          break;
        case 1:
          if (at < bad.size()) bad[at] = static_cast<char>(bad[at] ^ (1 << dice.Below(8)));
          break;
        case 2:
          bad.insert(at, 1 + dice.Below(40), "{[\"9-\\\xff,:"[dice.Below(9)]);
          break;
        default:
          if (at < bad.size()) bad[at] = "0{}[]\",:-e\0"[dice.Below(11)];
      }
    }
    attempt(bad);
  }
}

inline int RunAll() {
  for (const Case& test : Cases()) {
    const int before = Failures();
    test.body();
    std::printf("%s %s\n", Failures() == before ? "ok  " : "FAIL", test.claim);
  }
  return Failures() == 0 && !Cases().empty() ? 0 : 1;
}

}  // namespace lethe::test

#define TEST(claim)                                                           \
  static void claim();                                                        \
  static const ::lethe::test::Registration registered_##claim(#claim, claim); \
  static void claim()
#define CHECK(condition) ::lethe::test::CheckTrue((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQ(found, expected) ::lethe::test::CheckEqual((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_OK(status) ::lethe::test::CheckOk((status), #status, __FILE__, __LINE__)
#define CHECK_FAILS(status, code, part) ::lethe::test::CheckFails((status), (code), (part), __FILE__, __LINE__)

#endif  // LETHE_TEST_CHECK_H_
