// Calls that are refused before any handler: attempts on her vault are hers to see, whoever refuses them
// (D-3.2).
#include "services/vault/handlers/attempts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/refusal.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "relais/vault/v1/export_service.pb.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using Entry = v1::JournalEntry;

absl::Status Lacks(common::v1::ErrorReason reason = common::v1::ERROR_REASON_MISSING_CAPABILITY) {
  return rpc::Refusal(absl::StatusCode::kPermissionDenied, reason, "refused");
}

v1::DownloadRequest Reading(World& world, const std::string& institution, uint64_t person) {
  return ReadOf(world, institution, person, std::string(32, 'd'));
}

// The attempts in the log that are about her.
std::vector<v1::VaultRefused> Of(World& world, uint64_t person) {
  std::vector<v1::VaultRefused> out;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_VAULT_REFUSED &&
        leaf.details.subject().id() == World::Person(person).ToBytes()) {
      out.push_back(PayloadOf<v1::VaultRefused>(leaf.details).value());
    }
  }
  return out;
}

TEST(RefusedCall, AboutSomebodyIsInHerJournal) {
  World world;
  world.Host(1);
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader, "agent-accueil"), Reading(world, kReader, 1),
                              Lacks()));
  world.Settle();
  v1::DestroyRequest destroy;
  *destroy.mutable_person() = world.Handle(kReader, 1);
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), destroy,
                              Lacks(common::v1::ERROR_REASON_MISSING_ROLE)));
  world.Settle();
  v1::ReadJournalRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  const auto journal = world.Run(world.service().journal().ReadJournal(world.As(kHost), request));
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_GE(journal->entries_size(), 2);
  const Entry& destroyed = journal->entries(0);
  EXPECT_EQ(destroyed.act(), Entry::ACT_DESTROYED);
  EXPECT_FALSE(destroyed.allowed());
  EXPECT_EQ(destroyed.reason(), "MISSING_ROLE");
  EXPECT_EQ(destroyed.document_id(), "");
  const Entry& read = journal->entries(1);
  EXPECT_EQ(read.act(), Entry::ACT_READ);
  EXPECT_EQ(read.reason(), "MISSING_CAPABILITY");
  EXPECT_EQ(read.document_id(), std::string(32, 'd'));
  EXPECT_EQ(read.who().institution(), kReader);
  EXPECT_EQ(read.who().function(), "agent-accueil");
  EXPECT_EQ(read.count(), 1U);
}

TEST(RefusedCall, ANameThatIsNotTheCallersNamesNobody) {
  World world;
  const rpc::Call call = world.As(kReader);
  EXPECT_FALSE(NoteRefusedCall(world.vault(), call, Reading(world, "cpam", 1), Lacks()));
  v1::DownloadRequest none;
  EXPECT_FALSE(NoteRefusedCall(world.vault(), call, none, Lacks()));
  none.mutable_person()->set_handle("rh1_garbage");
  EXPECT_FALSE(NoteRefusedCall(world.vault(), call, none, Lacks()));
  none.mutable_person()->set_person_id(World::Person(1).ToBytes());
  EXPECT_FALSE(NoteRefusedCall(world.vault(), call, none, Lacks()));
  EXPECT_FALSE(NoteRefusedCall(world.vault(), world.AsService("routing"), none, Lacks()));
  EXPECT_FALSE(NoteRefusedCall(world.vault(), call, v1::ShareServiceListRequest(), Lacks()))
      << "of the institution's own list";
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 0U);
}

// A field that is no id is not taken into a leaf.
TEST(RefusedCall, WhatIsNotValidIsNotTaken) {
  World world;
  v1::DownloadRequest request = Reading(world, kReader, 1);
  request.set_document_id("DROP TABLE");
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), request,
                              Lacks(common::v1::ERROR_REASON_INVALID_FIELDS)));
  world.Settle();
  const auto refused = Of(world, 1);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].document_id(), "");
}

// Of a stream the first message says whom it was about, which is no other's than that of a call.
TEST(RefusedCall, AStreamThatIsRefusedIsInHerJournalToo) {
  World world;
  world.Host(1);
  v1::UploadRequest first;
  *first.mutable_open()->mutable_person() = world.Handle(kReader, 1);
  first.mutable_open()->set_upload_id(std::string(32, 'a'));
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), first, Lacks()));
  v1::UploadRequest bytes;
  bytes.set_data("x");
  EXPECT_FALSE(NoteRefusedCall(world.vault(), world.As(kReader), bytes, Lacks()));
  EXPECT_FALSE(NoteRefusedCall(world.vault(), world.As("cpam"), first, Lacks())) << "not its own name";
  world.Settle();
  const auto refused = Of(world, 1);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].act(), Entry::ACT_UPLOAD);
  EXPECT_EQ(refused[0].reason(), "MISSING_CAPABILITY");
}

// With those that handlers refuse, and about nobody else.
TEST(RefusedCall, AFloodIsCountedWithTheOthers) {
  World world;
  world.Host(1);
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), Reading(world, kReader, 1), Lacks()));
  }
  EXPECT_FALSE(Download(world, kReader, Reading(world, kReader, 1)).status.ok());
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), Reading(world, kReader, 2), Lacks()));
  world.Settle(absl::Minutes(2));
  const auto hers = Of(world, 1);
  ASSERT_EQ(hers.size(), 6U);
  EXPECT_EQ(hers.back().count(), 8U);
  EXPECT_EQ(Of(world, 2).size(), 1U);
}

