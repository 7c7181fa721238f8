#include "services/consent/handlers/erasure_handlers.h"

#include <gmock/gmock.h>

#include "common/base/proto_time.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SimWorld;

v1::EraseRequest EraseOf(const common::v1::PersonRef& person, const std::string& request_id = "erase-1") {
  v1::EraseRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_cause(v1::ERASURE_CAUSE_REQUEST);
  return request;
}

template <typename World>
absl::StatusOr<v1::EraseResponse> Erase(World& world, const v1::EraseRequest& request) {
  return world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), request));
}

// Whether any key of a partition of this kind is left.
template <typename World>
size_t Partitions(World& world, storage::PartitionKind kind) {
  return world.context().store.ListPartitions(kind, Id128(), 1000)->size();
}

// Whether these bytes stand anywhere in the store.
template <typename World>
bool InStore(World& world, const std::string& bytes) {
  for (const char kind : {'P', 'X', 'U', 'R'}) {
    const auto partitions =
        world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
    for (const storage::Partition& partition : *partitions) {
      if (partition.Encode().find(bytes) != std::string::npos) {
        return true;
      }
      const auto page = world.context().store.Scan(partition, "", "", 1000);
      for (const auto& row : page->entries) {
        if (row.key.find(bytes) != std::string::npos || row.entry.value.find(bytes) != std::string::npos) {
          return true;
        }
      }
    }
  }
  return false;
}

TEST(Erase, NothingIsRecordedOrPermittedFromTheRequestOn) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c-1")).ok());
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  const auto erased = Erase(world, EraseOf(person));
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_EQ(erased->erasure_id().size(), 32);

  const auto gone = [](const absl::Status& status) {
    return rpc::ReasonOf(status) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  };
  EXPECT_TRUE(gone(world.Check(SimWorld::CheckFor(person)).status()));
  EXPECT_TRUE(gone(world.Check(SimWorld::CheckFor(person, false)).status()));
  EXPECT_TRUE(gone(world.Record(SimWorld::ConsentFor(person, "c-2")).status()));
  v1::ResolveRequest resolve;
  *resolve.mutable_person() = person;
  EXPECT_TRUE(gone(world.Run(world.service().persons().Resolve(world.As("ville-paris"), resolve)).status()));
  EXPECT_EQ(rpc::ReasonOf(world.Register("r-2", "D-1").status()), common::v1::ERROR_REASON_WRONG_STATE)
      << "the name is free again once she is erased";
  // Her leaves open until routing has acknowledged.
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 0);
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    EXPECT_EQ(leaf.opening, audit::OpenedLeaf::Opening::kOpened);
  }
}

