// Déposer, up to the last byte: beginning, bytes, how far it is, giving it up. DocumentService's part.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/stream.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/handlers/upload_stream.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// An upload with who asks for it.
struct OwnUpload {
  rpc::Actor actor;
  Id128 person;  // the name of hers under which it is
  Id128 id;
  Stored<v1::StoredUpload> stored;
  std::optional<Stored<v1::StoredHost>> host = {};  // the caller's row, where another's drop is given up
};

/// Thread-safe. Methods as in the proto. Who goes on with an upload is the institution that began it; a drop
/// under way may be given up by a host of hers too.
class UploadHandlers {
 public:
  explicit UploadHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::BeginUploadResponse>> BeginUpload(rpc::Call call, v1::BeginUploadRequest request);
  /// Answers once the client ended the stream. What was committed stays whatever happens.
  Task<absl::StatusOr<v1::UploadResponse>> Upload(rpc::Call call,
                                                  std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream);
  Task<absl::StatusOr<v1::UploadPieceResponse>> UploadPiece(rpc::Call call, v1::UploadPieceRequest request);
  Task<absl::StatusOr<v1::QueryUploadResponse>> QueryUpload(rpc::Call call, v1::QueryUploadRequest request);
  Task<absl::StatusOr<v1::AbandonUploadResponse>> AbandonUpload(rpc::Call call,
                                                                v1::AbandonUploadRequest request);

 private:
  // What an upload that begins is judged by, but for what the commit guards.
  struct Beginning {
    rpc::Actor actor;
    Id128 person;  // as given
    Id128 event_id;
    bool permitted = false;  // of a drop: consent lets it, or cannot be asked
  };
  struct Begun {
    v1::BeginUploadResponse response;
    storage::LeafRange leaves;
    bool again = false;  // it was done before: the response is whole
  };
  Task<absl::StatusOr<Begun>> BeginOnce(rpc::Call call, v1::BeginUploadRequest request, Beginning beginning);
  // References to what lives in the frame of who awaits these.
  Task<absl::Status> TakeBytes(rpc::Call call, OwnUpload upload, UploadWriters::Place& place, uint64_t offset,
                               std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream);
  Task<absl::Status> TakePiece(rpc::Call call, OwnUpload upload, v1::UploadPieceRequest request);
  Task<absl::Status> Pump(PieceStream& pieces, PieceAssembler assembler, UploadWriters::Place& place,
                          Lookahead::Held& held, std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream);
  absl::StatusOr<PaperWriter> WriterAt(const OwnUpload& upload, uint64_t offset, uint64_t length) const;
  Task<absl::StatusOr<std::optional<TextSoFar>>> TakeUp(rpc::Call call, OwnUpload upload,
                                                        PaperWriter& writer);
  absl::StatusOr<v1::Upload> Now(const OwnUpload& upload) const;

  const Vault& vault_;
};

/// OK when this caller may know of an upload, under way or over, that `depositor` began: its institution did,
/// and, unless it is a `drop`, acts for her still. NO_SUCH_OR_NOT_YOURS else; PEER_BEHIND while the caller is
/// her host and suspended.
[[nodiscard]] absl::Status MayKnow(const Vault& vault, const rpc::Call& call, const Id128& person,
                                   std::string_view depositor, bool drop);

/// The name of hers under which that upload is, under way or over; the given one where there is none.
[[nodiscard]] absl::StatusOr<Id128> NameOfUpload(const Vault& vault, const Id128& given,
                                                 std::string_view upload_id);

/// What an upload is looked for.
enum class UploadUse {
  kGoOn,
  kGiveUp,  // her host may too, where it is a drop: her vault is hers (D-3.1)
};
/// The upload that this caller began and that is under way, under any name of hers; to be given up, also a
/// drop of another's. NOT_FOUND else; PEER_BEHIND while the caller is her host and suspended;
/// DOCUMENT_DAMAGED to her host where it does not open.
[[nodiscard]] absl::StatusOr<OwnUpload> FindUpload(const Vault& vault, const rpc::Call& call,
                                                   const common::v1::PersonRef& person,
                                                   std::string_view upload_id,
                                                   UploadUse use = UploadUse::kGoOn);

/// An upload as it is, under way or over. nullopt: there is none.
struct KnownUpload {
  v1::Upload upload;
  std::string depositor;  // the institution that began it
  bool drop = false;
};
[[nodiscard]] absl::StatusOr<std::optional<KnownUpload>> FindKnownUpload(const Vault& vault,
                                                                         const Id128& person,
                                                                         const Id128& id);

/// The place of its one writer, after whoever wrote before has been told to stop, and the upload as it is
/// then. FAILED_PRECONDITION / WRONG_STATE when he does not stop. NOT_FOUND when it ended meanwhile.
struct EnteredUpload {
  OwnUpload upload;
  UploadWriters::Place place;
};
Task<absl::StatusOr<EnteredUpload>> EnterUpload(const Vault& vault, rpc::Call call,
                                                common::v1::PersonRef person, std::string upload_id);

/// Whether that institution acts for her now, by its row alone.
[[nodiscard]] absl::StatusOr<bool> IsHost(const VaultStore& store, const Id128& person,
                                          std::string_view institution, absl::Time now);

/// How an upload ends without a paper.
struct Ending {
  std::string reason;                                 // an ErrorReason by name, `EXPIRED`, `ABANDONED`
  std::string request_id;                             // empty: none
  Id128 event_id;                                     // of its leaf; zero: a fresh one
  bool by_host = false;                               // a drop that a host of hers gives up
  std::function<void(storage::CommitRequest&)> also;  // adds to the commit; null: nothing
};
/// Ends it, in one commit: usage, its rows, UPLOAD_CHANGED (ENDED). The bytes go by the own log's follower.
/// NOT_FOUND when it is no more; OVERLOADED after kTries collisions.
Task<absl::StatusOr<storage::LeafRange>> EndUpload(const Vault& vault, rpc::Call call, rpc::Actor actor,
                                                   Id128 person, Id128 id, Ending ending);

}  // namespace relais::vault
