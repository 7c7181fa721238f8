// One human under two names (ADR 34, "Two names, two vaults"; ADR 68): what is done about a paper, a share or
// a request works under either name, is recorded under the one that holds it, and asks for the right there.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/query.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr auto kNotYours = common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
constexpr char kOther[] = "emmaus";  // her host under the first name alone

void AreTwo(World& world, uint64_t stayed, uint64_t came) {
  consent::v1::PersonsSplit payload;
  payload.set_link_id(World::Person(500).ToHex());
  payload.set_canonical_id(World::Person(stayed).ToBytes());
  payload.set_linked_id(World::Person(came).ToBytes());
  world.ConsentSays(came, audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload);
  world.Settle();
}

// Persons 1 and 2 are one human; kHost acts for her under both names, kOther under the first.
class NamesActs : public ::testing::Test {
 protected:
  NamesActs() {
    world.Host(1);
    world.Host(2);
    world.Host(1, kOther);
    one = world.MustDeposit(1, Pdf(1000, 1)).document;
    two = world.MustDeposit(2, Pdf(1000, 2)).document;
    AreOne(world, 1, 2);
    world.Settle();
  }

  absl::StatusOr<v1::DestroyResponse> Destroy(uint64_t person, const std::string& document,
                                              const std::string& institution = kHost) {
    v1::DestroyRequest request;
    request.set_request_id("destroy-" + document.substr(0, 8));
    *request.mutable_person() = world.Handle(institution, person);
    request.set_document_id(document);
    return world.Run(world.service().destroying().Destroy(world.As(institution), request));
  }
  absl::StatusOr<v1::ShareResponse> ShareIt(uint64_t person, const std::string& document,
                                            const std::string& request_id,
                                            const std::string& institution = kHost) {
    v1::ShareRequest request = ShareOfPaper(world, person, document, request_id);
    *request.mutable_person() = world.Handle(institution, person);
    return world.Run(world.service().shares().Share(world.As(institution), request));
  }
  absl::StatusOr<v1::RevokeResponse> Revoke(uint64_t person, const std::string& share,
                                            const std::string& institution = kHost) {
    v1::RevokeRequest request;
    request.set_request_id("revoke-" + share.substr(0, 8));
    *request.mutable_person() = world.Handle(institution, person);
    request.set_share_id(share);
    return world.Run(world.service().shares().Revoke(world.As(institution), request));
  }
  // All ids of a list, in pages of `size`; ends the test program when a page is refused.
  std::vector<std::string> Shares(uint64_t person, const std::string& institution = kHost,
                                  uint32_t size = 100) {
    v1::ShareServiceListRequest request;
    *request.mutable_person() = world.Handle(institution, person);
    request.set_page_size(size);
    std::vector<std::string> ids;
    do {
      const auto page = world.Run(world.service().shares().List(world.As(institution), request));
      World::Require(page.status());
      for (const v1::Share& share : page->shares()) {
        ids.push_back(share.share_id());
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  std::vector<std::string> Requests(uint64_t person, const std::string& institution = kHost,
                                    uint32_t size = 100) {
    v1::ListRequestsRequest request;
    *request.mutable_person() = world.Handle(institution, person);
    request.set_page_size(size);
    std::vector<std::string> ids;
    do {
      const auto page = world.Run(world.service().requests().ListRequests(world.As(institution), request));
      World::Require(page.status());
      for (const v1::DocumentRequest& asked : page->requests()) {
        ids.push_back(asked.document_request_id());
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  // kReader asks for a tax notice.
  std::string Asked(uint64_t person) {
    v1::RequestDocumentRequest request;
    request.set_request_id("ask-" + std::to_string(person));
    *request.mutable_person() = world.Handle(kReader, person);
    request.add_types(v1::DOCUMENT_TYPE_TAX_NOTICE);
    request.set_purpose("RIGHTS_OPENING");
    *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
    const auto asked = world.Run(world.service().requests().RequestDocument(world.As(kReader), request));
    World::Require(asked.status());
    world.Settle();
    return asked->request().document_request_id();
  }
  absl::StatusOr<v1::DecideRequestResponse> Grant(uint64_t person, const std::string& asked,
                                                  const std::string& document, const std::string& request_id,
                                                  const std::string& institution = kHost) {
    v1::DecideRequestRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = world.Handle(institution, person);
    request.set_document_request_id(asked);
    request.set_granted(true);
    request.add_document_ids(document);
    request.set_consent_id(world.consent.agreement);
    return world.Run(world.service().requests().DecideRequest(world.As(institution), request));
  }
  // Her whole journal, in pages of `size`.
  std::vector<v1::JournalEntry> Journal(uint64_t person, const std::string& institution = kHost,
                                        uint32_t size = 100, const std::string& document = "") {
    v1::ReadJournalRequest request;
    *request.mutable_person() = world.Handle(institution, person);
    request.set_page_size(size);
    request.set_document_id(document);
    std::vector<v1::JournalEntry> lines;
    do {
      const auto page = world.Run(world.service().journal().ReadJournal(world.As(institution), request));
      World::Require(page.status());
      lines.insert(lines.end(), page->entries().begin(), page->entries().end());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return lines;
  }
  std::vector<std::string> PapersIn(const std::vector<v1::JournalEntry>& lines) {
    std::vector<std::string> papers;
    for (const v1::JournalEntry& line : lines) {
      if (line.act() == v1::JournalEntry::ACT_DEPOSITED) {
        papers.push_back(line.document_id());
      }
    }
    return papers;
  }
  std::vector<std::string> Hosts(uint64_t person, const std::string& institution = kHost) {
    v1::ListHostsRequest request;
    *request.mutable_person() = world.Handle(institution, person);
    const auto listed = world.Run(world.service().hosts().ListHosts(world.As(institution), request));
    World::Require(listed.status());
    std::vector<std::string> hosts;
    for (const v1::Host& host : listed->hosts()) {
      hosts.push_back(host.institution());
    }
    return hosts;
  }
  v1::UnlinkHostRequest UnlinkOf(const std::string& desk, uint64_t person, const std::string& institution) {
    v1::UnlinkHostRequest request;
    request.set_request_id("unlink-" + institution);
    *request.mutable_person() = world.Handle(desk, person);
    request.set_institution(institution);
    return request;
  }
  absl::Status Unlink(const std::string& desk, uint64_t person, const std::string& institution) {
    return world.Run(world.service().hosts().UnlinkHost(world.As(desk), UnlinkOf(desk, person, institution)))
        .status();
  }
  bool Acts(uint64_t person, const std::string& institution = kHost) {
    return world.vault().access.Host(world.As(institution), World::Person(person)).ok();
  }
  // How many leaves about hosts the DPO of that institution reads as its own.
  size_t OwnHostLeaves(const std::string& institution) {
    const auto leaves = world.Leaves();
    return static_cast<size_t>(std::count_if(leaves.begin(), leaves.end(), [&](const auto& leaf) {
      return leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_HOST_CHANGED &&
             audit::IsOwn(institution, leaf);
    }));
  }
  absl::StatusOr<v1::BeginUploadResponse> BeginVersion(uint64_t person, const std::string& document,
                                                       const std::string& request_id,
                                                       const std::string& institution = kHost) {
    v1::BeginUploadRequest request =
        world.Begin(person, request_id, 1000, v1::DOCUMENT_TYPE_TAX_NOTICE, institution);
    request.set_document_id(document);
    return world.TryBegin(request, institution);
  }
  // Whom the leaves of a class are about, oldest first.
  std::vector<std::string> About(audit::v1::EventClass event_class) {
    std::vector<std::string> about;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      if (leaf.leaf.header.event_class() == event_class) {
        about.push_back(leaf.details.subject().id());
      }
    }
    return about;
  }

  World world;
  std::string one;  // papers: under the first name
  std::string two;  // under the second
};

TEST_F(NamesActs, DestroysUnderTheNameThatHoldsThePaper) {
  EXPECT_EQ(ReasonOf(Destroy(1, two, kOther).status()), kNotYours) << "a host of the first name alone";
  const auto destroyed = Destroy(1, two);
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_EQ(destroyed->document().state(), v1::Document::STATE_DESTROYED);
  EXPECT_EQ(world.Document(2, two).state(), v1::Document::STATE_DESTROYED);
  EXPECT_EQ(world.Usage(1).documents(), 1U);
  EXPECT_EQ(world.Usage(2).documents(), 0U);
  EXPECT_THAT(About(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), ElementsAre(World::Person(2).ToBytes()));
  ASSERT_TRUE(Destroy(1, two).ok()) << "the same again";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), 1U);
}

TEST_F(NamesActs, VerifiesUnderTheNameThatHoldsThePaper) {
  EXPECT_EQ(ReasonOf(Verify(world, 1, two, kOther).status()), kNotYours);
  EXPECT_EQ(FoundOf(world, 1, two), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(FoundOf(world, 2, one), v1::VersionCheck::FINDING_INTACT);
  EXPECT_THAT(About(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED),
              ElementsAre(World::Person(2).ToBytes(), World::Person(1).ToBytes()));
}

// Her record is gone from the disk: the log of the name that held it still says what there was.
TEST_F(NamesActs, VerifiesWhatNoNameHasARecordOf) {
  storage::CommitRequest loss;
  loss.partition = VaultStore::PersonPartition(World::Person(2));
  loss.batch.push_back({"v/doc/" + Hex(two).ToBytes(), std::nullopt});
  World::Require(world.Run(world.context().store.Commit(std::move(loss))).status());
  EXPECT_EQ(FoundOf(world, 1, two), v1::VersionCheck::FINDING_ROLLED_BACK);
}

TEST_F(NamesActs, SharesUnderTheNameThatHoldsThePaper) {
  EXPECT_EQ(ReasonOf(ShareIt(1, two, "s-0", kOther).status()), kNotYours);
  const auto shared = ShareIt(1, two, "s-1");
  ASSERT_TRUE(shared.ok()) << shared.status();
  EXPECT_EQ(shared->share().person().handle(), world.Handle(kHost, 1).handle())
      << "by the name that was given";
  EXPECT_EQ(world.consent.asked.back().person().person_id(), World::Person(2).ToBytes());
  EXPECT_EQ(world.store().Shares(World::Person(2), Id128(), 10)->rows.size(), 1U);
  EXPECT_TRUE(world.store().Shares(World::Person(1), Id128(), 10)->rows.empty());
  EXPECT_THAT(About(audit::v1::EVENT_CLASS_SHARE_CHANGED), ElementsAre(World::Person(2).ToBytes()));
  EXPECT_EQ(Download(world, kReader, 2, two).bytes, Pdf(1000, 2));
  EXPECT_EQ(ShareIt(1, two, "s-1")->share().share_id(), shared->share().share_id()) << "the same again";
}

// What consent decides of the name that holds the paper is what counts, whichever name was given.
TEST_F(NamesActs, SharesNothingThatConsentDeniesUnderTheHoldersName) {
  world.consent.permits = [](const consent::v1::CheckRequest& asked) {
    return asked.act() != common::v1::ACT_SHARE_DOCUMENT ||
           asked.person().person_id() != World::Person(2).ToBytes();
  };
  EXPECT_EQ(ReasonOf(ShareIt(1, two, "s-1").status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_TRUE(ShareIt(2, one, "s-2").ok());
}

TEST_F(NamesActs, RevokesUnderEitherName) {
  const std::string share = world.Share(2, two);
  EXPECT_EQ(ReasonOf(Revoke(1, share, kOther).status()), kNotYours);
  const auto revoked = Revoke(1, share);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->share().state(), v1::Share::STATE_REVOKED);
  EXPECT_FALSE(Download(world, kReader, 2, two).status.ok());
  const auto about = About(audit::v1::EVENT_CLASS_SHARE_CHANGED);
  EXPECT_EQ(about.back(), World::Person(2).ToBytes());
}

// As it may read by it under either.
TEST_F(NamesActs, WhoAShareIsWithEndsItUnderEitherName) {
  const std::string share = world.Share(2, two);
  EXPECT_EQ(Download(world, kReader, 1, two).bytes, Pdf(1000, 2));
  const auto revoked = Revoke(1, share, kReader);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->share().person().handle(), world.Handle(kReader, 1).handle()) << "no other name is told";
  EXPECT_FALSE(Download(world, kReader, 2, two).status.ok());
}

TEST_F(NamesActs, ListsSharesOfBothNamesEachOnce) {
  std::vector<std::string> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(world.Share(1, one));
    all.push_back(world.Share(2, two));
  }
  const std::vector<std::string> of_one = {all[0], all[2], all[4]};
  for (const uint64_t person : {1, 2}) {
    for (const uint32_t size : {1U, 2U, 4U, 100U}) {
      EXPECT_THAT(Shares(person, kHost, size), ::testing::UnorderedElementsAreArray(all)) << size;
    }
  }
  EXPECT_THAT(Shares(1, kOther, 2), ::testing::UnorderedElementsAreArray(of_one));
}

TEST_F(NamesActs, ListsRequestsOfBothNamesEachOnce) {
  const std::string first = Asked(1);
  const std::string second = Asked(2);
  for (const uint64_t person : {1, 2}) {
    EXPECT_THAT(Requests(person, kHost, 1), UnorderedElementsAre(first, second));
    EXPECT_THAT(Requests(person), UnorderedElementsAre(first, second));
  }
  EXPECT_THAT(Requests(1, kOther), ElementsAre(first));
}

TEST_F(NamesActs, DecidesARequestUnderEitherName) {
  const std::string asked = Asked(2);
  EXPECT_EQ(ReasonOf(Grant(1, asked, two, "d-0", kOther).status()), kNotYours);
  const auto granted = Grant(1, asked, two, "d-1");
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->request().state(), v1::DocumentRequest::STATE_GRANTED);
  ASSERT_EQ(granted->shares_size(), 1);
  EXPECT_EQ(world.store().Shares(World::Person(2), Id128(), 10)->rows.size(), 1U);
  EXPECT_EQ(Download(world, kReader, 2, two).bytes, Pdf(1000, 2));
  EXPECT_EQ(Grant(1, asked, two, "d-1")->shares(0).share_id(), granted->shares(0).share_id());
}

// The shares and the decision are one commit, in one partition: a paper of the other name has its own share.
TEST_F(NamesActs, GrantsPapersOfTheNameThatWasAskedAboutAlone) {
  const std::string asked = Asked(2);
  EXPECT_EQ(ReasonOf(Grant(2, asked, one, "d-1").status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_TRUE(world.store().Shares(World::Person(1), Id128(), 10)->rows.empty());
  EXPECT_TRUE(Grant(2, asked, two, "d-2").ok()) << "it waits still";
}

TEST_F(NamesActs, ReadsTheJournalOfBothNamesEachLineOnce) {
  for (const uint64_t person : {1, 2}) {
    for (const uint32_t size : {1U, 3U, 100U}) {
      const std::vector<v1::JournalEntry> lines = Journal(person, kHost, size);
      EXPECT_THAT(PapersIn(lines), ElementsAre(two, one)) << size;
      for (size_t i = 1; i < lines.size(); ++i) {
        EXPECT_GT(lines[i - 1].leaf_index(), lines[i].leaf_index()) << size;
      }
    }
  }
  EXPECT_THAT(PapersIn(Journal(1, kHost, 100, two)), ElementsAre(two));
  EXPECT_THAT(PapersIn(Journal(1, kOther)), ElementsAre(one)) << "a link is no authority";
}

TEST_F(NamesActs, ListsHostsOfBothNamesEachOnce) {
  world.Host(2, "aphp");
  for (const uint64_t person : {1, 2}) {
    EXPECT_THAT(Hosts(person), UnorderedElementsAre(kHost, kOther, "aphp"));
  }
  EXPECT_THAT(Hosts(1, kOther), UnorderedElementsAre(kHost, kOther)) << "not who knows the other name alone";
  EXPECT_THAT(Hosts(2, "aphp"), UnorderedElementsAre(kHost, "aphp"));
}

// Her no is one human's: it ends the host under each name, and no journal of another name tells at which
// desk.
TEST_F(NamesActs, UnlinksUnderEveryName) {
  world.Host(2, "aphp");
  ASSERT_TRUE(Unlink("cpam", 1, kHost).ok());
  EXPECT_FALSE(Download(world, kHost, 1, one).status.ok());
  EXPECT_FALSE(Download(world, kHost, 2, two).status.ok());
  EXPECT_TRUE(Download(world, kOther, 1, one).status.ok());
  EXPECT_TRUE(Download(world, "aphp", 2, two).status.ok());
  const std::vector<v1::JournalEntry> lines = Journal(2, "aphp");
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const v1::JournalEntry& line) {
    return line.act() == v1::JournalEntry::ACT_HOST && line.outcome() == "UNLINKED";
  }));
  for (const v1::JournalEntry& line : lines) {
    EXPECT_NE(line.who().institution(), "cpam");
  }
  const auto changed = world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED);
  ASSERT_TRUE(Unlink("cpam", 1, kHost).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED), changed) << "the same again";
  AreTwo(world, 1, 2);
  EXPECT_FALSE(Download(world, kHost, 2, two).status.ok()) << "she said it of herself";
}

