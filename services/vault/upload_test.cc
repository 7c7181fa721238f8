// Déposer: from the first byte to the paper, in virtual time (D-3.5, D-3.7; ADR 34, ADR 36, ADR 37).
#include <gtest/gtest.h>

#include <optional>

#include "common/rpc/refusal.h"
#include "relais/consent/v1/events.pb.h"
#include "services/vault/convert.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/access.h"
#include "services/vault/pending_drops.h"
#include "services/vault/testing/drops.h"

namespace relais::vault {
namespace {

using common::v1::ErrorReason;
using testing::DropOf;
using testing::Dropped;
using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::World;

ErrorReason ReasonOf(const absl::Status& status) { return rpc::ReasonOf(status); }

// The bytes of a paper's version, as the vault would give them.
std::string TextOf(World& world, uint64_t person, const std::string& document, int version = 0) {
  const v1::StoredDocument stored = world.Document(person, document);
  const v1::StoredVersion& wanted = stored.versions(version);
  const VersionName name{World::Person(person), *Id128::FromHex(document), wanted.version().version()};
  const auto text = world.vault().papers.Open(name, wanted);
  World::Require(text.status());
  std::string out;
  for (uint64_t piece = 0; text->size() > 0 && piece < text->pieces(); ++piece) {
    const auto bytes = text->Read(piece, {0, text->size()});
    World::Require(bytes.status());
    out += *bytes;
  }
  return out;
}

uint64_t Committed(World& world, uint64_t person, const std::string& upload,
                   const std::string& institution = kHost) {
  v1::QueryUploadRequest request;
  *request.mutable_person() = world.Handle(institution, person);
  request.set_upload_id(upload);
  const auto answer = world.Run(world.service().uploads().QueryUpload(world.As(institution), request));
  World::Require(answer.status());
  return answer->upload().committed();
}

TEST(Deposit, APaperIsInTheVaultWithItsReceipt) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(600'000);
  const World::Deposited deposited = world.MustDeposit(1, bytes);
  const v1::StoredDocument document = world.Document(1, deposited.document);
  EXPECT_EQ(document.state(), v1::Document::STATE_ACTIVE);
  ASSERT_EQ(document.versions_size(), 1);
  EXPECT_EQ(document.versions(0).version().sha256(), crypto::Sha256(bytes));
  EXPECT_EQ(document.versions(0).version().media_type(), "application/pdf");
  EXPECT_EQ(document.versions(0).version().depositor().institution(), kHost);
  EXPECT_EQ(TextOf(world, 1, deposited.document), bytes);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED), 1U);
  const v1::StoredUsage usage = world.Usage(1);
  EXPECT_EQ(usage.documents(), 1U);
  EXPECT_EQ(usage.bytes(), bytes.size());
  EXPECT_EQ(usage.open_uploads(), 0U);
  EXPECT_EQ(usage.reserved_bytes(), 0U);
}

TEST(Deposit, AnEmptyPaperIsNoneAndTheSmallestHasOneByte) {
  World world;
  world.Host(1);
  EXPECT_EQ(ReasonOf(world.TryBegin(world.Begin(1, "empty", 0)).status()),
            common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_UPLOAD_CHANGED), 0U);
  EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
  const World::Deposited deposited = world.MustDeposit(1, "x");
  EXPECT_EQ(world.Document(1, deposited.document).versions(0).version().media_type(), "text/plain");
  EXPECT_EQ(TextOf(world, 1, deposited.document), "x");
}

TEST(Deposit, WhoIsNotHerHostIsToldNothingAndLeavesAnAttempt) {
  World world;
  world.Host(1);
  const auto begun = world.TryBegin(world.Begin(1, "b", 10, v1::DOCUMENT_TYPE_OTHER, kReader), kReader);
  EXPECT_TRUE(absl::IsNotFound(begun.status()));
  EXPECT_EQ(ReasonOf(begun.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 1U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_UPLOAD_CHANGED), 0U);
}

