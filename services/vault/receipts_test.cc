// Receipts and certificates after the fact (D-3.1; ADR 63): to whom, of which act, and what is left of
// asking.
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/receipt_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kNotYours = common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
constexpr auto kDamaged = common::v1::ERROR_REASON_DOCUMENT_DAMAGED;
constexpr char kDropper[] = "aphp";  // DropOf's
constexpr char kOther[] = "emmaus";

absl::StatusOr<v1::GetReceiptResponse> Receipt(World& world, uint64_t person, const std::string& document,
                                               uint32_t version = 0, const std::string& institution = kHost) {
  v1::GetReceiptRequest request;
  *request.mutable_person() = world.Handle(institution, person);
  request.set_document_id(document);
  request.set_version(version);
  return world.Run(world.service().receipts().GetReceipt(world.As(institution), request));
}
common::v1::ErrorReason WhyNot(World& world, uint64_t person, const std::string& document,
                               uint32_t version = 0, const std::string& institution = kHost) {
  return ReasonOf(Receipt(world, person, document, version, institution).status());
}

v1::DestroyResponse MustDestroy(World& world, const std::string& document, bool want_proof = false) {
  v1::DestroyRequest request;
  request.set_request_id("destroy-" + document);
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  request.set_want_proof(want_proof);
  const auto destroyed = world.Run(world.service().destroying().Destroy(world.As(kHost), request));
  World::Require(destroyed.status());
  world.Settle();
  return *destroyed;
}

// The payload of the act that a receipt proves, opened with the receipt's own key; nullopt: another act's.
template <typename Payload>
std::optional<Payload> Proved(const v1::GetReceiptResponse& receipt) {
  EXPECT_FALSE(receipt.proof().checkpoint().empty());
  const auto leaf = audit::ParseLeaf(receipt.proof().leaf());
  World::Require(leaf.status());
  EXPECT_EQ(FromProto(receipt.time()), leaf->time);
  const auto details = audit::OpenDetailsWithLeafKey(*leaf, Secret(receipt.proof().leaf_key()));
  World::Require(details.status());
  return PayloadOf<Payload>(*details);
}

// Which papers' receipts were looked at, and as whom.
std::vector<std::string> Looked(World& world, uint64_t person) {
  std::vector<std::string> out;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    const auto looked = PayloadOf<v1::VaultLooked>(leaf.details);
    if (looked.has_value() && looked->what() == "RECEIPT" &&
        leaf.details.subject().id() == World::Person(person).ToBytes()) {
      out.push_back(looked->document_id() + " " + leaf.details.relation());
    }
  }
  return out;
}

TEST(Receipt, OfEachVersionForAHostWhoDidNotDepositIt) {
  World world;
  world.Host(1);
  world.Host(1, kOther);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000, 1));
  world.MustDeposit(1, Pdf(2000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  world.MustDeposit(1, Pdf(3000, 3));
  for (const uint32_t version : {1U, 2U}) {
    SCOPED_TRACE(version);
    const auto receipt = Receipt(world, 1, paper.document, version, kOther);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    EXPECT_EQ(receipt->version(), version);
    const auto deposited = Proved<v1::DocumentDeposited>(*receipt);
    ASSERT_TRUE(deposited.has_value());
    EXPECT_EQ(deposited->document_id(), paper.document);
    EXPECT_EQ(deposited->version(), version);
    EXPECT_EQ(deposited->sha256(), crypto::Sha256(Pdf(1000 * version, static_cast<uint8_t>(version))));
  }
  const auto latest = Receipt(world, 1, paper.document);
  ASSERT_TRUE(latest.ok()) << latest.status();
  EXPECT_EQ(latest->version(), 2U);
  EXPECT_EQ(WhyNot(world, 1, paper.document, 3), kNotYours);
  const std::string line = paper.document + " HOST";
  EXPECT_THAT(Looked(world, 1), ElementsAre(line, line, line));
}

TEST(Receipt, OfADestroyedPaperIsItsCertificateAndItsDepositsStay) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000));
  const v1::DestroyResponse destroyed = MustDestroy(world, paper.document, /*want_proof=*/true);
  const auto certificate = Receipt(world, 1, paper.document);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(certificate->version(), 0U);
  EXPECT_EQ(certificate->proof().leaf(), destroyed.written().proof().leaf());
  EXPECT_EQ(certificate->proof().leaf_key(), destroyed.written().proof().leaf_key());
  const auto proved = Proved<v1::DocumentDestroyed>(*certificate);
  ASSERT_TRUE(proved.has_value());
  EXPECT_EQ(proved->document_id(), paper.document);
  const auto deposit = Receipt(world, 1, paper.document, 1);
  ASSERT_TRUE(deposit.ok()) << deposit.status();
  EXPECT_TRUE(Proved<v1::DocumentDeposited>(*deposit).has_value());
}

