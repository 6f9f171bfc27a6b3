// config.json of a Hugging Face folder → ModelSpec. A field that would change what is computed, and that we do not compute, is refused by name;
// so is one that we do not know, because it might.
#ifndef LETHE_WEIGHTS_HF_CONFIG_H_
#define LETHE_WEIGHTS_HF_CONFIG_H_

#include <string>

#include "lethe/decoder.h"
#include "lethe/status.h"

namespace lethe {

// `path` is for the sentence. Any error is kBadData.
Status ParseHfConfig(const std::string& text, const std::string& path, ModelSpec* spec);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_HF_CONFIG_H_
