#include "services/routing/notices.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "relais/vault/v1/events.pb.h"
#include "services/routing/change.h"
#include "services/routing/domain/resolution.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {

constexpr std::string_view kKeepPapers = "KEEP_PAPERS";
constexpr std::string_view kHowTakenAway =
    "Pour chaque personne pour laquelle vous agissez : exportez son coffre-fort (ExportService.Export, "
    "relais "
    "document export) et remettez-lui l'archive ; elle se lit sans ce service. / For each person for whom "
    "you "
    "act: export her vault (ExportService.Export, relais document export) and hand her the archive; it is "
    "read "
    "without this service.";

// Null when the institution names none, or one that is not its own.
const directory::Desk* DpoDesk(const directory::Directory& directory, const std::string& institution) {
  const directory::Institution* found = directory.FindInstitution(institution);
  const directory::Desk* desk = found == nullptr ? nullptr : directory.FindDesk(found->dpo.desk);
  return desk != nullptr && desk->institution == institution ? desk : nullptr;
}

// The first of an institution's desks at which professionals read. Null when it has none.
const directory::Desk* FirstDesk(const directory::Directory& directory, const std::string& institution) {
  const directory::Desk* dpo = DpoDesk(directory, institution);
  const directory::Desk* relief = nullptr;
  for (const directory::Desk* desk : directory.DesksOf(institution)) {
    if (desk == dpo) {
      continue;
    }
    if (!desk->relief_only) {
      return desk;
    }
    relief = relief == nullptr ? desk : relief;
  }
  return relief;
}

// Where an institution is told of a référent whom it proposed: at his own desk if that is its own, else at
// its first. Null when it has none.
const directory::Desk* ProposersDesk(const directory::Directory& directory, const std::string& institution,
                                     const std::string& referents_desk) {
  const directory::Desk* own = directory.FindDesk(referents_desk);
  return own != nullptr && own->institution == institution ? own : FirstDesk(directory, institution);
}

// True when somebody of that institution may act for a person in the vault.
bool MayHost(const directory::Directory& directory, const std::string& institution) {
  const std::vector<directory::Function>& functions = directory.content().functions;
  return std::any_of(functions.begin(), functions.end(), [&](const directory::Function& function) {
    return function.May(kKeepPapers) && directory.FindFunction(institution, function.id) == &function;
  });
}

absl::CivilDay DayOf(const common::v1::Date& date) {
  return absl::CivilDay(date.year(), date.month(), date.day());
}

v1::MessageState NoticeTo(const directory::Desk& desk, std::string sender, std::string_view why) {
  v1::MessageState message;
  message.mutable_sender()->set_institution(std::move(sender));
  message.mutable_recipient()->set_institution(desk.institution);
  message.set_desk(desk.id);
  message.set_why(MakeStep(why).text());
  message.set_urgency(v1::URGENCY_ORDINARY);
  message.set_delivery(v1::MessageState::DELIVERY_QUEUED);
  return message;
}

v1::MessageState SearchMessage(std::string service, const audit::FollowedLeaf& leaf,
                               const audit::v1::AgentSearched& searched, const directory::Desk& desk) {
  v1::MessageState message = NoticeTo(desk, leaf.header.institution(), "DPO_NOTICE");
  v1::AgentSearchNotice& notice = *message.mutable_content()->mutable_agent_search();
  notice.set_service(std::move(service));
  notice.set_leaf_index(leaf.index);
  notice.set_searched_by(searched.searched_by());
  *notice.mutable_searched() = ToProto(leaf.time);
  return message;
}

v1::MessageState OverdueMessage(const audit::FollowedLeaf& leaf,
                                const consent::v1::EmergencyReviewOverdue& overdue,
                                const directory::Desk& desk, bool dpos) {
  v1::MessageState message =
      NoticeTo(desk, leaf.header.institution(), dpos ? "REVIEW_NOTICE" : "REVIEW_NOTICE_WITHOUT_DPO");
  v1::OverdueReviewNotice& notice = *message.mutable_content()->mutable_overdue_review();
  notice.set_leaf_index(leaf.index);
  *notice.mutable_due() = overdue.due();
  return message;
}

v1::MessageState ClosureMessage(const audit::FollowedLeaf& leaf, const vault::v1::Closure& closure,
                                const directory::Desk& desk) {
  v1::MessageState message = NoticeTo(desk, leaf.header.institution(), "CLOSURE_NOTICE");
  v1::VaultClosureNotice& notice = *message.mutable_content()->mutable_vault_closure();
  *notice.mutable_announced() = closure.announced();
  *notice.mutable_closing_day() = closure.closing_day();
  *notice.mutable_retrieval_until() = closure.retrieval_until();
  notice.set_how(std::string(kHowTakenAway));
  return message;
}

}  // namespace

bool ReadsNoticesAlone(const rpc::Caller& caller) {
  return caller.roles.contains(common::v1::ROLE_DPO) && !caller.roles.contains(common::v1::ROLE_PROFESSIONAL);
}

