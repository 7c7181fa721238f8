#include "services/consent/handlers/identifier_handlers.h"

#include <gtest/gtest.h>

#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

template <typename Request>
Request NamingRequest(const std::string& request_id, const common::v1::PersonRef& person,
                      const std::string& identifier) {
  Request request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_own_identifier(identifier);
  return request;
}

absl::StatusOr<v1::LinkIdentifierResponse> Link(SimWorld& world, const std::string& request_id,
                                                const common::v1::PersonRef& person,
                                                const std::string& identifier,
                                                const std::string& institution = "ville-paris") {
  return world.Run(world.service().identifiers().LinkIdentifier(
      world.As(institution), NamingRequest<v1::LinkIdentifierRequest>(request_id, person, identifier)));
}

absl::StatusOr<v1::UnlinkIdentifierResponse> Unlink(SimWorld& world, const std::string& request_id,
                                                    const common::v1::PersonRef& person,
                                                    const std::string& identifier) {
  return world.Run(world.service().identifiers().UnlinkIdentifier(
      world.As("ville-paris"), NamingRequest<v1::UnlinkIdentifierRequest>(request_id, person, identifier)));
}

absl::StatusOr<v1::ResolveResponse> Find(SimWorld& world, const std::string& identifier) {
  v1::ResolveRequest request;
  request.set_own_identifier(identifier);
  return world.Run(world.service().persons().Resolve(world.As("ville-paris"), request));
}

common::v1::ErrorReason Why(const absl::Status& status) { return rpc::ReasonOf(status); }

TEST(LinkIdentifier, ASecondNumberFindsTheSamePerson) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  const auto linked = Link(world, "l1", person, "case-2");
  ASSERT_TRUE(linked.ok()) << linked.status();
  const auto found = Find(world, "case-2");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->person().handle(), person.handle());
  EXPECT_EQ(found->own_identifier(), "case-1");
  ASSERT_EQ(found->more_identifiers_size(), 1);
  EXPECT_EQ(found->more_identifiers(0), "case-2");
  const auto again = world.Register("r2", "case-2");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->person().handle(), person.handle());
  // A repetition: the same answer, and one leaf.
  const auto repeated = Link(world, "l1", person, "case-2");
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->SerializeAsString(), linked->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_IDENTIFIER_CHANGED), 1u);
}

TEST(LinkIdentifier, RefusesAnothersNumberAndAnotherInstitutionsPerson) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  world.NewPerson("case-2");
  EXPECT_EQ(Why(Link(world, "l1", person, "case-2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  // CAF has the handle, but no record of her: as if she were nobody's.
  const common::v1::PersonRef at_caf = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  EXPECT_EQ(Why(Link(world, "l2", at_caf, "A-1", "caf").status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // Another institution's identifiers are its own: the same number may name anybody there.
  ASSERT_TRUE(world.Register("r9", "case-9", {}, "caf").ok());
  EXPECT_TRUE(Link(world, "l3", person, "case-9").ok());
  for (int i = 0; i < 18; ++i) {
    ASSERT_TRUE(Link(world, "m" + std::to_string(i), person, "more-" + std::to_string(i)).ok()) << i;
  }
  EXPECT_EQ(Why(Link(world, "l4", person, "one-too-many").status()), common::v1::ERROR_REASON_WRONG_STATE);
}

TEST(UnlinkIdentifier, TheNumberThenNamesSomebodyNew) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  EXPECT_EQ(Why(Unlink(world, "u1", person, "case-1").status()), common::v1::ERROR_REASON_WRONG_STATE)
      << "the last name";
  EXPECT_EQ(Why(Unlink(world, "u2", person, "case-7").status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  ASSERT_TRUE(Link(world, "l1", person, "case-2").ok());
  ASSERT_TRUE(Unlink(world, "u3", person, "case-1").ok());
  const auto found = Find(world, "case-2");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->own_identifier(), "case-2");
  EXPECT_EQ(Find(world, "case-1").status().code(), absl::StatusCode::kNotFound);
  const auto somebody = world.Register("r2", "case-1");
  ASSERT_TRUE(somebody.ok());
  EXPECT_NE(somebody->person().handle(), person.handle());
  // An old request to link does not take it back.
  ASSERT_TRUE(Link(world, "l2", person, "case-3").ok());
  ASSERT_TRUE(Unlink(world, "u4", person, "case-3").ok());
  ASSERT_TRUE(Link(world, "l2", person, "case-3").ok());
  EXPECT_EQ(Find(world, "case-3").status().code(), absl::StatusCode::kNotFound);
}

TEST(LinkIdentifier, InterruptedAtEveryStepIsCompletedByItsRepetition) {
  int interrupted = 0;
  for (uint64_t step = 0; step < 20; ++step) {
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
    const common::v1::PersonRef person = world.NewPerson("case-1");
    *armed = true;
    const bool done = Link(world, "l1", person, "case-2").ok();
    interrupted += done ? 0 : 1;
    world.Restart();
    const auto linked = Link(world, "l1", person, "case-2");
    ASSERT_TRUE(linked.ok()) << step << ": " << linked.status();
    const auto found = Find(world, "case-2");
    ASSERT_TRUE(found.ok()) << step << ": " << found.status();
    EXPECT_EQ(found->person().handle(), person.handle());
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_IDENTIFIER_CHANGED), 1u) << step;
    if (done) {
      break;
    }
  }
  EXPECT_GE(interrupted, 2);
}

TEST(LinkIdentifier, ErasureFreesEveryNumber) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(Link(world, "l1", person, "case-2").ok());
  v1::EraseRequest erase;
  erase.set_request_id("e1");
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  const auto somebody = world.Register("r2", "case-2");
  ASSERT_TRUE(somebody.ok()) << somebody.status();
  EXPECT_NE(somebody->person().handle(), person.handle());
}

TEST(BatchResolve, AnswersEachOnItsOwnAndOwnPersonsOnly) {
  SimWorld world;
  const common::v1::PersonRef marie = world.NewPerson("case-1", SimWorld::Marie());
  const common::v1::PersonRef other = world.NewPerson("case-2");
  const auto caf = world.Register("r1", "A-1", SimWorld::Marie(), "caf");
  ASSERT_TRUE(caf.ok());
  v1::BatchResolveRequest request;
  request.add_names()->set_own_identifier("case-2");
  request.add_names()->set_own_identifier("A-1");  // caf's number
  *request.add_names()->mutable_person() = marie;
  *request.add_names()->mutable_person() = caf->person();  // caf's handle
  request.add_names();                                     // no name
  const auto found = world.Run(world.service().identifiers().BatchResolve(world.As("ville-paris"), request));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->results_size(), 5);
  EXPECT_EQ(found->results(0).person().handle(), other.handle());
  EXPECT_EQ(found->results(0).error(), "");
  EXPECT_EQ(found->results(1).error(), "ERROR_REASON_NO_SUCH_OR_NOT_YOURS");
  EXPECT_EQ(found->results(2).own_identifier(), "case-1");
  EXPECT_EQ(found->results(2).traits().surname(), "Durand");
  EXPECT_EQ(found->results(3).error(), "ERROR_REASON_NOT_YOUR_HANDLE");
  EXPECT_EQ(found->results(4).error(), "ERROR_REASON_INVALID_FIELDS");
  EXPECT_FALSE(found->results(1).has_person() || found->results(3).has_person());
}

