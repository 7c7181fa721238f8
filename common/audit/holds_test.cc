#include "common/audit/holds.h"

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/audit/big_endian.h"
#include "common/audit/followed_holds.h"
#include "common/audit/maintenance.h"
#include "common/audit/testing/log_harness.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"

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
constexpr char kCanary[] = "the canary sings";

Id128 Number(uint8_t n) {
  std::string bytes(Id128::kSize, '\0');
  bytes.back() = static_cast<char>(n);
  return Id128::FromBytes(bytes).value();
}
Subject Record(uint8_t n) { return {Subject::Kind::kSenderRecord, Number(n)}; }
storage::Partition PartitionOf(const Subject& subject) {
  return {subject.kind == Subject::Kind::kPerson ? storage::PartitionKind::kPerson
                                                 : storage::PartitionKind::kSenderRecord,
          subject.id};
}

audit::v1::HeldState Named(const std::string& name, const std::string& content) {
  audit::v1::HeldState state;
  state.set_name(name);
  state.mutable_content()->set_value(content);
  return state;
}

// One sealed row per subject; Person(1) has the sender record Record(9).
class OneRowKeeper final : public StateKeeper {
 public:
  OneRowKeeper(Log& log, storage::Store& store) : log_(log), store_(store) {}
  absl::StatusOr<std::optional<std::vector<Subject>>> NamesOf(const Subject& person) override {
    RETURN_IF_ERROR(cannot_tell);
    if (!one_with_the_first.has_value() || person == Person(1)) {
      return one_with_the_first;
    }
    return std::optional<std::vector<Subject>>(std::in_place);
  }
  // Who is one human with Person(1); nullopt: as in a service that does not know.
  std::optional<std::vector<Subject>> one_with_the_first;
  absl::Status cannot_tell;
  absl::StatusOr<std::vector<Subject>> HeldWith(const Subject& person) override {
    return person == Person(1) ? std::vector<Subject>{Record(9)} : std::vector<Subject>();
  }
  Task<absl::Status> EachState(Subject subject, HeldSink& sink) override {
    CO_ASSIGN_OR_RETURN(const auto entry, store_.Get(PartitionOf(subject), "row"));
    if (entry.has_value()) {
      const auto plain = log_.keys().OpenFrozenState(subject, kContext, entry->value);
      if (absl::IsNotFound(plain.status())) {
        co_return absl::OkStatus();
      }
      CO_RETURN_IF_ERROR(plain.status());
      audit::v1::HeldState state = Named("row", *plain);
      const absl::Status kept = co_await sink.Keep(std::move(state));
      CO_RETURN_IF_ERROR(kept);
    }
    if (gives != nullptr) {
      const absl::Status given = co_await gives(sink);
      CO_RETURN_IF_ERROR(given);
    }
    co_return absl::OkStatus();
  }
  // What else it gives of every subject.
  std::function<Task<absl::Status>(HeldSink& sink)> gives;
  Task<absl::Status> EachText(Subject subject, HeldSink& sink) override {
    if (texts == nullptr) {
      co_return absl::OkStatus();
    }
    const absl::Status given = co_await texts(subject, sink);
    co_return given;
  }
  // What texts it gives.
  Holds::Texts texts;
  void TextsAreDue() override { ++due; }
  int due = 0;
  Task<absl::Status> EraseState(Subject subject) override {
    const absl::Status emptied = co_await storage::EmptyPartition(store_, PartitionOf(subject), "");
    co_return emptied;
  }
  Task<absl::Status> Acknowledge(Id128 /*erasure*/) override { co_return absl::OkStatus(); }
  // A rule of retention that removes every row of every person.
  Task<absl::StatusOr<bool>> Sweep() override {
    if (sweeps) {
      for (const uint8_t n : {1, 2}) {
        const absl::Status emptied = co_await storage::EmptyPartition(store_, PartitionOf(Person(n)), "");
        CO_RETURN_IF_ERROR(emptied);
      }
    }
    co_return false;
  }
  bool sweeps = false;

 private:
  Log& log_;
  storage::Store& store_;
};

