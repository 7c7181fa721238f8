#include "services/vault/export_text.h"

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/crypto/encoding.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/journal_words.h"

namespace relais::vault {
namespace {

constexpr const char* kSections[] = {"documents", "shares", "requests", "hosts"};
constexpr int kSectionCount = 4;

// What LISEZMOI.txt begins with; an instant follows.
constexpr const char* kAllFr =
    "Cette archive contient chaque papier, dans toutes ses versions, que votre coffre-fort gardait le ";
constexpr const char* kCurrentFr =
    "Cette archive contient la seule version actuelle de chaque papier que votre coffre-fort gardait le ";
constexpr const char* kAllEn =
    "This archive holds every paper, in all its versions, that your vault kept on ";
constexpr const char* kCurrentEn =
    "This archive holds the current version alone of each paper that your vault kept on ";

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Instants of rows are within what the mapping can say; another value leaves the rest of an export whole.
  return google::protobuf::util::MessageToJsonString(message, &json, options).ok() ? json : "{}";
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

}  // namespace

std::string ExportReadme(absl::Time made, const std::string& origin, bool current_only) {
  const std::string when = Rfc3339(made);
  return absl::StrCat(
      "VOS PAPIERS\n\n", current_only ? kCurrentFr : kAllFr, when, ".\n",
      current_only ? "Leurs versions antérieures n'y sont pas : redemandez l'archive sans cette limite pour "
                     "les avoir.\n"
                   : "",
      "Ce qui devrait être ici et ne se trouve ou ne se lit plus est nommé dans manifest.json (damaged).\n"
      "Si unreadable y est plus que 0, des lignes du journal ne se lisent plus : un papier dont elles seules "
      "parlent\n"
      "peut manquer ici, et ceux dont le dépôt est parmi elles y sont sans reçu.\n"
      "Cette archive est à vous : rien ici ne demande un logiciel particulier.\n\n"
      "documents/      vos papiers, tels qu'ils ont été déposés\n"
      "receipts/       la preuve du dépôt de chacun\n"
      "certificates/   la preuve de la destruction de ceux qui ont été détruits\n"
      "metadata.json   ce qui est dit de vos papiers, de leurs partages et de vos hébergeurs\n"
      "journal.txt     qui a lu, essayé de lire ou changé quoi, à lire\n"
      "journal.json    la même chose, pour un logiciel\n"
      "manifest.json   la liste de tous ces fichiers avec leur empreinte SHA-256\n\n"
      "Pour vérifier : `relais document check-export ARCHIVE --key CLÉ`, ou comparez les empreintes de "
      "manifest.json\n"
      "avec celles que donne `sha256sum`. CLÉ est la clé publique du journal ",
      origin,
      " : une ligne\n"
      "que donne qui tient ce coffre-fort. Prenez-la de lui, et non de qui vous a remis l'archive ; sans\n"
      "--key elle est lue dans l'annuaire signé (RELAIS_DIRECTORY et RELAIS_KEYS).\n"
      "Seule la preuve qui va avec l'archive, ARCHIVE.proof.json, montre que rien n'y manque :\n"
      "demandez-la à qui vous a remis l'archive et gardez-la avec elle.\n"
      "Une archive sans manifest.json est coupée : demandez-la de nouveau.\n"
      "Gardez-la en lieu sûr : qui l'ouvre lit vos papiers.\n\n"
      "YOUR PAPERS\n\n",
      current_only ? kCurrentEn : kAllEn, when, ".\n",
      current_only ? "Their earlier versions are not in it: ask for the archive again without that limit to "
                     "have them.\n"
                   : "",
      "What should be here and is not found or does not read any more is named in manifest.json (damaged).\n"
      "Where unreadable is more than 0 there, lines of the log do not read any more: a paper that they alone "
      "tell of\n"
      "may be missing here, and those whose deposit is among them are here without a receipt.\n"
      "The archive is yours: nothing in it needs a particular program.\n\n"
      "documents/      your papers, as they were deposited\n"
      "receipts/       the proof that each was deposited\n"
      "certificates/   the proof that those were destroyed which were\n"
      "metadata.json   what is said of your papers, of their shares and of your hosts\n"
      "journal.txt     who read, tried to read or changed what, to be read\n"
      "journal.json    the same, for a program\n"
      "manifest.json   the list of all these files with their SHA-256\n\n"
      "To check it: `relais document check-export ARCHIVE --key KEY`, or compare the hashes of manifest.json "
      "with\n"
      "those of `sha256sum`. KEY is the public key of the log ",
      origin,
      ": one line that whoever runs\n"
      "this vault hands out. Take it from them, not from whoever gave you the archive; without --key it is\n"
      "read from the signed directory (RELAIS_DIRECTORY and RELAIS_KEYS).\n"
      "Only the proof that goes with the archive, ARCHIVE.proof.json, shows that nothing is missing:\n"
      "ask whoever gave you the archive for it, and keep both together.\n"
      "An archive without manifest.json is cut: ask for it again.\n"
      "Keep it in a safe place: whoever opens it reads your papers.\n");
}

void ExportMetadata::Append(int section, const google::protobuf::Message& message) {
  while (section_ < section) {
    absl::StrAppend(&out_, section_ < 0 ? "\n" : "],\n", "\"", kSections[section_ + 1], "\": [\n");
    ++section_;
    empty_ = true;
  }
  absl::StrAppend(&out_, empty_ ? "" : ",\n", Json(message));
  empty_ = false;
}

std::string ExportMetadata::Finish(size_t unreadable) {
  while (section_ + 1 < kSectionCount) {
    absl::StrAppend(&out_, section_ < 0 ? "\n" : "],\n", "\"", kSections[section_ + 1], "\": [\n");
    ++section_;
  }
  return absl::StrCat(out_, "],\n\"unreadable\": ", unreadable, "}\n");
}

std::string ExportJournalLine(const v1::JournalEntry& entry) { return Json(entry); }

std::string ExportJournalEnd(uint64_t unreadable) {
  return absl::StrCat("\n],\n\"unreadable\": ", unreadable, "}\n");
}

std::string ExportJournalSentences(const v1::JournalEntry& entry, const calendar::Paris& paris) {
  return absl::StrCat("\n", JournalSentence(entry, Language::kFrench, paris), "\n",
                      JournalSentence(entry, Language::kEnglish, paris), "\n");
}

std::string ExportJournalTextEnd(uint64_t unreadable) {
  return unreadable == 0 ? ""
                         : absl::StrCat("\nLignes qui ne se lisent plus : ", unreadable,
                                        "\nLines that do not read any more: ", unreadable, "\n");
}

std::string ExportManifestText(const ExportManifest& manifest) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const ExportedFile& file : manifest.files) {
    nlohmann::ordered_json each;
    each["path"] = file.path;
    each["size"] = file.size;
    each["sha256"] = crypto::HexEncode(file.sha256);
    files.push_back(std::move(each));
  }
  nlohmann::ordered_json documents = nlohmann::ordered_json::array();
  for (const ExportedText& text : manifest.texts) {
    nlohmann::ordered_json each;
    each["document_id"] = text.document_id;
    each["version"] = text.version.version();
    each["type"] = CodeOf(text.type);
    each["title"] = text.title;
    each["media_type"] = text.version.media_type();
    each["size"] = text.version.size();
    each["sha256"] = crypto::HexEncode(text.version.sha256());
    each["expires"] = text.expires;
    each["deposited"] = Rfc3339(FromProto(text.version.deposited()));
    each["depositor"] = text.version.depositor().institution();
    each["path"] = text.path;
    each["receipt"] = text.receipt;
    documents.push_back(std::move(each));
  }
  nlohmann::ordered_json destroyed = nlohmann::ordered_json::array();
  for (const ExportedDestruction& paper : manifest.destroyed) {
    nlohmann::ordered_json each;
    each["document_id"] = paper.document_id;
    each["certificate"] = paper.certificate;
    destroyed.push_back(std::move(each));
  }
  nlohmann::ordered_json out;
  out["format"] = "relais-vault-export/1";
  out["export_id"] = manifest.export_id;
  out["made"] = Rfc3339(manifest.made);
  out["origin"] = manifest.origin;
  out["size"] = manifest.log_size;
  out["checkpoint"] = manifest.checkpoint;
  out["person"] = manifest.person;
  out["current_only"] = manifest.current_only;
  out["files"] = std::move(files);
  out["documents"] = std::move(documents);
  out["destroyed"] = std::move(destroyed);
  out["damaged"] = manifest.damaged;
  out["unreadable"] = manifest.unreadable;
  // A title that is not UTF-8 was never taken; were one there, the rest is still hers to have.
  return out.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace relais::vault
