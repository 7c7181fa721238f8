#include "services/vault/agreed_since.h"

#include <utility>
#include <vector>

#include "common/audit/followed_links.h"
#include "common/base/status.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/judging_hosts.h"

namespace relais::vault {
namespace {

// No leaf: nothing of the host changes by it.
Task<absl::Status> NoteOnce(const Vault& vault, Id128 person, std::string institution,
                            std::string consent_bytes, absl::Time said) {
  auto host = vault.store.Host(person, institution);
  if (absl::IsDataLoss(host.status())) {
    PassedOver(host.status());
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(host.status());
  if (!host->has_value() || !NoteAgreement((*host)->value, consent_bytes, said)) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault.store.PutHost(person, institution, **host, commit));
  const auto done = co_await vault.context.store.Commit(std::move(commit));
  co_return done.status();
}

Task<absl::Status> NoteUnder(const Vault& vault, Id128 name, std::string consent_bytes, absl::Time said) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> institutions, InstitutionsOf(vault, name));
  for (const std::string& institution : institutions) {
    absl::Status noted = co_await NoteOnce(vault, name, institution, consent_bytes, said);
    while (IsCollision(noted)) {
      noted = co_await NoteOnce(vault, name, institution, consent_bytes, said);
    }
    CO_RETURN_IF_ERROR(noted);
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> NoteAgreed(const Vault& vault, Id128 person, std::string consent_bytes, absl::Time said) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, vault.access.NamesOf(person));
  for (const Id128& name : names) {
    const absl::Status noted = co_await NoteUnder(vault, name, consent_bytes, said);
    if (absl::IsDataLoss(noted)) {
      PassedOver(noted);
    } else if (!audit::IsErased(noted)) {
      CO_RETURN_IF_ERROR(noted);
    }
  }
  co_return absl::OkStatus();
}

}  // namespace relais::vault
