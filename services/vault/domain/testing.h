// Shares, answers and instants for tests.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "common/base/proto_time.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/consent_answer.h"

namespace relais::vault::testing {

inline Id128 IdOf(uint8_t b) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw.fill(b);
  return Id128(raw);
}

inline absl::Time At(int month, int day, int hour = 12) {
  return absl::FromCivil(absl::CivilHour(2026, month, day, hour), absl::UTCTimeZone());
}

inline common::v1::Party PartyOf(const std::string& institution, const std::string& function = "") {
  common::v1::Party party;
  party.set_institution(institution);
  party.set_function(function);
  return party;
}

/// A permit on her agreement, until the end of the year.
inline ConsentAnswer Agreed(const std::vector<std::string>& categories, const Id128& consent) {
  ConsentAnswer answer;
  answer.decision = common::v1::DECISION_PERMIT;
  for (const std::string& category : categories) {
    answer.categories.push_back(
        {category, common::v1::DECISION_PERMIT, common::v1::GROUND_AGREEMENT, consent.ToHex(), At(12, 31)});
  }
  answer.permit_id = "p";
  answer.permit_expires = At(12, 31);
  return answer;
}

/// Paper 1 with the CAF, on agreement 7, until 20 December.
inline v1::StoredShare ShareOfOne() {
  v1::StoredShare share;
  share.set_document(IdOf(1).ToBytes());
  *share.mutable_recipient() = PartyOf("caf");
  share.set_purpose("RIGHTS_OPENING");
  *share.mutable_until() = ToProto(At(12, 20));
  share.set_consent(IdOf(7).ToBytes());
  *share.mutable_shared_by() = PartyOf("ville-paris");
  share.set_state(v1::Share::STATE_ACTIVE);
  return share;
}

}  // namespace relais::vault::testing
