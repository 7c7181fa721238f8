// What the vault's rows tell who has the disk and no key (D-3.3, ADR 60): random ids, and no institution, day
// or size of a paper, nor what is said of it or why, in keys as in values. The log beside them tells more:
// the header of a leaf is in clear, with the act, its institution, purpose and categories (docs/audit.md), so
// of a deposit that the paper is about health or an offence.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/base/proto_time.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/convert.h"
#include "services/vault/events.h"
#include "services/vault/format/pieces.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault {
namespace {

using testing::Hex;
using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::World;

constexpr uint64_t kKept = 5000;
constexpr uint64_t kUnderWay = 300'000'001;
const absl::CivilDay kDay(2027, 2, 28);

struct RowBytes {
  storage::Partition partition;
  std::string key;
  std::string value;
};

std::vector<RowBytes> AllRows(World& world) {
  std::vector<RowBytes> rows;
  for (const char kind : std::string("PRMIHCFADQXUL")) {
    const auto partitions =
        world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
    World::Require(partitions.status());
    for (const storage::Partition& partition : *partitions) {
      std::string from;
      do {
        const auto page = world.context().store.Scan(partition, "", from, 1000);
        World::Require(page.status());
        for (const storage::KeyedEntry& row : page->entries) {
          rows.push_back({partition, row.key, row.entry.value});
        }
        from = page->next;
      } while (!from.empty());
    }
  }
  return rows;
}

std::string BigEndian(uint64_t number) {
  std::string bytes;
  AppendBigEndian64(number, bytes);
  return bytes;
}

// Of a message's field.
std::string Varint(uint64_t number) {
  std::string bytes;
  for (; number > 127; number >>= 7) {
    bytes += static_cast<char>(number % 128 + 128);
  }
  return bytes + static_cast<char>(number);
}

size_t Containing(const std::vector<RowBytes>& rows, const std::string& bytes) {
  size_t count = 0;
  for (const RowBytes& row : rows) {
    count += (row.partition.Encode() + row.key).find(bytes) != std::string::npos ||
                     row.value.find(bytes) != std::string::npos
                 ? 1
                 : 0;
  }
  return count;
}

size_t SealedContaining(World& world, const std::vector<RowBytes>& rows, const std::string& bytes) {
  size_t count = 0;
  for (const RowBytes& row : rows) {
    const auto opened = testing::Unsealed(world, row.partition, row.key, row.value);
    count += opened.has_value() && opened->find(bytes) != std::string::npos ? 1 : 0;
  }
  return count;
}

// A paper kept that expires, one dropped in, one under way; a share; two hosts that are suspended. The
// paper's id.
std::string Fill(World& world) {
  testing::Dropped(world);
  v1::BeginUploadRequest begin = world.Begin(1, "kept", kKept);
  *begin.mutable_description()->mutable_expires() = DateOf(kDay);
  const auto kept = world.TryBegin(begin);
  World::Require(kept.status());
  World::Require(world.TrySend(1, kept->upload().upload_id(), 0, Pdf(kKept)).status());
  World::Require(world.TryComplete(1, "complete", kept->upload().upload_id(), Pdf(kKept)).status());
  const auto open = world.TryBegin(world.Begin(1, "under-way", kUnderWay));
  World::Require(open.status());
  World::Require(world.TrySend(1, open->upload().upload_id(), 0, Pdf(kPieceSize)).status());
  world.Host(1, "emmaus");
  world.Share(1, kept->upload().document_id(), "emmaus", absl::Hours(24 * 30));
  world.consent.directory_expired = true;
  consent::v1::ProcessingRestricted may_deny;
  world.ConsentSays(1, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, may_deny);
  world.Settle();
  return kept->upload().document_id();
}

// A paper is asked for, with a motive in words.
constexpr char kWhy[] = "pour votre dossier de logement";
void Asks(World& world) {
  world.Host(1);
  v1::RequestDocumentRequest request;
  request.set_request_id("ask");
  *request.mutable_person() = world.Handle(kReader, 1);
  request.add_types(v1::DOCUMENT_TYPE_LEASE);
  request.set_purpose("RIGHTS_OPENING");
  request.set_why(kWhy);
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
  World::Require(world.Run(world.service().requests().RequestDocument(world.As(kReader), request)).status());
  world.Settle();
}

// Of the row of a paper that is kept: ACTIVE, TAX_NOTICE, and the tag of its title.
constexpr char kStateAndType[] = "\x08\x01\x10\x06\x1a";

TEST(AtRest, NoRowTellsAnInstitutionADayOrASize) {
  World world;
  const absl::Time begun = world.sim().Now();
  Fill(world);
  const auto shares = world.store().Shares(World::Person(1), Id128(), 10);
  ASSERT_TRUE(shares.ok() && shares->rows.size() == 1) << shares.status();
  const absl::Time until = FromProto(shares->rows[0].stored.value.until());
  ASSERT_GT(until, begun);
  const std::vector<RowBytes> rows = AllRows(world);
  ASSERT_GT(Containing(rows, World::Person(1).ToBytes()), 5U) << "ids stay, so rows are seen";
  for (const char* institution : {kHost, "emmaus", "aphp"}) {
    EXPECT_EQ(Containing(rows, institution), 0U) << institution;
  }
  EXPECT_EQ(Containing(rows, "2027-02-28"), 0U);
  EXPECT_EQ(Containing(rows, DateOf(kDay).SerializeAsString()), 0U);
  EXPECT_EQ(Containing(rows, ToProto(until).SerializeAsString()), 0U) << "until when it is shared";
  for (const uint64_t size : {kKept, kUnderWay, uint64_t{kPieceSize}}) {
    EXPECT_EQ(Containing(rows, BigEndian(size)), 0U) << size;
  }
  EXPECT_EQ(Containing(rows, Varint(kUnderWay)), 0U);
}

// What is looked for above is there, for who has the key: as it is looked for.
TEST(AtRest, WhoHasTheKeyFindsThemAll) {
  World world;
  Fill(world);
  const std::vector<RowBytes> rows = AllRows(world);
  EXPECT_EQ(SealedContaining(world, rows, kHost), 1U) << "of the upload under way";
  EXPECT_GE(SealedContaining(world, rows, BigEndian(kKept)), 2U) << "the head, and what counts";
  EXPECT_GE(SealedContaining(world, rows, BigEndian(kUnderWay)), 3U) << "the list too";
  EXPECT_GE(SealedContaining(world, rows, Varint(kUnderWay)), 1U) << "the institution's sum";
  const auto shares = world.store().Shares(World::Person(1), Id128(), 10);
  ASSERT_TRUE(shares.ok() && shares->rows.size() == 1);
  EXPECT_EQ(SealedContaining(world, rows, shares->rows[0].stored.value.until().SerializeAsString()), 1U);
  const auto days = world.store().ListedDays(World::Person(1), std::nullopt);
  ASSERT_TRUE(days.ok() && days->size() == 1);
  EXPECT_EQ(days->front().day, kDay);
  const auto unjudged = world.store().Unjudged(World::Person(1), "", 10);
  ASSERT_TRUE(unjudged.ok() && unjudged->rows.size() == 2);
  const auto hosts = world.store().Hosts(World::Person(1));
  ASSERT_TRUE(hosts.ok() && hosts->size() == 2) << hosts.status();
  EXPECT_EQ(hosts->front().institution, "emmaus") << "in the order of their names";
  EXPECT_EQ(hosts->back().institution, kHost);
}

TEST(AtRest, NoRowTellsWhatIsSaidOfAPaperOrWhy) {
  World world;
  Asks(world);
  Fill(world);
  const std::vector<RowBytes> rows = AllRows(world);
  ASSERT_GT(Containing(rows, World::Person(1).ToBytes()), 5U) << "ids stay, so rows are seen";
  const std::string sha256 = crypto::Sha256(Pdf(kKept));
  EXPECT_EQ(Containing(rows, sha256), 0U);
  EXPECT_EQ(Containing(rows, absl::BytesToHexString(sha256)), 0U);
  for (const char* said : {"application/pdf", "SHA-256", "TAX_NOTICE", "LEASE", "avis kept", "avis under-way",
                           "RIGHTS_OPENING", kWhy, kStateAndType}) {
    EXPECT_EQ(Containing(rows, said), 0U) << absl::CEscape(said);
  }
}

// All that is in clear of a leaf but its instant and its random; nothing that is not named here.
TEST(AtRest, TheHeaderOfADepositTellsItsCategoriesAndNoMore) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(kKept), v1::DOCUMENT_TYPE_MEDICAL);
  size_t deposits = 0;
  for (const audit::OpenedLeaf& each : world.Leaves()) {
    const audit::v1::LeafHeader& header = each.leaf.header;
    if (header.event_class() != audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED) {
      continue;
    }
    ++deposits;
    EXPECT_EQ(header.event_id().size(), 16U);
    EXPECT_EQ(header.commitment().size(), 32U);
    audit::v1::LeafHeader told;
    told.set_event_class(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED);
    told.set_institution(kHost);
    told.add_categories("DOCUMENTS");
    told.add_categories("HEALTH");
    told.set_directory_version(header.directory_version());  // the same for every leaf of its time
    told.set_test(header.test());
    told.set_event_id(header.event_id());
    told.set_commitment(header.commitment());
    EXPECT_EQ(header.SerializeAsString(), told.SerializeAsString()) << header.ShortDebugString();
    const auto deposited = PayloadOf<v1::DocumentDeposited>(each.details);
    ASSERT_TRUE(deposited.has_value());
    for (const std::string& said : {deposited->document_id(), deposited->sha256(), deposited->media_type(),
                                    Hex(deposited->document_id()).ToBytes(), World::Person(1).ToBytes()}) {
      ASSERT_FALSE(said.empty());
      EXPECT_EQ(each.bytes.find(said), std::string::npos)
          << "nor do its sealed parts: " << absl::CEscape(said);
    }
  }
  EXPECT_EQ(deposits, 1U);
}

