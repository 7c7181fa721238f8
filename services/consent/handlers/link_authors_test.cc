// No institution is the author, nor the addressee, of a leaf about somebody it has no record of (ADR 24).
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "services/consent/handlers/matches.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::Ref;
using testing::SimWorld;

v1::Traits Jeanne(int month = 4, int day = 12) {
  v1::Traits traits;
  traits.set_surname("Martin");
  traits.set_first_names("Jeanne Marie");
  traits.mutable_birth_date()->set_year(1961);
  traits.mutable_birth_date()->set_month(month);
  traits.mutable_birth_date()->set_day(day);
  traits.set_birthplace("Lyon");
  traits.set_address("12 bd. de l'Hôpital");
  traits.set_postal_code("75013");
  return traits;
}

void Follow(SimWorld& world) {
  OwnLeaves& own = world.service().own_leaves();
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    if (own.Concerns(followed)) {
      ASSERT_TRUE(world.Run(own.Apply(followed, true)).ok());
    }
  }
}

// Whoever has a record of a person, and whom an act was addressed to under that name, may read of her.
struct Known {
  std::map<std::string, std::set<std::string>> by_institution;  // → ids
  void Add(const std::string& institution, const Id128& id) {
    by_institution[institution].insert(id.ToBytes());
  }
  bool Knows(const std::string& institution, const std::string& id) const {
    const auto found = by_institution.find(institution);
    return found != by_institution.end() && found->second.contains(id);
  }
};

int ExpectNoneOfTheUnknown(SimWorld& world, const Known& known) {
  int by_the_registry = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    const std::string& id = leaf.details.subject().id();
    if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
      continue;
    }
    const std::string& author = leaf.leaf.header.institution();
    by_the_registry += author == "service/consent" ? 1 : 0;
    for (const std::string& reader : {author, leaf.details.recipient().institution()}) {
      if (!reader.empty() && !reader.starts_with("service/")) {
        EXPECT_TRUE(known.Knows(reader, id))
            << reader << " reads " << audit::v1::EventClass_Name(leaf.leaf.header.event_class());
      }
    }
  }
  return by_the_registry;
}

TEST(LinkAuthors, AnActUnderOneNameTellsNoInstitutionOfAnother) {
  SimWorld world;
  const Ref ville = world.Register("r1", "V-1", Jeanne())->person();
  const Ref caf = world.Register("r2", "C-1", Jeanne(), "caf")->person();
  Known known;
  known.Add("ville-paris", world.IdOf(ville));
  known.Add("caf", world.IdOf(caf, "caf"));
  known.Add("aphp", world.IdOf(ville));  // the emergency is addressed to it under that name
  Follow(world);
  Store& store = world.service().registry().store;
  ASSERT_EQ(store.GroupOf(world.IdOf(ville))->size(), 2u) << "linked at once";
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(ville, "c1")).ok());
  ASSERT_TRUE(testing::Refuse(world, ville, "x1").ok());
  const auto withdrawn = world.WithdrawAll(ville, "w1");
  ASSERT_TRUE(withdrawn.ok());
  v1::RecordObjectionRequest objection = SimWorld::ObjectionOf("o1", {"edf"});
  *objection.mutable_identity() = v1::RecordIdentity();
  objection.mutable_identity()->set_nom("Martin");
  objection.mutable_identity()->set_prenoms("Jeanne Marie");
  objection.mutable_identity()->set_adresse("12 bd. de l'Hôpital");
  objection.mutable_identity()->set_code_postal("75013");
  *objection.mutable_person() = ville;
  ASSERT_TRUE(world.Object(objection).ok());
  v1::DeclareRequest declare;
  declare.set_request_id("d1");
  *declare.mutable_person() = ville;
  declare.mutable_recipient()->set_institution("aphp");
  declare.add_categories("IDENTITY");
  declare.set_facts("inconsciente");
  declare.set_person_unable(true);
  declare.set_danger_serious(true);
  ASSERT_TRUE(world.Run(world.service().emergencies().Declare(world.As("ville-paris"), declare)).ok());
  v1::RestrictRequest restrict;
  restrict.set_request_id("q1");
  *restrict.mutable_person() = ville;
  ASSERT_TRUE(world.Run(world.service().rights().Restrict(world.As("ville-paris"), restrict)).ok());
  v1::GetWithdrawalStatusRequest status;
  *status.mutable_person() = ville;
  status.set_withdrawal_id(withdrawn->withdrawal_id());
  EXPECT_TRUE(
      world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("ville-paris"), status)).ok());
  const rpc::Call steward = world.As("ville-paris", "steward");
  v1::GetLinkImpactRequest impact;
  *impact.mutable_person() = ville;
  const auto shown = world.Run(world.service().links().GetLinkImpact(steward, impact));
  ASSERT_TRUE(shown.ok()) << shown.status();
  ASSERT_EQ(shown->links_size(), 1);
  EXPECT_GT(ExpectNoneOfTheUnknown(world, known), 5);
  // Nor by the split, nor by an erasure of both.
  const auto split = testing::Split(world, shown->links(0).link_id());
  ASSERT_TRUE(split.ok()) << split.status();
  ExpectNoneOfTheUnknown(world, known);
}

