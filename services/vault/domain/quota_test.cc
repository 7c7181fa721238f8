#include "services/vault/domain/quota.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

const Limits kLimits{.document_bytes = 100,
                     .person_bytes = 250,
                     .person_documents = 4,
                     .person_open_uploads = 2,
                     .institution_bytes = 1000};

TEST(Quota, WhatIsReservedIsKeptOrFreed) {
  v1::StoredUsage usage;
  EXPECT_EQ(Reserve(kLimits, {}, 100, usage), std::nullopt);
  EXPECT_EQ(Reserve(kLimits, {}, 90, usage), std::nullopt);
  EXPECT_EQ(BytesLeft(kLimits, usage), 60u);
  EXPECT_EQ(DocumentsLeft(kLimits, usage), 2u);
  EXPECT_EQ(Reserve(kLimits, {}, 1, usage), common::v1::ERROR_REASON_QUOTA_EXCEEDED)
      << "two uploads at a time";
  Keep(100, /*new_document=*/true, usage);
  Release(90, usage);
  EXPECT_EQ(usage.documents(), 1u);
  EXPECT_EQ(usage.versions(), 1u);
  EXPECT_EQ(usage.bytes(), 100u);
  EXPECT_EQ(usage.open_uploads(), 0u);
  EXPECT_EQ(usage.reserved_bytes(), 0u);
  EXPECT_EQ(Reserve(kLimits, {}, 100, usage), std::nullopt);
  Keep(100, /*new_document=*/false, usage);
  EXPECT_EQ(usage.documents(), 1u);
  EXPECT_EQ(usage.versions(), 2u);
  EXPECT_EQ(Reserve(kLimits, {}, 51, usage), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(usage.open_uploads(), 0u) << "a refusal reserves nothing";
  Free(2, 200, usage);
  EXPECT_EQ(usage.documents(), 0u);
  EXPECT_EQ(usage.versions(), 0u);
  EXPECT_EQ(BytesLeft(kLimits, usage), 250u);
}

TEST(Quota, OnePaperHasItsOwnLimit) {
  v1::StoredUsage usage;
  EXPECT_EQ(Reserve(kLimits, {}, 101, usage), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(Reserve(kLimits, {}, UINT64_MAX, usage), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(Reserve(kLimits, {}, 0, usage), std::nullopt);
}

TEST(Quota, NumberOfPapersCountsVersionsAndUploads) {
  v1::StoredUsage usage;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Reserve(kLimits, {}, 1, usage), std::nullopt) << i;
    Keep(1, true, usage);
  }
  EXPECT_EQ(Reserve(kLimits, {}, 1, usage), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
}

TEST(Quota, TheInstitutionsToo) {
  v1::InstitutionUsage institution;
  institution.set_bytes(900);
  institution.set_reserved_bytes(50);
  v1::StoredUsage usage;
  EXPECT_EQ(Reserve(kLimits, institution, 51, usage), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(Reserve(kLimits, institution, 50, usage), std::nullopt);
}

// ---- drops

v1::StoredUpload Upload(uint64_t size, const std::string& depositor, bool drop) {
  v1::StoredUpload upload;
  upload.set_size(size);
  upload.mutable_depositor()->set_institution(depositor);
  if (drop) {
    upload.mutable_drop_host()->set_institution("host");
  }
  return upload;
}

TEST(Quota, WhatIsUnderWayAndNoHostsIsADrop) {
  v1::StoredUsage usage;
  for (const uint64_t size : {10, 20, 30, 40}) {
    AddUnderWay(size, usage);
  }
  DropsUnderWay drops = AllUnderWay(usage);
  CountUpload(Upload(10, "host", /*drop=*/false), "caf", drops);
  CountUpload(Upload(20, "caf", /*drop=*/true), "caf", drops);
  CountUpload(Upload(30, "aphp", /*drop=*/true), "caf", drops);
  EXPECT_EQ(drops.open, 3u) << "one did not read";
  EXPECT_EQ(drops.reserved_bytes, 90u);
  EXPECT_EQ(drops.by_depositor, 1u);
  CountUpload(Upload(1000, "caf", /*drop=*/false), "caf", drops);
  EXPECT_EQ(drops.reserved_bytes, 0u) << "never less than none";
  EXPECT_EQ(drops.by_depositor, 1u) << "as her host";
}

TEST(Quota, DropsHoldAQuarterOfHerVaultAndOneInstitutionTwoOfThem) {
  const Limits limits{.document_bytes = 150,
                      .person_bytes = 400,
                      .person_documents = 100,
                      .person_open_uploads = 12,
                      .institution_bytes = 1000};
  const auto may = [&](const DropsUnderWay& drops, uint64_t size) {
    v1::StoredUsage usage;
    const Refusal refusal = ReserveDrop(limits, {}, drops, size, usage);
    EXPECT_EQ(usage.open_uploads(), refusal.has_value() ? 0u : 1u);
    EXPECT_EQ(usage.reserved_bytes(), refusal.has_value() ? 0u : size);
    return refusal;
  };
  constexpr auto kFull = common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  EXPECT_EQ(may({}, 100), std::nullopt);
  EXPECT_EQ(may({}, 101), kFull);
  EXPECT_EQ(may({}, 151), common::v1::ERROR_REASON_TOO_LARGE) << "whatever is under way";
  EXPECT_EQ(may({.open = 2, .reserved_bytes = 99, .by_depositor = 1}, 1), std::nullopt);
  EXPECT_EQ(may({.open = 2, .reserved_bytes = 100, .by_depositor = 1}, 1), kFull);
  EXPECT_EQ(may({.open = 3, .reserved_bytes = 0, .by_depositor = 0}, 1), kFull);
  EXPECT_EQ(may({.open = 2, .reserved_bytes = 0, .by_depositor = 2}, 1), kFull);
  v1::StoredUsage full;
  full.set_bytes(400);
  EXPECT_EQ(ReserveDrop(limits, {}, {}, 1, full), kFull) << "her vault's own limits hold as ever";
}

TEST(Quota, DropsThatWaitCountWithThoseUnderWay) {
  const Limits limits{.document_bytes = 150,
                      .person_bytes = 400,
                      .person_documents = 40,
                      .person_open_uploads = 12,
                      .institution_bytes = 1000};
  const auto may = [&](const DropsUnderWay& drops, uint64_t size) {
    v1::StoredUsage usage;
    return ReserveDrop(limits, {}, drops, size, usage);
  };
  constexpr auto kFull = common::v1::ERROR_REASON_QUOTA_EXCEEDED;
  EXPECT_EQ(may({.waiting = 9}, 1), std::nullopt);
  EXPECT_EQ(may({.waiting = 10}, 1), kFull) << "a quarter of her papers";
  EXPECT_EQ(may({.open = 1, .waiting = 9}, 1), kFull) << "with those under way";
  EXPECT_EQ(may({.waiting = 1000}, 1), kFull) << "never less than none";
  EXPECT_EQ(may({.waiting = 1, .waiting_bytes = 60}, 40), std::nullopt);
  EXPECT_EQ(may({.waiting = 1, .waiting_bytes = 60}, 41), kFull) << "a quarter of her bytes";
  EXPECT_EQ(may({.open = 1, .reserved_bytes = 30, .waiting = 1, .waiting_bytes = 60}, 11), kFull);
  EXPECT_EQ(may({.waiting = 1, .waiting_bytes = 5000}, 1), kFull);
}

TEST(Quota, OfPapersOnlyDropsThatWaitCountAsDrops) {
  v1::StoredDocument paper;
  paper.add_versions()->mutable_version()->set_size(20);
  paper.add_versions()->mutable_version()->set_size(5);
  DropsUnderWay drops;
  for (const auto state : {v1::Document::STATE_ACTIVE, v1::Document::STATE_DESTROYED}) {
    paper.set_state(state);
    CountPaper(paper, drops);
  }
  EXPECT_EQ(drops.waiting, 0u);
  EXPECT_EQ(drops.waiting_bytes, 0u);
  paper.set_state(v1::Document::STATE_PENDING_CONSENT);
  CountPaper(paper, drops);
  EXPECT_EQ(drops.waiting, 2u);
  EXPECT_EQ(drops.waiting_bytes, 25u);
}

TEST(Quota, OneDropMayBeUnderWayHoweverFewUploadsMay) {
  v1::StoredUsage usage;
  EXPECT_EQ(ReserveDrop(kLimits, {}, {}, 1, usage), std::nullopt);
  EXPECT_EQ(ReserveDrop(kLimits, {}, AllUnderWay(usage), 1, usage), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
}

TEST(Quota, TheLimitThatHoldsItBackIsNamedWithWhatIsFree) {
  v1::InstitutionUsage institution;
  institution.set_bytes(900);
  v1::StoredUsage usage;
  EXPECT_EQ(FullLimit(kLimits, institution, 100, usage), "");
  EXPECT_EQ(FullLimit(kLimits, institution, 101, usage),
            "limits.institution_bytes: 1000 bytes of your institution in all vaults, 100 free");
  usage.set_bytes(100);
  usage.set_reserved_bytes(90);
  EXPECT_EQ(FullLimit(kLimits, institution, 61, usage),
            "limits.person_bytes: 250 bytes of her vault, 60 free");
  usage.set_open_uploads(2);
  EXPECT_EQ(FullLimit(kLimits, institution, 1, usage),
            "limits.person_open_uploads: 2 uploads under way in her vault, 0 free");
  usage.set_versions(2);
  EXPECT_EQ(FullLimit(kLimits, institution, 1, usage),
            "limits.person_documents: 4 versions of papers in her vault, 0 free");
}

TEST(Quota, LimitsThatWereLoweredLeaveNothingAndNeverOverflow) {
  v1::StoredUsage usage;
  usage.set_bytes(5000);
  usage.set_versions(50);
  EXPECT_EQ(BytesLeft(kLimits, usage), 0u);
  EXPECT_EQ(DocumentsLeft(kLimits, usage), 0u);
  Free(60, 6000, usage);
  EXPECT_EQ(usage.bytes(), 0u);
  EXPECT_EQ(usage.versions(), 0u);
  Release(1, usage);
  EXPECT_EQ(usage.open_uploads(), 0u);
}

}  // namespace
}  // namespace relais::vault
