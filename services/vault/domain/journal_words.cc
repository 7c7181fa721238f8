#include "services/vault/domain/journal_words.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "services/vault/domain/document_types.h"

namespace relais::vault {
namespace {

using Entry = v1::JournalEntry;

struct Words {
  const char* french;
  const char* english;
  [[nodiscard]] const char* In(Language language) const {
    return language == Language::kFrench ? french : english;
  }
};
struct Named {
  std::string_view name;
  Words words;
};
struct Deed {
  Entry::Act act;
  std::string_view outcome;  // empty: any other; after those of the same act that have one
  Words words;
};
struct Wish {
  Entry::Act act;
  Words words;
};

constexpr Words kUnknownDeed = {"a fait autre chose", "did something else"};
constexpr Words kUnknownWish = {"faire autre chose", "do something else"};

// Of UPLOAD and DESTROYED the outcome is `reason`; of LOOKED and MAINTAINED it is `what`, and of MAINTAINED
// `outcome` too.
constexpr Deed kDeeds[] = {
    {Entry::ACT_DEPOSITED,
     "PENDING_CONSENT",
     {"a déposé un papier, qui attend votre accord", "deposited a paper, which waits for your agreement"}},
    {Entry::ACT_DEPOSITED, "", {"a déposé un papier", "deposited a paper"}},
    {Entry::ACT_UPLOAD, "BEGUN", {"a commencé à déposer un papier", "began to deposit a paper"}},
    {Entry::ACT_UPLOAD, "ABANDONED", {"a renoncé à déposer un papier", "gave up depositing a paper"}},
    {Entry::ACT_UPLOAD,
     "EXPIRED",
     {"n'a pas fini à temps de déposer un papier", "did not finish depositing a paper in time"}},
    {Entry::ACT_UPLOAD, "", {"n'a pas pu déposer un papier", "could not deposit a paper"}},
    {Entry::ACT_READ, "", {"a lu un papier", "read a paper"}},
    {Entry::ACT_READ_CUT,
     "",
     {"a été interrompu en lisant un papier", "was interrupted while reading a paper"}},
    {Entry::ACT_LOOKED,
     "METADATA",
     {"a regardé ce qui est dit d'un papier", "looked at what is said of a paper"}},
    {Entry::ACT_LOOKED, "LIST", {"a regardé la liste de vos papiers", "looked at the list of your papers"}},
    {Entry::ACT_LOOKED,
     "COUNT",
     {"a regardé combien de papiers vous avez", "looked at how many papers you have"}},
    {Entry::ACT_LOOKED, "JOURNAL", {"a regardé ce journal", "looked at this journal"}},
    {Entry::ACT_LOOKED, "SHARES", {"a regardé vos partages", "looked at your shares"}},
    {Entry::ACT_LOOKED,
     "REQUESTS",
     {"a regardé les papiers qu'on vous demande", "looked at the papers that you are asked for"}},
    {Entry::ACT_LOOKED, "HOSTS", {"a regardé qui vous héberge", "looked at who your hosts are"}},
    {Entry::ACT_LOOKED,
     "UPLOAD",
     {"a regardé où en est le dépôt d'un papier", "looked at how far the deposit of a paper has come"}},
    {Entry::ACT_LOOKED,
     "RECEIPT",
     {"a pris la preuve du dépôt ou de la destruction d'un papier",
      "took the proof that a paper was deposited or destroyed"}},
    {Entry::ACT_LOOKED, "", {"a regardé votre coffre-fort", "looked at your vault"}},
    {Entry::ACT_CHANGED, "", {"a changé ce qui est dit d'un papier", "changed what is said of a paper"}},
    {Entry::ACT_VERIFIED, "INTACT", {"a vérifié un papier : il est intact", "checked a paper: it is intact"}},
    {Entry::ACT_VERIFIED, "MISSING", {"a vérifié un papier : il manque", "checked a paper: it is missing"}},
    {Entry::ACT_VERIFIED,
     "ALTERED",
     {"a vérifié un papier : il est abîmé", "checked a paper: it is damaged"}},
    {Entry::ACT_VERIFIED,
     "HASH_DIFFERS",
     {"a vérifié un papier : ce n'est pas celui qui a été déposé",
      "checked a paper: it is not the one that was deposited"}},
    {Entry::ACT_VERIFIED,
     "ROLLED_BACK",
     {"a vérifié un papier : une version plus ancienne a été remise à sa place",
      "checked a paper: an older version was put in its place"}},
    {Entry::ACT_VERIFIED,
     "LOG_UNREADABLE",
     {"a vérifié un papier : la preuve de son dépôt ne se lit plus",
      "checked a paper: the proof of its deposit does not read any more"}},
    {Entry::ACT_VERIFIED, "", {"a vérifié un papier", "checked a paper"}},
    {Entry::ACT_DESTROYED,
     "HERS",
     {"a détruit un papier, à votre demande", "destroyed a paper, at your wish"}},
    {Entry::ACT_DESTROYED,
     "REFUSED_DROP",
     {"a détruit un papier, que votre accord ne permettait pas de déposer",
      "destroyed a paper, which your agreement did not permit to be deposited"}},
    {Entry::ACT_DESTROYED, "", {"a détruit un papier", "destroyed a paper"}},
    {Entry::ACT_SHARE, "ACTIVE", {"a commencé un partage", "made a share"}},
    {Entry::ACT_SHARE, "SUSPENDED", {"a suspendu un partage", "suspended a share"}},
    {Entry::ACT_SHARE, "REVOKED", {"a mis fin à un partage", "ended a share"}},
    {Entry::ACT_SHARE,
     "WITHDRAWN",
     {"a mis fin à un partage, car vous n'en êtes plus d'accord",
      "ended a share, as you no longer agree to it"}},
    {Entry::ACT_SHARE,
     "EXPIRED",
     {"a mis fin à un partage, dont le temps est passé", "ended a share, whose time was over"}},
    {Entry::ACT_SHARE,
     "DESTROYED",
     {"a mis fin à un partage, dont le papier est détruit", "ended a share, whose paper is destroyed"}},
    {Entry::ACT_SHARE, "", {"a changé un partage", "changed a share"}},
    {Entry::ACT_REQUEST, "PENDING", {"vous a demandé un papier", "asked you for a paper"}},
    {Entry::ACT_REQUEST,
     "GRANTED",
     {"a noté que vous donnez un papier demandé", "noted that you give a paper that was asked for"}},
    {Entry::ACT_REQUEST,
     "REFUSED",
     {"a noté que vous refusez un papier demandé", "noted that you refuse a paper that was asked for"}},
    {Entry::ACT_REQUEST,
     "EXPIRED",
     {"a mis fin à une demande de papier, dont le temps est passé",
      "ended a request for a paper, whose time was over"}},
    {Entry::ACT_REQUEST, "", {"a changé une demande de papier", "changed a request for a paper"}},
    {Entry::ACT_HOST, "ACTIVE", {"a noté qui vous héberge", "noted who your host is"}},
    {Entry::ACT_HOST, "UNLINKED", {"a mis fin à votre hébergement", "ended what a host does for you"}},
    {Entry::ACT_HOST,
     "WITHDRAWN",
     {"a mis fin à votre hébergement, car vous n'en êtes plus d'accord",
      "ended what a host does for you, as you no longer agree to it"}},
    {Entry::ACT_HOST,
     "EXPIRED",
     {"a mis fin à votre hébergement, dont le temps est passé",
      "ended what a host does for you, whose time was over"}},
    {Entry::ACT_HOST,
     "SUSPENDED",
     {"a suspendu votre hébergement, car votre accord n'a pas pu être vérifié",
      "suspended what a host does for you, as your agreement could not be checked"}},
    {Entry::ACT_HOST, "", {"a changé votre hébergement", "changed what a host does for you"}},
    {Entry::ACT_EXPORTED,
     "BEGUN",
     {"a commencé à emporter tout votre coffre-fort", "began to take all of your vault away"}},
    {Entry::ACT_EXPORTED, "ENDED", {"a emporté tout votre coffre-fort", "took all of your vault away"}},
    {Entry::ACT_EXPORTED, "", {"a demandé tout votre coffre-fort", "asked for all of your vault"}},
    {Entry::ACT_REMINDED,
     "",
     {"a rappelé qu'un papier va expirer", "sent a reminder that a paper will expire"}},
    {Entry::ACT_MAINTAINED, "SCRUB", {"a vérifié tous les coffres-forts", "checked all vaults"}},
    {Entry::ACT_MAINTAINED,
     "CLOSURE",
     {"a annoncé que le coffre-fort ferme", "announced that the vault closes"}},
    {Entry::ACT_MAINTAINED,
     "KEYS_EPOCH",
     {"a changé les clés du coffre-fort", "changed the keys of the vault"}},
    {Entry::ACT_MAINTAINED,
     "KEYS_PERSON",
     {"a changé les clés de vos papiers", "changed the keys of your papers"}},
    {Entry::ACT_MAINTAINED,
     "RESTORED",
     {"a remis les coffres-forts en service après une perte, à partir de ce qui restait ou d'une sauvegarde",
      "put all vaults back to work after a loss, from what was left or from a backup"}},
    {Entry::ACT_MAINTAINED, "", {"a entretenu le coffre-fort", "maintained the vault"}},
    {Entry::ACT_EXPORT_CUT,
     "",
     {"a été interrompu en emportant votre coffre-fort", "was interrupted while taking your vault away"}},
};

// After "a tenté de", "tried to".
constexpr Wish kWishes[] = {
    {Entry::ACT_UNSPECIFIED, {"faire plusieurs choses", "do several things"}},
    {Entry::ACT_DEPOSITED, {"garder un papier", "keep a paper"}},
    {Entry::ACT_UPLOAD, {"déposer un papier", "deposit a paper"}},
    {Entry::ACT_READ, {"lire un papier", "read a paper"}},
    {Entry::ACT_READ_CUT, {"finir de lire un papier", "finish reading a paper"}},
    {Entry::ACT_LOOKED, {"regarder votre coffre-fort", "look at your vault"}},
    {Entry::ACT_CHANGED, {"changer ce qui est dit d'un papier", "change what is said of a paper"}},
    {Entry::ACT_VERIFIED, {"vérifier un papier", "check a paper"}},
    {Entry::ACT_DESTROYED, {"détruire un papier", "destroy a paper"}},
    {Entry::ACT_SHARE, {"commencer ou finir un partage", "make or end a share"}},
    {Entry::ACT_REQUEST,
     {"demander un papier ou noter votre réponse", "ask for a paper or note your answer"}},
    {Entry::ACT_HOST, {"changer qui vous héberge", "change who your host is"}},
    {Entry::ACT_EXPORTED, {"emporter tout votre coffre-fort", "take all of your vault away"}},
    {Entry::ACT_REMINDED, {"rappeler qu'un papier va expirer", "send a reminder that a paper will expire"}},
    {Entry::ACT_MAINTAINED, {"entretenir le coffre-fort", "maintain the vault"}},
    {Entry::ACT_EXPORT_CUT, {"finir d'emporter votre coffre-fort", "finish taking your vault away"}},
};

// Values of relais.common.v1.ErrorReason, and causes of DocumentReadCut and VaultExportCut.
constexpr Named kReasons[] = {
    {"AGENT_REQUIRED", {"il n'était pas dit qui agit", "it was not said which human acts"}},
    {"CLOCK_JUMPED_BACK", {"l'horloge du coffre-fort a reculé", "the vault's clock went back"}},
    {"CONNECTION_LOST", {"la liaison s'est coupée", "the connection ended"}},
    {"DAMAGED", {"un papier est abîmé", "a paper is damaged"}},
    {"DEADLINE_REQUIRED", {"le temps d'attente n'était pas dit", "it was not said how long to wait"}},
    {"DESTROYED", {"le papier a été détruit", "the paper was destroyed"}},
    {"DIRECTORY_EXPIRED", {"l'annuaire n'était plus à jour", "the directory was past its last day"}},
    {"DISK_FULL", {"le disque du coffre-fort est presque plein", "the vault's disk is nearly full"}},
    {"DOCUMENT_DAMAGED", {"le papier est abîmé", "the paper is damaged"}},
    {"DUPLICATE_DOCUMENT", {"le même papier y est déjà", "the same paper is already there"}},
    {"ETAG_MISMATCH", {"cela avait changé entre-temps", "it had changed since it was read"}},
    {"EXPIRED", {"le temps permis était passé", "what allowed it was over"}},
    {"FAILED", {"le coffre-fort n'a pas pu le faire", "the vault could not do it"}},
    {"HASH_MISMATCH", {"ce n'est pas ce qui était annoncé", "what came is not what was announced"}},
    {"IMMEDIATE_DANGER",
     {"un danger immédiat ne s'envoie pas ainsi", "an immediate danger is not sent this way"}},
    {"INTERNAL", {"le coffre-fort a eu une panne", "the vault failed"}},
    {"INTERRUPTED_TOO_OFTEN", {"trop d'interruptions", "too many interruptions"}},
    {"INVALID_FIELDS", {"la demande était mal écrite", "what was asked was not said rightly"}},
    {"MALWARE_FOUND", {"un virus y a été trouvé", "a virus was found in it"}},
    {"MISSING_CAPABILITY", {"cette fonction ne le permet pas", "that function may not do it"}},
    {"MISSING_ROLE", {"cette institution n'y est pas autorisée", "that institution may not do it"}},
    {"NIR_DETECTED", {"un numéro de sécurité sociale y était écrit", "a social security number was in it"}},
    {"NOT_AUTHENTICATED", {"on ne sait pas qui demandait", "it was not known who asks"}},
    {"NOT_A_PARTY", {"cela ne les concerne pas", "it does not concern them"}},
    {"NOT_PERMITTED", {"votre accord ne le permet pas", "your agreement does not permit it"}},
    {"NOT_YOUR_HANDLE",
     {"ce nom de vous est à une autre institution", "that name of yours is another institution's"}},
    {"NO_SUCH_OR_NOT_YOURS", {"cela n'existe pas, ou pas pour eux", "not there, or not for them"}},
    {"OFFSET_MISMATCH", {"il manquait des morceaux", "parts were missing"}},
    {"OVERLOADED", {"trop de demandes à la fois", "too many at once"}},
    {"PEER_BEHIND",
     {"vos accords ne se lisaient pas à ce moment", "your agreements could not be followed just then"}},
    {"PEER_UNAVAILABLE",
     {"le registre de vos accords ne répondait pas", "the registry of your agreements did not answer"}},
    {"PERMIT_ENDED", {"le permis de lire était fini", "the permit to read had ended"}},
    {"QUOTA_EXCEEDED", {"il n'y avait plus de place", "there was no room for it"}},
    {"REASON_REQUIRED", {"il n'était pas dit pourquoi", "it was not said why"}},
    {"REQUEST_ID_REUSED",
     {"ce numéro de demande avait déjà servi", "that number of a request had served before"}},
    {"REVOKED", {"le partage a pris fin", "the share was ended"}},
    {"SCANNER_UNAVAILABLE", {"l'antivirus ne répondait pas", "the virus scanner did not answer"}},
    {"SECOND_PERSON_REQUIRED", {"quelqu'un d'autre doit le faire", "somebody else must do it"}},
    {"STORE_FAILED", {"le coffre-fort n'a pas pu écrire", "the vault could not write"}},
    {"SUSPENDED",
     {"vos accords ne se lisaient pas à ce moment", "your agreements could not be followed just then"}},
    {"TOO_LARGE", {"c'est trop gros", "it is too large"}},
    {"TYPE_NOT_ALLOWED",
     {"ce genre de fichier n'est pas pris, ou n'est pas celui annoncé",
      "that kind of file is not taken, or is not the one announced"}},
    {"UNKNOWN_CODE", {"un mot que l'annuaire ne connaît pas", "a word that the directory does not know"}},
    {"UNLINKED", {"l'hébergeur n'agit plus pour vous", "the host no longer acts for you"}},
    {"VAULT_CLOSED", {"le coffre-fort ferme", "the vault closes"}},
    {"WITHDRAWN", {"vous avez retiré votre accord", "you withdrew your agreement"}},
    {"WRONG_STATE", {"ce n'était pas ou plus possible", "it was not possible, or no longer"}},
};

constexpr Named kTypes[] = {
    {"IDENTITY_CARD", {"carte d'identité", "identity card"}},
    {"PASSPORT", {"passeport", "passport"}},
    {"RESIDENCE_PERMIT", {"titre de séjour", "residence permit"}},
    {"BIRTH_CERTIFICATE", {"acte de naissance", "birth certificate"}},
    {"FAMILY_BOOK", {"livret de famille", "family book"}},
    {"TAX_NOTICE", {"avis d'impôt", "tax notice"}},
    {"BENEFIT_ATTESTATION", {"attestation de droits", "benefit attestation"}},
    {"HEALTH_COVER", {"couverture maladie", "health cover"}},
    {"PAYSLIP", {"bulletin de paie", "payslip"}},
    {"LEASE", {"bail", "lease"}},
    {"BANK_DETAILS", {"coordonnées bancaires", "bank details"}},
    {"DOMICILIATION", {"attestation d'élection de domicile", "domiciliation certificate"}},
    {"MEDICAL", {"papier médical", "medical paper"}},
    {"JUDGMENT", {"jugement", "judgment"}},
    {"CRIMINAL_JUDGMENT", {"jugement pénal", "criminal judgment"}},
    {"DIPLOMA", {"diplôme", "diploma"}},
    {"OTHER", {"autre papier", "other paper"}},
};

constexpr Named kFields[] = {
    {"expires", {"sa date de fin", "its last day"}},
    {"state", {"son état", "its state"}},
    {"title", {"son titre", "its title"}},
    {"type", {"son genre", "its kind"}},
};

// What has no words is its name, readable.
template <size_t kSize>
std::string InWords(const Named (&table)[kSize], const std::string& name, Language language) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Named& each) { return each.name == name; });
  if (found != std::end(table)) {
    return found->words.In(language);
  }
  std::string readable = absl::AsciiStrToLower(name);
  std::replace(readable.begin(), readable.end(), '_', ' ');
  return readable;
}

