// models/<digest>/ of a store: a model's files as they were published, and manifest.json, which names them (docs/formats.md).
#ifndef LETHE_WEIGHTS_MODEL_FOLDER_H_
#define LETHE_WEIGHTS_MODEL_FOLDER_H_

#include <memory>
#include <string>

#include "lethe/status.h"
#include "weights/model_weights.h"

namespace lethe {

// Opens the folder and checks that it is the model of `digest`: the digest follows from the manifest's list of files, every file has the size that it
// says, and none that is read is missing from it. What the files hold was checked against their sha256 when the model was added.
// kMissingInput: folder, manifest or a file is not there. kBadData: another model, or a damaged one.
Status OpenModelFolder(const std::string& folder, const std::string& digest, std::unique_ptr<ModelWeights>* out);

// A model wherever it lies: a folder with manifest.json, opened as above whatever its digest, or what OpenModelWeights takes.
Status OpenModel(const std::string& path, std::unique_ptr<ModelWeights>* out);

}  // namespace lethe

#endif  // LETHE_WEIGHTS_MODEL_FOLDER_H_
