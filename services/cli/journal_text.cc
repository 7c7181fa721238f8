#include "services/cli/journal_text.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "services/cli/document_verbs.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/vault/domain/journal_words.h"

namespace relais::cli {
namespace {

using Entry = vault::v1::JournalEntry;

struct Words {
  std::string_view name;
  const char* words;
};

// Values of relais.common.v1.ErrorReason: each has words, though some are never met in a vault.
constexpr Words kRefusals[] = {
    {"AGENT_REQUIRED", "it was not said which human acts"},
    {"CLOCK_JUMPED_BACK", "the vault's clock went back: it waited"},
    {"DEADLINE_REQUIRED", "it was not said how long the answer is waited for"},
    {"DIRECTORY_EXPIRED", "the directory was past its last day"},
    {"DISK_FULL", "the vault's disk is nearly full"},
    {"DOCUMENT_DAMAGED", "the paper is damaged"},
    {"DUPLICATE_DOCUMENT", "the same text is already there"},
    {"ETAG_MISMATCH", "it had changed since it was read"},
    {"HASH_MISMATCH", "what came is not what was announced"},
    {"IMMEDIATE_DANGER", "it is of an immediate danger, which is not sent this way"},
    {"INTERNAL", "the vault failed"},
    {"INTERRUPTED_TOO_OFTEN", "it was interrupted too often"},
    {"INVALID_FIELDS", "it did not say rightly what it wanted"},
    {"MALWARE_FOUND", "malware was found in it"},
    {"MISSING_CAPABILITY", "that function may not do it"},
    {"MISSING_ROLE", "that institution has no role that may do it"},
    {"NIR_DETECTED", "it held a social security number"},
    {"NO_SUCH_OR_NOT_YOURS", "not there, or not for them"},
    {"NOT_A_PARTY", "they are none of the two whom it is about"},
    {"NOT_AUTHENTICATED", "it was not known who asks"},
    {"NOT_PERMITTED", "her agreement does not permit it"},
    {"NOT_YOUR_HANDLE", "that name of hers is another institution's"},
    {"OFFSET_MISMATCH", "bytes were missing"},
    {"OVERLOADED", "too many at once"},
    {"PEER_BEHIND", "her agreements could not be followed at that moment"},
    {"PEER_UNAVAILABLE", "the consent registry did not answer"},
    {"QUOTA_EXCEEDED", "there was no room for it"},
    {"REASON_REQUIRED", "it was not said why"},
    {"REQUEST_ID_REUSED", "something else had been asked under the same id"},
    {"SCANNER_UNAVAILABLE", "the malware scanner did not answer"},
    {"SECOND_PERSON_REQUIRED", "somebody else must do it"},
    {"STORE_FAILED", "the vault could not write"},
    {"TOO_LARGE", "it is too large"},
    {"TYPE_NOT_ALLOWED", "it is of no type that the vault takes, or of another than was announced"},
    {"UNKNOWN_CODE", "a code that the directory does not know"},
    {"VAULT_CLOSED", "the vault closes"},
    {"WRONG_STATE", "what it was about was in no state for it"},
};

// DocumentReadCut.cause and VaultExportCut.cause.
constexpr Words kCuts[] = {
    {"CONNECTION_LOST", "the connection ended"},
    {"DAMAGED", "a paper is damaged"},
    {"DESTROYED", "it was destroyed"},
    {"EXPIRED", "what allowed it was over"},
    {"FAILED", "the vault failed"},
    {"PERMIT_ENDED", "its permit ended, and another could not be asked for at that moment"},
    {"REVOKED", "the share was ended"},
    {"SUSPENDED", "her agreements could not be followed at that moment"},
    {"UNLINKED", "the host no longer acts for her"},
    {"WITHDRAWN", "she withdrew"},
};

// DocumentDestroyed.cause.
constexpr Words kDestroyed[] = {
    {"HERS", "at her wish"},
    {"REFUSED_DROP", "her agreement did not permit its deposit"},
};

// "PENDING_CONSENT" as "pending consent".
std::string Readable(const std::string& name) {
  std::string words = absl::AsciiStrToLower(name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

// What has no words of its own is the name, readable.
template <size_t kSize>
std::string InWords(const Words (&table)[kSize], const std::string& name) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Words& each) { return each.name == name; });
  if (found != std::end(table)) {
    return found->words;
  }
  return Readable(name);
}

std::string RefusedText(const Entry& entry) {
  return absl::StrCat("refused", entry.count() > 1 ? absl::StrCat(" ×", entry.count()) : "", ": ",
                      entry.reason().empty() ? "for several reasons" : InWords(kRefusals, entry.reason()));
}

std::string UploadText(const Entry& entry) {
  if (entry.reason().empty()) {
    return "begun";
  }
  if (entry.reason() == "ABANDONED") {
    return "given up";
  }
  return entry.reason() == "EXPIRED" ? absl::StrCat("ended: ", EndedText(entry.reason()))
                                     : RefusedText(entry);
}

// What an act came to that can come to several things.
std::string DoneText(const Entry& entry) {
  switch (entry.act()) {
    case Entry::ACT_DEPOSITED:
    case Entry::ACT_CHANGED:
      return entry.outcome().empty() || entry.outcome() == "ACTIVE"
                 ? "done"
                 : absl::StrCat("done: ", Readable(entry.outcome()));
    case Entry::ACT_DESTROYED:
      return entry.reason().empty() ? "done" : absl::StrCat("done: ", InWords(kDestroyed, entry.reason()));
    default:
      return entry.outcome().empty() ? "done" : Readable(entry.outcome());
  }
}

std::string TypesText(const Entry& entry) {
  std::vector<std::string> types;
  for (const int type : entry.types()) {
    types.push_back(Readable(EnumText(static_cast<vault::v1::DocumentType>(type))));
  }
  return absl::StrJoin(types, ", ");
}

// "share 0a…", or nothing.
void Say(std::string_view what, const std::string& value, std::vector<std::string>& said) {
  if (!value.empty()) {
    said.push_back(what.empty() ? value : absl::StrCat(std::string(what), " ", value));
  }
}

// With whom, or by whom, in the words of each act.
std::string_view PartyWord(Entry::Act act) {
  switch (act) {
    case Entry::ACT_SHARE:
      return "with";
    case Entry::ACT_REQUEST:
      return "asked by";
    case Entry::ACT_HOST:
      return "host";
    default:
      return "to";
  }
}

void SayFindings(const Entry& entry, std::vector<std::string>& said) {
  for (const vault::v1::VersionCheck& check : entry.findings()) {
    std::string found = absl::StrCat("version ", check.version(), " ", Readable(EnumText(check.finding())));
    if (check.offset() > 0) {
      absl::StrAppend(&found, " from byte ", Grouped(check.offset()));
    }
    said.push_back(std::move(found));
  }
}

void SayClosure(const Entry& entry, std::vector<std::string>& said) {
  if (entry.has_closure()) {
    said.push_back(absl::StrCat("last day ", DayText(entry.closure().closing_day()),
                                ", papers can be had until ", DayText(entry.closure().retrieval_until())));
  }
}

std::string MoreText(const vault::v1::ReadJournalResponse& journal) {
  const std::string& token = journal.next_page_token();
  return token.empty() ? "" : absl::StrCat("more: --page-token ", token, ", or --all\n");
}

std::string ActText(const Entry& entry) {
  return entry.act() == Entry::ACT_UNSPECIFIED ? "SEVERAL" : EnumText(entry.act());
}

}  // namespace