TEST(LinkAuthors, AnErasureTellsNoInstitutionOfAnotherName) {
  SimWorld world;
  const Ref ville = world.Register("r1", "V-1", Jeanne())->person();
  const Ref caf = world.Register("r2", "C-1", Jeanne(), "caf")->person();
  Known known;
  known.Add("ville-paris", world.IdOf(ville));
  known.Add("caf", world.IdOf(caf, "caf"));
  Follow(world);
  ASSERT_EQ(world.service().registry().store.GroupOf(world.IdOf(ville))->size(), 2u);
  ASSERT_TRUE(testing::Erase(world, ville).ok());
  size_t requested = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() != audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
      continue;
    }
    ++requested;
    if (leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON &&
        leaf.details.subject().id() == world.IdOf(caf, "caf").ToBytes()) {
      EXPECT_EQ(leaf.leaf.header.institution(), "service/consent");
    }
  }
  EXPECT_GE(requested, 2u);
}

// A steward compares, confirms and undoes between two whom her own institution does not know.
TEST(LinkAuthors, AStewardOfAThirdInstitution) {
  SimWorld world;
  const Ref emmaus = world.Register("r1", "E-1", Jeanne(1, 1), "emmaus")->person();
  const Ref caf = world.Register("r2", "C-1", Jeanne(1, 1), "caf")->person();
  Known known;
  known.Add("emmaus", world.IdOf(emmaus, "emmaus"));
  known.Add("caf", world.IdOf(caf, "caf"));
  Follow(world);
  const rpc::Call steward = world.As("ville-paris", "steward");
  const auto listed = world.Run(world.service().candidates().ListCandidates(steward, {}));
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->candidates_size(), 1);
  v1::ConfirmMatchRequest confirm;
  confirm.set_request_id("k1");
  confirm.set_candidate_id(listed->candidates(0).candidate_id());
  confirm.set_want_proof(true);
  const auto confirmed = world.Run(world.service().candidates().ConfirmMatch(steward, confirm));
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  ExpectNoneOfTheUnknown(world, known);
  // Her own DPO reads of both acts, and of nobody; and the proof she keeps opens no id.
  int of_her_own = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    of_her_own += leaf.leaf.header.institution() == "ville-paris" ? 1 : 0;
    if (leaf.index == confirmed->written().proof().leaf_index()) {
      EXPECT_EQ(leaf.leaf.header.event_class(), audit::v1::EVENT_CLASS_CANDIDATE_DECIDED);
      EXPECT_EQ(leaf.leaf.header.institution(), "ville-paris");
    }
  }
  EXPECT_EQ(of_her_own, 2);
}

TEST(LinkAuthors, HerHistoryNamesWhoDeclaredAnEmergencyUnderAnotherName) {
  SimWorld world;
  const testing::Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c0")).ok());  // who reads her history for her
  const auto merged = testing::Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  v1::DeclareRequest declare;
  declare.set_request_id("d1");
  *declare.mutable_person() = two.b;
  declare.mutable_recipient()->set_institution("aphp");
  declare.add_categories("IDENTITY");
  declare.set_facts("inconsciente");
  declare.set_person_unable(true);
  declare.set_danger_serious(true);
  ASSERT_TRUE(world.Run(world.service().emergencies().Declare(world.As("ville-paris"), declare)).ok());
  const auto sender = [&](const Ref& name) {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = name;
    const auto listed =
        world.Run(world.service().disclosures().ListDisclosures(world.As("ville-paris"), request));
    SimWorld::Require(listed.status());
    for (const v1::Disclosure& entry : listed->disclosures()) {
      if (entry.kind() == v1::DISCLOSURE_KIND_EMERGENCY) {
        return entry.sender().institution();
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(sender(two.a), "ville-paris");
  EXPECT_EQ(sender(two.b), "ville-paris");
}

}  // namespace
}  // namespace relais::consent
