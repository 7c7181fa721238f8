#include "services/consent/handlers/withheld_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/audit/big_endian.h"
#include "common/rpc/refusal.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/handlers/disclosure_handlers.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ref;
using testing::SimWorld;

constexpr absl::Duration kDay = absl::Hours(24);

common::v1::Date Day(int year, int month, int day) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

bool Same(const common::v1::Date& a, const common::v1::Date& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// Today is 3 November 2026.
class WithheldTest : public ::testing::Test {
 protected:
  WithheldTest() : person_(world_.NewPerson("case-1", SimWorld::Marie())) {
    SimWorld::Require(world_.Record(SimWorld::ConsentFor(person_, "c1")).status());
  }

  Ref At(const std::string& institution, const Ref& person) {
    return rpc::HandleFor(world_.context(), institution, world_.IdOf(person));
  }
  Ref At(const std::string& institution) { return At(institution, person_); }

  void Checked(const v1::CheckRequest& request, const std::string& as) {
    v1::CheckRequest recorded = request;
    recorded.set_dry_run(false);
    *recorded.mutable_person() = At(as);
    SimWorld::Require(world_.Run(world_.service().checks().Check(world_.As(as), recorded)).status());
  }
  // Code pénal 226-14 1°, by the brigade to the Ville; without facts it is denied.
  void Report(bool permitted) {
    v1::CheckRequest request = SimWorld::CutFor(person_, "bspp");
    request.set_purpose("SOCIAL_ASSESSMENT");
    request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
    request.mutable_stated_ground()->set_signal_type("DISTRESS_REPORT");
    request.mutable_stated_ground()->set_event("SERIOUS");
    request.mutable_stated_ground()->set_facts(permitted ? "Voisine entendue : coups." : "");
    Checked(request, "bspp");
  }
  // The Ville's to the CRIP, denied.
  void Inquiry() {
    v1::CheckRequest request = SimWorld::CheckFor(person_);
    request.mutable_recipient()->set_institution("crip75");
    Checked(request, "ville-paris");
  }
  std::string Emergency(const std::string& request_id = "e1") {
    v1::DeclareRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.mutable_recipient()->set_institution("crip75");
    request.add_categories("IDENTITY");
    request.set_facts("Seul, inconscient.");
    request.set_person_unable(true);
    request.set_danger_serious(true);
    request.set_source_reference("report-" + request_id);
    rpc::Call call = world_.As("ville-paris");
    call.caller.agent = "agent-" + request_id;
    const auto declared = world_.Run(world_.service().emergencies().Declare(call, request));
    SimWorld::Require(declared.status());
    return declared->emergency_id();
  }

  absl::StatusOr<v1::ListWithheldResponse> List(const std::string& institution,
                                                const v1::ListWithheldRequest& with = {}) {
    v1::ListWithheldRequest request = with;
    if (!request.has_person()) {
      *request.mutable_person() = At(institution);
    }
    return world_.Run(world_.service().withheld().ListWithheld(world_.As(institution, "dpo"), request));
  }
  std::vector<v1::WithheldEntry> Listed(const std::string& institution) {
    const auto listed = List(institution);
    SimWorld::Require(listed.status());
    return {listed->entries().begin(), listed->entries().end()};
  }
  v1::ReviewWithheldRequest Keep(const std::string& institution, uint64_t leaf, const common::v1::Date& until,
                                 const std::string& request_id = "k1") {
    v1::ReviewWithheldRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = At(institution);
    request.set_leaf_index(leaf);
    request.set_decision(v1::WITHHELD_DECISION_KEEP);
    *request.mutable_keep_until() = until;
    request.set_reasons("enquête en cours");
    return request;
  }
  v1::ReviewWithheldRequest Show(const std::string& institution, uint64_t leaf,
                                 const std::string& request_id = "s1") {
    v1::ReviewWithheldRequest request = Keep(institution, leaf, {}, request_id);
    request.set_decision(v1::WITHHELD_DECISION_SHOW);
    request.clear_keep_until();
    return request;
  }
  absl::StatusOr<v1::ReviewWithheldResponse> Reviewed(const std::string& institution,
                                                      const v1::ReviewWithheldRequest& request) {
    return world_.Run(world_.service().withheld().ReviewWithheld(world_.As(institution, "dpo"), request));
  }
  void ExpectRefused(const std::string& institution, const v1::ReviewWithheldRequest& request,
                     const std::string& field) {
    const size_t before = world_.Count(audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED);
    const absl::Status status = Reviewed(institution, request).status();
    EXPECT_EQ(rpc::ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS) << status;
    const google::rpc::BadRequest fields = rpc::FieldsOf(status);
    ASSERT_EQ(fields.field_violations_size(), 1);
    EXPECT_EQ(fields.field_violations(0).field(), field);
    EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED), before);
  }

  v1::ListDisclosuresResponse History(const Ref& person) {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = person;
    const auto listed =
        world_.Run(world_.service().disclosures().ListDisclosures(world_.As("ville-paris"), request));
    SimWorld::Require(listed.status());
    return *listed;
  }
  v1::ListDisclosuresResponse History() { return History(person_); }
  static int Of(const v1::ListDisclosuresResponse& history, v1::DisclosureKind kind) {
    return static_cast<int>(
        std::count_if(history.disclosures().begin(), history.disclosures().end(),
                      [kind](const v1::Disclosure& entry) { return entry.kind() == kind; }));
  }
  nlohmann::json Export() {
    v1::OpenRequest open;
    open.set_request_id("open");
    *open.mutable_person() = person_;
    open.set_right(v1::RIGHT_ACCESS);
    const auto opened = world_.Run(world_.service().rights().Open(world_.As("ville-paris"), open));
    SimWorld::Require(opened.status());
    v1::ExportRequest request;
    *request.mutable_person() = person_;
    request.set_rights_id(opened->request().rights_id());
    const auto exported =
        world_.Run(world_.service().record_rights().Export(world_.As("ville-paris"), request));
    SimWorld::Require(exported.status());
    return nlohmann::json::parse(exported->archive_json());
  }

  SimWorld world_;
  Ref person_;
};

