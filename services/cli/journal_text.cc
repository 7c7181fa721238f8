#include "services/cli/journal_text.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "services/cli/document_verbs.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

using Entry = vault::v1::JournalEntry;

struct Words {
  std::string_view name;
  const char* words;
};

// Values of relais.common.v1.ErrorReason, as they are met in a vault.
constexpr Words kRefusals[] = {
    {"DIRECTORY_EXPIRED", "the directory was past its last day"},
    {"DOCUMENT_DAMAGED", "the paper is damaged"},
    {"DUPLICATE_DOCUMENT", "the same text is already there"},
    {"ETAG_MISMATCH", "it had changed since it was read"},
    {"HASH_MISMATCH", "what came is not what was announced"},
    {"INVALID_FIELDS", "it did not say rightly what it wanted"},
    {"MALWARE_FOUND", "malware was found in it"},
    {"MISSING_CAPABILITY", "that function may not do it"},
    {"NO_SUCH_OR_NOT_YOURS", "not there, or not for them"},
    {"NOT_PERMITTED", "her agreement does not permit it"},
    {"OFFSET_MISMATCH", "bytes were missing"},
    {"OVERLOADED", "too many at once"},
    {"PEER_BEHIND", "her agreements could not be followed at that moment"},
    {"PEER_UNAVAILABLE", "the consent registry did not answer"},
    {"QUOTA_EXCEEDED", "there was no room for it"},
    {"SCANNER_UNAVAILABLE", "the malware scanner did not answer"},
    {"TOO_LARGE", "it is too large"},
    {"TYPE_NOT_ALLOWED", "it is of no type that the vault takes, or of another than was announced"},
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
    {"REVOKED", "the share was ended"},
    {"SUSPENDED", "her agreements could not be followed at that moment"},
    {"UNLINKED", "the host no longer acts for her"},
    {"WITHDRAWN", "she withdrew"},
};

// What has no words of its own is the name, readable.
template <size_t kSize>
std::string InWords(const Words (&table)[kSize], const std::string& name) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Words& each) { return each.name == name; });
  if (found != std::end(table)) {
    return found->words;
  }
  std::string words = absl::AsciiStrToLower(name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
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
  return entry.reason() == "EXPIRED" ? "ended: it was not completed in time" : RefusedText(entry);
}

std::string ActText(const Entry& entry) {
  return entry.act() == Entry::ACT_UNSPECIFIED ? "SEVERAL" : EnumText(entry.act());
}

}  // namespace

std::string OutcomeText(const Entry& entry) {
  if (!entry.allowed()) {
    return RefusedText(entry);
  }
  switch (entry.act()) {
    case Entry::ACT_UPLOAD:
      return UploadText(entry);
    case Entry::ACT_READ_CUT:
    case Entry::ACT_EXPORT_CUT:
      return absl::StrCat("cut after ", BytesText(entry.length()), ": ", InWords(kCuts, entry.reason()));
    default:
      return "done";
  }
}

std::string JournalText(const vault::v1::ReadJournalResponse& journal) {
  std::vector<std::vector<std::string>> rows = {{"TIME", "ACT", "WHO", "RELATION", "PAPER", "OUTCOME"}};
  for (const Entry& entry : journal.entries()) {
    rows.push_back({ParisTime(FromProto(entry.time())), ActText(entry), PartyText(entry.who()),
                    entry.relation().empty() ? "-" : entry.relation(),
                    entry.document_id().empty() ? "-" : entry.document_id(), OutcomeText(entry)});
  }
  const std::string& token = journal.next_page_token();
  return absl::StrCat(journal.entries().empty() ? "nothing\n" : Table(rows),
                      token.empty() ? "" : absl::StrCat("more: --page-token ", token, ", or --all\n"));
}

}  // namespace relais::cli
