// One row that does not open, or one stretch of the disk that does not read, takes nothing else away: the
// rest is shown, read, shared and exported, and it is said what is not there (D-3.1, D-3.4).
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "common/audit/leaf.h"
#include "common/rpc/refusal.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/export_handlers.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/scrubber.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::DamagedDisk;
using testing::Download;
using ::testing::ElementsAre;
using testing::Flip;
using testing::Hex;
using ::testing::IsEmpty;
using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::ReasonOf;
using testing::RecordKey;
using testing::SetRaw;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using testing::World;

constexpr uint64_t kHer = 1;
constexpr size_t kSomewhere = 20;  // a byte of a sealed row
constexpr auto kDamaged = common::v1::ERROR_REASON_DOCUMENT_DAMAGED;
constexpr auto kNotTheirs = common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;

storage::Partition Hers() { return VaultStore::PersonPartition(World::Person(kHer)); }
std::string ShareKey(const std::string& share) { return "v/share/" + Hex(share).ToBytes(); }
void Break(World& world, const std::string& key) { Flip(world, Hers(), key, kSomewhere); }

std::vector<World::Deposited> Deposit(World& world, int papers) {
  std::vector<World::Deposited> deposited;
  for (int i = 0; i < papers; ++i) {
    deposited.push_back(world.MustDeposit(kHer, Pdf(3000, static_cast<uint8_t>(i))));
  }
  // In the order in which they are listed and lie on the disk.
  std::sort(deposited.begin(), deposited.end(),
            [](const auto& a, const auto& b) { return a.document < b.document; });
  return deposited;
}

absl::StatusOr<v1::ListResponse> List(World& world, const std::string& institution = kHost,
                                      uint32_t page_size = 0, const std::string& page_token = "") {
  v1::ListRequest request;
  *request.mutable_person() = world.Handle(institution, kHer);
  request.set_page_size(page_size);
  request.set_page_token(page_token);
  return world.Run(world.service().metadata().List(world.As(institution), request));
}
absl::StatusOr<v1::CountResponse> Count(World& world) {
  v1::CountRequest request;
  *request.mutable_person() = world.Handle(kHost, kHer);
  return world.Run(world.service().metadata().Count(world.As(kHost), request));
}
std::vector<std::string> IdsOf(const v1::ListResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Document& document : response.documents()) {
    ids.push_back(document.document_id());
  }
  return ids;
}
uint32_t SumOfTypes(const v1::CountResponse& response) {
  uint32_t sum = 0;
  for (const v1::TypeCount& type : response.types()) {
    sum += type.documents();
  }
  return sum;
}
std::string Read(World& world, const std::string& document, const std::string& institution = kHost) {
  const testing::Got got = Download(world, institution, kHer, document);
  return got.status.ok() ? got.bytes : common::v1::ErrorReason_Name(ReasonOf(got.status));
}
std::string Name(common::v1::ErrorReason reason) { return common::v1::ErrorReason_Name(reason); }

struct Exported {
  absl::Status status;
  std::string archive;
  std::set<std::string> damaged;
  uint32_t documents = 0;
};
Exported Export(World& world) {
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(kHost, kHer);
  auto out = std::make_shared<testing::Collected<v1::ExportResponse>>(world.sim());
  Exported exported;
  exported.status = world.Run(world.service().exports().Export(world.As(kHost), request, out));
  for (const v1::ExportResponse& message : out->got) {
    exported.archive += message.data();
    if (message.has_start()) {
      exported.documents = message.start().documents();
    }
    exported.damaged.insert(message.end().damaged_document_ids().begin(),
                            message.end().damaged_document_ids().end());
  }
  return exported;
}

// Leaves of a class in a log of which not every leaf opens.
size_t Unopened(World& world, audit::v1::EventClass event_class) {
  const auto leaves = world.harness().log().ReadLeaves(0, 1000);
  World::Require(leaves.status());
  return static_cast<size_t>(std::count_if(leaves->begin(), leaves->end(), [&](const std::string& bytes) {
    return audit::ParseLeaf(bytes)->header.event_class() == event_class;
  }));
}

// ---- a record of a paper

TEST(DamagedRow, ListAndCountShowWhatOpensAndSayHowManyDoNot) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 3);
  ASSERT_TRUE(List(world).ok());
  EXPECT_EQ(List(world)->unreadable(), 0U);
  EXPECT_EQ(Count(world)->unreadable(), 0U);
  Break(world, RecordKey(papers[1]));
  const auto listed = List(world);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(IdsOf(*listed), ElementsAre(papers[0].document, papers[2].document));
  EXPECT_EQ(listed->unreadable(), 1U);
  const auto counted = Count(world);
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->documents(), 3U) << "they are there, and count against her limits";
  EXPECT_EQ(SumOfTypes(*counted), 2U);
  EXPECT_EQ(counted->unreadable(), 1U);
}