std::string EndedText(const std::string& reason) {
  if (reason == "ABANDONED") {
    return "it was given up";
  }
  return reason == "EXPIRED" ? "it was not completed in time" : InWords(kRefusals, reason);
}

std::string OutcomeText(const Entry& entry) {
  if (!entry.allowed()) {
    return RefusedText(entry);
  }
  switch (entry.act()) {
    case Entry::ACT_UPLOAD:
      return UploadText(entry);
    case Entry::ACT_EXPORTED:
      return entry.outcome() == "ENDED" ? absl::StrCat("all handed over: ", BytesText(entry.length()))
                                        : "begun";
    case Entry::ACT_READ_CUT:
    case Entry::ACT_EXPORT_CUT:
      return absl::StrCat("cut after ", BytesText(entry.length()), ": ", InWords(kCuts, entry.reason()));
    default:
      return DoneText(entry);
  }
}

std::string DetailsText(const Entry& entry) {
  std::vector<std::string> said;
  Say("", Readable(entry.what()), said);
  Say("", TypesText(entry), said);
  Say("version", entry.version() == 0 ? "" : absl::StrCat(entry.version()), said);
  Say("changed", absl::StrJoin(entry.fields(), ", "), said);
  SayFindings(entry, said);
  SayClosure(entry, said);
  Say(PartyWord(entry.act()), entry.recipient().institution().empty() ? "" : PartyText(entry.recipient()),
      said);
  Say("until", entry.has_until() ? ParisTime(FromProto(entry.until())) : "", said);
  Say("share", entry.share_id(), said);
  Say("request", entry.document_request_id(), said);
  Say("agreement", entry.consent_id(), said);
  return said.empty() ? "-" : absl::StrJoin(said, "; ");
}

std::string JournalText(const vault::v1::ReadJournalResponse& journal) {
  std::vector<std::vector<std::string>> rows = {
      {"TIME", "ACT", "WHO", "RELATION", "PAPER", "DETAILS", "OUTCOME"}};
  for (const Entry& entry : journal.entries()) {
    rows.push_back({ParisTime(FromProto(entry.time())), ActText(entry), PartyText(entry.who()),
                    entry.relation().empty() ? "-" : entry.relation(),
                    entry.document_id().empty() ? "-" : entry.document_id(), DetailsText(entry),
                    OutcomeText(entry)});
  }
  return absl::StrCat(journal.entries().empty() ? "nothing\n" : Table(rows), MoreText(journal));
}

std::string JournalSentences(const vault::v1::ReadJournalResponse& journal, const calendar::Paris& paris) {
  using vault::JournalSentence;
  using vault::Language;
  std::string text = journal.entries().empty() ? "Rien n'a été fait.\nNothing was done.\n" : "";
  for (const Entry& entry : journal.entries()) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", JournalSentence(entry, Language::kFrench, paris), "\n",
                    JournalSentence(entry, Language::kEnglish, paris), "\n");
  }
  return text + MoreText(journal);
}

}  // namespace relais::cli
