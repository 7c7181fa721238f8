#include "common/feeds/canonical.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace relais::feeds {
namespace {

/// First byte of each kind of encoding, which also states its version.
enum class Tag : uint8_t { kEdfV1 = 1, kBsppV1 = 2 };

class Writer {
 public:
  Writer(Tag tag, size_t expected) {
    out_.reserve(expected);
    out_.push_back(static_cast<char>(tag));
  }

  Writer& Byte(uint8_t value) {
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  template <typename Enum>
  Writer& Code(Enum value) {
    return Byte(static_cast<uint8_t>(value));
  }
  Writer& Number(uint64_t value, size_t bytes = sizeof(uint64_t)) {
    for (size_t i = bytes; i > 0; --i) Byte(static_cast<uint8_t>(value >> (8 * (i - 1))));
    return *this;
  }
  Writer& Text(std::string_view text) {
    Number(text.size(), 4);
    out_ += text;
    return *this;
  }
  Writer& Day(absl::CivilDay day) { return Number(static_cast<uint64_t>(day - absl::CivilDay(1970, 1, 1))); }
  Writer& Day(const std::optional<absl::CivilDay>& day) {
    Byte(day ? 1 : 0);
    return day ? Day(*day) : *this;
  }

  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string Content(const EdfRow& row) {
  Writer writer(Tag::kEdfV1, 256);
  writer.Text(row.reference)
      .Code(row.fondement)
      .Code(row.evenement)
      .Day(row.date_evenement)
      .Code(row.fluide)
      .Byte(row.opposition ? 1 : 0)
      .Day(row.fin_opposition)
      .Text(row.nom)
      .Text(row.prenoms)
      .Text(row.adresse)
      .Text(row.code_postal)
      .Text(row.commune)
      .Text(row.option_tarifaire)
      .Number(static_cast<uint64_t>(row.montant_cents.value_or(0)))  // 0 is no amount a row may have
      .Byte(row.periode ? 1 : 0);
  if (row.periode) writer.Day(row.periode->first).Day(row.periode->last);
  return writer.Take();
}

std::string Content(const BsppRow& row) {
  Writer writer(Tag::kBsppV1, 1024);
  writer.Text(row.reference)
      .Number(static_cast<uint64_t>(absl::ToUnixSeconds(row.intervention_at)))
      .Number(static_cast<uint64_t>(absl::ToInt64Nanoseconds(
                  row.intervention_at - absl::FromUnixSeconds(absl::ToUnixSeconds(row.intervention_at)))),
              4)
      .Code(row.place.kind)
      .Text(row.place.adresse)
      .Text(row.place.code_postal)
      .Text(row.place.commune)
      .Text(row.place.repere)
      .Text(row.place.etage)
      .Text(row.place.acces)
      .Text(row.person.nom)
      .Text(row.person.prenoms)
      .Text(row.person.alias)
      .Day(row.person.naissance)
      .Text(row.person.telephone)
      .Text(row.person.sexe)
      .Number(row.household.adults)
      .Number(row.household.minors)
      .Number(row.household.pregnant)
      .Number(row.signs.size(), 4);
  for (const std::string& sign : row.signs) writer.Text(sign);
  writer.Text(row.facts)
      .Text(row.reported_words)
      .Number(row.prior.count)
      .Day(row.prior.since)
      .Code(row.danger)
      .Code(row.informed)
      .Code(row.agreement)
      .Code(row.ground)
      .Text(row.ground_facts)
      .Text(row.requested_action)
      .Byte(row.exercise ? 1 : 0);
  return writer.Take();
}

}  // namespace

std::string CanonicalContent(const Row& row) {
  return std::visit([](const auto& typed) { return Content(typed); }, row);
}

bool SharesRecord(FeedType type, const RecordKeyParts& key) {
  return type == FeedType::kEdf || !key.nom.empty() || !key.prenoms.empty();
}

}  // namespace relais::feeds