// The institution that may have an inquiry, and nobody else; nothing of what the entry tells.
TEST_F(WithheldTest, EachSeesWhatIsItsOwnToReview) {
  Report(true);
  Report(false);
  Inquiry();
  Emergency();
  Checked(SimWorld::CheckFor(person_), "ville-paris");  // is shown
  ASSERT_EQ(History().withheld_size(), 4);
  const std::vector<v1::WithheldEntry> ville = Listed("ville-paris");
  ASSERT_EQ(ville.size(), 1U) << "the report that it received";
  EXPECT_FALSE(ville[0].may_show());
  const std::vector<v1::WithheldEntry> bspp = Listed("bspp");
  ASSERT_EQ(bspp.size(), 1U) << "its own that was denied";
  EXPECT_TRUE(bspp[0].may_show());
  const std::vector<v1::WithheldEntry> crip = Listed("crip75");
  ASSERT_EQ(crip.size(), 2U);
  EXPECT_GT(crip[0].leaf_index(), crip[1].leaf_index()) << "newest first";
  for (const v1::WithheldEntry& entry : crip) {
    EXPECT_TRUE(entry.may_show());
    EXPECT_EQ(entry.reason(), v1::WITHHELD_REASON_PROTECTION);
    EXPECT_TRUE(Same(entry.decided_on(), Day(2026, 11, 3)));
    EXPECT_TRUE(Same(entry.review_on(), Day(2027, 5, 3)));
    EXPECT_FALSE(entry.review_due());
  }
  EXPECT_TRUE(Listed("caf").empty());
  for (const char* never : {"coups", "ville-paris", "bspp", "IDENTITY"}) {
    EXPECT_THAT(List("crip75")->ShortDebugString(), Not(HasSubstr(never)));
  }
}

