#include "services/consent/handlers/objection_handlers.h"

#include <gtest/gtest.h>

#include <set>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

TEST(RecordObjection, BindsAPersonRegisteredBefore) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  const auto response = world.Object(SimWorld::ObjectionOf("o1"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person, "engie")), DECISION_DENY);
  // Three years, as Paris counts them.
  EXPECT_EQ(response->kept_until().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(2029, 11, 3, 10), absl::UTCTimeZone())));
}

TEST(RecordObjection, AttachesToAPersonRegisteredAfter) {
  SimWorld world;
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).ok());
  const common::v1::PersonRef marie = world.NewPerson("case-1", SimWorld::Marie());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(marie)), DECISION_DENY);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(marie, "engie")), DECISION_PERMIT);
  v1::Traits neighbour = SimWorld::Marie();
  neighbour.set_surname("Martin");
  EXPECT_EQ(world.Decision(SimWorld::CutFor(world.NewPerson("case-2", neighbour))), DECISION_PERMIT);
}

// D-1.6: it ends only by lifting: not because a field was left out.
TEST(LiftObjection, SaysToWhichSuppliers) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1")).ok());
  v1::LiftObjectionRequest lift;
  lift.set_request_id("l1");
  *lift.mutable_person() = person;
  const absl::Status refused =
      world.Run(world.service().objections().LiftObjection(world.As("ville-paris"), lift)).status();
  EXPECT_EQ(rpc::ReasonOf(refused), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_NE(std::string(refused.message()).find("suppliers"), std::string::npos) << refused;
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
}

TEST(RecordObjection, ASuppliersFeedGivesItsDigest) {
  SimWorld world;
  // As alerting computes it, under EDF's key.
  const auto key = world.context().suppression.Current("edf");
  ASSERT_TRUE(key.ok());
  v1::RecordObjectionRequest request;
  request.set_request_id("o1");
  request.mutable_digest()->set_key_version(key->version);
  request.mutable_digest()->set_digest(identity::RecordDigest(
      key->key, "edf", {"DURAND", "MARIE HELENE", "12 BOULEVARD DE L HOPITAL", "75013"}));
  *request.mutable_acting() = SimWorld::Acting("edf");
  const auto run = [&](const rpc::Call& call) {
    return world.Run(world.service().objections().RecordObjection(call, request)).status();
  };
  EXPECT_EQ(run(world.As("ville-paris")).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(run(world.AsService("alerting")).ok());
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  for (const auto& leaf : world.Leaves()) {
    v1::ObjectionRecorded payload;
    if (leaf.details.payload().UnpackTo(&payload)) {
      EXPECT_EQ(payload.digest(), request.digest().digest());
      EXPECT_EQ(payload.supplier(), "edf");
    }
  }
  request.set_request_id("o2");
  request.mutable_digest()->set_key_version(9);
  EXPECT_EQ(run(world.AsService("alerting")).code(), absl::StatusCode::kInvalidArgument);
  request.mutable_digest()->set_key_version(1);
  request.add_suppliers("engie");
  EXPECT_EQ(run(world.AsService("alerting")).code(), absl::StatusCode::kInvalidArgument);
  request.clear_suppliers();
  request.mutable_digest()->set_digest("short");
  EXPECT_EQ(run(world.AsService("alerting")).code(), absl::StatusCode::kInvalidArgument);
}

TEST(RecordObjection, CoversEveryVersionOfTheSuppliersKey) {
  SimWorld world;
  ASSERT_TRUE(world.ring().Add("suppression/edf", Secret(std::string(32, 'f'))).ok());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).ok());
  std::set<uint32_t> versions;
  for (const auto& leaf : world.Leaves()) {
    v1::ObjectionRecorded payload;
    if (leaf.details.payload().UnpackTo(&payload)) {
      versions.insert(payload.key_version());
      EXPECT_FALSE(leaf.details.has_subject() &&
                   leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON);
    }
  }
  EXPECT_EQ(versions, (std::set<uint32_t>{1, 2}));
}

