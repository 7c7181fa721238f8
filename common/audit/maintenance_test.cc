#include "common/audit/maintenance.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "common/audit/cursor.h"
#include "common/audit/testing/log_harness.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using testing::HarnessOptions;
using ::testing::IsEmpty;
using testing::Person;
using testing::PlainEvent;
using testing::SimLogHarness;
using ::testing::SizeIs;
using testing::SubjectEvent;

constexpr char kContext[] = "state";

storage::Partition PartitionOf(const Subject& subject) {
  return {storage::PartitionKind::kPerson, subject.id};
}
Id128 Number(uint8_t n) {
  std::string bytes(Id128::kSize, '\0');
  bytes.back() = static_cast<char>(n);
  return Id128::FromBytes(bytes).value();
}

// Keeps one sealed row per person, as a service does.
class FakeKeeper final : public StateKeeper {
 public:
  FakeKeeper(Log& log, storage::Store& store) : log_(log), store_(store) {}
  Task<absl::Status> EraseState(Subject subject) override {
    const auto entry = store_.Get(PartitionOf(subject), "row");
    CO_RETURN_IF_ERROR(entry.status());
    if (entry->has_value() && log_.keys().Frozen(subject)) {
      // Sealed, and still to be opened by who erases it.
      CO_RETURN_IF_ERROR(log_.keys().OpenFrozenState(subject, kContext, (*entry)->value).status());
      opened_frozen = true;
    }
    const absl::Status emptied = co_await storage::EmptyPartition(store_, PartitionOf(subject), "");
    co_return emptied;
  }
  absl::StatusOr<std::vector<Subject>> HeldWith(const Subject& /*person*/) override {
    return std::vector<Subject>();
  }
  Task<absl::Status> EachState(Subject /*subject*/, HeldSink& /*sink*/) override {
    co_return absl::OkStatus();
  }
  Task<absl::Status> Acknowledge(Id128 erasure) override {
    CO_RETURN_IF_ERROR(peer_down);
    acknowledged.push_back(erasure);
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<bool>> Sweep() override {
    ++sweeps;
    co_return sweeps % 3 != 0;
  }
  bool opened_frozen = false;
  absl::Status peer_down;
  std::vector<Id128> acknowledged;
  int sweeps = 0;

 private:
  Log& log_;
  storage::Store& store_;
};

class MaintenanceTest : public ::testing::Test {
 protected:
  explicit MaintenanceTest(HarnessOptions options = {}) : harness_(std::move(options)) {
    options_.institution = "service/test";
    options_.journal_path = folder_.path() + "/erasures";
    Open();
  }

  void Open() {
    auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), harness_.ring(),
                                    harness_.clock(), harness_.random(), harness_.executor());
    ASSERT_TRUE(opened.ok()) << opened.status();
    all_.push_back(*std::move(opened));
    keepers_.push_back(std::make_unique<FakeKeeper>(harness_.log(), harness_.store()));
    maintenance().UseKeeper(&keeper());
    ASSERT_TRUE(harness_.Run(maintenance().Reapply()).ok());
  }
  void Restart() {
    harness_.Crash();
    ASSERT_TRUE(harness_.Reopen().ok());
    Open();
  }
  Maintenance& maintenance() { return *all_.back(); }
  FakeKeeper& keeper() { return *keepers_.back(); }

  // A leaf about her and a sealed row of state.
  void Live(const Subject& subject) {
    const auto sealed = harness_.log().keys().SealState(subject, kContext, "the canary sings");
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    auto draft = harness_.log().Draft(SubjectEvent(subject));
    ASSERT_TRUE(draft.ok()) << draft.status();
    storage::CommitRequest commit;
    commit.partition = PartitionOf(subject);
    commit.batch.push_back({"row", *sealed});
    commit.leaves.push_back(*std::move(draft));
    ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(commit))).ok());
  }
  absl::Status Request(uint8_t erasure, const std::vector<Subject>& subjects) {
    storage::CommitRequest commit;
    commit.partition = PartitionOf(subjects[0]);
    return harness_
        .Run(maintenance().Request({Number(erasure), subjects, "REQUEST", {}}, PlainEvent(),
                                   std::move(commit)))
        .status();
  }
  absl::Status RunOnce() { return harness_.Run(maintenance().RunOnce()); }
  size_t Count(audit::v1::EventClass event_class) {
    size_t count = 0;
    const auto leaves = harness_.log().ReadOpened(0, 1000);
    EXPECT_TRUE(leaves.ok()) << leaves.status();
    for (const OpenedLeaf& leaf : *leaves) {
      count += leaf.leaf.header.event_class() == event_class ? 1 : 0;
    }
    return count;
  }
  // The ids under which followers are asked to erase, leaf by leaf; of one act all of them.
  std::vector<std::string> Asked() {
    std::vector<std::string> ids;
    const auto leaves = harness_.log().ReadOpened(0, 1000);
    EXPECT_TRUE(leaves.ok()) << leaves.status();
    for (const OpenedLeaf& leaf : *leaves) {
      audit::v1::EraseRequested payload;
      if (leaf.details.payload().UnpackTo(&payload)) {
        EXPECT_EQ(leaf.leaf.header.event_id(), Number(1).ToBytes());
        ids.push_back(payload.erasure_id());
      }
    }
    return ids;
  }
  bool Erased(const Subject& subject) {
    return absl::IsNotFound(harness_.log().keys().Get(subject).status()) &&
           harness_.log().LeavesOf(subject, 0, 10)->empty() &&
           !harness_.store().Get(PartitionOf(subject), "row")->has_value();
  }
  // The bytes of every row anywhere.
  bool InStore(const std::string& bytes) {
    for (int table = 0; table < storage::kLogTables; ++table) {
      const auto rows = harness_.store().LogScan(static_cast<storage::LogTable>(table), "", "", 100000);
      for (const auto& row : *rows) {
        if (row.key.find(bytes) != std::string::npos || row.value.find(bytes) != std::string::npos) {
          return true;
        }
      }
    }
    return false;
  }

  const storage::testing::TempFolder folder_;
  SimLogHarness harness_;
  MaintenanceOptions options_;
  std::vector<std::unique_ptr<Maintenance>> all_;  // coroutines of a crashed process may look at them
  std::vector<std::unique_ptr<FakeKeeper>> keepers_;
};

