#include "weights/gguf_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "files/file.h"
#include "weights/gguf_cursor.h"
#include "weights/model_weights.h"

namespace lethe {
namespace {

constexpr uint64_t kLeastKeyBytes = 8 + 4 + 1, kLeastTensorBytes = 8 + 4 + 4 + 8;
constexpr uint32_t kMostDimensions = 4;

std::string KnownFormats() {
  std::string names;
  for (uint32_t id = 0; id < 64; ++id) {
    if (const BlockFormat* format = FindBlockFormat(id)) names += (names.empty() ? "" : ", ") + std::string(format->name);
  }
  return names;
}

GgufTensor TakeTensor(GgufCursor& cursor, const std::string& name) {
  GgufTensor tensor;
  const uint32_t dimensions = cursor.Take<uint32_t>();
  if (cursor.ok() && (dimensions < 1 || dimensions > kMostDimensions)) cursor.Fail(TensorText(name) + " has " + std::to_string(dimensions) + " dimensions");
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions && cursor.ok(); ++i) {
    const uint64_t extent = cursor.Take<uint64_t>();
    if (extent < 1 || extent > uint64_t{1} << 40 || __builtin_mul_overflow(elements, extent, &elements) || elements > uint64_t{1} << 50) {
      cursor.Fail(TensorText(name) + " has an extent of " + std::to_string(extent));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
  }
  const uint32_t format = cursor.Take<uint32_t>();
  tensor.offset = cursor.Take<uint64_t>();
  if (!cursor.ok()) return tensor;
  tensor.format = FindBlockFormat(format);
  if (tensor.format == nullptr) {
    cursor.Fail("expected " + TensorText(name) + " in one of the formats " + KnownFormats() + ", found format number " + std::to_string(format));
  } else if (static_cast<uint64_t>(tensor.shape.back()) % tensor.format->elements != 0) {
    cursor.Fail("expected rows of " + TensorText(name) + " in blocks of " + std::to_string(tensor.format->elements) + ", found " + std::to_string(tensor.shape.back()) + " elements");
  } else {
    tensor.bytes = elements / tensor.format->elements * tensor.format->bytes;
  }
  return tensor;
}

}  // namespace

GgufFile::~GgufFile() {
  if (!mapped_.empty()) ::munmap(const_cast<unsigned char*>(mapped_.data()), mapped_.size());
}

Status GgufFile::Open(const std::string& path) {
  path_ = path;
  if (Status s = Map(); !s.ok()) return s;
  if (Status s = Parse(); !s.ok()) return s;
  return CheckRanges();
}

void GgufFile::Release(const GgufTensor& tensor) const {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t begin = (data_start_ + tensor.offset + page - 1) / page * page;  // pages that it fills alone
  const uint64_t end = (data_start_ + tensor.offset + tensor.bytes) / page * page;
  if (begin < end) ::madvise(const_cast<unsigned char*>(mapped_.data()) + begin, end - begin, MADV_DONTNEED);
}

Status GgufFile::Map() {
  File file;
  uint64_t bytes = 0;
  if (Status s = OpenForReading(path_, &file, &bytes); !s.ok()) return s;
  if (bytes < 24) return Bad("only " + std::to_string(bytes) + " bytes");
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (mapped == MAP_FAILED) return ErrnoStatus("map", path_, errno);
  mapped_ = {static_cast<const unsigned char*>(mapped), bytes};
  return Status::Ok();
}

Status GgufFile::Parse() {
  GgufCursor cursor(mapped_);
  if (cursor.Take<uint32_t>() != 0x46554747) return Bad("it does not begin with \"GGUF\"");
  const uint32_t version = cursor.Take<uint32_t>();
  if (version == 0x03000000) return Bad("expected a little-endian file, found a big-endian one");
  if (version != 3) return Bad("expected version 3, found " + std::to_string(version));
  const uint64_t tensors = cursor.TakeCount(kLeastTensorBytes, "tensors");
  const uint64_t keys = cursor.TakeCount(kLeastKeyBytes, "keys");
  for (uint64_t i = 0; i < keys && cursor.ok(); ++i) {
    const std::string name = cursor.TakeText();
    const uint32_t type = cursor.Take<uint32_t>();
    if (!keys_.emplace(name, cursor.TakeValue(type)).second) cursor.Fail("key " + TensorText(name).substr(7) + " comes twice");
  }
  for (uint64_t i = 0; i < tensors && cursor.ok(); ++i) {
    const std::string name = cursor.TakeText();
    if (!tensors_.emplace(name, TakeTensor(cursor, name)).second) cursor.Fail(TensorText(name) + " comes twice");
  }
  if (!cursor.ok()) return Bad(cursor.failure());

  const auto found = keys_.find("general.alignment");
  const int64_t* stated = found == keys_.end() ? nullptr : std::get_if<int64_t>(&found->second);
  const int64_t alignment = found == keys_.end() ? 32 : stated != nullptr ? *stated : 0;
  if (alignment < 8 || alignment > 1 << 20 || (alignment & (alignment - 1)) != 0) return Bad("expected general.alignment to be a power of two from 8 to 2^20");
  const uint64_t step = static_cast<uint64_t>(alignment);
  data_start_ = (cursor.at() + step - 1) / step * step;
  for (const auto& [name, tensor] : tensors_) {
    if (tensor.offset % step != 0) return Bad(TensorText(name) + " starts at " + std::to_string(tensor.offset) + ", which is no multiple of the alignment " + std::to_string(step));
  }
  return Status::Ok();
}

// Inside the file, and no two on the same bytes.
Status GgufFile::CheckRanges() const {
  const uint64_t data_bytes = data_start_ <= mapped_.size() ? mapped_.size() - data_start_ : 0;
  std::vector<std::pair<uint64_t, const std::map<std::string, GgufTensor>::value_type*>> ranges;
  for (const auto& entry : tensors_) {
    const GgufTensor& tensor = entry.second;
    if (tensor.offset > data_bytes || tensor.bytes > data_bytes - tensor.offset) {
      return Bad(TensorText(entry.first) + " needs " + std::to_string(tensor.bytes) + " bytes from " + std::to_string(tensor.offset) + ", the file has " +
                 std::to_string(data_bytes) + " bytes of data; it was cut short");
    }
    ranges.emplace_back(tensor.offset, &entry);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    const auto& [name, before] = *ranges[i - 1].second;
    if (ranges[i].first < before.offset + before.bytes) return Bad(TensorText(name) + " and " + TensorText(ranges[i].second->first) + " share bytes");
  }
  return Status::Ok();
}

}  // namespace lethe