TEST_F(NamesActs, UnlinksNobodyWhoIsNothingUnderTheOtherName) {
  ASSERT_TRUE(Unlink("cpam", 2, kOther).ok());
  EXPECT_FALSE(Download(world, kOther, 1, one).status.ok());
  ASSERT_TRUE(Unlink("cpam", 1, "aphp").ok());
  EXPECT_FALSE(world.store().Host(World::Person(2), "aphp")->has_value());
}

// A desk that uses one request_id for each of her names: her no counts under both, and no answer tells that
// they are one.
TEST_F(NamesActs, OneRequestIdUnderEachNameIsTwoNoes) {
  ASSERT_TRUE(Unlink("cpam", 1, kHost).ok());
  const absl::Status second = Unlink("cpam", 2, kHost);
  ASSERT_TRUE(second.ok()) << second;
  std::vector<std::string> about;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_HOST_CHANGED &&
        leaf.leaf.header.institution() == "cpam") {
      about.push_back(leaf.details.subject().id());
    }
  }
  EXPECT_THAT(about, ElementsAre(World::Person(1).ToBytes(), World::Person(2).ToBytes()));
}

// Two leaves, one about each name and one after the other, would tell its DPO that they are one, and which
// desk knows the other. That it is none any more it learns where it acts.
TEST_F(NamesActs, AHostOfOneNameReadsNoLeafOfANoUnderAnother) {
  const size_t of_other = OwnHostLeaves(kOther);
  const uint64_t all = world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED);
  ASSERT_GT(of_other, 0U) << "that the test can fail";
  ASSERT_TRUE(Unlink("cpam", 2, kOther).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED), all + 2);
  EXPECT_EQ(OwnHostLeaves(kOther), of_other);
  EXPECT_EQ(ReasonOf(Destroy(1, one, kOther).status()), kNotYours);
  // Where it is said under a name that it was host of, that leaf is addressed to it, and that one alone.
  const size_t of_host = OwnHostLeaves(kHost);
  ASSERT_TRUE(Unlink("cpam", 1, kHost).ok());
  EXPECT_EQ(OwnHostLeaves(kHost), of_host + 1);
}

