// Who received of somebody is told that she is erased (RGPD art. 17, 19; D-2.7, D-2.10; ADR 61).
#include "services/consent/erased_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "common/storage/testing/damaged_memory.h"
#include "common/storage/testing/temp_folder.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/handlers/telling_erased.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_ERASED;
using audit::v1::EVENT_CLASS_ERASURE_ANSWERED;
using audit::v1::EVENT_CLASS_ERASURE_ASKED;
using common::v1::DECISION_PERMIT;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::InStore;
using ::testing::IsEmpty;
using testing::Merge;
using testing::Ref;
using testing::SimWorld;
using ::testing::SizeIs;
using testing::Two;

constexpr absl::Duration kDay = absl::Hours(24);

// What every test does with a world, which some make anew.
class Story {
 public:
  explicit Story(SimWorld& world) : world_(world) {}

  // She agrees that the Ville gives her identity to CAF and to Emmaüs.
  void Agree(const Ref& person) {
    v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, NextId());
    consent.mutable_lines(0)->add_recipients()->set_institution("emmaus");
    SimWorld::Require(world_.Record(consent).status());
  }
  void Permit(const Ref& person, const std::string& recipient, bool exercise = false) {
    v1::CheckRequest check = SimWorld::CheckFor(person, false);
    check.set_request_id(NextId());
    check.mutable_recipient()->set_institution(recipient);
    check.set_exercise(exercise);
    EXPECT_EQ(world_.Decision(check), DECISION_PERMIT);
  }
  // On the decree's ground, to the Ville: nobody asked her.
  void Cut(const Ref& person) {
    v1::CheckRequest check = SimWorld::CutFor(world_.RawRef(world_.IdOf(person)));
    check.set_dry_run(false);
    check.set_request_id(NextId());
    const auto cut = world_.Run(world_.service().checks().Check(world_.AsService("alerting"), check));
    SimWorld::Require(cut.status());
    EXPECT_EQ(cut->decision(), DECISION_PERMIT);
  }
  v1::EraseRequest EraseOf(const Ref& person) {
    v1::EraseRequest request;
    request.set_request_id("erase-1");
    *request.mutable_person() = person;
    request.set_cause(v1::ERASURE_CAUSE_REQUEST);
    return request;
  }
  std::string Request(const Ref& person) {
    const auto erased =
        world_.Run(world_.service().erasures().Erase(world_.As("ville-paris", "steward"), EraseOf(person)));
    SimWorld::Require(erased.status());
    return erased->erasure_id();
  }
  void Erase(const Ref& person) {
    Request(person);
    SimWorld::Require(world_.Run(world_.maintenance().RunOnce()));
    EXPECT_EQ(world_.Count(EVENT_CLASS_ERASED), 1u);
  }

  v1::ListObligationsResponse List(const std::string& as, const v1::ListObligationsRequest& request) {
    const auto page = world_.Run(world_.service().duties().ListObligations(world_.As(as), request));
    SimWorld::Require(page.status());
    return *page;
  }
  std::vector<v1::Duty> Owed(const std::string& as, bool overdue_only = false) {
    v1::ListObligationsRequest request;
    request.set_kind(v1::DUTY_KIND_ERASE_ON_ERASURE);
    request.set_overdue_only(overdue_only);
    const v1::ListObligationsResponse page = List(as, request);
    return {page.obligations().begin(), page.obligations().end()};
  }
  v1::AnswerErasureNoticeRequest AnswerTo(const v1::Duty& duty, v1::ErasureOutcome outcome,
                                          const std::string& reasons = "") {
    v1::AnswerErasureNoticeRequest request;
    request.set_request_id(NextId());
    *request.mutable_person() = duty.person();
    request.set_notice_id(duty.notice_id());
    request.set_outcome(outcome);
    request.set_reasons(reasons);
    return request;
  }
  absl::StatusOr<v1::AnswerErasureNoticeResponse> Answer(const std::string& as,
                                                         const v1::AnswerErasureNoticeRequest& request) {
    return world_.Run(world_.service().erasure_notices().AnswerErasureNotice(world_.As(as), request));
  }
  std::string HandleAt(const std::string& institution, const Ref& person) {
    return rpc::HandleFor(world_.context(), institution, world_.IdOf(person)).handle();
  }
  std::vector<storage::KeyedEntry> Rows() {
    return world_.context().store.Scan(ErasedNotices(world_.context()), "", "", 1000)->entries;
  }
  std::string NextId() { return "id-" + std::to_string(++ids_); }

 private:
  SimWorld& world_;
  int ids_ = 0;
};

