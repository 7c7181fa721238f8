#include "services/vault/handlers/metadata_handlers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/vault/convert.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/quota.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/paging.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

constexpr size_t kMostSharedPage = 100;
constexpr size_t kScan = 500;

bool Listed(const v1::ListRequest& request, const v1::StoredDocument& document) {
  const bool wanted =
      request.types().empty() || std::find(request.types().begin(), request.types().end(),
                                           static_cast<int>(document.type())) != request.types().end();
  return wanted && (request.with_destroyed() || document.state() != v1::Document::STATE_DESTROYED);
}

// Her papers from an id on, in the order of their ids.
struct Listing {
  std::map<Id128, v1::Document> papers;
  std::vector<Id128> unreadable;  // where records do not open
};

// Those under one name, at most `most`.
absl::Status AddListed(const VaultStore& store, const Id128& name, const v1::ListRequest& request,
                       const Id128& from, size_t most, Listing& out) {
  std::optional<Id128> at = from;
  size_t added = 0;
  while (at.has_value() && added < most) {
    ASSIGN_OR_RETURN(const auto page, store.ReadableDocuments(name, *at, kScan));
    for (const Row<v1::StoredDocument>& row : page.rows) {
      if (added < most && Listed(request, row.stored.value)) {
        out.papers.emplace(row.id, DocumentOf(row.id, row.stored));
        ++added;
      }
    }
    out.unreadable.insert(out.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
    out.unreadable.insert(out.unreadable.end(), page.gaps.begin(), page.gaps.end());
    at = page.next;
  }
  return absl::OkStatus();
}

// What a vault under one name holds.
struct Counted {
  v1::StoredUsage usage;    // as it is kept; when that row does not open, of the papers that do
  bool usage_opens = true;  // false: nothing can be deposited there
  std::map<int, uint32_t> types;
  uint32_t unreadable = 0;
};

absl::StatusOr<Counted> CountUnder(const VaultStore& store, const Id128& name) {
  Counted counted;
  auto usage = store.Usage(name);
  counted.usage_opens = !audit::DoesNotRead(usage.status());
  if (counted.usage_opens) {
    RETURN_IF_ERROR(usage.status());
    counted.usage = std::move(usage->value);
  }
  std::optional<Id128> at = Id128();
  while (at.has_value()) {
    ASSIGN_OR_RETURN(const auto page, store.ReadableDocuments(name, *at, kScan));
    for (const Row<v1::StoredDocument>& row : page.rows) {
      if (row.stored.value.state() == v1::Document::STATE_DESTROYED) {
        continue;
      }
      ++counted.types[static_cast<int>(row.stored.value.type())];
      if (!counted.usage_opens) {
        AddPaper(row.stored.value, counted.usage);
      }
    }
    counted.unreadable += static_cast<uint32_t>(page.missing());
    at = page.next;
  }
  return counted;
}

// Sums of all names; what is left is of the one that papers go to, where limits hold.
void AddCounted(const Counted& counted, const Limits& limits, bool first, v1::CountResponse& response) {
  const v1::StoredUsage& usage = counted.usage;
  response.set_documents(response.documents() + usage.documents());
  response.set_versions(response.versions() + usage.versions());
  response.set_bytes(response.bytes() + usage.bytes());
  response.set_open_uploads(response.open_uploads() + usage.open_uploads());
  response.set_reserved_bytes(response.reserved_bytes() + usage.reserved_bytes());
  response.set_unreadable(response.unreadable() + counted.unreadable);
  if (first && counted.usage_opens) {
    response.set_bytes_left(BytesLeft(limits, usage));
    response.set_documents_left(DocumentsLeft(limits, usage));
  }
}

struct Described {
  v1::StoredDocument document;
  std::vector<std::string> fields;  // that changed, sorted
};

Described Describe(v1::StoredDocument document, const v1::Description& description, absl::Time now) {
  Described out;
  const bool same_day =
      google::protobuf::util::MessageDifferencer::Equals(document.expires(), description.expires()) &&
      document.has_expires() == description.has_expires();
  if (!same_day) {
    out.fields.emplace_back("expires");
    document.clear_expires();
    if (description.has_expires()) {
      *document.mutable_expires() = description.expires();
    }
    document.clear_reminded();  // of another day nobody was reminded
  }
  if (document.title() != description.title()) {
    out.fields.emplace_back("title");
    document.set_title(description.title());
  }
  if (document.type() != description.type()) {
    out.fields.emplace_back("type");
    document.set_type(description.type());
  }
  *document.mutable_changed() = ToProto(now);
  out.document = std::move(document);
  return out;
}

}  // namespace

