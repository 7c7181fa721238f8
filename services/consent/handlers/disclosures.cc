#include "services/consent/handlers/disclosures.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/withholding.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/rights_rows.h"

namespace relais::consent {
namespace {

std::string DayText(const char* format, absl::Time time, const HistoryWords& words) {
  return absl::FormatTime(format, time, words.paris.zone());
}

std::string NameOf(const common::v1::Party& party, const HistoryWords& words) {
  const directory::Institution* found = words.directory.FindInstitution(party.institution());
  const directory::Function* function = words.directory.FindFunction(party.institution(), party.function());
  const std::string name = found == nullptr ? party.institution() : found->name;
  return function == nullptr ? name : absl::StrCat(name, " (", function->label, ")");
}

struct Both {
  std::string fr;
  std::string en;
};

Both Word(const std::string& code, const directory::CodeEntry* entry) {
  return entry == nullptr ? Both{code, code} : Both{entry->fr, entry->en};
}

// Nothing is told as hers that the leaf does not say is hers (ADR 59).
Both GroundText(common::v1::Ground ground, bool represented) {
  switch (ground) {
    case common::v1::GROUND_AGREEMENT:
      return represented ? Both{"avec l'accord donné pour vous par qui vous représente",
                                "with the agreement given for you by who represents you"}
                         : Both{"avec votre accord", "with your agreement"};
    case common::v1::GROUND_ART2:
      return {"parce que la loi le prévoit pour les factures impayées, sauf si vous vous y opposez",
              "because the law provides for it on unpaid bills, unless you object"};
    case common::v1::GROUND_ART6:
      return {"parce que la loi le prévoit après une coupure, sauf si vous vous y opposez",
              "because the law provides for it after a cut, unless you object"};
    case common::v1::GROUND_CONVENTION:
      return {"parce qu'une convention le prévoit pour les factures impayées, sauf si vous vous y opposez",
              "because a convention provides for it on unpaid bills, unless you object"};
    case common::v1::GROUND_INFO_PREOCCUPANTE:
    case common::v1::GROUND_CASF_226_2_2:
      return {"parce que la loi le prévoit pour protéger un enfant",
              "because the law provides for it to protect a child"};
    case common::v1::GROUND_AUTHORISED_EXIT:
      return {"parce qu'un texte permet d'annoncer votre sortie et sa date, sauf si vous l'avez refusé",
              "because a text lets say that you leave, and when, unless you refused"};
    case common::v1::GROUND_TEAM:
      return {"parce que ces professionnels vous aident ensemble",
              "because these professionals help you together"};
    case common::v1::GROUND_EMERGENCY:
      return {"parce que votre vie était en danger et que vous ne pouviez pas le dire",
              "because your life was in danger and you could not say"};
    default:
      return {"", ""};
  }
}

// What who represents her said; nothing of a reason that does not tell who spoke.
Both DenialTextOfHers(v1::Reason reason) {
  switch (reason) {
    case v1::REASON_REFUSED:
      return {"qui vous représente l'avait refusé pour vous", "who represents you had refused it for you"};
    case v1::REASON_WITHDRAWN:
      return {"qui vous représente avait repris l'accord pour vous",
              "who represents you had taken the agreement back for you"};
    case v1::REASON_EXPIRED:
    case v1::REASON_TERMINATED:
      return {"l'accord donné pour vous avait pris fin", "the agreement given for you had ended"};
    default:
      return {"", ""};
  }
}

// D-2.6.7: the exact reason is for her. Nothing is said of a reason that tells nothing.
Both DenialText(v1::Reason reason, bool represented) {
  if (Both theirs = DenialTextOfHers(reason); represented && !theirs.fr.empty()) {
    return theirs;
  }
  switch (reason) {
    case v1::REASON_REFUSED:
      return {"vous l'aviez refusé", "you had refused it"};
    case v1::REASON_WITHDRAWN:
      return {"vous aviez repris votre accord", "you had taken your agreement back"};
    case v1::REASON_OBJECTED:
      return {"vous vous y étiez opposé(e)", "you had objected to it"};
    case v1::REASON_WINDOW_OPEN:
    case v1::REASON_TOO_EARLY:
      return {"le délai pour vous y opposer n'était pas passé",
              "the time in which you can object was not over"};
    case v1::REASON_CATEGORY_NOT_ALLOWED:
      return {"ces informations ne sont pas permises dans ce cas",
              "this information is not allowed in this case"};
    case v1::REASON_RECIPIENT_NOT_ALLOWED:
      return {"ce destinataire n'a pas à les recevoir", "this recipient is not to receive it"};
    case v1::REASON_EXPLICIT_REQUIRED:
      return {"il fallait pour cela votre accord exprès", "it needed your explicit agreement"};
    case v1::REASON_OFFENCE_NOT_AUTHORISED:
      return {"la loi ne le permet pas à qui l'a demandé", "the law does not allow it to whoever asked"};
    case v1::REASON_EXPIRED:
    case v1::REASON_TERMINATED:
      return {"votre accord avait pris fin", "your agreement had ended"};
    case v1::REASON_MANDATE_ENDED:
      return {"le mandat de la personne qui vous représentait avait pris fin",
              "the mandate of whoever represented you had ended"};
    case v1::REASON_INVALIDATED:
      return {"l'accord a été déclaré non valable", "the agreement was declared invalid"};
    case v1::REASON_NO_GROUND:
      return {"vous n'aviez pas donné votre accord", "you had not given your agreement"};
    case v1::REASON_RESTRICTED:
      return {"vous aviez demandé de geler vos données", "you had asked to freeze your data"};
    default:
      return {"", ""};
  }
}

std::string Because(std::string_view text, std::string_view colon) {
  return text.empty() ? std::string() : std::string(colon).append(text);
}

template <typename Codes>
Both Categories(const Codes& categories, const HistoryWords& words) {
  std::vector<std::string> fr;
  std::vector<std::string> en;
  for (const std::string& category : categories) {
    const Both word = Word(category, words.directory.FindCategory(category));
    fr.push_back(word.fr);
    en.push_back(word.en);
  }
  return {absl::StrJoin(fr, ", "), absl::StrJoin(en, ", ")};
}

// To who has its own alone nothing tells who spoke.
Both GroundTold(common::v1::Ground ground, bool represented, const HistoryWords& words) {
  if (words.collected != nullptr && ground == common::v1::GROUND_AGREEMENT) {
    return {"sur la base d'un accord", "on the basis of an agreement"};
  }
  return GroundText(ground, represented);
}

// On what it was permitted: where categories rest on several grounds, each with its own.
Both GroundsText(const v1::Disclosure& entry, const v1::CheckDecided& check, const HistoryWords& words) {
  std::map<std::pair<common::v1::Ground, bool>, std::vector<std::string>> by_ground;
  for (const v1::CategoryBasis& basis : check.bases()) {
    by_ground[{basis.ground(), basis.represented()}].push_back(basis.category());
  }
  if (by_ground.empty()) {
    return GroundTold(entry.ground(), check.represented(), words);
  }
  if (by_ground.size() == 1) {
    const auto& [ground, represented] = by_ground.begin()->first;
    return GroundTold(ground, represented, words);
  }
  std::vector<std::string> fr;
  std::vector<std::string> en;
  for (const auto& [ground, categories] : by_ground) {
    const Both text = GroundTold(ground.first, ground.second, words);
    const Both what = Categories(categories, words);
    fr.push_back(absl::StrCat(text.fr, " (", what.fr, ")"));
    en.push_back(absl::StrCat(text.en, " (", what.en, ")"));
  }
  return {absl::StrJoin(fr, " ; "), absl::StrJoin(en, "; ")};
}

void SayCheck(absl::Time time, const v1::CheckDecided& check, const HistoryWords& words,
              v1::Disclosure& entry) {
  const Both what = Categories(entry.categories(), words);
  const Both why = Word(entry.purpose(), words.directory.FindPurpose(entry.purpose()));
  const Both ground = GroundsText(entry, check, words);
  const Both denial = DenialText(entry.reason(), check.represented());
  const std::string sender = NameOf(entry.sender(), words);
  const std::string recipient = NameOf(entry.recipient(), words);
  const bool permitted = entry.kind() == v1::DISCLOSURE_KIND_PERMITTED;
  entry.set_fr(absl::StrCat("Le ", DayText("%d/%m/%Y à %H h %M", time, words), ", ", sender,
                            permitted ? " a pu donner à " : " a demandé à donner à ", recipient,
                            " ces informations sur vous : ", what.fr, ". But : ", why.fr, ". ",
                            permitted ? absl::StrCat("C'était permis ", ground.fr, ".")
                                      : absl::StrCat("Cela n'a pas été permis", Because(denial.fr, " : "),
                                                     ". Rien n'a été donné.")));
  entry.set_en(absl::StrCat(
      "On ", DayText("%Y-%m-%d at %H:%M", time, words), ", ", sender,
      permitted ? " could give " : " asked to give ", recipient, " this information about you: ", what.en,
      ". Purpose: ", why.en, ". ",
      permitted ? absl::StrCat("It was allowed ", ground.en, ".")
                : absl::StrCat("It was not allowed", Because(denial.en, ": "), ". Nothing was given.")));
}

v1::WithheldDisclosure Withheld(const audit::OpenedLeaf& leaf, const HistoryWords& words) {
  const absl::Time time = leaf.leaf.time;
  const absl::CivilDay day = words.paris.DayOf(time);
  const absl::CivilDay review = ReviewOn(words.reviews, EventOf(leaf), day);
  v1::WithheldDisclosure out;
  out.set_reason(v1::WITHHELD_REASON_PROTECTION);
  *out.mutable_decided_on() = DateTo(day);
  *out.mutable_review_on() = DateTo(review);
  out.set_review_due(words.paris.DayOf(words.now) >= review);
  out.set_fr(absl::StrCat("Le ", DayText("%d/%m/%Y", time, words),
                          " : une information ne vous est pas montrée, pour protéger une personne ou une "
                          "enquête. Cette décision doit être revue le ",
                          absl::FormatTime("%d/%m/%Y", words.paris.StartOf(review), words.paris.zone()),
                          "."));
  out.set_en(absl::StrCat("On ", DayText("%Y-%m-%d", time, words),
                          ": something is not shown to you, to protect a person or an inquiry. This must be "
                          "looked at again on ",
                          absl::FormatCivilTime(review), "."));
  return out;
}

// What a check says to who has its own alone (D-2.6.7, ADR 78).
v1::CheckDecided OwnOf(v1::CheckDecided check, const std::set<std::string>& collected) {
  check.clear_reason();
  check.clear_represented();
  if (!collected.contains(check.consent_id())) {
    check.clear_consent_id();
  }
  for (v1::CategoryBasis& basis : *check.mutable_bases()) {
    basis.clear_represented();
    if (!collected.contains(basis.consent_id())) {
      basis.clear_consent_id();
    }
  }
  return check;
}

// In which function its agent acted, where that side did not write it itself. It is owed to her: who has its
// own alone is told its own (ADR 78).
bool MayBeToldFunctionOf(const common::v1::Party& side, const HistoryWords& words) {
  return words.collected == nullptr || side.institution() == words.reader;
}

// RGPD art. 15: institution and function. The side that asks for its own institution and leaves its function
// out is known by the leaf's; of who else asks, or where both sides are of one institution, nobody knows
// whose it is.
common::v1::Party PartyTold(const audit::OpenedLeaf& leaf, common::v1::Party side,
                            const common::v1::Party& other, const HistoryWords& words) {
  const bool asked_itself =
      leaf.leaf.header.institution() == side.institution() && other.institution() != side.institution();
  if (side.function().empty() && asked_itself && MayBeToldFunctionOf(side, words)) {
    side.set_function(leaf.details.acting_function());
  }
  return side;
}

HistoryEntry CheckEntry(const audit::OpenedLeaf& leaf, const v1::CheckDecided& recorded,
                        const HistoryWords& words) {
  const audit::v1::LeafHeader& header = leaf.leaf.header;
  if (IsWithheld(header, recorded, words.rules) && !IsShown(words.reviews, EventOf(leaf))) {
    return Withheld(leaf, words);
  }
  const v1::CheckDecided check = words.collected == nullptr ? recorded : OwnOf(recorded, *words.collected);
  v1::Disclosure entry;
  const bool permitted = header.decision() == common::v1::DECISION_PERMIT;
  entry.set_kind(permitted ? v1::DISCLOSURE_KIND_PERMITTED : v1::DISCLOSURE_KIND_DENIED);
  *entry.mutable_sender() = PartyTold(leaf, check.sender(), check.recipient(), words);
  *entry.mutable_recipient() = PartyTold(leaf, check.recipient(), check.sender(), words);
  entry.set_purpose(header.purpose());
  *entry.mutable_categories() = header.categories();
  entry.set_act(check.act());
  if (permitted) {
    // What is not the same for all of it is told in words alone.
    const auto& bases = check.bases();
    const bool one_ground = std::all_of(bases.begin(), bases.end(), [&](const v1::CategoryBasis& basis) {
      return basis.ground() == header.ground();
    });
    const bool one_basis = std::all_of(bases.begin(), bases.end(), [&](const v1::CategoryBasis& basis) {
      return basis.consent_id() == check.consent_id();
    });
    entry.set_ground(one_ground ? header.ground() : common::v1::GROUND_UNSPECIFIED);
    entry.set_consent_id(one_basis ? check.consent_id() : "");
  } else {
    entry.set_reason(check.reason());
  }
  SayCheck(leaf.leaf.time, check, words, entry);
  return entry;
}

const std::string& DeclaredBy(const audit::OpenedLeaf& leaf, const v1::EmergencyDeclared& emergency) {
  return emergency.declared_by().empty() ? leaf.leaf.header.institution() : emergency.declared_by();
}

HistoryEntry EmergencyEntry(const audit::OpenedLeaf& leaf, const v1::EmergencyDeclared& emergency,
                            const HistoryWords& words) {
  if (IsWithheld(emergency, words.rules) && !IsShown(words.reviews, EventOf(leaf))) {
    return Withheld(leaf, words);
  }
  v1::Disclosure entry;
  entry.set_kind(v1::DISCLOSURE_KIND_EMERGENCY);
  entry.mutable_sender()->set_institution(DeclaredBy(leaf, emergency));
  if (MayBeToldFunctionOf(entry.sender(), words)) {
    entry.mutable_sender()->set_function(leaf.details.acting_function());
  }
  *entry.mutable_recipient() = emergency.recipient();
  *entry.mutable_categories() = leaf.leaf.header.categories();
  entry.set_ground(common::v1::GROUND_EMERGENCY);
  entry.set_consent_id(emergency.emergency_id());
  const Both what = Categories(entry.categories(), words);
  entry.set_fr(absl::StrCat("Le ", DayText("%d/%m/%Y à %H h %M", leaf.leaf.time, words), ", ",
                            NameOf(entry.sender(), words),
                            " a déclaré que votre vie était en danger. Cela a permis de donner à ",
                            NameOf(entry.recipient(), words), " : ", what.fr, "."));
  entry.set_en(absl::StrCat("On ", DayText("%Y-%m-%d at %H:%M", leaf.leaf.time, words), ", ",
                            NameOf(entry.sender(), words),
                            " declared that your life was in danger. This allowed giving ",
                            NameOf(entry.recipient(), words), ": ", what.en, "."));
  return entry;
}

// What somebody did by whom nothing left the registry's own hands.
Both ActText(v1::DisclosureKind kind) {
  switch (kind) {
    case v1::DISCLOSURE_KIND_EXPORTED:
      return {"a copié pour vous ce qui est gardé sur vous", "copied for you what is kept about you"};
    case v1::DISCLOSURE_KIND_COMPARED:
      return {
          "a comparé votre nom et votre date de naissance avec une autre fiche, pour savoir si c'est vous",
          "compared your name and date of birth with another record, to know whether it is you"};
    case v1::DISCLOSURE_KIND_RECEIPT_GIVEN:
      return {"a donné le reçu d'un de vos accords", "gave the receipt of one of your agreements"};
    default:
      return {"a lu cet historique pour vous", "read this history for you"};
  }
}

HistoryEntry ReadEntry(const audit::OpenedLeaf& leaf, v1::DisclosureKind kind, const HistoryWords& words) {
  v1::Disclosure entry;
  entry.set_kind(kind);
  entry.mutable_sender()->set_institution(leaf.leaf.header.institution());
  entry.mutable_sender()->set_function(leaf.details.acting_function());
  const Both act = ActText(kind);
  const std::string who = NameOf(entry.sender(), words);
  entry.set_fr(
      absl::StrCat("Le ", DayText("%d/%m/%Y à %H h %M", leaf.leaf.time, words), ", ", who, " ", act.fr, "."));
  entry.set_en(
      absl::StrCat("On ", DayText("%Y-%m-%d at %H:%M", leaf.leaf.time, words), ", ", who, " ", act.en, "."));
  return entry;
}

std::optional<HistoryEntry> Unfinished(const audit::OpenedLeaf& leaf, const HistoryWords& words) {
  switch (leaf.leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_CHECK_DECIDED: {
      v1::CheckDecided check;
      if (!leaf.details.payload().UnpackTo(&check)) {
        return Withheld(leaf, words);  // whatever it is: it is counted, and nothing of it is told
      }
      return CheckEntry(leaf, check, words);
    }
    case audit::v1::EVENT_CLASS_EMERGENCY_DECLARED: {
      v1::EmergencyDeclared emergency;
      if (!leaf.details.payload().UnpackTo(&emergency)) {
        return Withheld(leaf, words);
      }
      return EmergencyEntry(leaf, emergency, words);
    }
    case audit::v1::EVENT_CLASS_HISTORY_READ:
      return ReadEntry(leaf, v1::DISCLOSURE_KIND_HISTORY_READ, words);
    case audit::v1::EVENT_CLASS_RIGHTS_EXPORTED:
      return ReadEntry(leaf, v1::DISCLOSURE_KIND_EXPORTED, words);
    case audit::v1::EVENT_CLASS_CANDIDATE_COMPARED:
      return ReadEntry(leaf, v1::DISCLOSURE_KIND_COMPARED, words);
    case audit::v1::EVENT_CLASS_RECEIPT_GIVEN:
      return ReadEntry(leaf, v1::DISCLOSURE_KIND_RECEIPT_GIVEN, words);
    default:
      return std::nullopt;
  }
}

}  // namespace

Id128 EventOf(const audit::OpenedLeaf& leaf) {
  const absl::StatusOr<Id128> event = Id128::FromBytes(leaf.leaf.header.event_id());
  return event.ok() ? *event : Id128();
}

std::optional<Withholding> WithholdingOf(const audit::OpenedLeaf& leaf, const Rules& rules) {
  if (leaf.leaf.header.exercise() || leaf.leaf.header.institution() == kRegistry) {
    return std::nullopt;
  }
  v1::CheckDecided check;
  if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED &&
      leaf.details.payload().UnpackTo(&check)) {
    return WithholdingOf(leaf.leaf.header, check, rules);
  }
  v1::EmergencyDeclared emergency;
  if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_EMERGENCY_DECLARED &&
      leaf.details.payload().UnpackTo(&emergency)) {
    return WithholdingOf(emergency, rules);
  }
  return std::nullopt;
}

bool IsPartyTo(const audit::OpenedLeaf& leaf, std::string_view institution) {
  v1::CheckDecided check;
  if (leaf.details.payload().UnpackTo(&check)) {
    return check.sender().institution() == institution || check.recipient().institution() == institution;
  }
  v1::EmergencyDeclared emergency;
  if (leaf.details.payload().UnpackTo(&emergency)) {
    return DeclaredBy(leaf, emergency) == institution || emergency.recipient().institution() == institution;
  }
  return leaf.leaf.header.institution() == institution;
}

std::optional<HistoryEntry> EntryOf(const audit::OpenedLeaf& leaf, const HistoryWords& words) {
  if (leaf.leaf.header.exercise()) {
    return std::nullopt;  // it disclosed nothing (api.md)
  }
  std::optional<HistoryEntry> entry = Unfinished(leaf, words);
  if (entry) {
    if (auto* shown = std::get_if<v1::Disclosure>(&*entry)) {
      *shown->mutable_time() = TimeTo(leaf.leaf.time);
      shown->set_leaf_index(leaf.index);
    }
  }
  return entry;
}

}  // namespace relais::consent
