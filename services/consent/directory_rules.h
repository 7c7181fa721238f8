// What decisions need of a directory version, made once per version.
#pragma once

#include <memory>
#include <mutex>

#include "common/directory/directory.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// Grounds that this suite does not decide on (ACCORD, VITAL_INTEREST: her acts and declared emergencies do)
/// are left out.
Rules RulesFrom(const directory::Directory& directory);

/// The rules of the version last asked for. Thread-safe.
class RulesCache {
 public:
  std::shared_ptr<const Rules> Of(const std::shared_ptr<const directory::Directory>& directory);

 private:
  std::mutex mu_;
  std::shared_ptr<const directory::Directory> directory_;
  std::shared_ptr<const Rules> rules_;
};

}  // namespace relais::consent
