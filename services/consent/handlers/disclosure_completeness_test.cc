// Which leaves about her are entries of her history: against every class of event, and against the log.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/disclosures.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::DisclosureTest;
using testing::SimWorld;

using Class = audit::v1::EventClass;

// Every class of event that is told in her history, and as what.
const std::map<Class, std::set<v1::DisclosureKind>>& ToldAs() {
  static const auto& told = *new std::map<Class, std::set<v1::DisclosureKind>>{
      {audit::v1::EVENT_CLASS_CHECK_DECIDED, {v1::DISCLOSURE_KIND_PERMITTED, v1::DISCLOSURE_KIND_DENIED}},
      {audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, {v1::DISCLOSURE_KIND_EMERGENCY}},
      {audit::v1::EVENT_CLASS_HISTORY_READ, {v1::DISCLOSURE_KIND_HISTORY_READ}},
      {audit::v1::EVENT_CLASS_RIGHTS_EXPORTED, {v1::DISCLOSURE_KIND_EXPORTED}},
      {audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, {v1::DISCLOSURE_KIND_COMPARED}},
      {audit::v1::EVENT_CLASS_RECEIPT_GIVEN, {v1::DISCLOSURE_KIND_RECEIPT_GIVEN}},
  };
  return told;
}

struct NotTold {
  const char* why;
  std::vector<Class> classes;
};

// And every other, with why it is no disclosure of this registry's.
std::vector<NotTold> NoDisclosures() {
  using namespace audit::v1;  // NOLINT(google-build-using-namespace)
  return {
      {"never written", {EVENT_CLASS_UNSPECIFIED}},
      {"of the log, the service, its keys or who audits it: about no person",
       {EVENT_CLASS_LOG_OPENED, EVENT_CLASS_SERVICE_STARTED, EVENT_CLASS_LOG_READ,
        EVENT_CLASS_DIRECTORY_CHANGED, EVENT_CLASS_SCOPE_PROPOSED, EVENT_CLASS_SCOPE_APPROVED,
        EVENT_CLASS_AGENT_SEARCHED, EVENT_CLASS_LOG_KEYS_CHANGED, EVENT_CLASS_EPOCH_ROTATED,
        EVENT_CLASS_MONTH_KEY_DESTROYED, EVENT_CLASS_PURGED, EVENT_CLASS_LOG_CONTINUED,
        EVENT_CLASS_HOLD_ENDED, EVENT_CLASS_NOTICE_REGISTERED}},
      {"refused before anything was looked at: nothing was given", {EVENT_CLASS_CALL_REFUSED}},
      {"her erasure: no history is left, and nobody is given anything of hers",
       {EVENT_CLASS_ERASE_REQUESTED, EVENT_CLASS_ERASED}},
      {"a legal hold: told to nobody while it lasts (ADR 22)", {EVENT_CLASS_HOLD_PLACED}},
      {"what she said herself, or what was written down of her by who knows it: kept, not given",
       {EVENT_CLASS_PERSON_REGISTERED, EVENT_CLASS_CONSENT_RECORDED, EVENT_CLASS_REFUSAL_RECORDED,
        EVENT_CLASS_CONSENT_WITHDRAWN, EVENT_CLASS_OBJECTION_RECORDED, EVENT_CLASS_OBJECTION_LIFTED,
        EVENT_CLASS_CONSENT_EXPIRED, EVENT_CLASS_CONSENT_RENEWED, EVENT_CLASS_INFORMATION_RECORDED,
        EVENT_CLASS_AGREEMENTS_TOUCHED, EVENT_CLASS_RIGHTS_OPENED, EVENT_CLASS_RIGHTS_ANSWERED,
        EVENT_CLASS_PROCESSING_RESTRICTED, EVENT_CLASS_PROCESSING_UNRESTRICTED,
        EVENT_CLASS_IDENTIFIER_CHANGED, EVENT_CLASS_STATUS_UPDATED}},
      {"what became of an emergency: it is told as it was declared",
       {EVENT_CLASS_EMERGENCY_REVIEWED, EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE}},
      {"to who received already, by what is told: it is to erase or to mend, and is given no value",
       {EVENT_CLASS_ERASURE_ASKED, EVENT_CLASS_ERASURE_ANSWERED, EVENT_CLASS_RECORD_RECTIFIED,
        EVENT_CLASS_RECTIFICATION_ANSWERED}},
      {"who reviews what is withheld would tell what it is (ADR 67)",
       {EVENT_CLASS_WITHHOLDING_REVIEWED, EVENT_CLASS_WITHHELD_LISTED}},
      {"which records are one human: who looked at hers is told (CANDIDATE_COMPARED)",
       {EVENT_CLASS_CANDIDATE_FOUND, EVENT_CLASS_CANDIDATE_DECIDED, EVENT_CLASS_PERSONS_LINKED,
        EVENT_CLASS_PERSONS_SPLIT}},
      {"routing's log: what went was checked here first",
       {EVENT_CLASS_REFERENT_CHANGED, EVENT_CLASS_MESSAGE_SUBMITTED, EVENT_CLASS_MESSAGE_NOT_PERMITTED,
        EVENT_CLASS_MESSAGE_OFFERED, EVENT_CLASS_MESSAGE_DELIVERED, EVENT_CLASS_MESSAGE_TAKEN,
        EVENT_CLASS_MESSAGE_WITHDRAWN, EVENT_CLASS_MESSAGE_ESCALATED, EVENT_CLASS_MESSAGE_DEAD}},
      {"alerting's log: what it passes on was checked here first",
       {EVENT_CLASS_SIGNAL_ACCEPTED, EVENT_CLASS_SIGNAL_REFUSED, EVENT_CLASS_OBJECTION_NOTED,
        EVENT_CLASS_ALERT_CHANGED}},
      {"the vault's log: told in her journal there (ReadJournal)",
       {EVENT_CLASS_UPLOAD_CHANGED, EVENT_CLASS_DOCUMENT_DEPOSITED, EVENT_CLASS_DOCUMENT_READ,
        EVENT_CLASS_DOCUMENT_READ_CUT, EVENT_CLASS_VAULT_REFUSED, EVENT_CLASS_VAULT_LOOKED,
        EVENT_CLASS_DOCUMENT_CHANGED, EVENT_CLASS_DOCUMENT_VERIFIED, EVENT_CLASS_DOCUMENT_DESTROYED,
        EVENT_CLASS_SHARE_CHANGED, EVENT_CLASS_DOCUMENT_REQUEST_CHANGED, EVENT_CLASS_HOST_CHANGED,
        EVENT_CLASS_VAULT_EXPORTED, EVENT_CLASS_DOCUMENT_EXPIRING, EVENT_CLASS_PAPER_KEYS_ROTATED,
        EVENT_CLASS_VAULT_SCRUBBED, EVENT_CLASS_CLOSURE_ANNOUNCED, EVENT_CLASS_VAULT_EXPORT_CUT,
        EVENT_CLASS_DOCUMENT_ASKED}},
  };
}