TEST_F(WithheldTest, InPagesAndOnlyWhatIsDue) {
  for (int i = 0; i < 5; ++i) {
    Inquiry();
  }
  std::vector<uint64_t> seen;
  v1::ListWithheldRequest request;
  request.set_page_size(2);
  do {
    const auto page = List("crip75", request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->entries_size(), 2);
    for (const v1::WithheldEntry& entry : page->entries()) {
      seen.push_back(entry.leaf_index());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  request.set_page_token("zz");
  EXPECT_EQ(List("crip75", request).status().code(), absl::StatusCode::kInvalidArgument);

  v1::ListWithheldRequest due;
  due.set_due_only(true);
  EXPECT_EQ(List("crip75", due)->entries_size(), 0);
  world_.harness().sim().RunFor(kDay * 182);
  ASSERT_EQ(List("crip75", due)->entries_size(), 5);
  EXPECT_TRUE(List("crip75", due)->entries(0).review_due());
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", seen[0], Day(2027, 12, 1))).ok());
  EXPECT_EQ(List("crip75", due)->entries_size(), 4);
  EXPECT_EQ(Listed("crip75").size(), 5U);
}

// Of her history and of the one who reviews it alike; the review itself is no entry.
TEST_F(WithheldTest, KeptIsKeptUntilThatDay) {
  Inquiry();
  const uint64_t leaf = Listed("crip75").at(0).leaf_index();
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", leaf, Day(2027, 11, 3))).ok()) << "12 months: the most";
  world_.Restart();
  const v1::ListDisclosuresResponse history = History();
  ASSERT_EQ(history.withheld_size(), 1);
  EXPECT_TRUE(Same(history.withheld(0).review_on(), Day(2027, 11, 3)));
  EXPECT_TRUE(Same(history.withheld(0).decided_on(), Day(2026, 11, 3)));
  EXPECT_THAT(history.withheld(0).fr(), HasSubstr("revue le 03/11/2027"));
  EXPECT_EQ(history.disclosures_size(), 0);
  EXPECT_TRUE(Same(Listed("crip75").at(0).review_on(), Day(2027, 11, 3)));
  // Another day, also an earlier one.
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", leaf, Day(2026, 11, 4), "k2")).ok());
  EXPECT_TRUE(Same(History().withheld(0).review_on(), Day(2026, 11, 4)));
  world_.harness().sim().RunFor(kDay);
  EXPECT_TRUE(History().withheld(0).review_due());
}

TEST_F(WithheldTest, ShownIsShownFromThenOn) {
  Inquiry();
  const uint64_t leaf = Listed("crip75").at(0).leaf_index();
  ASSERT_TRUE(Reviewed("crip75", Show("crip75", leaf)).ok());
  world_.Restart();
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(history.withheld_size(), 0);
  ASSERT_EQ(Of(history, v1::DISCLOSURE_KIND_DENIED), 1);
  EXPECT_EQ(history.disclosures(0).recipient().institution(), "crip75");
  EXPECT_EQ(history.disclosures(0).leaf_index(), leaf);
  EXPECT_TRUE(Listed("crip75").empty());
  // It is not taken back.
  ExpectRefused("crip75", Keep("crip75", leaf, Day(2027, 1, 1)), "leaf_index");
  ExpectRefused("crip75", Show("crip75", leaf, "s2"), "leaf_index");
}

// A permit on a ground of child protection has words once it is shown.
TEST_F(WithheldTest, ThePermitOfAChildsProtectionIsSaidInWords) {
  v1::CheckRequest request = SimWorld::CheckFor(person_);
  request.mutable_recipient()->set_institution("crip75");
  request.mutable_sender()->set_function("assistant-social");
  request.set_purpose("CHILD_PROTECTION");
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_INFO_PREOCCUPANTE);
  request.mutable_stated_ground()->set_facts("Un enfant seul la nuit.");
  Checked(request, "ville-paris");
  ASSERT_TRUE(Reviewed("crip75", Show("crip75", Listed("crip75").at(0).leaf_index())).ok());
  const v1::ListDisclosuresResponse history = History();
  ASSERT_EQ(Of(history, v1::DISCLOSURE_KIND_PERMITTED), 1);
  EXPECT_THAT(history.disclosures(0).fr(), HasSubstr("C'était permis parce que la loi"));
  EXPECT_THAT(history.disclosures(0).en(), HasSubstr("It was allowed because the law"));
}

// The export holds back what the history does.
TEST_F(WithheldTest, TheExportFollowsTheReview) {
  const std::string kept = Emergency("e1");
  const std::string shown = Emergency("e2");
  const std::vector<v1::WithheldEntry> entries = Listed("crip75");
  ASSERT_EQ(entries.size(), 2U);
  ASSERT_TRUE(Reviewed("crip75", Show("crip75", entries[0].leaf_index())).ok());
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", entries[1].leaf_index(), Day(2027, 2, 1))).ok());
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(history.withheld_size(), 1);
  EXPECT_EQ(Of(history, v1::DISCLOSURE_KIND_EMERGENCY), 1);
  const nlohmann::json archive = Export();
  ASSERT_EQ(archive["emergencies"].size(), 1U);
  EXPECT_EQ(archive["emergencies"][0]["id"], shown);
  ASSERT_EQ(archive["withheld"].size(), 1U);
  EXPECT_EQ(archive["withheld"][0]["decidedOn"], "2026-11-03");
  EXPECT_EQ(archive["withheld"][0]["reviewOn"], "2027-02-01");
  EXPECT_THAT(archive.dump(), Not(HasSubstr(kept)));
}

TEST_F(WithheldTest, APermittedReportIsNotShownByAnybody) {
  Report(true);
  const uint64_t leaf = Listed("ville-paris").at(0).leaf_index();
  ExpectRefused("ville-paris", Show("ville-paris", leaf), "decision");
  EXPECT_TRUE(Reviewed("ville-paris", Keep("ville-paris", leaf, Day(2027, 6, 1))).ok());
  EXPECT_EQ(History().withheld_size(), 1);
}

TEST_F(WithheldTest, RefusalsNameTheField) {
  Report(false);
  Inquiry();
  Checked(SimWorld::CheckFor(person_), "ville-paris");
  const uint64_t inquiry = Listed("crip75").at(0).leaf_index();
  const uint64_t of_bspp = Listed("bspp").at(0).leaf_index();
  const uint64_t shown = History().disclosures(0).leaf_index();
  const common::v1::Date day = Day(2027, 6, 1);
  // What is there, not the caller's; what is shown; another's of hers; nothing.
  ExpectRefused("crip75", Keep("crip75", of_bspp, day), "leaf_index");
  ExpectRefused("ville-paris", Keep("ville-paris", inquiry, day), "leaf_index");
  ExpectRefused("ville-paris", Keep("ville-paris", shown, day), "leaf_index");
  ExpectRefused("crip75", Keep("crip75", 0, day), "leaf_index");
  ExpectRefused("crip75", Keep("crip75", 1'000'000, day), "leaf_index");
  v1::ReviewWithheldRequest of_another = Keep("crip75", inquiry, day);
  *of_another.mutable_person() = At("crip75", world_.NewPerson("case-2"));
  ExpectRefused("crip75", of_another, "leaf_index");
  // Days.
  ExpectRefused("crip75", Keep("crip75", inquiry, Day(2026, 11, 3)), "keep_until");
  ExpectRefused("crip75", Keep("crip75", inquiry, Day(2027, 11, 4)), "keep_until");
  ExpectRefused("crip75", Keep("crip75", inquiry, Day(2027, 2, 30)), "keep_until");
  v1::ReviewWithheldRequest no_day = Keep("crip75", inquiry, day);
  no_day.clear_keep_until();
  ExpectRefused("crip75", no_day, "keep_until");
  v1::ReviewWithheldRequest day_of_shown = Show("crip75", inquiry);
  *day_of_shown.mutable_keep_until() = day;
  ExpectRefused("crip75", day_of_shown, "keep_until");
  v1::ReviewWithheldRequest nothing = Keep("crip75", inquiry, day);
  nothing.set_decision(v1::WITHHELD_DECISION_UNSPECIFIED);
  ExpectRefused("crip75", nothing, "decision");
  EXPECT_EQ(History().withheld_size(), 2);
  // Not by another's handle of her.
  v1::ReviewWithheldRequest foreign = Keep("crip75", inquiry, day);
  *foreign.mutable_person() = person_;
  EXPECT_EQ(rpc::ReasonOf(Reviewed("crip75", foreign).status()), common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
}

TEST_F(WithheldTest, ARepetitionIsTheSameReview) {
  Inquiry();
  v1::ReviewWithheldRequest request = Show("crip75", Listed("crip75").at(0).leaf_index());
  const auto first = Reviewed("crip75", request);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = Reviewed("crip75", request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED), 1U);
  request.set_reasons("autre chose");
  EXPECT_EQ(rpc::ReasonOf(Reviewed("crip75", request).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

// Its leaf says what was decided and why, about her; and it is not in her history while the entry is not.
TEST_F(WithheldTest, LeavesALeafThatIsNoEntry) {
  Inquiry();
  const uint64_t leaf = Listed("crip75").at(0).leaf_index();
  v1::ReviewWithheldRequest request = Keep("crip75", leaf, Day(2027, 6, 1));
  request.set_want_proof(true);
  const auto reviewed = Reviewed("crip75", request);
  ASSERT_TRUE(reviewed.ok()) << reviewed.status();
  EXPECT_TRUE(reviewed->written().has_proof());
  const audit::OpenedLeaf last = world_.Leaves().back();
  EXPECT_EQ(last.leaf.header.event_class(), audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED);
  EXPECT_EQ(last.leaf.header.institution(), "crip75");
  EXPECT_EQ(last.details.subject().id(), world_.IdOf(person_).ToBytes());
  v1::WithholdingReviewed said;
  ASSERT_TRUE(last.details.payload().UnpackTo(&said));
  EXPECT_EQ(said.leaf_index(), leaf);
  EXPECT_EQ(said.decision(), v1::WITHHELD_DECISION_KEEP);
  EXPECT_TRUE(Same(said.keep_until(), Day(2027, 6, 1)));
  EXPECT_EQ(said.reasons(), "enquête en cours");
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(history.disclosures_size(), 0);
  EXPECT_EQ(history.withheld_size(), 1);
  EXPECT_THAT(history.ShortDebugString(), Not(HasSubstr("crip75")));
}

// ADR 24: who asked about one name of hers finds nothing of it under another one. A review counts under both.
TEST_F(WithheldTest, OfLinkedNamesEachHasItsOwnAndAReviewCountsUnderBoth) {
  const Ref other = world_.NewPerson("case-2");
  SimWorld::Require(world_.Record(SimWorld::ConsentFor(other, "c2")).status());
  Inquiry();
  ASSERT_TRUE(testing::Merge(world_, person_, other).ok());
  Inquiry();
  Emergency();  // has a leaf about each name
  v1::ListWithheldRequest of_other;
  *of_other.mutable_person() = At("crip75", other);
  const auto listed = List("crip75", of_other);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->entries_size(), 0);
  const std::vector<v1::WithheldEntry> entries = Listed("crip75");
  ASSERT_EQ(entries.size(), 3U);
  for (const v1::WithheldEntry& entry : entries) {
    v1::ReviewWithheldRequest request = Show("crip75", entry.leaf_index());
    *request.mutable_person() = At("crip75", other);
    ExpectRefused("crip75", request, "leaf_index");
  }
  v1::ReviewWithheldRequest of_registry;
  for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_EMERGENCY_DECLARED &&
        leaf.details.subject().id() == world_.IdOf(other).ToBytes()) {
      of_registry = Show("crip75", leaf.index);
      *of_registry.mutable_person() = At("crip75", other);
    }
  }
  ASSERT_TRUE(of_registry.has_person());
  ExpectRefused("crip75", of_registry, "leaf_index");
  int i = 0;
  for (const v1::WithheldEntry& entry : entries) {
    ASSERT_TRUE(Reviewed("crip75", Show("crip75", entry.leaf_index(), "n" + std::to_string(++i))).ok());
  }
  for (const Ref& name : {person_, other}) {
    EXPECT_EQ(History(name).withheld_size(), 0);
    EXPECT_EQ(Of(History(name), v1::DISCLOSURE_KIND_DENIED), 2);
    EXPECT_EQ(Of(History(name), v1::DISCLOSURE_KIND_EMERGENCY), 1);
  }
}

// Looking is an act about her: each page, also an empty one; it is in nobody's history.
TEST_F(WithheldTest, AListLeavesALeafThatIsNoEntry) {
  Inquiry();
  ASSERT_EQ(Listed("crip75").size(), 1U);
  const audit::OpenedLeaf last = world_.Leaves().back();
  EXPECT_EQ(last.leaf.header.event_class(), audit::v1::EVENT_CLASS_WITHHELD_LISTED);
  EXPECT_EQ(last.leaf.header.institution(), "crip75");
  EXPECT_EQ(last.details.subject().id(), world_.IdOf(person_).ToBytes());
  v1::WithheldListed said;
  ASSERT_TRUE(last.details.payload().UnpackTo(&said));
  EXPECT_EQ(said.entries(), 1U);
  EXPECT_EQ(said.log_size(), last.index);
  EXPECT_TRUE(Listed("caf").empty());
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_WITHHELD_LISTED), 2U);
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(history.disclosures_size(), 0);
  EXPECT_EQ(history.withheld_size(), 1);
}