TEST_F(MaintenanceTest, ErasesInTwoStepsAndProofsStay) {
  options_.wait_for = {"alerting", "routing"};
  Open();
  Live(Person(1));
  Live(Person(2));
  const auto before = harness_.Run(harness_.log().Prove(0, false));
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(Request(1, {Person(1)}).ok());

  // Frozen: her leaves open, her state and everything new do not.
  EXPECT_TRUE(harness_.log().keys().Get(Person(1)).ok());
  EXPECT_TRUE(IsErased(harness_.log().Draft(SubjectEvent(Person(1))).status()));
  const auto row = harness_.store().Get(PartitionOf(Person(1)), "row");
  EXPECT_TRUE(absl::IsNotFound(harness_.log().keys().OpenState(Person(1), kContext, (*row)->value).status()));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(maintenance().status().erasures[0].waiting_for, ElementsAre("alerting", "routing"));
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(1), "routing")).ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_FALSE(Erased(Person(1)));
  EXPECT_EQ(harness_.log().ReadOpened(2, 1)->at(0).opening, OpenedLeaf::Opening::kOpened)
      << "openable until every follower has acknowledged";
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(1), "alerting")).ok());
  ASSERT_TRUE(RunOnce().ok());

  EXPECT_TRUE(Erased(Person(1)));
  EXPECT_FALSE(Erased(Person(2)));
  EXPECT_TRUE(keeper().opened_frozen);
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 1);
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_THAT(maintenance().status().erasures, IsEmpty());
  EXPECT_EQ(harness_.log().ReadOpened(2, 1)->at(0).opening, OpenedLeaf::Opening::kErased);
  EXPECT_TRUE(VerifyProof(*before, {harness_.verify_key()}).ok()) << "an old receipt still verifies";
  const auto certificate = maintenance().Find(Number(1));
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_NE(certificate->stored.destroyed(), 0);
  EXPECT_EQ(certificate->stored.epoch_leaf(), 0) << "copies under the epoch key live until it ends";
  const auto proof = harness_.Run(harness_.log().Prove(certificate->stored.erased_leaf() - 1, true));
  const auto verified = VerifyProof(*proof, {harness_.verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  audit::v1::Erased erased;
  ASSERT_TRUE(verified->details->payload().UnpackTo(&erased));
  EXPECT_EQ(erased.erasure_id(), Number(1).ToHex());
  EXPECT_EQ(verified->leaf.header.commitment(), "") << "about nobody";
}

// Who asks for the erasure of all who are one human is not the author of leaves about those it does not know.
TEST_F(MaintenanceTest, OfAnUnknownSubjectTheLeafIsTheLogsOwn) {
  Open();
  Live(Person(1));
  Live(Person(2));
  Event asked = PlainEvent();
  asked.institution = "ville-paris";
  storage::CommitRequest commit;
  commit.partition = PartitionOf(Person(1));
  ASSERT_TRUE(harness_
                  .Run(maintenance().Request({Number(1), {Person(1), Person(2)}, "REQUEST", {Person(2)}},
                                             asked, std::move(commit)))
                  .ok());
  std::vector<std::string> authors;
  const auto leaves = harness_.log().ReadOpened(0, 1000);
  ASSERT_TRUE(leaves.ok());
  for (const OpenedLeaf& leaf : *leaves) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
      authors.push_back(leaf.leaf.header.institution());
    }
  }
  ASSERT_EQ(authors.size(), 2u);
  EXPECT_EQ(authors[0], "ville-paris");
  EXPECT_EQ(authors[1], options_.institution);
}

