#include "model/frozen_form.h"

namespace lethe {

bool ParseFrozenForm(std::string_view text, FrozenForm* form) {
  for (FrozenForm known : {FrozenForm::kF32, FrozenForm::kBf16, FrozenForm::kAsStored}) {
    if (text != Name(known)) continue;
    *form = known;
    return true;
  }
  return false;
}

const char* Name(FrozenForm form) {
  switch (form) {
    case FrozenForm::kBf16: return "bf16";
    case FrozenForm::kAsStored: return "as-stored";
    case FrozenForm::kF32: break;
  }
  return "f32";
}

}  // namespace lethe
