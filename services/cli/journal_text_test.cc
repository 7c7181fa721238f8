// Every line of her journal says what became of the act (D-3.1, D-3.2).
#include "services/cli/journal_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/rpc/refusal.h"
#include "services/vault/domain/journal_words.h"

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

// As in journal.txt of an export: she need not take everything away to read it.
TEST(JournalText, SentencesForHerAreInFrenchThenInEnglish) {
  const auto paris = calendar::Paris::Load();
  ASSERT_TRUE(paris.ok()) << paris.status();
  vault::v1::ReadJournalResponse journal;
  EXPECT_EQ(JournalSentences(journal, *paris), "Rien n'a été fait.\nNothing was done.\n");
  *journal.add_entries() = Line(Entry::ACT_READ, true);
  *journal.add_entries() = Line(Entry::ACT_READ, false, "NOT_PERMITTED");
  journal.set_next_page_token("t1");
  const std::vector<std::string> lines = absl::StrSplit(JournalSentences(journal, *paris), '\n');
  ASSERT_EQ(lines.size(), 7U);
  for (const size_t at : {size_t{0}, size_t{3}}) {
    EXPECT_EQ(lines[at],
              vault::JournalSentence(journal.entries(at == 0 ? 0 : 1), vault::Language::kFrench, *paris));
    EXPECT_EQ(lines[at + 1],
              vault::JournalSentence(journal.entries(at == 0 ? 0 : 1), vault::Language::kEnglish, *paris));
  }
  EXPECT_EQ(lines[2], "");
  EXPECT_EQ(lines[5], "more: --page-token t1, or --all");
}

TEST(JournalText, AnExportBeginsAndEnds) {
  Entry exported = Line(Entry::ACT_EXPORTED, true);
  exported.set_outcome("BEGUN");
  EXPECT_EQ(OutcomeText(exported), "begun");
  exported.set_outcome("ENDED");
  exported.set_length(10240);
  EXPECT_EQ(OutcomeText(exported), "all handed over: 10,240 bytes");
}

TEST(JournalText, WhatWasCutSaysWhyAndHowFarItCame) {
  Entry cut = Line(Entry::ACT_EXPORT_CUT, true, "CONNECTION_LOST");
  cut.set_length(1024);
  EXPECT_EQ(OutcomeText(cut), "cut after 1,024 bytes: the connection ended");
  EXPECT_EQ(OutcomeText(Line(Entry::ACT_READ_CUT, true, "WITHDRAWN")), "cut after 0 bytes: she withdrew");
}

TEST(JournalText, HowAnUploadEndedIsSaidInWords) {
  EXPECT_EQ(EndedText("ABANDONED"), "it was given up");
  EXPECT_EQ(EndedText("EXPIRED"), "it was not completed in time");
  EXPECT_EQ(EndedText("MALWARE_FOUND"), "malware was found in it");
  EXPECT_EQ(EndedText("NOT_KNOWN_YET"), "not known yet");
}

TEST(JournalText, WhatAnActCameTo) {
  const auto came_to = [](Entry::Act act, const std::string& outcome, const std::string& reason = "") {
    Entry entry = Line(act, true, reason);
    entry.set_outcome(outcome);
    return OutcomeText(entry);
  };
  EXPECT_EQ(came_to(Entry::ACT_DEPOSITED, "ACTIVE"), "done");
  EXPECT_EQ(came_to(Entry::ACT_DEPOSITED, "PENDING_CONSENT"), "done: pending consent");
  EXPECT_EQ(came_to(Entry::ACT_REQUEST, "GRANTED"), "granted");
  EXPECT_EQ(came_to(Entry::ACT_SHARE, "WITHDRAWN"), "withdrawn");
  EXPECT_EQ(came_to(Entry::ACT_VERIFIED, "HASH_DIFFERS"), "hash differs");
  EXPECT_EQ(came_to(Entry::ACT_MAINTAINED, "ANNOUNCED"), "announced");
  EXPECT_EQ(came_to(Entry::ACT_DESTROYED, "", "HERS"), "done: at her wish");
  EXPECT_EQ(came_to(Entry::ACT_DESTROYED, "", "REFUSED_DROP"),
            "done: her agreement did not permit its deposit");
}

