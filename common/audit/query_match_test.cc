#include <gtest/gtest.h>

#include "common/audit/query.h"
#include "common/audit/testing/log_harness.h"

namespace relais::audit {
namespace {

// A leaf that has everything, and who made it.
struct Sample {
  OpenedLeaf leaf;
  std::optional<audit::v1::LeafActor> actor = audit::v1::LeafActor();

  Sample() {
    leaf.index = 5;
    leaf.leaf.time = absl::FromUnixSeconds(1000);
    audit::v1::LeafHeader& header = leaf.leaf.header;
    header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
    header.set_institution("ville-paris");
    header.set_directory_version(4);
    header.set_ground(common::v1::GROUND_AGREEMENT);
    header.set_decision(common::v1::DECISION_DENY);
    header.set_purpose("RIGHTS_OPENING");
    header.add_categories("IDENTITY");
    header.add_categories("RESOURCES");
    leaf.details.mutable_recipient()->set_institution("caf");
    leaf.details.set_relation("DESK");
    leaf.details.set_denial_reason("REASON_REFUSED");
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(testing::Person(1).id.ToBytes());
    actor->set_agent("a-1");
    actor->set_certificate("c0ffee");
  }
  void Erase() {
    leaf.opening = OpenedLeaf::Opening::kErased;
    leaf.details.Clear();
  }
  [[nodiscard]] bool Has(const LeafQuery& query) const { return Matches(query, leaf, actor); }
};

TEST(QueryMatch, NothingAskedIsSatisfied) { EXPECT_TRUE(Sample().Has(LeafQuery())); }

// Each filter: what the sample has, and something else.
struct Filter {
  const char* name;
  void (*right)(LeafQuery&);
  void (*wrong)(LeafQuery&);
  bool sealed = false;  // in part P
};
const Filter kFilters[] = {
    {"institution", [](LeafQuery& q) { q.institution = "ville-paris"; },
     [](LeafQuery& q) { q.institution = "ville"; }},
    {"purpose", [](LeafQuery& q) { q.purpose = "RIGHTS_OPENING"; }, [](LeafQuery& q) { q.purpose = "X"; }},
    {"category", [](LeafQuery& q) { q.category = "RESOURCES"; }, [](LeafQuery& q) { q.category = "HEALTH"; }},
    {"ground", [](LeafQuery& q) { q.ground = common::v1::GROUND_AGREEMENT; },
     [](LeafQuery& q) { q.ground = common::v1::GROUND_ART2; }},
    {"decision", [](LeafQuery& q) { q.decision = common::v1::DECISION_DENY; },
     [](LeafQuery& q) { q.decision = common::v1::DECISION_PERMIT; }},
    {"class",
     [](LeafQuery& q) {
       q.event_classes = {audit::v1::EVENT_CLASS_LOG_READ, audit::v1::EVENT_CLASS_CHECK_DECIDED};
     },
     [](LeafQuery& q) { q.event_classes = {audit::v1::EVENT_CLASS_LOG_READ}; }},
    {"directory version", [](LeafQuery& q) { q.directory_version = 4; },
     [](LeafQuery& q) { q.directory_version = 5; }},
    {"from", [](LeafQuery& q) { q.from = absl::FromUnixSeconds(1000); },
     [](LeafQuery& q) { q.from = absl::FromUnixSeconds(1001); }},
    {"to", [](LeafQuery& q) { q.to = absl::FromUnixSeconds(1001); },
     [](LeafQuery& q) { q.to = absl::FromUnixSeconds(1000); }},
    {"recipient", [](LeafQuery& q) { q.recipient = "caf"; }, [](LeafQuery& q) { q.recipient = "cpam"; },
     true},
    {"reason", [](LeafQuery& q) { q.denial_reason = "REASON_REFUSED"; },
     [](LeafQuery& q) { q.denial_reason = "REASON_EXPIRED"; }, true},
    {"relation", [](LeafQuery& q) { q.relation = "DESK"; }, [](LeafQuery& q) { q.relation = "NONE"; }, true},
    {"subject", [](LeafQuery& q) { q.subject = testing::Person(1); },
     [](LeafQuery& q) {
       q.subject = Subject{Subject::Kind::kSenderRecord, testing::Person(1).id};
     },
     true},
    {"agent",
     [](LeafQuery& q) {
       q.institution = "ville-paris";
       q.agent = "a-1";
     },
     [](LeafQuery& q) { q.agent = "a-2"; }},
    {"certificate", [](LeafQuery& q) { q.certificate = "c0ffee"; },
     [](LeafQuery& q) { q.certificate = "c0ffe"; }},
};

TEST(QueryMatch, EachFilterTellsLeavesApartAndAllMustHold) {
  const Sample sample;
  LeafQuery all;
  for (const Filter& filter : kFilters) {
    SCOPED_TRACE(filter.name);
    LeafQuery right;
    filter.right(right);
    EXPECT_TRUE(sample.Has(right));
    filter.right(all);
    LeafQuery wrong;
    filter.wrong(wrong);
    EXPECT_FALSE(sample.Has(wrong));
  }
  EXPECT_TRUE(sample.Has(all));
  for (const Filter& filter : kFilters) {
    SCOPED_TRACE(filter.name);
    LeafQuery one_wrong = all;
    filter.wrong(one_wrong);
    EXPECT_FALSE(sample.Has(one_wrong));
  }
}

TEST(QueryMatch, WhatIsSealedInAnErasedLeafMatchesNothing) {
  Sample sample;
  sample.Erase();
  for (const Filter& filter : kFilters) {
    SCOPED_TRACE(filter.name);
    LeafQuery right;
    filter.right(right);
    EXPECT_EQ(sample.Has(right), !filter.sealed);
  }
}

TEST(QueryMatch, AnActorWhoseMonthIsDestroyedMatchesNothing) {
  Sample sample;
  sample.actor = std::nullopt;
  EXPECT_TRUE(sample.Has(LeafQuery()));
  LeafQuery query;
  query.certificate = "c0ffee";
  EXPECT_FALSE(sample.Has(query));
}

TEST(QueryMatch, AnOfficerSeesHerInstitutionsActsAndThoseAddressedToIt) {
  Sample sample;
  LeafQuery query;
  for (const auto& [own, sees] : {std::pair("ville-paris", true), {"caf", true}, {"edf", false}}) {
    query.own = own;
    EXPECT_EQ(sample.Has(query), sees) << own;
  }
  sample.Erase();
  for (const auto& [own, sees] : {std::pair("ville-paris", true), {"caf", false}}) {
    query.own = own;
    EXPECT_EQ(sample.Has(query), sees) << own << " of an erased leaf";
  }
}

TEST(QueryMatch, AnOfficerAsksAboutHerOwnInstitutionsAgentsOnly) {
  const Sample sample;
  LeafQuery query;
  query.institution = "ville-paris";
  query.agent = "a-1";
  query.own = "ville-paris";
  EXPECT_TRUE(sample.Has(query));
  query.own = "caf";
  EXPECT_FALSE(sample.Has(query)) << "the recipient's officer";
  LeafQuery certificate;
  certificate.certificate = "c0ffee";
  certificate.own = "caf";
  EXPECT_FALSE(sample.Has(certificate));
}

}  // namespace
}  // namespace relais::audit
