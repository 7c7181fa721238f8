// What this registry does after the call, by its own log: one cursor for all of it.
#pragma once

#include "common/audit/follower.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/handlers/matches.h"

namespace relais::consent {

/// Gives each leaf to the one that wants it: their classes do not meet.
class OwnLog final : public audit::LeafHandler {
 public:
  /// `links`: null where no two persons are found to be one human. Both outlive this.
  OwnLog(OwnLeaves* links, ErasureNotices& notices) : links_(links), notices_(notices) {}

  [[nodiscard]] static bool Wants(audit::v1::EventClass event_class) {
    return OwnLeaves::Wants(event_class) || ErasureNotices::Wants(event_class);
  }
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override {
    return notices_.OrderKey(leaf);  // by person, as for links
  }
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override {
    return ErasureNotices::Wants(leaf.header.event_class()) || (links_ != nullptr && links_->Concerns(leaf));
  }
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override {
    return ErasureNotices::Wants(leaf.header.event_class()) ? notices_.Apply(std::move(leaf), effects)
                                                            : links_->Apply(std::move(leaf), effects);
  }

 private:
  OwnLeaves* const links_;
  ErasureNotices& notices_;
};

}  // namespace relais::consent