TEST(DamagedRow, APageTellsOfItsOwn) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 7);
  Break(world, RecordKey(papers[0]));
  Break(world, RecordKey(papers[4]));
  std::vector<std::string> shown;
  std::vector<uint32_t> unreadable;
  std::string token;
  do {
    const auto page = List(world, kHost, 2, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const std::string& id : IdsOf(*page)) {
      shown.push_back(id);
    }
    unreadable.push_back(page->unreadable());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(shown, ElementsAre(papers[1].document, papers[2].document, papers[3].document,
                                 papers[5].document, papers[6].document));
  // 1 and 2 with 0 before them; 3 and 5 with 4 between; 6.
  EXPECT_THAT(unreadable, ElementsAre(1U, 1U, 0U));
}

TEST(DamagedRow, OfARecordReadersAreToldThatItIsDamaged) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 2);
  world.Share(kHer, papers[0].document);
  world.Share(kHer, "", "cpam", absl::Hours(24), v1::DOCUMENT_TYPE_TAX_NOTICE);
  Break(world, RecordKey(papers[0]));
  EXPECT_EQ(Read(world, papers[0].document), Name(kDamaged));
  EXPECT_EQ(Read(world, papers[0].document, kReader), Name(kDamaged));
  EXPECT_EQ(Read(world, papers[0].document, "cpam"), Name(kDamaged)) << "it may be of that type";
  v1::GetMetadataRequest metadata;
  *metadata.mutable_person() = world.Handle(kHost, kHer);
  metadata.set_document_id(papers[0].document);
  EXPECT_EQ(ReasonOf(world.Run(world.service().metadata().GetMetadata(world.As(kHost), metadata)).status()),
            kDamaged);
  v1::UpdateMetadataRequest update;
  update.set_request_id("u1");
  *update.mutable_person() = world.Handle(kHost, kHer);
  update.set_document_id(papers[0].document);
  update.mutable_description()->set_type(v1::DOCUMENT_TYPE_LEASE);
  EXPECT_EQ(ReasonOf(world.Run(world.service().metadata().UpdateMetadata(world.As(kHost), update)).status()),
            kDamaged);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 5) << "each attempt is seen";
  EXPECT_EQ(Read(world, papers[1].document).size(), 3000U) << "the other one is read as ever";
}

TEST(DamagedRow, WhoHasNoRightToItLearnsNothing) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 2);
  world.Share(kHer, papers[1].document);  // another paper
  Break(world, RecordKey(papers[0]));
  EXPECT_EQ(Read(world, papers[0].document, kReader), Name(kNotTheirs));
  EXPECT_EQ(Read(world, papers[0].document, "cpam"), Name(kNotTheirs));
  EXPECT_EQ(Read(world, World::Person(99).ToHex()), Name(kNotTheirs)) << "there is none";
}

TEST(DamagedRow, AListByShareSaysWhatItNamesAndDoesNotShow) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 3);
  world.Share(kHer, papers[0].document);
  world.Share(kHer, papers[1].document);
  Break(world, RecordKey(papers[1]));
  Break(world, RecordKey(papers[2]));  // not theirs
  const auto listed = List(world, kReader);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(IdsOf(*listed), ElementsAre(papers[0].document));
  EXPECT_EQ(listed->unreadable(), 1U);
  Break(world, RecordKey(papers[0]));
  const auto none = List(world, kReader);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT(IdsOf(*none), IsEmpty());
  EXPECT_EQ(none->unreadable(), 2U);
}

TEST(DamagedRow, AnExportNamesWhatItLacks) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 3);
  Break(world, RecordKey(papers[1]));
  const Exported exported = Export(world);
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_EQ(exported.documents, 2U);
  EXPECT_THAT(exported.damaged, ElementsAre(papers[1].document));
  for (const int whole : {0, 2}) {
    EXPECT_THAT(exported.archive, ::testing::HasSubstr(papers[static_cast<size_t>(whole)].document));
  }
  EXPECT_THAT(exported.archive, ::testing::HasSubstr("\"unreadable\": 0}"));
}

// ---- other rows

