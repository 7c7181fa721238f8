// An upload that goes on from call to call: runs, pieces that are repeated, and what becomes of it (ADR 55).
#include <utility>
#include <vector>

#include "common/rpc/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/format/pieces.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;

// Whole pieces and ten bytes; recognised as a PDF, and no two pieces alike.
constexpr uint64_t kRest = 10;
uint64_t SizeOf(uint64_t whole_pieces) { return whole_pieces * kPieceSize + kRest; }
std::string PieceOf(uint64_t size, uint64_t piece) {
  const ByteRange range = TextOfPiece(size, piece);
  std::string text = piece == 0 ? std::string("%PDF-1.7\n\0", 10) : std::to_string(piece);
  text.resize(range.length(), static_cast<char>('a' + piece % 26));
  return text;
}

class GoingOn : public ::testing::Test {
 protected:
  GoingOn() { world.Host(1); }

  void Begin(uint64_t whole_pieces) {
    size = SizeOf(whole_pieces);
    const auto begun = world.TryBegin(world.Begin(1, "b", size));
    World::Require(begun.status());
    upload = begun->upload().upload_id();
    document = begun->upload().document_id();
  }
  absl::StatusOr<v1::UploadPieceResponse> Send(uint64_t offset, std::string data) {
    v1::UploadPieceRequest request;
    *request.mutable_person() = world.Handle(kHost, 1);
    request.set_upload_id(upload);
    request.set_offset(offset);
    request.set_data(std::move(data));
    return world.Run(world.service().uploads().UploadPiece(world.As(kHost), request));
  }
  absl::Status SendPiece(uint64_t piece) { return Send(piece * kPieceSize, PieceOf(size, piece)).status(); }
  // That time passes, and what looks every few minutes has looked.
  void Wait(absl::Duration time) {
    world.sim().Skip(time);
    world.Settle(absl::Minutes(6));
  }
  // As after a restart: nothing is left in memory of what came.
  void Forget() { EXPECT_FALSE(world.vault().writers.Take(Id()).empty()); }
  Id128 Id() { return Id128::FromHex(upload).value(); }
  Stored<ContentHead> Head() {
    auto head = world.vault().papers.Head(Id());
    World::Require(head.status());
    World::Require(head->has_value() ? absl::OkStatus() : absl::NotFoundError("no head"));
    return **std::move(head);
  }
  size_t Runs() { return Head().value.header.runs.size(); }
  absl::StatusOr<v1::QueryUploadResponse> Query(const std::string& institution = kHost) {
    v1::QueryUploadRequest request;
    *request.mutable_person() = world.Handle(institution, 1);
    request.set_upload_id(upload);
    return world.Run(world.service().uploads().QueryUpload(world.As(institution), request));
  }
  absl::StatusOr<v1::AbandonUploadResponse> Abandon() {
    v1::AbandonUploadRequest request;
    request.set_request_id("abandon");
    *request.mutable_person() = world.Handle(kHost, 1);
    request.set_upload_id(upload);
    request.set_want_proof(true);
    return world.Run(world.service().uploads().AbandonUpload(world.As(kHost), request));
  }
  VersionName Name() { return {World::Person(1), Id128::FromHex(document).value(), 1}; }
  PaperWriter Writer() {
    const auto stored = world.store().Upload(World::Person(1), Id());
    World::Require(stored.status());
    auto writer = world.vault().papers.Write(Name(), Id(), (*stored)->value);
    World::Require(writer.status());
    return *std::move(writer);
  }
  void Append(PaperWriter& writer, uint64_t piece) {
    const ByteRange range = TextOfPiece(size, piece);
    std::vector<PieceAssembler::Piece> pieces(1);
    pieces[0] = {range.begin, PieceOf(size, piece), range.end == size};
    World::Require(world.Run(writer.Append(std::move(pieces))));
  }
  std::string Whole() {
    std::string text;
    for (uint64_t piece = 0; piece < PieceCount(size); ++piece) {
      text += PieceOf(size, piece);
    }
    return text;
  }
  // Completes it, and reads it as it was sent.
  void Finish() {
    const std::string text = Whole();
    const auto done = world.TryComplete(1, "c", upload, text);
    ASSERT_TRUE(done.ok()) << done.status();
    EXPECT_TRUE(Download(world, kHost, 1, document).bytes == text);
  }

  World world;
  std::string upload;
  std::string document;
  uint64_t size = 0;
};

// ---- runs