class HoldsTest : public ::testing::Test {
 protected:
  HoldsTest() : harness_(Options()) {
    options_.institution = "service/test";
    Open();
  }
  HarnessOptions Options() {
    HarnessOptions options;
    options.store.crash_at = [this](uint64_t) { return crash_in_ > 0 && --crash_in_ == 0; };
    return options;
  }
  void Open() {
    auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), harness_.ring(),
                                    harness_.clock(), harness_.random(), harness_.executor());
    ASSERT_TRUE(opened.ok()) << opened.status();
    all_.push_back(*std::move(opened));
    keepers_.push_back(std::make_unique<OneRowKeeper>(harness_.log(), harness_.store()));
    maintenance().UseKeeper(keepers_.back().get());
  }
  void Restart() {
    harness_.Crash();
    ASSERT_TRUE(harness_.Reopen().ok());
    Open();
  }
  Maintenance& maintenance() { return *all_.back(); }
  Holds& holds() { return maintenance().holds(); }
  absl::Time Now() { return harness_.log().Now(); }

  // A leaf about the subject and a sealed row of state.
  void Live(const Subject& subject, const std::string& says = kCanary) {
    const auto sealed = harness_.log().keys().SealState(subject, kContext, says);
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    Event event = SubjectEvent(subject);
    event.actor.set_agent("agent-7");
    auto draft = harness_.log().Draft(event);
    ASSERT_TRUE(draft.ok()) << draft.status();
    storage::CommitRequest commit;
    commit.partition = PartitionOf(subject);
    commit.batch.push_back({"row", *sealed});
    commit.leaves.push_back(*std::move(draft));
    ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(commit))).ok());
  }
  absl::Status Place(uint8_t hold, const Subject& subject = Person(1),
                     absl::Duration time = absl::Hours(24 * 365)) {
    return harness_.Run(holds().Place({Number(hold), subject, "RG 26/1", Now() + time}, PlainEvent()))
        .status();
  }
  absl::Status Release(uint8_t hold) {
    Event event = PlainEvent();
    event.event_id = Number(200);
    return harness_.Run(holds().Release(Number(hold), event)).status();
  }
  void Erase(const std::vector<Subject>& subjects) {
    storage::CommitRequest commit;
    commit.partition = PartitionOf(subjects[0]);
    const auto asked = harness_.Run(
        maintenance().Request({Number(100), subjects, "REQUEST", {}}, PlainEvent(), std::move(commit)));
    ASSERT_TRUE(asked.ok()) << asked.status();
    ASSERT_TRUE(RunOnce().ok());
  }
  absl::Status RunOnce() { return harness_.Run(maintenance().RunOnce()); }

  struct Kept {
    std::set<std::string> states;
    std::set<uint64_t> leaves;
    std::set<std::string> agents;
  };
  Kept Read(uint8_t hold) {
    Kept kept;
    std::string from;
    do {
      const auto page = holds().Read(Number(hold), from, 2);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) {
        return kept;
      }
      for (const audit::v1::HeldItem& item : page->items) {
        if (item.has_state()) {
          kept.states.insert(item.state().content().value());
        } else {
          kept.leaves.insert(item.leaf().index());
          kept.agents.insert(item.leaf().actor().agent());
          EXPECT_EQ(*harness_.log().ReadLeaves(item.leaf().index(), 1), std::vector{item.leaf().leaf()});
          EXPECT_TRUE(item.leaf().details().has_subject());
        }
      }
      from = page->next;
    } while (!from.empty());
    return kept;
  }
  // The rows that are left of a hold.
  std::vector<std::string> Rows(uint8_t hold) {
    const auto page = harness_.store().Scan({storage::PartitionKind::kHold, Number(hold)}, "", "", 1000);
    std::vector<std::string> keys;
    for (const storage::KeyedEntry& row : page->entries) {
      keys.push_back(row.key);
    }
    return keys;
  }
  bool Clear(uint8_t hold, const std::string& bytes) {
    const auto page = harness_.store().Scan({storage::PartitionKind::kHold, Number(hold)}, "", "", 1000);
    for (const storage::KeyedEntry& row : page->entries) {
      if ((row.key + row.entry.value).find(bytes) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  size_t Count(audit::v1::EventClass event_class) {
    size_t count = 0;
    const auto leaves = harness_.log().ReadOpened(0, 1000);
    EXPECT_TRUE(leaves.ok()) << leaves.status();
    for (const OpenedLeaf& leaf : *leaves) {
      count += leaf.leaf.header.event_class() == event_class ? 1 : 0;
    }
    return count;
  }

  uint64_t crash_in_ = 0;  // steps of the store; 0: never
  SimLogHarness harness_;
  MaintenanceOptions options_;
  std::vector<std::unique_ptr<Maintenance>> all_;  // coroutines of a crashed process may look at them
  std::vector<std::unique_ptr<OneRowKeeper>> keepers_;
};

TEST_F(HoldsTest, WhatAnErasureRemovesStaysUnderTheHoldsOwnKey) {  // D-2.10
  Live(Person(1));
  Live(Record(9), "what a sender says");
  Live(Person(2), "somebody else");
  ASSERT_TRUE(Place(1).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 1);
  Erase({Person(1), Record(9)});
  // She is erased as anybody.
  EXPECT_TRUE(absl::IsNotFound(harness_.log().keys().Get(Person(1)).status()));
  EXPECT_THAT(*harness_.log().LeavesOf(Person(1), 0, 10), IsEmpty());
  EXPECT_FALSE(harness_.store().Get(PartitionOf(Person(1)), "row")->has_value());
  // Her leaves: the act, the hold, the request to erase her; her record's act and the request.
  const Kept kept = Read(1);
  EXPECT_THAT(kept.states, ElementsAre(kCanary, "what a sender says"));
  EXPECT_THAT(kept.leaves, SizeIs(5));
  EXPECT_THAT(kept.agents, ::testing::Contains("agent-7"));
  // Of which the store alone tells nothing, not even whose it is.
  EXPECT_FALSE(Clear(1, kCanary));
  EXPECT_FALSE(Clear(1, Person(1).id.ToBytes()));
  EXPECT_FALSE(Clear(1, "RG 26/1"));
  const auto certificate = maintenance().Find(Number(100));
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_THAT(certificate->stored.holds(), ElementsAre(Number(1).ToBytes())) << "the certificate says it";
}

TEST_F(HoldsTest, ARecordErasedAloneIsCoveredToo) {
  Live(Person(1));
  Live(Record(9), "what a sender says");
  ASSERT_TRUE(Place(1).ok());
  Live(Record(9), "what it said last");
  Erase({Record(9)});
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary, "what a sender says", "what it said last"));
}