Task<absl::StatusOr<v1::GetMetadataResponse>> MetadataHandlers::GetMetadata(rpc::Call call,
                                                                            v1::GetMetadataRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  ReadWanted wanted;
  wanted.person = person;
  CO_ASSIGN_OR_RETURN(wanted.document, Id128::FromHex(request.document_id()));
  wanted.text = false;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  absl::Status why = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(why); ++i) {
    auto right = co_await rights_.Of(call, wanted);
    why = right.status();
    if (!right.ok()) {
      continue;
    }
    const Acting acting{call, actor, "", right->person, right->relation()};
    audit::Event event = LookedEvent(acting, "METADATA", request.document_id());
    event.purpose = right->under().purpose;
    std::vector<ReadingRight> rights{*right};
    why = co_await rights_.Record(call, std::move(rights), std::move(event));
    if (const auto cut = right->open->WhyCut(); why.ok() && cut.has_value()) {
      why = StatusOfCut(*cut);
    }
    if (why.ok()) {
      v1::GetMetadataResponse response;
      *response.mutable_document() = DocumentOf(right->document_id, right->document, !right->hers());
      response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
      co_return response;
    }
  }
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, request.document_id()};
  absl::Status refused = co_await vault_.access.Refused(std::move(call), person, std::move(attempt), why);
  co_return refused;
}

Task<absl::StatusOr<v1::UpdateMetadataResponse>> MetadataHandlers::UpdateMetadata(
    rpc::Call call, v1::UpdateMetadataRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  if (!IsDocumentType(request.description().type())) {
    co_return rpc::InvalidField("description.type", "must be a type of paper");
  }
  const Id128 event_id = vault_.context.random.Id();
  absl::StatusOr<v1::UpdateMetadataResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryUpdate(call, person, request, event_id);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_CHANGED, request.document_id()};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), AsDamage(done.status()));
    co_return refused;
  }
  co_return done;
}

Task<absl::StatusOr<v1::UpdateMetadataResponse>> MetadataHandlers::TryUpdate(
    rpc::Call call, Id128 person, v1::UpdateMetadataRequest request, Id128 event_id) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.document_id()));
  CO_ASSIGN_OR_RETURN(const auto names, vault_.access.HostedNames(call, person));
  CO_ASSIGN_OR_RETURN(auto found, WhichNameHasPaper(vault_.store, names, id));
  if (!found.has_value()) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(found->row.status());
  const HostedName& name = names[found->at];
  const Stored<v1::StoredDocument> stored = *std::move(found->row);
  CO_RETURN_IF_ERROR(SeenUnderAny(vault_.store, PersonsOf(names), person, call, actor, "UpdateMetadata",
                                  request.request_id(), request)
                         .status());
  CO_ASSIGN_OR_RETURN(const auto seen,
                      vault_.store.SeenUnder(name.person, person, call, actor, "UpdateMetadata",
                                             request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  v1::UpdateMetadataResponse response;
  if (before.has_value()) {
    *response.mutable_document() = DocumentOf(id, stored);
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, name.person, before->event_id, request.want_proof()));
    co_return response;
  }
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  if (stored.value.state() == v1::Document::STATE_DESTROYED) {
    co_return WrongState("the paper", "DESTROYED", "be described anew");
  }
  if (!request.etag().empty() && request.etag() != EtagOf(stored.version)) {
    co_return StatusOf(common::v1::ERROR_REASON_ETAG_MISMATCH);
  }
  Described described = Describe(stored.value, request.description(), vault_.context.clock.Now());
  Stored<v1::StoredDocument> after{std::move(described.document), stored.version};
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault_.store.PutDocument(name.person, id, after, commit));
  vault_.store.GuardHost(name.person, call.caller.institution, name.host.version, commit);
  RememberedAct act{event_id, {}};
  RememberAct(seen, act, commit);
  const Acting acting{call, actor, request.request_id(), name.person, kAsHost};
  std::vector<audit::Event> events;
  events.push_back(ChangedEvent(acting, id, after.value, described.fields));
  events.back().event_id = event_id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (after.value.type() != stored.value.type()) {
    vault_.streams.Reclassified(name.person, id);
  }
  CO_ASSIGN_OR_RETURN(const auto now, vault_.store.Document(name.person, id));
  *response.mutable_document() = DocumentOf(id, now.value_or(after));
  CO_ASSIGN_OR_RETURN(*response.mutable_written(), co_await WrittenAct(vault_, *done, request.want_proof()));
  co_return response;
}

