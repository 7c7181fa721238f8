// A person is erased in consent: routing erases her too, and says so.
#include <gmock/gmock.h>

#include <set>

#include "common/base/proto_time.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::World;

constexpr uint8_t kErasure = 7;

Id128 ErasureId() { return World::Person(1000 + kErasure); }

// Consent's log asks for it.
void Ask(World& world, uint64_t person) {
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(ErasureId().ToHex());
  payload.set_cause("REQUEST");
  audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, World::Person(person)},
                                                    audit::v1::EVENT_CLASS_ERASE_REQUESTED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

bool InStore(World& world, const std::string& bytes) {
  for (const char kind : {'P', 'X', 'U', 'M', 'I'}) {
    const auto partitions =
        world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
    for (const storage::Partition& partition : *partitions) {
      if (partition.Encode().find(bytes) != std::string::npos) {
        return true;
      }
      const auto page = world.context().store.Scan(partition, "", "", 1000);
      for (const auto& row : page->entries) {
        if ((row.key + row.entry.value).find(bytes) != std::string::npos) {
          return true;
        }
      }
    }
  }
  return false;
}

TEST(Erasure, HerMessagesLeaveTheDesksAndTheStore) {
  World world;
  const std::string delivered = world.MustSubmit("s1");
  ASSERT_EQ(world.Pull().size(), 1);
  ASSERT_TRUE(world.Ack(delivered).ok());
  ASSERT_TRUE(world.Take(delivered).ok());
  world.MustSubmit("s2");
  const auto other = world.Submit(world.Note("s3", 2));
  ASSERT_TRUE(other.ok()) << other.status();
  world.Settle();
  EXPECT_TRUE(InStore(world, World::Person(1).ToBytes())) << "that the test can fail";
  Ask(world, 1);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.consent.acknowledged, ElementsAre(ErasureId().ToHex()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  EXPECT_EQ(world.context().store.ListPartitions(storage::PartitionKind::kMessage, Id128(), 10)->size(), 1);
  ASSERT_EQ(world.Waiting().size(), 1) << "the other person's";
  EXPECT_EQ(world.Pull().size(), 1);
  EXPECT_EQ(rpc::ReasonOf(world.Take(delivered).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_TRUE(audit::IsErased(world.Submit(world.Note("s4", 1)).status())) << "nothing new about her";
}

// Two names of one human, erased by one act: each has a leaf that asks under an id of its own (ADR 41).
TEST(Erasure, OfLinkedNamesEachIsErasedAndAcknowledged) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 200; step += 5) {
    SCOPED_TRACE(step);
    World world;
    world.MustSubmit("s1");
    world.MustSubmit("s2", 2);
    world.Settle();
    world.CrashAt(step);
    std::vector<audit::Event> events;
    for (const uint64_t person : {1, 2}) {
      audit::v1::EraseRequested payload;
      payload.set_erasure_id(World::Person(2000 + person).ToHex());
      payload.set_cause("REQUEST");
      audit::Event event = audit::testing::SubjectEvent(
          {audit::Subject::Kind::kPerson, World::Person(person)}, audit::v1::EVENT_CLASS_ERASE_REQUESTED);
      event.event_id = World::Person(2001);
      event.details.mutable_payload()->PackFrom(payload);
      events.push_back(std::move(event));
    }
    world.consent_log().Append(events);
    world.Settle(absl::Seconds(10));
    reached = !world.context().store.failure().ok();
    if (reached) {
      world.Restart();
    }
    world.Settle(absl::Minutes(1));
    for (const uint64_t person : {1, 2}) {
      EXPECT_FALSE(InStore(world, World::Person(person).ToBytes())) << person;
      EXPECT_THAT(world.consent.acknowledged, ::testing::Contains(World::Person(2000 + person).ToHex()));
    }
    EXPECT_EQ(world.context().store.ListPartitions(storage::PartitionKind::kMessage, Id128(), 10)->size(), 0);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 2);
  }
}

TEST(Erasure, SomebodyRoutingNeverHeardOfIsAcknowledgedToo) {
  World world;
  Ask(world, 5);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.consent.acknowledged, ElementsAre(ErasureId().ToHex()));
  EXPECT_TRUE(audit::IsErased(world.Submit(world.Note("s1", 5)).status()));
}

TEST(Erasure, ConsentIsToldOnceItAnswersAgain) {
  World world;
  world.MustSubmit("s1");
  world.consent.down = absl::UnavailableError("down");
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(world.consent.acknowledged, IsEmpty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  world.Restart();
  world.consent.down = absl::OkStatus();
  world.Settle(absl::Minutes(2));
  EXPECT_THAT(world.consent.acknowledged, ElementsAre(ErasureId().ToHex()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
}

TEST(Erasure, EveryCrashEndsInTheSame) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 200; step += 3) {
    SCOPED_TRACE(step);
    World world;
    world.MustSubmit("s1");
    world.Settle();
    world.CrashAt(step);
    Ask(world, 1);
    world.Settle(absl::Seconds(10));
    reached = !world.context().store.failure().ok();
    if (reached) {
      world.Restart();
    }
    world.Settle(absl::Minutes(1));
    EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_GE(world.consent.acknowledged.size(), 1);
    EXPECT_TRUE(world.Waiting().empty());
  }
}

// Consent's log places a hold and, later, ends it.
void Hold(World& world, uint64_t person) {
  audit::v1::HoldPlaced payload;
  payload.set_hold_id(ErasureId().ToHex());
  payload.set_order_reference("RG 26/1");
  *payload.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 365));
  audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, World::Person(person)},
                                                    audit::v1::EVENT_CLASS_HOLD_PLACED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

TEST(Hold, HerMessagesStayAsACopyWhenSheIsErased) {  // D-2.10
  World world;
  const std::string message = world.MustSubmit("s1");
  world.MustSubmit("s2");
  Hold(world, 1);
  Ask(world, 1);
  world.Settle(absl::Seconds(10));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  ASSERT_EQ(world.context().store.ListPartitions(storage::PartitionKind::kMessage, Id128(), 10)->size(), 0);
  audit::Holds& holds = world.context().maintenance->holds();
  const auto page = holds.Read(ErasureId(), "", 1000);
  ASSERT_TRUE(page.ok()) << page.status();
  std::set<std::string> messages;
  for (const audit::v1::HeldItem& item : page->items) {
    v1::MessageState state;
    if (item.state().content().UnpackTo(&state)) {
      messages.insert(item.state().name());
      EXPECT_EQ(state.person(), World::Person(1).ToBytes());
      EXPECT_TRUE(state.has_content()) << "with what it said";
    }
  }
  EXPECT_EQ(messages.size(), 2);
  EXPECT_TRUE(messages.contains("message/" + message));
  // Its end, and the copy is gone.
  audit::v1::HoldEnded ended;
  ended.set_hold_id(ErasureId().ToHex());
  audit::Event event = audit::testing::PlainEvent();
  event.event_class = audit::v1::EVENT_CLASS_HOLD_ENDED;
  event.details.mutable_payload()->PackFrom(ended);
  world.consent_log().Append(event);
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(absl::IsFailedPrecondition(holds.Read(ErasureId(), "", 10).status()));
}

}  // namespace
}  // namespace relais::routing