TEST_F(HoldsTest, WhatRetentionRemovesStays) {
  Live(Person(1), "early");
  Live(Person(2), "somebody else");
  ASSERT_TRUE(Place(1).ok());
  Live(Person(1), "late");
  keepers_.back()->sweeps = true;
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_FALSE(harness_.store().Get(PartitionOf(Person(1)), "row")->has_value()) << "retention goes on";
  EXPECT_THAT(Read(1).states, ElementsAre("early", "late"));
}

TEST_F(HoldsTest, WhatALaterContentLeavesOutStays) {
  Live(Person(1), "with the proof");
  ASSERT_TRUE(Place(1).ok());
  Live(Person(1), "without it");
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Read(1).states, ElementsAre("with the proof", "without it"));
  const size_t rows = Rows(1).size();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Rows(1), SizeIs(rows)) << "nothing is kept twice";
}

TEST_F(HoldsTest, WhatDoesNotOpenIsNoObstacle) {
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  storage::CommitRequest broken;
  broken.partition = PartitionOf(Person(1));
  broken.batch.push_back({"row", std::string("\x01") + std::string(100, 'x')});
  ASSERT_TRUE(harness_.Run(harness_.store().Commit(std::move(broken))).ok());
  Erase({Person(1)});
  EXPECT_TRUE(absl::IsNotFound(harness_.log().keys().Get(Person(1)).status()));
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary)) << "as it was when it opened";
}

Task<absl::Status> GiveThenFail(HeldSink& sink) {
  audit::v1::HeldState before = Named("before", "what came before");
  const absl::Status kept = co_await sink.Keep(std::move(before));
  CO_RETURN_IF_ERROR(kept);
  co_return absl::DataLossError("does not open");
}

TEST_F(HoldsTest, WhatCameBeforeDamageIsKept) {
  Live(Person(1));
  keepers_.back()->gives = GiveThenFail;
  ASSERT_TRUE(Place(1).ok());
  const Kept kept = Read(1);
  EXPECT_TRUE(kept.states.contains(kCanary));
  EXPECT_TRUE(kept.states.contains("what came before"));
}

constexpr int kPieces = 40;
constexpr int kHeldAtATime = 5;  // 1 MiB of them, and the one that fills it

// Notes how many were given, and those that were not written down in time.
Task<absl::Status> GivePieces(HeldSink& sink, int& given, std::vector<int>& late) {
  for (given = 0; given < kPieces; ++given) {
    audit::v1::HeldState piece = Named("piece/" + std::to_string(given),
                                       std::string(size_t{256} << 10, static_cast<char>('a' + given % 26)));
    const absl::Status kept = co_await sink.KeepOnce(std::move(piece));
    CO_RETURN_IF_ERROR(kept);
    if (given >= kHeldAtATime) {
      CO_ASSIGN_OR_RETURN(const bool written, sink.Has("piece/" + std::to_string(given - kHeldAtATime)));
      if (!written) {
        late.push_back(given - kHeldAtATime);
      }
    }
  }
  co_return absl::OkStatus();
}

TEST_F(HoldsTest, NoMoreThanAFewStatesAreHeldInMemory) {
  int given = 0;
  std::vector<int> late;
  keepers_.back()->gives = [&](HeldSink& sink) { return GivePieces(sink, given, late); };
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  EXPECT_EQ(given, kPieces);
  EXPECT_THAT(late, IsEmpty());
  EXPECT_THAT(Read(1).states, SizeIs(1 + 26)) << "the row, and contents of which some are the same";
}

Task<absl::Status> GiveOnce(HeldSink& sink, std::vector<bool>& had) {
  CO_ASSIGN_OR_RETURN(const bool there, sink.Has("piece"));
  had.push_back(there);
  audit::v1::HeldState piece = Named("piece", "a text");
  const absl::Status kept = co_await sink.KeepOnce(std::move(piece));
  co_return kept;
}

TEST_F(HoldsTest, WhatNeverChangesIsKeptOnceAndKnownByItsName) {
  std::vector<bool> had;
  keepers_.back()->gives = [&had](HeldSink& sink) { return GiveOnce(sink, had); };
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  ASSERT_TRUE(RunOnce().ok());
  const size_t rows = Rows(1).size();
  const size_t times = had.size();
  harness_.sim().RunFor(absl::Hours(25));
  ASSERT_TRUE(RunOnce().ok());
  ASSERT_GT(had.size(), times) << "it was copied again";
  EXPECT_THAT(Rows(1), SizeIs(rows)) << "nothing is kept twice";
  EXPECT_THAT(Read(1).states, ::testing::Contains("a text"));
  // Of her and of her sender record.
  EXPECT_FALSE(had[0]);
  EXPECT_FALSE(had[1]);
  EXPECT_TRUE(had[times]);
}

// ---- texts (ADR 70)

Task<absl::Status> GiveText(HeldSink& sink, std::string text) {
  audit::v1::HeldState state = Named("text/" + text, text);
  const absl::Status kept = co_await sink.KeepOnce(std::move(state));
  co_return kept;
}
// Gives it of every subject, and counts how often it is asked.
Holds::Texts Gives(std::string text, int* asked) {
  return [text = std::move(text), asked](const Subject&, HeldSink& sink) {
    ++*asked;
    return GiveText(sink, text);
  };
}

