#include "services/consent/handlers/agreement_handlers.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

std::string FieldOf(const absl::Status& status) { return std::string(status.message()); }

TEST(RecordConsent, AnInstitutionCannotTakeTheRequestIdOfAService) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "relais.test/alerting/1:7:1")).ok());
  v1::RecordConsentRequest request =
      SimWorld::ConsentFor(world.RawRef(world.IdOf(person)), "relais.test/alerting/1:7:1");
  request.mutable_lines(0)->set_categories(0, "ADDRESS");
  *request.mutable_acting() = SimWorld::Acting("ville-paris");
  const auto run = [&] {
    return world.Run(world.service().agreements().RecordConsent(world.AsService("alerting"), request));
  };
  const auto recorded = run();
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  // Its own repetition still finds it.
  const auto again = run();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->consent_id(), recorded->consent_id());
}

TEST(RecordConsent, PermitsFromThenOnAndSaysSoInTheLog) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  request.set_want_proof(true);
  const auto response = world.Record(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->consent_id().size(), 32u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  // The receipt is proved offline, and its leaf says what she agreed to.
  const auto verified = audit::VerifyProof(response->written().proof(), {world.harness().verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  ASSERT_TRUE(verified->details.has_value());
  v1::ConsentRecorded recorded;
  ASSERT_TRUE(verified->details->payload().UnpackTo(&recorded));
  EXPECT_EQ(recorded.consent().consent_id(), response->consent_id());
  EXPECT_EQ(recorded.consent().collector().institution(), "ville-paris");
  EXPECT_EQ(recorded.consent().notice().language(), "fr");
  EXPECT_EQ(recorded.consent().valid_until().seconds(),
            absl::ToUnixSeconds(testing::StoryStart() + absl::Hours(24 * 365)));
}

// What the rules of the fields allow is more than a leaf holds; what is recorded fits one.
TEST(RecordConsent, AndItsWithdrawalFitALeaf) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  const v1::ConsentLine line = [&request] {
    v1::ConsentLine longest = request.lines(0);
    while (longest.recipients_size() < 50) {
      longest.add_recipients()->set_kind("DEPARTEMENT_SOCIAL");
    }
    return longest;
  }();
  request.clear_lines();
  while (request.lines_size() < 50) {
    *request.add_lines() = line;
  }
  const auto refused = world.Record(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(FieldOf(refused.status()).find("lines"), std::string::npos) << refused.status();
  while (request.ByteSizeLong() > 39'000) {
    request.mutable_lines()->RemoveLast();
  }
  EXPECT_TRUE(world.Record(request).ok());
  // More agreements than a leaf could name.
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "n" + std::to_string(i))).ok());
  }
  const auto withdrawn = world.WithdrawAll(person, "w1");
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->consent_ids_size(), 601);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

// ---- ADR 76: what may fill her file, and what always has room

absl::Status RefuseAtLength(SimWorld& world, const common::v1::PersonRef& person, const std::string& id,
                            int recipients) {
  v1::RecordRefusalRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  for (int i = 0; i < recipients; ++i) {
    request.add_lines()->add_recipients()->set_institution("emmaus");
  }
  return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request)).status();
}

v1::RecordConsentRequest AtLength(v1::RecordConsentRequest request) {
  v1::ConsentLine line = request.lines(0);
  while (line.recipients_size() < 50) {
    line.add_recipients()->set_kind("DEPARTEMENT_SOCIAL");
  }
  while (request.ByteSizeLong() < 36'000) {
    *request.add_lines() = line;
  }
  return request;
}