Task<absl::StatusOr<v1::ListResponse>> MetadataHandlers::List(rpc::Call call, v1::ListRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  absl::StatusOr<v1::ListResponse> listed = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(listed.status()); ++i) {
    auto names = vault_.access.HostedNames(call, person);
    if (!names.ok()) {
      listed = names.status();
    } else if (names->empty()) {
      auto shared = co_await ListShared(call, person, request);
      listed = std::move(shared);
    } else {
      auto hers = co_await ListHers(call, request, *std::move(names));
      listed = std::move(hers);
    }
  }
  if (!listed.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
    absl::Status refused = co_await vault_.access.Refused(std::move(call), person, std::move(attempt),
                                                          AsDamage(listed.status()));
    co_return refused;
  }
  co_return listed;
}

Task<absl::StatusOr<v1::ListResponse>> MetadataHandlers::ListHers(rpc::Call call, v1::ListRequest request,
                                                                  std::vector<HostedName> names) {
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  const size_t size = PageSize(request.page_size());
  Listing found;
  for (const HostedName& name : names) {
    CO_RETURN_IF_ERROR(AddListed(vault_.store, name.person, request, from, size + 1, found));
  }
  const std::string revision = vault_.context.log.Revision(vault_.context.log.state().size);
  const absl::Status looked = co_await LookedUnder(vault_, std::move(call), std::move(names), "LIST", "");
  CO_RETURN_IF_ERROR(looked);
  v1::ListResponse response;
  std::optional<Id128> next;
  for (auto& [id, document] : found.papers) {
    if (static_cast<size_t>(response.documents_size()) == size) {
      next = id;
      response.set_next_page_token(id.ToHex());
      break;
    }
    *response.add_documents() = std::move(document);
  }
  response.set_unreadable(CountBefore(found.unreadable, next));
  response.set_revision(revision);
  co_return response;
}

// Each name of hers under which something is shown has a leaf of its own.
Task<absl::StatusOr<v1::ListResponse>> MetadataHandlers::ListShared(rpc::Call call, Id128 person,
                                                                    v1::ListRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  std::vector<v1::DocumentType> types;
  for (const int type : request.types()) {
    types.push_back(static_cast<v1::DocumentType>(type));
  }
  const size_t size = PageSize(request.page_size(), kMostSharedPage);
  CO_ASSIGN_OR_RETURN(ReadingRights::Shared shared,
                      co_await rights_.SharedWith(call, person, std::move(types), from, size));
  v1::ListResponse response;
  response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
  response.set_unreadable(shared.unreadable);
  if (shared.next.has_value()) {
    response.set_next_page_token(shared.next->ToHex());
  }
  std::map<Id128, std::vector<ReadingRight>> by_name;
  if (shared.rights.empty()) {
    by_name[person];  // looked all the same
  }
  for (const ReadingRight& right : shared.rights) {
    by_name[right.person].push_back(right);
    *response.add_documents() = DocumentOf(right.document_id, right.document, true);
  }
  for (const auto& [name, rights] : by_name) {
    const Acting acting{call, actor, "", name, kAsShare};
    const absl::Status recorded = co_await rights_.Record(call, rights, LookedEvent(acting, "LIST", ""));
    CO_RETURN_IF_ERROR(recorded);
  }
  for (const ReadingRight& right : shared.rights) {
    if (const auto cut = right.open->WhyCut(); cut.has_value()) {
      co_return StatusOfCut(*cut);
    }
  }
  co_return response;
}

Task<absl::StatusOr<v1::CountResponse>> MetadataHandlers::Count(rpc::Call call, v1::CountRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  absl::Status looked = absl::AbortedError("not tried");
  v1::CountResponse response;
  for (int i = 0; i < kTries && IsCollision(looked); ++i) {
    Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
    CO_ASSIGN_OR_RETURN(auto names,
                        co_await vault_.access.RequireHostedNames(call, person, std::move(attempt)));
    response.Clear();
    response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
    std::map<int, uint32_t> types;
    for (const HostedName& name : names) {
      const auto counted = CountUnder(vault_.store, name.person);
      if (!counted.ok()) {
        co_return AsDamage(counted.status());
      }
      AddCounted(*counted, vault_.settings.limits, name.person == names.front().person, response);
      for (const auto& [type, documents] : counted->types) {
        types[type] += documents;
      }
    }
    for (const auto& [type, documents] : types) {
      v1::TypeCount& count = *response.add_types();
      count.set_type(static_cast<v1::DocumentType>(type));
      count.set_documents(documents);
    }
    looked = co_await LookedUnder(vault_, call, std::move(names), "COUNT", "");
  }
  if (!looked.ok()) {
    co_return AsDamage(looked);
  }
  co_return response;
}

}  // namespace relais::vault