TEST_F(HoldsTest, TextsAreCopiedBehindWhoPlacesTheHold) {
  int asked = 0;
  keepers_.back()->texts = Gives("a text", &asked);
  Live(Person(1));
  ASSERT_TRUE(harness_.Run(holds().CopyTexts()).ok());
  EXPECT_EQ(asked, 0) << "nobody is covered";
  ASSERT_TRUE(Place(1).ok());
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(keepers_.back()->due, 1);
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
  ASSERT_TRUE(harness_.Run(holds().CopyTexts()).ok());
  EXPECT_EQ(asked, 2) << "hers and her sender record's";
  EXPECT_THAT(Read(1).states, ::testing::Contains("a text"));
  ASSERT_TRUE(harness_.Run(holds().CopyTexts()).ok());
  EXPECT_EQ(asked, 2) << "nothing is due";
  const int due = keepers_.back()->due;
  ASSERT_TRUE(harness_.Run(holds().CopyAll()).ok());
  EXPECT_GT(keepers_.back()->due, due);
  ASSERT_TRUE(harness_.Run(holds().CopyTexts()).ok());
  EXPECT_EQ(asked, 4);
}

Task<absl::Status> TheDiskIsAway() { co_return absl::UnavailableError("the disk is away"); }

TEST_F(HoldsTest, TextsStayDueUntilTheyAreCopied) {
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  Restart();
  int failed = 0;
  keepers_.back()->texts = [&failed](const Subject&, HeldSink&) {
    ++failed;
    return TheDiskIsAway();
  };
  EXPECT_TRUE(absl::IsUnavailable(harness_.Run(holds().CopyTexts())));
  EXPECT_GT(failed, 0) << "a crash came between";
  int asked = 0;
  keepers_.back()->texts = Gives("a text", &asked);
  ASSERT_TRUE(harness_.Run(holds().CopyTexts()).ok());
  EXPECT_THAT(Read(1).states, ::testing::Contains("a text"));
}

TEST_F(HoldsTest, WhoIsErasedHasHerTextsCopiedBefore) {
  int asked = 0;
  keepers_.back()->texts = Gives("a text", &asked);
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  Erase({Person(1)});
  EXPECT_THAT(Read(1).states, ::testing::Contains("a text"));
}

TEST_F(HoldsTest, WhoRemovesOneTextCopiesThatOne) {
  int asked = 0;
  keepers_.back()->texts = Gives("a text", &asked);
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  int its = 0;
  ASSERT_TRUE(harness_.Run(holds().CopyWith({Person(2)}, Gives("the one", &its))).ok());
  EXPECT_EQ(its, 0) << "she is not covered";
  const auto copied = harness_.Run(holds().CopyWith({Person(1)}, Gives("the one", &its)));
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_THAT(*copied, ElementsAre(Number(1)));
  EXPECT_EQ(its, 1);
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(Read(1).states, ::testing::UnorderedElementsAre(kCanary, "the one"));
}

Task<absl::Status> PlaceThenGive(Holds& holds, std::optional<HoldRequest>& another, HeldSink& sink) {
  if (another.has_value()) {
    HoldRequest request = *std::exchange(another, std::nullopt);
    Event event = PlainEvent();
    const auto placed = co_await holds.Place(std::move(request), std::move(event));
    CO_RETURN_IF_ERROR(placed.status());
  }
  const absl::Status kept = co_await GiveText(sink, "the one");
  co_return kept;
}

TEST_F(HoldsTest, AHoldThatIsPlacedDuringACopyHasTheTextToo) {
  Live(Person(1));
  ASSERT_TRUE(Place(2).ok());
  for (const uint8_t number : {3, 1}) {  // behind the one that is being copied, and before it
    std::optional<HoldRequest> another =
        HoldRequest{Number(number), Person(1), "RG 26/2", Now() + absl::Hours(24)};
    Holds::Texts texts = [this, &another](const Subject&, HeldSink& sink) {
      return PlaceThenGive(holds(), another, sink);
    };
    const auto copied = harness_.Run(holds().CopyWith({Person(1)}, std::move(texts)));
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_THAT(*copied, ::testing::Contains(Number(number)));
    EXPECT_TRUE(Read(number).states.contains("the one"));
  }
}

TEST_F(HoldsTest, ALeafThatDoesNotReadIsNamedAndTheOthersAreKept) {
  for (int i = 0; i < 3; ++i) {
    Live(Person(1));
  }
  const std::vector<uint64_t> hers = *harness_.log().LeavesOf(Person(1), 0, 10);
  ASSERT_THAT(hers, SizeIs(3));
  std::string key;
  AppendBigEndian64(key, hers[1]);
  std::string leaf = *harness_.disk()->Log(storage::LogTable::kLeaves, key);
  leaf.resize(leaf.size() / 2);
  storage::MemoryDisk::Write damage;
  damage.version = harness_.disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, key, leaf});
  harness_.disk()->Apply(damage);
  ASSERT_TRUE(absl::IsDataLoss(harness_.log().OpenAt(hers).status()));
  ASSERT_TRUE(Place(1).ok());
  std::set<std::string> names;
  std::set<uint64_t> leaves;
  const auto page = holds().Read(Number(1), "", 100);
  ASSERT_TRUE(page.ok()) << page.status();
  for (const audit::v1::HeldItem& item : page->items) {
    if (item.has_state()) {
      names.insert(item.state().name());
    } else {
      leaves.insert(item.leaf().index());
    }
  }
  EXPECT_THAT(names, ElementsAre("row", "unreadable/leaf/" + std::to_string(hers[1])));
  EXPECT_TRUE(leaves.contains(hers[0]));
  EXPECT_FALSE(leaves.contains(hers[1]));
  EXPECT_TRUE(leaves.contains(hers[2])) << "what comes after it too";
}

