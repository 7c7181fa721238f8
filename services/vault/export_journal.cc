#include "services/vault/export_journal.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "common/audit/readable_leaves.h"
#include "common/base/status.h"
#include "services/vault/domain/journal.h"
#include "services/vault/events.h"
#include "services/vault/export_text.h"
#include "services/vault/journal_leaves.h"

namespace relais::vault {
namespace {

constexpr size_t kAtOnce = 256;
constexpr auto kDeposited = audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED;
constexpr auto kDestroyed = audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED;

// The leaves [from, from + kAtOnce) of `leaves` that open, and those that do not read.
absl::StatusOr<audit::ReadableLeaves> OpenSome(audit::Log& log, const std::vector<uint64_t>& leaves,
                                               size_t from) {
  const size_t end = std::min(leaves.size(), from + kAtOnce);
  const std::vector<uint64_t> indices(leaves.begin() + static_cast<std::ptrdiff_t>(from),
                                      leaves.begin() + static_cast<std::ptrdiff_t>(end));
  ASSIGN_OR_RETURN(audit::ReadableLeaves opened, audit::OpenReadable(log, indices));
  std::erase_if(opened.leaves, [](const audit::OpenedLeaf& leaf) {
    return leaf.opening != audit::OpenedLeaf::Opening::kOpened;
  });
  return opened;
}

template <typename Payload>
std::optional<Payload> SaidBy(const audit::OpenedLeaf& leaf, audit::v1::EventClass event_class) {
  return leaf.leaf.header.event_class() == event_class ? PayloadOf<Payload>(leaf.details) : std::nullopt;
}

bool WasDeposited(const JournalFound& found, const std::string& document) {
  const auto first = found.deposits.lower_bound({document, 0});
  return first != found.deposits.end() && first->first.first == document;
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

// The same as sentences.
std::string SentencesOf(const std::vector<audit::OpenedLeaf>& leaves, const calendar::Paris& paris) {
  std::string text;
  for (const audit::OpenedLeaf& leaf : leaves) {
    if (const auto entry = EntryOf(leaf.leaf.header, leaf.details, leaf.index, leaf.leaf.time)) {
      text += ExportJournalSentences(*entry, paris);
    }
  }
  return text;
}

std::string EndOfLines(bool first, uint64_t unreadable) {
  return (first ? std::string(kJournalBegin) : std::string()) + ExportJournalEnd(unreadable);
}

}  // namespace

Task<absl::StatusOr<JournalFound>> FindJournal(const Vault& vault, std::vector<Id128> names, uint64_t end) {
  audit::Log& log = vault.context.log;
  JournalFound found;
  CO_ASSIGN_OR_RETURN(found.leaves, JournalLeaves(vault, names, end));
  bool first = true;
  for (size_t at = 0; at < found.leaves.size(); at += kAtOnce) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(const audit::ReadableLeaves opened, OpenSome(log, found.leaves, at));
    found.size += LinesOf(opened.leaves, first).size();
    found.text_size += SentencesOf(opened.leaves, vault.paris).size();
    found.unreadable += opened.unreadable.size();
    for (const audit::OpenedLeaf& leaf : opened.leaves) {
      if (const auto deposited = SaidBy<v1::DocumentDeposited>(leaf, kDeposited)) {
        found.deposits[{deposited->document_id(), deposited->version()}] = leaf.index;
      }
      if (const auto destroyed = SaidBy<v1::DocumentDestroyed>(leaf, kDestroyed)) {
        found.destructions[destroyed->document_id()] = leaf.index;
      }
    }
  }
  found.size += EndOfLines(first, found.unreadable).size();
  found.text_size += kJournalTextBegin.size() + ExportJournalTextEnd(found.unreadable).size();
  co_return found;
}

Task<absl::Status> AddDestroyedSince(const Vault& vault, const std::vector<Id128>& names, uint64_t from,
                                     JournalFound& found) {
  audit::Log& log = vault.context.log;
  for (const Id128& name : names) {
    for (std::optional<uint64_t> at = from; at.has_value();) {
      co_await ResumeOn(vault.context.executor);
      CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                          log.LeavesOf(VaultStore::SubjectOf(name), *at, kAtOnce));
      at = some.size() < kAtOnce ? std::nullopt : std::optional(some.back() + 1);
      CO_ASSIGN_OR_RETURN(const audit::ReadableLeaves opened, OpenSome(log, some, 0));
      found.unreadable_since += opened.unreadable.size();
      for (const audit::OpenedLeaf& leaf : opened.leaves) {
        const auto destroyed = SaidBy<v1::DocumentDestroyed>(leaf, kDestroyed);
        if (destroyed.has_value() && WasDeposited(found, destroyed->document_id())) {
          found.destructions[destroyed->document_id()] = leaf.index;
        }
      }
    }
  }
  co_return absl::OkStatus();
}

namespace {

Task<absl::Status> WriteSentences(const Vault& vault, const JournalFound& found, ExportSink& sink) {
  std::string path = "journal.txt";
  absl::Status written = co_await sink.BeginFile(std::move(path), found.text_size);
  CO_RETURN_IF_ERROR(written);
  std::string begin(kJournalTextBegin);
  written = co_await sink.Data(std::move(begin));
  CO_RETURN_IF_ERROR(written);
  for (size_t at = 0; at < found.leaves.size(); at += kAtOnce) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(const audit::ReadableLeaves opened, OpenSome(vault.context.log, found.leaves, at));
    std::string sentences = SentencesOf(opened.leaves, vault.paris);
    written = co_await sink.Data(std::move(sentences));
    CO_RETURN_IF_ERROR(written);
  }
  std::string end = ExportJournalTextEnd(found.unreadable);
  written = co_await sink.Data(std::move(end));
  CO_RETURN_IF_ERROR(written);
  written = co_await sink.EndFile();
  co_return written;
}

Task<absl::Status> WriteLines(const Vault& vault, const JournalFound& found, ExportSink& sink) {
  std::string path = "journal.json";
  absl::Status written = co_await sink.BeginFile(std::move(path), found.size);
  CO_RETURN_IF_ERROR(written);
  bool first = true;
  for (size_t at = 0; at < found.leaves.size(); at += kAtOnce) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(const audit::ReadableLeaves opened, OpenSome(vault.context.log, found.leaves, at));
    std::string lines = LinesOf(opened.leaves, first);
    written = co_await sink.Data(std::move(lines));
    CO_RETURN_IF_ERROR(written);
  }
  std::string end = EndOfLines(first, found.unreadable);
  written = co_await sink.Data(std::move(end));
  CO_RETURN_IF_ERROR(written);
  written = co_await sink.EndFile();
  co_return written;
}

}  // namespace

Task<absl::Status> WriteJournal(const Vault& vault, const JournalFound& found, ExportSink& sink) {
  absl::Status written = co_await WriteSentences(vault, found, sink);
  CO_RETURN_IF_ERROR(written);
  written = co_await WriteLines(vault, found, sink);
  co_return written;
}

}  // namespace relais::vault
