// Sends messages: checks consent again, records the offer, and takes the last look before anything leaves.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "common/audit/follower.h"
#include "common/rpc/service_context.h"
#include "relais/routing/v1/inbox_service.pb.h"
#include "services/routing/domain/revocations.h"
#include "services/routing/inbox.h"
#include "services/routing/peers.h"
#include "services/routing/settings.h"
#include "services/routing/store.h"

namespace relais::routing {

/// A message as the recipient may have it, and what its sending stands on.
struct Outgoing {
  v1::Message message;
  Id128 person;             // zero: about nobody, so that no withdrawal touches it
  uint64_t checked_at = 0;  // tree size of the consent log
  absl::Time permit_expires;
  absl::Time again;  // not to be sent again before
};

/// Thread-safe.
class Courier {
 public:
  Courier(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
          RoutingStore& store, Inbox& inbox, Revocations& revocations)
      : context_(context),
        peers_(peers),
        settings_(settings),
        store_(store),
        inbox_(inbox),
        revocations_(revocations) {}

  /// Set before the first call: whose lease delivery needs (architecture, "Delivery").
  void UseLease(const audit::Follower* consent) { consent_ = consent; }

  /// Up to `limit` messages of the desk that may be sent now, and no more than fit one answer: each is
  /// addressed to the caller's institution and has a fresh recorded permit and a durable MESSAGE_OFFERED
  /// leaf. Those no longer permitted are pulled back. An error only when nothing could be tried because
  /// consent or the store does not answer. The caller must ask MayStillSend right before it hands one over.
  Task<absl::StatusOr<std::vector<Outgoing>>> OfferDue(rpc::Call call, std::string desk, size_t limit);

  /// The last look: lease held, directory in force, permit alive, no followed leaf revokes it, and it still
  /// is as it was offered: who sent it may have pulled it back.
  [[nodiscard]] bool MayStillSend(const Outgoing& offer) const;
  /// OK when delivery may be tried at all; else PEER_UNAVAILABLE.
  [[nodiscard]] absl::Status CanDeliver() const;

  /// Asks again whether an undelivered message may go, and pulls it back if not.
  Task<absl::Status> Reconsider(Id128 message);

  /// Pulls it back if its recipient's system does not have it; OK whatever it is, or when there is none.
  Task<absl::Status> PullBack(Id128 id, std::string cause);
  /// The same for who sent it: one that a system has goes to no further desk, and one that has not come yet
  /// cannot come any more.
  Task<absl::Status> TakeBack(Id128 id);

  /// The Check that a message's sending rests on. A reminder of a paper within the institution that acts for
  /// her in her vault rests on what lets it act (ACT_HOST); to anybody else it is transmitted.
  static consent::v1::CheckRequest CheckOf(const v1::MessageState& message);
  /// Whether that answer lets it go. What stands in her vault goes on her agreement alone, whatever else
  /// would permit it (D-3.1: those she explicitly authorises).
  static bool Permits(const v1::MessageState& message, const consent::v1::CheckResponse& answer);
  /// What stands for the answer where nobody has to be asked: the message is about no person. Without permit
  /// id.
  static consent::v1::CheckResponse PermitAboutNobody(const v1::MessageState& message, absl::Time now);
  /// Tree size of a revision "<origin>:<size>".
  static uint64_t SizeOf(std::string_view revision);

 private:
  Task<absl::StatusOr<std::optional<Outgoing>>> OfferOne(rpc::Call call, std::string desk, Id128 id);
  Task<absl::StatusOr<bool>> RecordOffer(rpc::Call call, Id128 id, Stored<v1::MessageState> offered,
                                         common::v1::Ground ground);
  Outgoing MakeOffer(const Id128& id, const v1::MessageState& message,
                     const consent::v1::CheckResponse& permit) const;

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  RoutingStore& store_;
  Inbox& inbox_;
  Revocations& revocations_;
  const audit::Follower* consent_ = nullptr;
};

}  // namespace relais::routing