TEST_F(HoldsTest, WhoActedStaysWhenTheMonthsKeyGoes) {
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  Live(Person(1));
  const std::string month = MonthName(Now());
  harness_.sim().RunFor(absl::Hours(24 * 40));
  std::optional<absl::StatusOr<uint64_t>> destroyed;
  Start(maintenance().DestroyMonth(month),
        [&destroyed](absl::StatusOr<uint64_t> index) { destroyed = std::move(index); });
  ASSERT_TRUE(RunOnce().ok());
  ASSERT_TRUE(harness_.sim().RunUntil([&destroyed] { return destroyed.has_value(); }, absl::Minutes(1)));
  ASSERT_TRUE(destroyed->ok()) << destroyed->status();
  ASSERT_TRUE(absl::IsNotFound(harness_.log().Actor(harness_.log().ReadOpened(1, 1)->at(0).leaf).status()));
  EXPECT_THAT(Read(1).agents, ::testing::Contains("agent-7"));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Read(1).agents, ::testing::Contains("agent-7")) << "a later copy takes nothing away";
}

TEST_F(HoldsTest, ItsEndDestroysItsKeyAndItsRows) {
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  Erase({Person(1)});
  ASSERT_TRUE(Release(1).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_ENDED), 1);
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  EXPECT_TRUE(absl::IsNotFound(harness_.ring().Get("legal-hold/" + Number(1).ToHex(), 1).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(holds().Read(Number(1), "", 10).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Release(1)));
  Restart();
  EXPECT_TRUE(absl::IsFailedPrecondition(Release(1))) << "for good";
  EXPECT_TRUE(absl::IsNotFound(Release(2)));
  ASSERT_THAT(holds().List(), SizeIs(1));
  EXPECT_TRUE(holds().List()[0].ended.has_value());
  EXPECT_FALSE(holds().List()[0].expired);
}

TEST_F(HoldsTest, ItEndsByItselfAtItsTime) {
  Live(Person(1));
  ASSERT_TRUE(Place(1, Person(1), absl::Hours(48)).ok());
  harness_.sim().RunFor(absl::Hours(47));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_TRUE(holds().Read(Number(1), "", 10).ok());
  harness_.sim().RunFor(absl::Hours(1));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  EXPECT_TRUE(holds().List()[0].expired);
}

TEST_F(HoldsTest, NobodyWhoIsErasedIsHeld) {
  Live(Person(1));
  Erase({Person(1)});
  EXPECT_TRUE(IsErased(Place(1)));
  EXPECT_THAT(holds().List(), IsEmpty());
}

TEST_F(HoldsTest, ARestartKnowsThemAndARepetitionDoesNothing) {
  Live(Person(1));
  ASSERT_TRUE(Place(1).ok());
  Restart();
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
  ASSERT_TRUE(Place(1).ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 1);
  Erase({Person(1)});
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
}

// A restored store that is older than the hold's end: what was destroyed stays so.
TEST_F(HoldsTest, AHoldWhoseKeyIsDestroyedHasEnded) {
  Live(Person(1));
  Live(Person(2));
  ASSERT_TRUE(Place(1).ok());
  ASSERT_TRUE(harness_.ring().Destroy("legal-hold/" + Number(1).ToHex(), 1).ok());
  Restart();
  EXPECT_TRUE(absl::IsFailedPrecondition(holds().Read(Number(1), "", 10).status()));
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_ENDED), 1) << "and the log says so";
  // One that the ring never had: the ring is an older one, and nothing is thrown away for that.
  ASSERT_TRUE(Place(3, Person(2)).ok());
  harness_.Crash();
  crypto::MemoryKeyRing older;
  ASSERT_TRUE(harness_.Reopen().ok());
  const auto opened = Maintenance::Open(options_, harness_.log(), harness_.store(), older, harness_.clock(),
                                        harness_.random(), harness_.executor());
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
  Open();
  EXPECT_THAT(Read(3).leaves, SizeIs(2));
  // A store older than the hold itself, that follows it again.
  ASSERT_TRUE(harness_.ring().Put("legal-hold/" + Number(2).ToHex(), 1, Secret(std::string(32, 'k'))).ok());
  ASSERT_TRUE(harness_.ring().Destroy("legal-hold/" + Number(2).ToHex(), 1).ok());
  ASSERT_TRUE(Place(2).ok());
  EXPECT_THAT(Rows(2), ElementsAre("end"));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 2);
}

