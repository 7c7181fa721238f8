// Sharing (D-3.6): one paper or type, one recipient, until a date, on one agreement; and how it ends.
#include <optional>

#include "common/rpc/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::SizeIs;

absl::StatusOr<v1::ShareResponse> Make(World& world, const v1::ShareRequest& request,
                                       const std::string& institution = kHost) {
  return world.Run(world.service().shares().Share(world.As(institution), request));
}

v1::StoredShare Stored(World& world, uint64_t person, const std::string& share) {
  const auto stored = world.store().Share(World::Person(person), Id128::FromHex(share).value());
  World::Require(stored.status());
  World::Require(stored->has_value() ? absl::OkStatus() : absl::NotFoundError("no such share"));
  return (*stored)->value;
}

absl::StatusOr<v1::ShareServiceListResponse> ListFor(World& world, const std::string& institution,
                                                     std::optional<uint64_t> person) {
  v1::ShareServiceListRequest request;
  if (person.has_value()) {
    *request.mutable_person() = world.Handle(institution, *person);
  }
  return world.Run(world.service().shares().List(world.As(institution), request));
}

TEST(Share, HerHostMakesItOnAnAgreementAndTheRecipientReads) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok()) << "private until shared";
  const v1::ShareRequest request = ShareOfPaper(world, 1, paper.document);
  const auto made = Make(world, request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->share().state(), v1::Share::STATE_ACTIVE);
  EXPECT_EQ(made->share().document_id(), paper.document);
  EXPECT_EQ(made->share().recipient().institution(), kReader);
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  // Repeated: the same share.
  const auto again = Make(world, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->share().share_id(), made->share().share_id());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), 1u);
}

// What is remembered of it was cut by damage: nothing is made a second time, and what to do is said.
TEST(Share, WhoseRememberedAnswerIsDamagedIsNotMadeAgain) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const v1::ShareRequest request = ShareOfPaper(world, 1, paper.document);
  const auto made = Make(world, request);
  ASSERT_TRUE(made.ok()) << made.status();
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const auto rows = world.context().store.Scan(hers, "req/", "", 1000);
  ASSERT_TRUE(rows.ok()) << rows.status();
  const std::string event = Id128::FromHex(made->share().share_id()).value().ToBytes();
  size_t cut = 0;
  for (const storage::KeyedEntry& row : rows->entries) {
    if (row.entry.value.size() > event.size() &&
        row.entry.value.compare(row.entry.value.size() - event.size(), event.size(), event) == 0) {
      SetRaw(world, hers, row.key, row.entry.value.substr(0, row.entry.value.size() - 1));
      ++cut;
    }
  }
  ASSERT_EQ(cut, 1U);
  const absl::Status again = Make(world, request).status();
  EXPECT_EQ(again.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(again), common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
  EXPECT_NE(again.message().find("request_id does not read, by damage on its disk"), std::string::npos);
  EXPECT_NE(rpc::NextStepOf(again).find("ListShares"), std::string::npos);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), 1U);
}

TEST(Share, OnlyAHostOfHersShares) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  v1::ShareRequest request = ShareOfPaper(world, 1, paper.document);
  *request.mutable_person() = world.Handle("cpam", 1);
  EXPECT_EQ(ReasonOf(Make(world, request, "cpam").status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 1u);
}

TEST(Share, ConsentMustPermitItOnThatVeryAgreementForAllOfItsTime) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  v1::ShareRequest request = ShareOfPaper(world, 1, paper.document);
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.permits = [](const auto&) { return true; };
  request.set_consent_id(std::string(32, '8'));
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  request.set_consent_id(world.consent.agreement);
  world.consent.ground_lasts = absl::Hours(24 * 29);
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.ground_lasts = absl::Hours(24 * 400);
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 380));
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request = ShareOfPaper(world, 1, paper.document);
  request.set_purpose("FRAUD");
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), 0u);
}

// Of a paper of two categories consent names the agreement that lasts longest for each: asked about the one
// that covers both, it permits (ADR 71).
TEST(Share, APaperOfTwoCategoriesOnTheAgreementThatCoversBoth) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000), v1::DOCUMENT_TYPE_MEDICAL);
  world.consent.covers = {"DOCUMENTS"};
  const std::string both(32, '8');
  world.consent.others = {{both, absl::Hours(24 * 90), {"DOCUMENTS", "HEALTH"}}};
  v1::ShareRequest request = ShareOfPaper(world, 1, paper.document);
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_NOT_PERMITTED)
      << "the longer one does not cover its health";
  request.set_consent_id(both);
  const auto made = Make(world, request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->share().consent_id(), both);
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  request = ShareOfPaper(world, 1, paper.document, "share-2");
  request.set_consent_id(both);
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 91));
  EXPECT_EQ(ReasonOf(Make(world, request).status()), common::v1::ERROR_REASON_NOT_PERMITTED)
      << "it must last as long as the share, whatever another does";
}