// What handlers refuse of bytes: as a stream, and a piece a call.
TEST(Attempts, BytesThatAreNotTakenAreHersToSee) {
  World world;
  world.Host(1);
  const auto begun = world.TryBegin(world.Begin(1, "begin", 100));
  ASSERT_TRUE(begun.ok()) << begun.status();
  const v1::Upload& upload = begun->upload();
  EXPECT_FALSE(world.TrySend(1, upload.upload_id(), 5, std::string(95, 'x')).ok());
  EXPECT_FALSE(world.TrySend(1, upload.upload_id(), 0, std::string(200, 'x')).ok());
  v1::UploadPieceRequest piece;
  *piece.mutable_person() = world.Handle(kHost, 1);
  piece.set_upload_id(upload.upload_id());
  piece.set_offset(7);
  piece.set_data(std::string(93, 'x'));
  EXPECT_FALSE(world.Run(world.service().uploads().UploadPiece(world.As(kHost), piece)).ok());
  std::vector<std::string> reasons;
  for (const v1::VaultRefused& refused : Of(world, 1)) {
    EXPECT_EQ(refused.act(), Entry::ACT_UPLOAD);
    EXPECT_EQ(refused.document_id(), upload.document_id());
    reasons.push_back(refused.reason());
  }
  EXPECT_THAT(reasons, ::testing::ElementsAre("OFFSET_MISMATCH", "TOO_LARGE", "OFFSET_MISMATCH"));
}

// A drop that consent refuses to look at, and a link for what no directory knows, are attempts too.
TEST(Attempts, WhatIsRefusedBeforeTheActBeginsIsHersToSee) {
  World world;
  world.Host(1);
  world.consent.fails = [](const auto&) {
    return rpc::Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_UNKNOWN_CODE, "unknown");
  };
  v1::BeginUploadRequest drop = world.Begin(1, "drop", 10, v1::DOCUMENT_TYPE_LEASE, "aphp");
  drop.mutable_drop()->mutable_host()->set_institution(kHost);
  drop.mutable_drop()->set_purpose("RIGHTS_OPENING");
  EXPECT_FALSE(world.TryBegin(drop, "aphp").ok());
  v1::LinkHostRequest link;
  link.set_request_id("link");
  *link.mutable_person() = world.Handle("emmaus", 1);
  link.set_consent_id(world.consent.agreement);
  link.set_purpose("FRAUD");
  EXPECT_FALSE(world.Run(world.service().hosts().LinkHost(world.As("emmaus"), link)).ok());
  const auto refused = Of(world, 1);
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0].act(), Entry::ACT_UPLOAD);
  EXPECT_EQ(refused[0].reason(), "UNKNOWN_CODE");
  EXPECT_EQ(refused[1].act(), Entry::ACT_HOST);
  EXPECT_EQ(refused[1].reason(), "UNKNOWN_CODE");
}

// A request that names a person has an act, so that its refusal is in her journal.
TEST(RefusedCall, EveryMethodAboutAPersonHasAnAct) {
  static_cast<void>(v1::ExportRequest::descriptor());  // linked
  int about_somebody = 0;
  for (const char* name : {"DocumentService", "ShareService", "HostService", "ExportService"}) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        std::string("relais.vault.v1.") + name);
    ASSERT_NE(service, nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* type = service->method(i)->input_type();
      if (service->method(i)->client_streaming()) {  // what opens it names her
        ASSERT_NE(type->FindFieldByName("open"), nullptr) << type->name();
        type = type->FindFieldByName("open")->message_type();
      }
      const auto* field = type->FindFieldByName("person");
      if (field == nullptr) {
        continue;
      }
      ++about_somebody;
      const std::unique_ptr<google::protobuf::Message> request(
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
      request->GetReflection()->MutableMessage(request.get(), field);
      const auto on = AttemptOf(*request);
      ASSERT_TRUE(on.has_value()) << type->name();
      EXPECT_NE(on->attempt.act, Entry::ACT_UNSPECIFIED) << type->name();
    }
  }
  EXPECT_GE(about_somebody, 26);
}

// What was answered has its leaf before the service is gone.
TEST(RefusedCall, IsWrittenBeforeTheServiceStops) {
  absl::Duration commit = absl::ZeroDuration();
  World world;
  world.harness().options().store.commit_delay = [&commit] { return commit; };
  world.Restart();
  commit = absl::Seconds(3);
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), Reading(world, kReader, 1), Lacks()));
  commit = absl::ZeroDuration();
  std::optional<bool> stopped;
  relais::Start(world.vault().access.Stop(), [&stopped](bool done) { stopped = done; });
  world.Settle(absl::Seconds(2));
  EXPECT_FALSE(stopped.has_value());
  world.Settle(absl::Seconds(2));
  EXPECT_TRUE(stopped.has_value());
  EXPECT_EQ(Of(world, 1).size(), 1U);
}

}  // namespace
}  // namespace relais::vault::testing