// Whatever the step at which the machine dies: the copy is whole, or the hold never was.
TEST_F(HoldsTest, ACrashWhilePlacingIsMadeGood) {
  bool crashed = true;
  for (uint8_t step = 1; crashed; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, 50);
    Live(Person(step));
    crash_in_ = step;
    std::optional<absl::Status> placed;
    Start(holds().Place({Number(step), Person(step), "RG 26/1", Now() + absl::Hours(24)}, PlainEvent()),
          [&placed](const auto& done) { placed = done.status(); });
    harness_.sim().RunFor(absl::Seconds(1));
    crashed = !placed.has_value() || !placed->ok();
    crash_in_ = 0;
    if (crashed) {
      Restart();
      ASSERT_TRUE(RunOnce().ok());
      ASSERT_TRUE(Place(step, Person(step)).ok());
    }
    EXPECT_THAT(Read(step).states, ElementsAre(kCanary));
    EXPECT_THAT(Read(step).leaves, SizeIs(2));
  }
}

TEST_F(HoldsTest, ACrashWhileEndingIsMadeGood) {
  bool crashed = true;
  for (uint8_t step = 1; crashed; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, 50);
    Live(Person(step));
    ASSERT_TRUE(Place(step, Person(step)).ok());
    crash_in_ = step;
    std::optional<absl::Status> ended;
    Event event = PlainEvent();
    event.event_id = Number(200);
    Start(holds().Release(Number(step), event), [&ended](const auto& done) { ended = done.status(); });
    harness_.sim().RunFor(absl::Seconds(1));
    crashed = !ended.has_value() || !ended->ok();
    crash_in_ = 0;
    if (crashed) {
      Restart();
      ASSERT_TRUE(RunOnce().ok());
      const absl::Status again = Release(step);
      ASSERT_TRUE(again.ok() || absl::IsFailedPrecondition(again)) << again;
    }
    EXPECT_THAT(Rows(step), ElementsAre("end"));
    EXPECT_TRUE(absl::IsNotFound(harness_.ring().Get("legal-hold/" + Number(step).ToHex(), 1).status()));
  }
}

// ---- a hold covers everybody who is one human with her (ADR 41)

TEST_F(HoldsTest, WhoIsOneWithHerIsCopiedAndTheLogSaysWho) {
  Live(Person(1));
  Live(Person(2), "under her other name");
  keepers_.back()->one_with_the_first = {Person(2)};
  ASSERT_TRUE(Place(1).ok());
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary, "under her other name"));
  EXPECT_FALSE(Clear(1, Person(2).id.ToBytes()));
  std::map<std::string, std::string> authors;  // by whom the leaf is about
  const auto leaves = harness_.log().ReadOpened(0, 1000);
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  for (const OpenedLeaf& leaf : *leaves) {
    audit::v1::HoldPlaced placed;
    if (leaf.details.payload().UnpackTo(&placed)) {
      EXPECT_EQ(placed.hold_id(), Number(1).ToHex());
      EXPECT_EQ(leaf.leaf.header.event_id(), Number(1).ToBytes()) << "one act";
      authors[leaf.details.subject().id()] = leaf.leaf.header.institution();
    }
  }
  EXPECT_EQ(authors.size(), 2);
  EXPECT_EQ(authors[Person(2).id.ToBytes()], "service/test") << "who placed it need not know her";
  // Said once, by this process and by the next.
  ASSERT_TRUE(RunOnce().ok());
  Restart();
  keepers_.back()->one_with_the_first = {Person(2)};
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 2);
  Erase({Person(2)});
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary, "under her other name"));
  ASSERT_TRUE(Release(1).ok());
  EXPECT_THAT(Rows(1), ElementsAre("end"));
}

TEST_F(HoldsTest, WhoComesInLaterIsCopiedAndWhoIsTakenApartIsNotAnyMore) {
  Live(Person(1));
  Live(Person(2), "as one");
  keepers_.back()->one_with_the_first.emplace();
  ASSERT_TRUE(Place(1).ok());
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
  keepers_.back()->one_with_the_first = {Person(2)};
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 2);
  EXPECT_THAT(Read(1).states, ElementsAre("as one", kCanary));
  keepers_.back()->one_with_the_first.emplace();
  Live(Person(2), "on her own");
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 3);
  const auto leaves = harness_.log().ReadOpened(0, 1000);
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  audit::v1::HoldPlaced last;
  ASSERT_TRUE(leaves->back().details.payload().UnpackTo(&last));
  EXPECT_LE(FromProto(last.until()), leaves->back().leaf.time) << "that is how followers know";
  Erase({Person(2)});
  EXPECT_THAT(Read(1).states, ElementsAre("as one", kCanary)) << "no order keeps what is another human's";
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 3) << "nobody is left to be told of";
}

TEST_F(HoldsTest, AHistoryThatDoesNotOpenIsNoObstacle) {
  Live(Person(1));
  Live(Person(2), "under her other name");
  Live(Person(3));
  keepers_.back()->one_with_the_first = {Person(2)};
  ASSERT_TRUE(Place(1).ok());
  keepers_.back()->cannot_tell = absl::DataLossError("broken");
  Live(Person(2), "at the last moment");
  Erase({Person(3)});
  EXPECT_TRUE(absl::IsNotFound(harness_.log().keys().Get(Person(3)).status()));
  ASSERT_TRUE(harness_.Run(holds().CopyOf({Person(2)})).ok());
  EXPECT_THAT(Read(1).states, ::testing::Contains("at the last moment"));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 2) << "nobody is said to have been taken apart";
}