TEST(Deposit, ARepeatedRequestHasTheSameAnswerAndNoSecondEffect) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(100);
  const auto first = world.TryBegin(world.Begin(1, "b", bytes.size()));
  const auto second = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->upload().upload_id(), second->upload().upload_id());
  EXPECT_EQ(first->written().time().seconds(), second->written().time().seconds());
  EXPECT_EQ(world.Usage(1).open_uploads(), 1U);
  const auto other = world.TryBegin(world.Begin(1, "b", bytes.size() + 1));
  EXPECT_EQ(ReasonOf(other.status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  const std::string upload = first->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes).ok());
  const auto done = world.TryComplete(1, "c", upload, bytes);
  const auto again = world.TryComplete(1, "c", upload, bytes);
  ASSERT_TRUE(done.ok() && again.ok());
  EXPECT_EQ(done->document().document_id(), again->document().document_id());
  EXPECT_EQ(again->document().title(), done->document().title());
  EXPECT_EQ(world.Usage(1).documents(), 1U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED), 1U);
}

TEST(Upload, GoesOnAfterACrashWithoutResendingWhatIsCommitted) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(5 * kPieceSize + 777);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  const std::string upload = begun->upload().upload_id();
  // Two whole pieces and a half come before the client is gone.
  auto stream = std::make_shared<testing::ScriptedUpload>();
  stream->Open(world.Handle(kHost, 1), upload, 0);
  stream->Send(bytes.substr(0, 2 * kPieceSize + kPieceSize / 2), 100'000);
  stream->ThenHangUp();
  EXPECT_FALSE(world.Run(world.service().uploads().Upload(world.As(kHost), stream)).ok());
  world.Restart();
  const uint64_t committed = Committed(world, 1, upload);
  EXPECT_EQ(committed, 2 * kPieceSize);
  const auto early = world.TrySend(1, upload, 0, bytes);
  EXPECT_EQ(ReasonOf(early.status()), common::v1::ERROR_REASON_OFFSET_MISMATCH);
  const auto rest = world.TrySend(1, upload, committed, std::string_view(bytes).substr(committed));
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->upload().committed(), bytes.size());
  const auto done = world.TryComplete(1, "c", upload, bytes);
  ASSERT_TRUE(done.ok()) << done.status();
  world.Restart();
  EXPECT_EQ(TextOf(world, 1, done->document().document_id()), bytes);
}

TEST(Upload, OnePieceACallIsTheSame) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(kPieceSize + 10);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  for (const uint64_t offset : {uint64_t{0}, uint64_t{kPieceSize}}) {
    v1::UploadPieceRequest piece;
    *piece.mutable_person() = world.Handle(kHost, 1);
    piece.set_upload_id(begun->upload().upload_id());
    piece.set_offset(offset);
    piece.set_data(bytes.substr(offset, kPieceSize));
    const auto answer = world.Run(world.service().uploads().UploadPiece(world.As(kHost), piece));
    ASSERT_TRUE(answer.ok()) << answer.status();
  }
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), bytes);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(TextOf(world, 1, done->document().document_id()), bytes);
}

TEST(Upload, AnothersUploadIsNotThere) {
  World world;
  world.Host(1);
  world.Host(1, "aphp");
  const auto begun = world.TryBegin(world.Begin(1, "b", 100));
  ASSERT_TRUE(begun.ok());
  const auto sent = world.TrySend(1, begun->upload().upload_id(), 0, Pdf(100), "aphp");
  EXPECT_EQ(ReasonOf(sent.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// Each of these ends the upload and leaves nothing of the file.
TEST(Complete, ARefusedFileLeavesNothing) {
  World world({.seed = 1, .settings = {}, .scanner = true});
  world.Host(1);
  struct Case {
    std::string sent;
    std::string claimed;
    bool malware;
    ErrorReason reason;
  };
  const std::string pdf = Pdf(300'000);
  const std::string markup = "<html><script>" + std::string(1000, 'x') + "</script></html>";
  const std::vector<Case> cases = {{pdf, pdf + "x", false, common::v1::ERROR_REASON_HASH_MISMATCH},
                                   {markup, markup, false, common::v1::ERROR_REASON_TYPE_NOT_ALLOWED},
                                   {pdf, pdf, true, common::v1::ERROR_REASON_MALWARE_FOUND}};
  int number = 0;
  for (const Case& one : cases) {
    world.scanner.verdict = one.malware ? ScanVerdict::kFound : ScanVerdict::kClean;
    const std::string id = std::to_string(++number);
    const auto begun = world.TryBegin(world.Begin(1, "b" + id, one.sent.size()));
    ASSERT_TRUE(begun.ok());
    const std::string upload = begun->upload().upload_id();
    ASSERT_TRUE(world.TrySend(1, upload, 0, one.sent).ok());
    const auto done = world.TryComplete(1, "c" + id, upload, one.claimed);
    EXPECT_EQ(ReasonOf(done.status()), one.reason) << id;
    world.Settle();
    EXPECT_FALSE(world.store().Upload(World::Person(1), *Id128::FromHex(upload))->has_value());
    EXPECT_FALSE(world.vault().papers.Head(*Id128::FromHex(upload))->has_value()) << "bytes are left";
    EXPECT_EQ(world.Usage(1).reserved_bytes(), 0U);
    EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
  }
  EXPECT_EQ(world.Usage(1).documents(), 0U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED), 0U);
}

TEST(Complete, AScannerThatIsRequiredAndAwayKeepsTheUpload) {
  Settings settings;
  settings.scan.required = true;
  World world({.seed = 1, .settings = settings, .scanner = true});
  world.Host(1);
  world.scanner.verdict = ScanVerdict::kNobody;
  const std::string bytes = Pdf(100);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, bytes).ok());
  const auto refused = world.TryComplete(1, "c", begun->upload().upload_id(), bytes);
  EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_SCANNER_UNAVAILABLE);
  world.scanner.verdict = ScanVerdict::kClean;
  EXPECT_TRUE(world.TryComplete(1, "c", begun->upload().upload_id(), bytes).ok());
  EXPECT_EQ(world.scanner.bytes, bytes.size());
}

