#ifndef LETHE_STAGE_PARSE_STAGE_SPEC_H_
#define LETHE_STAGE_PARSE_STAGE_SPEC_H_

#include <string>

#include "lethe/status.h"
#include "stage/stage_spec.h"

namespace lethe {

// Parses the text of a run.json (`path` is for the sentences). kBadSpec names the field, its bound and what came.
// A stage for another numerics version is kBadSpec, one for a device that this build lacks is kDevice.
Status ParseStageSpec(const std::string& text, const std::string& path, StageSpec* spec);

}  // namespace lethe

#endif  // LETHE_STAGE_PARSE_STAGE_SPEC_H_