TEST(DamagedRow, AShareThatDoesNotOpenFailsNoOther) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 2);
  world.Share(kHer, papers[0].document);
  const std::string bad = world.Share(kHer, papers[1].document);
  Break(world, ShareKey(bad));
  EXPECT_EQ(Read(world, papers[0].document, kReader).size(), 3000U);
  const auto listed = List(world, kReader);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(IdsOf(*listed), ElementsAre(papers[0].document));
  // Whose that share was, nobody knows.
  EXPECT_EQ(Read(world, papers[1].document, kReader), Name(kDamaged));
  v1::DownloadRequest named = testing::ReadOf(world, kReader, kHer, papers[1].document);
  named.set_share_id(bad);
  EXPECT_EQ(ReasonOf(Download(world, kReader, named).status), kDamaged);
  const Exported exported = Export(world);
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_THAT(exported.damaged, IsEmpty());
  EXPECT_THAT(exported.archive, ::testing::HasSubstr("\"unreadable\": 1}"));
  // And destroying what it was about ends the others.
  v1::DestroyRequest destroy;
  destroy.set_request_id("d1");
  *destroy.mutable_person() = world.Handle(kHost, kHer);
  destroy.set_document_id(papers[0].document);
  const auto destroyed = world.Run(world.service().destroying().Destroy(world.As(kHost), destroy));
  EXPECT_TRUE(destroyed.ok()) << destroyed.status();
}

TEST(DamagedRow, AHostWhoseRowDoesNotOpenIsToldSoAndAReaderReads) {
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 1);
  world.Share(kHer, papers[0].document);
  Break(world, testing::HostKey(world, kHer, kHost));
  EXPECT_EQ(Read(world, papers[0].document), Name(kDamaged));
  EXPECT_EQ(ReasonOf(List(world).status()), kDamaged);
  EXPECT_EQ(ReasonOf(Count(world).status()), kDamaged);
  EXPECT_EQ(ReasonOf(Export(world).status), kDamaged);
  EXPECT_EQ(ReasonOf(testing::Verify(world, kHer, papers[0].document).status()), kDamaged);
  EXPECT_EQ(Read(world, papers[0].document, kReader).size(), 3000U);
  EXPECT_EQ(Read(world, papers[0].document, "cpam"), Name(kNotTheirs));
}

TEST(DamagedRow, SumsThatDoNotOpenAreCountedAnew) {
  World world;
  world.Host(kHer);
  Deposit(world, 2);
  const auto before = Count(world);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_GT(before->bytes_left(), 0U);
  Break(world, "v/usage");
  const auto counted = Count(world);
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->documents(), 2U);
  EXPECT_EQ(counted->versions(), 2U);
  EXPECT_EQ(counted->bytes(), before->bytes());
  EXPECT_EQ(counted->bytes_left(), 0U) << "nothing can be deposited now";
  EXPECT_EQ(counted->documents_left(), 0U);
}

TEST(DamagedRow, OfWhoseKeyDoesNotReadAttemptsAreSeenAllTheSame) {  // D-3.2
  World world;
  world.Host(kHer);
  const auto papers = Deposit(world, 1);
  const std::string subject = VaultStore::SubjectOf(World::Person(kHer)).Encode();
  storage::MemoryDisk::Write damage;
  damage.version = world.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kSubjectKeys, subject, std::string("x")});
  world.harness().disk()->Apply(damage);
  world.Restart();  // it was in memory
  EXPECT_EQ(Read(world, papers[0].document), Name(kDamaged));
  EXPECT_EQ(Unopened(world, audit::v1::EVENT_CLASS_VAULT_REFUSED), 1);
}

// ---- what is remembered of requests

// Of each answer that is remembered there the head, of so many bytes, is all that is left to read.
void DamageAnswers(World& world, const storage::Partition& partition, size_t head) {
  constexpr size_t kBefore = 1 + 32;  // version and digest: they say which request it was
  const auto rows = world.context().store.Scan(partition, "req/", "", 100);
  World::Require(rows.status());
  ASSERT_THAT(rows->entries, ::testing::Not(IsEmpty()));
  for (const storage::KeyedEntry& row : rows->entries) {
    SetRaw(world, partition, row.key, row.entry.value.substr(0, kBefore + head) + '\xff');
  }
}
void ExpectAnswerIsLost(const absl::Status& status, const std::string& look) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ReasonOf(status), kDamaged);
  EXPECT_NE(rpc::NextStepOf(status).find(look), std::string::npos) << rpc::NextStepOf(status);
}

TEST(DamagedAnswer, ToARepeatedUploadIsSaidToBeLostAndNothingBeginsAnew) {
  for (const size_t head : {Id128::kSize, size_t{3}}) {
    World world;
    world.Host(kHer);
    const v1::BeginUploadRequest begin = world.Begin(kHer, "b", 1000);
    ASSERT_TRUE(world.TryBegin(begin).ok());
    DamageAnswers(world, Hers(), head);
    ExpectAnswerIsLost(world.TryBegin(begin).status(), "QueryUpload");
    EXPECT_EQ(world.Usage(kHer).open_uploads(), 1U);
  }
}