TEST(RecordObjection, RepetitionMakesNoSecondEffect) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  const auto first = world.Object(SimWorld::ObjectionOf("o1"));
  ASSERT_TRUE(first.ok());
  const size_t leaves = world.Leaves().size();
  world.harness().sim().RunFor(absl::Seconds(5));
  const auto again = world.Object(SimWorld::ObjectionOf("o1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Leaves().size(), leaves);
  EXPECT_EQ(rpc::ReasonOf(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  // Nor does it undo what she said since.
  ASSERT_TRUE(world.Lift("l1").ok());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
}

TEST(RecordObjection, InterruptedAtEveryStepIsCompletedByItsRepetition) {
  int interrupted = 0;
  for (uint64_t step = 0; step < 40; ++step) {
    auto options = SimWorld::DefaultOptions();
    auto armed = std::make_shared<bool>(false);
    auto base = std::make_shared<uint64_t>(0);
    options.store.crash_at = [armed, base, step](uint64_t at) {
      if (!*armed) {
        *base = at + 1;
        return false;
      }
      return at >= *base + step;
    };
    SimWorld world(options);
    const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
    *armed = true;
    const bool done = world.Object(SimWorld::ObjectionOf("o1")).ok();
    interrupted += done ? 0 : 1;
    world.Restart();
    v1::RecordObjectionRequest request = SimWorld::ObjectionOf("o1");
    request.set_want_proof(true);
    const auto response = world.Object(request);
    ASSERT_TRUE(response.ok()) << "step " << step << ": " << response.status();
    EXPECT_TRUE(audit::VerifyProof(response->written().proof(), {world.harness().verify_key()}).ok());
    EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY) << step;
    EXPECT_EQ(world.Decision(SimWorld::CutFor(person, "engie")), DECISION_DENY) << step;
    // Two records, each linked to her: four leaves, however often it was tried.
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_OBJECTION_RECORDED), 4u) << step;
    if (done) {
      break;
    }
  }
  EXPECT_GE(interrupted, 8);
}

TEST(RecordObjection, OfAKnownPersonWithoutNameOrAddress) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordObjectionRequest request;
  request.set_request_id("o1");
  EXPECT_EQ(world.Object(request).status().code(), absl::StatusCode::kInvalidArgument);
  *request.mutable_person() = person;
  ASSERT_TRUE(world.Object(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  ASSERT_TRUE(world.Object(request).ok());
  ASSERT_TRUE(world.Lift("l1", {"edf"}, person).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person, "engie")), DECISION_DENY);
  ASSERT_TRUE(world.Object(request).ok());  // a late repetition
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
}

TEST(RecordObjection, LinksAKnownPersonToTheRecord) {
  SimWorld world;
  // Registered under another spelling of her name: only the desk knows it is she.
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordObjectionRequest request = SimWorld::ObjectionOf("o1");
  *request.mutable_person() = person;
  ASSERT_TRUE(world.Object(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  ASSERT_TRUE(world.Lift("l1").ok());  // by name and address alone
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
}

TEST(RecordObjection, RefusesWhoIsNoSupplier) {
  SimWorld world;
  EXPECT_EQ(rpc::ReasonOf(world.Object(SimWorld::ObjectionOf("o1", {"caf"})).status()),
            common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(rpc::ReasonOf(world.Object(SimWorld::ObjectionOf("o1", {"nope"})).status()),
            common::v1::ERROR_REASON_UNKNOWN_CODE);
}

TEST(LiftObjection, EndsItAtHerWordAndNotThroughTheSupplier) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1")).ok());
  v1::LiftObjectionRequest request;
  request.set_request_id("l1");
  request.add_suppliers("edf");
  *request.mutable_identity() = SimWorld::MarieAtEdf();
  const auto by_edf = world.Run(world.service().objections().LiftObjection(world.As("edf"), request));
  EXPECT_EQ(by_edf.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  ASSERT_TRUE(world.Lift("l1", {"edf"}).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person, "engie")), DECISION_DENY);
  // She may object again, and whoever registers later finds what is true now.
  ASSERT_TRUE(world.Lift("l2").ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(world.NewPerson("case-2", SimWorld::Marie()))), DECISION_PERMIT);
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o2")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
}

