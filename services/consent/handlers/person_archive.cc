#include "services/consent/handlers/person_archive.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/crypto/encoding.h"
#include "google/protobuf/util/json_util.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "relais-person-export/1";
constexpr size_t kMostBytes = size_t{900} << 10;

Json Instant(absl::Time time) {
  return time == absl::InfinitePast()
             ? Json()
             : Json(absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone()));
}

Json Of(const google::protobuf::Message& message) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text).ok()) {
    return {};
  }
  return Json::parse(text, nullptr, false);
}

Json LinesOf(const std::vector<Line>& lines) {
  ProtoLines protos;
  LinesTo(lines, protos);
  Json out = Json::array();
  for (const v1::ConsentLine& line : protos) {
    out.push_back(Of(line));
  }
  return out;
}

Json DenialsOf(const PersonState& state) {
  Json out = Json::array();
  for (const Denial& denial : state.denials()) {
    Json one = {{"id", denial.id.ToHex()},
                {"kind", denial.kind == Denial::Kind::kWithdrawal ? "WITHDRAWAL" : "REFUSAL"},
                {"recorded", Instant(denial.at)},
                {"lines", LinesOf(denial.lines)}};
    if (denial.agreement) {
      one["consentId"] = denial.agreement->ToHex();
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json ObjectionsOf(const PersonState& state) {
  Json out = Json::array();
  for (const Objection& objection : state.objections()) {
    Json one = {{"supplier", objection.supplier}, {"recorded", Instant(objection.recorded)}};
    if (objection.lifted) {
      one["lifted"] = Instant(*objection.lifted);
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json EmergencyOf(const Emergency& emergency) {
  return {{"id", emergency.id.ToHex()},
          {"recipient", emergency.recipient},
          {"categories", emergency.categories},
          {"from", Instant(emergency.from)},
          {"until", Instant(emergency.until)}};
}

// As her access history has it (withholding.h).
bool IsHeldBack(const Emergency& emergency, const PersonArchive& archive) {
  return IsWithheld(emergency, *archive.rules) && !IsShown(archive.reviews, emergency.id);
}

// Those that it shows, and no others.
Json EmergenciesOf(const PersonArchive& archive) {
  Json out = Json::array();
  for (const Emergency& emergency : archive.state->emergencies()) {
    if (!IsHeldBack(emergency, archive)) {
      out.push_back(EmergencyOf(emergency));
    }
  }
  return out;
}

// That something is not shown, and when that is looked at again: as the history says it.
Json WithheldOf(const PersonArchive& archive) {
  Json out = Json::array();
  for (const Emergency& emergency : archive.state->emergencies()) {
    if (IsHeldBack(emergency, archive)) {
      const absl::CivilDay decided = archive.paris->DayOf(emergency.from);
      const absl::CivilDay review = ReviewOn(archive.reviews, emergency.id, decided);
      out.push_back({{"reason", "PROTECTION"},
                     {"decidedOn", absl::FormatCivilTime(decided)},
                     {"reviewOn", absl::FormatCivilTime(review)}});
    }
  }
  return out;
}

Json RestrictionsOf(const PersonState& state, const std::string& institution) {
  Json out = Json::array();
  for (const Restriction& restriction : state.restrictions()) {
    if (restriction.institution == institution) {
      out.push_back({{"id", restriction.id.ToHex()},
                     {"from", Instant(restriction.from)},
                     {"until", restriction.until ? Instant(*restriction.until) : Json()}});
    }
  }
  return out;
}

Json RequestsOf(const std::vector<RightsRow>& rows) {
  Json out = Json::array();
  for (const RightsRow& row : rows) {
    out.push_back({{"id", row.id.ToHex()},
                   {"right", v1::Right_Name(row.right)},
                   {"status", v1::RightsStatus_Name(row.the.status)},
                   {"received", absl::FormatCivilTime(row.the.received)},
                   {"due", absl::FormatCivilTime(row.the.due)},
                   {"outcome", v1::RightsOutcome_Name(row.the.outcome)}});
  }
  return out;
}

Json RecordOf(const std::optional<v1::StoredRecord>& record) {
  if (!record) {
    return {};
  }
  return {{"ownIdentifier", record->own_identifier()},
          {"moreIdentifiers", record->more_identifiers()},
          {"traits", Of(record->traits())}};
}

}  // namespace

absl::StatusOr<std::string> WriteArchive(const PersonArchive& archive) {
  Json consents = Json::array();
  for (const v1::Consent& consent : archive.consents) {
    consents.push_back(Of(consent));
  }
  const Json out = {{"format", kFormat},
                    {"fr", "Ce que le registre des accords garde sur vous"},
                    {"en", "What the consent registry keeps about you"},
                    {"institution", archive.institution},
                    {"person", archive.handle},
                    {"time", Instant(archive.time)},
                    {"revision", archive.revision},
                    {"record", RecordOf(archive.record)},
                    {"consents", std::move(consents)},
                    {"refusalsAndWithdrawals", DenialsOf(*archive.state)},
                    {"objections", ObjectionsOf(*archive.state)},
                    {"emergencies", EmergenciesOf(archive)},
                    {"withheld", WithheldOf(archive)},
                    {"restrictions", RestrictionsOf(*archive.state, archive.institution)},
                    {"requests", RequestsOf(archive.requests)}};
  std::string text = out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (text.size() > kMostBytes) {
    return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_WRONG_STATE,
                        "too much is recorded about this person for one answer; tell the operators");
  }
  return text;
}

}  // namespace relais::consent
