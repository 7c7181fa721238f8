#include "services/vault/export_journal.h"

#include <algorithm>
#include <functional>

#include "common/base/status.h"
#include "services/vault/domain/journal.h"
#include "services/vault/events.h"
#include "services/vault/export_text.h"
#include "services/vault/journal_leaves.h"

namespace relais::vault {
namespace {

constexpr size_t kAtOnce = 256;

// The leaves [from, from + kAtOnce) of `leaves` that open.
absl::StatusOr<std::vector<audit::OpenedLeaf>> OpenSome(audit::Log& log, const std::vector<uint64_t>& leaves,
                                                        size_t from) {
  const size_t end = std::min(leaves.size(), from + kAtOnce);
  const std::vector<uint64_t> indices(leaves.begin() + static_cast<std::ptrdiff_t>(from),
                                      leaves.begin() + static_cast<std::ptrdiff_t>(end));
  ASSIGN_OR_RETURN(std::vector<audit::OpenedLeaf> opened, log.OpenAt(indices));
  std::erase_if(opened, [](const audit::OpenedLeaf& leaf) {
    return leaf.opening != audit::OpenedLeaf::Opening::kOpened;
  });
  return opened;
}

// The text of some lines; `first`: nothing stands before it.
std::string LinesOf(const std::vector<audit::OpenedLeaf>& leaves, bool& first) {
  std::string text;
  for (const audit::OpenedLeaf& leaf : leaves) {
    if (const auto entry = EntryOf(leaf.leaf.header, leaf.details, leaf.index, leaf.leaf.time)) {
      text += first ? kJournalBegin : kJournalBetween;
      text += ExportJournalLine(*entry);
      first = false;
    }
  }
  return text;
}

std::string EndOfLines(bool first) {
  return first ? std::string(kJournalBegin) + std::string(kJournalEnd) : std::string(kJournalEnd);
}

}  // namespace

Task<absl::StatusOr<JournalFound>> FindJournal(const Vault& vault, std::vector<Id128> names, uint64_t end) {
  audit::Log& log = vault.context.log;
  JournalFound found;
  CO_ASSIGN_OR_RETURN(found.leaves, JournalLeaves(vault, names, end));
  bool first = true;
  for (size_t at = 0; at < found.leaves.size(); at += kAtOnce) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, OpenSome(log, found.leaves, at));
    found.size += LinesOf(opened, first).size();
    for (const audit::OpenedLeaf& leaf : opened) {
      if (leaf.leaf.header.event_class() != audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED) {
        continue;
      }
      if (const auto deposited = PayloadOf<v1::DocumentDeposited>(leaf.details)) {
        found.deposits[{deposited->document_id(), deposited->version()}] = leaf.index;
      }
    }
  }
  found.size += EndOfLines(first).size();
  co_return found;
}

Task<absl::Status> WriteJournal(const Vault& vault, const JournalFound& found, ExportSink& sink) {
  std::string path = "journal.json";
  absl::Status written = co_await sink.BeginFile(std::move(path), found.size);
  CO_RETURN_IF_ERROR(written);
  bool first = true;
  for (size_t at = 0; at < found.leaves.size(); at += kAtOnce) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened,
                        OpenSome(vault.context.log, found.leaves, at));
    std::string lines = LinesOf(opened, first);
    written = co_await sink.Data(std::move(lines));
    CO_RETURN_IF_ERROR(written);
  }
  std::string end = EndOfLines(first);
  written = co_await sink.Data(std::move(end));
  CO_RETURN_IF_ERROR(written);
  written = co_await sink.EndFile();
  co_return written;
}

}  // namespace relais::vault
