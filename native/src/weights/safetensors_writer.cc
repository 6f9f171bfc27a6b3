#include "weights/safetensors_writer.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "files/file.h"
#include "files/sha256.h"

namespace lethe {
namespace {

// Gathers small tensors into large writes.
class HashingSink {
 public:
  HashingSink(const File& file, const std::string& path) : file_(file), path_(path) { buffer_.reserve(kCapacity); }

  Status Append(const void* bytes, size_t count) {
    hash_.Update(bytes, count);
    total_ += count;
    if (buffer_.size() + count > kCapacity) {
      if (Status s = Flush(); !s.ok()) return s;
    }
    if (count > kCapacity) return WriteAll(file_, path_, bytes, count);
    const auto from = static_cast<const char*>(bytes);
    buffer_.insert(buffer_.end(), from, from + count);
    return Status::Ok();
  }

  Status Flush() {
    Status status = WriteAll(file_, path_, buffer_.data(), buffer_.size());
    buffer_.clear();
    return status;
  }

  WrittenFile Finish() { return {hash_.Finish(), total_}; }

 private:
  static constexpr size_t kCapacity = 1 << 18;
  const File& file_;
  const std::string& path_;
  Sha256 hash_;
  uint64_t total_ = 0;
  std::vector<char> buffer_;
};

size_t Elements(const TensorView& tensor) {
  size_t elements = 1;
  for (const int64_t size : tensor.shape) elements *= static_cast<size_t>(size);
  return elements;
}

std::string Header(std::span<const TensorView> tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t at = 0;
  for (const TensorView& tensor : tensors) {
    const uint64_t end = at + sizeof(float) * Elements(tensor);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start aligned
  return text;
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors, WrittenFile* written) {
  return WriteSafetensors(path, tensors, [&](size_t i, size_t from) { return tensors[i].data.subspan(from); }, written);
}

Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors, const TensorPieces& piece, WrittenFile* written) {
  File file;
  if (Status s = CreateFile(path, &file); !s.ok()) return s;
  HashingSink sink(file, path);
  const std::string header = Header(tensors);
  const uint64_t header_bytes = header.size();
  if (Status s = sink.Append(&header_bytes, sizeof(header_bytes)); !s.ok()) return s;
  if (Status s = sink.Append(header.data(), header.size()); !s.ok()) return s;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const size_t elements = Elements(tensors[i]);
    for (size_t from = 0; from < elements;) {
      const std::span<const float> data = piece(i, from);
      if (Status s = sink.Append(data.data(), data.size_bytes()); !s.ok()) return s;
      from += data.size();
    }
  }
  if (Status s = sink.Flush(); !s.ok()) return s;
  *written = sink.Finish();
  return SyncFile(file, path);
}

}  // namespace lethe
