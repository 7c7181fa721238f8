// Who calls in a script: systems of the sample directory with a function of theirs, and services.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/directory/directory.h"
#include "common/rpc/policy.h"

namespace relais::fuzz {

struct CallerSpec {
  std::string name;         // in scripts
  std::string institution;  // of a service: empty
  std::string system;       // of a service: its name
  std::string function;
  std::string agent;
};

const std::vector<CallerSpec>& Callers();
/// Null for a name that is none.
const CallerSpec* FindCaller(std::string_view name);
/// As the TLS hook makes it: kind, names, roles. Agent, function and reason come from the metadata.
rpc::Caller Authenticated(const CallerSpec& spec, const directory::Directory& directory);

}  // namespace relais::fuzz
