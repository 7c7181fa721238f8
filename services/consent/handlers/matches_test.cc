#include "services/consent/handlers/matches.h"

#include <gtest/gtest.h>

#include <map>

#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;
using Ref = common::v1::PersonRef;

constexpr auto kDeny = common::v1::DECISION_DENY;

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

// The follower of the registry's own log, leaf by leaf, from the first: what it does twice it does once.
void Follow(SimWorld& world) { world.Follow(world.service().own_leaves()); }

Ref Registered(SimWorld& world, const std::string& institution, const std::string& identifier,
               const v1::Traits& traits) {
  const auto response = world.Register("r-" + institution + identifier, identifier, traits, institution);
  SimWorld::Require(response.status());
  return response->person();
}

bool AreOne(SimWorld& world, const Id128& one, const Id128& other) {
  Store& store = world.service().registry().store;
  return store.LoadFresh(one)->RootFor(one) == store.LoadFresh(other)->RootFor(other);
}

rpc::Call Steward(SimWorld& world) { return world.As("ville-paris", "steward"); }

v1::ListCandidatesResponse List(SimWorld& world, const v1::ListCandidatesRequest& request = {}) {
  const auto listed = world.Run(world.service().candidates().ListCandidates(Steward(world), request));
  SimWorld::Require(listed.status());
  return *listed;
}

template <typename Request>
Request DecisionOn(const std::string& candidate, const std::string& request_id) {
  Request request;
  request.set_request_id(request_id);
  request.set_candidate_id(candidate);
  return request;
}

auto Confirm(SimWorld& world, const std::string& candidate, const std::string& request_id = "k1") {
  return world.Run(world.service().candidates().ConfirmMatch(
      Steward(world), DecisionOn<v1::ConfirmMatchRequest>(candidate, request_id)));
}
auto Reject(SimWorld& world, const std::string& candidate, const std::string& request_id = "j1") {
  return world.Run(world.service().candidates().RejectMatch(
      Steward(world), DecisionOn<v1::RejectMatchRequest>(candidate, request_id)));
}

TEST(Matching, TheSameHumanAtTwoInstitutionsIsLinkedAtOnce) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne());
  const Ref caf = Registered(world, "caf", "C-1", Jeanne());
  const Id128 v = world.IdOf(ville);
  const Id128 c = world.IdOf(caf, "caf");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(ville, "c1")).ok());
  EXPECT_FALSE(AreOne(world, v, c)) << "Register alone links nobody";
  Follow(world);
  EXPECT_TRUE(AreOne(world, v, c));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 2u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CANDIDATE_FOUND), 0u);
  // What she refuses at the CAF binds the Ville.
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("x1");
  *refusal.mutable_person() = caf;
  refusal.add_lines();
  ASSERT_TRUE(world.Run(world.service().agreements().RecordRefusal(world.As("caf"), refusal)).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(ville)), kDeny);
  Follow(world);  // twice is once
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 2u);
}

TEST(Matching, TheFollowerDoesItByItself) {
  SimWorld world;
  ASSERT_TRUE(world.service().Start().ok());
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne());
  const Ref caf = Registered(world, "caf", "C-1", Jeanne());
  world.harness().sim().RunFor(absl::Seconds(2));
  EXPECT_TRUE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf")));
  EXPECT_GE(world.service().own_follower().applied(), world.log().state().size);
  world.Run(world.service().Stop());
}

// The same answer, and the same work before it: whether or not anybody else knows her.
TEST(Matching, RegisterAnswersAlikeKnownOrUnknown) {
  SimWorld world;
  Registered(world, "caf", "C-1", Jeanne());
  Follow(world);
  const auto work = [&](const std::string& identifier, const v1::Traits& traits) {
    const uint64_t leaves = world.log().state().size;
    v1::RegisterRequest request;
    request.set_request_id("r-" + identifier);
    request.set_own_identifier(identifier);
    *request.mutable_traits() = traits;
    const auto response = world.Run(world.service().persons().Register(world.As("ville-paris"), request));
    EXPECT_TRUE(response.ok());
    return std::pair(world.log().state().size - leaves, response->ByteSizeLong());
  };
  v1::Traits unknown = Jeanne(5, 13);
  unknown.set_surname("Durant");
  const auto of_unknown = work("V-1", unknown);
  const auto of_known = work("V-2", Jeanne());
  EXPECT_EQ(of_known, of_unknown);
}