// It looked at her names before her no was there: her no ends what comes of it.
TEST_F(NamesActs, ANoEndsALinkUnderAnotherNameThatIsUnderWay) {
  KeyCommits::Ticket linking = world.vault().access.linking().Enter();  // as LinkHost of the second holds it
  std::optional<absl::Status> ended;
  relais::Start(world.service().hosts().UnlinkHost(world.As("cpam"), UnlinkOf("cpam", 1, "aphp")),
                [&ended](const absl::StatusOr<v1::UnlinkHostResponse>& done) { ended = done.status(); });
  world.Settle();
  EXPECT_FALSE(ended.has_value());
  EXPECT_TRUE(world.store().Host(World::Person(1), "aphp")->has_value()) << "who looks from now on sees it";
  world.Host(2, "aphp");
  linking = KeyCommits::Ticket();
  world.Settle();
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(ended->ok()) << *ended;
  EXPECT_FALSE(Acts(2, "aphp"));
}

// The process died before her no reached the other name: it does when it comes again. What she agreed to
// since it does not touch.
TEST_F(NamesActs, ARepeatedNoEndsWhatItDidNotReachAndNothingSheAgreedToSince) {
  for (const bool agrees : {false, true}) {
    const std::string institution = agrees ? "aphp" : "cpam";
    ASSERT_TRUE(Unlink("cpam", 1, institution).ok());
    world.Settle();
    if (agrees) {
      Agrees(world, 1, std::string(32, '8'));
      world.Settle();
    }
    world.Host(2, institution);
    ASSERT_TRUE(Acts(2, institution));
    ASSERT_TRUE(Unlink("cpam", 1, institution).ok());
    EXPECT_EQ(Acts(2, institution), agrees);
  }
}

