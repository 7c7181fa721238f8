#include "services/vault/paper_check.h"

#include <algorithm>
#include <utility>

#include "common/audit/readable_leaves.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"

namespace relais::vault {
namespace {

constexpr size_t kLeavesAtOnce = 500;
constexpr uint64_t kPiecesAtOnce = 16;  // 4 MiB, then others have their turn
constexpr int kLooks = 6;               // at a record that changes while it is compared
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);

// What a failed read says of the text; an error when it says nothing of it.
absl::Status Note(const absl::Status& status, uint64_t at, TextRead& read) {
  read.broken_at = at;
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      read.missing = true;
      return absl::OkStatus();
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:  // a header that names another format
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      read.altered = true;
      return absl::OkStatus();
    default:
      return status;
  }
}

void TakeRight(const audit::OpenedLeaf& leaf, LoggedPapers& logged) {
  if (const auto host = PayloadOf<v1::HostChanged>(leaf.details)) {
    logged.hosts.insert_or_assign(host->institution(),
                                  LoggedRight<v1::Host::State>{host->state(), leaf.index});
  } else if (const auto share = PayloadOf<v1::ShareChanged>(leaf.details)) {
    const absl::StatusOr<Id128> id = Id128::FromHex(share->share_id());
    if (id.ok()) {
      logged.shares.insert_or_assign(*id, LoggedRight<v1::Share::State>{share->state(), leaf.index});
    }
  }
}

void Take(const audit::OpenedLeaf& leaf, const std::optional<Id128>& only, LoggedPapers& logged) {
  if (leaf.opening != audit::OpenedLeaf::Opening::kOpened) {
    return;
  }
  if (!only.has_value()) {
    TakeRight(leaf, logged);
  }
  if (auto deposited = PayloadOf<v1::DocumentDeposited>(leaf.details)) {
    const absl::StatusOr<Id128> id = Id128::FromHex(deposited->document_id());
    if (id.ok() && (!only.has_value() || *only == *id)) {
      logged.papers[*id].versions.push_back(*std::move(deposited));
    }
  } else if (const auto destroyed = PayloadOf<v1::DocumentDestroyed>(leaf.details)) {
    const absl::StatusOr<Id128> id = Id128::FromHex(destroyed->document_id());
    if (id.ok() && (!only.has_value() || *only == *id)) {
      logged.papers[*id].destroyed = true;
    }
  }
}

v1::VersionCheck Check(uint32_t version, v1::VersionCheck::Finding finding) {
  v1::VersionCheck check;
  check.set_version(version);
  check.set_finding(finding);
  return check;
}

const v1::DocumentDeposited* LoggedVersion(const LoggedPaper& logged, uint32_t version) {
  for (const v1::DocumentDeposited& deposited : logged.versions) {
    if (deposited.version() == version) {
      return &deposited;
    }
  }
  return nullptr;
}

// The record held against the log and what was read, by content.
std::vector<v1::VersionCheck> Judge(const v1::StoredDocument& stored, const LoggedPaper& logged,
                                    bool log_reads, const std::map<std::string, TextRead>& reads) {
  std::vector<v1::VersionCheck> checks;
  if (stored.state() == v1::Document::STATE_DESTROYED && (logged.destroyed || !log_reads)) {
    return checks;
  }
  for (const v1::StoredVersion& version : stored.versions()) {
    const uint32_t number = version.version().version();
    const v1::DocumentDeposited* said = LoggedVersion(logged, number);
    const auto read = reads.find(version.content());
    if (stored.state() == v1::Document::STATE_DESTROYED || logged.destroyed || read == reads.end()) {
      checks.push_back(Check(number, v1::VersionCheck::FINDING_ROLLED_BACK));
      continue;
    }
    checks.push_back(
        JudgeVersion(version, said == nullptr ? std::nullopt : std::optional<v1::DocumentDeposited>(*said),
                     log_reads, read->second));
  }
  for (size_t i = static_cast<size_t>(stored.versions_size()); i < logged.versions.size(); ++i) {
    checks.push_back(Check(logged.versions[i].version(), v1::VersionCheck::FINDING_ROLLED_BACK));
  }
  return checks;
}

bool AnyRolledBack(const std::vector<v1::VersionCheck>& checks) {
  return std::any_of(checks.begin(), checks.end(), [](const v1::VersionCheck& check) {
    return check.finding() == v1::VersionCheck::FINDING_ROLLED_BACK;
  });
}