TEST(LiftObjection, OfAKnownPersonFindsHerOldAddress) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1")).ok());
  v1::LiftObjectionRequest request;
  request.set_request_id("l1");
  request.add_suppliers("edf");
  *request.mutable_identity() = SimWorld::MarieAtEdf();
  request.mutable_identity()->set_adresse("1 rue Neuve");
  *request.mutable_person() = person;
  const auto lifted = world.Run(world.service().objections().LiftObjection(world.As("ville-paris"), request));
  ASSERT_TRUE(lifted.ok()) << lifted.status();
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  // The old record's objection ends too: a new registration does not find it.
  EXPECT_EQ(world.Decision(SimWorld::CutFor(world.NewPerson("case-2", SimWorld::Marie()))), DECISION_PERMIT);
}

// As it is recorded, so it is lifted: who came without name and address need not give them.
TEST(LiftObjection, OfAKnownPersonWithoutNameOrAddress) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordObjectionRequest objection;
  objection.set_request_id("o1");
  *objection.mutable_person() = person;
  ASSERT_TRUE(world.Object(objection).ok());
  ASSERT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  v1::LiftObjectionRequest request;
  request.set_request_id("l1");
  request.add_suppliers("edf");
  const auto lift = [&] {
    return world.Run(world.service().objections().LiftObjection(world.As("ville-paris"), request)).status();
  };
  EXPECT_EQ(rpc::ReasonOf(lift()), common::v1::ERROR_REASON_INVALID_FIELDS) << "of nobody";
  *request.mutable_person() = person;
  ASSERT_TRUE(lift().ok()) << lift();
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person, "engie")), DECISION_DENY);
  const size_t leaves = world.Leaves().size();
  ASSERT_TRUE(lift().ok());
  EXPECT_EQ(world.Leaves().size(), leaves);
}

// What a record of hers objects to is hers to lift as well, in its bucket too.
TEST(LiftObjection, OfAKnownPersonFindsHerRecords) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).ok());
  ASSERT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  v1::LiftObjectionRequest request;
  request.set_request_id("l1");
  request.add_suppliers("edf");
  *request.mutable_person() = person;
  ASSERT_TRUE(world.Run(world.service().objections().LiftObjection(world.As("ville-paris"), request)).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  EXPECT_EQ(world.Decision(SimWorld::CutFor(world.NewPerson("case-2", SimWorld::Marie()))), DECISION_PERMIT);
}

// Found by tests/fuzz: a delayed repetition lifted what she had objected to since, at another address.
TEST(LiftObjection, RepeatedLaterLiftsNothingSaidSince) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Lift("l1", {"edf"}, person).ok());
  ASSERT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Seconds(1));
  world.harness().sim().Skip(absl::Seconds(1));
  v1::RecordObjectionRequest since = SimWorld::ObjectionOf("o1", {"edf"});
  since.mutable_identity()->set_adresse("3 RUE NEUVE");
  *since.mutable_person() = person;
  ASSERT_TRUE(world.Object(since).ok());
  ASSERT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);

  const size_t leaves = world.Leaves().size();
  ASSERT_TRUE(world.Lift("l1", {"edf"}, person).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  EXPECT_EQ(world.Leaves().size(), leaves);
  ASSERT_TRUE(world.Lift("l2", {"edf"}, person).ok());
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
}

TEST(Objections, AreKeptThreeYearsAsDigests) {
  SimWorld world;
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).ok());
  world.harness().sim().RunFor(absl::Hours(24 * 366 * 3));
  // The digest's time is over (and so is the sample directory's, whose rules would deny anyway): nothing
  // attaches.
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_OBJECTION_RECORDED), 1u);
}

}  // namespace
}  // namespace relais::consent