TEST(DamagedAnswer, ToAnUploadGivenUpIsSaidToBeLost) {
  World world;
  world.Host(kHer);
  const auto begun = world.TryBegin(world.Begin(kHer, "b", 1000));
  ASSERT_TRUE(begun.ok()) << begun.status();
  v1::AbandonUploadRequest request;
  request.set_request_id("a");
  *request.mutable_person() = world.Handle(kHost, kHer);
  request.set_upload_id(begun->upload().upload_id());
  const auto abandon = [&] {
    return world.Run(world.service().uploads().AbandonUpload(world.As(kHost), request)).status();
  };
  ASSERT_TRUE(abandon().ok());
  DamageAnswers(world, Hers(), Id128::kSize);
  ExpectAnswerIsLost(abandon(), "QueryUpload");
}

TEST(DamagedAnswer, ToADestructionIsSaidToBeLost) {
  for (const size_t head : {Id128::kSize, size_t{3}}) {
    World world;
    world.Host(kHer);
    v1::DestroyRequest request;
    request.set_request_id("d");
    *request.mutable_person() = world.Handle(kHost, kHer);
    request.set_document_id(world.MustDeposit(kHer, Pdf(3000)).document);
    const auto destroy = [&] {
      return world.Run(world.service().destroying().Destroy(world.As(kHost), request)).status();
    };
    ASSERT_TRUE(destroy().ok());
    DamageAnswers(world, Hers(), head);
    ExpectAnswerIsLost(destroy(), "ReadJournal");
  }
}

TEST(DamagedAnswer, ToAnOperatorIsSaidToBeLost) {
  for (const size_t head : {Id128::kSize + sizeof(uint64_t), size_t{3}}) {
    World world;
    testing::Scrub(world, "s1");
    DamageAnswers(world, Scrubber::Bucket(world.context()), head);
    v1::StartScrubRequest request;
    request.set_request_id("s1");
    const auto again = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
    ExpectAnswerIsLost(again.status(), "GetScrub");
  }
}

// ---- a stretch of the disk

TEST(DamagedStretch, ItIsSaidAndTheRestIsThere) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(kHer);
  const auto papers = Deposit(world, 12);
  disk.store->Damage(Hers(), RecordKey(papers[4]), RecordKey(papers[5]));
  ASSERT_TRUE(absl::IsDataLoss(world.store().Documents(World::Person(kHer), Id128(), 100).status()));
  std::vector<std::string> rest;
  for (size_t i = 0; i < papers.size(); ++i) {
    if (i != 4 && i != 5) {
      rest.push_back(papers[i].document);
    }
  }
  const auto listed = List(world);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(IdsOf(*listed), rest);
  EXPECT_EQ(listed->unreadable(), 1U) << "one stretch";
  const auto counted = Count(world);
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(SumOfTypes(*counted), rest.size());
  EXPECT_EQ(counted->unreadable(), 1U);
  EXPECT_EQ(Read(world, papers[4].document), Name(kDamaged));
  EXPECT_EQ(Read(world, papers[6].document).size(), 3000U);
  const Exported exported = Export(world);
  ASSERT_TRUE(exported.status.ok()) << exported.status;
  EXPECT_EQ(exported.documents, rest.size());
  EXPECT_THAT(exported.damaged, UnorderedElementsAre(papers[4].document, papers[5].document))
      << "by their names, which the log knows";
}

TEST(DamagedStretch, PagesGoPastItToo) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(kHer);
  const auto papers = Deposit(world, 6);
  disk.store->Damage(Hers(), RecordKey(papers[2]));
  std::vector<std::string> shown;
  uint32_t unreadable = 0;
  std::string token;
  do {
    const auto page = List(world, kHost, 1, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const std::string& id : IdsOf(*page)) {
      shown.push_back(id);
    }
    unreadable += page->unreadable();
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(shown, SizeIs(5));
  EXPECT_EQ(unreadable, 1U) << "told once";
}

TEST(DamagedStretch, SheCanBeErasedAllTheSame) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(kHer);
  world.Host(2);
  const auto papers = Deposit(world, 4);
  const World::Deposited others = world.MustDeposit(2, Pdf(3000, 77));
  disk.store->Damage(Hers(), RecordKey(papers[1]), RecordKey(papers[2]));
  disk.store->Damage(BytesOf(papers[3]), testing::PieceKey(0));
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(World::Person(1007).ToHex());
  payload.set_cause("REQUEST");
  world.ConsentSays(kHer, audit::v1::EVENT_CLASS_ERASE_REQUESTED, payload);
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_THAT(world.consent.acknowledged, ::testing::Contains(World::Person(1007).ToHex()));
  for (const int gone : {0, 1, 2}) {
    EXPECT_EQ(testing::CountRows(world, BytesOf(papers[static_cast<size_t>(gone)])), 0U) << gone;
  }
  EXPECT_EQ(Read(world, papers[0].document), Name(kNotTheirs));
  const testing::Got got = Download(world, kHost, 2, others.document);
  EXPECT_EQ(got.bytes, Pdf(3000, 77));
}

}  // namespace
}  // namespace relais::vault