TEST(JournalText, WhatAnActWasAbout) {
  EXPECT_EQ(DetailsText(Line(Entry::ACT_EXPORTED, true)), "-");
  Entry looked = Line(Entry::ACT_LOOKED, true);
  looked.set_what("METADATA");
  EXPECT_EQ(DetailsText(looked), "metadata");
  Entry changed = Line(Entry::ACT_CHANGED, true);
  changed.add_types(vault::v1::DOCUMENT_TYPE_TAX_NOTICE);
  changed.add_fields("expires");
  changed.add_fields("title");
  EXPECT_EQ(DetailsText(changed), "tax notice; changed expires, title");
  Entry share = Line(Entry::ACT_SHARE, true);
  share.mutable_recipient()->set_institution("caf");
  share.mutable_until()->set_seconds(1801911600);  // 2027-02-06, noon in Paris
  share.set_share_id("5a");
  share.set_consent_id("c0");
  EXPECT_EQ(DetailsText(share), "with caf; until 2027-02-06 12:00:00; share 5a; agreement c0");
  Entry request = Line(Entry::ACT_REQUEST, true);
  request.add_types(vault::v1::DOCUMENT_TYPE_LEASE);
  request.add_types(vault::v1::DOCUMENT_TYPE_PAYSLIP);
  request.mutable_recipient()->set_institution("caf");
  request.set_document_request_id("7e");
  EXPECT_EQ(DetailsText(request), "lease, payslip; asked by caf; request 7e");
  Entry host = Line(Entry::ACT_HOST, true);
  host.mutable_recipient()->set_institution("emmaus");
  EXPECT_EQ(DetailsText(host), "host emmaus");
}

TEST(JournalText, WhatWasFoundAndWhenAVaultCloses) {
  Entry verified = Line(Entry::ACT_VERIFIED, true);
  vault::v1::VersionCheck* check = verified.add_findings();
  check->set_version(1);
  check->set_finding(vault::v1::VersionCheck::FINDING_INTACT);
  check = verified.add_findings();
  check->set_version(2);
  check->set_finding(vault::v1::VersionCheck::FINDING_ALTERED);
  check->set_offset(65536);
  EXPECT_EQ(DetailsText(verified), "version 1 intact; version 2 altered from byte 65,536");
  Entry closes = Line(Entry::ACT_MAINTAINED, true);
  closes.set_what("CLOSURE");
  closes.mutable_closure()->mutable_closing_day()->set_year(2027);
  closes.mutable_closure()->mutable_closing_day()->set_month(6);
  closes.mutable_closure()->mutable_closing_day()->set_day(30);
  *closes.mutable_closure()->mutable_retrieval_until() = closes.closure().closing_day();
  closes.mutable_closure()->mutable_retrieval_until()->set_year(2028);
  EXPECT_EQ(DetailsText(closes), "closure; last day 2027-06-30, papers can be had until 2028-06-30");
  vault::v1::ReadJournalResponse journal;
  *journal.add_entries() = closes;
  EXPECT_THAT(JournalText(journal), HasSubstr("2028-06-30"));
}

TEST(JournalText, EveryReasonHasWordsOfItsOwn) {
  for (int reason = 1; reason <= common::v1::ErrorReason_MAX; ++reason) {
    if (!common::v1::ErrorReason_IsValid(reason)) {
      continue;
    }
    const std::string name = rpc::ReasonName(static_cast<common::v1::ErrorReason>(reason));
    std::string bare = absl::AsciiStrToLower(name);
    std::replace(bare.begin(), bare.end(), '_', ' ');
    EXPECT_NE(OutcomeText(Line(Entry::ACT_READ, false, name)), "refused: " + bare) << name;
  }
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