std::string OutcomeOf(const Entry& entry) {
  switch (entry.act()) {
    case Entry::ACT_UPLOAD:
      return entry.reason().empty() ? "BEGUN" : entry.reason();
    case Entry::ACT_DESTROYED:
      return entry.reason();
    case Entry::ACT_LOOKED:
    case Entry::ACT_MAINTAINED:
      return entry.what();
    default:
      return entry.outcome();
  }
}

Words DeedOf(const Entry& entry) {
  const std::string outcome = OutcomeOf(entry);
  const auto* found = std::find_if(std::begin(kDeeds), std::end(kDeeds), [&](const Deed& deed) {
    return deed.act == entry.act() && (deed.outcome.empty() || deed.outcome == outcome);
  });
  return found == std::end(kDeeds) ? kUnknownDeed : found->words;
}

Words WishOf(const Entry& entry) {
  const auto* found = std::find_if(std::begin(kWishes), std::end(kWishes),
                                   [&](const Wish& wish) { return wish.act == entry.act(); });
  return found == std::end(kWishes) ? kUnknownWish : found->words;
}

// Why it did not come to its end; empty: it did, or the deed says it.
std::string WhyNot(const Entry& entry, Language language) {
  const bool deed_says = entry.act() == Entry::ACT_DESTROYED || entry.reason() == "ABANDONED" ||
                         (entry.act() == Entry::ACT_UPLOAD && entry.reason() == "EXPIRED");
  return entry.reason().empty() || (entry.allowed() && deed_says)
             ? ""
             : InWords(kReasons, entry.reason(), language);
}