// Until there is no room for another no of that many recipients.
absl::Status FillWithNoes(SimWorld& world, const common::v1::PersonRef& person, int recipients) {
  absl::Status last;
  for (int i = 0; last.ok() && i < 500; ++i) {
    last =
        RefuseAtLength(world, person, "f" + std::to_string(recipients) + "-" + std::to_string(i), recipients);
  }
  EXPECT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  EXPECT_EQ(rpc::ReasonOf(last), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_NE(last.message().find("`lines`"), std::string::npos) << last;
  return last;
}

void FillWithLongNoes(SimWorld& world, const common::v1::PersonRef& person) {
  for (const int recipients : {4000, 400, 90}) {
    ASSERT_FALSE(FillWithNoes(world, person, recipients).ok());
  }
}

// Her history as `change` makes it, whatever its room: as an earlier build may have left it.
void Put(SimWorld& world, const common::v1::PersonRef& person,
         const std::function<void(PersonState&, absl::Time)>& change) {
  const Id128 id = world.IdOf(person);
  Store& store = world.service().registry().store;
  const auto own = store.LoadOwn(id);
  SimWorld::Require(own.status());
  PersonState state = *own->state;
  change(state, state.InstantOfNext(world.log().Now()));
  absl::StatusOr<storage::Mutation> mutation = store.WriteState(id, state, Store::Room::kLinks);
  SimWorld::Require(mutation.status());
  storage::CommitRequest commit;
  commit.partition = PersonPartition(id);
  commit.batch.push_back(*std::move(mutation));
  SimWorld::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  world.Restart();
}

// So many bytes of lines, about nobody else here.
std::vector<Line> LinesOf(size_t bytes) {
  Line line;
  line.recipients.push_back({"emmaus", ""});
  return std::vector<Line>(bytes / 12, line);
}

// Her file has so many KiB then, but for less than 1 KiB.
void FillTo(SimWorld& world, const common::v1::PersonRef& person, size_t kib) {
  const Id128 denial = world.context().random.Id();
  Put(world, person, [&](PersonState& state, absl::Time now) {
    const size_t bytes = StoredFrom(state, true).ByteSizeLong();
    state.Add(Denial{denial, Denial::Kind::kRefusal, now, std::nullopt, LinesOf((kib << 10) - bytes - 500)});
  });
}

void PutAgreement(SimWorld& world, const common::v1::PersonRef& person, size_t bytes) {
  const Id128 id = world.context().random.Id();
  Put(world, person, [&](PersonState& state, absl::Time now) {
    Agreement agreement;
    agreement.id = id;
    agreement.at = now;
    agreement.recorded = now;
    agreement.valid_from = now;
    agreement.valid_until = now + absl::Hours(24 * 300);
    agreement.lines = Lines(LinesOf(bytes));
    agreement.collector = "ville-paris";
    state.Add(std::move(agreement));
  });
}

absl::Status RestrictAt(SimWorld& world, const common::v1::PersonRef& person, const std::string& id) {
  v1::RestrictRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  return world.Run(world.service().rights().Restrict(world.As("ville-paris"), request)).status();
}

absl::Status UnrestrictAt(SimWorld& world, const common::v1::PersonRef& person, const std::string& id) {
  v1::UnrestrictRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  request.mutable_informed_on()->set_year(2026);
  request.mutable_informed_on()->set_month(11);
  request.mutable_informed_on()->set_day(2);
  return world.Run(world.service().rights().Unrestrict(world.As("ville-paris"), request)).status();
}

absl::Status RefuseAll(SimWorld& world, const common::v1::PersonRef& person, const std::string& id) {
  v1::RecordRefusalRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  request.add_lines();
  return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request)).status();
}

absl::Status WithdrawNumber(SimWorld& world, const common::v1::PersonRef& person, const std::string& id,
                            const std::string& consent, const std::string& category = "") {
  v1::WithdrawConsentRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  request.set_consent_id(consent);
  if (!category.empty()) {
    request.add_lines()->add_categories(category);
  }
  return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request)).status();
}

absl::Status DeclareFor(SimWorld& world, const common::v1::PersonRef& person, const std::string& id) {
  v1::DeclareRequest request;
  request.set_request_id(id);
  *request.mutable_person() = person;
  request.mutable_recipient()->set_institution("caf");
  request.add_categories("IDENTITY");
  request.set_facts("Inconsciente, seule au domicile.");
  request.set_person_unable(true);
  request.set_danger_serious(true);
  return world.Run(world.service().emergencies().Declare(world.As("ville-paris"), request)).status();
}

constexpr auto kFull = absl::StatusCode::kResourceExhausted;