// RGPD art. 10: no agreement shares it, whatever consent says.
TEST(Share, ACriminalJudgmentIsHersAlone) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000), v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT);
  EXPECT_EQ(ReasonOf(Make(world, ShareOfPaper(world, 1, paper.document)).status()),
            common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST(Share, WithoutTheLeaseNothingIsShared) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(5));
  EXPECT_EQ(ReasonOf(Make(world, ShareOfPaper(world, 1, paper.document)).status()),
            common::v1::ERROR_REASON_PEER_BEHIND);
}

TEST(Share, EachSideListsItsOwn) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto made = Make(world, ShareOfPaper(world, 1, paper.document));
  ASSERT_TRUE(made.ok()) << made.status();
  world.Settle();
  const auto hers = ListFor(world, kHost, 1);
  ASSERT_TRUE(hers.ok()) << hers.status();
  ASSERT_EQ(hers->shares_size(), 1);
  EXPECT_EQ(hers->shares(0).consent_id(), world.consent.agreement);
  const auto ours = ListFor(world, kReader, std::nullopt);
  ASSERT_TRUE(ours.ok()) << ours.status();
  ASSERT_EQ(ours->shares_size(), 1);
  EXPECT_EQ(ours->shares(0).share_id(), made->share().share_id());
  EXPECT_EQ(ours->shares(0).consent_id(), "") << "only to her host";
  EXPECT_EQ(ours->shares(0).person().handle(), world.Handle(kReader, 1).handle());
  EXPECT_EQ(ListFor(world, "cpam", std::nullopt)->shares_size(), 0);
  EXPECT_EQ(ReasonOf(ListFor(world, kReader, 1).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // Without the lease it is suspended, which is nowhere written.
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(5));
  EXPECT_EQ(ListFor(world, kReader, std::nullopt)->shares(0).state(), v1::Share::STATE_SUSPENDED);
  EXPECT_EQ(Stored(world, 1, made->share().share_id()).state(), v1::Share::STATE_ACTIVE);
}