TEST_F(MaintenanceTest, NothingThatIsLeftNamesHerButTheTombstone) {
  Live(Person(1));
  const std::string wrapped = **harness_.store().LogGet(storage::LogTable::kSubjectKeys, Person(1).Encode());
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_FALSE(InStore(wrapped));
  for (const storage::LogTable table :
       {storage::LogTable::kSubjectLeaves, storage::LogTable::kLeafSubjects, storage::LogTable::kMeta}) {
    const auto rows = harness_.store().LogScan(table, "", "", 1000);
    for (const auto& row : *rows) {
      EXPECT_EQ((row.key + row.value).find(Person(1).id.ToBytes()), std::string::npos);
    }
  }
  std::ifstream journal(options_.journal_path);
  const std::string text((std::istreambuf_iterator<char>(journal)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find(Number(1).ToHex()), std::string::npos);
  EXPECT_EQ(text.find(Person(1).id.ToHex()), std::string::npos);
}

TEST_F(MaintenanceTest, ARequestThatIsAbortedFreezesNobody) {
  Live(Person(1));
  storage::CommitRequest commit;
  commit.partition = PartitionOf(Person(1));
  commit.preconditions.push_back({"row", std::nullopt});
  EXPECT_TRUE(absl::IsAborted(harness_
                                  .Run(maintenance().Request({Number(1), {Person(1)}, "REQUEST", {}},
                                                             PlainEvent(), std::move(commit)))
                                  .status()));
  EXPECT_FALSE(harness_.log().keys().Frozen(Person(1)));
  EXPECT_TRUE(harness_.log().Draft(SubjectEvent(Person(1))).ok());
  EXPECT_FALSE(*maintenance().Knows(Number(1)));
}

TEST_F(MaintenanceTest, WhoIsAskedForTwiceIsErasedOnce) {
  Live(Person(1));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  EXPECT_TRUE(IsErased(Request(2, {Person(1)})));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(IsErased(Request(3, {Person(1)})));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_TRUE(*maintenance().Knows(Number(1)));
  EXPECT_FALSE(*maintenance().Knows(Number(2)));
}

TEST_F(MaintenanceTest, SomebodyWithoutAKeyIsErasedForTheFuture) {
  ASSERT_TRUE(Request(1, {Person(9)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(IsErased(harness_.log().Draft(SubjectEvent(Person(9))).status()));
}

TEST_F(MaintenanceTest, SeveralSubjectsAreOneErasure) {
  Live(Person(1));
  Live(Person(2));
  ASSERT_TRUE(Request(1, {Person(1), Person(2)}).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 2);
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(Erased(Person(1)));
  EXPECT_TRUE(Erased(Person(2)));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

// Of several persons, who are one human, whoever follows this log erases each by an erasure of its own (ADR
// 41): with one id for all, the second leaf would be a repetition of the first.
TEST_F(MaintenanceTest, EachPersonIsAskedForUnderAnIdOfHerOwnAndWaitedFor) {
  options_.wait_for = {"alerting", "routing"};
  Open();
  const Subject record{Subject::Kind::kSenderRecord, Number(9)};
  Live(Person(1));
  Live(Person(2));
  ASSERT_TRUE(Request(1, {Person(1), record, Person(2)}).ok());
  const std::vector<std::string> asked = Asked();
  ASSERT_THAT(asked, SizeIs(3));
  EXPECT_EQ(asked[0], Number(1).ToHex()) << "of the first person as ever";
  EXPECT_EQ(asked[1], Number(1).ToHex()) << "a record is no person";
  EXPECT_NE(asked[2], Number(1).ToHex());
  const Id128 other = Id128::FromHex(asked[2]).value();
  const auto acknowledge = [&](const Id128& id, const std::string& service) {
    ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(id, service)).ok());
    ASSERT_TRUE(RunOnce().ok());
  };
  acknowledge(Number(1), "routing");
  acknowledge(Number(1), "alerting");
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 0) << "the other person is still to be erased there";
  EXPECT_THAT(maintenance().status().erasures[0].waiting_for, ElementsAre("alerting", "routing"));
  EXPECT_THAT(maintenance().Find(Number(1))->waiting_for, ElementsAre("alerting", "routing"));
  acknowledge(other, "routing");
  acknowledge(other, "routing");
  Restart();
  EXPECT_THAT(maintenance().status().erasures[0].waiting_for, ElementsAre("alerting"));
  EXPECT_EQ(harness_.log().ReadOpened(2, 1)->at(0).opening, OpenedLeaf::Opening::kOpened);
  acknowledge(other, "alerting");
  EXPECT_TRUE(Erased(Person(1)));
  EXPECT_TRUE(Erased(Person(2)));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(other.ToBytes())) << "how many they were is nobody's to know";
  const auto acks = harness_.store().Scan(internal::CursorPartition("maintenance"), "ack/", "", 10);
  EXPECT_THAT(acks->entries, IsEmpty());
  acknowledge(other, "alerting");  // once more, late
  EXPECT_THAT(harness_.store().Scan(internal::CursorPartition("maintenance"), "ack/", "", 10)->entries,
              IsEmpty());
}

TEST_F(MaintenanceTest, OfOnePersonAnErasureIsRememberedAsEver) {
  options_.wait_for = {"routing"};
  Open();
  Live(Person(1));
  ASSERT_TRUE(Request(1, {Person(1), {Subject::Kind::kSenderRecord, Number(9)}}).ok());
  EXPECT_THAT(Asked(), ::testing::Each(Number(1).ToHex()));
  const auto row = harness_.store().LogGet(storage::LogTable::kMeta, "erasing/" + Number(1).ToBytes());
  ASSERT_TRUE(row.ok() && row->has_value());
  audit::v1::StoredErasure stored;
  ASSERT_TRUE(stored.ParseFromString(**row));
  EXPECT_EQ(stored.asked_as_size(), 0);
}

TEST_F(MaintenanceTest, ARequestThatMeetsItselfFreezesNobodyElse) {
  Live(Person(1));
  Live(Person(2));
  std::vector<absl::Status> answers;
  for (const uint64_t person : {1, 2}) {  // one id for both, as a log of an earlier build asks
    storage::CommitRequest commit;
    commit.partition = PartitionOf(Person(person));
    relais::Start(
        maintenance().Request({Number(1), {Person(person)}, "REQUEST", {}}, PlainEvent(), std::move(commit)),
        [&](const absl::StatusOr<storage::CommitResult>& done) { answers.push_back(done.status()); });
  }
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const auto& each) { return each.ok(); }), 1);
  EXPECT_TRUE(harness_.log().keys().Frozen(Person(1)));
  EXPECT_FALSE(harness_.log().keys().Frozen(Person(2))) << "she can be read and written as before";
  EXPECT_TRUE(harness_.log().Draft(SubjectEvent(Person(2))).ok());
}