// A row that does not open may open again, from a backup: her no is put over it, under each name.
TEST_F(NamesActs, HerNoIsPutOverRowsThatDoNotOpen) {
  for (const uint64_t damaged : {1, 2}) {
    const std::string institution = damaged == 1 ? kHost : "aphp";
    world.Host(damaged, institution);
    Flip(world, VaultStore::PersonPartition(World::Person(damaged)), HostKey(world, damaged, institution),
         20);
    ASSERT_FALSE(world.store().Host(World::Person(damaged), institution).ok());
    const absl::Status said = Unlink("cpam", 1, institution);
    EXPECT_TRUE(said.ok()) << said;
    const auto row = world.store().Host(World::Person(damaged), institution);
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_TRUE(row->has_value());
    EXPECT_TRUE((*row)->value.has_unlinked());
    EXPECT_EQ((*row)->value.state(), v1::Host::STATE_UNLINKED);
  }
}

// Some of her names are not known: what is known ends, and nobody says that it was all.
TEST_F(NamesActs, ANoThatMayNotHaveReachedAllNamesIsSaidSo) {
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const auto links = world.context().store.Scan(hers, "with/", "", 10);
  ASSERT_TRUE(links.ok());
  ASSERT_EQ(links->entries.size(), 1U);
  SetRaw(world, hers, links->entries[0].key, "three");
  EXPECT_EQ(ReasonOf(Unlink("cpam", 1, kHost)), common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
  EXPECT_FALSE(Acts(1));
  SetRaw(world, hers, links->entries[0].key, World::Person(2).ToBytes());
  EXPECT_TRUE(Unlink("cpam", 1, kHost).ok()) << "the same again";
  EXPECT_FALSE(Acts(2));
}

// ---- damage: told to who acts for her where it is, with its leaf; to others there is nothing

TEST_F(NamesActs, DamageIsToldToWhoActsForHerThere) {
  const storage::Partition of_two = VaultStore::PersonPartition(World::Person(2));
  constexpr auto kDamaged = common::v1::ERROR_REASON_DOCUMENT_DAMAGED;
  const std::string asked = Asked(2);
  const std::string share = world.Share(2, two);
  const auto begun = BeginVersion(1, two, "v-1");
  ASSERT_TRUE(begun.ok()) << begun.status();
  const std::string upload = begun->upload().upload_id();
  Flip(world, of_two, "v/share/" + Hex(share).ToBytes(), 20);
  Flip(world, of_two, "v/ask/" + Hex(asked).ToBytes(), 20);
  Flip(world, of_two, "v/up/" + Hex(upload).ToBytes(), 20);
  const auto query = [&](const std::string& institution) {
    v1::QueryUploadRequest request;
    *request.mutable_person() = world.Handle(institution, 1);
    request.set_upload_id(upload);
    return world.Run(world.service().uploads().QueryUpload(world.As(institution), request)).status();
  };
  EXPECT_EQ(ReasonOf(Revoke(1, share, kOther).status()), kNotYours);
  EXPECT_EQ(ReasonOf(Revoke(1, share, kReader).status()), kNotYours);
  EXPECT_EQ(ReasonOf(Grant(1, asked, two, "d-0", kOther).status()), kNotYours);
  EXPECT_EQ(ReasonOf(query(kOther)), kNotYours);
  EXPECT_EQ(ReasonOf(world.TryComplete(1, "c-0", upload, Pdf(10), kOther).status()), kNotYours);
  uint64_t refused = world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED);
  EXPECT_EQ(ReasonOf(Revoke(1, share).status()), kDamaged);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), ++refused);
  EXPECT_EQ(ReasonOf(Grant(1, asked, two, "d-1").status()), kDamaged);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), ++refused);
  EXPECT_EQ(ReasonOf(query(kHost)), kDamaged);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), ++refused);
  EXPECT_EQ(ReasonOf(world.TryComplete(1, "c-1", upload, Pdf(10)).status()), kDamaged);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), ++refused);
}

