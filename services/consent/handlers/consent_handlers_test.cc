#include "services/consent/handlers/consent_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using ::testing::HasSubstr;
using testing::SimWorld;

constexpr absl::Duration kDay = absl::Hours(24);

v1::RenewConsentRequest RenewalOf(const common::v1::PersonRef& person, const std::string& consent_id,
                                  const std::string& request_id = "r1") {
  v1::RenewConsentRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_consent_id(consent_id);
  request.set_method(v1::METHOD_SIGNED_PAPER);
  request.mutable_notice()->set_id("notice-1");
  request.mutable_notice()->set_version("3");
  return request;
}

common::v1::Date Day(int year, int month, int day) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

struct Desk {
  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1");

  std::string Agrees(const std::string& request_id = "c1") {
    const auto response = world.Record(SimWorld::ConsentFor(person, request_id));
    SimWorld::Require(response.status());
    return response->consent_id();
  }
  auto Renew(const v1::RenewConsentRequest& request, const std::string& as = "ville-paris") {
    return world.Run(world.service().consents().RenewConsent(world.As(as), request));
  }
  absl::StatusOr<v1::Consent> Get(const std::string& id) {
    v1::GetConsentRequest request;
    *request.mutable_person() = person;
    request.set_consent_id(id);
    const auto response = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), request));
    if (!response.ok()) {
      return response.status();
    }
    return response->consent();
  }
  common::v1::Decision Decision() { return world.Decision(SimWorld::CheckFor(person)); }
};

// D-2.12: renewed, it permits after its first end, and one expiry is said, at the last.
TEST(RenewConsent, PermitsForLonger) {
  Desk desk;
  const std::string id = desk.Agrees();
  desk.world.harness().sim().RunFor(kDay * 300);
  const auto renewed = desk.Renew(RenewalOf(desk.person, id));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  const auto again = desk.Renew(RenewalOf(desk.person, id));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), renewed->SerializeAsString());
  EXPECT_EQ(desk.world.Count(audit::v1::EVENT_CLASS_CONSENT_RENEWED), 1u);
  desk.world.Restart();
  desk.world.harness().sim().RunFor(kDay * 100);
  EXPECT_EQ(desk.world.Run(desk.world.service().expiries().LookOnce()), 0);
  EXPECT_EQ(desk.Decision(), DECISION_PERMIT);
  const auto consent = desk.Get(id);
  ASSERT_TRUE(consent.ok()) << consent.status();
  EXPECT_EQ(consent->state(), v1::CONSENT_STATE_RENEWED);
  EXPECT_EQ(consent->renewals_size(), 1);
  EXPECT_EQ(consent->valid_until().seconds(), renewed->valid_until().seconds());
  desk.world.harness().sim().RunFor(kDay * 270);
  EXPECT_EQ(desk.world.Run(desk.world.service().expiries().LookOnce()), 1);
  EXPECT_EQ(desk.Decision(), DECISION_DENY);
  EXPECT_EQ(desk.Get(id)->state(), v1::CONSENT_STATE_EXPIRED);
}

TEST(RenewConsent, DoesNotUndoWhatSheTookBack) {
  Desk desk;
  const std::string id = desk.Agrees();
  v1::WithdrawConsentRequest withdrawal;
  withdrawal.set_request_id("w1");
  *withdrawal.mutable_person() = desk.person;
  withdrawal.set_consent_id(id);
  withdrawal.add_lines()->add_categories("ADDRESS");  // nothing that this agreement has
  ASSERT_TRUE(
      desk.world.Run(desk.world.service().agreements().WithdrawConsent(desk.world.As("caf"), withdrawal))
          .status()
          .code() != absl::StatusCode::kOk);  // another institution's handle
  ASSERT_TRUE(desk.world.WithdrawAll(desk.person, "w2").ok());
  const auto refused = desk.Renew(RenewalOf(desk.person, id));
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(desk.Decision(), DECISION_DENY);
  EXPECT_EQ(desk.Get(id)->state(), v1::CONSENT_STATE_WITHDRAWN);
}

