#include <bit>
#include <cmath>
#include <cstring>

#include "check.h"
#include "files/sha256.h"
#include "weights/safetensors_reader.h"
#include "weights/safetensors_writer.h"

namespace lethe {
namespace {

std::string FileOf(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  return bytes + header + data;
}

Status OpenBytes(const test::TemporaryFolder& folder, const std::string& bytes) {
  test::WriteFile(folder / "x.safetensors", bytes);
  SafetensorsReader reader;
  return reader.Open(folder / "x.safetensors");
}

}  // namespace

TEST(TensorsComeBackBitForBit) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const std::vector<float> matrix = {1.5f, -0.0f, std::bit_cast<float>(1u), 3e38f, INFINITY, std::bit_cast<float>(0x7fc00123u)};
  const std::vector<float> large(200000, 0.25f);
  const std::vector<TensorView> tensors = {{"a.weight", {2, 3}, matrix}, {"b", {200000}, large}, {"none", {0, 4}, {}}};
  WrittenFile written;
  CHECK_OK(WriteSafetensors(path, tensors, &written));
  const std::string bytes = test::ReadFile(path);
  CHECK_EQ(written.bytes, bytes.size());
  CHECK_EQ(written.sha256, Sha256Hex(bytes));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  CHECK_EQ(header_bytes % 8, 0u);

  SafetensorsReader reader;
  CHECK_OK(reader.Open(path));
  std::vector<float> found(6);
  CHECK_OK(reader.Read("a.weight", {2, 3}, found));
  CHECK(std::memcmp(found.data(), matrix.data(), sizeof(float) * 6) == 0);
  std::vector<float> found_large(200000);
  CHECK_OK(reader.Read("b", {200000}, found_large));
  CHECK(found_large == large);
  CHECK_FAILS(reader.Read("a.weight", {3, 2}, found), Code::kBadData, "of shape [3, 2]");
  CHECK_FAILS(reader.Read("c", {6}, found), Code::kBadData, "expected tensor c");
}

TEST(HalfAndBrainFloatsAreWidenedExactly) {
  CHECK_EQ(WidenF16(0x3c00), 1.0f);
  CHECK_EQ(WidenF16(0xc000), -2.0f);
  CHECK_EQ(WidenF16(0x7bff), 65504.0f);
  CHECK_EQ(WidenF16(0x0001), std::ldexp(1.0f, -24));
  CHECK_EQ(WidenF16(0x83ff), -std::ldexp(1023.0f, -24));
  CHECK(std::isinf(WidenF16(0x7c00)));
  CHECK(std::isnan(WidenF16(0x7e00)));
  CHECK(std::signbit(WidenF16(0x8000)));
  CHECK_EQ(WidenBf16(0x3fc0), 1.5f);
  const test::TemporaryFolder folder;
  test::WriteFile(folder / "h", FileOf(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})",
                                       std::string("\x00\x3c\x00\xc0\x00\x00\x00\x00", 8)));
  SafetensorsReader reader;
  CHECK_OK(reader.Open(folder / "h"));
  std::vector<float> found(2);
  CHECK_OK(reader.Read("h", {2}, found));
  CHECK_EQ(found[0], 1.0f);
  CHECK_EQ(found[1], -2.0f);
  CHECK_FAILS(reader.Read("i", {1}, std::span(found).first(1)), Code::kBadData, "found I64");
}

TEST(HeadersThatLieAreRefusedBeforeAnythingIsRead) {
  const test::TemporaryFolder folder;
  const std::string data(16, '\0');
  CHECK_FAILS(OpenBytes(folder, "short"), Code::kBadData, "only 5 bytes");
  CHECK_FAILS(OpenBytes(folder, std::string(8, '\xff')), Code::kBadData, "a header of 18446744073709551615 bytes");
  CHECK_FAILS(OpenBytes(folder, FileOf("[]", data)), Code::kBadData, "not a JSON object");
  const auto entry = [&](const std::string& fields) { return OpenBytes(folder, FileOf("{\"a\":{" + fields + "}}", data)); };
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[4],"data_offsets":[4,20])"), Code::kBadData, "inside the 16 bytes");
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[4],"data_offsets":[8,4])"), Code::kBadData, "inside the 16 bytes");
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[4],"data_offsets":[0,12])"), Code::kBadData, "expected 16 bytes for F32 [4]");
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[-1],"data_offsets":[0,16])"), Code::kBadData, "sizes from 0");
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[1099511627776,1099511627776,4],"data_offsets":[0,16])"), Code::kBadData, "too large");
  CHECK_FAILS(entry(R"("dtype":"F32","shape":[4])"), Code::kBadData, "must have dtype, shape and data_offsets");
  CHECK_FAILS(entry(R"("dtype":7,"shape":[4],"data_offsets":[0,16])"), Code::kBadData, "dtype as text");
  SafetensorsReader reader;
  CHECK_FAILS(reader.Open(folder / "absent"), Code::kMissingInput, "absent, which is not there");
}

TEST(DamagedFilesAreRefusedOrReadInBounds) {
  const test::TemporaryFolder folder;
  const std::vector<float> values(64, 1.0f);
  const std::vector<TensorView> tensors = {{"wte", {8, 8}, values}, {"ln", {64}, values}};
  WrittenFile written;
  CHECK_OK(WriteSafetensors(folder / "good", tensors, &written));
  int opened = 0, refused = 0;
  test::Damage(test::ReadFile(folder / "good"), 41, 2000, [&](const std::string& bad) {
    test::WriteFile(folder / "bad", bad);
    SafetensorsReader reader;
    const Status s = reader.Open(folder / "bad");
    if (!s.ok()) {
      CHECK_EQ(s.code(), Code::kBadData);
      ++refused;
      return;
    }
    ++opened;
    for (const auto& [name, entry] : reader.tensors()) {
      if (entry.elements > 4096) continue;
      std::vector<float> into(entry.elements);
      const Status read = reader.Read(name, entry.shape, into);
      CHECK(read.ok() || read.code() == Code::kBadData);
    }
  });
  CHECK(opened > 50);
  CHECK(refused > 50);
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
