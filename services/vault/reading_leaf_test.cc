// The leaf of a reading comes before its first byte, also of ReadRange (D-3.6, architecture: audit before
// effect).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/testing/forwarding_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/testing/reading.h"
#include "services/vault/testing/world_on.h"

namespace relais::vault::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Commits with a leaf may be refused; and says how often pieces of texts were read.
class LeaflessStore final : public storage::testing::ForwardingStore {
 public:
  LeaflessStore(std::unique_ptr<storage::Store> inner, Executor& /*executor*/)
      : ForwardingStore(std::move(inner)) {}
  void LetGo() { refuses = false; }

  bool refuses = false;
  int refused = 0;
  [[nodiscard]] int pieces_read() const { return pieces_read_; }

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (refuses && !request.leaves.empty()) {
      ++refused;
      co_return absl::UnavailableError("no leaf can be written");
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }
  [[nodiscard]] absl::StatusOr<bool> WithValue(
      const storage::Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const override {
    pieces_read_ += partition.kind == storage::PartitionKind::kDocument && key.starts_with("c/") ? 1 : 0;
    return inner_->WithValue(partition, key, use);
  }

 private:
  mutable int pieces_read_ = 0;  // virtual time: one thread
};

using LeaflessWorld = testing::WorldOn<LeaflessStore>;

absl::StatusOr<v1::ReadRangeResponse> ReadRange(World& world, const std::string& institution,
                                                const std::string& document, uint64_t offset,
                                                uint32_t length) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(institution, 1);
  request.set_document_id(document);
  request.set_offset(offset);
  request.set_length(length);
  return world.Run(world.service().readings().ReadRange(world.As(institution), request));
}

// The leaves of readings, oldest first.
std::vector<audit::OpenedLeaf> Readings(World& world) {
  std::vector<audit::OpenedLeaf> readings;
  for (audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_READ) {
      readings.push_back(std::move(leaf));
    }
  }
  return readings;
}

TEST(ReadRange, WithoutItsLeafNoByteIsAnswered) {
  LeaflessWorld leafless;
  World& world = leafless.world;
  world.Host(1);
  const std::string text = Pdf(5000);
  const auto paper = world.MustDeposit(1, text);
  world.Share(1, paper.document);
  const int before = leafless.store->pieces_read();
  leafless.store->refuses = true;
  for (const char* institution : {kHost, kReader}) {
    SCOPED_TRACE(institution);
    leafless.store->refused = 0;
    const auto answer = ReadRange(world, institution, paper.document, 0, 100);
    EXPECT_TRUE(absl::IsUnavailable(answer.status())) << answer.status();
    EXPECT_GT(leafless.store->refused, 0) << "it was tried";
  }
  EXPECT_EQ(leafless.store->pieces_read(), before) << "nothing of the text was opened";
  EXPECT_THAT(Readings(world), IsEmpty());
  leafless.store->refuses = false;
  const auto answer = ReadRange(world, kHost, paper.document, 0, 100);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->data(), text.substr(0, 100));
  EXPECT_GT(leafless.store->pieces_read(), before);
  EXPECT_THAT(Readings(world), SizeIs(1));
}

TEST(Download, WithoutItsLeafNothingIsSent) {
  LeaflessWorld leafless;
  World& world = leafless.world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(5000));
  const int before = leafless.store->pieces_read();
  leafless.store->refuses = true;
  const auto client = std::make_shared<Client>(world.sim());
  const absl::Status ended = world.Run(
      world.service().readings().Download(world.As(kHost), ReadOf(world, kHost, 1, paper.document), client));
  EXPECT_TRUE(absl::IsUnavailable(ended)) << ended;
  EXPECT_THAT(client->got, IsEmpty()) << "not even where it starts";
  EXPECT_EQ(leafless.store->pieces_read(), before);
  EXPECT_THAT(Readings(world), IsEmpty());
}

TEST(ReadRange, ItsLeafSaysWhatByWhomAndOnWhichGround) {
  World world;
  world.Host(1);
  const std::string text = Pdf(5000);
  const auto paper = world.MustDeposit(1, text);
  const std::string share = world.Share(1, paper.document);
  ASSERT_TRUE(ReadRange(world, kHost, paper.document, 4900, 500).ok());
  ASSERT_TRUE(ReadRange(world, kReader, paper.document, 10, 20).ok());
  const std::vector<audit::OpenedLeaf> readings = Readings(world);
  ASSERT_THAT(readings, SizeIs(2));
  for (const audit::OpenedLeaf& leaf : readings) {
    EXPECT_EQ(leaf.leaf.header.decision(), common::v1::DECISION_PERMIT);
    EXPECT_EQ(leaf.details.recipient().function(), "assistant-social");
    EXPECT_EQ(PayloadOf<v1::DocumentRead>(leaf.details)->document_id(), paper.document);
    EXPECT_EQ(PayloadOf<v1::DocumentRead>(leaf.details)->version(), 1U);
  }
  // She, through her host: on no share and no permit.
  EXPECT_EQ(readings[0].leaf.header.institution(), kHost);
  EXPECT_EQ(readings[0].details.recipient().institution(), kHost);
  EXPECT_EQ(readings[0].details.relation(), kAsHost);
  EXPECT_EQ(readings[0].leaf.header.ground(), common::v1::GROUND_UNSPECIFIED);
  const auto hers = PayloadOf<v1::DocumentRead>(readings[0].details);
  EXPECT_EQ(hers->offset(), 4900U);
  EXPECT_EQ(hers->length(), 100U) << "clipped to the end";
  EXPECT_EQ(hers->share_id() + hers->permit_id(), "");
  // Who it is shared with: on her agreement, that share, and a permit for that purpose.
  EXPECT_EQ(readings[1].leaf.header.institution(), kReader);
  EXPECT_EQ(readings[1].details.recipient().institution(), kReader);
  EXPECT_EQ(readings[1].leaf.header.ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_EQ(readings[1].leaf.header.purpose(), "RIGHTS_OPENING");
  const auto theirs = PayloadOf<v1::DocumentRead>(readings[1].details);
  EXPECT_EQ(theirs->offset(), 10U);
  EXPECT_EQ(theirs->length(), 20U);
  EXPECT_EQ(theirs->share_id(), share);
  EXPECT_EQ(theirs->permit_id(), "permit-1");
}

}  // namespace
}  // namespace relais::vault::testing