std::string Instant(absl::Time time, Language language, const calendar::Paris& paris) {
  return absl::FormatTime(language == Language::kFrench ? "%d/%m/%Y à %H h %M" : "%Y-%m-%d at %H:%M", time,
                          paris.zone());
}

std::string Day(const common::v1::Date& day, Language language) {
  return language == Language::kFrench
             ? absl::StrFormat("%02d/%02d/%04d", day.day(), day.month(), day.year())
             : absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

std::string PartyOf(const common::v1::Party& party, Language language) {
  constexpr std::string_view kService = "service/";
  if (party.institution() == "service/vault") {
    return Words{"le coffre-fort lui-même", "the vault itself"}.In(language);
  }
  if (party.institution().compare(0, kService.size(), kService) == 0) {
    return absl::StrCat(Words{"le service ", "the service "}.In(language),
                        party.institution().substr(kService.size()));
  }
  return party.function().empty() ? party.institution()
                                  : absl::StrCat(party.institution(), " (", party.function(), ")");
}

Words PartyWord(Entry::Act act) {
  switch (act) {
    case Entry::ACT_SHARE:
      return {"avec ", "with "};
    case Entry::ACT_REQUEST:
      return {"demandé par ", "asked for by "};
    case Entry::ACT_HOST:
      return {"hébergeur : ", "host: "};
    default:
      return {"pour ", "for "};
  }
}

std::vector<std::string> DetailsOf(const Entry& entry, Language language, const calendar::Paris& paris) {
  std::vector<std::string> said;
  const auto say = [&](bool is_said, Words words, const std::string& value) {
    if (is_said) {
      said.push_back(absl::StrCat(words.In(language), value));
    }
  };
  for (const int type : entry.types()) {
    say(true, {"", ""}, InWords(kTypes, CodeOf(static_cast<v1::DocumentType>(type)), language));
  }
  say(!entry.document_id().empty(), {"papier ", "paper "}, entry.document_id());
  say(entry.version() != 0, {"version ", "version "}, absl::StrCat(entry.version()));
  for (const std::string& field : entry.fields()) {
    say(true, {"", ""}, InWords(kFields, field, language));
  }
  say(!entry.recipient().institution().empty(), PartyWord(entry.act()), PartyOf(entry.recipient(), language));
  say(entry.act() != Entry::ACT_SHARE && !entry.share_id().empty(), {"par un partage", "under a share"}, "");
  say(entry.has_until(), {"jusqu'au ", "until "}, Instant(FromProto(entry.until()), language, paris));
  say(entry.has_closure(), {"dernier jour : ", "last day: "}, Day(entry.closure().closing_day(), language));
  say(entry.has_closure(), {"papiers à reprendre jusqu'au ", "papers can be had until "},
      Day(entry.closure().retrieval_until(), language));
  return said;
}

std::string DoneOrTried(const Entry& entry, Language language) {
  if (entry.allowed()) {
    return DeedOf(entry).In(language);
  }
  std::string times;
  if (entry.count() > 1) {
    times = absl::StrCat(" ", entry.count(), Words{" fois", " times"}.In(language));
  }
  return absl::StrCat(Words{"a tenté", "tried"}.In(language), times, Words{" de ", " to "}.In(language),
                      WishOf(entry).In(language),
                      Words{", sans y être admis", ", and was refused"}.In(language));
}

}  // namespace

std::string JournalSentence(const Entry& entry, Language language, const calendar::Paris& paris) {
  const std::vector<std::string> details = DetailsOf(entry, language, paris);
  const std::string why = WhyNot(entry, language);
  std::string sentence =
      absl::StrCat(Words{"Le ", "On "}.In(language), Instant(FromProto(entry.time()), language, paris), ", ",
                   PartyOf(entry.who(), language), " ", DoneOrTried(entry, language),
                   details.empty() ? "" : absl::StrCat(" (", absl::StrJoin(details, ", "), ")"),
                   why.empty() ? "" : absl::StrCat(Words{" : ", ": "}.In(language), why), ".");
  std::replace_if(
      sentence.begin(), sentence.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); }, '?');
  return sentence;
}

}  // namespace relais::vault
