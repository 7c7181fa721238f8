// Her history as an institution reads it, and what happens to her that is told in it: the fixture of its
// tests, which are in several files (handlers/disclosure_*_test.cc).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/world.h"

namespace relais::consent::testing {

/// Of one person, whom ville-paris registered and who agreed to what it asked.
class DisclosureTest : public ::testing::Test {
 protected:
  DisclosureTest() : person_(world_.NewPerson("case-1", SimWorld::Marie())) {
    SimWorld::Require(world_.Record(SimWorld::ConsentFor(person_, "c1")).status());
  }
  absl::StatusOr<v1::ListDisclosuresResponse> Page(const std::string& institution, int size = 0,
                                                   const std::string& token = "") {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    request.set_page_size(size);
    request.set_page_token(token);
    return world_.Run(world_.service().disclosures().ListDisclosures(world_.As(institution), request));
  }
  v1::ListDisclosuresResponse All(int size = 0) {
    v1::ListDisclosuresResponse all;
    std::string token;
    do {
      const absl::StatusOr<v1::ListDisclosuresResponse> page = Page("ville-paris", size, token);
      SimWorld::Require(page.status());
      token = page->next_page_token();
      all.MergeFrom(*page);
    } while (!token.empty());
    return all;
  }
  void Checked(const v1::CheckRequest& request, const std::string& as = "ville-paris") {
    v1::CheckRequest recorded = request;
    recorded.set_dry_run(false);
    *recorded.mutable_person() = rpc::HandleFor(world_.context(), as, world_.IdOf(person_));
    const auto response = world_.Run(world_.service().checks().Check(world_.As(as), recorded));
    SimWorld::Require(response.status());
  }
  /// Code pénal 226-14 1°, by the brigade.
  v1::CheckRequest Report(bool permitted = true) {
    v1::CheckRequest request = SimWorld::CutFor(person_, "bspp");
    request.set_purpose("SOCIAL_ASSESSMENT");
    request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
    request.mutable_stated_ground()->set_signal_type("DISTRESS_REPORT");
    request.mutable_stated_ground()->set_event("SERIOUS");
    request.mutable_stated_ground()->set_facts(permitted ? "Voisine entendue : coups." : "");
    return request;
  }

  /// Break-glass: its facts name somebody else, and it comes from a report.
  void Declared(const std::string& request_id, const std::string& recipient) {
    v1::DeclareRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.mutable_recipient()->set_institution(recipient);
    request.add_categories("IDENTITY");
    request.set_facts("Seul, inconscient. Vu par Karim Benali.");
    request.set_source_reference("report-" + request_id);
    request.set_person_unable(true);
    request.set_danger_serious(true);
    rpc::Call call = world_.As("ville-paris");
    call.caller.agent = "agent-claire";
    call.caller.reason = "appel de Karim Benali";
    SimWorld::Require(world_.Run(world_.service().emergencies().Declare(call, request)).status());
  }
  /// A leaf about her of that class, without a payload.
  void Wrote(audit::v1::EventClass event_class, const std::string& institution) {
    audit::Event event =
        rpc::EventOf(world_.As(institution), {institution, "assistant-social", "agent-1"}, event_class, "");
    event.event_id = world_.context().random.Id();
    event.subject = PersonSubject(world_.IdOf(person_));
    SimWorld::Require(world_.Run(rpc::WriteLoneLeaf(world_.context(), std::move(event))).status());
  }
  /// Whether a leaf holds that text: what an answer is not to show is there to be shown.
  bool IsRecorded(const std::string& text) {
    const std::vector<audit::OpenedLeaf> leaves = world_.Leaves();
    return std::any_of(leaves.begin(), leaves.end(), [&](const audit::OpenedLeaf& leaf) {
      return leaf.details.SerializeAsString().find(text) != std::string::npos;
    });
  }
  HistoryWords Words() {
    return {world_.directory(), *world_.service().registry().rules.Of(SampleDirectory()),
            world_.service().registry().paris, world_.log().Now(), none_};
  }

  /// She asks that institution for what is kept about her.
  void AsksForACopy(const std::string& institution) {
    v1::OpenRequest request;
    request.set_request_id("copy-" + institution);
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    request.set_right(v1::RIGHT_ACCESS);
    SimWorld::Require(world_.Run(world_.service().rights().Open(world_.As(institution), request)).status());
  }
  v1::CheckDecided LastCheck() {
    v1::CheckDecided check;
    for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
      if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED) {
        EXPECT_TRUE(leaf.details.payload().UnpackTo(&check));
      }
    }
    return check;
  }
  /// The last entry of a check that this institution sees, whatever it reads.
  v1::Disclosure LastOf(const std::string& institution, v1::DisclosureKind kind) {
    const auto page = Page(institution);
    SimWorld::Require(page.status());
    const auto found = std::find_if(page->disclosures().begin(), page->disclosures().end(),
                                    [kind](const v1::Disclosure& entry) { return entry.kind() == kind; });
    EXPECT_NE(found, page->disclosures().end());
    return found == page->disclosures().end() ? v1::Disclosure() : *found;
  }
  /// A token of the first of several pages.
  std::string TokenOfFirst() {
    const auto page = Page("ville-paris", 1);
    SimWorld::Require(page.status());
    EXPECT_FALSE(page->next_page_token().empty());
    return page->next_page_token();
  }
  bool Refused(const std::string& token) {
    return Page("ville-paris", 1, token).status().code() == absl::StatusCode::kInvalidArgument;
  }

  Reviews none_;
  SimWorld world_;
  common::v1::PersonRef person_;
};

}  // namespace relais::consent::testing
