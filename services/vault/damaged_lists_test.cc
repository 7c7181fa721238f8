// Lists and her journal past one row or leaf that does not read, with how many are not shown (D-3.1, D-3.2).
#include <gmock/gmock.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/vault/handlers/journal_handlers.h"
#include "services/vault/handlers/request_handlers.h"
#include "services/vault/handlers/share_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kHer = 1;
constexpr size_t kSomewhere = 20;  // a byte of a sealed row

storage::Partition Hers() { return VaultStore::PersonPartition(World::Person(kHer)); }
std::string ShareKey(const std::string& share) { return "v/share/" + Hex(share).ToBytes(); }
std::string RequestKey(const std::string& request) { return "v/ask/" + Hex(request).ToBytes(); }

// Nullopt: the institution's own.
absl::StatusOr<v1::ShareServiceListResponse> Shares(World& world, const std::string& institution,
                                                    std::optional<uint64_t> person, uint32_t page_size = 0,
                                                    const std::string& page_token = "") {
  v1::ShareServiceListRequest request;
  if (person.has_value()) {
    *request.mutable_person() = world.Handle(institution, *person);
  }
  request.set_page_size(page_size);
  request.set_page_token(page_token);
  return world.Run(world.service().shares().List(world.As(institution), request));
}
std::vector<std::string> IdsOf(const v1::ShareServiceListResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Share& share : response.shares()) {
    ids.push_back(share.share_id());
  }
  return ids;
}

absl::StatusOr<v1::ListRequestsResponse> Requests(World& world, const std::string& institution,
                                                  std::optional<uint64_t> person) {
  v1::ListRequestsRequest request;
  if (person.has_value()) {
    *request.mutable_person() = world.Handle(institution, *person);
  }
  return world.Run(world.service().requests().ListRequests(world.As(institution), request));
}
std::vector<std::string> IdsOf(const v1::ListRequestsResponse& response) {
  std::vector<std::string> ids;
  for (const v1::DocumentRequest& request : response.requests()) {
    ids.push_back(request.document_request_id());
  }
  return ids;
}
std::string Ask(World& world, v1::DocumentType type) {
  v1::RequestDocumentRequest request;
  request.set_request_id("ask-" + v1::DocumentType_Name(type));
  *request.mutable_person() = world.Handle(kReader, kHer);
  request.add_types(type);
  request.set_purpose("RIGHTS_OPENING");
  request.set_why("pour votre dossier");
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
  const auto asked = world.Run(world.service().requests().RequestDocument(world.As(kReader), request));
  World::Require(asked.status());
  world.Settle();
  return asked->request().document_request_id();
}

// Three, as they lie on the disk.
std::vector<std::string> ThreeShares(World& world) {
  std::set<std::string> shares;
  for (uint8_t i = 0; i < 3; ++i) {
    shares.insert(world.Share(kHer, world.MustDeposit(kHer, Pdf(3000, i)).document));
  }
  return {shares.begin(), shares.end()};
}

TEST(DamagedList, SharesThatOpenAreShownToHerHostAndToWhomTheyAreWith) {
  World world;
  world.Host(kHer);
  const auto shares = ThreeShares(world);
  EXPECT_EQ(Shares(world, kHost, kHer)->unreadable(), 0U);
  EXPECT_EQ(Shares(world, kReader, std::nullopt)->unreadable(), 0U);
  Flip(world, Hers(), ShareKey(shares[1]), kSomewhere);
  const auto hers = Shares(world, kHost, kHer);
  ASSERT_TRUE(hers.ok()) << hers.status();
  EXPECT_THAT(IdsOf(*hers), ElementsAre(shares[0], shares[2]));
  EXPECT_EQ(hers->unreadable(), 1U);
  const auto theirs = Shares(world, kReader, std::nullopt);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_THAT(IdsOf(*theirs), ElementsAre(shares[0], shares[2]));
  EXPECT_EQ(theirs->unreadable(), 1U);
  EXPECT_EQ(Shares(world, "cpam", std::nullopt)->unreadable(), 0U) << "nothing is with them";
  // What leads the institution there does not open either.
  Flip(world, world.context().idempotency.Bucket("vault-shared", kReader, ""), Hex(shares[2]).ToBytes(),
       kSomewhere);
  const auto fewer = Shares(world, kReader, std::nullopt);
  ASSERT_TRUE(fewer.ok()) << fewer.status();
  EXPECT_THAT(IdsOf(*fewer), ElementsAre(shares[0]));
  EXPECT_EQ(fewer->unreadable(), 2U);
}