TEST(Matching, NotEnoughIsACandidateComparedWithinTheMandate) {
  SimWorld world;
  v1::Traits at_caf = Jeanne(1, 1);  // never at once
  at_caf.set_phone("0612345678");
  at_caf.set_address("3 rue Neuve");
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  const Ref caf = Registered(world, "caf", "C-1", at_caf);
  Follow(world);
  EXPECT_FALSE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf")));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CANDIDATE_FOUND), 2u) << "one about each";
  const v1::ListCandidatesResponse listed = List(world);
  ASSERT_EQ(listed.candidates_size(), 1);
  const v1::Candidate& candidate = listed.candidates(0);
  EXPECT_EQ(candidate.comparison().surname(), v1::TRAIT_COMPARISON_SAME);
  EXPECT_EQ(candidate.comparison().address(), v1::TRAIT_COMPARISON_DIFFERS);
  EXPECT_EQ(candidate.comparison().phone(), v1::TRAIT_COMPARISON_ABSENT);
  int own = 0;
  for (const v1::CandidateSide& side : candidate.sides()) {
    if (side.own_mandate()) {
      ++own;
      EXPECT_EQ(side.person().handle(), ville.handle());
      EXPECT_EQ(side.traits().address(), "12 bd. de l'Hôpital");
      EXPECT_EQ(side.own_identifier(), "V-1");
    } else {
      EXPECT_EQ(side.ByteSizeLong(), 0u) << "nothing of another mandate";
    }
  }
  EXPECT_EQ(own, 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CANDIDATE_COMPARED), 2u);
  Follow(world);
  EXPECT_EQ(List(world).candidates_size(), 1) << "found once";
}

// Pages as everywhere: 50 unless asked otherwise.
TEST(Matching, CandidatesInPagesOfFifty) {
  SimWorld world;
  constexpr int kPairs = 51;
  for (int i = 0; i < kPairs; ++i) {
    v1::Traits traits = Jeanne(1, 1);
    traits.set_surname(std::string("Martin") + static_cast<char>('a' + i / 26) +
                       static_cast<char>('a' + i % 26));
    Registered(world, "ville-paris", "V-" + std::to_string(i), traits);
    Registered(world, "caf", "C-" + std::to_string(i), traits);
  }
  Follow(world);
  v1::ListCandidatesRequest request;
  const v1::ListCandidatesResponse first = List(world, request);
  EXPECT_EQ(first.candidates_size(), 50);
  ASSERT_FALSE(first.next_page_token().empty());
  request.set_page_token(first.next_page_token());
  const v1::ListCandidatesResponse second = List(world, request);
  EXPECT_EQ(second.candidates_size(), 1);
  EXPECT_TRUE(second.next_page_token().empty());
  request.clear_page_token();
  request.set_page_size(1000);
  EXPECT_EQ(List(world, request).candidates_size(), kPairs);
  request.set_at_least_as_fresh(world.log().Revision(world.log().state().size + 1));
  EXPECT_EQ(
      rpc::ReasonOf(world.Run(world.service().candidates().ListCandidates(Steward(world), request)).status()),
      common::v1::ERROR_REASON_PEER_BEHIND);
}

TEST(Matching, ConfirmedIsLinkedRejectedIsRemembered) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne(12, 31));
  const Ref caf = Registered(world, "caf", "C-1", Jeanne(12, 31));
  const Ref emmaus = Registered(world, "emmaus", "E-1", Jeanne(12, 31));
  Follow(world);
  const v1::ListCandidatesResponse listed = List(world);
  ASSERT_EQ(listed.candidates_size(), 3) << "each with each";
  const std::string first = listed.candidates(0).candidate_id();
  const std::string second = listed.candidates(1).candidate_id();
  const auto confirmed = Confirm(world, first);
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  const auto again = Confirm(world, first);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), confirmed->SerializeAsString());
  EXPECT_EQ(rpc::ReasonOf(Reject(world, first).status()), common::v1::ERROR_REASON_WRONG_STATE);
  const auto rejected = Reject(world, second, "j2");
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  EXPECT_EQ(rpc::ReasonOf(Confirm(world, second, "k2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Confirm(world, std::string(32, '0'), "k3").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(List(world).candidates_size(), 1);
  int about_somebody = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    about_somebody += leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_CANDIDATE_DECIDED &&
                              leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON
                          ? 1
                          : 0;
  }
  EXPECT_EQ(about_somebody, 4) << "of two institutions the Ville does not know, one more is about nobody";
  const std::vector<Id128> all = {world.IdOf(ville), world.IdOf(caf, "caf"), world.IdOf(emmaus, "emmaus")};
  const int pairs =
      AreOne(world, all[0], all[1]) + AreOne(world, all[0], all[2]) + AreOne(world, all[1], all[2]);
  EXPECT_EQ(pairs, 1);
  Follow(world);
  EXPECT_EQ(List(world).candidates_size(), 1) << "nothing is proposed again";
}

TEST(Matching, ARejectedPairIsNeverLinkedAtOnceLater) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  const Ref caf = Registered(world, "caf", "C-1", Jeanne(1, 1));
  Follow(world);
  ASSERT_TRUE(Reject(world, List(world).candidates(0).candidate_id()).ok());
  // Both are rectified to the same exact day: alike enough, were it not for what the steward said.
  for (const auto& [institution, person] : {std::pair("ville-paris", ville), std::pair("caf", caf)}) {
    v1::RectifyRequest rectify;
    rectify.set_request_id("y1");
    *rectify.mutable_person() = person;
    *rectify.mutable_traits()->mutable_birth_date() = Jeanne().birth_date();
    const auto done = world.Run(world.service().record_rights().Rectify(world.As(institution), rectify));
    ASSERT_TRUE(done.ok()) << done.status();
  }
  Follow(world);
  EXPECT_FALSE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf")));
  EXPECT_EQ(List(world).candidates_size(), 0);
}

