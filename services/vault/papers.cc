#include "services/vault/papers.h"

#include <utility>

#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/storage/partitions.h"
#include "services/vault/format/bytes.h"
#include "services/vault/format/pieces.h"

namespace relais::vault {
namespace {

constexpr std::string_view kHead = "head";
constexpr std::string_view kPiecePrefix = "c/";
constexpr int kBusyTries = 200;
constexpr absl::Duration kBusyPause = absl::Milliseconds(50);

std::string PieceKey(uint64_t piece) {
  std::string key(kPiecePrefix);
  AppendBigEndian64(piece, key);
  return key;
}

bool SameName(const VersionName& a, const VersionName& b) {
  return a.person == b.person && a.document == b.document && a.version == b.version;
}

// What a head is sealed to.
std::string HeadRow(const Id128& content) {
  return VaultStore::RowOf(VaultStore::ContentPartition(content), kHead);
}

std::string ContextOf(const VersionName& name) {
  return DocumentContext(name.person, name.document, name.version);
}

// As it is stored: what is kept in memory is what another process would read.
absl::Time Microseconds(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }

}  // namespace

// ---- commits of keys

KeyCommits::Ticket& KeyCommits::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    Leave();
    of_ = std::exchange(other.of_, nullptr);
    number_ = other.number_;
  }
  return *this;
}

void KeyCommits::Ticket::Leave() {
  if (KeyCommits* const of = std::exchange(of_, nullptr); of != nullptr) {
    std::lock_guard lock(of->mu_);
    of->held_.erase(number_);
  }
}

KeyCommits::Ticket KeyCommits::Enter() {
  std::lock_guard lock(mu_);
  const uint64_t number = next_++;
  held_.insert(number);
  return {this, number};
}

uint64_t KeyCommits::Mark() const {
  std::lock_guard lock(mu_);
  return next_;
}

bool KeyCommits::AllEnded(uint64_t mark) const {
  std::lock_guard lock(mu_);
  return held_.empty() || *held_.begin() >= mark;
}

// ---- keys

absl::StatusOr<Secret> PaperKeys::PersonKey(const Id128& person, uint32_t generation) const {
  ASSIGN_OR_RETURN(const auto row, store_.PersonKey(person, generation));
  if (!row.has_value()) {
    return absl::NotFoundError("no such generation of a person's key");
  }
  return UnwrapPersonKey(epochs_, person, generation, row->value);
}

absl::StatusOr<Secret> PaperKeys::VersionKey(const VersionName& name, std::string_view wrapped) const {
  if (wrapped.empty()) {
    return absl::NotFoundError("the key of a version is destroyed");
  }
  ASSIGN_OR_RETURN(const uint32_t generation, GenerationOf(wrapped));
  ASSIGN_OR_RETURN(const Secret person_key, PersonKey(name.person, generation));
  return UnwrapVersionKey(person_key, name, wrapped);
}

absl::StatusOr<PaperKeys::NewKey> PaperKeys::Make(const VersionName& name, v1::StoredUsage& usage,
                                                  storage::CommitRequest& commit) {
  NewKey out;
  out.ticket = commits_.Enter();
  Secret person_key;
  if (usage.key_generation() == 0) {
    person_key = NewPaperKey(random_);
    WrappedPersonKey first;
    first.generation = 1;
    ASSIGN_OR_RETURN(first.wrapped.value, WrapPersonKey(epochs_, name.person, first.generation, person_key));
    VaultStore::PutPersonKey(name.person, first, commit);
    usage.set_key_generation(first.generation);
  } else {
    ASSIGN_OR_RETURN(person_key, PersonKey(name.person, usage.key_generation()));
  }
  out.key = NewPaperKey(random_);
  ASSIGN_OR_RETURN(out.wrapped, WrapVersionKey(random_, usage.key_generation(), person_key, name, out.key));
  return out;
}

absl::StatusOr<std::string> PaperKeys::Mark(const Id128& person, const v1::StoredUsage& usage,
                                            std::string_view sha256) const {
  if (usage.key_generation() == 0) {
    return std::string();
  }
  ASSIGN_OR_RETURN(const Secret person_key, PersonKey(person, usage.key_generation()));
  return DuplicateMark(person_key, sha256);
}

// ---- reading

absl::StatusOr<std::string> PaperText::Read(uint64_t piece, const ByteRange& range) const {
  std::string out(Part(piece, range).length(), '\0');
  RETURN_IF_ERROR(ReadInto(piece, range, out));
  return out;
}