TEST_F(GoingOn, MorePiecesThanRunsOneByOneAreOneRun) {
  Begin(1029);
  crypto::Sha256Hasher hasher;
  for (uint64_t piece = 0; piece < PieceCount(size); ++piece) {
    ASSERT_TRUE(SendPiece(piece).ok()) << piece;
    hasher.Update(PieceOf(size, piece));
  }
  EXPECT_EQ(PieceCount(size), 1030U);
  EXPECT_GT(PieceCount(size), kMaxRuns);
  EXPECT_EQ(Runs(), 1U);
  v1::CompleteUploadRequest complete;
  complete.set_request_id("c");
  *complete.mutable_person() = world.Handle(kHost, 1);
  complete.set_upload_id(upload);
  complete.set_sha256(hasher.Finish());
  const auto done = world.Run(world.service().completing().CompleteUpload(world.As(kHost), complete));
  ASSERT_TRUE(done.ok()) << done.status();
  const v1::StoredDocument stored = world.Document(1, document);
  const auto text = world.vault().papers.Open(Name(), stored.versions(0));
  ASSERT_TRUE(text.ok()) << text.status();
  for (const uint64_t piece : {uint64_t{0}, uint64_t{1}, uint64_t{1024}, uint64_t{1029}}) {
    const auto bytes = text->Read(piece, {0, size});
    ASSERT_TRUE(bytes.ok()) << piece << " " << bytes.status();
    EXPECT_TRUE(*bytes == PieceOf(size, piece)) << piece;
  }
}

TEST_F(GoingOn, AStreamWhoseClientHangsUpGoesOnInItsRun) {
  Begin(3);
  auto stream = std::make_shared<ScriptedUpload>();
  stream->Open(world.Handle(kHost, 1), upload, 0);
  stream->Send(PieceOf(size, 0) + PieceOf(size, 1).substr(0, 1000));
  stream->ThenHangUp();
  EXPECT_FALSE(world.Run(world.service().uploads().Upload(world.As(kHost), stream)).ok());
  EXPECT_EQ(Head().value.committed, kPieceSize);
  ASSERT_TRUE(SendPiece(1).ok());
  ASSERT_TRUE(world.TrySend(1, upload, 2 * kPieceSize, PieceOf(size, 2) + PieceOf(size, 3)).ok());
  EXPECT_EQ(Runs(), 1U);
  Finish();
}

TEST_F(GoingOn, ARestartBeginsARun) {
  Begin(3);
  ASSERT_TRUE(SendPiece(0).ok());
  ASSERT_TRUE(SendPiece(1).ok());
  EXPECT_EQ(Runs(), 1U);
  world.Restart();
  ASSERT_TRUE(SendPiece(2).ok());
  ASSERT_TRUE(SendPiece(3).ok());
  EXPECT_EQ(Runs(), 2U);
  Finish();
}

TEST_F(GoingOn, SoDoesAnHourWithoutAByte) {
  Begin(3);
  ASSERT_TRUE(SendPiece(0).ok());
  Wait(UploadWriters::kLongest - absl::Minutes(10));
  ASSERT_TRUE(SendPiece(1).ok());
  EXPECT_EQ(Runs(), 1U);
  Wait(UploadWriters::kLongest);
  ASSERT_TRUE(SendPiece(2).ok());
  EXPECT_EQ(Runs(), 2U);
  ASSERT_TRUE(SendPiece(3).ok());
  Finish();
}

// A run that another writer has gone past would seal a place twice.
TEST_F(GoingOn, ARunGoesOnAtItsOwnHeadAlone) {
  Begin(4);
  PaperWriter first = Writer();
  Append(first, 0);
  auto stale = first.TakeRun();
  ASSERT_TRUE(stale.has_value());
  EXPECT_FALSE(first.TakeRun().has_value()) << "there is one of it";
  PaperWriter second = Writer();
  Append(second, 1);
  EXPECT_EQ(Runs(), 2U);
  PaperWriter third = Writer();
  third.GoOn(*std::move(stale));
  Append(third, 2);
  EXPECT_EQ(Runs(), 3U) << "the stale run was dropped";
  auto run = third.TakeRun();
  ASSERT_TRUE(run.has_value());
  PaperWriter fourth = Writer();
  fourth.GoOn(*std::move(run));
  Append(fourth, 3);
  Append(fourth, 4);
  EXPECT_EQ(Runs(), 3U) << "this one went on";
  EXPECT_FALSE(fourth.TakeRun().has_value()) << "the text is whole";
  Finish();
}

TEST_F(GoingOn, AWriterThatFailedLeavesNoRun) {
  Begin(3);
  PaperWriter first = Writer();
  Append(first, 0);
  PaperWriter second = Writer();
  Append(second, 1);
  std::vector<PieceAssembler::Piece> late(1);
  late[0] = {kPieceSize, std::string(kPieceSize, 'x'), false};
  EXPECT_TRUE(absl::IsAborted(world.Run(first.Append(std::move(late)))));
  EXPECT_FALSE(first.TakeRun().has_value());
}

