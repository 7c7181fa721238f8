// Every line of her journal says what became of the act (D-3.1, D-3.2).
#include "services/cli/journal_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/rpc/refusal.h"

namespace relais::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using Entry = vault::v1::JournalEntry;

Entry Line(Entry::Act act, bool allowed, const std::string& reason = "") {
  Entry entry;
  entry.set_act(act);
  entry.set_allowed(allowed);
  entry.set_reason(reason);
  entry.mutable_who()->set_institution("caf");
  return entry;
}

TEST(JournalText, AnUploadThatWasRefusedIsNotDone) {
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_UPLOAD, true)), "begun");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_UPLOAD, true, "TYPE_NOT_ALLOWED")),
            "refused: it is of no type that the vault takes, or of another than was announced");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_UPLOAD, true, "ABANDONED")), "given up");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_UPLOAD, true, "EXPIRED")), "ended: it was not completed in time");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_DEPOSITED, true)), "done");
}

TEST(JournalText, AFloodIsOneLineWithItsCount) {
  Entry flood = Line(Entry::ACT_READ, false, "NO_SUCH_OR_NOT_YOURS");
  flood.set_count(1);
  EXPECT_EQ(OutcomeText(flood), "refused: not there, or not for them");
  flood.set_count(12);
  EXPECT_EQ(OutcomeText(flood), "refused ×12: not there, or not for them");
  vault::v1::ReadJournalResponse journal;
  *journal.add_entries() = Line(Entry::ACT_UNSPECIFIED, false);
  journal.mutable_entries(0)->set_count(7);
  const std::string text = JournalText(journal);
  EXPECT_THAT(text, HasSubstr("SEVERAL"));
  EXPECT_THAT(text, HasSubstr("refused ×7: for several reasons"));
}

TEST(JournalText, WhatWasCutSaysWhyAndHowFarItCame) {
  Entry cut = Line(Entry::ACT_EXPORT_CUT, true, "CONNECTION_LOST");
  cut.set_length(1024);
  EXPECT_EQ(OutcomeText(cut), "cut after 1,024 bytes: the connection ended");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_READ_CUT, true, "WITHDRAWN")), "cut after 0 bytes: she withdrew");
}

TEST(JournalText, NoReasonIsLeftAsANameOfTheApi) {
  for (int reason = 1; reason <= common::v1::ErrorReason_MAX; ++reason) {
    if (!common::v1::ErrorReason_IsValid(reason)) {
      continue;
    }
    const std::string text = OutcomeText(
        Line(Entry::ACT_READ, false, rpc::ReasonName(static_cast<common::v1::ErrorReason>(reason))));
    EXPECT_THAT(text, Not(HasSubstr("_")));
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) << text;
  }
}

TEST(JournalText, SaysThatThereIsMoreAndHowToReadOn) {
  vault::v1::ReadJournalResponse journal;
  EXPECT_EQ(JournalText(journal), "nothing\n");
  *journal.add_entries() = Line(Entry::ACT_READ, true);
  EXPECT_THAT(JournalText(journal), EndsWith("done\n"));
  journal.set_next_page_token("t0");
  EXPECT_THAT(JournalText(journal), EndsWith("done\nmore: --page-token t0, or --all\n"));
}

}  // namespace
}  // namespace relais::cli
