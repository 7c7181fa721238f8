#include <algorithm>
#include <array>
#include <utility>

#include "common/feeds/bspp_json.h"
#include "common/feeds/form_internal.h"
#include "common/text/day.h"
#include "common/text/identifiers.h"
#include "common/text/nir.h"
#include "common/text/utf8.h"

namespace relais::feeds::internal {
namespace {

using Text = BsppText;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr size_t kMostSigns = 20;

struct Limit {
  Text text;
  size_t code_points;
};
constexpr std::array<Limit, 17> kLimits = {{{Text::kPlaceKind, 200},
                                            {Text::kPlaceAdresse, 200},
                                            {Text::kPlaceCodePostal, 200},
                                            {Text::kPlaceCommune, 200},
                                            {Text::kPlaceRepere, 200},
                                            {Text::kPlaceEtage, 200},
                                            {Text::kPlaceAcces, 200},
                                            {Text::kPersonNom, 100},
                                            {Text::kPersonPrenoms, 100},
                                            {Text::kPersonAlias, 100},
                                            {Text::kPersonNaissance, 100},
                                            {Text::kPersonTelephone, 100},
                                            {Text::kPersonSexe, 100},
                                            {Text::kFacts, 1000},
                                            {Text::kReportedWords, 1000},
                                            {Text::kGroundFacts, 1000},
                                            {Text::kRequestedAction, 300}}};

/// Judges one row; each step is one reason of the table and returns false once it has condemned the row.
class BsppJudge {
 public:
  BsppJudge(const RawRow& raw, const FormContext& context)
      : context_(context), json_(ParseBsppJson(raw.json)) {
    json_.malformed = json_.malformed || raw.malformed;
    for (size_t i = 0; i < kBsppTexts; ++i) cells_[i].Set(json_.texts[i]);
  }

  FormResult Judge() {
    if (json_.reference_is_sure) result_.reference = ShowableReference(At(Text::kReference));
    if (Structure() && Encoding() && Missing() && Lengths() && Nir() && Codes() && Days() && PostalCode() &&
        Territory()) {
      result_.row = TakeRow();
    }
    return std::move(result_);
  }

 private:
  std::string_view At(Text text) const { return cells_[static_cast<size_t>(text)].text(); }
  bool Blank(Text text) const { return At(text).empty(); }

  bool Refuse(Reason reason, std::string_view field) {
    result_.reason = reason;
    result_.field = field;
    return false;
  }
  bool Refuse(Reason reason, Text text) { return Refuse(reason, PathOf(text)); }

  bool Structure() {
    if (json_.malformed) return Refuse(Reason::kMalformed, json_.malformed_field);
    if (!Blank(Text::kReference) && !IsReference(At(Text::kReference))) {
      return Refuse(Reason::kMalformed, Text::kReference);
    }
    return true;
  }

  bool Encoding() {
    if (json_.bad_encoding) {
      for (size_t i = 0; i < kBsppTexts; ++i) {
        if (json_.texts[i].find(kReplacement) != std::string::npos) {
          return Refuse(Reason::kBadEncoding, static_cast<Text>(i));
        }
      }
      return Refuse(Reason::kBadEncoding, "signs");
    }
    result_.record = MakeRecordKey(At(Text::kPersonNom), At(Text::kPersonPrenoms), At(Text::kPlaceAdresse),
                                   At(Text::kPlaceCodePostal));
    return true;
  }

  bool Require(Text text) { return Blank(text) ? Refuse(Reason::kMissingField, text) : true; }

  bool MissingInPlace() {
    if (!json_.has_place) return Refuse(Reason::kMissingField, "place");
    if (!Require(Text::kPlaceKind)) return false;
    if (At(Text::kPlaceKind) == CodeOf(PlaceKind::kDomicile)) {
      return Require(Text::kPlaceAdresse) && Require(Text::kPlaceCodePostal);
    }
    if (Blank(Text::kPlaceAdresse) && Blank(Text::kPlaceRepere)) {
      return Refuse(Reason::kMissingField, Text::kPlaceAdresse);
    }
    return true;
  }

  bool Missing() {
    if (!Require(Text::kReference) || !Require(Text::kInterventionAt) || !MissingInPlace()) return false;
    if (json_.signs.empty()) return Refuse(Reason::kMissingField, "signs");
    if (!Require(Text::kFacts) || !Require(Text::kDanger) || !Require(Text::kInformed) ||
        !Require(Text::kAgreement)) {
      return false;
    }
    return Blank(Text::kGround) || Require(Text::kGroundFacts);
  }