TEST(Matching, ARectifiedRecordIsMatchedByWhatItSaysNow) {
  SimWorld world;
  v1::Traits wrong = Jeanne();
  wrong.set_surname("Dupont");
  wrong.set_first_names("Paul");
  const Ref ville = Registered(world, "ville-paris", "V-1", wrong);
  const Ref caf = Registered(world, "caf", "C-1", Jeanne());
  Follow(world);
  ASSERT_FALSE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf")));
  v1::RectifyRequest rectify;
  rectify.set_request_id("y1");
  *rectify.mutable_person() = ville;
  rectify.mutable_traits()->set_surname("Martin");
  rectify.mutable_traits()->set_first_names("Jeanne Marie");
  ASSERT_TRUE(world.Run(world.service().record_rights().Rectify(world.As("ville-paris"), rectify)).ok());
  Follow(world);
  EXPECT_TRUE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf")));
}

TEST(Matching, ASplitPairIsNotLinkedAgainByItself) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne());
  const Ref caf = Registered(world, "caf", "C-1", Jeanne());
  Follow(world);
  const Id128 v = world.IdOf(ville);
  const Id128 c = world.IdOf(caf, "caf");
  v1::GetLinkImpactRequest of;
  *of.mutable_person() = ville;
  const auto impact = world.Run(world.service().links().GetLinkImpact(Steward(world), of));
  ASSERT_TRUE(impact.ok()) << impact.status();
  ASSERT_EQ(impact->links_size(), 1);
  EXPECT_EQ(impact->links(0).cause(), v1::LINK_CAUSE_TRAITS);
  v1::SplitRequest split;
  split.set_request_id("s1");
  split.set_link_id(impact->links(0).link_id());
  ASSERT_TRUE(world.Run(world.service().links().Split(Steward(world), split)).ok());
  Follow(world);
  ASSERT_TRUE(world.Register("r2", "C-1", Jeanne(), "caf").ok());
  Follow(world);
  EXPECT_FALSE(AreOne(world, v, c)) << "a steward said that they are two";
  EXPECT_EQ(List(world).candidates_size(), 0);
}

TEST(Matching, ErasureLeavesNoTrace) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  Registered(world, "caf", "C-1", Jeanne(1, 1));
  Follow(world);
  ASSERT_EQ(List(world).candidates_size(), 1);
  const std::string id = world.IdOf(ville).ToBytes();
  const auto in_store = [&] {
    for (const char kind : {'P', 'X'}) {
      const auto partitions =
          world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
      for (const storage::Partition& partition : *partitions) {
        const auto page = world.context().store.Scan(partition, "", "", 1000);
        for (const auto& row : page->entries) {
          if ((partition.Encode() + row.key + row.entry.value).find(id) != std::string::npos) {
            return true;
          }
        }
      }
    }
    return false;
  };
  EXPECT_TRUE(in_store()) << "that the test can fail";
  v1::EraseRequest erase;
  erase.set_request_id("e1");
  *erase.mutable_person() = ville;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(Steward(world), erase)).ok());
  EXPECT_EQ(List(world).candidates_size(), 0);
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_FALSE(in_store());
  Follow(world);
  EXPECT_FALSE(in_store()) << "a follower that is late does not bring her back";
}

