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

// An attempt in the log.
struct Tried {
  std::string by;     // the institution
  std::string about;  // 16 bytes; empty: nobody
  v1::VaultRefused what;
};
std::vector<Tried> AllTried(World& world) {
  std::vector<Tried> out;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_VAULT_REFUSED) {
      out.push_back({leaf.leaf.header.institution(), leaf.details.subject().id(),
                     PayloadOf<v1::VaultRefused>(leaf.details).value()});
    }
  }
  return out;
}

// The attempts in the log that are about her.
std::vector<v1::VaultRefused> Of(World& world, uint64_t person) {
  std::vector<v1::VaultRefused> out;
  for (const Tried& tried : AllTried(world)) {
    if (tried.about == World::Person(person).ToBytes()) {
      out.push_back(tried.what);
    }
  }
  return out;
}

// Who tried something on her, in order.
std::vector<std::string> WhoTriedOn(World& world, uint64_t person) {
  std::vector<std::string> out;
  for (const Tried& tried : AllTried(world)) {
    if (tried.about == World::Person(person).ToBytes()) {
      out.push_back(tried.by);
    }
  }
  return out;
}

// One refused call about each of them, within a minute, by two systems of kReader in turns.
void Flood(World& world, uint64_t persons) {
  constexpr uint64_t kAtOnce = 100;
  for (uint64_t person = 1; person <= persons; ++person) {
    rpc::Call call = world.As(kReader);
    call.caller.system = person % 2 == 0 ? "portal" : "rights";
    call.caller.certificate = std::string(64, person % 2 == 0 ? 'a' : 'b');
    ASSERT_TRUE(NoteRefusedCall(world.vault(), call, Reading(world, kReader, person), Lacks()));
    if (person % kAtOnce == 0) {
      world.Settle(absl::Milliseconds(100));
    }
  }
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

// So many persons refused to one institution that those beyond are only counted: another's first attempt is
// in her journal all the same, and of the flooder's own one that says how often, once the minute is over. Of
// no human, who did what: it stands for several calls.
TEST(RefusedCall, AFloodAboutManyHidesNobodysAttempts) {
  constexpr uint64_t kPersons = rpc::RefusedCalls::kMostAbout + 500;
  World world;
  ASSERT_NO_FATAL_FAILURE(Flood(world, kPersons));
  for (const uint64_t person : {uint64_t{1}, kPersons}) {
    ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As("cpam"), Reading(world, "cpam", person), Lacks()));
  }
  world.Settle();
  EXPECT_THAT(WhoTriedOn(world, 1), ::testing::ElementsAre(kReader, "cpam"));
  EXPECT_THAT(WhoTriedOn(world, kPersons), ::testing::ElementsAre("cpam"));
  world.Settle(absl::Minutes(2));
  for (const uint64_t person : {kPersons, uint64_t{rpc::RefusedCalls::kMostAbout + 1}}) {
    const auto hers = Of(world, person);
    ASSERT_FALSE(hers.empty());
    EXPECT_EQ(hers.back().count(), 1U);
    EXPECT_EQ(hers.back().act(), Entry::ACT_UNSPECIFIED) << "what it was is not kept";
    EXPECT_EQ(hers.back().reason(), "");
    EXPECT_EQ(WhoTriedOn(world, person).back(), kReader);
  }
  EXPECT_EQ(WhoTriedOn(world, kPersons).size(), 2U);
  for (const Tried& tried : AllTried(world)) {
    EXPECT_FALSE(tried.about.empty()) << "nothing is about nobody";
  }
}

// The count of a minute before that a new attempt brings with it is not that attempt's, nor its human's.
TEST(RefusedCall, ACountThatIsBroughtIsOfNoHuman) {
  World world;
  constexpr uint64_t kTarget = rpc::RefusedCalls::kMostAbout + 1;
  const auto tries = [&](uint64_t person) {
    EXPECT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader, "agent-accueil"),
                                Reading(world, kReader, person), Lacks()));
  };
  const auto takes_all_places = [&] {
    for (uint64_t person = 1; person < kTarget; ++person) {
      tries(person);
    }
    world.Settle(absl::Milliseconds(500));  // between two looks at what is due, one a second
  };
  takes_all_places();
  tries(kTarget);
  tries(kTarget);
  world.Settle(absl::Seconds(59) + absl::Milliseconds(600));
  takes_all_places();
  EXPECT_TRUE(Of(world, kTarget).empty());
  tries(kTarget);
  world.Settle(absl::Milliseconds(100));
  std::vector<std::string> functions;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_VAULT_REFUSED &&
        leaf.details.subject().id() == World::Person(kTarget).ToBytes()) {
      EXPECT_EQ(PayloadOf<v1::VaultRefused>(leaf.details).value().count(), 2U);
      functions.push_back(leaf.details.acting_function());
    }
  }
  EXPECT_EQ(functions, std::vector<std::string>{""});
}

// Counts are looked for until every minute is over, however long writing those before took.
TEST(RefusedCall, IsWrittenHoweverLongTheOthersTake) {
  absl::Duration commit = absl::ZeroDuration();
  World world;
  world.harness().options().store.commit_delay = [&commit] { return commit; };
  world.Restart();
  const auto seven_about = [&](uint64_t person) {
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(
          NoteRefusedCall(world.vault(), world.As(kReader), Reading(world, kReader, person), Lacks()));
    }
    world.Settle(absl::Seconds(29));
  };
  ASSERT_NO_FATAL_FAILURE(seven_about(1));
  ASSERT_NO_FATAL_FAILURE(seven_about(2));
  commit = absl::Seconds(70);
  world.Settle(absl::Seconds(10));  // the count about the first is being written
  commit = absl::ZeroDuration();
  world.Settle(absl::Minutes(3));
  for (const uint64_t person : {uint64_t{1}, uint64_t{2}}) {
    const auto hers = Of(world, person);
    ASSERT_EQ(hers.size(), 6U) << person;
    EXPECT_EQ(hers.back().count(), 2U);
  }
}

// Whom it was refused about long ago takes no place, though nothing was counted.
TEST(RefusedCall, AttemptsOfMinutesThatAreOverTakeNoPlaces) {
  World world;
  ASSERT_NO_FATAL_FAILURE(Flood(world, rpc::RefusedCalls::kMostAbout));
  world.Settle(absl::Minutes(2));
  constexpr uint64_t kNext = rpc::RefusedCalls::kMostAbout + 1;
  ASSERT_TRUE(NoteRefusedCall(world.vault(), world.As(kReader), Reading(world, kReader, kNext), Lacks()));
  world.Settle();
  EXPECT_THAT(WhoTriedOn(world, kNext), ::testing::ElementsAre(kReader));
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
