#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

constexpr absl::Duration kDay = absl::Hours(24);

// ville-paris names a desk in the sample directory, caf none.
void Search(Teller& teller, const std::string& service, const std::string& institution, uint8_t event) {
  audit::v1::AgentSearched searched;
  searched.set_institution(institution);
  searched.set_searched_by("auditor/suite");
  teller.Tell(service, audit::v1::EVENT_CLASS_AGENT_SEARCHED, searched, [&](SeenLeaf& leaf) {
    leaf.header.set_institution("auditor");
    leaf.header.set_event_id(IdOf(event).ToBytes());
  });
}

void Notice(Teller& teller, uint8_t event) {
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, routing::v1::MessageSubmitted(),
              [&](SeenLeaf& leaf) { leaf.header.set_event_id(IdOf(event).ToBytes()); });
}

TEST(UntoldAgentSearches, OneWithItsNotice) {
  Teller teller(MakeUntoldAgentSearches({}));
  Search(teller, "consent", "ville-paris", 1);
  Search(teller, "routing", "ville-paris", 2);
  Notice(teller, 2);
  Notice(teller, 1);
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST(UntoldAgentSearches, OneWithoutAfterADay) {
  Teller teller(MakeUntoldAgentSearches({}));
  Search(teller, "consent", "ville-paris", 1);
  Notice(teller, 2);  // another's
  EXPECT_THAT(teller.Codes(), IsEmpty()) << "it may still come";
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("NOT_TOLD 0"));
  const std::vector<Finding> found = teller.Found();
  EXPECT_EQ(found.at(0).recipient, "ville-paris");
  EXPECT_EQ(found.at(0).facts.at("searched_by"), "auditor/suite");
}

TEST(UntoldAgentSearches, AMessageAboutAPersonIsNoNotice) {
  Teller teller(MakeUntoldAgentSearches({}));
  Search(teller, "consent", "ville-paris", 1);
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, routing::v1::MessageSubmitted(),
              [&](SeenLeaf& leaf) {
                Teller::SetPerson(leaf, 1);
                leaf.header.set_event_id(IdOf(1).ToBytes());
              });
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("NOT_TOLD 0"));
}

TEST(UntoldAgentSearches, WithoutRoutingsLogNothingIsKnown) {
  Teller teller(MakeUntoldAgentSearches({}));
  Search(teller, "consent", "ville-paris", 1);
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST(UntoldAgentSearches, AnInstitutionWithoutADesk) {
  Teller teller(MakeUntoldAgentSearches({}));
  Search(teller, "alerting", "caf", 1);
  EXPECT_THAT(teller.Codes(), ElementsAre("NO_DESK 0"));
}

}  // namespace
}  // namespace relais::cli::questions