// Who says long noes, which takes no capability, keeps nobody from agreeing, nor from being helped.
TEST(RoomInHerFile, LongNoesStopBeforeWhatLets) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  FillWithLongNoes(world, person);
  v1::RecordRefusalRequest many;  // lines of nothing, of which each takes room all the same
  many.set_request_id("many");
  *many.mutable_person() = person;
  while (many.lines_size() < 2000) {
    many.add_lines();
  }
  EXPECT_EQ(
      world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), many)).status().code(),
      kFull);
  EXPECT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  ASSERT_FALSE(FillWithNoes(world, person, 80).ok());
  const absl::Status agreed = world.Record(SimWorld::ConsentFor(person, "c2")).status();
  EXPECT_EQ(agreed.code(), kFull) << agreed;
  EXPECT_NE(agreed.message().find("agreements"), std::string::npos) << agreed;
  EXPECT_TRUE(DeclareFor(world, person, "e1").ok());
}

TEST(RoomInHerFile, AShortNoAndAnObjectionHaveItWhenItIsFull) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  FillWithLongNoes(world, person);
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  ASSERT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_PERMIT);
  const auto objected = world.Object(SimWorld::ObjectionOf("o1"));
  ASSERT_TRUE(objected.ok()) << objected.status();
  EXPECT_EQ(world.Decision(SimWorld::CutFor(person)), DECISION_DENY);
  v1::WithdrawConsentRequest at_caf;
  at_caf.set_request_id("w1");
  *at_caf.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  at_caf.add_lines();
  const auto withdrawn = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), at_caf));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  EXPECT_TRUE(RefuseAtLength(world, person, "r1", 85).ok());
  EXPECT_EQ(RefuseAtLength(world, person, "long", 90).code(), absl::StatusCode::kResourceExhausted);
  // When short ones have filled theirs, an objection, a restriction and a no to everything still have some.
  ASSERT_FALSE(FillWithNoes(world, person, 80).ok());
  EXPECT_TRUE(RestrictAt(world, person, "x1").ok());
  EXPECT_TRUE(world.Lift("l1", {"edf"}, person).ok());
  EXPECT_TRUE(RefuseAll(world, person, "r2").ok());
}

// What she agreed to at length is taken back by its number in a full file too; again and again it is not. Nor
// is that used up by who takes a part of it back.
TEST(RoomInHerFile, ForTheWithdrawalOfEachAgreementByItsNumber) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(AtLength(SimWorld::ConsentFor(person, "c1")));
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  ASSERT_TRUE(WithdrawNumber(world, person, "w0", agreed->consent_id(), "ADDRESS").ok());
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  FillWithLongNoes(world, person);
  ASSERT_FALSE(FillWithNoes(world, person, 80).ok());
  EXPECT_TRUE(WithdrawNumber(world, person, "w1", agreed->consent_id()).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  EXPECT_EQ(WithdrawNumber(world, person, "w2", agreed->consent_id()).code(), kFull) << "says nothing new";
  EXPECT_TRUE(world.WithdrawAll(person, "w3").ok());
}

// However full: a withdrawal takes no more than was kept for it.
TEST(RoomInHerFile, ForWithdrawalsBeyondEveryRoom) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  std::vector<std::string> agreed;
  for (int i = 0; i < 40; ++i) {
    const auto response = world.Record(SimWorld::ConsentFor(person, "c" + std::to_string(i)));
    ASSERT_TRUE(response.ok()) << response.status();
    agreed.push_back(response->consent_id());
  }
  FillTo(world, person, 857);
  EXPECT_EQ(RefuseAtLength(world, person, "s1", 1).code(), kFull);
  for (size_t i = 0; i < agreed.size() / 2; ++i) {
    ASSERT_TRUE(WithdrawNumber(world, person, "w" + std::to_string(i), agreed[i]).ok()) << i;
  }
}

// A no to everything is always said once, and once more after each yes.
TEST(RoomInHerFile, ForANoToEverythingThatSaysSomethingNew) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  FillTo(world, person, 701);
  EXPECT_EQ(RefuseAtLength(world, person, "s1", 1).code(), kFull);
  EXPECT_TRUE(RefuseAll(world, person, "r1").ok());
  EXPECT_EQ(RefuseAll(world, person, "r2").code(), kFull) << "it stands";
  EXPECT_TRUE(world.WithdrawAll(person, "w1").ok()) << "of another kind";
  EXPECT_EQ(world.WithdrawAll(person, "w2").status().code(), kFull);
  ASSERT_TRUE(DeclareFor(world, person, "e1").ok());
  EXPECT_TRUE(RefuseAll(world, person, "r3").ok());
  v1::RecordRefusalRequest filler;  // covers everything, and takes as much room as one likes
  filler.set_request_id("r4");
  *filler.mutable_person() = world.NewPerson("case-2");
  FillTo(world, filler.person(), 701);
  filler.add_lines();
  for (int i = 0; i < 100; ++i) {
    filler.add_lines()->add_recipients()->set_institution("emmaus");
  }
  EXPECT_EQ(
      world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), filler)).status().code(),
      kFull);
}