// ---- repetitions: whoever is host of what by then

TEST_F(NamesActs, WhatIsRepeatedIsFoundWhereItWasDone) {
  world.Host(2, "aphp");
  v1::ShareRequest type = ShareOfPaper(world, 1, one, "s-1");
  type.set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
  *type.mutable_person() = world.Handle("aphp", 1);
  const auto share = [&] { return world.Run(world.service().shares().Share(world.As("aphp"), type)); };
  const v1::BeginUploadRequest begin = world.Begin(1, "b-1", 1000, v1::DOCUMENT_TYPE_TAX_NOTICE, "aphp");
  const auto shared = share();
  ASSERT_TRUE(shared.ok()) << shared.status();
  const auto begun = world.TryBegin(begin, "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  world.Host(1, "aphp");  // where new ones would go from now on
  const auto shared_again = share();
  ASSERT_TRUE(shared_again.ok()) << shared_again.status();
  EXPECT_EQ(shared_again->share().share_id(), shared->share().share_id());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), 1U);
  const auto begun_again = world.TryBegin(begin, "aphp");
  ASSERT_TRUE(begun_again.ok()) << begun_again.status();
  EXPECT_EQ(begun_again->upload().upload_id(), begun->upload().upload_id());
  EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
}

TEST_F(NamesActs, ARequestIdThatComesWithAnotherPaperIsReusedWhicheverNameHoldsIt) {
  constexpr auto kReused = common::v1::ERROR_REASON_REQUEST_ID_REUSED;
  ASSERT_TRUE(ShareIt(1, two, "s-1").ok());
  EXPECT_EQ(ReasonOf(ShareIt(1, one, "s-1").status()), kReused);
  ASSERT_TRUE(BeginVersion(1, two, "v-1").ok());
  EXPECT_EQ(ReasonOf(BeginVersion(1, one, "v-1").status()), kReused);
}