TEST(Matching, InterruptedAtEveryStepEndsAlike) {
  bool ended = false;
  for (uint64_t step = 0; step < 300 && !ended; ++step) {
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
    const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne());
    const Ref caf = Registered(world, "caf", "C-1", Jeanne());
    Registered(world, "emmaus", "E-1", Jeanne(1, 1));
    *armed = true;
    ended = true;
    OwnLeaves& own = world.service().own_leaves();
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      audit::FollowedLeaf followed;
      followed.header = leaf.leaf.header;
      followed.details = leaf.details;
      if (own.Concerns(followed) && !world.Run(own.Apply(followed, true)).ok()) {
        ended = false;
        break;
      }
    }
    world.Restart();
    Follow(world);
    EXPECT_TRUE(AreOne(world, world.IdOf(ville), world.IdOf(caf, "caf"))) << step;
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 2u) << step;
    EXPECT_GE(List(world).candidates_size(), 1) << step;
  }
  EXPECT_TRUE(ended);
}

// The follower of another match key, from the first leaf.
void FollowRotated(SimWorld& world, OwnLeaves& rotated) {
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    if (rotated.Concerns(followed)) {
      ASSERT_TRUE(world.Run(rotated.Apply(followed, true)).ok());
    }
  }
}

TEST(Matching, AConfirmationLinksNobodyAgainWhoWasSplitSince) {
  SimWorld world;
  const Ref one = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  const Ref other = Registered(world, "ville-paris", "V-2", Jeanne(1, 1));
  Follow(world);
  const std::string candidate = List(world).candidates(0).candidate_id();
  v1::MergeRequest merge;  // linked otherwise, before it is confirmed
  merge.set_request_id("m1");
  *merge.mutable_person() = one;
  *merge.mutable_other() = other;
  const auto merged = world.Run(world.service().links().Merge(Steward(world), merge));
  ASSERT_TRUE(merged.ok()) << merged.status();
  const auto confirmed = Confirm(world, candidate);
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->link_id(), merged->link_id());
  world.harness().sim().RunFor(absl::Seconds(1));
  v1::SplitRequest split;
  split.set_request_id("s1");
  split.set_link_id(merged->link_id());
  ASSERT_TRUE(world.Run(world.service().links().Split(Steward(world), split)).ok());
  ASSERT_FALSE(AreOne(world, world.IdOf(one), world.IdOf(other)));
  OwnLeaves rotated(world.service().registry(), MatchKey{2, Secret(std::string(32, 'M'))},
                    absl::ZeroDuration());
  FollowRotated(world, rotated);
  EXPECT_FALSE(AreOne(world, world.IdOf(one), world.IdOf(other))) << "a steward said since that they are two";
  const uint64_t leaves = world.log().state().size;
  const auto again = Confirm(world, candidate);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), confirmed->SerializeAsString()) << "the call's repetition";
  EXPECT_EQ(world.log().state().size, leaves);
  EXPECT_FALSE(AreOne(world, world.IdOf(one), world.IdOf(other))) << "nor by it";
}