TEST(RenewConsent, IsRefusedWithItsReason) {
  Desk desk;
  const std::string id = desk.Agrees();
  const std::string etag = desk.Get(id)->etag();
  v1::RenewConsentRequest stale = RenewalOf(desk.person, id);
  stale.set_etag(std::string(32, '0'));
  EXPECT_EQ(rpc::ReasonOf(desk.Renew(stale).status()), common::v1::ERROR_REASON_ETAG_MISMATCH);
  v1::RenewConsentRequest shorter = RenewalOf(desk.person, id);
  shorter.mutable_valid_until()->set_seconds(absl::ToUnixSeconds(testing::StoryStart() + kDay * 30));
  EXPECT_THAT(std::string(desk.Renew(shorter).status().message()), HasSubstr("valid_until"));
  v1::RenewConsentRequest on_site = RenewalOf(desk.person, id);
  on_site.set_method(v1::METHOD_SPOKEN_ON_SITE);
  EXPECT_THAT(std::string(desk.Renew(on_site).status().message()), HasSubstr("method"));
  v1::RenewConsentRequest by_other = RenewalOf(desk.person, id);
  by_other.mutable_representative()->set_kind(v1::REPRESENTATION_BOTH_PARENTS);
  EXPECT_THAT(std::string(desk.Renew(by_other).status().message()), HasSubstr("representative"));
  EXPECT_EQ(rpc::ReasonOf(desk.Renew(RenewalOf(desk.person, std::string(32, 'a'))).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // Another institution's desk did not collect it.
  v1::RenewConsentRequest elsewhere =
      RenewalOf(rpc::HandleFor(desk.world.context(), "caf", desk.world.IdOf(desk.person)), id);
  EXPECT_EQ(rpc::ReasonOf(desk.Renew(elsewhere, "caf").status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(desk.world.Count(audit::v1::EVENT_CLASS_CONSENT_RENEWED), 0u);
  v1::RenewConsentRequest good = RenewalOf(desk.person, id);
  good.set_etag(etag);
  EXPECT_TRUE(desk.Renew(good).ok());
  EXPECT_NE(desk.Get(id)->etag(), etag);
}

TEST(RenewConsent, NotForEver) {
  Desk desk;
  const std::string id = desk.Agrees();
  for (int i = 0; i < 100; ++i) {
    const auto renewed = desk.Renew(RenewalOf(desk.person, id, "r" + std::to_string(i)));
    ASSERT_TRUE(renewed.ok()) << i << ": " << renewed.status();
  }
  const auto refused = desk.Renew(RenewalOf(desk.person, id, "once more"));
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("too often"));
  EXPECT_EQ(desk.Decision(), DECISION_PERMIT);
  EXPECT_TRUE(desk.Renew(RenewalOf(desk.person, id, "r99")).ok()) << "a repetition is answered";
}

// ADR 69: one that does not read takes nothing of the others; what retention had no reason to take is
// missing.
TEST(ListConsents, GoesPastWhatDoesNotRead) {
  Desk desk;
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(desk.Agrees("c" + std::to_string(i)));
  }
  std::sort(ids.begin(), ids.end());
  storage::CommitRequest damage;
  damage.partition = PersonPartition(desk.world.IdOf(desk.person));
  damage.batch.push_back({ConsentKey(*Id128::FromHex(ids[0])), std::string(40, 'x')});
  damage.batch.push_back({ConsentKey(*Id128::FromHex(ids[2])), std::nullopt});
  ASSERT_TRUE(desk.world.Run(desk.world.context().store.Commit(std::move(damage))).ok());
  v1::ListConsentsRequest request;
  *request.mutable_person() = desk.person;
  request.set_page_size(1);
  std::vector<std::string> seen;
  uint32_t unreadable = 0;
  do {
    const auto response =
        desk.world.Run(desk.world.service().consents().ListConsents(desk.world.As("ville-paris"), request));
    ASSERT_TRUE(response.ok()) << response.status();
    for (const v1::Consent& consent : response->consents()) {
      seen.push_back(consent.consent_id());
    }
    unreadable += response->unreadable();
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ::testing::ElementsAre(ids[1], ids[3]));
  EXPECT_EQ(unreadable, 2u);
  EXPECT_EQ(desk.Get(ids[0]).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(desk.Get(ids[2]).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ListConsents, PagesAreStableAndOthersLeaveNoTrace) {
  Desk desk;
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(desk.Agrees("c" + std::to_string(i)));
  }
  // CAF collected others.
  v1::RecordConsentRequest theirs =
      SimWorld::ConsentFor(rpc::HandleFor(desk.world.context(), "caf", desk.world.IdOf(desk.person)), "t1");
  for (int i = 0; i < 5; ++i) {
    theirs.set_request_id("t" + std::to_string(i));
    ASSERT_TRUE(
        desk.world.Run(desk.world.service().agreements().RecordConsent(desk.world.As("caf"), theirs)).ok());
  }
  v1::ListConsentsRequest request;
  *request.mutable_person() = desk.person;
  request.set_page_size(3);
  std::vector<std::string> seen;
  for (int page = 0; page < 3; ++page) {
    const auto response =
        desk.world.Run(desk.world.service().consents().ListConsents(desk.world.As("ville-paris"), request));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->consents_size(), page < 2 ? 3 : 1);
    for (const v1::Consent& consent : response->consents()) {
      EXPECT_EQ(consent.collector().institution(), "ville-paris");
      seen.push_back(consent.consent_id());
    }
    request.set_page_token(response->next_page_token());
    EXPECT_EQ(response->next_page_token().empty(), page == 2);
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(ids));
  request.set_page_token("*");
  EXPECT_EQ(
      desk.world.Run(desk.world.service().consents().ListConsents(desk.world.As("ville-paris"), request))
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
  // A service reads all of them.
  v1::ListConsentsRequest all;
  *all.mutable_person() = desk.world.RawRef(desk.world.IdOf(desk.person));
  EXPECT_EQ(desk.world.Run(desk.world.service().consents().ListConsents(desk.world.AsService("vault"), all))
                ->consents_size(),
            12);
}

// Who acts for her finds what it may ask the receipt of: ids and states of what concerns it, nothing of the
// rest.
TEST(ListConsents, HerHostFindsWhatConcernsIt) {
  Desk desk;
  SimWorld& world = desk.world;
  const common::v1::PersonRef at_emmaus = rpc::HandleFor(world.context(), "emmaus", world.IdOf(desk.person));
  const auto agrees = [&](const std::string& request_id, const v1::Recipient& recipient,
                          common::v1::Act act) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(desk.person, request_id);
    *request.mutable_lines(0)->mutable_recipients(0) = recipient;
    request.mutable_lines(0)->set_acts(0, act);
    const auto recorded = world.Record(request);
    SimWorld::Require(recorded.status());
    return recorded->consent_id();
  };
  const auto list = [&] {
    v1::ListConsentsRequest request;
    *request.mutable_person() = at_emmaus;
    const auto listed = world.Run(world.service().consents().ListConsents(world.As("emmaus"), request));
    SimWorld::Require(listed.status());
    std::map<std::string, v1::Consent> by_id;
    for (const v1::Consent& consent : listed->consents()) {
      by_id.emplace(consent.consent_id(), consent);
    }
    return by_id;
  };
  const auto get = [&](const std::string& id) {
    v1::GetConsentRequest request;
    *request.mutable_person() = at_emmaus;
    request.set_consent_id(id);
    return world.Run(world.service().consents().GetConsent(world.As("emmaus"), request));
  };
  v1::Recipient emmaus;
  emmaus.set_institution("emmaus");
  v1::Recipient associations;
  associations.set_kind("ASSOCIATION");
  const std::string to_caf = desk.Agrees();
  const std::string to_emmaus = agrees("named", emmaus, common::v1::ACT_TRANSMIT);
  const std::string to_its_kind = agrees("kind", associations, common::v1::ACT_TRANSMIT);
  EXPECT_TRUE(list().empty()) << "to receive is not to act for her";
  EXPECT_TRUE(absl::IsNotFound(get(to_emmaus).status()));

  const std::string hosts = agrees("host", associations, common::v1::ACT_HOST);
  const auto listed = list();
  ASSERT_EQ(listed.size(), 2U);
  ASSERT_TRUE(listed.contains(to_emmaus) && listed.contains(hosts));
  EXPECT_TRUE(absl::IsNotFound(get(to_caf).status()));
  EXPECT_TRUE(absl::IsNotFound(get(to_its_kind).status()));
  // Nothing but what names it.
  v1::Consent expected;
  const v1::Consent whole = *desk.Get(to_emmaus);
  expected.set_consent_id(to_emmaus);
  expected.set_state(v1::CONSENT_STATE_GIVEN);
  *expected.mutable_valid_from() = whole.valid_from();
  *expected.mutable_valid_until() = whole.valid_until();
  *expected.mutable_person() = at_emmaus;
  EXPECT_EQ(listed.at(to_emmaus).SerializeAsString(), expected.SerializeAsString());
  ASSERT_TRUE(get(to_emmaus).ok());
  EXPECT_EQ(get(to_emmaus)->consent().SerializeAsString(), expected.SerializeAsString());
  // She took one back: its state says so. She took the host's back: it is nobody's again.
  const auto withdraw = [&](const std::string& request_id, const std::string& id) {
    v1::WithdrawConsentRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = desk.person;
    request.set_consent_id(id);
    SimWorld::Require(
        world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request)).status());
  };
  withdraw("w1", to_emmaus);
  EXPECT_EQ(list().at(to_emmaus).state(), v1::CONSENT_STATE_WITHDRAWN);
  withdraw("w2", hosts);
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(absl::IsNotFound(get(hosts).status()));
}

