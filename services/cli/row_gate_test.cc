// What leaves the sender's machine, row by row.
#include "services/cli/row_gate.h"

#include <gtest/gtest.h>

#include "common/feeds/canonical.h"
#include "common/identity/request_key.h"
#include "services/cli/testing/feed_rows.h"

namespace relais::cli {
namespace {

using testing::EdfTerms;
using testing::GoodCut;
using testing::Key;
using testing::With;

PlannedRow Plan(const GateTerms& terms, feeds::RawRow row) { return RowGate(terms).Plan(row); }

// No byte of what is sent may hold what the row says of her.
void ExpectNothingPersonal(const PlannedRow& planned) {
  const std::string bytes = planned.wire.has_value() ? planned.wire->SerializeAsString() : "";
  for (const char* word : {"Martin", "MARTIN", "Jeanne", "JEANNE", "12 bd", "BOULEVARD", "75013", "123,45"}) {
    EXPECT_EQ(bytes.find(word), std::string::npos) << word;
  }
}

feeds::RecordKeyParts PartsOf(const feeds::RawRow& row) {
  return *feeds::JudgeForm(feeds::FeedType::kEdf, row, {}).record;
}

std::string DigestOf(const feeds::RecordKeyParts& parts) {
  return identity::RecordDigest(Key(), "edf", {parts.nom, parts.prenoms, parts.adresse, parts.code_postal});
}

TEST(RowGate, SendsAGoodRow) {
  const feeds::RawRow row = GoodCut(7, "R-1");
  const PlannedRow planned = Plan(EdfTerms(), row);
  ASSERT_TRUE(planned.wire.has_value());
  EXPECT_FALSE(planned.local.has_value());
  EXPECT_EQ(planned.reference, "R-1");
  EXPECT_EQ(planned.wire->line(), 7U);
  ASSERT_EQ(planned.wire->cells().cells_size(), static_cast<int>(feeds::kEdfColumns.size()));
  for (size_t i = 0; i < row.fields.size(); ++i) {
    EXPECT_EQ(planned.wire->cells().cells(static_cast<int>(i)), row.fields[i]);
  }
}

// One cell of spaces must not stop a file: what is sent is what was judged.
TEST(RowGate, SendsNoPadding) {
  for (const size_t padding : {size_t{65'530}, size_t{65'536}, size_t{900'000}}) {
    const std::string spaces(padding, ' ');
    const PlannedRow planned =
        Plan(EdfTerms(), With(GoodCut(7, "R-1"), feeds::EdfColumn::kNom, spaces + "Martin\xC2\xA0" + spaces));
    ASSERT_TRUE(planned.wire.has_value());
    EXPECT_EQ(planned.wire->cells().cells(7), "Martin");
    EXPECT_LT(planned.wire->ByteSizeLong(), 500U);
  }
  // Too long even so: refused as a row, on the sender's machine.
  const PlannedRow refused =
      Plan(EdfTerms(), With(GoodCut(7, "R-1"), feeds::EdfColumn::kNom, std::string(900'000, 'x')));
  EXPECT_FALSE(refused.wire.has_value());
  ASSERT_TRUE(refused.local.has_value());
  EXPECT_EQ(refused.local->reason, feeds::Reason::kTooLong);
}

TEST(RowGate, DoesNotSendARowThatFailsInForm) {
  const PlannedRow planned =
      Plan(EdfTerms(), With(GoodCut(3, "R-1"), feeds::EdfColumn::kDateEvenement, "2026-02-30"));
  EXPECT_FALSE(planned.wire.has_value());
  ASSERT_TRUE(planned.local.has_value());
  EXPECT_EQ(planned.local->reason, feeds::Reason::kBadDate);
  EXPECT_EQ(planned.local->field, "date_evenement");
  EXPECT_EQ(planned.line, 3U);
}

TEST(RowGate, ABadRowStillTellsItsObjectionByDigestOnly) {
  const feeds::RawRow row = With(With(GoodCut(3, "R-1"), feeds::EdfColumn::kDateEvenement, "x"),
                                 feeds::EdfColumn::kOpposition, "OUI");
  const PlannedRow planned = Plan(EdfTerms(), row);
  ASSERT_TRUE(planned.wire.has_value());
  ASSERT_TRUE(planned.wire->has_objection());
  EXPECT_EQ(planned.wire->objection().record_digest(), DigestOf(PartsOf(row)));
  EXPECT_EQ(planned.wire->objection().key_version(), 3U);
  EXPECT_EQ(planned.wire->objection().reason(), "BAD_DATE");
  ExpectNothingPersonal(planned);
}

TEST(RowGate, WhatARowAloneCondemnsGoesAsANotice) {
  struct Case {
    feeds::EdfColumn column;
    const char* value;
    const char* reason;
    bool objection;
  };
  const Case cases[] = {
      {feeds::EdfColumn::kOpposition, "OUI", "OPPOSED", true},
      {feeds::EdfColumn::kDateEvenement, "2026-11-21", "FUTURE_DATE", false},
      {feeds::EdfColumn::kDateEvenement, "2025-10-15", "TOO_OLD", false},
      {feeds::EdfColumn::kDateEvenement, "2026-11-15", "TOO_EARLY", false},
      {feeds::EdfColumn::kFondement, "CONVENTION", "NO_GROUND", false},
  };
  for (const Case& c : cases) {
    const feeds::RawRow row = With(GoodCut(5, "R-9"), c.column, c.value);
    const PlannedRow planned = Plan(EdfTerms(), row);
    ASSERT_TRUE(planned.wire.has_value()) << c.reason;
    ASSERT_TRUE(planned.wire->has_gated()) << c.reason;
    const alerting::v1::GatedNotice& notice = planned.wire->gated();
    EXPECT_EQ(notice.reason(), c.reason);
    EXPECT_EQ(notice.reference(), "R-9");
    EXPECT_EQ(notice.objection(), c.objection);
    EXPECT_EQ(notice.key_version(), 3U);
    EXPECT_EQ(notice.record_digest(), DigestOf(PartsOf(row)));
    const feeds::FormResult form = feeds::JudgeForm(feeds::FeedType::kEdf, row, {});
    EXPECT_EQ(notice.content_digest(),
              identity::ContentDigest(Key(), "row", feeds::CanonicalContent(*form.row)));
    ExpectNothingPersonal(planned);
    ASSERT_TRUE(planned.local.has_value());
    EXPECT_EQ(feeds::ReasonName(planned.local->reason), c.reason);
  }
}

TEST(RowGate, WindowOpenKeepsTheDayOfReturn) {
  feeds::RawRow row = With(GoodCut(5, "R-9"), feeds::EdfColumn::kEvenement, "LETTRE_1");
  row = With(With(row, feeds::EdfColumn::kFondement, "ART2"), feeds::EdfColumn::kFinOpposition, "2026-11-25");
  const PlannedRow planned = Plan(EdfTerms(), row);
  ASSERT_TRUE(planned.local.has_value());
  EXPECT_EQ(planned.local->reason, feeds::Reason::kWindowOpen);
  EXPECT_EQ(planned.local->retry_after, absl::CivilDay(2026, 11, 26));
}

TEST(RowGate, AReferenceWithANirIsNeverShownNorSent) {
  const PlannedRow planned =
      Plan(EdfTerms(), With(GoodCut(2, "1-55-05-75-115-006-02"), feeds::EdfColumn::kOpposition, "NON"));
  EXPECT_EQ(planned.reference.find("75-115"), std::string::npos);
}

TEST(RowGate, ImmediateDangerIsNotPassedOn) {
  const GateTerms terms = testing::BsppTerms();
  const PlannedRow planned =
      Plan(terms, testing::Report(1, "F-1", "IMMEDIATE", R"({"nom":"Martin","prenoms":"Jeanne"})"));
  ASSERT_TRUE(planned.wire.has_value());
  ASSERT_TRUE(planned.wire->has_gated());
  EXPECT_EQ(planned.wire->gated().reason(), "IMMEDIATE_DANGER");
  EXPECT_EQ(planned.wire->gated().record_digest().size(), 32U);
  ExpectNothingPersonal(planned);
}

// D-1.6: whatever the script of her name.
TEST(RowGate, AnObjectionOfWhoHasNoLatinNameTellsItsRecord) {
  const feeds::RawRow row =
      With(With(With(GoodCut(1, "R-1"), feeds::EdfColumn::kNom, "李"), feeds::EdfColumn::kPrenoms, "小龙"),
           feeds::EdfColumn::kOpposition, "OUI");
  const PlannedRow planned = Plan(EdfTerms(), row);
  ASSERT_TRUE(planned.wire.has_value());
  ASSERT_TRUE(planned.wire->has_gated());
  EXPECT_EQ(planned.wire->gated().record_digest(), DigestOf(PartsOf(row)));
}

TEST(RowGate, AReportThatNamesNobodyHasNoRecordDigest) {
  const PlannedRow planned = Plan(testing::BsppTerms(), testing::Report(1, "F-1", "IMMEDIATE", "{}"));
  ASSERT_TRUE(planned.wire->has_gated());
  EXPECT_EQ(planned.wire->gated().record_digest(), "");
  EXPECT_EQ(planned.wire->gated().content_digest().size(), 32U);
}

TEST(RowGate, AGoodReportGoesRaw) {
  const feeds::RawRow row = testing::Report(4, "F-2", "SERIOUS", R"({"nom":"Martin"})");
  const PlannedRow planned = Plan(testing::BsppTerms(), row);
  ASSERT_TRUE(planned.wire.has_value());
  EXPECT_EQ(planned.wire->json(), row.json);
}

TEST(GateTerms, TakeTheKeyVersionTheServiceNames) {
  const calendar::Paris paris = *calendar::Paris::Load();
  alerting::v1::StreamOpened opened;
  opened.mutable_today()->set_year(2026);
  opened.mutable_today()->set_month(11);
  opened.mutable_today()->set_day(20);
  opened.set_suppression_key_version(2);
  opened.set_has_convention(true);
  opened.add_signs("ISOLATION");
  SuppressionFile keys{"edf", {{1, Secret(std::string(32, 'a'))}, {2, Secret(std::string(32, 'b'))}}};
  const auto terms = MakeGateTerms(feeds::FeedType::kEdf, "edf", opened, keys, paris);
  ASSERT_TRUE(terms.ok());
  EXPECT_EQ(terms->key.version, 2U);
  EXPECT_EQ(terms->key.key.ExposeSecret(), std::string(32, 'b'));
  EXPECT_EQ(terms->judge.today, absl::CivilDay(2026, 11, 20));
  EXPECT_EQ(terms->judge.has_convention, std::optional<bool>(true));
  EXPECT_FALSE(MakeGateTerms(feeds::FeedType::kEdf, "engie", opened, keys, paris).ok());
  opened.set_suppression_key_version(3);
  EXPECT_FALSE(MakeGateTerms(feeds::FeedType::kEdf, "edf", opened, keys, paris).ok());
}

}  // namespace
}  // namespace relais::cli