TEST(Erase, NothingThatNamesHerIsLeftOnceAllHaveAcknowledged) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing", "alerting"});
  const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
  const Id128 id = world.IdOf(person);
  const common::v1::PersonRef other = world.NewPerson("D-2");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c-1")).ok());
  v1::RecordObjectionRequest objection = SimWorld::ObjectionOf("o-1", {"edf"});
  *objection.mutable_person() = person;
  ASSERT_TRUE(world.Object(objection).ok());
  // A request of hers, extended: two deadlines; and an address that was another before.
  v1::OpenRequest open;
  open.set_request_id("o-2");
  *open.mutable_person() = person;
  open.set_right(v1::RIGHT_ERASURE);
  const auto opened = world.Run(world.service().rights().Open(world.As("ville-paris"), open));
  ASSERT_TRUE(opened.ok()) << opened.status();
  v1::AnswerRequest answer;
  answer.set_request_id("a-2");
  *answer.mutable_person() = person;
  answer.set_rights_id(opened->request().rights_id());
  answer.set_outcome(v1::RIGHTS_OUTCOME_EXTENDED);
  answer.set_reasons("archives");
  ASSERT_TRUE(world.Run(world.service().rights().Answer(world.As("ville-paris"), answer)).ok());
  v1::RectifyRequest rectify;
  rectify.set_request_id("k-2");
  *rectify.mutable_person() = person;
  rectify.mutable_traits()->set_address("3 rue Neuve");
  ASSERT_TRUE(world.Run(world.service().record_rights().Rectify(world.As("ville-paris"), rectify)).ok());
  // A notice to erase, at the CAF.
  v1::CheckRequest check = SimWorld::CheckFor(person, false);
  check.set_request_id("p-1");
  ASSERT_EQ(world.Decision(check), common::v1::DECISION_PERMIT);
  ASSERT_TRUE(world.WithdrawAll(person, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASURE_ASKED), 1);
  const auto erased = Erase(world, EraseOf(person));
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_TRUE(InStore(world, id.ToBytes())) << "that the test can fail";
  for (const char* service : {"routing", "alerting", "alerting"}) {
    v1::AcknowledgeErasureRequest acknowledge;
    acknowledge.set_erasure_id(erased->erasure_id());
    ASSERT_TRUE(
        world.Run(world.service().erasures().AcknowledgeErasure(world.AsService(service), acknowledge)).ok());
  }
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  world.Follow(notices);  // nobody is asked about her any more
  EXPECT_FALSE(InStore(world, id.ToBytes()));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 1) << "the other one's";
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(other)), common::v1::DECISION_DENY);
  // The objection binds without her (D-1.6): whoever has that record is opposed.
  const auto again = world.Register("r-2", "D-1", SimWorld::Marie());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(again->person().handle(), person.handle()) << "a new person";
  EXPECT_EQ(world.Decision(SimWorld::CutFor(again->person())), common::v1::DECISION_DENY);
}

// Its deadline stands once in the list, unlike that of an extended one.
TEST(Erase, ARequestOfHersThatNobodyAnsweredIsNoObstacle) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  const common::v1::PersonRef person = world.NewPerson("D-1");
  v1::OpenRequest open;
  open.set_request_id("o-1");
  *open.mutable_person() = person;
  open.set_right(v1::RIGHT_ERASURE);
  ASSERT_TRUE(world.Run(world.service().rights().Open(world.As("ville-paris"), open)).ok());
  ASSERT_TRUE(Erase(world, EraseOf(person)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST(Erase, ASenderRecordsNameIsNotGivenAgain) {
  SimWorld world;
  v1::RegisterRequest request;
  request.set_request_id("r-1");
  request.set_sender_record(std::string(16, 's'));
  *request.mutable_traits() = SimWorld::Marie();
  *request.mutable_acting() = SimWorld::Acting("edf");
  const auto registered = world.Run(world.service().persons().Register(world.AsService("alerting"), request));
  ASSERT_TRUE(registered.ok()) << registered.status();
  const Id128 id = *Id128::FromBytes(registered->person().person_id());
  const common::v1::PersonRef handle = rpc::HandleFor(world.context(), "ville-paris", id);
  ASSERT_TRUE(Erase(world, EraseOf(handle)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  // Both keys: hers, and the record's here.
  EXPECT_TRUE(absl::IsNotFound(world.log().keys().Get(PersonSubject(id)).status()));
  EXPECT_TRUE(absl::IsNotFound(
      world.log()
          .keys()
          .Get({audit::Subject::Kind::kSenderRecord, *Id128::FromBytes(request.sender_record())})
          .status()));
  EXPECT_FALSE(InStore(world, id.ToBytes()));
  request.set_request_id("r-2");  // a call of alerting's that was under way
  EXPECT_TRUE(absl::IsNotFound(
      world.Run(world.service().persons().Register(world.AsService("alerting"), request)).status()));
}

TEST(Erase, ARepeatedRequestIsTheSameErasure) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  const auto first = Erase(world, EraseOf(person));
  const auto pending = Erase(world, EraseOf(person));
  ASSERT_TRUE(first.ok() && pending.ok()) << first.status() << pending.status();
  EXPECT_EQ(pending->erasure_id(), first->erasure_id());
  EXPECT_EQ(pending->written().revision(), first->written().revision());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  const auto done = Erase(world, EraseOf(person));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->erasure_id(), first->erasure_id());
  EXPECT_TRUE(absl::IsNotFound(Erase(world, EraseOf(person, "erase-2")).status())) << "there is nobody";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST(Erase, TheRequestSaysWhoAndWhy) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef person = world.NewPerson("D-1");
  v1::EraseRequest request = EraseOf(person);
  request.set_cause(v1::ERASURE_CAUSE_COURT);
  request.set_want_proof(true);
  const auto erased = Erase(world, request);
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_TRUE(erased->written().has_proof());
  const audit::OpenedLeaf leaf = world.Leaves().back();
  EXPECT_EQ(leaf.leaf.header.event_class(), audit::v1::EVENT_CLASS_ERASE_REQUESTED);
  EXPECT_EQ(leaf.leaf.header.institution(), "ville-paris");
  audit::v1::EraseRequested payload;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.cause(), "COURT");
  EXPECT_EQ(payload.erasure_id(), erased->erasure_id());
}

TEST(Erase, AnActUnderWayIsEitherBeforeItOrRefused) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.seed = seed;
    SimWorld world(options);
    const common::v1::PersonRef person = world.NewPerson("D-1");
    absl::StatusOr<v1::RecordConsentResponse> recorded = absl::UnknownError("");
    absl::StatusOr<v1::EraseResponse> erased = absl::UnknownError("");
    Start(world.service().agreements().RecordConsent(world.As("ville-paris"),
                                                     SimWorld::ConsentFor(person, "c-1")),
          [&](auto answer) { recorded = std::move(answer); });
    Start(world.service().erasures().Erase(world.As("ville-paris", "steward"), EraseOf(person)),
          [&](auto answer) { erased = std::move(answer); });
    world.harness().sim().RunFor(absl::Seconds(5));
    ASSERT_TRUE(erased.ok()) << erased.status();
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    EXPECT_FALSE(InStore(world, world.IdOf(person).ToBytes()));
    // If it was acknowledged, its leaf comes first.
    uint64_t consent = 0;
    uint64_t request = 0;
    const auto leaves = world.Leaves();
    for (uint64_t i = 0; i < leaves.size(); ++i) {
      const auto event_class = leaves[i].leaf.header.event_class();
      consent = event_class == audit::v1::EVENT_CLASS_CONSENT_RECORDED ? i : consent;
      request = event_class == audit::v1::EVENT_CLASS_ERASE_REQUESTED ? i : request;
    }
    EXPECT_EQ(recorded.ok(), consent != 0) << recorded.status();
    EXPECT_LT(consent, request);
  }
}