// Nobody there passes where none is required; a scanner that is there and says nothing never does: the sender
// may have brought that about.
TEST(Complete, WithoutAVerdictNothingPassesButWhereNobodyIsThere) {
  World world({.seed = 1, .settings = {}, .scanner = true});
  world.Host(1);
  const std::string bytes = Pdf(100);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  const std::string upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes).ok());
  for (const absl::Status& said : {absl::ResourceExhaustedError("limit"), absl::DeadlineExceededError("late"),
                                   absl::UnavailableError("?")}) {
    world.scanner.verdict = said;
    const auto refused = world.TryComplete(1, "c", upload, bytes);
    EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_SCANNER_UNAVAILABLE) << said;
  }
  EXPECT_EQ(world.Usage(1).documents(), 0U);
  world.scanner.verdict = ScanVerdict::kNobody;
  EXPECT_TRUE(world.TryComplete(1, "c", upload, bytes).ok());
}

// A repetition shows the paper to who acts for her now, and leaves that; to nobody else.
TEST(Complete, ARepetitionShowsThePaperToHerHostsAlone) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(100);
  const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
  ASSERT_TRUE(begun.ok());
  const std::string upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, bytes).ok());
  const auto done = world.TryComplete(1, "c", upload, bytes);
  ASSERT_TRUE(done.ok()) << done.status();
  const size_t looks = world.Count(audit::v1::EVENT_CLASS_VAULT_LOOKED);
  const auto shown = world.TryComplete(1, "c", upload, bytes);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(shown->document().versions_size(), 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_LOOKED), looks + 1);
  world.Host(1, kHost, absl::ZeroDuration());  // its agreement has ended
  const auto again = world.TryComplete(1, "c", upload, bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  v1::Document name;
  name.set_document_id(done->document().document_id());
  EXPECT_EQ(again->document().SerializeAsString(), name.SerializeAsString());
  EXPECT_EQ(again->version(), done->version());
  EXPECT_EQ(again->written().time().seconds(), done->written().time().seconds());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_LOOKED), looks + 1);
}

TEST(Complete, TheSamePaperTwiceInOneVaultIsNoticedAndInAnotherIsNot) {
  World world;
  world.Host(1);
  world.Host(2);
  const std::string bytes = Pdf(1000);
  const World::Deposited first = world.MustDeposit(1, bytes);
  v1::BeginUploadRequest again = world.Begin(1, "again", bytes.size());
  again.set_sha256(crypto::Sha256(bytes));
  EXPECT_EQ(ReasonOf(world.TryBegin(again).status()), common::v1::ERROR_REASON_DUPLICATE_DOCUMENT);
  again.set_request_id("allowed");
  again.set_allow_duplicate(true);
  const auto allowed = world.TryBegin(again);
  ASSERT_TRUE(allowed.ok());
  EXPECT_EQ(allowed->duplicate_of(), first.document);
  v1::BeginUploadRequest hers = world.Begin(2, "hers", bytes.size());
  hers.set_sha256(crypto::Sha256(bytes));
  EXPECT_TRUE(world.TryBegin(hers).ok());
}