// A leaf of that class that is not withheld.
audit::OpenedLeaf LeafOf(Class event_class, common::v1::Decision decision, absl::Time time) {
  audit::OpenedLeaf leaf;
  leaf.leaf.time = time;
  leaf.leaf.header.set_event_class(event_class);
  leaf.leaf.header.set_institution("ville-paris");
  leaf.leaf.header.set_decision(decision);
  if (event_class == audit::v1::EVENT_CLASS_CHECK_DECIDED) {
    v1::CheckDecided check;
    check.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(check);
  } else if (event_class == audit::v1::EVENT_CLASS_EMERGENCY_DECLARED) {
    v1::EmergencyDeclared emergency;
    emergency.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(emergency);
  }
  return leaf;
}

// A new class of event is told in her history, or says here why it is no disclosure.
TEST_F(DisclosureTest, EveryClassOfEventIsToldOrNoDisclosure) {
  std::map<Class, size_t> said;
  for (const auto& [event_class, kinds] : ToldAs()) {
    ++said[event_class];
  }
  for (const NotTold& each : NoDisclosures()) {
    for (const Class event_class : each.classes) {
      ++said[event_class];
    }
  }
  const google::protobuf::EnumDescriptor* classes = audit::v1::EventClass_descriptor();
  for (int i = 0; i < classes->value_count(); ++i) {
    const auto event_class = static_cast<Class>(classes->value(i)->number());
    EXPECT_EQ(said[event_class], 1U) << classes->value(i)->name() << " is in one of the two, once";
    std::set<v1::DisclosureKind> kinds;
    for (const auto decision : {common::v1::DECISION_PERMIT, common::v1::DECISION_DENY}) {
      const auto entry = EntryOf(LeafOf(event_class, decision, world_.log().Now()), Words());
      if (!entry) {
        continue;
      }
      ASSERT_TRUE(std::holds_alternative<v1::Disclosure>(*entry)) << classes->value(i)->name();
      const auto& shown = std::get<v1::Disclosure>(*entry);
      EXPECT_FALSE(shown.fr().empty() || shown.en().empty()) << classes->value(i)->name();
      kinds.insert(shown.kind());
    }
    const auto told = ToldAs().find(event_class);
    EXPECT_EQ(kinds, told == ToldAs().end() ? std::set<v1::DisclosureKind>() : told->second)
        << classes->value(i)->name();
  }
}

// An exercise discloses nothing: a permit of one, a denial of one, and one that would be withheld.
TEST_F(DisclosureTest, ExercisesAreNoDisclosures) {
  v1::CheckRequest permitted = SimWorld::CheckFor(person_);
  permitted.set_exercise(true);
  Checked(permitted);
  v1::CheckRequest denied = permitted;
  denied.mutable_recipient()->set_institution("siao");
  Checked(denied);
  v1::CheckRequest report = Report();
  report.set_exercise(true);
  Checked(report, "bspp");
  const v1::ListDisclosuresResponse history = All();
  EXPECT_EQ(history.disclosures_size(), 0);
  EXPECT_EQ(history.withheld_size(), 0);
}

