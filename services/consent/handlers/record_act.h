// Recording one act of a person: the same steps for an agreement, a refusal, a withdrawal and an emergency.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/rpc/service_context.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/state.pb.h"
#include "services/consent/store.h"

namespace relais::consent {

inline constexpr int kMostTries = 20;

struct ActRequest {
  Id128 person;
  std::string owner;   // rpc::RequestOwner
  std::string method;  // full name
  std::string request_id;
  std::shared_ptr<const google::protobuf::Message> content;  // of the request, without `want_proof`
  bool want_proof = false;
  /// An act on what stands under this name alone (an institution's record, a request to it), not on what
  /// decides: it stays in her own partition whoever she is linked to, and her history must stay as it is.
  bool of_name = false;
};

/// When an agreement ends: in the due-list under the name it was given under, before the act is durable.
struct EndsAt {
  Id128 of;  // as Origin has it
  Id128 agreement;
  absl::Time end;
};

struct ConsentText {
  Id128 of;  // as Origin has it
  v1::Consent consent;
};

/// What the act makes of her state.
struct PlannedAct {
  PersonState state;
  audit::Event event;
  std::vector<storage::Mutation> rows;  // beside the state, sealed
  // The whole text of an agreement that was changed: a row under the name it was given under.
  std::optional<ConsentText> text = std::nullopt;
  std::optional<EndsAt> ends = std::nullopt;
  v1::RememberedAct remembered;  // has the event's id
  // Of other partitions, durable before the act: what must never be missing where the act is.
  std::vector<storage::CommitRequest> first;
  // How much of her file it may fill.
  Store::Room room = Store::Room::kActs;
  // More leaves of the same act about her, after that of `event`: each told to somebody else.
  std::vector<audit::Event> also = {};
  // One more about the name acted on that the answer does not count, after all others, with an event id of
  // its own: so that a repetition never finds it.
  std::optional<audit::Event> unsaid = std::nullopt;
};

/// Decides on her state at the instant of the act. Called again when another act came first. An error is the
/// answer.
using PlanAct = std::function<absl::StatusOr<PlannedAct>(const PersonState& state, absl::Time instant)>;

struct RecordedAct {
  v1::RememberedAct remembered;
  common::v1::Written written;
};

/// `first` (in the same submission unless it has preconditions), then one commit on the partition that guards
/// her, guarded by her state's version; her new state is in the cache before this resumes. Of persons who are
/// one human each has the leaf, of other names than the one acted on the registry's own (authors.h); rows are
/// kept under her name (Store::OpenRow). A link between two commits is completed first. A repeated request
/// gives the first one's answer. NO_SUCH_OR_NOT_YOURS: unknown person.
Task<absl::StatusOr<RecordedAct>> RecordAct(const rpc::ServiceContext& context, Store& store,
                                            ActRequest request, PlanAct plan);

/// A change of her state that no request of hers is remembered with: guarded by what it changes, or by
/// `once`.
struct PlannedChange {
  PersonState state;
  audit::Event event;
  Store::Room room = Store::Room::kActs;
};
/// Nullopt: nothing is to be changed.
using PlanChange = std::function<std::optional<PlannedChange>(const PersonState& state, absl::Time instant)>;

/// One commit like RecordAct's. `once`, if not empty, is a row of her partition that this change makes: where
/// it is, the change was made before and is not made again. The leaves of the change; nullopt when none was
/// made, or when there is no such person any more.
Task<absl::StatusOr<std::optional<storage::LeafRange>>> ChangeState(const rpc::ServiceContext& context,
                                                                    Store& store, Id128 person,
                                                                    std::string once, PlanChange plan);

/// Claims a request that names no partition, so that its repetition goes on with the same act. `owner`:
/// rpc::RequestOwner. REQUEST_ID_REUSED.
struct Claim {
  Id128 event_id;
  absl::Time time;
  uint64_t log_size = 0;
};
Task<absl::StatusOr<Claim>> ClaimRequest(const rpc::ServiceContext& context, Store& store, std::string owner,
                                         std::string method, std::string request_id,
                                         std::shared_ptr<const google::protobuf::Message> content);
/// The first leaf of an act that was made under that claim: it is in the log after the claim. DATA_LOSS.
absl::StatusOr<storage::LeafRange> FindLeaf(audit::Log& log, const Claim& claim);
/// The same of those whose author is that institution.
absl::StatusOr<storage::LeafRange> FindLeafOf(audit::Log& log, const Claim& claim,
                                              const std::string& institution);

/// What a leaf's header says of lines: their categories, and their purpose when there is only one.
void DescribeLines(const google::protobuf::RepeatedPtrField<v1::ConsentLine>& lines, audit::Event& event);

/// The request's content for its digest: the same whether or not the proof is wanted.
template <typename Request>
std::shared_ptr<const google::protobuf::Message> ContentOf(const Request& request) {
  auto content = std::make_shared<Request>(request);
  content->clear_want_proof();
  return content;
}

}  // namespace relais::consent