// ADR 67: the directory in force knows its recipient no more.
TEST_F(WithheldTest, WhatIsWithheldStaysSoWhenItsRecipientLeavesTheDirectory) {
  Inquiry();
  Emergency();
  ASSERT_EQ(History().withheld_size(), 2);
  world_.UseDirectory(testing::SampleDirectoryWith("crip75", "crip76"));
  ASSERT_EQ(world_.directory().FindInstitution("crip75"), nullptr);
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(history.withheld_size(), 2);
  EXPECT_EQ(history.disclosures_size(), 1) << "the reading before";
  EXPECT_THAT(history.ShortDebugString(), Not(HasSubstr("crip75")));
  EXPECT_EQ(Export()["emergencies"].size(), 0U);
  EXPECT_TRUE(Listed("ville-paris").empty()) << "nobody reviews it in its place";
}

// One review that does not read costs neither her history nor her copy; and no KEEP is written over what she
// may have been shown.
TEST_F(WithheldTest, AReviewThatDoesNotReadStopsNothing) {
  Inquiry();
  Emergency();
  const std::vector<v1::WithheldEntry> entries = Listed("crip75");
  ASSERT_EQ(entries.size(), 2U);
  const uint64_t damaged = entries[1].leaf_index();
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", damaged, Day(2027, 6, 1))).ok());
  const storage::Partition partition = PersonPartition(world_.IdOf(person_));
  const auto rows = world_.context().store.Scan(partition, "withheld/", "", 10);
  ASSERT_EQ(rows->entries.size(), 1U);
  storage::CommitRequest damage;
  damage.partition = partition;
  damage.batch.push_back({rows->entries[0].key, std::string(40, 'x')});
  ASSERT_TRUE(world_.Run(world_.context().store.Commit(std::move(damage))).ok());
  ASSERT_TRUE(Reviewed("crip75", Show("crip75", entries[0].leaf_index())).ok());
  const v1::ListDisclosuresResponse history = History();
  EXPECT_EQ(Of(history, v1::DISCLOSURE_KIND_EMERGENCY), 1);
  ASSERT_EQ(history.withheld_size(), 1);
  EXPECT_TRUE(Same(history.withheld(0).review_on(), Day(2027, 5, 3))) << "as by default";
  EXPECT_EQ(Export()["emergencies"].size(), 1U);
  ASSERT_EQ(Listed("crip75").size(), 1U);
  ExpectRefused("crip75", Keep("crip75", damaged, Day(2027, 2, 1), "k2"), "decision");
  ASSERT_TRUE(Reviewed("crip75", Show("crip75", damaged, "s2")).ok());
  EXPECT_EQ(History().withheld_size(), 0);
}