TEST_F(MaintenanceTest, ThePeerThatAskedIsToldHoweverLongItTakes) {
  Live(Person(1));
  keeper().peer_down = absl::UnavailableError("down");
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  EXPECT_TRUE(absl::IsUnavailable(RunOnce()));
  EXPECT_TRUE(Erased(Person(1))) << "erased before anyone is told";
  Restart();
  keeper().peer_down = absl::UnavailableError("down");
  EXPECT_TRUE(absl::IsUnavailable(RunOnce()));
  keeper().peer_down = absl::OkStatus();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(keeper().acknowledged, ElementsAre(Number(1)));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(keeper().acknowledged, SizeIs(1));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST_F(MaintenanceTest, AcknowledgementsSurviveARestart) {
  options_.wait_for = {"routing", "alerting"};
  Open();
  Live(Person(1));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(1), "routing")).ok());
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(1), "routing")).ok());
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(7), "routing")).ok()) << "unknown: nothing";
  Restart();
  EXPECT_TRUE(harness_.log().keys().Frozen(Person(1))) << "frozen again before anything is served";
  EXPECT_THAT(maintenance().status().erasures[0].waiting_for, ElementsAre("alerting"));
  ASSERT_TRUE(harness_.Run(maintenance().AcknowledgedBy(Number(1), "alerting")).ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(Erased(Person(1)));
}

// A follower reads the leaf as soon as it is durable: its answer may be here before the request's own
// coroutine goes on, on a loaded machine.
TEST_F(MaintenanceTest, AnAcknowledgementThatOvertakesTheRequestCounts) {
  options_.wait_for = {"routing"};
  Open();
  Live(Person(1));
  const uint64_t before = harness_.log().state().size;
  std::optional<absl::Status> requested;
  storage::CommitRequest commit;
  commit.partition = PartitionOf(Person(1));
  relais::Start(
      maintenance().Request({Number(1), {Person(1)}, "REQUEST", {}}, PlainEvent(), std::move(commit)),
      [&](const absl::StatusOr<storage::CommitResult>& done) { requested = done.status(); });
  ASSERT_TRUE(
      harness_.sim().RunUntil([&] { return harness_.log().state().size > before; }, absl::Seconds(1)));
  ASSERT_FALSE(requested.has_value()) << "that the answer overtakes it";
  EXPECT_FALSE(*maintenance().Knows(Number(1))) << "not before who asks is told";
  std::optional<absl::Status> acknowledged;
  relais::Start(maintenance().AcknowledgedBy(Number(1), "routing"),
                [&](const absl::Status& status) { acknowledged = status; });
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_TRUE(requested.has_value() && requested->ok());
  ASSERT_TRUE(acknowledged.has_value() && acknowledged->ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(Erased(Person(1)));
}

TEST_F(MaintenanceTest, ARequestThatFailsBesideAnotherLeavesHerFrozen) {
  Live(Person(1));
  std::vector<absl::Status> answers;
  for (const uint8_t erasure : {1, 2}) {  // both were drafted before either was committed
    storage::CommitRequest commit;
    commit.partition = PartitionOf(Person(1));
    if (erasure == 2) {
      commit.preconditions.push_back({"row", std::nullopt});  // fails
    }
    relais::Start(
        maintenance().Request({Number(erasure), {Person(1)}, "REQUEST", {}}, PlainEvent(), std::move(commit)),
        [&](const absl::StatusOr<storage::CommitResult>& done) { answers.push_back(done.status()); });
  }
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const auto& each) { return each.ok(); }), 1);
  EXPECT_TRUE(harness_.log().keys().Frozen(Person(1)));
  EXPECT_FALSE(harness_.log().Draft(SubjectEvent(Person(1))).ok());
}

