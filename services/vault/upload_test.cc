// Déposer: from the first byte to the paper, in virtual time (D-3.5, D-3.7; ADR 34, ADR 36, ADR 37).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

// ---- drops: what they may not tell, hold or outlive (ADR 74)

// What a host's row says of her host; nullopt: there is none.
using HostIs = std::optional<v1::Host::State>;

void MakeHost(World& world, HostIs is) {
  if (!is.has_value()) {
    return;
  }
  world.Host(1);
  auto host = *world.store().Host(World::Person(1), kHost);
  host->value.set_state(*is);
  storage::CommitRequest commit;
  World::Require(world.store().PutHost(World::Person(1), kHost, *host, commit));
  const rpc::Call call = world.As(kHost);
  const rpc::Actor actor{kHost, call.caller.function, call.caller.agent};
  world.MustCommit(std::move(commit),
                   HostEvent({call, actor, "", World::Person(1), kAsHost}, kHost, host->value));
}

const std::vector<HostIs> kHosts = {v1::Host::STATE_ACTIVE, v1::Host::STATE_SUSPENDED,
                                    v1::Host::STATE_UNLINKED, std::nullopt};

TEST(Drop, BeginningOneTellsNobodyWhoHerHostsAre) {
  struct Case {
    absl::Status down;
    bool permits;
    ErrorReason reason;  // UNSPECIFIED: it is taken
  };
  const std::vector<Case> cases = {
      {absl::OkStatus(), true, common::v1::ERROR_REASON_UNSPECIFIED},
      {absl::OkStatus(), false, common::v1::ERROR_REASON_NOT_PERMITTED},
      {absl::UnavailableError("down"), true, common::v1::ERROR_REASON_UNSPECIFIED},
  };
  for (const Case& one : cases) {
    for (const HostIs& is : kHosts) {
      SCOPED_TRACE(is.has_value() ? v1::Host::State_Name(*is) : "none");
      World world;
      MakeHost(world, is);
      world.consent.down = one.down;
      world.consent.permits = [&](const auto&) { return one.permits; };
      const absl::Status begun = world.TryBegin(DropOf(world, "b", 5), "aphp").status();
      EXPECT_EQ(begun.ok(), one.reason == common::v1::ERROR_REASON_UNSPECIFIED) << begun;
      EXPECT_EQ(ReasonOf(begun), one.reason);
      EXPECT_EQ(rpc::NextStepOf(begun), "");
      const auto stores = std::count_if(world.consent.asked.begin(), world.consent.asked.end(),
                                        [](const auto& q) { return q.act() == common::v1::ACT_STORE; });
      EXPECT_EQ(stores, 1) << "the same work";
      EXPECT_EQ(world.consent.recorded(), 0U);
    }
  }
}

// A drop of `bytes` whose every byte is there. The upload's id.
std::string SentDrop(World& world, const std::string& bytes) {
  const auto begun = world.TryBegin(DropOf(world, "b", bytes.size()), "aphp");
  World::Require(begun.status());
  World::Require(world.TrySend(1, begun->upload().upload_id(), 0, bytes, "aphp").status());
  return begun->upload().upload_id();
}

using Completed = std::optional<absl::StatusOr<v1::CompleteUploadResponse>>;

void StartCompleting(World& world, const std::string& upload, const std::string& bytes, Completed& ended) {
  v1::CompleteUploadRequest request;
  request.set_request_id("c");
  *request.mutable_person() = world.Handle("aphp", 1);
  request.set_upload_id(upload);
  request.set_sha256(crypto::Sha256(bytes));
  relais::Start(
      world.service().completing().CompleteUpload(world.As("aphp"), request),
      [&ended](absl::StatusOr<v1::CompleteUploadResponse> completed) { ended = std::move(completed); });
}

TEST(Drop, ToWhoDoesNotActForHerWaitsAsWhileConsentIsAway) {
  for (const HostIs& is : kHosts) {
    if (is == v1::Host::STATE_ACTIVE) {
      continue;
    }
    SCOPED_TRACE(is.has_value() ? v1::Host::State_Name(*is) : "none");
    World world;
    MakeHost(world, is);
    const std::string bytes = Pdf(500);
    const std::string upload = SentDrop(world, bytes);
    const auto done = world.TryComplete(1, "c", upload, bytes, "aphp");
    ASSERT_TRUE(done.ok()) << done.status();
    const std::string id = done->document().document_id();
    EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT);
    EXPECT_EQ(world.consent.recorded(), 1U) << "the same work";
    world.Host(1);
    world.Settle(absl::Minutes(6));
    EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_ACTIVE);
  }
}

