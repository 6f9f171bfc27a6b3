// Stored weights: every level decodes to the bits of the format's own function, and products of few rows are those of the decoded numbers, row by row.
#include <bit>
#include <cmath>
#include <cstring>

#include "ops/reference.h"
#include "weights/dequantize.h"

namespace lethe {
namespace {

using test::Random;

constexpr uint32_t kAllFormats[] = {0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 30};

// Blocks of random bits whose numbers are finite and of size about 1: scales are set, everything else may be anything.
std::vector<unsigned char> Blocks(const BlockFormat& format, int64_t blocks, uint64_t seed) {
  std::vector<unsigned char> data(static_cast<size_t>(blocks) * format.bytes);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(Philox(seed, 1, i)[0]);
  for (int64_t block = 0; block < blocks; ++block) {
    unsigned char* const at = data.data() + block * format.bytes;
    for (const int half : {format.scale, format.offset}) {
      if (half < 0) continue;
      uint16_t bits;
      std::memcpy(&bits, at + half, sizeof(bits));
      // Exponents of -14 to 0; single numbers may also be subnormal, zero or negative.
      bits = static_cast<uint16_t>((bits & 0x83ff) | (format.elements == 1 ? bits % 15 : 1 + bits % 5) << 10);
      std::memcpy(at + half, &bits, sizeof(bits));
    }
    if (format.id == kFormatBf16) at[1] = static_cast<unsigned char>((at[1] & 0x80) | 0x3e);
    if (format.id == kFormatF32) at[3] = static_cast<unsigned char>((at[3] & 0x80) | 0x3e);
  }
  return data;
}

std::vector<float> Decoded(const BlockFormat& format, const std::vector<unsigned char>& data) {
  const size_t blocks = data.size() / format.bytes;
  std::vector<float> values(blocks * format.elements);
  for (size_t block = 0; block < blocks; ++block) format.dequantize(data.data() + block * format.bytes, values.data() + block * format.elements);
  return values;
}

int64_t DifferentBits(const std::vector<float>& a, const std::vector<float>& b) {
  int64_t different = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) different += std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]);
  return different;
}

struct Product {
  int64_t m, n, k;
  bool by_column;
};

// y with a bias and an addend, in one call or one for each row and each half of the columns.
std::vector<float> Run(const Ops& ops, const Product& product, const BlockFormat& format, const unsigned char* weights, bool apart) {
  const auto [m, n, k, by_column] = product;
  const std::vector<float> x = Random(m * k, 3), bias = Random(n, 4), addend = Random(m * n, 5);
  std::vector<float> y(static_cast<size_t>(m * n), NAN);
  FewRowsArgs whole{.m = m, .n = n, .k = k, .x = x.data(), .x_row = k, .format = &format, .weights = weights, .weights_row = n, .y = y.data(), .y_row = n, .bias = bias.data(),
                    .addend = addend.data(), .addend_row = n};
  const auto run = by_column ? ops.few_rows_by_column : ops.few_rows;
  if (!apart) {
    run(whole);
    return y;
  }
  const int64_t cut = n / 2 / 8 * 8;
  for (int64_t i = 0; i < m; ++i) {
    for (const auto& [from, to] : {std::pair<int64_t, int64_t>{0, cut}, {cut, n}}) {
      FewRowsArgs part = whole;
      part.m = 1;
      part.n = to - from;
      part.x += i * k;
      part.y += i * n + from;
      part.bias += from;
      part.addend += i * n + from;
      part.weights += by_column ? from * format.bytes : from * (k / format.elements) * format.bytes;
      run(part);
    }
  }
  return y;
}