// A leaf has at most 65,535 bytes: an epoch with thousands of erasures says so in several.
TEST_F(MaintenanceTest, AnEpochWithThousandsOfErasuresEndsInSeveralLeaves) {
  constexpr uint64_t kErasures = 2'500;
  for (uint64_t i = 0; i < kErasures; ++i) {
    storage::CommitRequest commit;
    const Subject subject = Person(10'000 + i);
    commit.partition = PartitionOf(subject);
    ASSERT_TRUE(harness_
                    .Run(maintenance().Request({Person(50'000 + i).id, {subject}, "REQUEST", {}},
                                               PlainEvent(), std::move(commit)))
                    .ok());
  }
  ASSERT_TRUE(RunOnce().ok());
  std::optional<uint64_t> first;
  relais::Start(maintenance().RotateEpoch(), [&](const absl::StatusOr<uint64_t>& index) {
    ASSERT_TRUE(index.ok()) << index.status();
    first = *index;
  });
  ASSERT_TRUE(RunOnce().ok());
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_TRUE(first.has_value());
  std::map<std::string, uint64_t> said;  // → the leaf
  const auto leaves = harness_.log().ReadOpened(*first, 100);
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  size_t several = 0;
  for (const OpenedLeaf& leaf : *leaves) {
    audit::v1::EpochRotated payload;
    if (leaf.details.payload().UnpackTo(&payload)) {
      ++several;
      for (const std::string& id : payload.erasure_ids()) {
        EXPECT_TRUE(said.emplace(id, leaf.index).second) << "once";
      }
    }
  }
  EXPECT_GT(several, 1);
  EXPECT_EQ(said.size(), kErasures);
  for (uint64_t i = 0; i < kErasures; ++i) {
    const Id128 id = Person(50'000 + i).id;
    ASSERT_EQ(maintenance().Find(id)->stored.epoch_leaf(), said.at(id.ToHex()) + 1) << i;
  }
}

TEST_F(MaintenanceTest, APeerConfiguredAbsentIsWaitedForByNobody) {
  options_.wait_for = {};
  Open();
  Live(Person(1));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(Erased(Person(1)));
}

TEST_F(MaintenanceTest, ARestoredOlderStoreErasesAgainBeforeItServes) {
  Live(Person(1));
  Live(Person(2));
  Live(Person(3));
  const auto backup = harness_.disk()->Clone();
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(Request(2, {Person(2)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  harness_.Crash();
  harness_.disk() = backup;
  ASSERT_TRUE(harness_.Reopen().ok());
  EXPECT_TRUE(harness_.log().keys().Get(Person(1)).ok()) << "that the test can fail";
  Open();
  EXPECT_TRUE(Erased(Person(1)));
  EXPECT_TRUE(Erased(Person(2)));
  EXPECT_FALSE(Erased(Person(3)));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 2);
  EXPECT_THAT(keeper().acknowledged, IsEmpty()) << "whoever waited was told long ago";
  Restart();
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 2) << "and only once";
}

TEST_F(MaintenanceTest, AJournalThatLostEntriesIsRefused) {
  Live(Person(1));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  harness_.Crash();
  std::filesystem::remove(options_.journal_path);
  ASSERT_TRUE(harness_.Reopen().ok());
  const auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), harness_.ring(),
                                        harness_.clock(), harness_.random(), harness_.executor());
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
}

TEST_F(MaintenanceTest, ALastLineCutByACrashIsDropped) {
  Live(Person(1));
  Live(Person(2));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  { std::ofstream(options_.journal_path, std::ios::app) << Number(2).ToHex() << " 12"; }
  Restart();
  ASSERT_TRUE(Request(3, {Person(2)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  Restart();
  EXPECT_TRUE(Erased(Person(2)));
  { std::ofstream(options_.journal_path, std::ios::app) << std::string(98, 'x'); }
  EXPECT_TRUE(absl::IsDataLoss(Maintenance::Open(options_, harness_.log(), harness_.store(), harness_.ring(),
                                                 harness_.clock(), harness_.random(), harness_.executor())
                                   .status()));
}

// A disk that takes half of a line and no more; then has room again.
TEST_F(MaintenanceTest, AFullDiskLeavesTheJournalWhole) {
  Live(Person(1));
  Live(Person(2));
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  const auto size = std::filesystem::file_size(options_.journal_path);
  ASSERT_TRUE(Request(2, {Person(2)}).ok());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit full{size + 40, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const absl::Status failed = RunOnce();
  const absl::Status again = RunOnce();
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_TRUE(absl::IsUnavailable(failed)) << failed;
  EXPECT_TRUE(absl::IsUnavailable(again)) << again;
  EXPECT_GT(std::filesystem::file_size(options_.journal_path), size) << "that half a line was left";
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_ERASED), 1) << "nothing is destroyed that the journal has not";
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(Erased(Person(2)));
  Restart();
  EXPECT_TRUE(Erased(Person(2)));
  EXPECT_EQ(std::filesystem::file_size(options_.journal_path) - size, 98) << "one line";
}

TEST_F(MaintenanceTest, AFirstStartWithoutRoomForTheJournalIsForgotten) {
  for (const std::string begun : {"", "relais-era"}) {
    options_.journal_path = folder_.path() + "/begun";
    { std::ofstream(options_.journal_path, std::ios::trunc) << begun; }
    auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), harness_.ring(),
                                    harness_.clock(), harness_.random(), harness_.executor());
    EXPECT_TRUE(opened.ok()) << opened.status();
  }
}

// ---- epochs

TEST_F(MaintenanceTest, ARotationKeepsSurvivorsAndEndsEveryCopyOfTheErased) {
  for (uint64_t i = 1; i <= 5; ++i) {
    Live(Person(i));
  }
  const std::string old = **harness_.store().LogGet(storage::LogTable::kSubjectKeys, Person(2).Encode());
  const std::string key(harness_.log().keys().Get(Person(2))->ExposeSecret());
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  ASSERT_TRUE(RunOnce().ok());
  bool rotated = false;
  relais::Start(maintenance().RotateEpoch(), [&](const absl::StatusOr<uint64_t>& index) {
    ASSERT_TRUE(index.ok()) << index.status();
    const auto leaf = harness_.log().ReadOpened(*index, 1)->at(0);
    audit::v1::EpochRotated payload;
    ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
    EXPECT_EQ(payload.destroyed_epoch(), 1);
    EXPECT_EQ(payload.epoch(), 2);
    EXPECT_EQ(payload.survivors(), 4);
    EXPECT_THAT(payload.erasure_ids(), ElementsAre(Number(1).ToHex()));
    EXPECT_EQ(maintenance().Find(Number(1))->stored.epoch_leaf(), *index + 1);
    rotated = true;
  });
  ASSERT_TRUE(RunOnce().ok());
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_TRUE(rotated);
  EXPECT_TRUE(absl::IsNotFound(harness_.ring().Get("audit-epoch", 1).status()));
  EXPECT_EQ(harness_.log().keys().Get(Person(2))->ExposeSecret(), key);
  EXPECT_FALSE(InStore(old));
  Restart();
  EXPECT_EQ(harness_.log().keys().Get(Person(2))->ExposeSecret(), key);
  EXPECT_EQ(maintenance().status().epoch, 2);
  Live(Person(6));
  const std::string fresh = **harness_.store().LogGet(storage::LogTable::kSubjectKeys, Person(6).Encode());
  EXPECT_EQ(fresh[4], 2) << "wrapped by the new epoch";
  EXPECT_TRUE(Erased(Person(1)));
}

// A ring with a copy in a second place, where a change may fail after it was made in the first.
class RingWithCopy final : public crypto::KeyRing {
 public:
  explicit RingWithCopy(crypto::KeyRing& ring) : ring_(ring) {}
  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override {
    return ring_.Get(name, version);
  }
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override {
    return ring_.Latest(name);
  }
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override {
    return ring_.Add(name, secret);
  }
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override {
    return ring_.Put(name, version, secret);
  }
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override {
    const absl::Status here = ring_.Destroy(name, version);
    if (!copy_works) {
      return absl::UnavailableError("the copy cannot be written");
    }
    destroyed_in_copy.insert(version);
    return here;
  }
  [[nodiscard]] std::vector<crypto::KeyVersion> List() const override { return ring_.List(); }

  bool copy_works = true;
  std::set<uint32_t> destroyed_in_copy;

 private:
  crypto::KeyRing& ring_;
};

TEST_F(MaintenanceTest, ARotationEndsOnlyOnceTheCopyHasLostTheOldKeyToo) {
  RingWithCopy ring(harness_.ring());
  options_.journal_path = folder_.path() + "/another";
  const auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), ring, harness_.clock(),
                                        harness_.random(), harness_.executor());
  ASSERT_TRUE(opened.ok()) << opened.status();
  const uint32_t old = harness_.log().keys().epoch();
  ring.copy_works = false;
  relais::Start((*opened)->RotateEpoch(), [](const absl::StatusOr<uint64_t>&) {});
  EXPECT_FALSE(harness_.Run((*opened)->RunOnce()).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_EPOCH_ROTATED), 0);
  ring.copy_works = true;
  EXPECT_TRUE(harness_.Run((*opened)->RunOnce()).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_EPOCH_ROTATED), 1);
  EXPECT_TRUE(ring.destroyed_in_copy.contains(old));
  EXPECT_TRUE(harness_.Run((*opened)->Stop()));
}