TEST(DamagedList, APageOfSharesTellsOfItsOwn) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(kHer);
  const auto shares = ThreeShares(world);
  disk.store->Damage(Hers(), ShareKey(shares[1]));
  std::vector<std::string> shown;
  uint32_t unreadable = 0;
  std::string token;
  do {
    const auto page = Shares(world, kHost, kHer, 1, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const std::string& id : IdsOf(*page)) {
      shown.push_back(id);
    }
    unreadable += page->unreadable();
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(shown, ElementsAre(shares[0], shares[2]));
  EXPECT_EQ(unreadable, 1U) << "told once";
}

TEST(DamagedList, RequestsThatOpenAreShown) {
  World world;
  world.Host(kHer);
  world.MustDeposit(kHer, Pdf(3000));
  const std::string good = Ask(world, v1::DOCUMENT_TYPE_TAX_NOTICE);
  const std::string bad = Ask(world, v1::DOCUMENT_TYPE_LEASE);
  Flip(world, Hers(), RequestKey(bad), kSomewhere);
  const auto hers = Requests(world, kHost, kHer);
  ASSERT_TRUE(hers.ok()) << hers.status();
  EXPECT_THAT(IdsOf(*hers), ElementsAre(good));
  EXPECT_EQ(hers->unreadable(), 1U);
  const auto theirs = Requests(world, kReader, std::nullopt);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_THAT(IdsOf(*theirs), ElementsAre(good));
  EXPECT_EQ(theirs->unreadable(), 1U);
}

TEST(DamagedList, HostsThatOpenAreShown) {
  DamagedDisk disk;
  World world(disk.Options());
  const auto hosts = [&] {
    v1::ListHostsRequest request;
    *request.mutable_person() = world.Handle(kHost, kHer);
    const auto response = world.Run(world.service().hosts().ListHosts(world.As(kHost), request));
    World::Require(response.status());
    std::set<std::string> institutions;
    for (const v1::Host& host : response->hosts()) {
      institutions.insert(host.institution());
    }
    return std::make_pair(institutions, response->unreadable());
  };
  for (const char* institution : {kHost, "aphp", "cpam", "caf"}) {
    world.Host(kHer, institution);
  }
  EXPECT_EQ(hosts(), std::make_pair(std::set<std::string>{kHost, "aphp", "cpam", "caf"}, 0U));
  Flip(world, Hers(), HostKey(world, kHer, "aphp"), kSomewhere);
  EXPECT_EQ(hosts(), std::make_pair(std::set<std::string>{kHost, "cpam", "caf"}, 1U));
  disk.store->Damage(Hers(), HostKey(world, kHer, "cpam"));
  EXPECT_EQ(hosts(), std::make_pair(std::set<std::string>{kHost, "caf"}, 2U)) << "a stretch counts as one";
}

TEST(DamagedList, HerJournalShowsWhatReads) {
  World world;
  world.Host(kHer);
  const World::Deposited first = world.MustDeposit(kHer, Pdf(3000, 1));
  const World::Deposited second = world.MustDeposit(kHer, Pdf(3000, 2));
  v1::ReadJournalRequest request;
  *request.mutable_person() = world.Handle(kHost, kHer);
  request.set_page_size(100);
  const auto deposits = [&] {
    const auto journal = world.Run(world.service().journal().ReadJournal(world.As(kHost), request));
    World::Require(journal.status());
    std::vector<std::string> papers;
    for (const v1::JournalEntry& entry : journal->entries()) {
      if (entry.act() == v1::JournalEntry::ACT_DEPOSITED) {
        papers.push_back(entry.document_id());
      }
    }
    return std::make_pair(papers, journal->unreadable());
  };
  EXPECT_EQ(deposits(), std::make_pair(std::vector{second.document, first.document}, 0U));
  TearDepositOf(world, first.document);
  EXPECT_EQ(deposits(), std::make_pair(std::vector{second.document}, 1U));
}

}  // namespace
}  // namespace relais::vault::testing