TEST_F(NamesActs, ARequestIdThatComesWithAnotherRequestOrShareIsReusedWhicheverNameHoldsIt) {
  constexpr auto kReused = common::v1::ERROR_REASON_REQUEST_ID_REUSED;
  const std::string asked_one = Asked(1);
  const std::string asked_two = Asked(2);
  const auto granted = Grant(1, asked_two, two, "same");
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(ReasonOf(Grant(1, asked_one, one, "same").status()), kReused);
  v1::RevokeRequest revoke;
  revoke.set_request_id("same");
  *revoke.mutable_person() = world.Handle(kHost, 1);
  revoke.set_share_id(granted->shares(0).share_id());
  ASSERT_TRUE(world.Run(world.service().shares().Revoke(world.As(kHost), revoke)).ok());
  revoke.set_share_id(world.Share(1, one));
  EXPECT_EQ(ReasonOf(world.Run(world.service().shares().Revoke(world.As(kHost), revoke)).status()), kReused);
}

TEST_F(NamesActs, ANewVersionGoesToTheNameThatHoldsThePaper) {
  EXPECT_EQ(ReasonOf(BeginVersion(1, two, "v-0", kOther).status()), kNotYours);
  const auto later = world.MustDeposit(1, Pdf(1200, 3), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, two);
  EXPECT_EQ(later.document, two);
  EXPECT_EQ(later.version, 2U);
  EXPECT_EQ(world.Document(2, two).versions_size(), 2);
  EXPECT_EQ(world.Usage(2).versions(), 2U);
  EXPECT_EQ(world.Usage(1).versions(), 1U);
  EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
  EXPECT_EQ(Download(world, kHost, 1, two).bytes, Pdf(1200, 3));
  v1::QueryUploadRequest query;
  *query.mutable_person() = world.Handle(kHost, 1);
  query.set_upload_id(later.upload);
  const auto known = world.Run(world.service().uploads().QueryUpload(world.As(kHost), query));
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->upload().state(), v1::Upload::STATE_COMPLETED);
  EXPECT_TRUE(world.TryComplete(1, "complete-3", later.upload, Pdf(1200, 3)).ok()) << "the same again";
}