// ---- too many of them

// A head as of an upload that was interrupted before each of its pieces.
class InterruptedOften : public GoingOn {
 protected:
  void BeginWith(size_t runs) {
    Begin(kMaxRuns + 3);
    ContentHead head;
    head.name = Name();
    head.size = size;
    head.committed = runs * kPieceSize;
    head.touched = world.sim().Now();
    for (size_t run = 0; run < runs; ++run) {
      const std::string filler(kRunSaltSize, static_cast<char>(run % 251));
      head.header.runs.push_back({run * kPieceChunks, filler, filler});
    }
    storage::CommitRequest commit;
    commit.partition = VaultStore::ContentPartition(Id());
    commit.batch.push_back({"head", world.store().rows().Seal(VaultStore::RowOf(commit.partition, "head"),
                                                              EncodeContentHead(head).value())});
    World::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  }
};

TEST_F(InterruptedOften, TheLastRunGoesOnToTheEnd) {
  BeginWith(kMaxRuns - 1);
  for (uint64_t piece = kMaxRuns - 1; piece < PieceCount(size); ++piece) {
    ASSERT_TRUE(SendPiece(piece).ok()) << piece;
  }
  EXPECT_EQ(Runs(), kMaxRuns);
  EXPECT_TRUE(Head().value.Whole());
  const auto asked = world.TrySend(1, upload, size, "");
  EXPECT_TRUE(asked.ok()) << "no byte has to follow: " << asked.status();
}

TEST_F(InterruptedOften, OneInterruptionMoreEndsItWithAReasonOfItsOwn) {
  BeginWith(kMaxRuns - 1);
  ASSERT_TRUE(SendPiece(kMaxRuns - 1).ok());
  Forget();
  const absl::Status refused = SendPiece(kMaxRuns);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_INTERRUPTED_TOO_OFTEN);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(rpc::RetryAfterOf(refused).has_value());
  world.Settle();
  const auto ended = Query();
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->upload().state(), v1::Upload::STATE_ENDED);
  EXPECT_EQ(ended->upload().reason(), "INTERRUPTED_TOO_OFTEN");
  EXPECT_EQ(world.Usage(1).reserved_bytes(), 0U);
  EXPECT_FALSE(world.vault().papers.Head(Id())->has_value()) << "bytes are left";
}

TEST_F(InterruptedOften, AStreamIsToldTheSame) {
  BeginWith(kMaxRuns);
  const auto refused = world.TrySend(1, upload, kMaxRuns * kPieceSize, PieceOf(size, kMaxRuns));
  EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_INTERRUPTED_TOO_OFTEN);
}

// ---- a piece whose answer was lost

TEST_F(GoingOn, APieceThatIsThereIsAnsweredAsWhenItCame) {
  Begin(2);
  ASSERT_TRUE(SendPiece(0).ok());
  const auto first = Send(kPieceSize, PieceOf(size, 1));
  ASSERT_TRUE(first.ok()) << first.status();
  const uint64_t written = Head().version;
  const auto again = Send(kPieceSize, PieceOf(size, 1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Head().version, written) << "nothing is written twice";
  world.Restart();
  ASSERT_TRUE(SendPiece(0).ok()) << "also of an earlier one, and after a restart";
  ASSERT_TRUE(SendPiece(2).ok());
  ASSERT_TRUE(SendPiece(2).ok()) << "and of the last";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 0U);
  Finish();
}

TEST_F(GoingOn, OtherBytesAreNotAndTheErrorSaysWhereToGoOn) {
  Begin(2);
  ASSERT_TRUE(SendPiece(0).ok());
  std::string other = PieceOf(size, 0);
  other.back() ^= 1;
  const std::string next = "go on from byte " + std::to_string(kPieceSize);
  const std::string piece = PieceOf(size, 0);
  const std::vector<std::pair<uint64_t, std::string>> wrong = {
      {0, other},                           // another byte
      {0, piece.substr(0, 1000)},           // no whole piece
      {1, piece.substr(1)},                 // not where a piece begins
      {2 * kPieceSize, PieceOf(size, 2)}};  // a gap
  std::vector<common::v1::ErrorReason> reasons;
  for (const auto& [offset, data] : wrong) {
    const absl::Status refused = Send(offset, data).status();
    reasons.push_back(ReasonOf(refused));
    EXPECT_EQ(rpc::NextStepOf(refused), next);
  }
  constexpr auto kMismatch = common::v1::ERROR_REASON_OFFSET_MISMATCH;
  EXPECT_THAT(reasons, ElementsAre(kMismatch, kMismatch, kMismatch, kMismatch));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 4U) << "attempts are hers to see (D-3.2)";
  EXPECT_EQ(Head().value.committed, kPieceSize);
  ASSERT_TRUE(SendPiece(1).ok());
  ASSERT_TRUE(SendPiece(2).ok());
  EXPECT_EQ(Runs(), 1U) << "a refused piece interrupts nothing";
  Finish();
}

