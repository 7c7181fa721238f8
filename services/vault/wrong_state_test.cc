// What is refused for its state names that state, and what was asked of it.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

// The words of a refusal that is WRONG_STATE; anything else as it is.
std::string Said(const absl::Status& status) {
  return ReasonOf(status) == common::v1::ERROR_REASON_WRONG_STATE ? std::string(status.message())
                                                                  : status.ToString();
}

absl::Status Destroy(World& world, const std::string& document, const std::string& request_id) {
  v1::DestroyRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  return world.Run(world.service().destroying().Destroy(world.As(kHost), request)).status();
}

TEST(WrongState, OfADestroyedPaper) {
  World world;
  world.Host(1);
  const std::string paper = world.MustDeposit(1, Pdf(1000)).document;
  ASSERT_TRUE(Destroy(world, paper, "d1").ok());
  world.Settle();
  EXPECT_EQ(Said(Destroy(world, paper, "d2")), "the paper is DESTROYED: it cannot be destroyed");
  EXPECT_EQ(Said(Verify(world, 1, paper).status()), "the paper is DESTROYED: it cannot be verified");
  v1::UpdateMetadataRequest update;
  update.set_request_id("u");
  *update.mutable_person() = world.Handle(kHost, 1);
  update.set_document_id(paper);
  *update.mutable_description() = world.Begin(1, "b", 1).description();
  EXPECT_EQ(Said(world.Run(world.service().metadata().UpdateMetadata(world.As(kHost), update)).status()),
            "the paper is DESTROYED: it cannot be described anew");
  const v1::ShareRequest share = ShareOfPaper(world, 1, paper);
  EXPECT_EQ(Said(world.Run(world.service().shares().Share(world.As(kHost), share)).status()),
            "the paper is DESTROYED: it cannot be shared");
}

TEST(WrongState, OfARequestThatIsDecided) {
  World world;
  world.Host(1);
  v1::RequestDocumentRequest ask;
  ask.set_request_id("ask");
  *ask.mutable_person() = world.Handle(kReader, 1);
  ask.add_types(v1::DOCUMENT_TYPE_TAX_NOTICE);
  ask.set_purpose("RIGHTS_OPENING");
  ask.set_why("pour votre dossier");
  *ask.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
  const auto asked = world.Run(world.service().requests().RequestDocument(world.As(kReader), ask));
  ASSERT_TRUE(asked.ok()) << asked.status();
  v1::DecideRequestRequest no;
  no.set_request_id("no");
  *no.mutable_person() = world.Handle(kHost, 1);
  no.set_document_request_id(asked->request().document_request_id());
  ASSERT_TRUE(world.Run(world.service().requests().DecideRequest(world.As(kHost), no)).ok());
  no.set_request_id("again");
  EXPECT_EQ(Said(world.Run(world.service().requests().DecideRequest(world.As(kHost), no)).status()),
            "the request is REFUSED: it cannot be decided");
}

TEST(WrongState, OfAnUploadThatIsPastItsTime) {
  World::Options options;
  options.settings.uploads.idle = absl::Seconds(10);
  World world(options);
  world.Host(1);
  const auto begun = world.TryBegin(world.Begin(1, "b", 1000));
  ASSERT_TRUE(begun.ok()) << begun.status();
  world.Settle(absl::Seconds(11));
  EXPECT_EQ(Said(world.TrySend(1, begun->upload().upload_id(), 0, Pdf(1000)).status()),
            "the upload is past its time: it cannot take bytes");
  EXPECT_EQ(Said(world.TryComplete(1, "c", begun->upload().upload_id(), Pdf(1000)).status()),
            "the upload is past its time: it cannot be completed");
}

TEST(WrongState, OfAVersionWhosePlaceIsTaken) {
  World world;
  world.Host(1);
  const std::string paper = world.MustDeposit(1, Pdf(1000)).document;
  std::vector<std::string> uploads;
  for (const char* id : {"one", "two", "three"}) {
    v1::BeginUploadRequest begin = world.Begin(1, id, 1000);
    begin.set_document_id(paper);
    const auto begun = world.TryBegin(begin);
    ASSERT_TRUE(begun.ok()) << begun.status();
    uploads.push_back(begun->upload().upload_id());
    ASSERT_TRUE(world.TrySend(1, uploads.back(), 0, Pdf(1000, static_cast<uint8_t>(uploads.size()))).ok());
  }
  ASSERT_TRUE(world.TryComplete(1, "one", uploads[0], Pdf(1000, 1)).ok());
  EXPECT_EQ(Said(world.TryComplete(1, "two", uploads[1], Pdf(1000, 2)).status()),
            "the paper is at version 2: it cannot get version 2");
  ASSERT_TRUE(Destroy(world, paper, "d").ok());
  world.Settle();
  EXPECT_EQ(Said(world.TryComplete(1, "three", uploads[2], Pdf(1000, 3)).status()),
            "the paper is DESTROYED: it cannot get version 2");
}

}  // namespace
}  // namespace relais::vault::testing
