#include "services/consent/handlers/receipt_handlers.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/receipt/catalog.h"
#include "common/receipt/code.h"
#include "common/receipt/record.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/receipt_state.h"
#include "services/consent/handlers/acting_for_her.h"

namespace relais::consent {
namespace {

// What the leaf says, which is what the receipt proves.
absl::Status FillFromLeaf(const common::v1::Proof& proof, v1::Receipt& receipt) {
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(proof.leaf()));
  ASSIGN_OR_RETURN(const audit::v1::LeafDetails details,
                   audit::OpenDetailsWithLeafKey(leaf, Secret(proof.leaf_key())));
  v1::ConsentRecorded recorded;
  if (!details.payload().UnpackTo(&recorded)) {
    return absl::DataLossError("the leaf of an agreement does not parse");
  }
  *receipt.mutable_consent() = std::move(*recorded.mutable_consent());
  *receipt.mutable_recorded() = TimeTo(leaf.time);
  receipt.set_test(leaf.header.test());
  return absl::OkStatus();
}

void AddParty(const directory::Directory& directory, const std::string& id, v1::Receipt& receipt) {
  v1::ReceiptParty& party = *receipt.add_parties();
  party.set_institution(id);
  const directory::Institution* found = directory.FindInstitution(id);
  if (found == nullptr) {
    party.set_name(id);  // it left the directory since
    return;
  }
  party.set_name(found->name);
  party.set_controller(found->controller);
  party.set_dpo_name(found->dpo.name);
  party.set_dpo_email(found->dpo.email);
  party.set_dpia(found->dpia);
  party.set_siret(found->siret);
  party.set_address(found->address);
}

void AddLabel(const std::string& code, const directory::CodeEntry* entry, v1::CodeLabel& label) {
  label.set_code(code);
  label.set_fr(entry == nullptr ? code : entry->fr);
  label.set_en(entry == nullptr ? code : entry->en);
  label.set_special(entry != nullptr && entry->special_category);
}

void AddKind(const std::string& kind, v1::Receipt& receipt) {
  v1::CodeLabel& label = *receipt.add_kinds();
  label.set_code(kind);
  const auto word = [&](const char* language) {
    const auto catalog = receipt::FindCatalog(language);
    const std::string text(catalog.ok() ? (*catalog)->Message("kind." + kind) : "");
    return text.empty() ? kind : text;
  };
  label.set_fr(word("fr"));
  label.set_en(word("en"));
}

// Each once, in the order in which she agreed to them.
void FillWords(const directory::Directory& directory, v1::Receipt& receipt) {
  const v1::Consent consent = receipt.consent();
  std::set<std::string> seen;
  const auto first = [&](const std::string& list, const std::string& code) {
    return seen.insert(list + code).second;
  };
  seen.insert("institution/" + consent.collector().institution());
  AddParty(directory, consent.collector().institution(), receipt);
  for (const v1::ConsentLine& line : consent.lines()) {
    for (const v1::Recipient& recipient : line.recipients()) {
      if (!recipient.institution().empty() && first("institution/", recipient.institution())) {
        AddParty(directory, recipient.institution(), receipt);
      } else if (!recipient.kind().empty() && first("kind/", recipient.kind())) {
        AddKind(recipient.kind(), receipt);
      }
    }
    for (const std::string& purpose : line.purposes()) {
      if (first("purpose/", purpose)) {
        AddLabel(purpose, directory.FindPurpose(purpose), *receipt.add_purposes());
      }
    }
    for (const std::string& category : line.categories()) {
      if (first("category/", category)) {
        AddLabel(category, directory.FindCategory(category), *receipt.add_categories());
      }
    }
  }
  const directory::Function* function =
      directory.FindFunction(consent.collector().institution(), consent.collector().function());
  receipt.set_function_label(function == nullptr ? "" : function->label);
  receipt.set_directory_version(directory.version());
}

// What became of it by `instant`.
void FillState(const PersonState& history, const Agreement& agreement, const Rules& rules, absl::Time instant,
               v1::Receipt& receipt) {
  const StateOfReceipt state = ReceiptStateOf(history, agreement, rules, instant);
  receipt.set_state(state.state);
  receipt.set_refused_before(state.refused_before);
  receipt.set_state_by_representative(state.by_representative);
  if (state.since > absl::InfinitePast()) {
    *receipt.mutable_state_since() = TimeTo(state.since);
  }
  *receipt.mutable_as_of() = TimeTo(instant);
  *receipt.mutable_lasts_until() =
      TimeTo(agreement.EndedBy(instant) ? std::min(agreement.ended->at, agreement.TermAt(instant).until)
                                        : agreement.TermAt(instant).until);
}

// Those that `agreement` knows: one may have come since.
void FillRenewals(const v1::Consent& consent, const Agreement& agreement, v1::Receipt& receipt) {
  for (const v1::Renewal& renewal : consent.renewals()) {
    if (receipt.renewals_size() == static_cast<int>(agreement.renewals.size())) {
      return;
    }
    v1::ReceiptRenewal& again = *receipt.add_renewals();
    *again.mutable_at() = renewal.at();
    *again.mutable_valid_until() = renewal.valid_until();
    if (renewal.has_representative()) {
      *again.mutable_representative() = renewal.representative();
    }
    if (renewal.has_mandate_until()) {
      *again.mutable_mandate_until() = renewal.mandate_until();
    }
  }
}

absl::StatusOr<v1::GetReceiptResponse> ResponseOf(Registry& registry, const rpc::Call& call,
                                                  const Id128& person, const VersionedState& now,
                                                  const Agreement& agreement, const v1::Consent& consent,
                                                  const std::vector<std::string>& storage_locations,
                                                  common::v1::Proof proof) {
  v1::GetReceiptResponse response;
  v1::Receipt& receipt = *response.mutable_receipt();
  RETURN_IF_ERROR(FillFromLeaf(proof, receipt));
  *receipt.mutable_proof() = std::move(proof);
  FillWords(*call.directory, receipt);
  FillState(*now.state, agreement, *registry.rules.Of(call.directory),
            std::max(WholeMicros(registry.context.log.Now()), now.state->latest()), receipt);
  FillRenewals(consent, agreement, receipt);
  receipt.mutable_storage_locations()->Add(storage_locations.begin(), storage_locations.end());
  receipt.set_person(rpc::HandleFor(registry.context, call.caller.institution, person).handle());
  response.set_record_json(receipt::WriteRecord(receipt));
  ASSIGN_OR_RETURN(*response.mutable_code(), receipt::MakeCode(receipt.proof()));
  return response;
}

}  // namespace

