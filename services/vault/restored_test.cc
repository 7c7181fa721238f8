// A vault restored with a loss (ADR 73): whom she unlinked since, and what she shared no more, stays so.
#include "services/vault/restored.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/storage/value_format.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/journal_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

// Nothing else happens by itself for as long as these tests last.
World::Options Calm() {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

using Backup = std::shared_ptr<storage::MemoryDisk>;

// The next start is on what was saved, as the log's next epoch.
void GoOnFrom(World& world, const Backup& backup, int epoch) {
  world.harness().disk() = backup;
  world.harness().options().origin = "relais.test/vault/" + std::to_string(epoch);
  world.harness().options().accept_loss = true;
}

v1::StoredHost HostOfHers(World& world, uint64_t person) {
  const auto host = world.store().Host(World::Person(person), kHost);
  World::Require(host.status());
  return host->has_value() ? (*host)->value : v1::StoredHost();
}
v1::Share::State ShareOfHers(World& world, uint64_t person, const std::string& share) {
  const auto stored = world.store().Share(World::Person(person), Hex(share));
  World::Require(stored.status());
  return stored->has_value() ? (*stored)->value.state() : v1::Share::STATE_UNSPECIFIED;
}
absl::Status ActsOrWhy(World& world, uint64_t person) {
  return world.vault().access.Host(world.As(kHost), World::Person(person)).status();
}
bool Acts(World& world, uint64_t person) { return ActsOrWhy(world, person).ok(); }
// Hosts that are asked about every minute.
size_t Unjudged(World& world) {
  const auto hosts = world.store().Unjudged(std::nullopt, "", 100);
  World::Require(hosts.status());
  return hosts->rows.size();
}

absl::Status Unlink(World& world, uint64_t person) {
  v1::UnlinkHostRequest request;
  request.set_request_id("unlink");
  *request.mutable_person() = world.Handle(kReader, person);
  request.set_institution(kHost);
  return world.Run(world.service().hosts().UnlinkHost(world.As(kReader), request)).status();
}
absl::Status Revoke(World& world, uint64_t person, const std::string& share) {
  v1::RevokeRequest request;
  request.set_request_id("revoke");
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_share_id(share);
  return world.Run(world.service().shares().Revoke(world.As(kHost), request)).status();
}
absl::Status Link(World& world, uint64_t person, const std::string& request_id) {
  v1::LinkHostRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_consent_id(world.consent.agreement);
  request.set_purpose("RIGHTS_OPENING");
  return world.Run(world.service().hosts().LinkHost(world.As(kHost), request)).status();
}

size_t Suspensions(World& world) {
  const auto said = Payloads<v1::HostChanged>(world, audit::v1::EVENT_CLASS_HOST_CHANGED);
  return static_cast<size_t>(std::count_if(said.begin(), said.end(), [](const v1::HostChanged& changed) {
    return changed.state() == v1::Host::STATE_SUSPENDED;
  }));
}
size_t Revocations(World& world) {
  const auto said = Payloads<v1::ShareChanged>(world, audit::v1::EVENT_CLASS_SHARE_CHANGED);
  return static_cast<size_t>(std::count_if(said.begin(), said.end(), [](const v1::ShareChanged& changed) {
    return changed.state() == v1::Share::STATE_REVOKED;
  }));
}

TEST(RestoredVault, WhatSheEndedSinceTheBackupDoesNotComeBack) {
  World world(Calm());
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string share = world.Share(1, paper.document);
  const Backup backup = world.harness().disk()->Clone();
  ASSERT_TRUE(Revoke(world, 1, share).ok());
  ASSERT_TRUE(Unlink(world, 1).ok());
  GoOnFrom(world, backup, 2);
  world.Restart();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_LOG_CONTINUED), 1U);
  EXPECT_EQ(HostOfHers(world, 1).state(), v1::Host::STATE_SUSPENDED);
  EXPECT_TRUE(HostOfHers(world, 1).restored());
  EXPECT_EQ(ShareOfHers(world, 1, share), v1::Share::STATE_REVOKED);
  EXPECT_EQ(ReasonOf(Download(world, kHost, 1, paper.document).status), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(Suspensions(world), 1U) << "her journal says so";
  EXPECT_EQ(Revocations(world), 1U);
}

