#include "services/consent/handlers/person_archive.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/time.h"
#include "common/crypto/sha256.h"
#include "google/protobuf/util/json_util.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "relais-person-export/1";
constexpr int kIndent = 2;

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

using Entries = std::vector<Json>;

// Of who has its own alone, those of agreements that it collected: of others nothing says whose desk it was.
bool IsOpen(const Denial& denial, const PersonArchive& archive) {
  return !archive.own_only ||
         (denial.agreement &&
          std::any_of(archive.consents.begin(), archive.consents.end(), [&](const v1::Consent& consent) {
            return consent.consent_id() == denial.agreement->ToHex();
          }));
}

Entries DenialsOf(const PersonArchive& archive) {
  Entries out;
  for (const Denial& denial : archive.state->denials()) {
    if (!IsOpen(denial, archive)) {
      continue;
    }
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

Entries ObjectionsOf(const PersonArchive& archive) {
  Entries out;
  for (const Objection& objection : archive.state->objections()) {
    if (archive.own_only && objection.supplier != archive.institution) {
      continue;
    }
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

bool Concerns(const Emergency& emergency, const PersonArchive& archive) {
  return !archive.own_only || emergency.recipient == archive.institution ||
         emergency.declared_by == archive.institution;
}

// As her access history has it (withholding.h).
bool IsHeldBack(const Emergency& emergency, const PersonArchive& archive) {
  return IsWithheld(emergency, *archive.rules) && !IsShown(archive.reviews, emergency.id);
}

// Those that it shows, and no others.
Entries EmergenciesOf(const PersonArchive& archive) {
  Entries out;
  for (const Emergency& emergency : archive.state->emergencies()) {
    if (Concerns(emergency, archive) && !IsHeldBack(emergency, archive)) {
      out.push_back(EmergencyOf(emergency));
    }
  }
  return out;
}

// That something is not shown, and when that is looked at again: as the history says it.
Entries WithheldOf(const PersonArchive& archive) {
  Entries out;
  for (const Emergency& emergency : archive.state->emergencies()) {
    if (Concerns(emergency, archive) && IsHeldBack(emergency, archive)) {
      const absl::CivilDay decided = archive.paris->DayOf(emergency.from);
      const absl::CivilDay review = ReviewOn(archive.reviews, emergency.id, decided);
      out.push_back({{"reason", "PROTECTION"},
                     {"decidedOn", absl::FormatCivilTime(decided)},
                     {"reviewOn", absl::FormatCivilTime(review)}});
    }
  }
  return out;
}

Entries RestrictionsOf(const PersonArchive& archive) {
  Entries out;
  for (const Restriction& restriction : archive.state->restrictions()) {
    if (restriction.institution == archive.institution) {
      out.push_back({{"id", restriction.id.ToHex()},
                     {"from", Instant(restriction.from)},
                     {"until", restriction.until ? Instant(*restriction.until) : Json()}});
    }
  }
  return out;
}

Entries RequestsOf(const PersonArchive& archive) {
  Entries out;
  for (const RightsRow& row : archive.requests) {
    out.push_back({{"id", row.id.ToHex()},
                   {"right", v1::Right_Name(row.right)},
                   {"status", v1::RightsStatus_Name(row.the.status)},
                   {"received", absl::FormatCivilTime(row.the.received)},
                   {"due", absl::FormatCivilTime(row.the.due)},
                   {"outcome", v1::RightsOutcome_Name(row.the.outcome)}});
  }
  return out;
}

Entries ConsentsOf(const PersonArchive& archive) {
  Entries out;
  for (const v1::Consent& consent : archive.consents) {
    out.push_back(Of(consent));
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

struct List {
  const char* name;
  Entries (*of)(const PersonArchive& archive);
};
constexpr List kLists[] = {{"consents", ConsentsOf},     {"refusalsAndWithdrawals", DenialsOf},
                           {"objections", ObjectionsOf}, {"emergencies", EmergenciesOf},
                           {"withheld", WithheldOf},     {"restrictions", RestrictionsOf},
                           {"requests", RequestsOf}};

std::string Text(const Json& json) { return json.dump(kIndent, ' ', false, Json::error_handler_t::replace); }

// Within its list, whose lines are indented twice more.
size_t BytesOf(const std::string& json) {
  const auto lines = static_cast<size_t>(std::count(json.begin(), json.end(), '\n')) + 1;
  return json.size() + lines * 2 * kIndent + 2;
}

Json HeadingsOf(const PersonArchive& archive) {
  return {{"format", kFormat},
          {"fr", "Ce que le registre des accords garde sur vous"},
          {"en", "What the consent registry keeps about you"},
          {"institution", archive.institution},
          {"person", archive.handle},
          {"time", Instant(archive.time)},
          {"revision", archive.revision},
          {"unreadable", archive.unreadable}};
}

}  // namespace

std::vector<ArchiveEntry> EntriesOf(const PersonArchive& archive) {
  std::vector<ArchiveEntry> out;
  for (const List& list : kLists) {
    for (const Json& entry : list.of(archive)) {
      out.push_back({list.name, Text(entry)});
    }
  }
  return out;
}

std::string DigestOf(const std::vector<ArchiveEntry>& entries) {
  std::string all;
  for (const ArchiveEntry& entry : entries) {
    all += crypto::Sha256(entry.list) + crypto::Sha256(entry.json);
  }
  return crypto::Sha256(all);
}

ArchivePage WriteArchive(const PersonArchive& archive, const std::vector<ArchiveEntry>& entries, size_t from,
                         size_t most_bytes) {
  Json page = HeadingsOf(archive);
  if (from == 0) {
    page["record"] = RecordOf(archive.record);
  }
  size_t bytes = Text(page).size();
  for (const List& list : kLists) {
    page[list.name] = Json::array();
  }
  size_t next = from;
  for (; next < entries.size(); ++next) {
    bytes += BytesOf(entries[next].json);
    if (next > from && bytes > most_bytes) {
      break;
    }
    page[entries[next].list].push_back(Json::parse(entries[next].json, nullptr, false));
  }
  return {Text(page) + "\n", next < entries.size() ? next : 0};
}

}  // namespace relais::consent
