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