class ErasedNoticesTest : public ::testing::Test {
 protected:
  ErasedNoticesTest() { story.Agree(person); }

  SimWorld world;
  Story story{world};
  Ref person = world.NewPerson("case-1");
};

TEST_F(ErasedNoticesTest, EachRecipientIsToldOfWhatItHadAndOfNothingElse) {
  story.Permit(person, "caf");
  story.Permit(person, "caf");
  story.Permit(person, "emmaus", true);  // an exercise discloses nothing
  const std::string handle = story.HandleAt("caf", person);
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
  story.Erase(person);
  world.Restart();
  const std::vector<v1::Duty> owed = story.Owed("caf");
  ASSERT_THAT(owed, SizeIs(1));
  EXPECT_EQ(owed[0].kind(), v1::DUTY_KIND_ERASE_ON_ERASURE);
  EXPECT_EQ(owed[0].person().handle(), handle);
  ASSERT_EQ(owed[0].erase_size(), 1);
  EXPECT_EQ(owed[0].erase(0).purpose(), "RIGHTS_OPENING");
  EXPECT_THAT(owed[0].erase(0).categories(), ElementsAre("IDENTITY"));
  EXPECT_FALSE(owed[0].overdue());
  const absl::Time due = TimeFrom(owed[0].due());
  EXPECT_GT(due, world.log().Now() + 29 * kDay);
  EXPECT_LT(due, world.log().Now() + 32 * kDay);
  for (const char* other : {"emmaus", "ville-paris", "cpam"}) {
    EXPECT_THAT(story.Owed(other), IsEmpty()) << other;
  }
  // D-2.10: nothing in clear that names her, by any name.
  EXPECT_FALSE(InStore(world, world.IdOf(person)));
  for (const storage::KeyedEntry& row : story.Rows()) {
    EXPECT_EQ((row.key + row.entry.value).find(handle), std::string::npos);
    EXPECT_EQ((row.key + row.entry.value).find("RIGHTS_OPENING"), std::string::npos);
  }
}

// The leaf is about nobody and opens for ever: it says whom and by when, not what.
TEST_F(ErasedNoticesTest, TheLeafSaysWhoIsToldAndNotOfWhat) {
  story.Permit(person, "caf");
  const std::string erasure = story.Request(person);
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  v1::ErasureAsked asked;
  size_t told = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() != EVENT_CLASS_ERASURE_ASKED) {
      continue;
    }
    ++told;
    EXPECT_EQ(leaf.opening, audit::OpenedLeaf::Opening::kOpened);
    EXPECT_EQ(leaf.leaf.header.institution(), "service/consent");
    EXPECT_TRUE(leaf.leaf.header.commitment().empty()) << "about nobody";
    EXPECT_TRUE(leaf.leaf.header.purpose().empty());
    EXPECT_TRUE(leaf.leaf.header.categories().empty());
    EXPECT_EQ(leaf.details.recipient().institution(), "caf");
    ASSERT_TRUE(leaf.details.payload().UnpackTo(&asked));
  }
  EXPECT_EQ(told, 1u);
  EXPECT_EQ(asked.notice_id(), story.Owed("caf").at(0).notice_id());
  EXPECT_EQ(asked.institution(), "caf");
  EXPECT_EQ(asked.cause_id(), erasure);
  EXPECT_TRUE(asked.has_due());
  EXPECT_THAT(asked.items(), IsEmpty());
}