TEST_F(DisclosureTest, WhoComparedHerAndWhoGaveHerReceiptIsShown) {
  for (const auto& [event_class, kind] :
       {std::pair{audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, v1::DISCLOSURE_KIND_COMPARED},
        std::pair{audit::v1::EVENT_CLASS_RECEIPT_GIVEN, v1::DISCLOSURE_KIND_RECEIPT_GIVEN}}) {
    audit::Event event =
        rpc::EventOf(world_.As("caf"), {"caf", "assistant-social", "agent-1"}, event_class, "");
    event.event_id = world_.context().random.Id();
    event.subject = PersonSubject(world_.IdOf(person_));
    SimWorld::Require(world_.Run(rpc::WriteLoneLeaf(world_.context(), std::move(event))).status());
    const v1::ListDisclosuresResponse history = All();
    const auto found =
        std::find_if(history.disclosures().begin(), history.disclosures().end(),
                     [kind = kind](const v1::Disclosure& entry) { return entry.kind() == kind; });
    ASSERT_NE(found, history.disclosures().end());
    EXPECT_EQ(found->sender().institution(), "caf");
    EXPECT_FALSE(found->fr().empty());
  }
}

// Complete against the log: over random histories, every leaf about her that tells of an access is an entry
// or is withheld, and nothing else is.
TEST_F(DisclosureTest, CompleteAgainstTheLog) {
  relais::testing::SeededRandom random(20261125);
  const auto pick = [&](uint64_t n) { return random.Id().bytes()[0] % n; };
  for (int step = 0; step < 150; ++step) {
    if (step == 50 || step == 100) {
      Declared("e" + std::to_string(step), step == 50 ? "caf" : "crip75");
    }
    switch (pick(8)) {
      case 0:
        Checked(Report(pick(2) == 0), "bspp");
        break;
      case 1:
        Checked(SimWorld::CutFor(person_), "edf");
        break;
      case 2: {
        v1::CheckRequest other = SimWorld::CheckFor(person_);
        other.mutable_recipient()->set_institution(pick(2) == 0 ? "siao" : "crip75");
        Checked(other);
        break;
      }
      case 3: {
        const auto someone = world_.NewPerson("other-" + std::to_string(step));
        v1::CheckRequest check = SimWorld::CheckFor(someone, false);
        SimWorld::Require(world_.Check(check).status());
        break;
      }
      case 4:
        world_.harness().sim().RunFor(absl::Hours(1));
        break;
      case 5: {  // read, copied, compared, given
        constexpr std::array<Class, 4> kActs = {
            audit::v1::EVENT_CLASS_HISTORY_READ, audit::v1::EVENT_CLASS_RIGHTS_EXPORTED,
            audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, audit::v1::EVENT_CLASS_RECEIPT_GIVEN};
        Wrote(kActs.at(pick(kActs.size())), "caf");
        break;
      }
      case 6:  // no disclosures
        SimWorld::Require(
            world_.Record(SimWorld::ConsentFor(person_, "again-" + std::to_string(step))).status());
        AsksForACopy("ville-paris");
        break;
      default:
        Checked(SimWorld::CheckFor(person_));
    }
  }
  const Id128 her = world_.IdOf(person_);
  for (const int size : {0, 1, 7}) {
    std::vector<uint64_t> shown;
    std::set<Class> classes;
    size_t withheld = 0;
    for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
      const Class event_class = leaf.leaf.header.event_class();
      if (leaf.details.subject().id() != her.ToBytes() || !ToldAs().contains(event_class)) {
        continue;
      }
      v1::CheckDecided check;
      v1::EmergencyDeclared emergency;
      const bool report =
          (leaf.details.payload().UnpackTo(&check) &&
           (check.sender().institution() == "bspp" || check.recipient().institution() == "crip75")) ||
          (leaf.details.payload().UnpackTo(&emergency) && emergency.recipient().institution() == "crip75");
      if (report) {
        ++withheld;
      } else {
        classes.insert(event_class);
        shown.push_back(leaf.index);
      }
    }
    ASSERT_GT(withheld, 5U);
    ASSERT_GT(shown.size(), 20U);
    ASSERT_EQ(classes.size(), ToldAs().size()) << "each of those that are told was there";
    const v1::ListDisclosuresResponse history = All(size);
    std::vector<uint64_t> listed;
    for (const v1::Disclosure& entry : history.disclosures()) {
      listed.push_back(entry.leaf_index());
    }
    std::reverse(listed.begin(), listed.end());
    EXPECT_EQ(listed, shown) << size;
    EXPECT_EQ(static_cast<size_t>(history.withheld_size()), withheld) << size;
  }
}

}  // namespace
}  // namespace relais::consent