TEST(Drop, WithoutConsentsLogItWaitsWhateverConsentSays) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const std::string upload = SentDrop(world, bytes);
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(5));
  const auto done = world.TryComplete(1, "c", upload, bytes, "aphp");
  ASSERT_TRUE(done.ok()) << done.status();
  const std::string id = done->document().document_id();
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT) << "a no would not be heard";
  world.CutConsentLog(false);
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_ACTIVE);
}

// As IsNotShownOverANoThatComesMeanwhile, where consent said yes when the upload was completed.
TEST(Drop, IsNotCompletedOverANoThatComesMeanwhile) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const std::string upload = SentDrop(world, bytes);
  world.consent.delay = absl::Milliseconds(500);
  Completed ended;
  StartCompleting(world, upload, bytes, ended);
  world.Settle(absl::Milliseconds(100));
  world.consent.permits = [](const auto&) { return false; };
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id(std::string(32, '9'));  // the one it rested on
  withdrawn.add_lines()->add_acts(common::v1::ACT_STORE);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
  world.Settle(absl::Seconds(10));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ReasonOf(ended->status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(world.consent.recorded(), 2U) << "it was asked again";
  EXPECT_EQ(world.Usage(1).documents(), 0U);
  EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED), 0U);
}

// An objection may change what consent says: it is asked again, and what it says then counts.
TEST(Drop, IsCompletedOnWhatConsentSaysAfterAnObjection) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const std::string upload = SentDrop(world, bytes);
  world.consent.delay = absl::Milliseconds(500);
  Completed ended;
  StartCompleting(world, upload, bytes, ended);
  world.Settle(absl::Milliseconds(100));
  world.ConsentSays(1, audit::v1::EVENT_CLASS_OBJECTION_RECORDED, consent::v1::ObjectionRecorded());
  world.Settle(absl::Seconds(10));
  ASSERT_TRUE(ended.has_value());
  ASSERT_TRUE(ended->ok()) << ended->status();
  EXPECT_GE(world.consent.recorded(), 2U);
  EXPECT_EQ((*ended)->document().state(), v1::Document::STATE_ACTIVE);
}

// Her host was faster with something of hers: consent is asked anew, and says no now.
TEST(Drop, APermitIsNotCarriedOverToAnotherTry) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const std::string upload = SentDrop(world, bytes);
  world.consent.delay = absl::Milliseconds(500);
  Completed ended;
  StartCompleting(world, upload, bytes, ended);
  world.Settle(absl::Milliseconds(100));
  world.consent.permits = [](const auto&) { return false; };
  ASSERT_TRUE(world.TryBegin(world.Begin(1, "hers", 10)).ok());
  world.Settle(absl::Seconds(10));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ReasonOf(ended->status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(world.consent.recorded(), 2U);
  EXPECT_EQ(world.Usage(1).documents(), 0U);
}

// Its host's row changes between the look at it and the commit: the commit fails, and it waits.
TEST(Drop, TheRowOfItsHostIsGuarded) {
  for (const bool pending : {false, true}) {
    SCOPED_TRACE(pending);
    absl::Duration commit = absl::ZeroDuration();
    World world;
    world.harness().options().store.commit_delay = [&commit] { return commit; };
    world.Restart();
    const std::string bytes = Pdf(500);
    std::string id;
    std::string upload;
    if (pending) {
      id = Dropped(world);
    } else {
      world.Host(1);
      upload = SentDrop(world, bytes);
    }
    world.consent.delay = absl::Milliseconds(500);
    commit = absl::Seconds(1);
    PendingDrops drops(world.vault());
    Completed ended;
    std::optional<absl::StatusOr<uint64_t>> decided;
    if (pending) {
      relais::Start(drops.Look(), [&](absl::StatusOr<uint64_t> looked) { decided = std::move(looked); });
    } else {
      StartCompleting(world, upload, bytes, ended);
    }
    world.Settle(absl::Milliseconds(100));
    world.Host(1, kHost, absl::ZeroDuration());  // it does not act any more; under way for a second
    commit = absl::ZeroDuration();
    world.Settle(absl::Seconds(20));
    if (!pending) {
      ASSERT_TRUE(ended.has_value());
      ASSERT_TRUE(ended->ok()) << ended->status();
      id = (*ended)->document().document_id();
    } else {
      ASSERT_TRUE(decided.has_value());
      ASSERT_TRUE(decided->ok()) << decided->status();
      EXPECT_EQ(**decided, 0U);
    }
    EXPECT_EQ(world.Document(1, id).state(), v1::Document::STATE_PENDING_CONSENT);
  }
}

