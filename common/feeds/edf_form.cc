#include <algorithm>
#include <array>
#include <utility>

#include "common/feeds/form_internal.h"
#include "common/text/day.h"
#include "common/text/identifiers.h"
#include "common/text/nir.h"
#include "common/text/utf8.h"

namespace relais::feeds::internal {
namespace {

using Column = EdfColumn;

constexpr size_t kColumns = kEdfColumns.size();
constexpr int kDaysToObject = 8;  // D-1.4

constexpr size_t Index(Column column) { return static_cast<size_t>(column); }

struct Limit {
  Column column;
  size_t code_points;
};
constexpr std::array<Limit, 5> kLimits = {{{Column::kNom, 100},
                                           {Column::kPrenoms, 100},
                                           {Column::kAdresse, 200},
                                           {Column::kCommune, 100},
                                           {Column::kOptionTarifaire, 20}}};

constexpr std::array<Column, 10> kAlwaysRequired = {
    Column::kReference, Column::kEvenement, Column::kDateEvenement, Column::kFluide,  Column::kOpposition,
    Column::kNom,       Column::kPrenoms,   Column::kAdresse,       Column::kCommune, Column::kCodePostal};
constexpr std::array<Column, 4> kBillRequired = {Column::kFondement, Column::kMontantDu,
                                                 Column::kPeriodeDebut, Column::kPeriodeFin};

template <size_t kSize>
constexpr bool Has(const std::array<Column, kSize>& columns, Column column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

/// Judges one row; each step is one reason of the table and returns false once it has condemned the row. It
/// names the first column, in the order of the table of columns, to which the reason applies.
class EdfJudge {
 public:
  explicit EdfJudge(const RawRow& raw) : raw_(raw) {}

  FormResult Judge() {
    if (raw_.malformed || raw_.fields.size() != kColumns) {
      result_.reason = Reason::kMalformed;
      return std::move(result_);
    }
    for (size_t i = 0; i < kColumns; ++i) cells_[i].Set(raw_.fields[i]);
    ReadWhateverTheOutcome();
    if (Structure() && Encoding() && Missing() && Lengths() && Nir() && Codes() && Days() && Amount() &&
        PostalCode() && Unexpected() && Territory()) {
      result_.row = TakeRow();
    }
    return std::move(result_);
  }

 private:
  const Cell& At(Column column) const { return cells_[Index(column)]; }
  std::string_view Text(Column column) const { return At(column).text(); }
  bool Blank(Column column) const { return At(column).blank(); }

  bool Refuse(Reason reason, Column column) {
    result_.reason = reason;
    result_.field = kEdfColumns[Index(column)];
    return false;
  }

  void ReadWhateverTheOutcome() {
    result_.reference = ShowableReference(Text(Column::kReference));
    constexpr std::array<Column, 4> kKey = {Column::kNom, Column::kPrenoms, Column::kAdresse,
                                            Column::kCodePostal};
    if (!std::all_of(kKey.begin(), kKey.end(), [this](Column c) { return At(c).decodes(); })) return;
    result_.record = MakeRecordKey(Text(Column::kNom), Text(Column::kPrenoms), Text(Column::kAdresse),
                                   Text(Column::kCodePostal));
    result_.carries_objection = Text(Column::kOpposition) == "OUI" &&
                                std::none_of(kKey.begin(), kKey.end(), [this](Column c) { return Blank(c); });
  }

  bool Structure() {
    // Bytes that do not decode are no reference either; a blank one is missing, not malformed.
    const Cell& reference = At(Column::kReference);
    if (!reference.decodes() || (!reference.blank() && !IsReference(reference.text()))) {
      return Refuse(Reason::kMalformed, Column::kReference);
    }
    for (size_t i = 0; i < kColumns; ++i) {
      if (raw_.fields[i].find('\0') != std::string::npos) {
        return Refuse(Reason::kMalformed, static_cast<Column>(i));
      }
    }
    return true;
  }

  bool Encoding() {
    for (size_t i = 0; i < kColumns; ++i) {
      if (!cells_[i].decodes()) return Refuse(Reason::kBadEncoding, static_cast<Column>(i));
    }
    return true;
  }

  bool Missing() {
    const auto event = ParseCode<Evenement>(Text(Column::kEvenement));
    for (size_t i = 0; i < kColumns; ++i) {
      const auto column = static_cast<Column>(i);
      if (Blank(column) && Requires(event, column)) return Refuse(Reason::kMissingField, column);
    }
    return true;
  }

  /// An unknown event has the needs of a bill event.
  bool Requires(std::optional<Evenement> event, Column column) const {
    if (Has(kAlwaysRequired, column)) return true;
    if (event && IsCancelling(*event)) {  // both ends of a period, or neither
      return (column == Column::kPeriodeDebut && !Blank(Column::kPeriodeFin)) ||
             (column == Column::kPeriodeFin && !Blank(Column::kPeriodeDebut));
    }
    const bool protected_letter = event == Evenement::kLettre1 && Text(Column::kFondement) == "ART2";
    return Has(kBillRequired, column) || (protected_letter && column == Column::kFinOpposition);
  }

  bool Lengths() {
    for (const Limit& limit : kLimits) {
      const std::string_view text = Text(limit.column);
      if (text.size() > limit.code_points && text::CodePoints(text) > limit.code_points) {
        return Refuse(Reason::kTooLong, limit.column);
      }
    }
    return true;
  }

  bool Nir() {
    for (size_t i = 0; i < kColumns; ++i) {
      if (text::ContainsNir(cells_[i].text())) return Refuse(Reason::kNirDetected, static_cast<Column>(i));
    }
    return true;
  }

  bool Codes() {
    if (!Blank(Column::kFondement)) {
      const auto fondement = ParseCode<Fondement>(Text(Column::kFondement));
      if (!fondement) return Refuse(Reason::kUnknownCode, Column::kFondement);
      row_.fondement = *fondement;
    }
    const auto event = ParseCode<Evenement>(Text(Column::kEvenement));
    if (!event) return Refuse(Reason::kUnknownCode, Column::kEvenement);
    row_.evenement = *event;
    const auto fluid = ParseCode<Fluide>(Text(Column::kFluide));
    if (!fluid) return Refuse(Reason::kUnknownCode, Column::kFluide);
    row_.fluide = *fluid;
    const std::string_view opposition = Text(Column::kOpposition);
    if (opposition != "OUI" && opposition != "NON") {
      return Refuse(Reason::kUnknownCode, Column::kOpposition);
    }
    row_.opposition = opposition == "OUI";
    return true;
  }

  bool Day(Column column, std::optional<absl::CivilDay>& day) {
    if (Blank(column)) return true;
    day = text::ParseDay(Text(column));
    return day ? true : Refuse(Reason::kBadDate, column);
  }

  bool Days() {
    std::optional<absl::CivilDay> event;
    std::optional<absl::CivilDay> first;
    std::optional<absl::CivilDay> last;
    if (!Day(Column::kDateEvenement, event) || !Day(Column::kFinOpposition, row_.fin_opposition) ||
        !Day(Column::kPeriodeDebut, first) || !Day(Column::kPeriodeFin, last)) {
      return false;
    }
    row_.date_evenement = *event;  // never blank here
    if (row_.fin_opposition && *row_.fin_opposition < row_.date_evenement + kDaysToObject) {
      return Refuse(Reason::kBadDate, Column::kFinOpposition);
    }
    if (first && last) {
      if (*first > *last) return Refuse(Reason::kBadDate, Column::kPeriodeFin);
      row_.periode = Period{*first, *last};
    }
    return true;
  }

  bool Amount() {
    if (Blank(Column::kMontantDu)) return true;
    row_.montant_cents = ParseCents(Text(Column::kMontantDu));
    return row_.montant_cents ? true : Refuse(Reason::kBadAmount, Column::kMontantDu);
  }

  bool PostalCode() {
    postal_code_ = text::ClassifyPostalCode(Text(Column::kCodePostal));
    if (postal_code_ == text::PostalCode::kInvalid) {
      return Refuse(Reason::kBadPostalCode, Column::kCodePostal);
    }
    return true;
  }

  bool Unexpected() {
    if (IsCancelling(row_.evenement) && !Blank(Column::kFondement)) {
      return Refuse(Reason::kUnexpectedField, Column::kFondement);
    }
    if (row_.evenement != Evenement::kLettre1 && row_.fin_opposition) {
      return Refuse(Reason::kUnexpectedField, Column::kFinOpposition);
    }
    if (row_.fluide != Fluide::kElectricite && !Blank(Column::kOptionTarifaire)) {
      return Refuse(Reason::kUnexpectedField, Column::kOptionTarifaire);
    }
    return true;
  }

  bool Territory() {
    if (postal_code_ == text::PostalCode::kElsewhere) {
      return Refuse(Reason::kOutOfTerritory, Column::kCodePostal);
    }
    return true;
  }

  EdfRow TakeRow() {
    row_.reference = Text(Column::kReference);
    row_.nom = Text(Column::kNom);
    row_.prenoms = Text(Column::kPrenoms);
    row_.adresse = Text(Column::kAdresse);
    row_.code_postal = Text(Column::kCodePostal);
    row_.commune = Text(Column::kCommune);
    row_.option_tarifaire = Text(Column::kOptionTarifaire);
    return std::move(row_);
  }

  const RawRow& raw_;
  std::array<Cell, kColumns> cells_;
  text::PostalCode postal_code_ = text::PostalCode::kInvalid;
  EdfRow row_;
  FormResult result_;
};

}  // namespace

FormResult JudgeEdfForm(const RawRow& raw) { return EdfJudge(raw).Judge(); }

}  // namespace relais::feeds::internal
