#include "services/consent/contacts.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "services/consent/derived_row.h"
#include "services/consent/teams.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 1000;

bool IsFeedSender(const directory::Directory& directory, const std::string& institution) {
  const directory::Institution* found = directory.FindInstitution(institution);
  if (found == nullptr) {
    return false;
  }
  return std::any_of(found->systems.begin(), found->systems.end(),
                     [](const directory::System& system) { return system.HasRole("SIGNAL_SENDER"); });
}

// What an institution does about her papers alone: an order, an answer to a notice, a review of what is
// withheld or a look at what there is to review, a steward who looks at records and says of two that they
// are, or are not, one human.
bool MetNobody(audit::v1::EventClass event_class) {
  switch (event_class) {
    case audit::v1::EVENT_CLASS_HOLD_PLACED:
    case audit::v1::EVENT_CLASS_ERASURE_ANSWERED:
    case audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED:
    case audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED:
    case audit::v1::EVENT_CLASS_WITHHELD_LISTED:
    case audit::v1::EVENT_CLASS_CANDIDATE_COMPARED:
    case audit::v1::EVENT_CLASS_CANDIDATE_DECIDED:
    case audit::v1::EVENT_CLASS_PERSONS_LINKED:
    case audit::v1::EVENT_CLASS_PERSONS_SPLIT:
      return true;
    default:
      return false;
  }
}

bool OfAService(const std::string& institution) { return institution.starts_with("service/"); }

// D-2.10: an automated feed is no contact, and neither is a question that a machine asks every night. Who did
// it as somebody says in which function.
absl::StatusOr<bool> IsContact(Registry& registry, const directory::Directory& directory, uint64_t index,
                               const std::string& bytes, const audit::v1::LeafHeader& header) {
  if (MetNobody(header.event_class()) || OfAService(header.institution())) {
    return false;
  }
  const bool asked = header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED ||
                     header.event_class() == audit::v1::EVENT_CLASS_HISTORY_READ;
  if (!asked && !IsFeedSender(directory, header.institution())) {
    return true;
  }
  ASSIGN_OR_RETURN(const audit::OpenedLeaf opened, registry.context.log.OpenLeaf(index, bytes));
  return !opened.details.acting_function().empty();
}

absl::StatusOr<std::vector<uint64_t>> LeavesOf(Registry& registry, const Id128& person) {
  std::vector<uint64_t> all;
  uint64_t from = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                     registry.context.log.LeavesOf(PersonSubject(person), from, kLeavesAtOnce));
    if (some.empty()) {
      return all;
    }
    all.insert(all.end(), some.begin(), some.end());
    from = some.back() + 1;
  }
}

// Of who is being erased nothing opens any more.
template <typename Stored>
absl::StatusOr<Stored> ReadIfThere(Registry& registry, const Id128& person, std::string_view key) {
  absl::StatusOr<Stored> row = ReadRow<Stored>(registry, person, std::string(key));
  return audit::IsErased(row.status()) ? Stored() : std::move(row);
}

}  // namespace

absl::StatusOr<absl::Time> LastContact(Registry& registry, const Id128& person) {
  const std::shared_ptr<const directory::Directory> directory = registry.context.directory();
  ASSIGN_OR_RETURN(const v1::StoredContact in_vault,
                   ReadIfThere<v1::StoredContact>(registry, person, kMetKey));
  const absl::Time in_vault_at = in_vault.last() == 0 ? absl::InfinitePast() : FromMicros(in_vault.last());
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOf(registry, person));
  absl::Time first = absl::InfiniteFuture();
  for (auto index = leaves.rbegin(); index != leaves.rend(); ++index) {
    ASSIGN_OR_RETURN(const std::vector<std::string> bytes, registry.context.log.ReadLeaves(*index, 1));
    if (bytes.empty()) {
      continue;
    }
    ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes[0]));
    ASSIGN_OR_RETURN(const bool contact, IsContact(registry, *directory, *index, bytes[0], leaf.header));
    if (contact) {
      return std::max(leaf.time, in_vault_at);
    }
    first = leaf.time;
  }
  // Known by a feed alone: counted from the day she was registered.
  return in_vault.last() == 0 ? first : in_vault_at;
}

absl::StatusOr<bool> HasReferent(Registry& registry, const Id128& person) {
  ASSIGN_OR_RETURN(const v1::StoredTeam team, ReadIfThere<v1::StoredTeam>(registry, person, kTeamKey));
  return std::any_of(team.missions().begin(), team.missions().end(), [](const v1::StoredMission& mission) {
    return mission.from() != 0 && mission.until() == 0;
  });
}

std::string VaultLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person ? person->ToBytes() : "";
}

bool VaultLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
    case audit::v1::EVENT_CLASS_DOCUMENT_READ:
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      return !OfAService(leaf.header.institution());
    default:
      return false;
  }
}

Task<absl::Status> VaultLeaves::Apply(audit::FollowedLeaf leaf, bool /*effects*/) {
  const std::optional<Id128> person = PersonOf(leaf);
  if (!person) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(registry_.context.executor);
  Change<v1::StoredContact> later = [time = leaf.time](v1::StoredContact& met) {
    const absl::CivilDay known = absl::ToCivilDay(FromMicros(met.last()), absl::UTCTimeZone());
    if (absl::ToCivilDay(time, absl::UTCTimeZone()) <= known) {
      return false;
    }
    met.set_last(Micros(time));
    return true;
  };
  absl::Status done =
      co_await ChangeRow<v1::StoredContact>(registry_, *person, std::string(kMetKey), std::move(later));
  co_return done;
}

}  // namespace relais::consent