// On whatever ground it was given; who asked for the erasure need not be told of it.
TEST_F(ErasedNoticesTest, WhoAskedForItIsNotTold) {
  story.Cut(person);
  story.Permit(person, "caf");
  story.Erase(person);
  EXPECT_THAT(story.Owed("ville-paris"), IsEmpty());
  EXPECT_THAT(story.Owed("caf"), SizeIs(1));
}

TEST(ErasedNotices, ARecipientOnTheDecreesGroundIsToldWhenAnotherAsks) {
  SimWorld world;
  Story story(world);
  const Ref person = world.NewPerson("case-1");
  story.Cut(person);
  v1::EraseRequest request = story.EraseOf(person);
  *request.mutable_person() = rpc::HandleFor(world.context(), "casvp", world.IdOf(person));
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("casvp", "psa"), request)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  const std::vector<v1::Duty> owed = story.Owed("ville-paris");
  ASSERT_THAT(owed, SizeIs(1));
  EXPECT_EQ(owed[0].person().handle(), person.handle());
}

// Of linked names each institution hears by the name it knows, also of one that its own request did not name.
TEST(ErasedNotices, EveryNameIsToldToWhoKnewHerByIt) {
  SimWorld world;
  Story story(world);
  const Two two(world);
  for (const Ref& name : {two.a, two.b}) {
    story.Agree(name);
    story.Permit(name, "caf");
    story.Cut(name);
  }
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  story.Erase(two.b);
  std::set<std::string> names;
  for (const v1::Duty& duty : story.Owed("caf")) {
    names.insert(duty.person().handle());
  }
  EXPECT_EQ(names, (std::set<std::string>{story.HandleAt("caf", two.a), story.HandleAt("caf", two.b)}));
  const std::vector<v1::Duty> asker = story.Owed("ville-paris");
  ASSERT_THAT(asker, SizeIs(1));
  EXPECT_EQ(asker[0].person().handle(), two.a.handle());
}