TEST_F(MaintenanceTest, AKeyDraftedBeforeARotationAndCommittedAfterItSurvives) {
  Live(Person(1));
  auto late = harness_.log().Draft(SubjectEvent(Person(2)));
  ASSERT_TRUE(late.ok());
  relais::Start(maintenance().RotateEpoch(), [](const absl::StatusOr<uint64_t>&) {});
  ASSERT_TRUE(RunOnce().ok());
  storage::CommitRequest commit;
  commit.leaves.push_back(*std::move(late));
  ASSERT_FALSE(harness_.Run(harness_.store().Commit(std::move(commit))).ok() &&
               !harness_.log().keys().Get(Person(2)).ok());
  Restart();
  EXPECT_TRUE(harness_.log().keys().Get(Person(2)).ok()) << "its row was wrapped anew as it was written";
}

TEST_F(MaintenanceTest, EpochsEndByThemselves) {
  options_.epoch_length = absl::Hours(24 * 30);
  Open();
  Live(Person(1));
  ASSERT_TRUE(RunOnce().ok());
  harness_.sim().RunFor(absl::Hours(24 * 29));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(maintenance().status().epoch, 1);
  Restart();
  harness_.sim().RunFor(absl::Hours(25));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(maintenance().status().epoch, 2);
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_EPOCH_ROTATED), 1);
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(maintenance().status().epoch, 2);
}

