#include "files/sha256.h"

#include <algorithm>

#include "check.h"

namespace lethe {

TEST(KnownAnswersOfTheStandard) {
  CHECK_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK_EQ(Sha256Hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(InstructionsOfTheCpuAgreeWithPortableRoundsForEveryLengthAndCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text.push_back(static_cast<char>(i * 37 + i / 7));
    Sha256::UsePortableRounds(true);
    const std::string portable = Sha256Hex(text);
    Sha256::UsePortableRounds(false);
    CHECK_EQ(Sha256Hex(text), portable);
    Sha256 pieces;
    for (size_t at = 0; at < text.size(); at += 17) pieces.Update(text.data() + at, std::min<size_t>(17, text.size() - at));
    CHECK_EQ(pieces.Finish(), portable);
  }
}

TEST(OnlyLowerCaseHexOfFullLengthIsADigest) {
  CHECK(IsSha256(Sha256Hex("x")));
  CHECK(!IsSha256(Sha256Hex("x").substr(1)));
  CHECK(!IsSha256(std::string(64, 'A')));
  CHECK(!IsSha256("../" + std::string(61, 'a')));
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
