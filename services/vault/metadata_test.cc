// Lire les métadonnées: what one answer says of a paper (D-3.5).
#include "gtest/gtest.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

absl::StatusOr<v1::GetMetadataResponse> MetadataFor(World& world, const std::string& institution,
                                                    const std::string& document) {
  v1::GetMetadataRequest request;
  *request.mutable_person() = world.Handle(institution, 1);
  request.set_document_id(document);
  return world.Run(world.service().metadata().GetMetadata(world.As(institution), request));
}

// All six: object id, depositor, date, size, hash algorithm, hash; to her host and to who it is shared with.
TEST(Metadata, OneAnswerHasAllThatTheRuleAsksFor) {
  constexpr uint64_t kSize = 4321;
  World world;
  world.Host(1);
  const std::string text = Pdf(kSize);
  const auto begun = world.TryBegin(world.Begin(1, "begin", kSize));
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, text).ok());
  world.Settle(absl::Minutes(10));
  const absl::Time before = world.sim().Now();
  const auto completed = world.TryComplete(1, "complete", begun->upload().upload_id(), text);
  ASSERT_TRUE(completed.ok()) << completed.status();
  const absl::Time after = world.sim().Now();
  const std::string document = completed->document().document_id();
  world.Settle(absl::Minutes(10));
  world.Share(1, document);
  for (const char* institution : {kHost, kReader}) {
    SCOPED_TRACE(institution);
    const auto answer = MetadataFor(world, institution, document);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(document.size(), 32U);
    EXPECT_EQ(answer->document().document_id(), document);
    ASSERT_EQ(answer->document().versions_size(), 1);
    const v1::DocumentVersion& version = answer->document().versions(0);
    EXPECT_EQ(version.depositor().institution(), kHost);
    EXPECT_EQ(version.depositor().function(), "assistant-social");
    EXPECT_GE(FromProto(version.deposited()), before) << "the day of the deposit, not of its first byte";
    EXPECT_LE(FromProto(version.deposited()), after);
    EXPECT_EQ(version.size(), kSize);
    EXPECT_EQ(version.hash_algorithm(), "SHA-256");
    EXPECT_EQ(version.sha256(), crypto::Sha256(text));
  }
}

}  // namespace
}  // namespace relais::vault::testing