// Opened from where the store has it: the sealed piece is not copied.
absl::Status PaperText::ReadInto(uint64_t piece, const ByteRange& range, std::span<char> out) const {
  const auto open = [&](std::string_view sealed) {
    return OpenFromPiece(opener_, size_, piece, sealed, range, out);
  };
  ASSIGN_OR_RETURN(const bool there,
                   store_->WithValue(VaultStore::ContentPartition(content_), PieceKey(piece), open));
  return there ? absl::OkStatus() : absl::NotFoundError("a piece of a text is not there");
}

absl::StatusOr<std::optional<Stored<ContentHead>>> Papers::Head(const Id128& content) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(VaultStore::ContentPartition(content), kHead));
  if (!entry.has_value()) {
    return std::optional<Stored<ContentHead>>();
  }
  ASSIGN_OR_RETURN(const std::string opened, keys_.rows().Open(HeadRow(content), entry->value));
  ASSIGN_OR_RETURN(ContentHead head, DecodeContentHead(opened));
  return std::optional(Stored<ContentHead>{std::move(head), entry->version});
}

absl::StatusOr<PaperText> Papers::OpenWith(const VersionName& name, const Id128& content,
                                           std::string_view wrapped, uint64_t size,
                                           std::string_view header_sha256) const {
  ASSIGN_OR_RETURN(const auto head, Head(content));
  if (!head.has_value()) {
    return absl::NotFoundError("nothing says how far the bytes of a version are");
  }
  if (!SameName(head->value.name, name) || head->value.size != size || !head->value.Whole()) {
    return absl::DataLossError("the bytes are not those of this version");
  }
  if (!header_sha256.empty()) {
    ASSIGN_OR_RETURN(const std::string header, EncodeHeader(head->value.header));
    if (crypto::Sha256(header) != header_sha256) {
      return absl::DataLossError("the header of a text is not the one its record names");
    }
  }
  ASSIGN_OR_RETURN(const Secret key, keys_.VersionKey(name, wrapped));
  ASSIGN_OR_RETURN(ChunkOpener opener, ChunkOpener::Create(key, ContextOf(name), head->value.header));
  return PaperText(context_.store, content, size, std::move(opener));
}

absl::StatusOr<PaperText> Papers::Open(const VersionName& name, const v1::StoredVersion& version) const {
  ASSIGN_OR_RETURN(const Id128 content, IdOf(version.content()));
  if (version.header_sha256().empty()) {
    return absl::DataLossError("a version's record names no header");
  }
  return OpenWith(name, content, version.wrapped_key(), version.version().size(), version.header_sha256());
}

absl::StatusOr<PaperText> Papers::OpenUpload(const VersionName& name, const Id128& content,
                                             const v1::StoredUpload& upload) const {
  return OpenWith(name, content, upload.wrapped_key(), upload.size(), "");
}

absl::Status Papers::Damaged() {
  return rpc::Refusal(absl::StatusCode::kDataLoss, common::v1::ERROR_REASON_DOCUMENT_DAMAGED,
                      "this paper does not open as it was deposited; the vault's operator can see why");
}

// ---- writing

// Of an upload under way.
absl::StatusOr<std::optional<Stored<ContentHead>>> Papers::HeadOf(const VersionName& name,
                                                                  const Id128& content,
                                                                  const v1::StoredUpload& upload) const {
  ASSIGN_OR_RETURN(auto head, Head(content));
  if (head.has_value() && (!SameName(head->value.name, name) || head->value.size != upload.size())) {
    return absl::DataLossError("the bytes are not those of this upload");
  }
  return head;
}

absl::StatusOr<bool> Papers::Holds(const VersionName& name, const Id128& content,
                                   const v1::StoredUpload& upload, uint64_t offset,
                                   std::string_view bytes) const {
  ASSIGN_OR_RETURN(const auto head, HeadOf(name, content, upload));
  const uint64_t committed = head.has_value() ? head->value.committed : 0;
  if (bytes.empty() || bytes.size() > kPieceSize || offset % kPieceSize != 0 || offset > committed ||
      bytes.size() > committed - offset) {
    return false;
  }
  ASSIGN_OR_RETURN(const Secret key, keys_.VersionKey(name, upload.wrapped_key()));
  ASSIGN_OR_RETURN(ChunkOpener opener, ChunkOpener::Create(key, ContextOf(name), head->value.header));
  const PaperText text(context_.store, content, upload.size(), std::move(opener));
  const absl::StatusOr<std::string> there = text.Read(offset / kPieceSize, {offset, offset + bytes.size()});
  if (absl::IsNotFound(there.status())) {
    return absl::DataLossError("a piece of an upload is not there");
  }
  RETURN_IF_ERROR(there.status());
  return *there == bytes;
}

