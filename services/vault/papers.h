// The bytes of papers and the keys that open them: a text is read authenticated or not at all, and written in
// pieces that are each written once (ADR 34, ADR 36).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/service_context.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/format/content_head.h"
#include "services/vault/format/opener.h"
#include "services/vault/format/paper_keys.h"
#include "services/vault/format/pieces.h"
#include "services/vault/format/sealer.h"
#include "services/vault/store.h"

namespace relais::vault {

/// Commits under way that hold something wrapped by an epoch. Who rotates an epoch calls Begin, then Mark,
/// then waits until AllEnded(mark), then wraps every row anew: so no row comes after it that the old epoch
/// wraps. Thread-safe.
class KeyCommits {
 public:
  /// Held from before the key is wrapped until its commit has ended, however.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(KeyCommits* of, uint64_t number) : of_(of), number_(number) {}
    Ticket(Ticket&& other) noexcept : of_(std::exchange(other.of_, nullptr)), number_(other.number_) {}
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { Leave(); }

   private:
    void Leave();
    KeyCommits* of_ = nullptr;
    uint64_t number_ = 0;
  };
  [[nodiscard]] Ticket Enter();
  /// Every ticket given out so far is below it.
  [[nodiscard]] uint64_t Mark() const;
  [[nodiscard]] bool AllEnded(uint64_t mark) const;

 private:
  friend class Ticket;
  mutable std::mutex mu_;
  uint64_t next_ = 1;
  std::set<uint64_t> held_;
};

/// The keys of her papers, unwrapped. Thread-safe. NOT_FOUND with crypto::IsDestroyed: the epoch is gone.
class PaperKeys {
 public:
  /// All outlive it.
  PaperKeys(EpochKeys& epochs, const VaultStore& store, Random& random)
      : epochs_(epochs), store_(store), random_(random) {}

  /// A generation of her key. NOT_FOUND: there is no such row.
  [[nodiscard]] absl::StatusOr<Secret> PersonKey(const Id128& person, uint32_t generation) const;
  /// The key of a version, from its record or its upload's.
  [[nodiscard]] absl::StatusOr<Secret> VersionKey(const VersionName& name, std::string_view wrapped) const;

  struct NewKey {
    Secret key;
    std::string wrapped;        // for StoredUpload
    KeyCommits::Ticket ticket;  // to be held until the commit ended
  };
  /// A fresh version key under her current generation. A person without any key gets her first one: its row
  /// is added to `commit`, and `usage.key_generation` set; so the commit puts `v/usage` too.
  [[nodiscard]] absl::StatusOr<NewKey> Make(const VersionName& name, v1::StoredUsage& usage,
                                            storage::CommitRequest& commit);
  /// The mark by which a text is known in her vault, under her current generation; empty when she has no key.
  [[nodiscard]] absl::StatusOr<std::string> Mark(const Id128& person, const v1::StoredUsage& usage,
                                                 std::string_view sha256) const;

  [[nodiscard]] EpochKeys& epochs() { return epochs_; }
  /// What the heads of texts are sealed with.
  [[nodiscard]] const RowSeal& rows() const { return store_.rows(); }
  [[nodiscard]] KeyCommits& commits() { return commits_; }

 private:
  EpochKeys& epochs_;
  const VaultStore& store_;
  Random& random_;
  KeyCommits commits_;
};

/// A version opened for reading: header and key were checked, the record's header hash too. Immutable,
/// copyable, thread-safe. What it gives out was authenticated.
class PaperText {
 public:
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t pieces() const { return PieceCount(size_); }

  /// The bytes of `range` that lie in `piece`. NOT_FOUND: the piece is not there; DATA_LOSS: it does not
  /// open. To callers of the vault both are Papers::Damaged.
  [[nodiscard]] absl::StatusOr<std::string> Read(uint64_t piece, const ByteRange& range) const;
  /// The same where they are wanted: `out` has Part(piece, range).length() bytes. After an error some of them
  /// may be there.
  [[nodiscard]] absl::Status ReadInto(uint64_t piece, const ByteRange& range, std::span<char> out) const;
  [[nodiscard]] ByteRange Part(uint64_t piece, const ByteRange& range) const {
    return PartOfPiece(size_, piece, range);
  }

  /// The pieces that a range touches: [first, end).
  struct Touched {
    uint64_t first = 0;
    uint64_t end = 0;
  };
  [[nodiscard]] static Touched PiecesOf(const ByteRange& range) {
    if (range.empty()) {
      return {};
    }
    return {range.begin / kPieceSize, (range.end - 1) / kPieceSize + 1};
  }

