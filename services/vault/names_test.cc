// One human under two names (ADR 34, "Two names, two vaults"): lists read the union where the caller is her
// host under both; a link opens nothing by itself, and whatever was permitted before it is asked for again.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "relais/consent/v1/events.pb.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::SizeIs;

absl::StatusOr<v1::ListResponse> ListOf(World& world, const std::string& institution, uint64_t person) {
  v1::ListRequest request;
  *request.mutable_person() = world.Handle(institution, person);
  return world.Run(world.service().metadata().List(world.As(institution), request));
}

TEST(Names, AHostOfBothReadsTheUnionAndAHostOfOneThatOne) {
  World world;
  world.Host(1);
  world.Host(2);
  world.Host(1, "emmaus");
  const auto one = world.MustDeposit(1, Pdf(1000, 1));
  const auto two = world.MustDeposit(2, Pdf(1000, 2));
  EXPECT_EQ(ListOf(world, kHost, 1)->documents_size(), 1);
  AreOne(world, 1, 2);
  world.Settle();
  EXPECT_EQ(ListOf(world, kHost, 1)->documents_size(), 2);
  EXPECT_EQ(ListOf(world, kHost, 2)->documents_size(), 2);
  EXPECT_EQ(Download(world, kHost, 1, two.document).bytes, Pdf(1000, 2));
  EXPECT_EQ(ListOf(world, "emmaus", 1)->documents_size(), 1);
  EXPECT_EQ(ReasonOf(Download(world, "emmaus", 1, two.document).status),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
      << "a link is no authority";
  EXPECT_TRUE(Download(world, "emmaus", 1, one.document).status.ok());
}

TEST(Names, ALinkVoidsPermitsAndClosesNoShare) {
  World world;
  world.Host(1);
  const std::string text = Pdf(size_t{8} * 262'144);
  const auto paper = world.MustDeposit(1, text);
  world.Share(1, paper.document);
  auto running = BeginDownload(world, kReader, 1, paper.document, absl::Seconds(1));
  world.Settle(absl::Milliseconds(1500));
  AreOne(world, 1, 2);
  EXPECT_TRUE(world.sim().RunUntil([&] { return !running->client->ended.ok(); }, absl::Milliseconds(50)));
  world.Settle(absl::Seconds(3));
  EXPECT_EQ(Download(world, kReader, 1, paper.document).bytes, text) << "asked again, and permitted";
}

// Another name's refusal binds from the link on: hosts, who are judged from rows, are judged again.
TEST(Names, AHostThatConsentNoLongerPermitsEndsWithTheLink) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.consent.permits = [](const consent::v1::CheckRequest& asked) {
    return asked.act() != common::v1::ACT_HOST;
  };
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  AreOne(world, 1, 2);
  world.Settle();
  EXPECT_FALSE(Download(world, kHost, 1, paper.document).status.ok());
  EXPECT_EQ(world.consent.recorded(), 0u) << "a question of the vault's own authorises nothing";
}

// Links, holds and erasures of all are followed in one order: what does not read of one person stops none.
TEST(Names, ARowOfLinksThatDoesNotReadStopsNobodysNo) {
  World world;
  world.Host(1);
  world.Host(3);
  const auto others = world.MustDeposit(3, Pdf(1000));
  storage::CommitRequest damage;
  damage.partition = VaultStore::PersonPartition(World::Person(1));
  damage.batch.push_back({"with/damaged", "three"});
  World::Require(world.Run(world.context().store.Commit(std::move(damage))).status());
  AreOne(world, 1, 2);
  Withdraws(world, 3);
  world.Settle(absl::Seconds(5));
  EXPECT_FALSE(Download(world, kHost, 3, others.document).status.ok());
  EXPECT_EQ(world.service().consent_follower()->applied(), world.consent_log().log().state().size);
  EXPECT_EQ(world.vault().access.NamesOf(World::Person(1))->size(), 2U);
}

// She said yes twice, under each name or under one: consent names the agreement that lasts longest, and she
// said no to neither. On another ground than an agreement nobody is her host (D-3.1).
TEST(Names, AHostThatIsPermittedOnAnotherAgreementStaysWithTheLink) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.consent.agreement = std::string(32, '8');
  AreOne(world, 1, 2);
  world.Settle();
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  world.consent.agreement = "";
  AreOne(world, 1, 3);
  world.Settle();
  EXPECT_FALSE(Download(world, kHost, 1, paper.document).status.ok());
}

// Her no under one name denies what stands under another; so may the end of the one agreement by which it was
// still permitted. Who is permitted all the same stays.
TEST(Names, WhatSheSaysUnderOneNameJudgesTheHostsOfTheOthers) {
  const auto says_no = [](World& world, bool expired) {
    consent::v1::RefusalRecorded refused;
    refused.add_lines()->add_acts(common::v1::ACT_HOST);
    consent::v1::ConsentExpired ended;
    ended.set_consent_id(std::string(32, '9'));
    if (expired) {
      world.ConsentSays(2, audit::v1::EVENT_CLASS_CONSENT_EXPIRED, ended);
    } else {
      world.ConsentSays(2, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused);
    }
    world.Settle();
  };
  for (const bool expired : {false, true}) {
    World world;
    world.Host(1);
    const auto paper = world.MustDeposit(1, Pdf(1000));
    AreOne(world, 1, 2);
    world.Settle();
    says_no(world, expired);
    EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok()) << expired;
    world.consent.permits = [](const consent::v1::CheckRequest& asked) {
      return asked.act() != common::v1::ACT_HOST;
    };
    says_no(world, expired);
    EXPECT_FALSE(Download(world, kHost, 1, paper.document).status.ok()) << expired;
  }
}

// Consent answers so for an institution or a purpose that left the directory, or of whom it has erased since
// the link, however often it is asked.
TEST(Names, AHostThatIsInNoDirectoryEndsAndStopsNobodysNo) {
  for (const auto reason : {common::v1::ERROR_REASON_UNKNOWN_CODE, common::v1::ERROR_REASON_INVALID_FIELDS,
                            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS}) {
    World world;
    world.Host(1);
    world.Host(3);
    const auto paper = world.MustDeposit(1, Pdf(1000));
    const auto others = world.MustDeposit(3, Pdf(1000));
    world.consent.down = rpc::Refusal(absl::StatusCode::kInvalidArgument, reason, "is in no directory");
    AreOne(world, 1, 2);
    world.Settle(absl::Seconds(5));
    EXPECT_TRUE(world.vault().lease.Held());
    EXPECT_FALSE(Download(world, kHost, 1, paper.document).status.ok());
    EXPECT_TRUE(Download(world, kHost, 3, others.document).status.ok());
    Withdraws(world, 3);
    world.Settle();
    EXPECT_FALSE(Download(world, kHost, 3, others.document).status.ok()) << "her no is followed";
  }
}

}  // namespace
}  // namespace relais::vault::testing