// What a page costs is bounded: a history made to be long gives short ones, and all of it once.
TEST(ListConsents, OfALongLinkedHistoryInShortPages) {
  SimWorld world;
  const testing::Two<SimWorld> two(world);
  constexpr int kAgreements = 12;
  constexpr int kLines = 20;
  std::vector<std::string> ids;
  for (int i = 0; i < kAgreements; ++i) {
    v1::RecordConsentRequest agreement = SimWorld::ConsentFor(two.a, "c" + std::to_string(i));
    while (agreement.lines_size() < kLines) {
      *agreement.add_lines() = agreement.lines(0);
    }
    const auto recorded = world.Record(agreement);
    ASSERT_TRUE(recorded.ok()) << recorded.status();
    ids.push_back(recorded->consent_id());
    v1::RecordRefusalRequest refusal;
    refusal.set_request_id("n" + std::to_string(i));
    *refusal.mutable_person() = two.b;
    *refusal.mutable_lines() = agreement.lines();
    ASSERT_TRUE(world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).ok());
  }
  ASSERT_TRUE(testing::Merge(world, two.a, two.b).ok());
  v1::ListConsentsRequest request;
  *request.mutable_person() = two.a;
  std::vector<std::string> seen;
  int pages = 0;
  do {
    const auto response =
        world.Run(world.service().consents().ListConsents(world.As("ville-paris"), request));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_GT(response->consents_size(), 0);
    EXPECT_LT(response->consents_size(), kAgreements / 2);
    for (const v1::Consent& consent : response->consents()) {
      EXPECT_EQ(consent.state(), v1::CONSENT_STATE_WITHDRAWN);
      seen.push_back(consent.consent_id());
    }
    request.set_page_token(response->next_page_token());
    ASSERT_LE(++pages, kAgreements);
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(ids));
}