// What ends one stops first, so that what stands is a no.
TEST(RoomInHerFile, ForANoAndNotForItsEnd) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  FillTo(world, person, 735);
  EXPECT_TRUE(DeclareFor(world, person, "e1").ok());
  ASSERT_TRUE(RestrictAt(world, person, "x1").ok());
  EXPECT_TRUE(UnrestrictAt(world, person, "u1").ok());
  FillTo(world, person, 745);
  ASSERT_TRUE(RestrictAt(world, person, "x2").ok());
  EXPECT_EQ(UnrestrictAt(world, person, "u2").code(), kFull);
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1", {"edf"})).ok());
  EXPECT_EQ(world.Lift("l1", {"edf"}, person).status().code(), kFull);
  FillTo(world, person, 832);
  const common::v1::PersonRef at_caf = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  v1::RestrictRequest theirs;
  theirs.set_request_id("x3");
  *theirs.mutable_person() = at_caf;
  EXPECT_TRUE(world.Run(world.service().rights().Restrict(world.As("caf"), theirs)).ok());
  EXPECT_TRUE(RefuseAll(world, person, "r1").ok());
}

// An earlier build kept nothing for withdrawals.
TEST(RoomInHerFile, ANoToAFileOfAnEarlierBuildIsJudgedByItsBytes) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  PutAgreement(world, person, size_t{300} << 10);
  FillTo(world, person, 650);  // 950 with its withdrawal
  EXPECT_TRUE(RefuseAtLength(world, person, "s1", 80).ok());
  EXPECT_EQ(world.Record(SimWorld::ConsentFor(person, "c2")).status().code(), kFull);
  EXPECT_TRUE(RestrictAt(world, person, "x1").ok());
  EXPECT_TRUE(WithdrawNumber(world, person, "w1", agreed->consent_id()).ok());
  FillTo(world, person, 705);
  EXPECT_EQ(RefuseAtLength(world, person, "s2", 80).code(), kFull);
  EXPECT_TRUE(RefuseAll(world, person, "r1").ok());
}

TEST(RoomInHerFile, WhoHasMoreThanItsShareRenewsAndTakesBack) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  PutAgreement(world, person, size_t{250} << 10);
  const absl::Status another = world.Record(SimWorld::ConsentFor(person, "c2")).status();
  EXPECT_EQ(another.code(), kFull);
  EXPECT_NE(another.message().find("share"), std::string::npos) << another;
  v1::RenewConsentRequest renewal;
  renewal.set_request_id("n1");
  *renewal.mutable_person() = person;
  renewal.set_consent_id(agreed->consent_id());
  renewal.set_method(v1::METHOD_SIGNED_PAPER);
  renewal.mutable_notice()->set_id("notice-1");
  renewal.mutable_notice()->set_version("3");
  const auto renewed = world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renewal));
  EXPECT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_TRUE(WithdrawNumber(world, person, "w1", agreed->consent_id()).ok());
}

TEST(RoomInHerFile, OneInstitutionsAgreementsHaveAShareOfIt) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = AtLength(SimWorld::ConsentFor(person, ""));
  absl::Status last;
  for (int i = 0; last.ok() && i < 20; ++i) {
    request.set_request_id("c" + std::to_string(i));
    last = world.Record(request).status();
  }
  ASSERT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  EXPECT_NE(last.message().find("share"), std::string::npos) << last;
  const common::v1::PersonRef at_caf = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  const auto theirs = world.Run(
      world.service().agreements().RecordConsent(world.As("caf"), SimWorld::ConsentFor(at_caf, "t1")));
  EXPECT_TRUE(theirs.ok()) << theirs.status();
}

TEST(RecordConsent, HoldsAcrossARestart) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  world.Restart();
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Hours(24 * 366));
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