// What it answered before that it erased it is not told to erase again; what it kept, or got since, it is.
TEST_F(ErasedNoticesTest, WhatItErasedBeforeIsNotToldAgain) {
  for (const char* recipient : {"caf", "emmaus"}) {
    story.Permit(person, recipient);
  }
  ASSERT_TRUE(world.WithdrawAll(person, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  const auto answer = [&](const std::string& as, v1::ErasureOutcome outcome, const std::string& reasons) {
    const v1::ListObligationsResponse owed = story.List(as, {});
    ASSERT_EQ(owed.obligations_size(), 1);
    ASSERT_TRUE(story.Answer(as, story.AnswerTo(owed.obligations(0), outcome, reasons)).ok());
  };
  answer("caf", v1::ERASURE_OUTCOME_ERASED, "");
  answer("emmaus", v1::ERASURE_OUTCOME_KEPT, "contentieux");
  story.Erase(person);
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
  EXPECT_THAT(story.Owed("emmaus"), SizeIs(1));
}

TEST_F(ErasedNoticesTest, WhatItGotSinceItErasedIsTold) {
  story.Permit(person, "caf");
  ASSERT_TRUE(world.WithdrawAll(person, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  ASSERT_TRUE(
      story.Answer("caf", story.AnswerTo(story.List("caf", {}).obligations(0), v1::ERASURE_OUTCOME_NOT_HELD))
          .ok());
  story.Agree(person);
  story.Permit(person, "caf");
  story.Erase(person);
  EXPECT_THAT(story.Owed("caf"), SizeIs(1));
}

// A notice to erase that nobody answered went with her partition: this one says it again.
TEST_F(ErasedNoticesTest, AnUnansweredNoticeToEraseGoesOnInIt) {
  story.Permit(person, "caf");
  ASSERT_TRUE(world.WithdrawAll(person, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  ASSERT_EQ(story.List("caf", {}).obligations(0).kind(), v1::DUTY_KIND_ANSWER_ERASURE);
  story.Erase(person);
  const v1::ListObligationsResponse owed = story.List("caf", {});
  ASSERT_EQ(owed.obligations_size(), 1);
  EXPECT_EQ(owed.obligations(0).kind(), v1::DUTY_KIND_ERASE_ON_ERASURE);
}

// ---- answers

TEST_F(ErasedNoticesTest, AnAnswerMeetsItAndTakesHerOutOfIt) {
  story.Permit(person, "caf");
  story.Erase(person);
  const v1::Duty duty = story.Owed("caf").at(0);
  const std::string reasons = "CSS art. L.114-19, contrôle en cours";
  v1::AnswerErasureNoticeRequest kept = story.AnswerTo(duty, v1::ERASURE_OUTCOME_KEPT, reasons);
  const auto answered = story.Answer("caf", kept);
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
  const auto found = FindErasedNotice(world.context(), *Id128::FromHex(duty.notice_id()));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_TRUE((*found)->stored.sealed().empty()) << "handle and items are gone";

  const audit::OpenedLeaf leaf = world.Leaves().back();
  ASSERT_EQ(leaf.leaf.header.event_class(), EVENT_CLASS_ERASURE_ANSWERED);
  EXPECT_EQ(leaf.leaf.header.institution(), "caf");
  EXPECT_TRUE(leaf.leaf.header.commitment().empty()) << "about nobody";
  EXPECT_EQ(leaf.details.SerializeAsString().find(reasons), std::string::npos)
      << "text that no erasure would reach";
  const auto actor = world.log().Actor(leaf.leaf);
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_THAT(actor->motive(), HasSubstr(reasons));

  // Repeated, after a restart, and after another answer: the same.
  world.Restart();
  EXPECT_EQ(story.Answer("caf", kept)->SerializeAsString(), answered->SerializeAsString());
  EXPECT_TRUE(story.Answer("caf", story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED)).ok());
  v1::AnswerErasureNoticeRequest proved = kept;
  proved.set_want_proof(true);
  const auto again = story.Answer("caf", proved);
  EXPECT_EQ(again->written().revision(), answered->written().revision());
  EXPECT_EQ(again->written().proof().leaf_index(), leaf.index);
  kept.set_outcome(v1::ERASURE_OUTCOME_NOT_HELD);
  kept.clear_reasons();
  EXPECT_EQ(rpc::ReasonOf(story.Answer("caf", kept).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(rpc::ReasonOf(story.Answer("caf", story.AnswerTo(duty, v1::ERASURE_OUTCOME_NOT_HELD)).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ANSWERED), 2u);
}

TEST_F(ErasedNoticesTest, NobodyAnswersForAnotherAndAnswersAreWhole) {
  story.Permit(person, "caf");
  story.Erase(person);
  const v1::Duty duty = story.Owed("caf").at(0);
  const auto refused = [&](const std::string& as, const v1::AnswerErasureNoticeRequest& request) {
    EXPECT_EQ(rpc::ReasonOf(story.Answer(as, request).status()),
              common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  };
  v1::AnswerErasureNoticeRequest request = story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  *request.mutable_person() = person;  // the Ville's handle
  refused("ville-paris", request);
  request.mutable_person()->set_handle(story.HandleAt("emmaus", person));
  refused("emmaus", request);
  request = story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  request.set_notice_id(std::string(32, '0'));
  refused("caf", request);
  const Ref another = world.NewPerson("case-2");
  request = story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  request.mutable_person()->set_handle(story.HandleAt("caf", another));
  refused("caf", request);
  EXPECT_EQ(story.Answer("caf", story.AnswerTo(duty, v1::ERASURE_OUTCOME_KEPT)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ANSWERED), 0u);
  EXPECT_THAT(story.Owed("caf"), SizeIs(1));
}

// ---- once, whatever happens

TEST(ErasedNotices, EveryCrashTellsEachOnce) {
  bool crashed = true;
  for (uint64_t step = 0; crashed; ++step) {
    SCOPED_TRACE(step);
    crashed = false;
    bool armed = false;
    uint64_t seen = 0;
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.store.crash_at = [&](uint64_t) {
      crashed = crashed || (armed && seen++ == step);
      return armed && crashed;
    };
    SimWorld world(options);
    Story story(world);
    const Ref person = world.NewPerson("case-1");
    story.Agree(person);
    story.Permit(person, "caf");
    story.Permit(person, "emmaus");
    armed = true;
    (void)world.Run(
        world.service().erasures().Erase(world.As("ville-paris", "steward"), story.EraseOf(person)));
    (void)world.Run(world.maintenance().RunOnce());
    armed = false;
    if (crashed) {
      world.Restart();
      story.Request(person);
      ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok());
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
    }
    EXPECT_EQ(world.Count(EVENT_CLASS_ERASED), 1u);
    EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ASKED), 2u);
    for (const char* recipient : {"caf", "emmaus"}) {
      const std::vector<v1::Duty> owed = story.Owed(recipient);
      ASSERT_THAT(owed, SizeIs(1)) << recipient;
      EXPECT_TRUE(story.Answer(recipient, story.AnswerTo(owed[0], v1::ERASURE_OUTCOME_ERASED)).ok());
    }
  }
}

// The answer may come before the key goes, and the process die in between.
TEST(ErasedNotices, OneThatWasAnsweredIsNotMadeAgain) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  Story story(world);
  const Ref person = world.NewPerson("case-1");
  story.Agree(person);
  story.Permit(person, "caf");
  const std::string erasure = story.Request(person);
  ASSERT_TRUE(world.Run(TellOfErasure(world.service().registry(), world.IdOf(person))).ok());
  ASSERT_TRUE(story.Answer("caf", story.AnswerTo(story.Owed("caf").at(0), v1::ERASURE_OUTCOME_ERASED)).ok());
  world.Restart();
  v1::AcknowledgeErasureRequest acknowledge;
  acknowledge.set_erasure_id(erasure);
  ASSERT_TRUE(
      world.Run(world.service().erasures().AcknowledgeErasure(world.AsService("routing"), acknowledge)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASED), 1u);
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ASKED), 1u);
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
}

// Her erasure is made again in a store that does not know of it: so is the notice, under the same id.
TEST(ErasedNotices, ARestoreTellsAgain) {
  const storage::testing::TempFolder folder;
  SimWorld world(SimWorld::DefaultOptions(), {}, {}, folder.path() + "/erasures");
  Story story(world);
  const Ref person = world.NewPerson("case-1");
  story.Agree(person);
  story.Permit(person, "caf");
  const std::shared_ptr<storage::MemoryDisk> backup = world.harness().disk()->Clone();
  story.Erase(person);
  const std::string notice = story.Owed("caf").at(0).notice_id();
  ASSERT_TRUE(story.Answer("caf", story.AnswerTo(story.Owed("caf").at(0), v1::ERASURE_OUTCOME_ERASED)).ok());
  world.Restart(backup);
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
  ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok());
  const std::vector<v1::Duty> owed = story.Owed("caf");
  ASSERT_THAT(owed, SizeIs(1));
  EXPECT_EQ(owed[0].notice_id(), notice);
  EXPECT_TRUE(story.Answer("caf", story.AnswerTo(owed[0], v1::ERASURE_OUTCOME_NOT_HELD)).ok());
}

// ---- the list

TEST_F(ErasedNoticesTest, ItStandsInTheListAfterWhatIsOwedToTheLiving) {
  const Ref living = world.NewPerson("case-2");
  story.Agree(living);
  story.Permit(living, "caf");
  ASSERT_TRUE(world.WithdrawAll(living, "w-1").ok());
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  const Ref third = world.NewPerson("case-3");
  story.Agree(third);
  story.Permit(person, "caf");
  story.Permit(third, "caf");
  v1::EraseRequest second = story.EraseOf(third);
  second.set_request_id("erase-2");
  story.Request(person);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), second)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());

  const auto read = [&](uint32_t page_size, v1::DutyKind kind) {
    v1::ListObligationsRequest request;
    request.set_page_size(page_size);
    request.set_kind(kind);
    std::vector<v1::DutyKind> kinds;
    std::set<std::string> ids;
    for (int pages = 0; pages < 10; ++pages) {
      const v1::ListObligationsResponse page = story.List("caf", request);
      EXPECT_LE(page.obligations_size(), static_cast<int>(page_size));
      for (const v1::Duty& duty : page.obligations()) {
        kinds.push_back(duty.kind());
        EXPECT_TRUE(ids.insert(duty.notice_id()).second);
      }
      if (page.next_page_token().empty()) {
        return kinds;
      }
      request.set_page_token(page.next_page_token());
    }
    ADD_FAILURE() << "no end";
    return kinds;
  };
  for (const uint32_t page_size : {1u, 2u, 3u, 1000u}) {
    EXPECT_THAT(read(page_size, v1::DUTY_KIND_UNSPECIFIED),
                ElementsAre(v1::DUTY_KIND_ANSWER_ERASURE, v1::DUTY_KIND_ERASE_ON_ERASURE,
                            v1::DUTY_KIND_ERASE_ON_ERASURE))
        << page_size;
    EXPECT_THAT(read(page_size, v1::DUTY_KIND_ERASE_ON_ERASURE), SizeIs(2)) << page_size;
    EXPECT_THAT(read(page_size, v1::DUTY_KIND_ANSWER_ERASURE), SizeIs(1)) << page_size;
  }
  v1::ListObligationsRequest wrong;
  wrong.set_page_token("ZWU");  // "ee"
  EXPECT_EQ(world.Run(world.service().duties().ListObligations(world.As("caf"), wrong)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The id at the end of a place in the list.
std::string IdIn(const std::string& key) {
  return Id128::FromBytes(std::string_view(key).substr(key.size() - Id128::kSize)).value().ToHex();
}

// Beside what does not read a page ends within a row, or after one; the next goes on from there.
TEST(ErasedNotices, TheListGoesOnPastEachThatDoesNotRead) {
  storage::testing::DamagedMemory disk;
  audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
  options.make_store = disk.Make();
  SimWorld world(options);
  Registry& registry = world.service().registry();
  constexpr size_t kReadable = 20;
  for (size_t i = 0; i + 1 < 2 * kReadable; ++i) {
    ErasedNotice notice;
    notice.id = world.context().random.Id();
    notice.person = world.context().random.Id();
    notice.institution = "caf";
    SimWorld::Require(world.Run(MakeErasedNotice(registry, notice)));
  }
  const storage::Partition partition = ErasedNotices(world.context());
  const auto rows = world.context().store.Scan(partition, "d/caf/", "", 1000);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_THAT(rows->entries, SizeIs(2 * kReadable - 1));
  for (size_t i = 1; i < rows->entries.size(); i += 2) {
    disk.store->Damage(partition, rows->entries[i].key);
  }
  for (const size_t most : {1u, 3u, 1000u}) {
    std::set<std::string> ids;
    std::string from;
    for (size_t pages = 0; pages <= 2 * kReadable; ++pages) {
      const auto page = ListErasedNotices(registry, "caf", false, from, most, world.log().Now());
      ASSERT_TRUE(page.ok()) << page.status();
      for (const v1::Duty& duty : page->duties) {
        EXPECT_TRUE(ids.insert(duty.notice_id()).second);
      }
      from = page->next;
      ASSERT_TRUE(IsPlaceOfErasedNotice(from)) << from.size();
      if (from.empty()) {
        break;
      }
    }
    EXPECT_TRUE(from.empty());
    // Rows between two gaps may be taken for a part of them; what comes after all of them is reached.
    EXPECT_TRUE(ids.contains(IdIn(rows->entries.front().key))) << most;
    EXPECT_TRUE(ids.contains(IdIn(rows->entries.back().key))) << most;
    EXPECT_GT(ids.size(), kReadable / 2) << most;
  }
}

// ---- retention (D-2.10)

TEST_F(ErasedNoticesTest, OneThatIsNotAnsweredIsShownAsOverdueAndThenGoes) {
  story.Permit(person, "caf");
  story.Permit(person, "emmaus");
  story.Erase(person);
  const v1::Duty duty = story.Owed("caf").at(0);
  ASSERT_TRUE(
      story.Answer("emmaus", story.AnswerTo(story.Owed("emmaus").at(0), v1::ERASURE_OUTCOME_ERASED)).ok());
  EXPECT_THAT(story.Owed("caf", true), IsEmpty());
  world.harness().sim().Skip(32 * kDay);
  ASSERT_THAT(story.Owed("caf", true), SizeIs(1));
  EXPECT_TRUE(story.Owed("caf", true)[0].overdue());
  const auto look = [&] {  // as the service does by itself
    const absl::Status started = world.service().Start();
    ASSERT_TRUE(started.ok()) << started;
    world.harness().sim().RunFor(absl::Seconds(2));
    world.Run(world.service().Stop());
    world.Restart();
  };
  look();
  EXPECT_THAT(story.Owed("caf", true), SizeIs(1));
  world.harness().sim().Skip(TimeFrom(duty.due()) + 93 * kDay - world.log().Now());
  look();
  EXPECT_THAT(story.Owed("caf"), IsEmpty());
  EXPECT_THAT(story.Rows(), IsEmpty()) << "with what was answered, and the requests remembered with it";
  EXPECT_EQ(rpc::ReasonOf(story.Answer("caf", story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  audit::v1::Purged purged;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.details.payload().UnpackTo(&purged) && purged.rule() == "ERASURE_NOTICE") {
      break;
    }
  }
  EXPECT_EQ(purged.rule(), "ERASURE_NOTICE");
  EXPECT_EQ(purged.count(), 2u);
}

// An answer that came late is remembered for as long as any.
TEST_F(ErasedNoticesTest, ALateAnswerIsRemembered) {
  story.Permit(person, "caf");
  story.Erase(person);
  const v1::Duty duty = story.Owed("caf").at(0);
  world.harness().sim().Skip(TimeFrom(duty.due()) + 88 * kDay - world.log().Now());
  const v1::AnswerErasureNoticeRequest request = story.AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  const auto first = story.Answer("caf", request);
  ASSERT_TRUE(first.ok()) << first.status();
  world.harness().sim().Skip(7 * kDay);
  EXPECT_EQ(world.Run(PurgeErasedNotices(world.service().registry())).value(), 0);
  EXPECT_EQ(story.Answer("caf", request)->SerializeAsString(), first->SerializeAsString());
  world.harness().sim().Skip(2 * kDay);
  EXPECT_EQ(world.Run(PurgeErasedNotices(world.service().registry())).value(), 1);
}

// An erasure for want of contact tells as any (D-2.10).
TEST_F(ErasedNoticesTest, RetentionTellsToo) {
  story.Permit(person, "caf");
  story.Cut(person);
  world.harness().sim().Skip(732 * kDay);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
  ASSERT_EQ(world.Count(EVENT_CLASS_ERASED), 1u);
  EXPECT_THAT(story.Owed("caf"), SizeIs(1));
  EXPECT_THAT(story.Owed("ville-paris"), SizeIs(1));
}

}  // namespace
}  // namespace relais::consent