Task<absl::Status> Notices::Tell(std::string service, audit::FollowedLeaf leaf) {
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED) {
    const absl::Status announced = co_await TellClosure(std::move(leaf));
    co_return announced;
  }
  const absl::StatusOr<Id128> event_id = Id128::FromBytes(leaf.header.event_id());
  const std::string institution = leaf.details.recipient().institution();  // either is addressed to it
  const rpc::Call call = OwnCall(context_);
  const directory::Desk* dpos = DpoDesk(*call.directory, institution);
  const directory::Desk* desk = dpos;
  if (desk == nullptr && leaf.header.event_class() == audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE) {
    desk = FirstDesk(*call.directory, institution);
    if (desk == nullptr && !institution.empty()) {
      log::Error("an emergency was not reviewed in time and its institution has no desk: nobody is told",
                 {log::Field::Name("institution", institution)});
    }
  }
  if (!event_id.ok() || desk == nullptr) {
    co_return absl::OkStatus();
  }
  audit::v1::AgentSearched searched;
  consent::v1::EmergencyReviewOverdue overdue;
  std::string kind;
  v1::MessageState message;
  if (leaf.details.payload().UnpackTo(&searched)) {
    kind = "agent-search";
    message = SearchMessage(std::move(service), leaf, searched, *desk);
  } else if (leaf.details.payload().UnpackTo(&overdue)) {
    kind = "overdue-review";
    message = OverdueMessage(leaf, overdue, *desk, desk == dpos);
  } else {
    co_return absl::OkStatus();
  }
  const absl::Status told =
      co_await TellOnce(std::move(kind), event_id->ToBytes(), *event_id, std::move(message));
  co_return told;
}

// An institution that comes into the directory later finds it by VaultOperations.GetClosure.
Task<absl::Status> Notices::TellClosure(audit::FollowedLeaf leaf) {
  vault::v1::ClosureAnnounced announced;
  const absl::StatusOr<Id128> event_id = Id128::FromBytes(leaf.header.event_id());
  if (!event_id.ok() || !leaf.details.payload().UnpackTo(&announced) ||
      DayOf(announced.closure().retrieval_until()) < paris_.DayOf(context_.clock.Now())) {
    co_return absl::OkStatus();
  }
  const rpc::Call call = OwnCall(context_);
  for (const directory::Institution& institution : call.directory->content().institutions) {
    const directory::Desk* desk =
        MayHost(*call.directory, institution.id) ? FirstDesk(*call.directory, institution.id) : nullptr;
    if (desk == nullptr) {
      continue;
    }
    v1::MessageState message = ClosureMessage(leaf, announced.closure(), *desk);
    const absl::Status told = co_await TellOnce("vault-closure", event_id->ToBytes() + institution.id,
                                                *event_id, std::move(message));
    CO_RETURN_IF_ERROR(told);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Notices::TellOnce(std::string kind, std::string name, Id128 event_id,
                                     v1::MessageState message) {
  const Id128 id = context_.idempotency.Bucket("message", kind, name).id;
  CO_ASSIGN_OR_RETURN(const auto told, store_.Message(id));
  if (told.has_value()) {
    co_return absl::OkStatus();
  }
  const absl::Status queued = co_await Queue(id, std::move(message), event_id);
  co_return queued;
}

Task<absl::Status> Notices::TellConflict(Id128 person, audit::FollowedLeaf leaf) {
  v1::ReferentChanged changed;
  const absl::StatusOr<Id128> event_id = Id128::FromBytes(leaf.header.event_id());
  if (!event_id.ok() || !leaf.details.payload().UnpackTo(&changed)) {
    co_return absl::OkStatus();
  }
  const rpc::Call call = OwnCall(context_);
  const directory::Desk* desk =
      ProposersDesk(*call.directory, leaf.details.recipient().institution(), changed.desk());
  if (desk == nullptr) {
    co_return absl::OkStatus();
  }
  const std::string leaf_id = audit::EffectId(context_.log.OriginOf(leaf.index), leaf.index, 0);
  const Id128 id = context_.idempotency.Bucket("message", "pivot-conflict", leaf_id).id;
  CO_ASSIGN_OR_RETURN(const auto told, store_.Message(id));
  if (told.has_value()) {
    co_return absl::OkStatus();
  }
  // First what takes it along when she is erased.
  storage::CommitRequest hers = RoutingStore::NoteNotice(person, id);
  const absl::StatusOr<storage::CommitResult> noted = co_await context_.store.Commit(std::move(hers));
  CO_RETURN_IF_ERROR(noted.status());
  v1::MessageState message = NoticeTo(*desk, call.caller.Name(), "PIVOT_NOTICE");
  v1::PivotConflictNotice& notice = *message.mutable_content()->mutable_pivot_conflict();
  notice.set_referent_id(changed.referent_id());
  notice.set_conflict(changed.conflict());
  notice.set_state(changed.state());
  const absl::Status queued = co_await Queue(id, std::move(message), *event_id);
  co_return queued;
}

Task<absl::Status> Notices::Queue(Id128 id, v1::MessageState state, Id128 event_id) {
  const rpc::Call call = OwnCall(context_);
  const directory::Desk* desk = call.directory->FindDesk(state.desk());
  if (desk == nullptr) {
    co_return absl::OkStatus();  // gone from the directory since it was chosen
  }
  Stored<v1::MessageState> message{std::move(state), 0};
  const absl::Time now = context_.clock.Now();
  *message.value.mutable_submitted() = ToProto(now);
  *message.value.mutable_deadline() = ToProto(DeadlineOf(paris_, *desk, message.value.urgency(), now));
  message.value.set_event_id(event_id.ToBytes());
  rpc::Actor actor;
  actor.institution = call.caller.Name();
  audit::Event event = SubmittedEvent(call, actor, "", id, message.value, "");
  event.event_id = event_id;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, context_.log.Draft(event));
  storage::CommitRequest commit;
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(store_.PutMessage(message, id, commit));
  const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
  // The same leaf followed at the same time, before and after a restart: it is told.
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

Task<absl::Status> NoticeLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  if (!effects || !Notices::Concerns(leaf)) {
    co_return absl::OkStatus();
  }
  std::string service = service_;
  const absl::Status told = co_await notices_.Tell(std::move(service), std::move(leaf));
  co_return told;
}

}  // namespace relais::routing