TEST(Erase, EveryCrashEndsInTheSame) {
  bool crashed = true;
  for (uint64_t step = 0; crashed; ++step) {
    SCOPED_TRACE(step);
    crashed = false;
    bool armed = false;
    uint64_t seen = 0;
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.store.crash_at = [&](uint64_t) {
      crashed = crashed || (armed && seen++ == step);
      return armed && crashed;
    };
    SimWorld world(options);
    const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
    const Id128 id = world.IdOf(person);
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c-1")).ok());
    armed = true;
    auto erased = Erase(world, EraseOf(person));
    (void)world.Run(world.maintenance().RunOnce());
    armed = false;
    if (crashed) {
      world.Restart();
      erased = Erase(world, EraseOf(person));
      ASSERT_TRUE(erased.ok()) << erased.status();
      ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok());
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    }
    EXPECT_FALSE(InStore(world, id.ToBytes()));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 1);
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0);
    EXPECT_TRUE(world.Register("r-2", "D-1").ok());
  }
}

// ---- retention (D-2.10)

TEST(Retention, APersonNobodyMetForTwoYearsIsErased) {
  Settings settings;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const common::v1::PersonRef old = world.NewPerson("D-1");
  const common::v1::PersonRef met = world.NewPerson("D-2");
  world.harness().sim().RunFor(absl::Hours(24 * 700));
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(met, "c-1")).ok());
  world.harness().sim().RunFor(absl::Hours(24 * 29));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 0) << "729 days";
  world.harness().sim().RunFor(absl::Hours(24 * 2));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 1);
  EXPECT_TRUE(absl::IsNotFound(world.Check(SimWorld::CheckFor(old)).status()));
  EXPECT_TRUE(world.Check(SimWorld::CheckFor(met)).ok());
}