TEST_F(GoingOn, APieceOfAnotherLengthIsNoneAndInterruptsNothing) {
  Begin(1);
  ASSERT_TRUE(SendPiece(0).ok());
  for (const size_t length : {size_t{0}, size_t{kRest - 1}}) {
    const auto refused = Send(kPieceSize, std::string(length, 'x'));
    EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_INVALID_FIELDS) << length;
    EXPECT_EQ(rpc::FieldsOf(refused.status()).field_violations(0).field(), "data");
  }
  EXPECT_EQ(ReasonOf(Send(kPieceSize, std::string(kRest + 1, 'x')).status()),
            common::v1::ERROR_REASON_TOO_LARGE);
  ASSERT_TRUE(SendPiece(1).ok());
  EXPECT_EQ(Runs(), 1U);
  Finish();
}

// ---- what became of it

TEST_F(GoingOn, AnUploadThatIsOverIsStillKnownToWhoBeganIt) {
  Begin(1);
  ASSERT_TRUE(SendPiece(0).ok());
  EXPECT_EQ(Query()->upload().state(), v1::Upload::STATE_OPEN);
  EXPECT_EQ(Query()->upload().committed(), kPieceSize);
  ASSERT_TRUE(SendPiece(1).ok());
  Finish();
  world.Restart();
  const auto over = Query();
  ASSERT_TRUE(over.ok()) << over.status();
  EXPECT_EQ(over->upload().state(), v1::Upload::STATE_COMPLETED);
  EXPECT_EQ(over->upload().document_id(), document);
  EXPECT_EQ(over->upload().version(), 1U);
  EXPECT_EQ(over->upload().size(), size);
  EXPECT_EQ(over->upload().committed(), size);
  EXPECT_FALSE(over->upload().has_expires());
  world.Host(1, "aphp");
  EXPECT_EQ(ReasonOf(Query("aphp").status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
      << "another host of hers did not begin it";
  world.Host(1, kHost, absl::ZeroDuration());
  EXPECT_EQ(ReasonOf(Query().status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
      << "who no longer acts for her";
}

TEST_F(GoingOn, WhyItEndedIsSaid) {
  Begin(1);
  ASSERT_TRUE(Abandon().ok());
  EXPECT_EQ(Query()->upload().state(), v1::Upload::STATE_ENDED);
  EXPECT_EQ(Query()->upload().reason(), "ABANDONED");
  EXPECT_EQ(Query()->upload().committed(), 0U);
  const auto late = world.TryBegin(world.Begin(1, "late", 100));
  ASSERT_TRUE(late.ok());
  upload = late->upload().upload_id();
  Wait(absl::Hours(25));
  EXPECT_EQ(Query()->upload().reason(), "EXPIRED");
  const std::string bytes = Pdf(100);
  const auto wrong = world.TryBegin(world.Begin(1, "wrong", bytes.size()));
  ASSERT_TRUE(wrong.ok());
  upload = wrong->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes).ok());
  EXPECT_FALSE(world.TryComplete(1, "wrong", upload, bytes + "x").ok());
  EXPECT_EQ(Query()->upload().reason(), "HASH_MISMATCH");
}

TEST_F(GoingOn, WhoDroppedAPaperIsToldThatItIsThere) {
  const std::string bytes = Pdf(500);
  const auto begun = world.TryBegin(DropOf(world, "b", bytes.size()), "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes, "aphp").ok());
  ASSERT_TRUE(world.TryComplete(1, "c", upload, bytes, "aphp").ok());
  const auto over = Query("aphp");
  ASSERT_TRUE(over.ok()) << over.status();
  EXPECT_EQ(over->upload().state(), v1::Upload::STATE_COMPLETED);
  EXPECT_FALSE(Query(kHost).ok()) << "her host did not begin it";
}

TEST_F(GoingOn, ABeginningThatIsRepeatedShowsTheUploadAsItIs) {
  Begin(1);
  ASSERT_TRUE(SendPiece(0).ok());
  const auto under_way = world.TryBegin(world.Begin(1, "b", size));
  ASSERT_TRUE(under_way.ok()) << under_way.status();
  EXPECT_EQ(under_way->upload().upload_id(), upload);
  EXPECT_EQ(under_way->upload().committed(), kPieceSize);
  ASSERT_TRUE(SendPiece(1).ok());
  Finish();
  const auto over = world.TryBegin(world.Begin(1, "b", size));
  ASSERT_TRUE(over.ok()) << over.status();
  EXPECT_EQ(over->upload().state(), v1::Upload::STATE_COMPLETED);
  EXPECT_EQ(over->written().SerializeAsString(), under_way->written().SerializeAsString());
}

TEST_F(GoingOn, GivingItUpTwiceIsOneAct) {
  Begin(1);
  const auto first = Abandon();
  ASSERT_TRUE(first.ok()) << first.status();
  world.Host(2);  // the log goes on
  world.Settle(absl::Minutes(1));
  const auto again = Abandon();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written().revision(), first->written().revision());
  EXPECT_EQ(again->written().time().SerializeAsString(), first->written().time().SerializeAsString());
  EXPECT_EQ(again->written().proof().leaf(), first->written().proof().leaf());
  EXPECT_FALSE(first->written().proof().leaf().empty());
}

// ---- fields

std::vector<std::string> FieldsIn(const absl::Status& status) {
  std::vector<std::string> fields;
  const google::rpc::BadRequest wrong = rpc::FieldsOf(status);
  for (const auto& violation : wrong.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

TEST_F(GoingOn, AllThatIsWrongWithABeginningIsNamed) {
  v1::BeginUploadRequest request = world.Begin(1, "b", 0, static_cast<v1::DocumentType>(99));
  request.set_sha256("short");
  request.mutable_drop()->mutable_host()->set_institution(kHost);
  request.mutable_drop()->set_purpose("RIGHTS_OPENING");
  const auto refused = world.TryBegin(request);
  EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_THAT(FieldsIn(refused.status()), ElementsAre("size", "description.type", "sha256", "drop"));
}

TEST_F(GoingOn, AHashOfAnotherLengthEndsNothing) {
  const std::string bytes = Pdf(100);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes).ok());
  v1::CompleteUploadRequest complete;
  complete.set_request_id("c");
  *complete.mutable_person() = world.Handle(kHost, 1);
  complete.set_upload_id(upload);
  for (const size_t length : {size_t{1}, size_t{31}}) {
    complete.set_sha256(crypto::Sha256(bytes).substr(0, length));
    const auto refused = world.Run(world.service().completing().CompleteUpload(world.As(kHost), complete));
    EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_INVALID_FIELDS);
    EXPECT_THAT(FieldsIn(refused.status()), ElementsAre("sha256"));
  }
  EXPECT_EQ(Query()->upload().state(), v1::Upload::STATE_OPEN);
  EXPECT_TRUE(world.TryComplete(1, "c", upload, bytes).ok());
}

// ---- the quota of an institution

TEST(InstitutionQuota, HoldsOverAllVaultsAndIsFreeAgainAfterwards) {
  Settings settings;
  settings.limits.institution_bytes = 1000;
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  world.Host(2);
  world.Host(2, "aphp");
  world.MustDeposit(1, Pdf(600));
  const auto refused = world.TryBegin(world.Begin(2, "b", 401));
  EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(rpc::NextStepOf(refused.status()),
            "limits.institution_bytes: 1000 bytes of your institution in all vaults, 400 free");
  EXPECT_EQ(world.Usage(2).open_uploads(), 0U) << "a refusal reserves nothing";
  EXPECT_TRUE(world.TryBegin(world.Begin(2, "theirs", 401, v1::DOCUMENT_TYPE_OTHER, "aphp"), "aphp").ok())
      << "another institution's is another one";
  const auto reserved = world.TryBegin(world.Begin(2, "c", 400));
  ASSERT_TRUE(reserved.ok()) << reserved.status();
  world.Settle();  // what is under way counts once it was followed
  EXPECT_EQ(ReasonOf(world.TryBegin(world.Begin(1, "d", 1)).status()),
            common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  v1::AbandonUploadRequest abandon;
  abandon.set_request_id("abandon");
  *abandon.mutable_person() = world.Handle(kHost, 2);
  abandon.set_upload_id(reserved->upload().upload_id());
  ASSERT_TRUE(world.Run(world.service().uploads().AbandonUpload(world.As(kHost), abandon)).ok());
  world.Settle();
  EXPECT_TRUE(world.TryBegin(world.Begin(1, "e", 400)).ok());
}

}  // namespace
}  // namespace relais::vault::testing