TEST(Share, WhatIsWithOneFunctionIsNoOthersToListOrEnd) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  v1::ShareRequest wish = ShareOfPaper(world, 1, paper.document);
  wish.mutable_recipient()->set_function("conseiller-droits");
  const auto made = Make(world, wish);
  ASSERT_TRUE(made.ok()) << made.status();
  world.Settle();
  auto& shares = world.service().shares();
  v1::RevokeRequest revoke;
  revoke.set_request_id("revoke-1");
  revoke.set_share_id(made->share().share_id());
  *revoke.mutable_person() = world.Handle(kReader, 1);
  const rpc::Call other = world.As(kReader, "agent-accueil");
  const rpc::Call theirs = world.As(kReader, "conseiller-droits");
  EXPECT_EQ(world.Run(shares.List(other, v1::ShareServiceListRequest()))->shares_size(), 0);
  EXPECT_EQ(ReasonOf(world.Run(shares.Revoke(other, revoke)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  v1::ListRequest papers;
  *papers.mutable_person() = world.Handle(kReader, 1);
  EXPECT_EQ(ReasonOf(world.Run(world.service().metadata().List(other, papers)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
      << "as where nothing is shared";
  EXPECT_EQ(world.Run(world.service().metadata().List(theirs, papers))->documents_size(), 1);
  EXPECT_EQ(world.Run(shares.List(theirs, v1::ShareServiceListRequest()))->shares_size(), 1);
  EXPECT_TRUE(world.Run(shares.Revoke(theirs, revoke)).ok());
}

// Each that is shown has a leaf of its own.
TEST(Share, AnInstitutionListsAHundredOfItsOwnAtATime) {
  World world;
  world.Host(1);
  for (int i = 0; i < 101; ++i) {
    world.Share(1, "", kReader, absl::Hours(24 * 30), v1::DOCUMENT_TYPE_TAX_NOTICE);
  }
  v1::ShareServiceListRequest request;
  request.set_page_size(1000);
  const auto first = world.Run(world.service().shares().List(world.As(kReader), request));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->shares_size(), 100);
  ASSERT_NE(first->next_page_token(), "");
  request.set_page_token(first->next_page_token());
  const auto last = world.Run(world.service().shares().List(world.As(kReader), request));
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->shares_size(), 1);
  EXPECT_EQ(last->next_page_token(), "");
}

TEST(Share, AHostOrTheRecipientEndsItAndNobodyElse) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string share = world.Share(1, paper.document);
  v1::RevokeRequest revoke;
  revoke.set_request_id("revoke-1");
  revoke.set_share_id(share);
  *revoke.mutable_person() = world.Handle("cpam", 1);
  auto& shares = world.service().shares();
  EXPECT_EQ(ReasonOf(world.Run(shares.Revoke(world.As("cpam"), revoke)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  *revoke.mutable_person() = world.Handle(kReader, 1);
  const auto ended = world.Run(shares.Revoke(world.As(kReader), revoke));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->share().state(), v1::Share::STATE_REVOKED);
  EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok());
  EXPECT_EQ(Stored(world, 1, share).state(), v1::Share::STATE_REVOKED);
  world.Settle();
  EXPECT_EQ(ListFor(world, kReader, std::nullopt)->shares_size(), 0);
}

// Nobody reads by it any more from its date on; the daily round says so where it is kept, once.
TEST(Share, ThatRanOutIsWrittenSoAndLeavesItsRecipientsList) {
  World::Options options;
  options.settings.host_scan = absl::Seconds(1);
  options.settings.host_round = absl::Seconds(10);
  World world(options);
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string short_one = world.Share(1, paper.document, kReader, absl::Seconds(30));
  const std::string long_one = world.Share(1, paper.document);
  world.Settle(absl::Seconds(15));
  EXPECT_EQ(Stored(world, 1, short_one).state(), v1::Share::STATE_ACTIVE) << "not before its date";
  world.Settle(absl::Minutes(1));
  const v1::StoredShare ended = Stored(world, 1, short_one);
  EXPECT_EQ(ended.state(), v1::Share::STATE_EXPIRED);
  EXPECT_EQ(ended.ended().seconds(), ended.until().seconds());
  EXPECT_EQ(Stored(world, 1, long_one).state(), v1::Share::STATE_ACTIVE);
  const auto listed = world.store().Pointers(PointerKind::kShared, kReader, Id128(), 10);
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_THAT(listed->rows, SizeIs(1));
  EXPECT_EQ(listed->rows[0].id.ToHex(), long_one);
  world.Settle(absl::Minutes(1));
  const auto said = Payloads<v1::ShareChanged>(world, audit::v1::EVENT_CLASS_SHARE_CHANGED);
  ASSERT_THAT(said, SizeIs(3)) << "both, and the end of one";
  EXPECT_EQ(said[2].share_id(), short_one);
  EXPECT_EQ(said[2].state(), v1::Share::STATE_EXPIRED);
}

TEST(HerNo, AWithdrawalEndsTheSharesOfThatAgreement) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string share = world.Share(1, paper.document);
  world.consent.agreement = std::string(32, '8');
  world.Host(1);  // on another agreement
  const std::string other = world.Share(1, paper.document, "cpam");
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id(std::string(32, '7'));
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
  world.Settle();
  EXPECT_EQ(Stored(world, 1, share).state(), v1::Share::STATE_WITHDRAWN);
  EXPECT_EQ(Stored(world, 1, other).state(), v1::Share::STATE_ACTIVE);
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
}

// A no that is followed while the share is made finds no row to close: it is not missed all the same.
TEST(HerNo, ThatComesWhileAShareIsMadeEndsIt) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.consent.delay = absl::Milliseconds(500);
  std::optional<absl::Status> ended;
  relais::Start(world.service().shares().Share(world.As(kHost), ShareOfPaper(world, 1, paper.document)),
                [&ended](const absl::StatusOr<v1::ShareResponse>& made) { ended = made.status(); });
  world.Settle(absl::Milliseconds(100));
  consent::v1::RefusalRecorded refusal;
  refusal.add_lines()->add_acts(common::v1::ACT_SHARE_DOCUMENT);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refusal);
  world.Settle(absl::Seconds(2));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ReasonOf(*ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.delay = absl::ZeroDuration();
  EXPECT_EQ(ListFor(world, kHost, 1)->shares_size(), 0);
}

TEST(HerNo, ARefusalEndsWhatItCovers) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string to_reader = world.Share(1, paper.document);
  const std::string to_cpam = world.Share(1, paper.document, "cpam");
  consent::v1::RefusalRecorded refusal;
  consent::v1::ConsentLine& line = *refusal.add_lines();
  line.add_recipients()->set_institution("cpam");
  line.add_acts(common::v1::ACT_SHARE_DOCUMENT);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refusal);
  world.Settle();
  EXPECT_EQ(Stored(world, 1, to_reader).state(), v1::Share::STATE_ACTIVE);
  EXPECT_EQ(Stored(world, 1, to_cpam).state(), v1::Share::STATE_WITHDRAWN);
}

TEST(HerNo, ManySharesAreClosedInBoundedCommits) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  std::vector<std::string> shares;
  for (int i = 0; i < 250; ++i) {
    const auto made = Make(world, ShareOfPaper(world, 1, paper.document, "share-" + std::to_string(i)));
    ASSERT_TRUE(made.ok()) << made.status();
    shares.push_back(made->share().share_id());
  }
  Withdraws(world, 1);
  world.Settle(absl::Seconds(5));
  for (const std::string& share : shares) {
    EXPECT_EQ(Stored(world, 1, share).state(), v1::Share::STATE_WITHDRAWN);
  }
}

// A no whose leaf is followed only after a restart ends them as well: nothing reads before the lease is back.
TEST(HerNo, WhatWasSaidWhileTheVaultWasDownCountsBeforeAnythingIsRead) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string share = world.Share(1, paper.document);
  world.CutConsentLog(true);
  Withdraws(world, 1);
  world.Restart();
  EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok());
  world.CutConsentLog(false);
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(Stored(world, 1, share).state(), v1::Share::STATE_WITHDRAWN);
}

}  // namespace
}  // namespace relais::vault::testing