absl::StatusOr<PaperWriter> Papers::Write(const VersionName& name, const Id128& content,
                                          const v1::StoredUpload& upload) const {
  ASSIGN_OR_RETURN(Secret key, keys_.VersionKey(name, upload.wrapped_key()));
  PaperWriter writer(context_, keys_.rows(), content, name, upload.size(), std::move(key));
  ASSIGN_OR_RETURN(auto head, HeadOf(name, content, upload));
  if (head.has_value()) {
    writer.head_ = std::move(head->value);
    writer.head_version_ = head->version;
  }
  return writer;
}

// Of another version of the head somebody else wrote, or this process did not learn how a commit of the run
// ended: then a place that it sealed may be sealed again.
void PaperWriter::GoOn(OpenRun run) {
  const bool here = head_.has_value() && run.head_version == head_version_ && !head_->Whole() &&
                    run.sealer.next_chunk() * kChunkSize == head_->committed && !head_->header.runs.empty() &&
                    head_->header.runs.back() == run.sealer.run();
  if (here && !sealer_.has_value()) {
    sealer_.emplace(std::move(run.sealer));
  }
}

std::optional<OpenRun> PaperWriter::TakeRun() {
  if (failed_ || !sealer_.has_value() || !head_.has_value() || head_->Whole()) {
    return std::nullopt;
  }
  failed_ = true;  // what the run seals from here on is not this writer's to know
  OpenRun run{*std::move(sealer_), head_version_};
  sealer_.reset();
  return run;
}

Task<absl::Status> PaperWriter::Append(std::vector<PieceAssembler::Piece> pieces) {
  if (failed_) {
    co_return absl::FailedPreconditionError("this writer failed");
  }
  failed_ = true;  // until it is known to have gone well: no place is sealed twice by one run
  ContentHead next;
  if (head_.has_value()) {
    next = *head_;
  } else {
    next.name = name_;
    next.size = size_;
  }
  if (!sealer_.has_value()) {
    CO_ASSIGN_OR_RETURN(
        sealer_, RunSealer::Begin(key_, ContextOf(name_), next.committed / kChunkSize, context_->random));
  }
  storage::CommitRequest commit;
  commit.partition = VaultStore::ContentPartition(content_);
  const absl::Time now = Microseconds(context_->clock.Now());
  for (const PieceAssembler::Piece& piece : pieces) {
    if (piece.offset != next.committed) {
      co_return absl::InvalidArgumentError("a piece does not continue the text");
    }
    std::string sealed;
    CO_RETURN_IF_ERROR(SealPiece(*sealer_, piece.text, piece.last, &sealed));
    CO_ASSIGN_OR_RETURN(next, WithPiece(std::move(next), piece.text.size(), sealer_->run(), now));
    commit.batch.push_back({PieceKey(piece.offset / kPieceSize), std::move(sealed)});
  }
  pieces.clear();
  CO_ASSIGN_OR_RETURN(const std::string head, EncodeContentHead(next));
  storage::Precondition unchanged{std::string(kHead), std::nullopt};
  if (head_version_ != 0) {
    unchanged.version = head_version_;
  }
  commit.preconditions.push_back(std::move(unchanged));
  commit.batch.push_back({std::string(kHead), rows_->Seal(HeadRow(content_), head)});
  // While the store's queue is full nothing of it is written, and what was sealed for these places is all
  // that may be.
  absl::StatusOr<storage::CommitResult> done = absl::ResourceExhaustedError("not tried");
  for (int i = 0; i < kBusyTries && absl::IsResourceExhausted(done.status()); ++i) {
    if (i > 0) {
      co_await Sleep(context_->executor, kBusyPause);
    }
    storage::CommitRequest attempt = commit;
    done = co_await context_->store.Commit(std::move(attempt));
  }
  CO_RETURN_IF_ERROR(done.status());
  head_ = std::move(next);
  head_version_ = done->version;
  failed_ = false;
  co_return absl::OkStatus();
}

Task<absl::Status> Papers::Empty(Id128 content) const {
  const absl::Status emptied =
      co_await storage::EmptyPartition(context_.store, VaultStore::ContentPartition(content), "");
  co_return emptied;
}

}  // namespace relais::vault
