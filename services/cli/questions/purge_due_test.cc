#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/alerting/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

constexpr absl::Duration kDay = absl::Hours(24);

class PurgeDueTest : public ::testing::Test {
 protected:
  void Started(const std::string& service) {
    teller.Tell(service, audit::v1::EVENT_CLASS_SERVICE_STARTED, audit::v1::LogRead());
  }
  void Destroyed(const std::string& service, const std::string& month) {
    audit::v1::MonthKeyDestroyed done;
    done.set_month(month);
    teller.Tell(service, audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED, done);
  }
  void Signal(audit::v1::EventClass event_class, uint8_t record) {
    teller.Tell("alerting", event_class, alerting::v1::SignalAccepted(), [&](SeenLeaf& leaf) {
      leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_SENDER_RECORD);
      leaf.details.mutable_subject()->set_id(IdOf(record).ToBytes());
    });
  }
  void Purged(const std::string& rule, absl::Time before) {
    audit::v1::Purged done;
    done.set_rule(rule);
    *done.mutable_due_before() = ToProto(before);
    teller.Tell("alerting", audit::v1::EVENT_CLASS_PURGED, done);
  }
  Teller teller{MakePurgeDue({})};
};

TEST_F(PurgeDueTest, AMonthsNamesThirteenMonthsLater) {
  Started("consent");
  Started("routing");
  teller.Pass(380 * kDay);
  Destroyed("routing", "2026-09");
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PurgeDueTest, AMonthsNamesThatAreStillThere) {
  Started("consent");  // in September 2026
  Started("routing");
  teller.Pass(410 * kDay);
  Destroyed("routing", "2026-09");
  EXPECT_THAT(teller.Codes(), ElementsAre("AGENT_NAMES 0"));
}

TEST_F(PurgeDueTest, SignalsWithoutAlert) {
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 1);
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 2);
  Signal(audit::v1::EVENT_CLASS_ALERT_CHANGED, 2);
  teller.Pass(450 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("AGENT_NAMES 0", "SIGNAL_WITHOUT_ALERT 0"));
}

TEST_F(PurgeDueTest, WhatWasPurged) {
  Signal(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, 1);
  const absl::Time then = teller.now();
  teller.Pass(450 * kDay);
  Destroyed("alerting", "2026-09");
  Purged("SIGNAL_WITHOUT_ALERT", then);
  EXPECT_THAT(teller.Codes(), IsEmpty()) << "refused rows' references went with the month's key";
}

TEST_F(PurgeDueTest, ErasuresAndTheirWrappedCopies) {
  const auto ask = [&](const std::string& service, uint8_t id) {
    audit::v1::EraseRequested asked;
    asked.set_erasure_id(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_ERASE_REQUESTED, asked);
  };
  const auto erase = [&](const std::string& service, uint8_t id) {
    audit::v1::Erased erased;
    erased.set_erasure_id(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_ERASED, erased);
  };
  const auto rotate = [&](const std::string& service, uint8_t id) {
    audit::v1::EpochRotated rotated;
    rotated.add_erasure_ids(IdOf(id).ToHex());
    teller.Tell(service, audit::v1::EVENT_CLASS_EPOCH_ROTATED, rotated);
  };
  // In another log the same erasure went through: that says nothing of this one.
  ask("routing", 1);
  erase("routing", 1);
  rotate("routing", 1);
  ask("consent", 1);
  ask("consent", 2);
  ask("consent", 3);
  erase("consent", 2);
  erase("consent", 3);
  rotate("consent", 3);
  teller.Pass(70 * kDay);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].facts.at("matter"), "ERASURE");
  EXPECT_EQ(found[0].facts.at("erasure"), IdOf(1).ToHex());
  EXPECT_EQ(found[1].facts.at("matter"), "EPOCH_KEY");
  EXPECT_EQ(found[1].facts.at("erasure"), IdOf(2).ToHex());
}

}  // namespace
}  // namespace relais::cli::questions
