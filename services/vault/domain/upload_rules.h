// The life of an upload: begun → bytes, resumable at any committed offset → completed, or ended without a
// paper. Pure: the bytes' row is ContentHead (format/content_head.h), what is said of it is StoredUpload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/closure.h"
#include "services/vault/domain/quota.h"
#include "services/vault/domain/refusal.h"
#include "services/vault/format/content_head.h"

namespace relais::vault {

struct UploadRules {
  absl::Duration idle = absl::Hours(24);         // no byte for so long, and it ends
  absl::Duration longest = absl::Hours(24 * 7);  // and after that in any case
  uint32_t versions_per_document = 100;
};

// ---- beginning

/// What the vault knows when an upload begins.
struct BeginFacts {
  VaultPhase phase = VaultPhase::kOpen;
  bool host = false;  // the caller acts for her; else it drops a paper in
  const v1::StoredDocument* later_of =
      nullptr;                       // the paper it is a version of; nullptr: a new one, or none was found
  bool duplicate = false;            // a text with the declared hash is in this vault
  v1::InstitutionUsage institution;  // the depositor's
  DropsUnderWay drops;               // of a drop: those that there are, or wait
};
/// A field of a request, and what it must be.
struct WrongField {
  const char* field;
  const char* must;
};
/// All that is wrong with a beginning by itself: an empty paper, a type that is none, a hash that has not 32
/// bytes, a drop by her host or none by who is not.
[[nodiscard]] std::vector<WrongField> WrongFields(const v1::BeginUploadRequest& request, bool host);

/// Nullopt: it begins, and `usage` holds its reservation. VAULT_CLOSED; INVALID_FIELDS for WrongFields;
/// TYPE_NOT_ALLOWED for a declared type that the vault does not take; NO_SUCH_OR_NOT_YOURS for a version of a
/// paper that is not there, or of any by who is not her host; DUPLICATE_DOCUMENT, to her host alone;
/// TOO_LARGE, QUOTA_EXCEEDED as in quota.h.
[[nodiscard]] Refusal JudgeBegin(const v1::BeginUploadRequest& request, const BeginFacts& facts,
                                 const Limits& limits, const UploadRules& rules, v1::StoredUsage& usage);
/// Of its QUOTA_EXCEEDED: the limit that holds it back, as FullLimit. For her host alone: it says how full
/// her vault is.
[[nodiscard]] std::string FullLimitOf(const v1::BeginUploadRequest& request, const BeginFacts& facts,
                                      const Limits& limits, const UploadRules& rules,
                                      const v1::StoredUsage& usage);

/// The number of the version that an upload makes.
[[nodiscard]] uint32_t NextVersion(const v1::StoredDocument* later_of);

// ---- bytes

/// How far it is; `head` is nullptr before the first commit.
[[nodiscard]] uint64_t CommittedOf(const ContentHead* head);

/// Bytes that come as `length` from `offset`. OFFSET_MISMATCH unless they continue what is committed;
/// TOO_LARGE beyond what was declared.
[[nodiscard]] Refusal JudgeBytes(const v1::StoredUpload& upload, const ContentHead* head, uint64_t offset,
                                 uint64_t length);
/// Whether `length` bytes from `offset` on are one whole piece of a text of `size` bytes.
[[nodiscard]] bool IsPiece(uint64_t size, uint64_t offset, uint64_t length);

/// Cuts a stream of messages of any length into pieces. Holds at most one piece. Not thread-safe.
class PieceAssembler {
 public:
  struct Piece {
    uint64_t offset = 0;
    std::string text;
    bool last = false;  // the text ends with it
  };

  /// A text of `size` bytes from `offset`, a piece's beginning, on.
  PieceAssembler(uint64_t size, uint64_t offset) : size_(size), offset_(offset) {}

  /// Appends the pieces that are complete. TOO_LARGE beyond `size`: nothing more is taken. An empty text has
  /// no piece here: it is made when it is completed.
  [[nodiscard]] Refusal Add(std::string_view data, std::vector<Piece>& pieces);
  /// Bytes that came and are in no piece yet: lost if the stream ends here.
  [[nodiscard]] size_t held() const { return held_.size(); }

 private:
  uint64_t size_;
  uint64_t offset_;  // of what is held
  std::string held_;
};

// ---- ending

/// When it ends by itself if no further byte comes.
[[nodiscard]] absl::Time ExpiryOf(const v1::StoredUpload& upload, const ContentHead* head,
                                  const UploadRules& rules);
[[nodiscard]] inline bool Expired(const v1::StoredUpload& upload, const ContentHead* head, absl::Time now,
                                  const UploadRules& rules) {
  return now >= ExpiryOf(upload, head, rules);
}

/// What the vault found when all bytes are there.
struct CompleteFacts {
  VaultPhase phase = VaultPhase::kOpen;
  std::string sha256;          // of the text as it is stored
  std::string claimed_sha256;  // of the request
  std::string media_type;      // recognised; empty: none that the vault takes
  bool duplicate = false;      // in this vault, of another paper or version
  bool host = false;           // the depositor acts for her
  bool expired = false;
};
/// Nullopt: it becomes a paper. WRONG_STATE when it expired or the version's place was taken; VAULT_CLOSED;
/// OFFSET_MISMATCH while bytes are missing: these leave the upload as it is. HASH_MISMATCH, TYPE_NOT_ALLOWED,
/// DUPLICATE_DOCUMENT (to her host; who drops is not told and the paper is taken) end it: see EndsUpload.
[[nodiscard]] Refusal JudgeComplete(const v1::StoredUpload& upload, const ContentHead* head,
                                    const v1::StoredDocument* later_of, const CompleteFacts& facts);
/// True for the refusals of JudgeComplete, and MALWARE_FOUND, after which nothing of the file may be left.
[[nodiscard]] bool EndsUpload(common::v1::ErrorReason reason);

/// What a drop is when it is completed: PENDING_CONSENT unless consent permitted it already. A host's is
/// ACTIVE.
[[nodiscard]] v1::Document::State StateWhenCompleted(bool host, bool consent_permits);
/// A drop that nobody decided goes after this long.
inline constexpr absl::Duration kPendingConsent = absl::Hours(24 * 30);

}  // namespace relais::vault