TEST_F(HoldsTest, WhatIsLeftOfAnotherNameIsCopiedAlsoOnceHerHistoryIsGone) {
  Live(Person(1));
  Live(Person(2), "under her other name");
  keepers_.back()->one_with_the_first = {Person(2)};
  ASSERT_TRUE(Place(1).ok());
  const size_t before = Read(1).leaves.size();
  storage::CommitRequest commit;
  commit.partition = PartitionOf(Person(1));
  Live(Person(2), "at the last moment");
  ASSERT_TRUE(harness_
                  .Run(maintenance().Request({Number(100), {Person(1), Person(2)}, "REQUEST", {}},
                                             PlainEvent(), std::move(commit)))
                  .ok());
  keepers_.back()->one_with_the_first.emplace();  // as her history is erased first
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_THAT(Read(1).states, ::testing::Contains("at the last moment"));
  EXPECT_EQ(Read(1).leaves.size(), before + 3) << "the last act and the two requests to erase";
}

FollowedLeaf LeafOf(const Event& event) {
  FollowedLeaf leaf;
  leaf.header.set_event_class(event.event_class);
  leaf.header.set_event_id(event.event_id.ToBytes());
  leaf.details = event.details;
  if (event.subject.has_value()) {
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(event.subject->id.ToBytes());
  }
  return leaf;
}

class FollowedHoldsTest : public HoldsTest {
 protected:
  FollowedLeaf PlacedLeaf(uint8_t hold, const Subject& person = Person(1),
                          absl::Duration left = absl::Hours(100)) {
    Event event = SubjectEvent(person, audit::v1::EVENT_CLASS_HOLD_PLACED);
    audit::v1::HoldPlaced payload;
    payload.set_hold_id(Number(hold).ToHex());
    payload.set_order_reference("RG 26/1");
    *payload.mutable_until() = ToProto(Now() + left);
    event.details.mutable_payload()->PackFrom(payload);
    FollowedLeaf leaf = LeafOf(event);
    leaf.time = Now();
    return leaf;
  }
  FollowedLeaf ApartLeaf(uint8_t hold, const Subject& person) {
    return PlacedLeaf(hold, person, -absl::Seconds(10));
  }
  FollowedLeaf EndedLeaf(uint8_t hold) {
    Event event = PlainEvent();
    event.event_class = audit::v1::EVENT_CLASS_HOLD_ENDED;
    event.event_id = Number(210);
    audit::v1::HoldEnded payload;
    payload.set_hold_id(Number(hold).ToHex());
    event.details.mutable_payload()->PackFrom(payload);
    return LeafOf(event);
  }
  void Follow(FollowedLeaf leaf) {
    ASSERT_TRUE(IsOfHold(leaf));
    const absl::Status done = harness_.Run(FollowHold(holds(), std::move(leaf), PlainEvent()));
    ASSERT_TRUE(done.ok()) << done;
  }
};

TEST_F(FollowedHoldsTest, AFollowerHoldsWhatItHasOfHer) {
  Live(Person(1));
  Follow(PlacedLeaf(1));
  Follow(PlacedLeaf(1));
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
  Follow(EndedLeaf(1));
  Follow(EndedLeaf(1));
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  Follow(PlacedLeaf(1));
  EXPECT_THAT(Rows(1), ElementsAre("end")) << "read again after a crash";
}

TEST_F(FollowedHoldsTest, AnEndReadAtTheSameTimeIsTheEnd) {
  Live(Person(1));
  std::optional<absl::Status> placed;
  std::optional<absl::Status> ended;
  Start(FollowHold(holds(), PlacedLeaf(1), PlainEvent()),
        [&placed](const absl::Status& done) { placed = done; });
  Start(FollowHold(holds(), EndedLeaf(1), PlainEvent()),
        [&ended](const absl::Status& done) { ended = done; });
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_TRUE(placed.has_value() && ended.has_value());
  if (!ended->ok()) {
    EXPECT_TRUE(absl::IsAborted(*ended)) << *ended;
    Follow(EndedLeaf(1));  // as a follower does
  }
  EXPECT_THAT(Rows(1), ElementsAre("end"));
}

TEST_F(FollowedHoldsTest, AHoldOfSeveralNamesCoversThemAll) {
  Live(Person(1));
  Live(Person(2), "under her other name");
  Follow(PlacedLeaf(1, Person(2)));  // whichever is read first
  Follow(PlacedLeaf(1, Person(1)));
  Follow(PlacedLeaf(1, Person(1)));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 2);
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary, "under her other name"));
  Restart();
  Live(Person(1), "the last of the one");
  Live(Person(2), "the last of the other");
  Erase({Person(1)});
  EXPECT_THAT(Read(1).states,
              ElementsAre(kCanary, "the last of the one", "the last of the other", "under her other name"));
  Follow(EndedLeaf(1));
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  Follow(PlacedLeaf(1, Person(2)));
  EXPECT_THAT(Rows(1), ElementsAre("end"));
}