 private:
  friend class Papers;
  PaperText(const storage::Store& store, const Id128& content, uint64_t size, ChunkOpener opener)
      : store_(&store), content_(content), size_(size), opener_(std::move(opener)) {}

  const storage::Store* store_;
  Id128 content_;
  uint64_t size_;
  ChunkOpener opener_;
};

/// A run that may go on where it stands: all that its sealer sealed is durable, and the head of that version
/// is what the last commit of it wrote.
struct OpenRun {
  RunSealer sealer;
  uint64_t head_version = 0;
};

/// Writes the bytes of one upload as one run of pieces. Not thread-safe: one call at a time.
class PaperWriter {
 public:
  /// How far it is, as durable; nullptr before the first commit.
  [[nodiscard]] const ContentHead* head() const { return head_.has_value() ? &*head_ : nullptr; }

  /// Before the first Append: goes on with that run rather than beginning another, if it ends where the
  /// durable bytes do; else it is dropped.
  void GoOn(OpenRun run);
  /// False: a run more than a text may have would begin with the next byte, so none can follow any more.
  [[nodiscard]] bool MayAppend() const {
    return sealer_.has_value() || !head_.has_value() || head_->Whole() ||
           head_->header.runs.size() < kMaxRuns;
  }
  /// The run, for a later writer to go on with; this one is of no use any more. nullopt: there is none, the
  /// text is whole, or something failed.
  [[nodiscard]] std::optional<OpenRun> TakeRun();

  /// Seals and commits these pieces, which continue the text, in one commit. OK: durable. ABORTED: somebody
  /// else wrote; this writer is of no use any more, and nothing of these was written. After any error open
  /// another one.
  Task<absl::Status> Append(std::vector<PieceAssembler::Piece> pieces);

 private:
  friend class Papers;
  PaperWriter(const rpc::ServiceContext& context, const RowSeal& rows, const Id128& content,
              const VersionName& name, uint64_t size, Secret key)
      : context_(&context), rows_(&rows), content_(content), name_(name), size_(size), key_(std::move(key)) {}

  const rpc::ServiceContext* context_;
  const RowSeal* rows_;
  Id128 content_;
  VersionName name_;
  uint64_t size_;
  Secret key_;
  std::optional<ContentHead> head_;
  uint64_t head_version_ = 0;
  std::optional<RunSealer> sealer_;
  bool failed_ = false;
};

/// Thread-safe.
class Papers {
 public:
  /// All outlive it.
  Papers(const rpc::ServiceContext& context, const PaperKeys& keys) : context_(context), keys_(keys) {}

  /// How far the bytes are. DATA_LOSS: the row is damaged.
  [[nodiscard]] absl::StatusOr<std::optional<Stored<ContentHead>>> Head(const Id128& content) const;

  /// A version as its record says. NOT_FOUND: there is no head, or the epoch is gone; DATA_LOSS: the head is
  /// another version's, not whole, its header is not the record's, or the key does not open it.
  [[nodiscard]] absl::StatusOr<PaperText> Open(const VersionName& name,
                                               const v1::StoredVersion& version) const;
  /// The same of an upload whose bytes are all there, before there is a record.
  [[nodiscard]] absl::StatusOr<PaperText> OpenUpload(const VersionName& name, const Id128& content,
                                                     const v1::StoredUpload& upload) const;
  /// DATA_LOSS / DOCUMENT_DAMAGED, for whoever reads: that it is damaged, not how.
  [[nodiscard]] static absl::Status Damaged();

  /// True: these are durable bytes of the text, from `offset` on, and lie in one piece whose beginning is
  /// there. Of an upload under way. DATA_LOSS: head or piece does not open.
  [[nodiscard]] absl::StatusOr<bool> Holds(const VersionName& name, const Id128& content,
                                           const v1::StoredUpload& upload, uint64_t offset,
                                           std::string_view bytes) const;

  /// A writer that goes on where the durable bytes end.
  [[nodiscard]] absl::StatusOr<PaperWriter> Write(const VersionName& name, const Id128& content,
                                                  const v1::StoredUpload& upload) const;

  /// Deletes all bytes of a version. Idempotent. Nobody may still write there (UploadWriters).
  Task<absl::Status> Empty(Id128 content) const;

 private:
  absl::StatusOr<std::optional<Stored<ContentHead>>> HeadOf(const VersionName& name, const Id128& content,
                                                            const v1::StoredUpload& upload) const;
  absl::StatusOr<PaperText> OpenWith(const VersionName& name, const Id128& content, std::string_view wrapped,
                                     uint64_t size, std::string_view header_sha256) const;

  const rpc::ServiceContext& context_;
  const PaperKeys& keys_;
};

}  // namespace relais::vault