TEST(Retention, ALegalHoldIsNoContact) {  // D-2.10
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  world.harness().sim().RunFor(absl::Hours(24 * 700));
  v1::PlaceHoldRequest hold;
  hold.set_request_id("hold-1");
  *hold.mutable_person() = person;
  hold.set_order_reference("RG 26/1");
  *hold.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 1000));
  const auto placed = world.Run(world.service().holds().PlaceHold(world.As("ville-paris", "steward"), hold));
  ASSERT_TRUE(placed.ok()) << placed.status();
  world.harness().sim().RunFor(absl::Hours(24 * 32));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1) << "retention goes on";
  const auto kept = world.maintenance().holds().Read(*Id128::FromHex(placed->hold_id()), "", 100);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_FALSE(kept->items.empty());
}

TEST(Retention, AnAnswerToANoticeToEraseIsNoContact) {  // D-2.10
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c-1")).ok());
  v1::CheckRequest check = SimWorld::CheckFor(person, false);
  check.set_request_id("p-1");
  ASSERT_EQ(world.Decision(check), common::v1::DECISION_PERMIT);
  ASSERT_TRUE(world.WithdrawAll(person, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  const auto owed = world.Run(world.service().duties().ListObligations(world.As("caf"), {}));
  ASSERT_EQ(owed->obligations_size(), 1);
  world.harness().sim().RunFor(absl::Hours(24 * 700));
  v1::AnswerErasureNoticeRequest answer;
  answer.set_request_id("a-1");
  *answer.mutable_person() = owed->obligations(0).person();
  answer.set_notice_id(owed->obligations(0).notice_id());
  answer.set_outcome(v1::ERASURE_OUTCOME_ERASED);
  const auto answered =
      world.Run(world.service().erasure_notices().AnswerErasureNotice(world.As("caf"), answer));
  ASSERT_TRUE(answered.ok()) << answered.status();
  world.harness().sim().RunFor(absl::Hours(24 * 32));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST(Retention, TheProofOfAnAgreementGoesFiveYearsAfterItsEnd) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  const auto proofs = [&] {
    const auto page = world.context().store.Scan(PersonPartition(world.IdOf(person)), "consent/", "", 100);
    return page->entries.size();
  };
  const auto sweep = [&] {
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    }
  };
  for (const char* request : {"c-1", "c-2", "c-3", "c-4"}) {  // she is met every other year
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, request)).ok());
    const int days = request == std::string("c-4") ? 110 : 690;
    world.harness().sim().Skip(absl::Hours(24 * days));  // in all 6 years less some days
  }
  sweep();
  EXPECT_EQ(proofs(), 4u);
  world.harness().sim().Skip(absl::Hours(24 * 15));
  sweep();
  EXPECT_EQ(proofs(), 3u);
  audit::v1::Purged purged;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.details.payload().UnpackTo(&purged) && purged.rule() == "AGREEMENT_PROOF") {
      break;
    }
  }
  EXPECT_EQ(purged.rule(), "AGREEMENT_PROOF");
  EXPECT_EQ(purged.count(), 1u);
  const size_t before = world.Count(audit::v1::EVENT_CLASS_PURGED);
  world.harness().sim().Skip(absl::Hours(25));
  sweep();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), before) << "once";
}