// What was recorded is repeated so much later, and what was tidied up by then is.
void ExpectRepetitionIsOne(absl::Duration later) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(first.ok()) << first.status();
  world.harness().sim().RunFor(later);
  SimWorld::Require(world.Run(world.maintenance().RunOnce()));
  world.Restart();
  const auto again = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 1u);
  v1::RecordConsentRequest other = SimWorld::ConsentFor(person, "c1");
  other.mutable_lines(0)->set_categories(0, "ADDRESS");
  EXPECT_EQ(rpc::ReasonOf(world.Record(other).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST(RecordConsent, RepetitionGivesTheSameAnswerAndOneLeaf) { ExpectRepetitionIsOne(absl::Seconds(3)); }

// A request id counts for seven days at least.
TEST(RecordConsent, RepetitionAfterSevenDaysIsStillOne) { ExpectRepetitionIsOne(absl::Hours(24 * 7 + 1)); }

TEST(RecordConsent, NamesWhatIsWrong) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto fails = [&](const std::function<void(v1::RecordConsentRequest&)>& change) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "bad");
    change(request);
    const auto response = world.Record(request);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument) << response.status();
    return FieldOf(response.status());
  };
  EXPECT_NE(fails([](auto& r) { r.clear_lines(); }).find("lines"), std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_purposes(); }).find("lines[0].purposes"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_categories(); }).find("lines[0].categories"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_recipients(); }).find("lines[0].recipients"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_acts(); }).find("lines[0].acts"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_purposes("FRAUD"); }).find("lines[0].purposes[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_categories("NOPE"); }).find("lines[0].categories[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.mutable_lines(0)->add_recipients()->set_institution("nope");
            }).find("lines[0].recipients[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.mutable_lines(0)->add_recipients()->set_kind("NOPE");
            }).find("recipients[1].kind"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_recipients(); }).find("recipients[1]"),
            std::string::npos);
  EXPECT_NE(
      fails([](auto& r) { r.mutable_lines(0)->add_categories("HEALTH"); }).find("lines[0].categories[1]"),
      std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.set_explicit_(true);
              r.mutable_lines(0)->add_categories("OFFENCE");
            }).find("lines[0].categories[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.set_method(v1::METHOD_SPOKEN_ON_SITE); }).find("source_reference"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_notice()->set_sha256("short"); }).find("notice.sha256"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_valid_from()->set_seconds(4102444800); }).find("valid_from"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_valid_until()->set_seconds(4102444800); }).find("valid_until"),
            std::string::npos);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 0u);
}

TEST(RecordConsent, SpecialCategoriesExplicitly) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  request.mutable_lines(0)->set_categories(0, "HEALTH");
  request.set_explicit_(true);
  ASSERT_TRUE(world.Record(request).ok());
  v1::CheckRequest check = SimWorld::CheckFor(person);
  check.set_categories(0, "HEALTH");
  EXPECT_EQ(world.Decision(check), DECISION_PERMIT);
}

TEST(RecordConsent, ABrigadesReportIsLimitedToItselfAndThreeMonths) {
  SimWorld world;
  const Id128 id = world.IdOf(world.NewPerson("case-1"));
  v1::RecordConsentRequest request = SimWorld::ConsentFor(world.RawRef(id), "c1");
  request.set_method(v1::METHOD_SPOKEN_ON_SITE);
  request.set_source_reference("BSPP-1");
  *request.mutable_acting() = SimWorld::Acting("bspp");
  const rpc::Call alerting = world.AsService("alerting");
  ASSERT_TRUE(world.Run(world.service().agreements().RecordConsent(alerting, request)).ok());
  v1::CheckRequest check = SimWorld::CheckFor(world.RawRef(id));
  const auto decide = [&] { return world.Run(world.service().checks().Check(alerting, check))->decision(); };
  EXPECT_EQ(decide(), DECISION_DENY);
  check.mutable_stated_ground()->set_ground(common::v1::GROUND_AGREEMENT);
  check.mutable_stated_ground()->set_source_reference("BSPP-1");
  EXPECT_EQ(decide(), DECISION_DENY);  // somebody else's reference of that name
  check.mutable_sender()->set_institution("bspp");
  EXPECT_EQ(decide(), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Hours(24 * 93));
  EXPECT_EQ(decide(), DECISION_DENY);
}