TEST(Drop, CompletingItHoldsItsPlaceUntilItsRowIsThere) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const std::string upload = SentDrop(world, bytes);
  KeyCommits& deciding = world.vault().access.linking();
  const uint64_t before = deciding.Mark();
  Completed ended;
  StartCompleting(world, upload, bytes, ended);
  size_t under_way = 0;  // turns in which the place was taken and the row not there yet
  const auto look = [&] {
    if (deciding.Mark() > before && world.Usage(1).documents() == 0) {
      ++under_way;
      EXPECT_FALSE(deciding.AllEnded(deciding.Mark()));
    }
    return ended.has_value();
  };
  ASSERT_TRUE(world.sim().RunUntil(look, absl::Seconds(10)));
  EXPECT_GT(under_way, 0U);
  ASSERT_TRUE(ended->ok()) << ended->status();
  EXPECT_EQ((*ended)->document().state(), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(deciding.Mark(), before + 1);
  EXPECT_TRUE(deciding.AllEnded(deciding.Mark()));
}

ErrorReason WhyNoDrop(World& world, const std::string& id, uint64_t size, const std::string& institution) {
  return ReasonOf(world.TryBegin(DropOf(world, id, size, institution), institution).status());
}

TEST(Drop, NeverKeepsHerHostFromDepositing) {
  World world;
  world.Host(1);
  for (int i = 0; i < 5; ++i) {  // of a host: they are none of those that drops may be
    ASSERT_TRUE(world.TryBegin(world.Begin(1, "host-" + std::to_string(i), 10)).ok());
  }
  constexpr auto kTaken = common::v1::ERROR_REASON_UNSPECIFIED;
  constexpr auto kFull = common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  const auto first = world.TryBegin(DropOf(world, "a1", 5), "aphp");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(WhyNoDrop(world, "a2", 5, "aphp"), kTaken);
  EXPECT_EQ(WhyNoDrop(world, "a3", 5, "aphp"), kFull) << "two of one institution";
  EXPECT_EQ(WhyNoDrop(world, "c1", 5, "caf"), kTaken);
  EXPECT_EQ(WhyNoDrop(world, "c2", 5, "caf"), kTaken);
  EXPECT_EQ(WhyNoDrop(world, "e1", 5, "emmaus"), kFull) << "a quarter of sixteen";
  for (int i = 5; i < 12; ++i) {
    EXPECT_TRUE(world.TryBegin(world.Begin(1, "host-" + std::to_string(i), 10)).ok()) << i;
  }
  EXPECT_EQ(ReasonOf(world.TryBegin(world.Begin(1, "host-12", 10)).status()), kFull);
  v1::AbandonUploadRequest abandon;
  abandon.set_request_id("abandon");
  *abandon.mutable_person() = world.Handle("aphp", 1);
  abandon.set_upload_id(first->upload().upload_id());
  ASSERT_TRUE(world.Run(world.service().uploads().AbandonUpload(world.As("aphp"), abandon)).ok());
  EXPECT_EQ(WhyNoDrop(world, "e2", 5, "emmaus"), kTaken);
}

