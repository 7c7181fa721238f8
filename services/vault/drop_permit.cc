#include "services/vault/drop_permit.h"

#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/peers.h"

namespace relais::vault {
namespace {

// On which agreement of hers the drop rests is not told: the end of any touches it.
std::shared_ptr<OpenReading> WatchFor(const Vault& vault, const DropTerms& terms) {
  const std::string& institution = terms.host.institution();
  const auto directory = vault.context.directory();
  const directory::Institution* found = directory->FindInstitution(institution);
  ReadingBasis basis;
  basis.person = terms.person;
  basis.document = terms.document;
  basis.share = terms.document;  // rests on an answer of consent's
  basis.covered.purpose = terms.purpose;
  basis.covered.institution = institution;
  basis.covered.kind = found == nullptr ? "" : found->kind;
  basis.covered.act = common::v1::ACT_STORE;
  basis.covered.categories = CategoriesOf(terms.type);
  return vault.streams.Open(std::move(basis));
}

}  // namespace

Task<absl::StatusOr<bool>> MayStore(const Vault& vault, DropTerms terms, bool recorded) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(terms.person.ToBytes());
  *request.mutable_sender() = std::move(terms.depositor);
  *request.mutable_recipient() = std::move(terms.host);
  request.set_purpose(std::move(terms.purpose));
  const std::vector<std::string> categories = CategoriesOf(terms.type);
  request.mutable_categories()->Assign(categories.begin(), categories.end());
  request.set_act(common::v1::ACT_STORE);
  request.set_dry_run(!recorded);
  CO_ASSIGN_OR_RETURN(const ConsentAnswer answer,
                      co_await Ask(vault.peers, std::move(request), vault.settings.peer_timeout));
  bool agreed =
      answer.decision == common::v1::DECISION_PERMIT && answer.categories.size() == categories.size();
  for (const ConsentAnswer::Category& category : answer.categories) {
    agreed = agreed && category.decision == common::v1::DECISION_PERMIT &&
             category.ground == common::v1::GROUND_AGREEMENT;
  }
  co_return agreed;
}

Task<absl::StatusOr<AskedDrop>> AskAbout(const Vault& vault, DropTerms terms) {
  AskedDrop asked;
  asked.watch = WatchFor(vault, terms);
  const audit::Follower* consent = vault.lease.consent();
  // Without its log there is no lease, and the watch is cut whatever was followed.
  const uint64_t followed = consent == nullptr ? 0 : consent->applied();
  CO_ASSIGN_OR_RETURN(asked.permitted, co_await MayStore(vault, std::move(terms), /*recorded=*/true));
  // A leaf that was followed since consent was asked is later than its answer: it is to be asked again.
  asked.watch->Permitted(followed, absl::InfiniteFuture());
  co_return asked;
}

absl::StatusOr<std::optional<Stored<v1::StoredHost>>> ActingHost(const Vault& vault, const Id128& person,
                                                                 std::string_view institution) {
  auto host = vault.store.Host(person, institution);
  if (audit::DoesNotRead(host.status())) {
    return std::optional<Stored<v1::StoredHost>>();
  }
  RETURN_IF_ERROR(host.status());
  if (!host->has_value() || !ActsForHer((*host)->value, vault.context.clock.Now())) {
    return std::optional<Stored<v1::StoredHost>>();
  }
  return *std::move(host);
}

}  // namespace relais::vault