// Nor that it is the institution's own: then any other refusal would be hers.
TEST(Begin, WhoDropsInIsNotToldWhichQuotaIsFull) {
  Settings settings;
  settings.limits.person_bytes = 1000;
  settings.limits.institution_bytes = 2000;
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  for (const uint64_t size : {1001U, 2001U}) {
    const absl::Status full =
        world.TryBegin(DropOf(world, "drop-" + std::to_string(size), size), "aphp").status();
    EXPECT_EQ(ReasonOf(full), common::v1::ERROR_REASON_QUOTA_EXCEEDED) << full;
    EXPECT_EQ(rpc::NextStepOf(full), "");
  }
}

TEST(Begin, ReservesTheQuotaExactly) {
  Settings settings;
  settings.limits.person_bytes = 1000;
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  const auto first = world.TryBegin(world.Begin(1, "a", 600));
  ASSERT_TRUE(first.ok());
  const absl::Status full = world.TryBegin(world.Begin(1, "b", 401)).status();
  EXPECT_EQ(ReasonOf(full), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(rpc::NextStepOf(full), "limits.person_bytes: 1000 bytes of her vault, 400 free");
  v1::AbandonUploadRequest abandon;
  abandon.set_request_id("abandon");
  *abandon.mutable_person() = world.Handle(kHost, 1);
  abandon.set_upload_id(first->upload().upload_id());
  ASSERT_TRUE(world.Run(world.service().uploads().AbandonUpload(world.As(kHost), abandon)).ok());
  ASSERT_TRUE(world.Run(world.service().uploads().AbandonUpload(world.As(kHost), abandon)).ok());  // repeated
  EXPECT_TRUE(world.TryBegin(world.Begin(1, "c", 1000)).ok());
}

TEST(Versions, ALaterTextIsTheNextVersionAndTheOldOneStays) {
  World world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(1000, 1));
  const World::Deposited second =
      world.MustDeposit(1, Pdf(2000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  EXPECT_EQ(second.document, first.document);
  EXPECT_EQ(second.version, 2U);
  EXPECT_EQ(TextOf(world, 1, first.document, 0), Pdf(1000, 1));
  EXPECT_EQ(TextOf(world, 1, first.document, 1), Pdf(2000, 2));
  EXPECT_EQ(world.Usage(1).documents(), 1U);
  EXPECT_EQ(world.Usage(1).versions(), 2U);
}

TEST(Drop, OnHerAgreementToAHostOfHers) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const auto begun = world.TryBegin(DropOf(world, "b", bytes.size()), "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, bytes, "aphp").ok());
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), bytes, "aphp");
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(world.Document(1, done->document().document_id()).state(), v1::Document::STATE_ACTIVE);
  ASSERT_EQ(world.consent.asked.size(), 2U);
  EXPECT_TRUE(world.consent.asked[0].dry_run());
  EXPECT_FALSE(world.consent.asked[1].dry_run());
  EXPECT_EQ(world.consent.asked[1].act(), common::v1::ACT_STORE);
}

TEST(Drop, WithoutHerAgreementOrOnAnotherGroundNothingIsTaken) {
  World world;
  world.Host(1);
  world.consent.agreement = "";  // permitted, but on no agreement
  EXPECT_EQ(ReasonOf(world.TryBegin(DropOf(world, "b", 5), "aphp").status()),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(world.TryBegin(DropOf(world, "c", 5), "aphp").status()),
            common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST(Drop, WhileConsentIsAwayItIsKeptAndShownToNobody) {
  World world;
  world.Host(1);
  world.consent.down = absl::UnavailableError("down");
  const std::string bytes = Pdf(500);
  const auto begun = world.TryBegin(DropOf(world, "b", bytes.size()), "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, bytes, "aphp").ok());
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), bytes, "aphp");
  ASSERT_TRUE(done.ok()) << done.status();
  const std::string id = done->document().document_id();
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT);
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT);
  world.consent.down = absl::OkStatus();
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_CHANGED), 1U);
  const size_t asked = world.consent.asked.size();
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.consent.asked.size(), asked) << "decided once";
}