TEST(Drop, ReservesAQuarterOfHerVaultAtMost) {
  Settings settings;
  settings.limits.person_bytes = 4000;
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  EXPECT_EQ(WhyNoDrop(world, "a1", 900, "aphp"), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(WhyNoDrop(world, "c1", 101, "caf"), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(WhyNoDrop(world, "c2", 100, "caf"), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(world.TryBegin(world.Begin(1, "hers", 3000)).ok());
}

// A drop of `bytes` by that institution that is completed. Its paper's id, or why it was not begun.
absl::StatusOr<std::string> TryDropped(World& world, const std::string& id, const std::string& bytes,
                                       const std::string& institution = "aphp") {
  const auto begun = world.TryBegin(DropOf(world, "b" + id, bytes.size(), institution), institution);
  if (!begun.ok()) {
    return begun.status();
  }
  const std::string& upload = begun->upload().upload_id();
  World::Require(world.TrySend(1, upload, 0, bytes, institution).status());
  const auto done = world.TryComplete(1, "c" + id, upload, bytes, institution);
  World::Require(done.status());
  return done->document().document_id();
}

// Completed one after the other while consent is away, to whomever: they wait, and count.
TEST(Drop, ThatWaitsNeverKeepsHerHostFromDepositing) {
  Settings settings;
  settings.limits.person_documents = 12;
  World world({.seed = 1, .settings = settings});
  world.Host(1, kReader);
  world.consent.down = absl::UnavailableError("down");
  size_t taken = 0;
  for (size_t i = 0; i < 12; ++i) {
    const auto dropped = TryDropped(world, std::to_string(i), Pdf(100 + i), i % 2 == 0 ? "aphp" : "emmaus");
    if (dropped.ok()) {
      ++taken;
      EXPECT_EQ(world.Document(1, *dropped).state(), v1::Document::STATE_PENDING_CONSENT);
    } else {
      EXPECT_EQ(ReasonOf(dropped.status()), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
    }
  }
  EXPECT_EQ(taken, 3U) << "a quarter of twelve";
  for (int i = 0; i < 9; ++i) {
    const std::string id = "hers-" + std::to_string(i);
    EXPECT_TRUE(world.TryBegin(world.Begin(1, id, 10, v1::DOCUMENT_TYPE_TAX_NOTICE, kReader), kReader).ok());
  }
}

TEST(Drop, ThatWaitsHoldsAQuarterOfHerVaultAtMost) {
  Settings settings;
  settings.limits.person_bytes = 4000;
  World world({.seed = 1, .settings = settings});
  world.consent.down = absl::UnavailableError("down");
  ASSERT_TRUE(TryDropped(world, "1", Pdf(900)).ok());
  EXPECT_EQ(WhyNoDrop(world, "2", 101, "emmaus"), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(WhyNoDrop(world, "3", 100, "emmaus"), common::v1::ERROR_REASON_UNSPECIFIED);
}

// Only showing one needs the host that it is for.
TEST(Drop, IsDestroyedOnANoWhetherItsHostActsForHerOrNot) {
  for (const HostIs& is : kHosts) {
    SCOPED_TRACE(is.has_value() ? v1::Host::State_Name(*is) : "none");
    World world;
    MakeHost(world, is);
    world.consent.down = absl::UnavailableError("down");
    const auto dropped = TryDropped(world, "1", Pdf(500));
    ASSERT_TRUE(dropped.ok()) << dropped.status();
    world.Settle();
    world.consent.permits = [](const auto&) { return false; };
    world.consent.down = absl::OkStatus();
    const uint64_t places = world.vault().access.linking().Mark();
    const size_t recorded = world.consent.recorded();
    PendingDrops drops(world.vault());
    EXPECT_EQ(world.Run(drops.Look()).value(), 1U);
    EXPECT_EQ(world.consent.recorded(), recorded + 1) << "on a recorded no";
    EXPECT_EQ(world.vault().access.linking().Mark(), places) << "it keeps nobody's noes from being followed";
    world.Settle();
    EXPECT_EQ(world.Document(1, *dropped).state(), v1::Document::STATE_DESTROYED);
    EXPECT_EQ(world.Usage(1).documents(), 0U);
    EXPECT_EQ(world.Usage(1).versions(), 0U);
  }
}

// Asked at each look for thirty days: that would fill consent's log.
TEST(Drop, ThatCannotBeShownIsAskedAboutWithoutARecord) {
  World world;
  const auto dropped = TryDropped(world, "1", Pdf(500));
  ASSERT_TRUE(dropped.ok()) << dropped.status();
  world.Settle();
  const size_t recorded = world.consent.recorded();
  const size_t asked = world.consent.asked.size();
  PendingDrops drops(world.vault());
  EXPECT_EQ(world.Run(drops.Look()).value(), 0U);
  EXPECT_EQ(world.consent.recorded(), recorded);
  EXPECT_EQ(world.consent.asked.size(), asked + 1);
  EXPECT_EQ(world.Document(1, *dropped).state(), v1::Document::STATE_PENDING_CONSENT);
}

// Her journal names the paper that it would be, and no other id of it.
TEST(Drop, UnderWayHerHostMayGiveItUp) {
  for (const bool by_paper : {false, true}) {
    SCOPED_TRACE(by_paper);
    World world;
    MakeHost(world, v1::Host::STATE_SUSPENDED);
    world.Host(1, kReader);
    const std::string bytes = Pdf(500);
    const std::string upload = SentDrop(world, bytes);
    const auto stored = *world.store().Upload(World::Person(1), *Id128::FromHex(upload));
    const std::string paper = Id128::FromBytes(stored->value.document())->ToHex();
    const auto abandon = [&](const std::string& institution) {
      v1::AbandonUploadRequest request;
      request.set_request_id("abandon");
      *request.mutable_person() = world.Handle(institution, 1);
      request.set_upload_id(by_paper ? paper : upload);
      return world.Run(world.service().uploads().AbandonUpload(world.As(institution), request)).status();
    };
    EXPECT_EQ(ReasonOf(abandon("emmaus")), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
    EXPECT_EQ(ReasonOf(abandon(kHost)), common::v1::ERROR_REASON_PEER_BEHIND) << "it is suspended";
    EXPECT_EQ(world.Usage(1).open_uploads(), 1U);
    EXPECT_TRUE(abandon(kReader).ok());
    EXPECT_TRUE(abandon(kReader).ok()) << "repeated";
    world.Settle();
    EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
    EXPECT_EQ(world.Usage(1).reserved_bytes(), 0U);
    EXPECT_FALSE(world.vault().papers.Head(*Id128::FromHex(upload))->has_value()) << "bytes are left";
    EXPECT_EQ(ReasonOf(world.TryComplete(1, "c", upload, bytes, "aphp").status()),
              common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
    std::vector<std::string> ended;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      v1::UploadChanged changed;
      if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_UPLOAD_CHANGED &&
          leaf.details.payload().UnpackTo(&changed) && changed.state() == v1::Upload::STATE_ENDED) {
        ended.push_back(leaf.details.relation() + " " + changed.reason());
      }
    }
    EXPECT_EQ(ended, std::vector<std::string>{"HOST ABANDONED"});
  }
}

// The deposit of another host is that host's to give up.
TEST(Upload, OfAHostIsGivenUpByThatHostAlone) {
  World world;
  world.Host(1);
  world.Host(1, kReader);
  const auto begun = world.TryBegin(world.Begin(1, "b", 100));
  ASSERT_TRUE(begun.ok());
  v1::AbandonUploadRequest request;
  request.set_request_id("abandon");
  *request.mutable_person() = world.Handle(kReader, 1);
  for (const std::string& id : {begun->upload().upload_id(), begun->upload().document_id()}) {
    request.set_upload_id(id);
    const auto refused = world.Run(world.service().uploads().AbandonUpload(world.As(kReader), request));
    EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
  EXPECT_EQ(world.Usage(1).open_uploads(), 1U);
}

TEST(Upload, UnderWayGivesBackTheHashThatWasDeclared) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(100);
  v1::BeginUploadRequest request = world.Begin(1, "b", bytes.size());
  request.set_sha256(crypto::Sha256(bytes));
  const auto begun = world.TryBegin(request);
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->upload().sha256(), request.sha256());
  const std::string upload = begun->upload().upload_id();
  v1::QueryUploadRequest query;
  *query.mutable_person() = world.Handle(kHost, 1);
  query.set_upload_id(upload);
  const auto now = [&] { return world.Run(world.service().uploads().QueryUpload(world.As(kHost), query)); };
  EXPECT_EQ(now()->upload().sha256(), request.sha256());
  const auto again = world.TryBegin(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->upload().sha256(), request.sha256());
  const auto sent = world.TrySend(1, upload, 0, bytes);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->upload().sha256(), request.sha256());
  ASSERT_TRUE(world.TryComplete(1, "c", upload, bytes).ok());
  EXPECT_EQ(now()->upload().sha256(), "") << "the paper has its own";
  const auto without = world.TryBegin(world.Begin(1, "without", 5));
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->upload().sha256(), "");
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