TEST_F(FollowedHoldsTest, WhoWasTakenApartIsNotCopiedAnyMore) {
  for (const uint8_t apart : {1, 2}) {  // the first leaf's too: which was read first is chance
    SCOPED_TRACE(apart);
    const auto hold = static_cast<uint8_t>(10 + apart);
    Live(Person(1), "as one");
    Live(Person(2), "as one, too");
    Follow(PlacedLeaf(hold, Person(1)));
    Follow(PlacedLeaf(hold, Person(2)));
    Follow(ApartLeaf(hold, Person(apart)));
    Follow(ApartLeaf(hold, Person(apart)));
    const size_t said = Count(audit::v1::EVENT_CLASS_HOLD_PLACED);
    Restart();
    Live(Person(1), "the last of the one");
    Live(Person(2), "the last of the other");
    ASSERT_TRUE(RunOnce().ok());
    EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), said);
    EXPECT_THAT(Read(hold).states, ElementsAre("as one", "as one, too",
                                               apart == 1 ? "the last of the other" : "the last of the one"));
  }
  Follow(ApartLeaf(50, Person(1)));
  EXPECT_THAT(Rows(50), IsEmpty()) << "no hold begins with that";
}

TEST_F(FollowedHoldsTest, TwoNamesReadAtTheSameTimeAreBothCovered) {
  Live(Person(1));
  Live(Person(2), "under her other name");
  std::vector<absl::Status> done;
  for (const uint64_t person : {1, 2}) {
    Start(FollowHold(holds(), PlacedLeaf(1, Person(person)), PlainEvent()),
          [&done](const absl::Status& status) { done.push_back(status); });
  }
  harness_.sim().RunFor(absl::Seconds(1));
  ASSERT_THAT(done, SizeIs(2));
  for (const uint64_t person : {1, 2}) {  // as a follower does with what failed
    Follow(PlacedLeaf(1, Person(person)));
  }
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary, "under her other name"));
}

// Reads badly for a while.
class BadlyReadRing final : public crypto::KeyRing {
 public:
  explicit BadlyReadRing(crypto::KeyRing& ring) : ring_(ring) {}
  absl::Status broken;
  absl::Status not_changed;  // what a ring of a file says, which looks keys up in memory

  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override {
    RETURN_IF_ERROR(broken);
    return ring_.Get(name, version);
  }
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override {
    return ring_.Latest(name);
  }
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override {
    return ring_.Add(name, secret);
  }
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override {
    RETURN_IF_ERROR(not_changed);
    return ring_.Put(name, version, secret);
  }
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override {
    return ring_.Destroy(name, version);
  }
  [[nodiscard]] std::vector<crypto::KeyVersion> List() const override { return ring_.List(); }

 private:
  crypto::KeyRing& ring_;
};

// A ring is put right: what a court ordered kept must not be passed over for a file that reads badly a
// moment.
TEST_F(FollowedHoldsTest, ARingThatDoesNotReadIsTriedAgain) {
  Live(Person(1));
  BadlyReadRing ring(harness_.ring());
  Holds held(harness_.log(), harness_.store(), ring, harness_.random(), [](audit::v1::EventClass of) {
    Event event = PlainEvent();
    event.event_class = of;
    return event;
  });
  for (const absl::Status& why : {absl::DataLossError("damaged"), absl::InvalidArgumentError("no ring")}) {
    ring.broken = why;
    const absl::Status done = harness_.Run(FollowHold(held, PlacedLeaf(1), PlainEvent()));
    EXPECT_TRUE(absl::IsUnavailable(done)) << done;
    EXPECT_THAT(Rows(1), IsEmpty());
  }
  ring.broken = absl::OkStatus();
  for (const absl::Status& why : {absl::DataLossError("damaged"), absl::NotFoundError("no file")}) {
    ring.not_changed = why;
    const absl::Status done = harness_.Run(FollowHold(held, PlacedLeaf(1), PlainEvent()));
    EXPECT_TRUE(absl::IsUnavailable(done)) << done;
    EXPECT_THAT(Rows(1), IsEmpty());
  }
  ring.not_changed = absl::OkStatus();
  const absl::Status done = harness_.Run(FollowHold(held, PlacedLeaf(1), PlainEvent()));
  EXPECT_TRUE(done.ok()) << done;
  EXPECT_FALSE(Rows(1).empty());
}

// What can never be read stops nobody: holds, links and erasures of all are followed in one order.
TEST_F(FollowedHoldsTest, WhatDoesNotReadIsPassedOver) {
  FollowedLeaf ended = EndedLeaf(1);
  audit::v1::HoldEnded nothing;
  nothing.set_hold_id("none");
  ended.details.mutable_payload()->PackFrom(nothing);
  Follow(std::move(ended));
  Live(Person(1));
  FollowedLeaf placed = PlacedLeaf(1);
  audit::v1::HoldPlaced also;
  ASSERT_TRUE(placed.details.payload().UnpackTo(&also));
  also.set_hold_id("none");
  placed.details.mutable_payload()->PackFrom(also);
  Follow(std::move(placed));
  EXPECT_THAT(Rows(1), IsEmpty());
  Follow(PlacedLeaf(1));
  EXPECT_THAT(Read(1).states, ElementsAre(kCanary));
}

TEST_F(FollowedHoldsTest, AnEndReadFirstIsTheEnd) {
  Live(Person(1));
  Follow(EndedLeaf(1));
  Follow(PlacedLeaf(1));
  EXPECT_THAT(Rows(1), ElementsAre("end"));
  EXPECT_EQ(Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 0);
}

}  // namespace
}  // namespace relais::audit