// ---- months

TEST_F(MaintenanceTest, MonthKeysDieTwelveMonthsAfterTheirMonth) {
  harness_.Append(PlainEvent());  // 2026-01
  ASSERT_THAT(maintenance().status().months, ElementsAre("2026-01"));
  const Leaf leaf = ParseLeaf(harness_.log().ReadLeaves(0, 1)->at(0)).value();
  EXPECT_EQ(harness_.log().Actor(leaf)->agent(), "agent-1");
  harness_.sim().RunFor(absl::Hours(24 * 395));  // 2027-01-31
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(harness_.log().Actor(leaf).ok());
  harness_.sim().RunFor(absl::Hours(24));  // 2027-02-01
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(absl::IsNotFound(harness_.log().Actor(leaf).status()));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED), 1);
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED), 1);
  EXPECT_TRUE(maintenance().status().done.contains("AGENT_NAMES"));
}

TEST_F(MaintenanceTest, AMonthIsDestroyedOnDemandOnceItIsOver) {
  harness_.Append(PlainEvent());
  const auto demand = [&](const std::string& month) {
    std::optional<absl::StatusOr<uint64_t>> answer;
    relais::Start(maintenance().DestroyMonth(month), [&](absl::StatusOr<uint64_t> index) { answer = index; });
    EXPECT_TRUE(RunOnce().ok());
    harness_.sim().RunFor(absl::Seconds(1));
    return answer.value();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(demand("2026-01").status())) << "it is not over";
  EXPECT_TRUE(absl::IsNotFound(demand("2025-11").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(demand("January").status()));
  harness_.sim().RunFor(absl::Hours(24 * 40));
  EXPECT_TRUE(demand("2026-01").ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED), 1);
}

// ---- sweep

TEST_F(MaintenanceTest, SweepsOnceADayInBoundedSteps) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(RunOnce().ok());
  }
  EXPECT_EQ(keeper().sweeps, 3) << "three steps make one sweep";
  Restart();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(keeper().sweeps, 0) << "done today";
  harness_.sim().RunFor(absl::Hours(24));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(keeper().sweeps, 1);
}

TEST_F(MaintenanceTest, APurgeSaysHowManyAndNamesNobody) {
  ASSERT_TRUE(harness_.Run(maintenance().Purged("RULE", harness_.clock().Now(), 0)).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_PURGED), 0) << "nothing was purged";
  ASSERT_TRUE(harness_.Run(maintenance().Purged("RULE", harness_.clock().Now(), 12)).ok());
  const auto leaf = harness_.log().ReadOpened(0, 1)->at(0);
  audit::v1::Purged payload;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.count(), 12);
  EXPECT_EQ(payload.rule(), "RULE");
  EXPECT_EQ(leaf.leaf.header.commitment(), "");
}

// ---- the worker

TEST_F(MaintenanceTest, TheWorkerDoesItByItself) {
  Live(Person(1));
  maintenance().Start();
  ASSERT_TRUE(Request(1, {Person(1)}).ok());
  harness_.sim().RunFor(absl::Seconds(5));
  EXPECT_TRUE(Erased(Person(1)));
  const auto index = harness_.Run(maintenance().RotateEpoch());
  EXPECT_TRUE(index.ok()) << index.status();
  EXPECT_TRUE(harness_.Run(maintenance().Stop()));
  EXPECT_TRUE(absl::IsUnavailable(harness_.Run(maintenance().RotateEpoch()).status()));
}

