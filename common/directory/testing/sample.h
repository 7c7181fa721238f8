// The sample directory for tests, of this module and of others. Tests run with the repository root as working
// directory.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/directory/directory.h"
#include "common/directory/lint.h"
#include "common/pki/file.h"

namespace relais::directory::testing {

/// The text of deploy/dev/directory.yaml; empty when it cannot be read.
inline std::string SampleYaml() {
  return pki::ReadWholeFile("deploy/dev/directory.yaml", size_t{1} << 20).value_or("");
}

/// A directory from a text that must parse and lint; the process ends with the problems otherwise.
inline std::shared_ptr<const Directory> MakeDirectory(const std::string& yaml) {
  return std::make_shared<const Directory>(ParseAndLint(yaml).value());
}

inline std::shared_ptr<const Directory> SampleDirectory() { return MakeDirectory(SampleYaml()); }

/// `yaml` with the first `from` replaced by `to`; unusable text when there is no `from`, so that a test whose
/// sample has changed fails.
inline std::string Replaced(std::string yaml, const std::string& from, const std::string& to) {
  const size_t at = yaml.find(from);
  if (at == std::string::npos) {
    return "the sample has no: " + from;
  }
  return yaml.replace(at, from.size(), to);
}

}  // namespace relais::directory::testing