// Consent has said yes, and before that is written her no is followed: the drop waits and is asked about
// again.
TEST(Drop, IsNotShownOverANoThatComesMeanwhile) {
  World world;
  const std::string id = Dropped(world);
  world.consent.delay = absl::Milliseconds(500);
  PendingDrops drops(world.vault());
  std::optional<absl::StatusOr<uint64_t>> decided;
  relais::Start(drops.Look(), [&](absl::StatusOr<uint64_t> looked) { decided = std::move(looked); });
  world.Settle(absl::Milliseconds(100));
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id(std::string(32, '9'));  // the one it rested on
  withdrawn.add_lines()->add_acts(common::v1::ACT_STORE);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
  world.Settle();
  ASSERT_TRUE(decided.has_value());
  ASSERT_TRUE(decided->ok()) << decided->status();
  EXPECT_EQ(**decided, 0U);
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT);
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(world.Run(drops.Look()).value(), 1U);
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_DESTROYED);
}

// From the look at what consent said until the commit of the row has ended: what is read in between waits for
// it.
TEST(Drop, DecidingItHoldsItsPlaceUntilItsRowIsThere) {
  World world;
  const std::string id = Dropped(world);
  KeyCommits& deciding = world.vault().access.linking();
  const uint64_t before = deciding.Mark();
  PendingDrops drops(world.vault());
  std::optional<absl::StatusOr<uint64_t>> decided;
  relais::Start(drops.Look(), [&](absl::StatusOr<uint64_t> looked) { decided = std::move(looked); });
  size_t under_way = 0;  // turns in which the place was taken and the row not there yet
  const auto look = [&] {
    const bool taken = deciding.Mark() > before;
    if (taken && world.Document(1, id).state() == v1::Document::STATE_PENDING_CONSENT) {
      ++under_way;
      EXPECT_FALSE(deciding.AllEnded(deciding.Mark()));
    }
    return decided.has_value();
  };
  ASSERT_TRUE(world.sim().RunUntil(look, absl::Seconds(10)));
  EXPECT_GT(under_way, 0U);
  ASSERT_TRUE(decided->ok()) << decided->status();
  EXPECT_EQ(**decided, 1U);
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(deciding.Mark(), before + 1);
  EXPECT_TRUE(deciding.AllEnded(deciding.Mark()));
}

TEST(Drop, WhatConsentRefusesOnceItIsBackIsDestroyed) {
  World world;
  world.Host(1);
  world.consent.down = absl::UnavailableError("down");
  const auto begun = world.TryBegin(DropOf(world, "b", 1), "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, "x", "aphp").ok());
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), "x", "aphp");
  ASSERT_TRUE(done.ok()) << done.status();
  world.Settle();
  world.consent.permits = [](const auto&) { return false; };
  world.consent.down = absl::OkStatus();
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, done->document().document_id()).state(), v1::Document::STATE_DESTROYED);
  EXPECT_FALSE(world.vault().papers.Head(*Id128::FromHex(begun->upload().upload_id()))->has_value());
  EXPECT_EQ(world.Usage(1).documents(), 0U);
}

// Whatever step of the store the process dies at: what was answered is there, and what is there is whole.
TEST(Crash, ACompletedPaperIsNeverLostAndNothingIsHalf) {
  const std::string bytes = Pdf(kPieceSize + 99);
  for (uint64_t step = 0; step < 40; ++step) {
    World world({.seed = step + 1});
    world.Host(1);
    const auto begun = world.TryBegin(world.Begin(1, "b", bytes.size()));
    ASSERT_TRUE(begun.ok());
    const std::string upload = begun->upload().upload_id();
    world.CrashAt(step);
    const bool sent = world.TrySend(1, upload, 0, bytes).ok();
    const bool done = sent && world.TryComplete(1, "c", upload, bytes).ok();
    if (!world.Dead()) {
      EXPECT_TRUE(done);
      break;
    }
    world.Restart();
    if (!done) {
      const auto open = world.store().Upload(World::Person(1), *Id128::FromHex(upload));
      ASSERT_TRUE(open.ok());
      if (open->has_value()) {
        const uint64_t committed = Committed(world, 1, upload);
        if (committed < bytes.size()) {
          ASSERT_TRUE(world.TrySend(1, upload, committed, std::string_view(bytes).substr(committed)).ok())
              << step;
        }
      }
      const auto again = world.TryComplete(1, "c", upload, bytes);
      ASSERT_TRUE(again.ok()) << step << " " << again.status();
    }
    EXPECT_EQ(world.Usage(1).documents(), 1U) << step;
    EXPECT_EQ(world.Usage(1).bytes(), bytes.size()) << step;
    EXPECT_EQ(TextOf(world, 1, begun->upload().document_id()), bytes) << step;
  }
}

}  // namespace
}  // namespace relais::vault