TEST(TranslateHandles, OldGenerationsBecomeTheCurrentOne) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.ring().Add("handle", Secret(std::string(32, 'H'))).ok());
  identity::HandlePolicy policy;
  policy.standard.current = 2;
  policy.standard.retiring.push_back({1, testing::StoryStart() + absl::Hours(1)});
  const auto codec = identity::HandleCodec::Create(world.ring(), policy, world.harness().clock());
  ASSERT_TRUE(codec.ok()) << codec.status();
  const rpc::ServiceContext& old = world.context();
  const rpc::ServiceContext rotated{old.clock,     old.random,     old.executor,    old.store,
                                    old.log,       *codec,         old.suppression, old.idempotency,
                                    old.directory, old.maintenance};
  Registry& registry = world.service().registry();
  Registry after{rotated, registry.store, registry.rules, registry.paris};
  IdentifierHandlers handlers(after);
  v1::TranslateHandlesRequest request;
  request.add_handles(person.handle());
  request.add_handles(rpc::HandleFor(rotated, "ville-paris", world.IdOf(person)).handle());
  request.add_handles(rpc::HandleFor(rotated, "caf", world.IdOf(person)).handle());
  const auto translated = world.Run(handlers.TranslateHandles(world.As("ville-paris"), request));
  ASSERT_TRUE(translated.ok()) << translated.status();
  EXPECT_NE(translated->handles(0).handle(), person.handle());
  EXPECT_TRUE(translated->handles(0).changed());
  EXPECT_EQ(translated->handles(1).handle(), translated->handles(0).handle()) << "both name her";
  EXPECT_FALSE(translated->handles(1).changed());
  EXPECT_EQ(translated->handles(2).error(), "ERROR_REASON_NOT_YOUR_HANDLE");
  EXPECT_EQ(translated->handles(2).handle(), "");
  world.harness().sim().RunFor(absl::Hours(2));
  const auto late = world.Run(handlers.TranslateHandles(world.As("ville-paris"), request));
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->handles(0).error(), "ERROR_REASON_NOT_YOUR_HANDLE") << "its generation has ended";
  EXPECT_EQ(late->handles(1).error(), "");
}

// Found by tests/fuzz: the delayed repetition of a registration made somebody new under the old request.
TEST(UnlinkIdentifier, ARegistrationRepeatedAfterItMakesNobodyNew) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("A-7");
  const auto registered_again = [&] { return world.Register("register-A-7", "A-7"); };
  v1::LinkIdentifierRequest link;
  link.set_request_id("l1");
  *link.mutable_person() = person;
  link.set_own_identifier("A-8");
  ASSERT_TRUE(world.Run(world.service().identifiers().LinkIdentifier(world.As("ville-paris"), link)).ok());
  ASSERT_EQ(registered_again()->person().handle(), person.handle());
  v1::UnlinkIdentifierRequest unlink;
  unlink.set_request_id("u1");
  *unlink.mutable_person() = person;
  unlink.set_own_identifier("A-7");
  ASSERT_TRUE(
      world.Run(world.service().identifiers().UnlinkIdentifier(world.As("ville-paris"), unlink)).ok());

  const size_t leaves = world.Leaves().size();
  EXPECT_EQ(rpc::ReasonOf(registered_again().status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Leaves().size(), leaves);
  // A fresh request is somebody new, and the old one still is not hers.
  const auto fresh = world.Register("r2", "A-7");
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_NE(fresh->person().handle(), person.handle());
  EXPECT_EQ(rpc::ReasonOf(registered_again().status()), common::v1::ERROR_REASON_WRONG_STATE);
}

}  // namespace
}  // namespace relais::consent