Task<absl::StatusOr<v1::GetReceiptResponse>> ReceiptHandlers::GetReceipt(rpc::Call call,
                                                                         v1::GetReceiptRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.consent_id()));
  co_await ResumeOn(context.executor);
  CO_ASSIGN_OR_RETURN(const VersionedState now, registry_.store.Load(person));
  const Agreement* agreement = now.state->FindAgreement(id);
  CO_ASSIGN_OR_RETURN(const std::optional<v1::Consent> consent, ReadConsent(registry_, person, id));
  if (agreement == nullptr || !consent) {
    co_return rpc::NoSuchOrNotYours();
  }
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  const absl::Time instant = std::max(context.log.Now(), now.state->latest());
  const Moment moment{instant, registry_.paris.DayOf(instant)};
  const bool collector = consent->collector().institution() == actor.institution;
  if (!collector && !IsHost(*now.state, *rules, actor.institution, moment)) {
    co_return rpc::NoSuchOrNotYours();
  }
  // Under whose name it was recorded: about her there is a leaf.
  const Id128 name = agreement->origin.of.IsZero() ? now.RootFor(person) : agreement->origin.of;
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenAgain(context, PersonSubject(name), id, true, true);
  CO_RETURN_IF_ERROR(written.status());
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_RECEIPT_GIVEN, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::ReceiptGiven payload;
  payload.set_consent_id(request.consent_id());
  payload.set_leaf_index(written->proof().leaf_index());
  event.details.mutable_payload()->PackFrom(payload);
  CO_ASSIGN_OR_RETURN(
      v1::GetReceiptResponse response,
      ResponseOf(registry_, call, person, now, *agreement, *consent, storage_locations_, written->proof()));
  const absl::StatusOr<storage::CommitResult> told = co_await rpc::WriteLoneLeaf(context, std::move(event));
  if (audit::IsErased(told.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(told.status());
  co_return response;
}

}  // namespace relais::consent