TEST_F(NamesActs, AnUploadOfTheOtherNameIsGivenUpUnderEither) {
  const auto begun = BeginVersion(1, two, "v-1");
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(world.Usage(2).open_uploads(), 1U);
  v1::AbandonUploadRequest request;
  request.set_request_id("abandon-1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_upload_id(begun->upload().upload_id());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(world.Run(world.service().uploads().AbandonUpload(world.As(kHost), request)).ok()) << i;
  }
  EXPECT_EQ(world.Usage(2).open_uploads(), 0U);
}

// Who acts for her under the other name alone deposits there, where Count says what is left.
TEST_F(NamesActs, ANewPaperGoesWhereTheCallerActsForHer) {
  world.Host(2, "aphp");
  world.MustDeposit(1, Pdf(900, 4), v1::DOCUMENT_TYPE_TAX_NOTICE, "aphp");
  EXPECT_EQ(world.Usage(1).documents(), 1U);
  EXPECT_EQ(world.Usage(2).documents(), 2U);
}

// Something she said may deny it: what it is under one name does not tell which papers are under the other.
TEST_F(NamesActs, AHostThatIsSuspendedUnderOneNameIsForAll) {
  world.consent.directory_expired = true;  // it decides nothing
  auto row = world.store().Host(World::Person(2), kHost);
  World::Require(row.status());
  Stored<v1::StoredHost> host = **row;
  host.value.set_state(v1::Host::STATE_SUSPENDED);
  storage::CommitRequest commit;
  World::Require(world.store().PutHost(World::Person(2), kHost, host, commit));
  const rpc::Call call = world.As(kHost);
  const rpc::Actor actor{kHost, call.caller.function, call.caller.agent};
  world.MustCommit(std::move(commit),
                   HostEvent({call, actor, "", World::Person(2), kAsHost}, kHost, host.value));
  EXPECT_EQ(ReasonOf(Destroy(1, one).status()), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(Verify(world, 1, one).status()), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(ShareIt(1, one, "s-1").status()), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(BeginVersion(1, two, "v-1").status()), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_TRUE(Destroy(1, one, kOther).ok()) << "another host is not";
}

TEST_F(NamesActs, AfterASplitEachNameHasItsOwnAgain) {
  const std::string asked_one = Asked(1);
  const std::string asked_two = Asked(2);
  const std::string share_one = world.Share(1, one);
  const std::string share_two = world.Share(2, two);
  world.Host(2, "aphp");
  AreTwo(world, 1, 2);
  EXPECT_THAT(Shares(1), ElementsAre(share_one));
  EXPECT_THAT(Shares(2), ElementsAre(share_two));
  EXPECT_THAT(Requests(1), ElementsAre(asked_one));
  EXPECT_THAT(Requests(2), ElementsAre(asked_two));
  EXPECT_THAT(PapersIn(Journal(1)), ElementsAre(one));
  EXPECT_THAT(PapersIn(Journal(2)), ElementsAre(two));
  EXPECT_THAT(Hosts(1), Not(Contains("aphp")));
  EXPECT_EQ(ReasonOf(Verify(world, 1, two).status()), kNotYours);
  EXPECT_EQ(ReasonOf(ShareIt(1, two, "s-1").status()), kNotYours);
  EXPECT_EQ(ReasonOf(Revoke(1, share_two).status()), kNotYours);
  EXPECT_EQ(ReasonOf(Grant(1, asked_two, two, "d-1").status()), kNotYours);
  EXPECT_EQ(ReasonOf(BeginVersion(1, two, "v-1").status()), kNotYours);
  EXPECT_EQ(ReasonOf(Destroy(1, two).status()), kNotYours);
  EXPECT_TRUE(Destroy(2, two).ok());
  ASSERT_TRUE(Unlink("cpam", 1, kHost).ok());
  EXPECT_TRUE(Download(world, kOther, 1, one).status.ok());
  EXPECT_FALSE(Download(world, kHost, 1, one).status.ok());
  EXPECT_THAT(Hosts(2), Contains(kHost)) << "her no under one name is no other human's";
}

}  // namespace
}  // namespace relais::vault::testing