  bool Lengths() {
    for (const Limit& limit : kLimits) {
      const std::string_view text = At(limit.text);
      if (text.size() > limit.code_points && text::CodePoints(text) > limit.code_points) {
        return Refuse(Reason::kTooLong, limit.text);
      }
    }
    for (const std::string& sign : json_.signs) row_.signs.push_back(text::ToNfc(text::Trim(sign)));
    std::sort(row_.signs.begin(), row_.signs.end());
    row_.signs.erase(std::unique(row_.signs.begin(), row_.signs.end()), row_.signs.end());
    return row_.signs.size() <= kMostSigns ? true : Refuse(Reason::kTooLong, "signs");
  }

  bool Nir() {
    for (size_t i = 0; i < kBsppTexts; ++i) {
      if (text::ContainsNir(cells_[i].text())) return Refuse(Reason::kNirDetected, static_cast<Text>(i));
    }
    if (std::any_of(row_.signs.begin(), row_.signs.end(), text::ContainsNir)) {
      return Refuse(Reason::kNirDetected, "signs");
    }
    return true;
  }

  template <typename Enum>
  bool Code(Text text, Enum& code) {
    const auto parsed = ParseCode<Enum>(At(text));
    if (!parsed) return Refuse(Reason::kUnknownCode, text);
    code = *parsed;
    return true;
  }

  bool Signs() {
    const auto known = [this](const std::string& sign) {
      return !sign.empty() && (context_.signs == nullptr || context_.signs->contains(sign));
    };
    return std::all_of(row_.signs.begin(), row_.signs.end(), known) ? true
                                                                    : Refuse(Reason::kUnknownCode, "signs");
  }

  bool Codes() {
    return Code(Text::kPlaceKind, row_.place.kind) && Signs() && Code(Text::kDanger, row_.danger) &&
           Code(Text::kInformed, row_.informed) && Code(Text::kAgreement, row_.agreement) &&
           (Blank(Text::kGround) || Code(Text::kGround, row_.ground));
  }

  bool Day(Text text, std::optional<absl::CivilDay>& day) {
    if (Blank(text)) return true;
    day = text::ParseIsoDay(At(text));
    return day ? true : Refuse(Reason::kBadDate, text);
  }

  bool Days() {
    const auto instant = text::ParseInstant(At(Text::kInterventionAt));
    if (!instant) return Refuse(Reason::kBadDate, Text::kInterventionAt);
    row_.intervention_at = *instant;
    return Day(Text::kPersonNaissance, row_.person.naissance) && Day(Text::kPriorSince, row_.prior.since);
  }

  bool PostalCode() {
    if (Blank(Text::kPlaceCodePostal)) return true;
    postal_code_ = text::ClassifyPostalCode(At(Text::kPlaceCodePostal));
    return postal_code_ == text::PostalCode::kInvalid ? Refuse(Reason::kBadPostalCode, Text::kPlaceCodePostal)
                                                      : true;
  }

  bool Territory() {
    return postal_code_ == text::PostalCode::kElsewhere
               ? Refuse(Reason::kOutOfTerritory, Text::kPlaceCodePostal)
               : true;
  }

  BsppRow TakeRow() {
    row_.reference = At(Text::kReference);
    row_.place.adresse = At(Text::kPlaceAdresse);
    row_.place.code_postal = At(Text::kPlaceCodePostal);
    row_.place.commune = At(Text::kPlaceCommune);
    row_.place.repere = At(Text::kPlaceRepere);
    row_.place.etage = At(Text::kPlaceEtage);
    row_.place.acces = At(Text::kPlaceAcces);
    row_.person.nom = At(Text::kPersonNom);
    row_.person.prenoms = At(Text::kPersonPrenoms);
    row_.person.alias = At(Text::kPersonAlias);
    row_.person.telephone = At(Text::kPersonTelephone);
    row_.person.sexe = At(Text::kPersonSexe);
    const auto count = [this](BsppCount which) { return json_.counts[static_cast<size_t>(which)]; };
    row_.household = {count(BsppCount::kAdults), count(BsppCount::kMinors), count(BsppCount::kPregnant)};
    row_.prior.count = count(BsppCount::kPrior);
    row_.facts = At(Text::kFacts);
    row_.reported_words = At(Text::kReportedWords);
    row_.ground_facts = At(Text::kGroundFacts);
    row_.requested_action = At(Text::kRequestedAction);
    row_.exercise = json_.exercise;
    return std::move(row_);
  }

  const FormContext& context_;
  BsppJson json_;
  std::array<Cell, kBsppTexts> cells_;
  text::PostalCode postal_code_ = text::PostalCode::kParis;  // a place may have none
  BsppRow row_;
  FormResult result_;
};

}  // namespace

FormResult JudgeBsppForm(const RawRow& raw, const FormContext& context) {
  return BsppJudge(raw, context).Judge();
}

}  // namespace relais::feeds::internal