// The same of lists as long as they may be, of which many noes are looked up together (together.h).
TEST(ListConsents, OfLongListsInShortPages) {
  Desk desk;
  constexpr int kAgreements = 3;
  constexpr int kValues = 50;
  constexpr int kActs = 10;
  constexpr int kRefusals = 8;
  constexpr int kNoes = 32;  // of each refusal
  for (int i = 0; i < kAgreements; ++i) {
    v1::RecordConsentRequest agreement = SimWorld::ConsentFor(desk.person, "c" + std::to_string(i));
    v1::ConsentLine& line = *agreement.mutable_lines(0);
    while (line.purposes_size() < kValues) {
      line.add_purposes(line.purposes(0));
      line.add_categories(line.categories(0));
      *line.add_recipients() = line.recipients(0);
    }
    while (line.acts_size() < kActs) {
      line.add_acts(line.acts(0));
    }
    *agreement.add_lines() = agreement.lines(0);
    const auto recorded = desk.world.Record(agreement);
    ASSERT_TRUE(recorded.ok()) << recorded.status();
  }
  const auto pages = [&desk] {
    v1::ListConsentsRequest request;
    *request.mutable_person() = desk.person;
    std::vector<int> sizes;
    do {
      const auto response =
          desk.world.Run(desk.world.service().consents().ListConsents(desk.world.As("ville-paris"), request));
      SimWorld::Require(response.status());
      sizes.push_back(response->consents_size());
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return sizes;
  };
  EXPECT_THAT(pages(), ::testing::ElementsAre(kAgreements)) << "there is no no to look for";
  for (int i = 0; i < kRefusals; ++i) {
    v1::RecordRefusalRequest refusal;
    refusal.set_request_id("n" + std::to_string(i));
    *refusal.mutable_person() = desk.person;
    while (refusal.lines_size() < kNoes) {
      refusal.add_lines()->add_categories("IDENTITY");
    }
    ASSERT_TRUE(
        desk.world.Run(desk.world.service().agreements().RecordRefusal(desk.world.As("ville-paris"), refusal))
            .ok());
  }
  EXPECT_THAT(pages(), ::testing::ElementsAre(1, 1, 1));
}

// api.md: a consent holds person, secrecy ground and event history.
TEST(GetConsent, HoldsWhoseOnWhatGroundAndWhatBecameOfIt) {
  Desk desk;
  const std::string id = desk.Agrees();
  const absl::StatusOr<v1::Consent> given = desk.Get(id);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->person().handle(), desk.person.handle());
  EXPECT_EQ(given->secrecy_ground(), common::v1::GROUND_AGREEMENT);
  ASSERT_EQ(given->events_size(), 1);
  EXPECT_EQ(given->events(0).state(), v1::CONSENT_STATE_GIVEN);
  desk.world.harness().sim().RunFor(kDay);
  ASSERT_TRUE(desk.Renew(RenewalOf(desk.person, id)).ok());
  desk.world.harness().sim().RunFor(kDay);
  const absl::Time before = desk.world.harness().clock().Now();
  ASSERT_TRUE(desk.world.WithdrawAll(desk.person, "w1").ok());
  const absl::StatusOr<v1::Consent> withdrawn = desk.Get(id);
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  ASSERT_EQ(withdrawn->events_size(), 3);
  EXPECT_EQ(withdrawn->events(1).state(), v1::CONSENT_STATE_RENEWED);
  EXPECT_EQ(withdrawn->events(1).at().seconds(), withdrawn->renewals(0).at().seconds());
  EXPECT_EQ(withdrawn->events(2).state(), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_GE(withdrawn->events(2).at().seconds(), absl::ToUnixSeconds(before));
  // Nothing of that is in the leaf, which whoever holds the receipt reads, but the ground.
  v1::ConsentRecorded recorded;
  for (const audit::OpenedLeaf& leaf : desk.world.Leaves()) {
    leaf.details.payload().UnpackTo(&recorded);
  }
  EXPECT_EQ(recorded.consent().consent_id(), id);
  EXPECT_EQ(recorded.consent().secrecy_ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_FALSE(recorded.consent().has_person());
  EXPECT_EQ(recorded.consent().events_size(), 0);
  // A service knows her by her id.
  v1::GetConsentRequest request;
  *request.mutable_person() = desk.world.RawRef(desk.world.IdOf(desk.person));
  request.set_consent_id(id);
  const auto raw =
      desk.world.Run(desk.world.service().consents().GetConsent(desk.world.AsService("vault"), request));
  ASSERT_TRUE(raw.ok()) << raw.status();
  EXPECT_EQ(raw->consent().person().person_id(), desk.world.IdOf(desk.person).ToBytes());
}

// ---- representatives, end to end (D-2.8, D-2.9)

// A renewal is in the capacity in which the agreement was given, whatever else would do for a new one.
TEST(Representatives, RenewInTheSameCapacityAlone) {
  SimWorld world;
  v1::Traits traits;
  traits.set_surname("Petit");
  *traits.mutable_birth_date() = Day(2016, 5, 20);
  const common::v1::PersonRef child = world.NewPerson("case-2", traits);
  v1::RecordConsentRequest request = SimWorld::ConsentFor(child, "c1");
  request.mutable_representative()->set_kind(v1::REPRESENTATION_ONE_PARENT);
  const auto recorded = world.Record(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  v1::RenewConsentRequest renewal = RenewalOf(child, recorded->consent_id());
  renewal.mutable_representative()->set_kind(v1::REPRESENTATION_BOTH_PARENTS);
  const auto renew = [&] {
    return world.Run(world.service().consents().RenewConsent(world.As("ville-paris"), renewal)).status();
  };
  EXPECT_EQ(rpc::ReasonOf(renew()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_THAT(std::string(renew().message()), HasSubstr("representative.kind"));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RENEWED), 0u);
  renewal.mutable_representative()->set_kind(v1::REPRESENTATION_ONE_PARENT);
  EXPECT_TRUE(renew().ok()) << renew();
}

// D-4.4a: without a birth date she counts as of age, and no parent speaks for her.
TEST(Representatives, NoParentOfWhoseAgeIsUnknown) {
  SimWorld world;
  v1::RecordConsentRequest request = SimWorld::ConsentFor(world.NewPerson("case-1"), "c1");
  request.mutable_representative()->set_kind(v1::REPRESENTATION_ONE_PARENT);
  EXPECT_THAT(std::string(world.Record(request).status().message()), HasSubstr("representative.kind"));
  v1::Traits traits;
  traits.set_surname("Petit");
  *traits.mutable_birth_date() = Day(2016, 1, 1);
  traits.set_birth_date_presumed(true);
  *request.mutable_person() = world.NewPerson("case-2", traits);
  EXPECT_TRUE(world.Record(request).ok());
}

TEST(Representatives, AMandateEndsTheAgreement) {
  Desk desk;
  v1::RecordConsentRequest request = SimWorld::ConsentFor(desk.person, "c1");
  v1::Representative* tutor = request.mutable_representative();
  tutor->set_kind(v1::REPRESENTATION_TUTELLE);
  const auto field = [&] { return std::string(desk.world.Record(request).status().message()); };
  EXPECT_THAT(field(), HasSubstr("representative.scope"));
  tutor->set_scope(v1::JUDGMENT_SCOPE_PERSON);
  EXPECT_THAT(field(), HasSubstr("representative.from"));
  *tutor->mutable_from() = Day(2025, 1, 1);
  EXPECT_THAT(field(), HasSubstr("representative.until"));
  *tutor->mutable_until() = Day(2026, 11, 31);
  EXPECT_THAT(field(), HasSubstr("representative.until"));
  *tutor->mutable_until() = Day(2026, 11, 30);
  EXPECT_THAT(field(), HasSubstr("representative.reference"));
  tutor->set_reference("TJ Paris 24/01234");
  const auto recorded = desk.world.Record(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_EQ(desk.Decision(), DECISION_PERMIT);
  // The 30th is its last day, in Paris: the story starts on the 3rd at 11 there.
  desk.world.harness().sim().RunFor(kDay * 27 + absl::Hours(12));
  EXPECT_EQ(desk.Decision(), DECISION_PERMIT);
  desk.world.harness().sim().RunFor(absl::Hours(1));
  EXPECT_EQ(desk.Decision(), DECISION_DENY);
  // It is said once, as an event, and is no longer in force for who reads it.
  EXPECT_EQ(desk.world.Run(desk.world.service().expiries().LookOnce()), 1);
  v1::ConsentExpired expired;
  ASSERT_TRUE(desk.world.Leaves().back().details.payload().UnpackTo(&expired));
  EXPECT_TRUE(expired.mandate());
  EXPECT_EQ(desk.Get(recorded->consent_id())->state(), v1::CONSENT_STATE_EXPIRED);
}

TEST(Representatives, AChildIsSpokenFor) {
  SimWorld world;
  v1::Traits traits;
  traits.set_surname("Petit");
  *traits.mutable_birth_date() = Day(2016, 5, 20);
  const common::v1::PersonRef child = world.NewPerson("case-2", traits);
  v1::RecordConsentRequest request = SimWorld::ConsentFor(child, "c1");
  EXPECT_THAT(std::string(world.Record(request).status().message()), HasSubstr("representative"));
  request.mutable_representative()->set_kind(v1::REPRESENTATION_NONE);
  EXPECT_THAT(std::string(world.Record(request).status().message()), HasSubstr("representative.kind"));
  request.mutable_representative()->set_kind(v1::REPRESENTATION_ONE_PARENT);
  ASSERT_TRUE(world.Record(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(child)), DECISION_PERMIT);
  // Her own no is not undone by a parent's yes, a parent's is.
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("n1");
  *refusal.mutable_person() = child;
  refusal.add_lines();
  refusal.set_said_by(v1::REPRESENTATION_ONE_PARENT);
  const auto refuse = [&] {
    return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).ok();
  };
  ASSERT_TRUE(refuse());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(child)), DECISION_DENY);
  request.set_request_id("c2");
  ASSERT_TRUE(world.Record(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(child)), DECISION_PERMIT);
  refusal.set_request_id("n2");
  refusal.set_said_by(v1::REPRESENTATION_UNSPECIFIED);
  ASSERT_TRUE(refuse());
  request.set_request_id("c3");
  ASSERT_TRUE(world.Record(request).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(child)), DECISION_DENY);
}