// The same looked for in the same rows, opened.
TEST(AtRest, WhoHasHerKeyFindsWhatIsSaidAndWhy) {
  World world;
  Asks(world);
  const std::string kept = Fill(world);
  const std::string record = world.Document(1, kept).SerializeAsString();
  for (const std::string& said :
       {crypto::Sha256(Pdf(kKept)), std::string("application/pdf"), std::string("SHA-256"),
        std::string("avis kept"), std::string(kStateAndType)}) {
    EXPECT_NE(record.find(said), std::string::npos) << absl::CEscape(said);
  }
  const auto requests = world.store().Requests(World::Person(1), Id128(), 10);
  ASSERT_TRUE(requests.ok() && requests->rows.size() == 1) << requests.status();
  const std::string asked = requests->rows[0].stored.value.SerializeAsString();
  EXPECT_NE(asked.find(kWhy), std::string::npos);
  EXPECT_NE(asked.find("RIGHTS_OPENING"), std::string::npos);
  const auto shares = world.store().Shares(World::Person(1), Id128(), 10);
  ASSERT_TRUE(shares.ok() && shares->rows.size() == 1) << shares.status();
  EXPECT_EQ(shares->rows[0].stored.value.purpose(), "RIGHTS_OPENING");
}

}  // namespace
}  // namespace relais::vault
