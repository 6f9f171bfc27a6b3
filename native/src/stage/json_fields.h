// Takes the fields of one JSON object, each once, with its bounds. Keeps the first error; Finish also refuses fields that nobody took.
#ifndef LETHE_STAGE_JSON_FIELDS_H_
#define LETHE_STAGE_JSON_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "lethe/status.h"

namespace lethe {

class JsonFields {
 public:
  // `file` and `where` ("train.stop", empty at the top) go into the sentences. The value must outlive this object.
  JsonFields(const nlohmann::json& value, std::string file, std::string where, Code code = Code::kBadSpec);

  bool Has(const std::string& name) const;
  int64_t Integer(const std::string& name, int64_t least, int64_t most);
  double Number(const std::string& name, double least, double most);  // bounds included
  bool Boolean(const std::string& name);
  std::string Text(const std::string& name);
  std::string OneOf(const std::string& name, std::initializer_list<const char*> choices);
  std::string Digest(const std::string& name);
  // The object at name (an empty one after an error).
  JsonFields Object(const std::string& name);
  const nlohmann::json* Array(const std::string& name);  // null after an error
  void Ignore(const std::string& name);                  // it must be there; what it holds is not ours

  void Fail(const std::string& name, const std::string& expected, const std::string& found);
  // Takes over the first error of a nested object.
  void Adopt(const Status& status);
  Status Finish();
  // For documents that others may extend: unknown fields are left alone.
  const Status& FirstError() const { return status_; }

 private:
  const nlohmann::json* Take(const std::string& name, const std::string& expected);

  const nlohmann::json* value_;
  std::string file_;
  std::string where_;
  Code code_;
  std::set<std::string> taken_;
  Status status_;
};

// A JSON value as a short text for a sentence.
std::string ShortText(const nlohmann::json& value);

}  // namespace lethe

#endif  // LETHE_STAGE_JSON_FIELDS_H_