// Without a record: what the log says there should be.
PaperCheck WithoutRecord(const LoggedPaper& logged, v1::VersionCheck::Finding finding) {
  PaperCheck check;
  for (const v1::DocumentDeposited& version : logged.versions) {
    check.checks.push_back(Check(version.version(), finding));
  }
  return check;
}

const LoggedPaper& In(const LoggedPapers& logged, const Id128& document) {
  static const LoggedPaper* const kNone = new LoggedPaper();
  const auto it = logged.papers.find(document);
  return it == logged.papers.end() ? *kNone : it->second;
}

bool IsGone(const Vault& vault, const Id128& person) {
  const audit::Subject subject = VaultStore::SubjectOf(person);
  return vault.context.log.keys().Frozen(subject) ||
         absl::IsNotFound(vault.context.log.keys().Get(subject).status());
}

}  // namespace

bool PaperCheck::intact() const {
  return std::all_of(checks.begin(), checks.end(), [](const v1::VersionCheck& check) {
    return check.finding() == v1::VersionCheck::FINDING_INTACT;
  });
}

absl::StatusOr<LoggedPapers> LoggedOf(const rpc::ServiceContext& context, const Id128& person,
                                      const std::optional<Id128>& only) {
  LoggedPapers logged;
  uint64_t from = 0;
  const uint64_t size = context.log.state().size;
  for (;;) {
    ASSIGN_OR_RETURN(std::vector<uint64_t> indices,
                     context.log.LeavesOf(VaultStore::SubjectOf(person), from, kLeavesAtOnce));
    while (!indices.empty() && indices.back() >= size) {
      indices.pop_back();
    }
    if (indices.empty()) {
      return logged;
    }
    from = indices.back() + 1;
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(context.log, indices));
    if (!read.unreadable.empty()) {
      logged.all_read = false;
      logged.last_unreadable = read.unreadable.back();
    }
    for (const audit::OpenedLeaf& leaf : read.leaves) {
      Take(leaf, only, logged);
    }
  }
}

Task<absl::StatusOr<TextRead>> ReadWhole(const Vault& vault, VersionName name, v1::StoredVersion version,
                                         uint64_t bytes_per_second, const Background* worker) {
  co_await ResumeOn(vault.context.executor);
  TextRead read;
  const absl::StatusOr<PaperText> text = vault.papers.Open(name, version);
  if (!text.ok()) {
    CO_RETURN_IF_ERROR(Note(text.status(), 0, read));
    co_return read;
  }
  crypto::Sha256Hasher hasher;
  const ByteRange all{0, text->size()};
  uint64_t since = 0;
  for (uint64_t piece = 0; piece < text->pieces(); ++piece) {
    if (worker != nullptr && worker->stopping()) {
      co_return absl::UnavailableError("the service is stopping");
    }
    const absl::StatusOr<std::string> bytes = text->Read(piece, all);
    if (!bytes.ok()) {
      CO_RETURN_IF_ERROR(Note(bytes.status(), piece * kPieceSize, read));
      co_return read;
    }
    hasher.Update(*bytes);
    read.size += bytes->size();
    since += bytes->size();
    const bool last = piece + 1 == text->pieces();
    if (bytes_per_second != 0 && (last || (piece + 1) % kPiecesAtOnce == 0)) {
      const double seconds =
          static_cast<double>(std::exchange(since, 0)) / static_cast<double>(bytes_per_second);
      co_await Sleep(vault.context.executor, absl::Seconds(seconds));
    } else if ((piece + 1) % kPiecesAtOnce == 0) {
      co_await ResumeOn(vault.context.executor);
    }
  }
  read.sha256 = hasher.Finish();
  // Open compared it with the record.
  read.header_sha256 = version.header_sha256();
  co_return read;
}

