// What this registry does after the call, by its own log: one cursor for all of it.
#pragma once

#include "common/audit/follower.h"
#include "common/base/status.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/status_of_names.h"

namespace relais::consent {

/// Gives each leaf to those that want it, links first: what is told of names is read when they are one, or no
/// longer.
class OwnLog final : public audit::LeafHandler {
 public:
  /// `links`: null where no two persons are found to be one human. All outlive this.
  OwnLog(OwnLeaves* links, ErasureNotices& notices, StatusOfNames& statuses)
      : links_(links), notices_(notices), statuses_(statuses) {}

  [[nodiscard]] static bool Wants(audit::v1::EventClass event_class) {
    return OwnLeaves::Wants(event_class) || ErasureNotices::Wants(event_class) ||
           StatusOfNames::Wants(event_class);
  }
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override {
    return notices_.OrderKey(leaf);  // by person, as for the others
  }
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override {
    return notices_.Concerns(leaf) || statuses_.Concerns(leaf) ||
           (links_ != nullptr && links_->Concerns(leaf));
  }
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override {
    if (links_ != nullptr && links_->Concerns(leaf)) {
      const absl::Status done = co_await links_->Apply(leaf, effects);
      CO_RETURN_IF_ERROR(done);
    }
    if (notices_.Concerns(leaf)) {
      const absl::Status done = co_await notices_.Apply(leaf, effects);
      CO_RETURN_IF_ERROR(done);
    }
    if (statuses_.Concerns(leaf)) {
      const absl::Status done = co_await statuses_.Apply(leaf, effects);
      CO_RETURN_IF_ERROR(done);
    }
    co_return absl::OkStatus();
  }

 private:
  OwnLeaves* const links_;
  ErasureNotices& notices_;
  StatusOfNames& statuses_;
};

}  // namespace relais::consent
