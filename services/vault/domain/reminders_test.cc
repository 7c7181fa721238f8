#include "services/vault/domain/reminders.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

const absl::CivilDay kExpires(2027, 3, 31);

TEST(Reminders, SixtyAndFifteenDaysBefore) {  // D-3.7
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires - 61), std::nullopt);
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires - 60), 60u);
  EXPECT_EQ(ReminderDue(kExpires, {60}, kExpires - 60), std::nullopt);
  EXPECT_EQ(ReminderDue(kExpires, {60}, kExpires - 16), std::nullopt);
  EXPECT_EQ(ReminderDue(kExpires, {60}, kExpires - 15), 15u);
  EXPECT_EQ(ReminderDue(kExpires, {60, 15}, kExpires - 15), std::nullopt);
}

TEST(Reminders, LateOnesAreSentOnceAndOnlyTheNearest) {
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires - 40), 60u) << "deposited, or the service started, late";
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires - 10), 15u);
  EXPECT_EQ(ReminderDue(kExpires, {15}, kExpires - 10), std::nullopt);
  EXPECT_EQ(ReminderDue(kExpires, {15}, kExpires - 50), std::nullopt)
      << "not the earlier one after the later";
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires), 15u) << "its last day";
  EXPECT_EQ(ReminderDue(kExpires, {}, kExpires + 1), std::nullopt);
}

TEST(Reminders, TheNextDayToLook) {
  EXPECT_EQ(NextReminder(kExpires, {}, kExpires - 200), kExpires - 60);
  EXPECT_EQ(NextReminder(kExpires, {}, kExpires - 60), kExpires - 60);
  EXPECT_EQ(NextReminder(kExpires, {60}, kExpires - 60), kExpires - 15);
  EXPECT_EQ(NextReminder(kExpires, {}, kExpires - 20), kExpires - 20);
  EXPECT_EQ(NextReminder(kExpires, {60, 15}, kExpires - 15), std::nullopt);
  EXPECT_EQ(NextReminder(kExpires, {}, kExpires + 1), std::nullopt);
  // Day by day, it agrees with what is due.
  std::vector<uint32_t> sent;
  for (absl::CivilDay day = kExpires - 100; day <= kExpires + 5; ++day) {
    const auto due = ReminderDue(kExpires, sent, day);
    EXPECT_EQ(due.has_value(), NextReminder(kExpires, sent, day) == day) << day;
    if (due) {
      sent.push_back(*due);
    }
  }
  EXPECT_EQ(sent, (std::vector<uint32_t>{60, 15}));
}

}  // namespace
}  // namespace relais::vault