namespace {

// Reads those versions that were not read yet.
Task<absl::Status> ReadVersions(const Vault& vault, Id128 person, Id128 document, v1::StoredDocument stored,
                                CheckOptions options, std::map<std::string, TextRead>& reads) {
  for (const v1::StoredVersion& version : stored.versions()) {
    if (stored.state() == v1::Document::STATE_DESTROYED || reads.contains(version.content())) {
      continue;
    }
    const VersionName name{person, document, version.version().version()};
    absl::StatusOr<TextRead> read =
        co_await ReadWhole(vault, name, version, options.bytes_per_second, options.worker);
    CO_RETURN_IF_ERROR(read.status());
    reads[version.content()] = *std::move(read);
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<std::optional<PaperCheck>>> CheckPaper(const Vault& vault, Id128 person, Id128 document,
                                                           CheckOptions options) {
  const std::optional<PaperCheck> nothing;
  std::map<std::string, TextRead> reads;
  std::optional<PaperCheck> found;
  const LoggedPapers* logged = options.logged;
  LoggedPapers fresh;
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) {
      co_await Sleep(vault.context.executor, kBetweenLooks);
    }
    if (IsGone(vault, person)) {
      co_return nothing;
    }
    const auto stored = vault.store.Document(person, document);
    const bool damaged = absl::IsDataLoss(stored.status());
    if (!stored.ok() && !damaged) {
      co_return stored.status();
    }
    const bool there = stored.ok() && stored->has_value();
    if (there) {
      const absl::Status read =
          co_await ReadVersions(vault, person, document, (*stored)->value, options, reads);
      CO_RETURN_IF_ERROR(read);
    }
    if (logged == nullptr) {
      CO_ASSIGN_OR_RETURN(fresh, LoggedOf(vault.context, person, document));
      logged = &fresh;
    }
    const LoggedPaper& said = In(*logged, document);
    const bool log_reads = logged->all_read;
    logged = nullptr;  // another look reads it again
    if (!there && !damaged && (said.versions.empty() || said.destroyed)) {
      if (look == 0) {
        continue;  // what was read before may be older than the paper
      }
      if (said.versions.empty() && !log_reads) {
        co_return absl::DataLossError("neither a record nor a leaf that reads says whether there is one");
      }
      co_return nothing;
    }
    if (!there) {
      found = WithoutRecord(
          said, damaged ? v1::VersionCheck::FINDING_ALTERED : v1::VersionCheck::FINDING_ROLLED_BACK);
      if (damaged && !found->checks.empty()) {
        break;
      }
      continue;
    }
    const auto again = vault.store.Document(person, document);
    if (!again.ok() || !again->has_value() || (*again)->version != (*stored)->version) {
      continue;  // it changes at this moment
    }
    found = PaperCheck();
    found->document = **stored;
    found->checks = Judge((*stored)->value, said, log_reads, reads);
    if (!AnyRolledBack(found->checks)) {
      break;
    }
  }
  if (!found.has_value()) {
    co_return absl::AbortedError("the paper changes too often to be checked");
  }
  co_return IsGone(vault, person) ? nothing : found;
}

bool ApplyChecks(const std::vector<v1::VersionCheck>& checks, v1::StoredDocument& document) {
  bool changed = false;
  for (v1::StoredVersion& version : *document.mutable_versions()) {
    for (const v1::VersionCheck& check : checks) {
      if (check.finding() == v1::VersionCheck::FINDING_LOG_UNREADABLE) {
        continue;  // what was found before stands: whoever tears a leaf brings back no paper that was put
                   // back
      }
      const bool damaged = IsDamage(check.finding());
      if (check.version() == version.version().version() && version.version().damaged() != damaged) {
        version.mutable_version()->set_damaged(damaged);
        changed = true;
      }
    }
  }
  return changed;
}

Task<absl::StatusOr<storage::CommitResult>> WriteChecks(const Vault& vault, const Acting& acting,
                                                        Id128 document, const PaperCheck& check,
                                                        const std::string& scrub_id,
                                                        const std::optional<HostGuard>& guard_host) {
  Stored<v1::StoredDocument> stored = check.document;
  for (int i = 0; i < kTries; ++i) {
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(acting.person);
    if (stored.version != 0 && ApplyChecks(check.checks, stored.value)) {
      CO_RETURN_IF_ERROR(vault.store.PutDocument(acting.person, document, stored, commit));
    } else if (stored.version != 0) {
      VaultStore::GuardDocument(acting.person, document, stored.version, commit);
    }
    if (guard_host.has_value()) {
      vault.store.GuardHost(acting.person, guard_host->institution, guard_host->version, commit);
    }
    CO_ASSIGN_OR_RETURN(
        storage::LeafDraft leaf,
        vault.context.log.Draft(VerifiedEvent(acting, document, stored.value, check.checks, scrub_id)));
    commit.leaves.push_back(std::move(leaf));
    absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
    if (done.ok() || !absl::IsAborted(done.status())) {
      co_return done;
    }
    // Its versions never change: what was found of them stays true while it is there.
    CO_ASSIGN_OR_RETURN(std::optional<Stored<v1::StoredDocument>> now,
                        vault.store.Document(acting.person, document));
    if (!now.has_value() || now->value.state() == v1::Document::STATE_DESTROYED) {
      co_return absl::NotFoundError("destroyed meanwhile");
    }
    stored = *std::move(now);
  }
  co_return absl::AbortedError("the paper changes too often");
}

}  // namespace relais::vault