TEST_F(WithheldTest, ALeafThatDoesNotReadKeepsNoOtherFromItsReview) {
  Inquiry();
  const uint64_t damaged = world_.log().state().size - 1;
  Inquiry();
  ASSERT_EQ(Listed("crip75").size(), 2U);
  storage::MemoryDisk::Write damage;
  damage.version = world_.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(damaged), "torn"});
  world_.harness().disk()->Apply(damage);
  const auto listed = List("crip75");
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->entries_size(), 1);
  EXPECT_NE(listed->entries(0).leaf_index(), damaged);
  EXPECT_EQ(listed->unreadable(), 1U);
}

TEST_F(WithheldTest, GoesWithHer) {
  Inquiry();
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", Listed("crip75").at(0).leaf_index(), Day(2027, 6, 1))).ok());
  const storage::Partition partition = PersonPartition(world_.IdOf(person_));
  ASSERT_EQ(world_.context().store.Scan(partition, "withheld/", "", 10)->entries.size(), 1U);
  v1::EraseRequest erase;
  erase.set_request_id("erase-1");
  *erase.mutable_person() = person_;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  ASSERT_TRUE(world_.Run(world_.service().erasures().Erase(world_.As("ville-paris", "steward"), erase)).ok());
  ASSERT_TRUE(world_.Run(world_.maintenance().RunOnce()).ok());
  EXPECT_TRUE(world_.context().store.Scan(partition, "", "", 10)->entries.empty());
  v1::ListWithheldRequest request;
  *request.mutable_person() = At("crip75");
  EXPECT_TRUE(absl::IsNotFound(List("crip75", request).status()));
}

// D-2.10: what is done about her papers keeps her from being forgotten no longer than she asked for.
TEST_F(WithheldTest, IsNoContactWithHer) {
  Inquiry();
  const uint64_t leaf = Listed("crip75").at(0).leaf_index();
  // Her agreement ends after a year, and two years later she is forgotten, whoever reviewed in between.
  world_.harness().sim().RunFor(kDay * 700);
  ASSERT_TRUE(Reviewed("crip75", Keep("crip75", leaf, Day(2028, 12, 1))).ok());
  world_.harness().sim().RunFor(kDay * 450);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world_.Run(world_.maintenance().RunOnce()).ok());
  }
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 1U);
}

}  // namespace
}  // namespace relais::consent