void CheckProduct(const test::Level& level, const Product& product, const BlockFormat& format) {
  const auto [m, n, k, by_column] = product;
  const std::vector<unsigned char> data = Blocks(format, n * k / format.elements, 9);
  const std::vector<float> weights = Decoded(format, data), x = Random(m * k, 3), bias = Random(n, 4), addend = Random(m * n, 5);
  const std::vector<float> y = Run(*level.ops, product, format, data.data(), false);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = static_cast<double>(bias[static_cast<size_t>(j)]) + static_cast<double>(addend[static_cast<size_t>(i * n + j)]), size = std::abs(sum);
      for (int64_t p = 0; p < k; ++p) {
        const double term = static_cast<double>(x[static_cast<size_t>(i * k + p)]) * static_cast<double>(weights[static_cast<size_t>(by_column ? p * n + j : j * k + p)]);
        sum += term;
        size += std::abs(term);
      }
      test::CheckNear(static_cast<double>(y[static_cast<size_t>(i * n + j)]), sum, 3e-7 * size, 0, std::string(format.name) + " " + level.name, __FILE__, __LINE__);
    }
  }
  // Rows do not see one another, nor columns where they are cut, nor either the form of the weights.
  CHECK_EQ(DifferentBits(y, Run(*level.ops, product, format, data.data(), true)), int64_t{0});
  CHECK_EQ(DifferentBits(y, Run(*level.ops, product, *FindBlockFormat(kFormatF32), reinterpret_cast<const unsigned char*>(weights.data()), false)), int64_t{0});
}

}  // namespace

TEST(EveryLevelDecodesToTheBitsOfTheFormat) {
  for (const test::Level& level : test::Levels()) {
    for (const uint32_t id : kAllFormats) {
      const BlockFormat& format = *FindBlockFormat(id);
      const std::vector<unsigned char> data = Blocks(format, format.elements == 1 ? 1003 : 7, 21);  // a rest behind whole vectors too
      const std::vector<float> expected = Decoded(format, data);
      std::vector<float> found(expected.size(), NAN);
      level.ops->decode(found.data(), format, data.data(), static_cast<int64_t>(found.size()));
      CHECK_EQ(DifferentBits(found, expected), int64_t{0});
    }
  }
}

TEST(ProductsOfFewRowsAreThoseOfTheDecodedNumbersInEveryFormat) {
  for (const test::Level& level : test::Levels()) {
    for (const uint32_t id : kAllFormats) {
      const BlockFormat& format = *FindBlockFormat(id);
      for (const int64_t m : {1, 2, 3, 5, 98}) CheckProduct(level, {.m = m, .n = 9, .k = 512, .by_column = false}, format);
      CheckProduct(level, {.m = 8, .n = 3, .k = 2304, .by_column = false}, format);  // longer than what is decoded at once
      if (format.elements > 1) continue;
      for (const int64_t k : {35, 2107}) CheckProduct(level, {.m = 4, .n = 10, .k = k, .by_column = false}, format);  // a rest of a row
      for (const int64_t m : {1, 3}) CheckProduct(level, {.m = m, .n = 75, .k = 30, .by_column = true}, format);
    }
  }
}

TEST(NumbersThatAreNotFiniteAreFoundByBlock) {
  for (const uint32_t id : kAllFormats) {
    const BlockFormat& format = *FindBlockFormat(id);
    std::vector<unsigned char> data = Blocks(format, 5, 2);
    CHECK_EQ(FirstBlockThatIsNotFinite(format, data.data(), 5), uint64_t{5});
    const size_t at = 3 * format.bytes + static_cast<size_t>(format.offset >= 0 ? format.offset : format.scale >= 0 ? format.scale : static_cast<int>(format.bytes) - 2);
    data[at + 1] = id == kFormatF32 || id == kFormatBf16 ? 0x7f : 0x7c;
    data[at] = id == kFormatF32 || id == kFormatBf16 ? 0x80 : 0;
    CHECK_EQ(FirstBlockThatIsNotFinite(format, data.data(), 5), uint64_t{3});
    for (const float value : Decoded(format, data)) {
      if (!std::isfinite(value)) return;
    }
    CHECK(false);
  }
}

}  // namespace lethe

int main() { return lethe::test::RunAll(); }