// D-3.2: it is maintenance of her papers, whatever came of it.
TEST(RestoredVault, HerJournalSaysThatItWasRestored) {
  World world(Calm());
  world.Host(1);
  world.MustDeposit(1, Pdf(1000));
  const Backup backup = world.harness().disk()->Clone();
  world.MustDeposit(1, Pdf(1000, 2));
  GoOnFrom(world, backup, 2);
  world.Restart();
  world.Settle();
  ASSERT_TRUE(Link(world, 1, "again").ok());
  v1::ReadJournalRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_page_size(100);
  const auto journal = world.Run(world.service().journal().ReadJournal(world.As(kHost), request));
  ASSERT_TRUE(journal.ok()) << journal.status();
  std::vector<std::string> maintained;
  for (const v1::JournalEntry& entry : journal->entries()) {
    if (entry.act() == v1::JournalEntry::ACT_MAINTAINED) {
      maintained.push_back(entry.what() + " " + entry.outcome());
    }
  }
  EXPECT_THAT(maintained, ::testing::ElementsAre("RESTORED ENDED"));
}

// Consent knows nothing of what she said at a desk of the vault's: its yes brings nothing back.
TEST(RestoredVault, LinkHostAloneLetsAHostActAgain) {
  World world(Calm());
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  world.Restart();
  const size_t asked = world.consent.asked.size();
  world.sim().Skip(absl::Hours(24));
  world.Settle(absl::Minutes(2));  // the list of suspended ones, and a round
  EXPECT_FALSE(Acts(world, 1));
  EXPECT_EQ(world.consent.asked.size(), asked) << "nobody asks what no answer changes";
  EXPECT_EQ(Unjudged(world), 0U) << "nor looks at it every minute";
  EXPECT_EQ(rpc::ReasonOf(ActsOrWhy(world, 1)), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_THAT(ActsOrWhy(world, 1).message(), ::testing::HasSubstr("link anew"));
  consent::v1::ConsentWithdrawn other;
  other.set_consent_id(std::string(32, '9'));
  other.add_lines()->add_acts(common::v1::ACT_HOST);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, other);
  world.Settle(absl::Seconds(5));
  EXPECT_GT(world.consent.asked.size(), asked) << "a no of hers may end it";
  EXPECT_FALSE(Acts(world, 1));
  ASSERT_TRUE(Link(world, 1, "anew").ok());
  EXPECT_TRUE(Acts(world, 1));
  EXPECT_FALSE(HostOfHers(world, 1).restored());
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
}

TEST(RestoredVault, OneThatWasSuspendedWaitsForLinkHostToo) {
  World world(Calm());
  world.Host(1);
  world.consent.directory_expired = true;
  world.ConsentSays(1, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, consent::v1::ProcessingRestricted());
  world.Settle();
  ASSERT_EQ(HostOfHers(world, 1).state(), v1::Host::STATE_SUSPENDED);
  ASSERT_EQ(Unjudged(world), 1U);
  EXPECT_THAT(ActsOrWhy(world, 1).message(), ::testing::HasSubstr("ask again later"));
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  world.Restart();
  world.consent.directory_expired = false;
  world.Settle(absl::Seconds(130));
  EXPECT_FALSE(Acts(world, 1));
  EXPECT_EQ(Unjudged(world), 0U) << "the list of the backup's too";
}

TEST(RestoredVault, ADropToARestoredHostWaitsForIt) {
  World world(Calm());
  const std::string drop = Dropped(world);
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  world.Restart();
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, drop).state(), v1::Document::STATE_PENDING_CONSENT);
  ASSERT_TRUE(Link(world, 1, "anew").ok());
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, drop).state(), v1::Document::STATE_ACTIVE);
}

TEST(RestoredVault, OnceForEachLossAndNeverWithoutOne) {
  World world(Calm());
  world.Host(1);
  world.Restart();
  EXPECT_TRUE(Acts(world, 1)) << "a restart is no restore";
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  world.Restart();
  ASSERT_TRUE(Link(world, 1, "anew").ok());
  world.Restart();
  EXPECT_TRUE(Acts(world, 1)) << "linked since the loss";
  GoOnFrom(world, world.harness().disk()->Clone(), 3);
  world.Restart();
  EXPECT_FALSE(Acts(world, 1)) << "another loss";
  EXPECT_EQ(Suspensions(world), 2U);
}