// It decides on (D-2.6.2) without what proves it: its collector's other agreements are read all the same.
TEST(Retention, AnAgreementTakenBackByItsNumberIsNotThereOnceItsProofIsGone) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  std::string first;
  for (const char* request : {"c-1", "c-2", "c-3", "c-4"}) {  // she is met every other year
    const auto agreed = world.Record(SimWorld::ConsentFor(person, request));
    ASSERT_TRUE(agreed.ok()) << agreed.status();
    if (first.empty()) {
      first = agreed->consent_id();
      v1::WithdrawConsentRequest withdrawal;
      withdrawal.set_request_id("w-1");
      *withdrawal.mutable_person() = person;
      withdrawal.set_consent_id(first);
      ASSERT_TRUE(
          world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), withdrawal)).ok());
    }
    world.harness().sim().Skip(absl::Hours(24 * (request == std::string("c-4") ? 110 : 690)));
  }
  const auto listed = [&] {
    v1::ListConsentsRequest request;
    *request.mutable_person() = person;
    const auto response =
        world.Run(world.service().consents().ListConsents(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return *response;
  };
  EXPECT_EQ(listed().consents_size(), 4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  const auto state = world.service().registry().store.LoadFresh(world.IdOf(person));
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_NE(state->state->FindAgreement(*Id128::FromHex(first)), nullptr) << "that the test can fail";
  EXPECT_EQ(listed().consents_size(), 3);
  EXPECT_EQ(listed().unreadable(), 0u);
  v1::GetConsentRequest get;
  *get.mutable_person() = person;
  get.set_consent_id(first);
  EXPECT_EQ(
      rpc::ReasonOf(world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get)).status()),
      common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  v1::RenewConsentRequest renew;
  renew.set_request_id("r-1");
  *renew.mutable_person() = person;
  renew.set_consent_id(first);
  renew.set_method(v1::METHOD_SIGNED_PAPER);
  renew.mutable_notice()->set_id("notice-1");
  renew.mutable_notice()->set_version("3");
  EXPECT_EQ(rpc::ReasonOf(
                world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renew)).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
}

TEST(Retention, AFeedIsNoContact) {
  SimWorld world;
  v1::RegisterRequest request;
  request.set_request_id("r-1");
  request.set_sender_record(std::string(16, 's'));
  *request.mutable_acting() = SimWorld::Acting("edf");
  ASSERT_TRUE(world.Run(world.service().persons().Register(world.AsService("alerting"), request)).ok());
  world.harness().sim().RunFor(absl::Hours(24 * 600));
  request.set_request_id("r-2");  // the feed goes on
  ASSERT_TRUE(world.Run(world.service().persons().Register(world.AsService("alerting"), request)).ok());
  world.harness().sim().RunFor(absl::Hours(24 * 131));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST(Retention, AnObjectionsDigestGoesAfterThreeYearsAndALaterOneBindsAgain) {  // D-1.6
  SimWorld world;
  world.UseDirectory(testing::SampleDirectoryWith("2027-12-31T22:59:59Z", "2037-12-31T22:59:59Z"));
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o-1", {"edf"})).ok());
  const auto before = Partitions(world, storage::PartitionKind::kIndexBucket);
  world.harness().sim().RunFor(absl::Hours(24 * 1095));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kIndexBucket), before) << "not yet";
  world.harness().sim().RunFor(absl::Hours(24 * 2));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kIndexBucket), before - 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 1);
  const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), common::v1::DECISION_PERMIT)
      << "nothing stands against it";
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o-2", {"edf"})).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), common::v1::DECISION_DENY);
}

TEST(Retention, WhoWasLinkedToAPurgedObjectionTakesTheNextOne) {
  SimWorld world;
  world.UseDirectory(testing::SampleDirectoryWith("2027-12-31T22:59:59Z", "2037-12-31T22:59:59Z"));
  const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
  for (const char* request : {"o-1", "o-2"}) {
    ASSERT_TRUE(world.Object(SimWorld::ObjectionOf(request, {"edf"})).ok());
  }
  ASSERT_TRUE(world.Lift("l-1", {"edf"}).ok());
  world.harness().sim().RunFor(absl::Hours(24 * 700));
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c-1")).ok());  // she is met
  world.harness().sim().RunFor(absl::Hours(24 * 400));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 1);
  v1::CheckRequest cut = SimWorld::CutFor(person);
  EXPECT_EQ(world.Decision(cut), common::v1::DECISION_PERMIT) << "nothing stands against it";
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o-3", {"edf"})).ok());
  EXPECT_EQ(world.Decision(cut), common::v1::DECISION_DENY)
      << "the number of changes goes on, so that her state takes the new one";
}

}  // namespace
}  // namespace relais::consent
