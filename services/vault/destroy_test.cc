// Détruire (NF Z42-020): with the commit no key is left, then the bytes; and who may not.
#include <gmock/gmock.h>

#include "services/vault/convert.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::CountRows;
using testing::Hex;
using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::World;

v1::DestroyRequest Order(const World& world, const std::string& document,
                         const std::string& request_id = "d1", const std::string& institution = kHost) {
  v1::DestroyRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(institution, 1);
  request.set_document_id(document);
  return request;
}
absl::StatusOr<v1::DestroyResponse> Destroy(World& world, const v1::DestroyRequest& request,
                                            const std::string& institution = kHost) {
  return world.Run(world.service().destroying().Destroy(world.As(institution), request));
}
absl::Status Read(World& world, const std::string& document, const std::string& institution = kHost) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(institution, 1);
  request.set_document_id(document);
  request.set_length(10);
  return world.Run(world.service().readings().ReadRange(world.As(institution), request)).status();
}
std::optional<v1::DocumentDestroyed> Certificate(World& world) {
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (auto destroyed = PayloadOf<v1::DocumentDestroyed>(leaf.details)) {
      return destroyed;
    }
  }
  return std::nullopt;
}

TEST(Destroy, NoKeyNoTitleNoBytesAreLeftAndTheCertificateSaysWhatItWas) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(300'000, 1));
  const World::Deposited second =
      world.MustDeposit(1, Pdf(5000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  const World::Deposited other = world.MustDeposit(1, Pdf(4000, 3));
  ASSERT_TRUE(Read(world, paper.document).ok());
  v1::DestroyRequest request = Order(world, paper.document);
  request.set_want_proof(true);
  const auto response = Destroy(world, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->document().state(), v1::Document::STATE_DESTROYED);
  EXPECT_EQ(response->copies_end_with_epoch(), 1u);
  EXPECT_TRUE(response->written().has_proof());
  const v1::StoredDocument record = world.Document(1, paper.document);
  EXPECT_EQ(record.title(), "");
  ASSERT_EQ(record.versions_size(), 2);
  for (const v1::StoredVersion& version : record.versions()) {
    EXPECT_EQ(version.wrapped_key(), "");
    EXPECT_NE(version.version().sha256(), "");
  }
  world.Settle();
  EXPECT_EQ(CountRows(world, BytesOf(paper)), 0);
  EXPECT_EQ(CountRows(world, BytesOf(second)), 0);
  EXPECT_FALSE(Read(world, paper.document).ok());
  EXPECT_TRUE(Read(world, other.document).ok());
  const v1::StoredUsage usage = world.Usage(1);
  EXPECT_EQ(usage.documents(), 1u);
  EXPECT_EQ(usage.versions(), 1u);
  EXPECT_EQ(usage.bytes(), 4000u);
  const auto certificate = Certificate(world);
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(certificate->document_id(), paper.document);
  EXPECT_EQ(certificate->cause(), "HERS");
  EXPECT_EQ(certificate->versions_size(), 2);
  EXPECT_EQ(certificate->copies_end_with_epoch(), 1u);
}

TEST(Destroy, TheSameRequestIsOneDestructionAndAnotherFindsItDone) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  const auto first = Destroy(world, Order(world, paper.document));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = Destroy(world, Order(world, paper.document));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->copies_end_with_epoch(), first->copies_end_with_epoch());
  EXPECT_EQ(again->written().time().seconds(), first->written().time().seconds());
  EXPECT_EQ(rpc::ReasonOf(Destroy(world, Order(world, paper.document, "d2")).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), 1);
}

TEST(Destroy, OnlyHerHostAndOnlyWhatWasRead) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  world.Share(1, paper.document);
  EXPECT_EQ(rpc::ReasonOf(Destroy(world, Order(world, paper.document, "d1", kReader), kReader).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  v1::DestroyRequest stale = Order(world, paper.document);
  stale.set_etag(EtagOf(1));
  EXPECT_EQ(rpc::ReasonOf(Destroy(world, stale).status()), common::v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), 0);
  EXPECT_GE(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 2);  // D-3.2
  EXPECT_TRUE(Read(world, paper.document).ok());
}

TEST(Destroy, ItsSharesEndAndThoseOfATypeStay) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  const std::string one = world.Share(1, paper.document);
  const std::string type = world.Share(1, "", kReader, absl::Hours(24 * 30), v1::DOCUMENT_TYPE_TAX_NOTICE);
  const size_t shares = world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED);
  ASSERT_TRUE(Destroy(world, Order(world, paper.document)).ok());
  EXPECT_EQ((*world.store().Share(World::Person(1), Hex(one)))->value.state(), v1::Share::STATE_DESTROYED);
  EXPECT_EQ((*world.store().Share(World::Person(1), Hex(type)))->value.state(), v1::Share::STATE_ACTIVE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), shares + 1);
}

TEST(Destroy, ItsDuplicateMarkGoesWithIt) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  ASSERT_EQ(world.store().Duplicates(World::Person(1), "", 10)->size(), 1);
  ASSERT_TRUE(Destroy(world, Order(world, paper.document)).ok());
  EXPECT_EQ(world.store().Duplicates(World::Person(1), "", 10)->size(), 0);
  world.MustDeposit(1, Pdf(5000));  // the same text is a new paper now
}

TEST(Destroy, ADamagedPaperToo) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  testing::Flip(world, BytesOf(paper), testing::PieceKey(0), 3);
  ASSERT_EQ(testing::FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED);
  EXPECT_TRUE(Destroy(world, Order(world, paper.document)).ok());
  world.Settle();
  EXPECT_EQ(CountRows(world, BytesOf(paper)), 0);
}

TEST(Destroy, EveryCrashEndsInOneDestructionOrNone) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.Host(1);
    const World::Deposited paper = world.MustDeposit(1, Pdf(300'000));
    world.CrashAt(step);
    const auto first = Destroy(world, Order(world, paper.document));
    world.Settle(absl::Seconds(5));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    }
    const bool done = world.Document(1, paper.document).state() == v1::Document::STATE_DESTROYED;
    EXPECT_TRUE(done || !first.ok()) << "what was acknowledged is durable";
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), done ? 1 : 0);
    EXPECT_TRUE(done || Read(world, paper.document).ok()) << "or the paper is whole";
    const auto again = Destroy(world, Order(world, paper.document));
    EXPECT_TRUE(again.ok()) << again.status();
    world.Settle(absl::Seconds(10));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED), 1);
    EXPECT_EQ(CountRows(world, BytesOf(paper)), 0);
    EXPECT_EQ(world.Usage(1).bytes(), 0u);
  }
}

}  // namespace
}  // namespace relais::vault
