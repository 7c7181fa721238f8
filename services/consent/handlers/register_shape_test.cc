// What Register writes does not depend on whether the person was known: the shape of its commits, beside the
// measurement of its time (docs/performance.md, "The registry at size").
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "services/consent/handlers/person_handlers.h"
#include "services/consent/testing/noting_store.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::NotingStore;
using testing::Shape;
using testing::SimWorld;

class RegisterShape : public ::testing::Test {
 protected:
  rpc::ServiceContext Noting() {
    const rpc::ServiceContext& real = world_.context();
    return {real.clock,   real.random,      real.executor,    store_,         real.log,
            real.handles, real.suppression, real.idempotency, real.directory, real.maintenance};
  }
  struct Work {
    std::vector<Shape> commits;
    size_t reads = 0;
    friend bool operator==(const Work&, const Work&) = default;
  };
  // Names of one length, so that sizes can be compared.
  Work Register(const std::string& request_id, const std::string& own_identifier,
                const std::string& institution = "ville-paris",
                const v1::Traits& traits = SimWorld::Marie()) {
    v1::RegisterRequest request;
    request.set_request_id(request_id);
    request.set_own_identifier(own_identifier);
    *request.mutable_traits() = traits;
    store_.Take();
    store_.TakeReads();
    const auto response = world_.Run(service_.persons().Register(world_.As(institution), request));
    EXPECT_TRUE(response.ok()) << response.status();
    return {store_.Take(), store_.TakeReads().size()};
  }

  SimWorld world_;
  NotingStore store_{world_.harness().store()};
  Service service_{Noting(), Settings(), *calendar::Paris::Load()};
};

TEST_F(RegisterShape, SameWorkWhetherTheInstitutionKnowsHer) {
  Register("r0", "case-0");  // the first of all writes a shorter row: its log is empty
  const Work unknown = Register("r1", "case-1");
  const Work known = Register("r2", "case-1");
  // Her request, her name, herself, her record at each of the two suppliers.
  EXPECT_EQ(unknown.commits.size(), 5u);
  EXPECT_EQ(known.commits, unknown.commits);
  EXPECT_EQ(known.reads, unknown.reads);
}

TEST_F(RegisterShape, SameWorkWhetherAnotherInstitutionKnowsHer) {
  Register("r0", "case-0", "casvp");
  const Work known = Register("r1", "case-1");  // the same human, by her traits
  v1::Traits other = SimWorld::Marie();
  other.set_surname("Martin");
  other.set_first_names("Jeanne Mariane");
  const Work unknown = Register("r2", "case-2", "ville-paris", other);
  EXPECT_EQ(known.commits, unknown.commits);
  EXPECT_EQ(known.reads, unknown.reads);
}

TEST_F(RegisterShape, WhatIsWrittenAgainIsUnchanged) {
  Register("r1", "case-1");
  const common::v1::PersonRef person = world_.NewPerson("case-1");
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person, "a1")).ok());
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  Register("r2", "case-1");
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  ASSERT_TRUE(world_.WithdrawAll(person, "w1").ok());
  Register("r3", "case-1");
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_DENY);
}

}  // namespace
}  // namespace relais::consent
