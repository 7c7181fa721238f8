#include "services/vault/handlers/journal_handlers.h"

#include <algorithm>
#include <utility>

#include "common/audit/readable_leaves.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/page_token.h"
#include "services/vault/domain/journal.h"
#include "services/vault/handlers/paging.h"
#include "services/vault/handlers/which_name.h"
#include "services/vault/journal_leaves.h"

namespace relais::vault {
namespace {

constexpr size_t kBlock = 200;          // leaves opened at a time
constexpr size_t kMostLookedAt = 4000;  // in one answer

// What the pages of one question have in common, and who asked it.
std::string BindingOf(const rpc::Call& call, v1::ReadJournalRequest request) {
  request.clear_page_token();
  request.clear_page_size();
  request.clear_at_least_as_fresh();
  return crypto::Sha256("relais vault journal page v1/" + call.caller.institution + "/" +
                        request.SerializeAsString());
}

}  // namespace

absl::StatusOr<JournalLines> ReadJournalLines(const Vault& vault, const std::vector<Id128>& names,
                                              const JournalWanted& wanted, uint64_t below, size_t limit) {
  ASSIGN_OR_RETURN(std::vector<uint64_t> left, JournalLeaves(vault, names, below));
  JournalLines out;
  size_t looked_at = 0;
  while (!left.empty()) {
    if (out.entries.size() >= limit || looked_at >= kMostLookedAt) {
      out.rest = left.back() + 1;
      return out;
    }
    const size_t size = std::min(kBlock, left.size());
    const std::vector<uint64_t> block(left.end() - static_cast<std::ptrdiff_t>(size), left.end());
    ASSIGN_OR_RETURN(const auto read, audit::OpenReadable(vault.context.log, block));
    auto leaf = read.leaves.rbegin();
    for (size_t i = 0; i < size && out.entries.size() < limit; ++i) {
      const uint64_t index = left.back();
      left.pop_back();
      ++looked_at;
      if (leaf == read.leaves.rend() || leaf->index != index) {
        ++out.unreadable;
        continue;
      }
      const audit::OpenedLeaf& opened = *leaf++;
      const absl::Time time = opened.leaf.time;
      if (time < wanted.from) {
        return out;  // time never decreases: the rest is older
      }
      if (time >= wanted.to || opened.opening != audit::OpenedLeaf::Opening::kOpened) {
        continue;
      }
      auto entry = EntryOf(opened.leaf.header, opened.details, opened.index, time);
      if (entry.has_value() && IsAbout(*entry, wanted.document_id)) {
        out.entries.push_back(*std::move(entry));
      }
    }
  }
  return out;
}

Task<absl::StatusOr<v1::ReadJournalResponse>> JournalHandlers::ReadJournal(rpc::Call call,
                                                                           v1::ReadJournalRequest request) {
  const rpc::ServiceContext& context = vault_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_RETURN_IF_ERROR(rpc::FreshEnough(context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, request.document_id()};
  CO_ASSIGN_OR_RETURN(const auto hosted,
                      co_await vault_.access.RequireHostedNames(call, person, std::move(attempt)));
  JournalWanted wanted;
  wanted.document_id = request.document_id();
  if (request.has_from()) {
    wanted.from = FromProto(request.from());
  }
  if (request.has_to()) {
    wanted.to = FromProto(request.to());
  }
  const Secret key = context.log.DeriveKey(rpc::kPageTokenKeyInfo);
  const std::string binding = BindingOf(call, request);
  rpc::PagePlace place;
  place.issued = context.clock.Now();
  const uint64_t size = context.log.state().size;
  if (request.page_token().empty()) {
    place.size = size;
    place.to = size;
  } else {
    CO_ASSIGN_OR_RETURN(place, rpc::ReadPageToken(key, request.page_token(), binding, context.clock.Now()));
  }
  // That it is read is said first; the line of this look is the next page one's to see.
  const absl::Status looked = co_await LookedUnder(vault_, call, hosted, "JOURNAL", request.document_id());
  CO_RETURN_IF_ERROR(looked);
  const std::vector<Id128> names = PersonsOf(hosted);
  co_await ResumeOn(context.executor);
  const size_t limit = PageSize(request.page_size());
  CO_ASSIGN_OR_RETURN(JournalLines lines, ReadJournalLines(vault_, names, wanted, place.to, limit));
  v1::ReadJournalResponse response;
  response.set_revision(context.log.Revision(size));
  for (v1::JournalEntry& entry : lines.entries) {
    *response.add_entries() = std::move(entry);
  }
  response.set_unreadable(lines.unreadable);
  if (lines.rest != 0) {
    place.to = lines.rest;
    response.set_next_page_token(rpc::MakePageToken(key, place, binding));
  }
  co_return response;
}

}  // namespace relais::vault