// What a steward took apart is made one again by a merge alone: a candidate from before is not confirmed.
TEST(Matching, ACandidateOfTwoWhoWereTakenApartIsNotConfirmed) {
  SimWorld world;
  const Ref one = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  const Ref other = Registered(world, "ville-paris", "V-2", Jeanne(1, 1));
  Follow(world);
  const std::string candidate = List(world).candidates(0).candidate_id();
  const auto merge = [&](const std::string& request_id) {
    v1::MergeRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = one;
    *request.mutable_other() = other;
    return world.Run(world.service().links().Merge(Steward(world), request));
  };
  const auto merged = merge("m1");
  ASSERT_TRUE(merged.ok()) << merged.status();
  v1::SplitRequest split;
  split.set_request_id("s1");
  split.set_link_id(merged->link_id());
  ASSERT_TRUE(world.Run(world.service().links().Split(Steward(world), split)).ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  const uint64_t leaves = world.log().state().size;
  EXPECT_EQ(rpc::ReasonOf(Confirm(world, candidate).status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.log().state().size, leaves) << "nothing is decided";
  EXPECT_FALSE(AreOne(world, world.IdOf(one), world.IdOf(other)));
  EXPECT_TRUE(merge("m2").ok());
}

TEST(Matching, WhereBothHaveOthersTheStewardIsTold) {
  SimWorld world;
  std::vector<Ref> names;
  for (const char* name : {"Durant", "Bernard", "Lopez", "Klein"}) {
    v1::Traits traits;
    traits.set_surname(name);
    traits.set_birthplace("Lyon");
    names.push_back(Registered(world, "ville-paris", name, traits));
  }
  std::string first;
  for (const int pair : {0, 2}) {
    v1::MergeRequest merge;
    merge.set_request_id("m" + std::to_string(pair));
    *merge.mutable_person() = names[pair];
    *merge.mutable_other() = names[pair + 1];
    const auto merged = world.Run(world.service().links().Merge(Steward(world), merge));
    ASSERT_TRUE(merged.ok()) << merged.status();
    first = first.empty() ? merged->link_id() : first;
  }
  // The first and the third turn out to be just alike.
  for (const int i : {0, 2}) {
    v1::RectifyRequest rectify;
    rectify.set_request_id("y" + std::to_string(i));
    *rectify.mutable_person() = names[i];
    rectify.mutable_traits()->set_surname("Martin");
    rectify.mutable_traits()->set_first_names("Jeanne Marie");
    *rectify.mutable_traits()->mutable_birth_date() = Jeanne().birth_date();
    ASSERT_TRUE(world.Run(world.service().record_rights().Rectify(world.As("ville-paris"), rectify)).ok());
  }
  Follow(world);
  EXPECT_FALSE(AreOne(world, world.IdOf(names[0]), world.IdOf(names[2])));
  const v1::ListCandidatesResponse listed = List(world);
  ASSERT_EQ(listed.candidates_size(), 1);
  const std::string candidate = listed.candidates(0).candidate_id();
  EXPECT_EQ(rpc::ReasonOf(Confirm(world, candidate).status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(List(world).candidates_size(), 1) << "it waits still";
  v1::SplitRequest split;
  split.set_request_id("s1");
  split.set_link_id(first);
  ASSERT_TRUE(world.Run(world.service().links().Split(Steward(world), split)).ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  const auto confirmed = Confirm(world, candidate, "k2");
  EXPECT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_TRUE(AreOne(world, world.IdOf(names[0]), world.IdOf(names[2])));
}

TEST(Matching, OneLinkedByALikeRecordLeavesWithIt) {
  SimWorld world;
  v1::Traits at_caf = Jeanne();
  at_caf.set_birthplace("");
  at_caf.set_phone("0612345678");
  v1::Traits at_ville = Jeanne();
  v1::Traits both = Jeanne();
  both.set_phone("0612345678");
  const Ref ville = Registered(world, "ville-paris", "V-1", at_ville);
  const Ref emmaus = Registered(world, "emmaus", "E-1", both);  // as at the Ville
  Follow(world);
  const Ref caf = Registered(world, "caf", "C-1", at_caf);  // as at Emmaüs alone
  Follow(world);
  const Id128 v = world.IdOf(ville);
  const Id128 e = world.IdOf(emmaus, "emmaus");
  const Id128 c = world.IdOf(caf, "caf");
  ASSERT_TRUE(AreOne(world, v, e));
  ASSERT_TRUE(AreOne(world, v, c));
  v1::GetLinkImpactRequest of;
  *of.mutable_person() = ville;
  const auto impact = world.Run(world.service().links().GetLinkImpact(Steward(world), of));
  ASSERT_TRUE(impact.ok()) << impact.status();
  v1::SplitRequest split;
  split.set_request_id("s1");
  split.set_link_id(impact->links(0).link_id());
  ASSERT_TRUE(world.Run(world.service().links().Split(Steward(world), split)).ok());
  EXPECT_TRUE(AreOne(world, e, c)) << "whom she was found to be";
  EXPECT_FALSE(AreOne(world, v, e));
  EXPECT_FALSE(AreOne(world, v, c));
}

TEST(Matching, AnotherKeyMatchesEveryRecordAnew) {
  SimWorld world;
  const Ref ville = Registered(world, "ville-paris", "V-1", Jeanne(1, 1));
  Follow(world);
  const size_t before =
      world.context().store.ListPartitions(storage::PartitionKind::kIndexBucket, Id128(), 10000)->size();
  Registry& registry = world.service().registry();
  OwnLeaves rotated(registry, MatchKey{2, Secret(std::string(32, 'M'))}, absl::ZeroDuration());
  FollowRotated(world, rotated);
  EXPECT_EQ(
      world.context().store.ListPartitions(storage::PartitionKind::kIndexBucket, Id128(), 10000)->size(),
      before)
      << "as many buckets as before: the old ones are empty";
  const Ref caf = Registered(world, "caf", "C-1", Jeanne(1, 1));
  FollowRotated(world, rotated);
  EXPECT_EQ(List(world).candidates_size(), 1) << "found under the new key";
}

}  // namespace
}  // namespace relais::consent
