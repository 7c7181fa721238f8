// A refused file leaves nothing: no bytes, no mark, nothing reserved, nothing listed (D-3.5, ADR 37).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/rpc/call.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using common::v1::ErrorReason;
using testing::Hex;
using testing::kHost;
using testing::Pdf;
using testing::World;

// What there is besides the papers that are kept, as the rows say it.
struct Left {
  size_t pieces = 0;  // and the head: rows of the upload's partition
  size_t open_uploads = 0;
  uint64_t institution_reserved = 0;
  uint64_t her_reserved = 0;
  uint32_t her_open_uploads = 0;
  size_t marks = 0;
};
Left LeftOf(World& world, const std::string& upload) {
  const auto open = world.store().OpenUploads(Id128(), 100);
  World::Require(open.status());
  const auto usage = world.store().InstitutionUsage(kHost);
  World::Require(usage.status());
  const auto marks = world.store().Duplicates(World::Person(1), "", 100);
  World::Require(marks.status());
  Left left;
  left.pieces = testing::CountRows(world, VaultStore::ContentPartition(Hex(upload)));
  left.open_uploads = open->rows.size() + open->unreadable.size();
  left.institution_reserved = usage->value.reserved_bytes();
  left.her_reserved = world.Usage(1).reserved_bytes();
  left.her_open_uploads = world.Usage(1).open_uploads();
  left.marks = marks->size();
  return left;
}

// Sends `sent` to its end without saying its hash before. The upload's id.
std::string SendAll(World& world, const std::string& id, const std::string& sent) {
  const auto begun = world.TryBegin(world.Begin(1, "begin-" + id, sent.size()));
  World::Require(begun.status());
  World::Require(world.TrySend(1, begun->upload().upload_id(), 0, sent).status());
  world.Settle();
  return begun->upload().upload_id();
}

struct Case {
  std::string name;
  std::string sent;
  std::string claimed;
  bool malware = false;
  ErrorReason reason = common::v1::ERROR_REASON_UNSPECIFIED;
};
std::vector<Case> Cases(const std::string& kept) {
  const std::string pdf = Pdf(300'000, 1);
  const std::string markup = "<html><script>" + std::string(1000, 'x') + "</script></html>";
  return {{"hash", pdf, pdf + "x", false, common::v1::ERROR_REASON_HASH_MISMATCH},
          {"type", markup, markup, false, common::v1::ERROR_REASON_TYPE_NOT_ALLOWED},
          {"malware", pdf, pdf, true, common::v1::ERROR_REASON_MALWARE_FOUND},
          {"duplicate", kept, kept, false, common::v1::ERROR_REASON_DUPLICATE_DOCUMENT}};
}

TEST(RefusedFile, LeavesNoRowAnywhere) {
  World world({.seed = 1, .settings = {}, .scanner = true});
  world.Host(1);
  const std::string kept = Pdf(400'000, 2);
  const World::Deposited paper = world.MustDeposit(1, kept);
  for (const Case& one : Cases(kept)) {
    SCOPED_TRACE(one.name);
    world.scanner.verdict = one.malware ? ScanVerdict::kFound : ScanVerdict::kClean;
    const std::string upload = SendAll(world, one.name, one.sent);
    const Left before = LeftOf(world, upload);
    EXPECT_GE(before.pieces, 2U) << "what is looked for below is there until then";
    EXPECT_EQ(before.open_uploads, 1U);
    EXPECT_EQ(before.institution_reserved, one.sent.size());
    EXPECT_EQ(before.her_reserved, one.sent.size());
    EXPECT_EQ(before.her_open_uploads, 1U);
    const auto done = world.TryComplete(1, "complete-" + one.name, upload, one.claimed);
    EXPECT_EQ(rpc::ReasonOf(done.status()), one.reason);
    world.Settle();
    const Left after = LeftOf(world, upload);
    EXPECT_EQ(after.pieces, 0U);
    EXPECT_EQ(after.open_uploads, 0U);
    EXPECT_EQ(after.institution_reserved, 0U);
    EXPECT_EQ(after.her_reserved, 0U);
    EXPECT_EQ(after.her_open_uploads, 0U);
    EXPECT_EQ(after.marks, 1U) << "of the paper that is kept";
    EXPECT_FALSE(world.store().Upload(World::Person(1), Hex(upload))->has_value());
  }
  const auto usage = world.store().InstitutionUsage(kHost);
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_EQ(usage->value.bytes(), kept.size());
  EXPECT_EQ(usage->value.documents(), 1U);
  EXPECT_EQ(world.Usage(1).documents(), 1U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED), 1U);
  EXPECT_EQ(testing::FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_INTACT);
  // Of a text that was refused nothing is remembered: clean, it is taken.
  world.scanner.verdict = ScanVerdict::kClean;
  world.MustDeposit(1, Pdf(300'000, 1));
  EXPECT_EQ(world.Usage(1).documents(), 2U);
}

TEST(RefusedFile, OneThatIsTooLargeNeverBegins) {
  constexpr uint64_t kMost = 1000;
  Settings settings;
  settings.limits.document_bytes = kMost;
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  const auto refused = world.TryBegin(world.Begin(1, "more", kMost + 1));
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_TOO_LARGE);
  world.Settle();
  const Left after = LeftOf(world, std::string(32, 'a'));
  EXPECT_EQ(after.open_uploads, 0U);
  EXPECT_EQ(after.institution_reserved, 0U);
  EXPECT_EQ(after.her_reserved, 0U);
  EXPECT_EQ(after.her_open_uploads, 0U);
  EXPECT_EQ(world.Usage(1).documents(), 0U);
  world.MustDeposit(1, Pdf(kMost));
  EXPECT_EQ(world.Usage(1).documents(), 1U);
}

}  // namespace
}  // namespace relais::vault