// D-2.12: terminated by its collector, invalidated by an authority.
TEST(Ends, OfACollectorsOrAnAuthoritys) {
  Desk desk;
  const std::string id = desk.Agrees();
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = desk.person;
  request.set_end(v1::CONSENT_END_INVALIDATED);
  const auto run = [&](const std::string& as = "ville-paris") {
    return desk.world.Run(desk.world.service().agreements().WithdrawConsent(desk.world.As(as), request));
  };
  EXPECT_THAT(std::string(run().status().message()), HasSubstr("consent_id"));
  request.set_consent_id(id);
  EXPECT_THAT(std::string(run().status().message()), HasSubstr("decision_reference"));
  request.set_decision_reference("CNIL SAN-2026-1");
  request.add_lines();
  EXPECT_THAT(std::string(run().status().message()), HasSubstr("lines"));
  request.clear_lines();
  v1::WithdrawConsentRequest mine = request;
  *request.mutable_person() = rpc::HandleFor(desk.world.context(), "caf", desk.world.IdOf(desk.person));
  EXPECT_EQ(rpc::ReasonOf(run("caf").status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  request = mine;
  request.set_end(v1::CONSENT_END_TERMINATED);
  ASSERT_TRUE(run().ok()) << run().status();
  EXPECT_EQ(desk.Decision(), DECISION_DENY);
  EXPECT_EQ(desk.Get(id)->state(), v1::CONSENT_STATE_TERMINATED);
  // An authority's word comes after the collector's, not twice.
  request.set_request_id("w2");
  request.set_end(v1::CONSENT_END_INVALIDATED);
  ASSERT_TRUE(run().ok());
  EXPECT_EQ(desk.Get(id)->state(), v1::CONSENT_STATE_INVALIDATED);
  request.set_request_id("w3");
  EXPECT_EQ(rpc::ReasonOf(run().status()), common::v1::ERROR_REASON_WRONG_STATE);
}

}  // namespace
}  // namespace relais::consent