TEST(Receipt, WhoDroppedAPaperInHasThatOfItsOwnDepositAndLearnsNothingElse) {
  World world;
  const std::string dropped = Dropped(world);
  const std::string other = world.MustDeposit(1, Pdf(1000)).document;
  const auto before = Receipt(world, 1, dropped, 0, kDropper);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->version(), 1U);
  EXPECT_TRUE(Proved<v1::DocumentDeposited>(*before).has_value());
  EXPECT_THAT(Looked(world, 1), ElementsAre(dropped + " NONE"));
  EXPECT_EQ(WhyNot(world, 1, other, 0, kDropper), kNotYours);
  EXPECT_EQ(WhyNot(world, 1, dropped, 2, kDropper), kNotYours);
  EXPECT_EQ(WhyNot(world, 1, dropped, 0, kReader), kNotYours) << "another institution";
  MustDestroy(world, dropped);
  const auto after = Receipt(world, 1, dropped, 0, kDropper);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->version(), 1U) << "that it was destroyed is not its to know";
  EXPECT_EQ(after->proof().leaf(), before->proof().leaf());
}

// Nobody else is shown a drop before consent was asked (ADR 35), whoever knows its number.
TEST(Receipt, OfADropThatWaitsForConsentIsForWhoDroppedItAlone) {
  World world;
  const std::string dropped = Dropped(world);
  ASSERT_EQ(world.Document(1, dropped).state(), v1::Document::STATE_PENDING_CONSENT);
  EXPECT_EQ(WhyNot(world, 1, dropped), kNotYours);
  EXPECT_EQ(WhyNot(world, 1, dropped, 1), kNotYours);
  EXPECT_TRUE(Receipt(world, 1, dropped, 0, kDropper).ok());
  ASSERT_EQ(world.Document(1, dropped).state(), v1::Document::STATE_PENDING_CONSENT);
  world.Settle(absl::Minutes(11));
  ASSERT_EQ(world.Document(1, dropped).state(), v1::Document::STATE_ACTIVE);
  const auto receipt = Receipt(world, 1, dropped);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_TRUE(Proved<v1::DocumentDeposited>(*receipt).has_value());
}

// Its deposits were hers, made for her.
TEST(Receipt, WhoIsNoHostAnyMoreHasNone) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000));
  EXPECT_TRUE(Receipt(world, 1, paper.document).ok());
  v1::UnlinkHostRequest unlink;
  unlink.set_request_id("unlink");
  *unlink.mutable_person() = world.Handle(kHost, 1);
  unlink.set_institution(kHost);
  World::Require(world.Run(world.service().hosts().UnlinkHost(world.As(kHost), unlink)).status());
  EXPECT_EQ(WhyNot(world, 1, paper.document), kNotYours);
}

TEST(Receipt, WhoMayNotHaveItIsInHerJournal) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000));
  world.Share(1, paper.document);
  EXPECT_EQ(WhyNot(world, 1, paper.document, 1, kReader), kNotYours) << "a share is for the paper";
  EXPECT_EQ(WhyNot(world, 2, paper.document), kNotYours) << "another vault";
  EXPECT_EQ(WhyNot(world, 1, std::string(32, 'a')), kNotYours);
  const auto refused = Payloads<v1::VaultRefused>(world, audit::v1::EVENT_CLASS_VAULT_REFUSED);
  ASSERT_EQ(refused.size(), 3U);
  EXPECT_EQ(refused[0].act(), v1::JournalEntry::ACT_LOOKED);
  EXPECT_EQ(refused[0].document_id(), paper.document);
  EXPECT_THAT(Looked(world, 1), IsEmpty());
}

TEST(Receipt, UnderEitherOfTwoNamesAndRecordedUnderTheOneThatHoldsIt) {
  World world;
  world.Host(1);
  world.Host(2);
  const std::string paper = world.MustDeposit(2, Pdf(1000)).document;
  EXPECT_EQ(WhyNot(world, 1, paper), kNotYours);
  AreOne(world, 1, 2);
  world.Settle();
  const auto receipt = Receipt(world, 1, paper);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_TRUE(Proved<v1::DocumentDeposited>(*receipt).has_value());
  EXPECT_THAT(Looked(world, 1), IsEmpty());
  EXPECT_THAT(Looked(world, 2), ElementsAre(paper + " HOST"));
}

// A leaf that does not read keeps no other version's receipt, and is not passed over in silence.
TEST(Receipt, OfWhatReadsOfALogThatIsDamaged) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000, 1));
  world.MustDeposit(1, Pdf(1000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  const auto second = Receipt(world, 1, paper.document, 2);
  ASSERT_TRUE(second.ok()) << second.status();
  TearLeaf(world, second->proof().leaf_index());
  const auto first = Receipt(world, 1, paper.document, 1);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(WhyNot(world, 1, paper.document, 2), kDamaged);
  EXPECT_EQ(WhyNot(world, 1, paper.document), kDamaged) << "the first is not the latest";
}

}  // namespace
}  // namespace relais::vault::testing
