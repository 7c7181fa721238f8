// What peers see opened of a log, from one rule.
#pragma once

#include <initializer_list>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "common/rpc/tail_handlers.h"

namespace relais::rpc {

/// Every class of leaf that `may_open` lets a peer see opened.
inline OpenedTable OpenTo(std::initializer_list<const char*> peers,
                          absl::FunctionRef<bool(std::string_view, audit::v1::EventClass)> may_open) {
  OpenedTable table;
  for (int value = audit::v1::EventClass_MIN; value <= audit::v1::EventClass_MAX; ++value) {
    if (!audit::v1::EventClass_IsValid(value)) {
      continue;
    }
    const auto event_class = static_cast<audit::v1::EventClass>(value);
    for (const char* peer : peers) {
      if (may_open(peer, event_class)) {
        table[peer].insert(event_class);
      }
    }
  }
  return table;
}

}  // namespace relais::rpc
