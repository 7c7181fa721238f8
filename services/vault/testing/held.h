// A legal hold on person 1 in a vault, and what it has kept: for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "google/protobuf/wrappers.pb.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/testing/world.h"

namespace relais::vault::testing {

inline Id128 HoldId() { return World::Person(1007); }

inline void Place(World& world) {
  audit::v1::HoldPlaced placed;
  placed.set_hold_id(HoldId().ToHex());
  placed.set_order_reference("RG 26/1");
  *placed.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 365));
  world.ConsentSays(1, audit::v1::EVENT_CLASS_HOLD_PLACED, placed);
  world.Settle(absl::Seconds(5));
}

/// Rows of state, by name.
inline std::map<std::string, google::protobuf::Any> Kept(World& world) {
  std::map<std::string, google::protobuf::Any> kept;
  std::string from;
  do {
    const auto page = world.context().maintenance->holds().Read(HoldId(), from, 100);
    World::Require(page.status());
    for (const audit::v1::HeldItem& item : page->items) {
      if (item.has_state()) {
        kept[item.state().name()] = item.state().content();
      }
    }
    from = page->next;
  } while (!from.empty());
  return kept;
}
/// A version's text, of its pieces in order; what is missing is left out.
inline std::string TextIn(const std::map<std::string, google::protobuf::Any>& kept,
                          const std::string& document, int version) {
  std::string text;
  for (uint64_t piece = 0;; ++piece) {
    const auto item =
        kept.find("text/" + document + "/" + std::to_string(version) + "/" + std::to_string(piece));
    google::protobuf::BytesValue bytes;
    if (item == kept.end() || !item->second.UnpackTo(&bytes)) {
      return text;
    }
    text += bytes.value();
  }
}
inline std::string WhyIn(const std::map<std::string, google::protobuf::Any>& kept, const std::string& name) {
  const auto item = kept.find("unreadable/" + name);
  google::protobuf::StringValue why;
  return item != kept.end() && item->second.UnpackTo(&why) ? why.value() : "";
}

inline absl::Status Destroy(World& world, const std::string& document, const std::string& request_id) {
  v1::DestroyRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  return world.Run(world.service().destroying().Destroy(world.As(kHost), request)).status();
}

}  // namespace relais::vault::testing