TEST(RestoredVault, EveryCrashGoesOnAndEndsAllOnce) {
  constexpr uint64_t kPersons = 3;
  constexpr uint64_t kMost = 300;
  uint64_t step = 0;
  for (bool reached = true; reached; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, kMost);
    World world(Calm());
    std::vector<std::string> shares;
    for (uint64_t person = 1; person <= kPersons; ++person) {
      world.Host(person);
      shares.push_back(world.Share(person, "", kReader, absl::Hours(24), v1::DOCUMENT_TYPE_TAX_NOTICE));
    }
    GoOnFrom(world, world.harness().disk()->Clone(), 2);
    world.harness().Crash();
    world.CrashAt(step);
    absl::Status back = world.ComeBack();
    reached = world.Dead();
    if (reached) {
      back = world.ComeBack();
    }
    ASSERT_TRUE(back.ok()) << back;
    for (uint64_t person = 1; person <= kPersons; ++person) {
      EXPECT_TRUE(HostOfHers(world, person).restored());
      EXPECT_FALSE(Acts(world, person));
      EXPECT_EQ(ShareOfHers(world, person, shares[person - 1]), v1::Share::STATE_REVOKED);
    }
    EXPECT_EQ(Suspensions(world), kPersons);
    EXPECT_EQ(Revocations(world), kPersons);
  }
  EXPECT_GT(step, 2 * kPersons) << "no crash fell into it";
}

// ---- more persons than a page has: how far it came is noted after each

constexpr uint64_t kMoreThanAPage = 201;

void HostAll(World& world) {
  for (uint64_t person = 1; person <= kMoreThanAPage; ++person) {
    world.Host(person);
  }
}
bool AllRestored(World& world) {
  bool all = true;
  for (uint64_t person = 1; person <= kMoreThanAPage; ++person) {
    all = all && HostOfHers(world, person).restored();
  }
  return all;
}
// The person whose rows come first.
uint64_t FirstOfAll() {
  uint64_t first = 1;
  for (uint64_t person = 2; person <= kMoreThanAPage; ++person) {
    first = World::Person(person) < World::Person(first) ? person : first;
  }
  return first;
}
bool IsNoted(World& world) {
  const storage::Partition bucket = world.context().idempotency.Bucket("vault-restored", "", "");
  return world.harness().disk()->Data(storage::EncodeDataKey(bucket, "state")).has_value();
}

TEST(RestoredVault, ItIsSaidHowFarItCame) {
  World world(Calm());
  HostAll(world);
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  ::testing::internal::CaptureStderr();
  world.Restart();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("does not serve yet"));
  EXPECT_TRUE(AllRestored(world));
  EXPECT_EQ(Suspensions(world), kMoreThanAPage);
}

// The process dies as soon as the first page is noted: what comes back goes on behind that page. That it does
// is seen by a row of that page which is put back meanwhile.
TEST(RestoredVault, ACrashAfterAPageGoesOnBehindIt) {
  const uint64_t first = FirstOfAll();
  constexpr uint64_t kStepsOfAPage = 400;
  constexpr uint64_t kMost = kStepsOfAPage + 40;
  bool noted = false;
  for (uint64_t step = kStepsOfAPage; !noted; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, kMost);
    World world(Calm());
    HostAll(world);
    const std::string row = storage::EncodeDataKey(VaultStore::PersonPartition(World::Person(first)),
                                                   HostKey(world, first, kHost));
    const Backup backup = world.harness().disk()->Clone();
    const std::optional<std::string> acting = backup->Data(row);
    ASSERT_TRUE(acting.has_value());
    GoOnFrom(world, backup, 2);
    world.harness().Crash();
    world.CrashAt(step);
    EXPECT_FALSE(world.ComeBack().ok());
    ASSERT_TRUE(world.Dead());
    noted = IsNoted(world);
    if (noted) {
      storage::MemoryDisk::Write put_back;
      put_back.version = backup->last_version();
      put_back.data.emplace_back(row, acting);
      backup->Apply(put_back);
    }
    ASSERT_TRUE(world.ComeBack().ok());
    EXPECT_EQ(Suspensions(world), kMoreThanAPage) << "each once";
    EXPECT_EQ(HostOfHers(world, first).restored(), !noted) << "nobody looks at a page twice";
    EXPECT_EQ(AllRestored(world), !noted);
  }
}

TEST(RestoredVault, ARowThatDoesNotOpenKeepsNobodyElsesFromEnding) {
  World world(Calm());
  world.Host(1);
  world.Host(2);
  Flip(world, VaultStore::PersonPartition(World::Person(1)), HostKey(world, 1, kHost), 20);
  GoOnFrom(world, world.harness().disk()->Clone(), 2);
  world.Restart();
  EXPECT_FALSE(Acts(world, 1));
  EXPECT_FALSE(Acts(world, 2));
  EXPECT_TRUE(HostOfHers(world, 2).restored());
}

}  // namespace
}  // namespace relais::vault::testing