// The process dies before and after every commit of an erasure and a rotation; whatever is there afterwards
// goes on to the same end.
TEST(MaintenanceCrashTest, EveryStepGoesOnAfterACrash) {
  bool crashed = true;
  uint64_t steps = 0;
  for (uint64_t step = 0; crashed; ++step) {
    SCOPED_TRACE(step);
    crashed = false;
    const storage::testing::TempFolder folder;
    bool armed = false;
    uint64_t seen = 0;
    HarnessOptions options;
    options.store.crash_at = [&](uint64_t) {
      if (armed && seen++ == step) {
        crashed = true;
        armed = false;
        return true;
      }
      return false;
    };
    SimLogHarness harness(options);
    MaintenanceOptions settings;
    settings.institution = "service/test";
    settings.journal_path = folder.path() + "/erasures";
    std::vector<std::unique_ptr<Maintenance>> all;
    std::vector<std::unique_ptr<FakeKeeper>> keepers;
    const auto open = [&] {
      auto opened = Maintenance::Open(settings, harness.log(), harness.store(), harness.ring(),
                                      harness.clock(), harness.random(), harness.executor());
      ASSERT_TRUE(opened.ok()) << opened.status();
      all.push_back(*std::move(opened));
      keepers.push_back(std::make_unique<FakeKeeper>(harness.log(), harness.store()));
      all.back()->UseKeeper(keepers.back().get());
    };
    open();
    for (uint64_t i = 1; i <= 3; ++i) {
      const auto sealed = harness.log().keys().SealState(Person(i), kContext, "words");
      storage::CommitRequest commit;
      commit.partition = PartitionOf(Person(i));
      commit.batch.push_back({"row", *sealed});
      for (int leaf = 0; leaf < 2; ++leaf) {
        commit.leaves.push_back(*harness.log().Draft(SubjectEvent(Person(i))));
      }
      ASSERT_TRUE(harness.Run(harness.store().Commit(std::move(commit))).ok());
    }
    const std::string key(harness.log().keys().Get(Person(3))->ExposeSecret());
    armed = true;
    const auto request = [&] {
      storage::CommitRequest commit;
      commit.partition = PartitionOf(Person(1));
      (void)harness.Run(all.back()->Request({Number(1), {Person(1), Person(2)}, "REQUEST", {}}, PlainEvent(),
                                            std::move(commit)));
    };
    request();
    relais::Start(all.back()->RotateEpoch(), [](const absl::StatusOr<uint64_t>&) {});
    (void)harness.Run(all.back()->RunOnce());
    armed = false;
    if (crashed) {
      harness.Crash();
      ASSERT_TRUE(harness.Reopen().ok());
      open();
      ASSERT_TRUE(harness.Run(all.back()->Reapply()).ok());
      if (!*all.back()->Knows(Number(1))) {
        request();  // it was never acknowledged
      }
      ASSERT_TRUE(harness.Run(all.back()->RunOnce()).ok());
      if (all.back()->status().epoch == 1) {
        relais::Start(all.back()->RotateEpoch(), [](const absl::StatusOr<uint64_t>&) {});
        ASSERT_TRUE(harness.Run(all.back()->RunOnce()).ok());
      }
    }
    steps = step;
    size_t erased = 0;
    size_t rotated = 0;
    std::vector<std::string> ended;
    const auto leaves = harness.log().ReadOpened(0, 1000);
    ASSERT_TRUE(leaves.ok()) << leaves.status();
    for (const OpenedLeaf& leaf : *leaves) {
      erased += leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASED ? 1 : 0;
      audit::v1::EpochRotated payload;
      if (leaf.details.payload().UnpackTo(&payload)) {
        ++rotated;
        ended.insert(ended.end(), payload.erasure_ids().begin(), payload.erasure_ids().end());
      }
    }
    EXPECT_EQ(erased, 1);
    EXPECT_EQ(rotated, 1);
    EXPECT_THAT(ended, ElementsAre(Number(1).ToHex()));
    EXPECT_TRUE(absl::IsNotFound(harness.log().keys().Get(Person(1)).status()));
    EXPECT_TRUE(harness.log().LeavesOf(Person(2), 0, 10)->empty());
    EXPECT_FALSE(harness.store().Get(PartitionOf(Person(2)), "row")->has_value());
    EXPECT_EQ(harness.log().keys().Get(Person(3))->ExposeSecret(), key);
    EXPECT_TRUE(absl::IsNotFound(harness.ring().Get("audit-epoch", 1).status()));
    const auto certificate = all.back()->Find(Number(1));
    ASSERT_TRUE(certificate.ok()) << certificate.status();
    for (const uint64_t index : {certificate->stored.erased_leaf(), certificate->stored.epoch_leaf()}) {
      ASSERT_NE(index, 0);
      const auto leaf = leaves->at(index - 1);
      EXPECT_TRUE(leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASED ||
                  leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_EPOCH_ROTATED);
    }
    for (const auto& maintenance : all) {
      EXPECT_TRUE(harness.Run(maintenance->Stop()));  // who waited for a rotation that a crash ended
    }
  }
  EXPECT_GE(steps, 16U) << "every commit was reached";
}

}  // namespace
}  // namespace relais::audit