TEST(RecordConsent, UnknownPersonsAndForeignHandles) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  EXPECT_EQ(
      rpc::ReasonOf(world.Run(world.service().agreements().RecordConsent(world.As("caf"), request)).status()),
      common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  const Id128 nobody = world.harness().random().Id();
  *request.mutable_person() = rpc::HandleFor(world.context(), "ville-paris", nobody);
  EXPECT_EQ(rpc::ReasonOf(world.Record(request).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(RecordRefusal, DeniesWhateverWasAgreedBefore) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  v1::RecordRefusalRequest request;
  request.set_request_id("n1");
  *request.mutable_person() = person;
  request.add_lines()->add_categories("IDENTITY");
  const auto response =
      world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->refusal_id().size(), 32u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  const auto again = world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), response->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_REFUSAL_RECORDED), 1u);
  // In the same instant of a stopped clock a later agreement still comes after it.
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c2")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
}

// D-2.8: the person signs; nobody says no in her place.
TEST(Refusals, NobodySpeaksUnderCuratelleOrSauvegarde) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok());
  v1::RecordRefusalRequest refusal;
  *refusal.mutable_person() = person;
  refusal.add_lines();
  v1::WithdrawConsentRequest withdrawal;
  *withdrawal.mutable_person() = person;
  withdrawal.set_consent_id(agreed->consent_id());
  const auto refuse = [&](const std::string& id, v1::Representation by) {
    refusal.set_request_id(id);
    refusal.set_said_by(by);
    return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).status();
  };
  const auto withdraw = [&](const std::string& id, v1::Representation by) {
    withdrawal.set_request_id(id);
    withdrawal.set_said_by(by);
    return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), withdrawal))
        .status();
  };
  for (const v1::Representation by : {v1::REPRESENTATION_CURATELLE, v1::REPRESENTATION_SAUVEGARDE_JUSTICE,
                                      static_cast<v1::Representation>(99)}) {
    for (const absl::Status& status : {refuse("n1", by), withdraw("w1", by)}) {
      EXPECT_EQ(rpc::ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS);
      EXPECT_NE(FieldOf(status).find("said_by"), std::string::npos) << status;
    }
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_REFUSAL_RECORDED), 0u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  EXPECT_TRUE(withdraw("w2", v1::REPRESENTATION_TUTELLE).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

TEST(WithdrawConsent, ByAgreementByLinesAndAtAnyDesk) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(first.ok());
  // At CAF, which knows her by its own handle.
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  request.set_consent_id(first->consent_id());
  const auto response = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->consent_ids_size(), 1);
  EXPECT_EQ(response->consent_ids(0), first->consent_id());
  const auto named = [&] {
    v1::ConsentWithdrawn payload;
    bool found = false;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      found = leaf.details.payload().UnpackTo(&payload) || found;  // the last one
    }
    EXPECT_TRUE(found);
    return payload.consent_id();
  };
  EXPECT_EQ(named(), first->consent_id());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);

  const auto second = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  const auto all = world.WithdrawAll(person, "w2");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->consent_ids_size(), 2);
  EXPECT_EQ(named(), "");
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  const auto repeated = world.WithdrawAll(person, "w2");
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->SerializeAsString(), all->SerializeAsString());
}

TEST(WithdrawConsent, RefusesAnUnknownAgreementAndNothingAtAll) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = person;
  const auto run = [&] {
    return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request))
        .status()
        .code();
  };
  EXPECT_EQ(run(), absl::StatusCode::kInvalidArgument);
  request.set_consent_id(std::string(32, 'a'));
  EXPECT_EQ(run(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN), 0u);
}

TEST(Acts, LeaveNoTraceWhenTheyWereNotDurable) {
  auto options = SimWorld::DefaultOptions();
  auto armed = std::make_shared<bool>(false);
  options.store.crash_at = [armed](uint64_t at) { return *armed && at % 2 == 0; };  // before the commit
  SimWorld world(options);
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  *armed = true;
  EXPECT_EQ(world.Record(SimWorld::ConsentFor(person, "c1")).status().code(), absl::StatusCode::kUnavailable);
  world.Restart();
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
}

}  // namespace
}  // namespace relais::consent
