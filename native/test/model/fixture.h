// A model of test/fixtures/native: spec, sequences and tensors that PyTorch and Transformers wrote (make_fixtures.py there says what).
#ifndef LETHE_TEST_MODEL_FIXTURE_H_
#define LETHE_TEST_MODEL_FIXTURE_H_

#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "check.h"
#include "lethe/decoder.h"
#include "weights/safetensors_reader.h"

namespace lethe::test {

struct ModelFixture {
  nlohmann::json facts;
  SafetensorsReader tensors;
  ModelSpec spec;
  std::vector<std::vector<int32_t>> tokens;
  std::vector<Sequence> sequences;
  int64_t targets = 0;

  void Load(const std::string& name) {
    const std::string path = std::string(LETHE_FIXTURES) + "/native/" + name;
    std::ifstream(path + ".json") >> facts;
    CHECK_OK(tensors.Open(path + ".safetensors"));
    const auto& fields = facts["spec"];
    spec.family = fields["family"] == "llama" ? Family::kLlama : Family::kGpt2;
    spec.layers = fields["layers"];
    spec.width = fields["width"];
    spec.heads = fields["heads"];
    spec.key_value_heads = fields["keyValueHeads"];
    spec.feed_forward = fields["feedForward"];
    spec.context = fields["context"];
    spec.vocabulary = fields["vocabulary"];
    spec.tied_head = fields["tiedHead"];
    spec.norm_epsilon = fields["normEpsilon"];
    spec.rope_base = fields["ropeBase"];
    for (const auto& sequence : facts["sequences"]) tokens.push_back(sequence["tokens"]);
    for (size_t i = 0; i < tokens.size(); ++i) {
      sequences.push_back({.tokens = tokens[i], .prompt_length = facts["sequences"][i]["promptLength"]});
      targets += static_cast<int64_t>(tokens[i].size()) - sequences[i].prompt_length;
    }
  }

  void Restore(Decoder& decoder) const {
    for (Parameter& parameter : decoder.parameters()) CHECK_OK(tensors.Read("weights." + parameter.name, parameter.shape, parameter.data));
  }
};

}  // namespace lethe::test

#endif  // LETHE_TEST_MODEL_FIXTURE_H_
