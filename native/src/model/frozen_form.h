// Names of the forms in which frozen weights are kept, as in run.json and on the command line.
#ifndef LETHE_MODEL_FROZEN_FORM_H_
#define LETHE_MODEL_FROZEN_FORM_H_

#include <string_view>

#include "lethe/decoder.h"

namespace lethe {

// "f32", "bf16" or "as-stored"; false for any other text, and *form stays.
bool ParseFrozenForm(std::string_view text, FrozenForm* form);

const char* Name(FrozenForm form);

}  // namespace lethe

#endif  // LETHE_MODEL_FROZEN_FORM_H_
