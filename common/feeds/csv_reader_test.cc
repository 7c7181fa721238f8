#include "common/feeds/csv_reader.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "common/feeds/form.h"
#include "common/feeds/reader.h"

namespace relais::feeds {
namespace {

std::string Join(const std::vector<std::string>& cells) {
  std::string out;
  for (const std::string& cell : cells) {
    if (!out.empty()) out += ';';
    out += cell;
  }
  return out;
}

std::string Header() { return Join({kEdfColumns.begin(), kEdfColumns.end()}) + "\n"; }

/// A good line whose reference is `reference`; `nom` is written as it is given.
std::string Line(const std::string& reference, const std::string& nom = "Dupont",
                 const std::string& periode_fin = "2026-07-30") {
  return Join({reference, "ART6", "COUPURE", "2026-10-01", "ELECTRICITE", "NON", "", nom, "Jeanne",
               "3 rue Monge", "Paris", "75005", "BASE", "12,00", "2026-06-01", periode_fin});
}

/// "line:reference:nom" of each row, "line:!" for a malformed one.
std::vector<std::string> Read(const std::string& file, Encoding encoding = Encoding::kUtf8) {
  std::istringstream input(file);
  auto reader = OpenFeed(FeedType::kEdf, input, encoding);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> out;
  if (!reader.ok()) return out;
  RawRow row;
  for (;;) {
    const auto more = (*reader)->Next(row);
    EXPECT_TRUE(more.ok());
    if (!more.ok() || !*more) break;
    const std::string line = std::to_string(row.line);
    out.push_back(row.malformed ? line + ":!" : line + ":" + row.fields.at(0) + ":" + row.fields.at(7));
  }
  EXPECT_EQ((*reader)->bytes_consumed(), file.size());
  return out;
}

std::string Refusal(const std::string& file, Encoding encoding = Encoding::kUtf8) {
  std::istringstream input(file);
  const auto reader = OpenFeed(FeedType::kEdf, input, encoding);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(reader.status().message());
}

using Rows = std::vector<std::string>;

TEST(CsvReader, ReadsRowsAndCountsPhysicalLines) {
  EXPECT_EQ(Read(Header() + Line("A") + "\n\n  \n" + Line("B") + "\n" + Line("C")),
            (Rows{"2:A:Dupont", "5:B:Dupont", "6:C:Dupont"}));
  EXPECT_EQ(Read(Header()), Rows());
  EXPECT_EQ(Read("\n" + Header() + Line("A")), (Rows{"3:A:Dupont"}));
}

TEST(CsvReader, AcceptsCrlfAndAByteOrderMark) {
  std::string header = Header();
  header.insert(header.size() - 1, "\r");
  EXPECT_EQ(Read("\xEF\xBB\xBF" + header + Line("A", "\"B;C\"") + "\r\n\r\n" + Line("D") + "\r\n"),
            (Rows{"2:A:B;C", "4:D:Dupont"}));
  std::istringstream input(header + Line("A") + "\r\n" + Line("B") + "\r");
  auto reader = OpenFeed(FeedType::kEdf, input, Encoding::kUtf8);
  ASSERT_TRUE(reader.ok());
  RawRow row;
  while (*(*reader)->Next(row)) EXPECT_EQ(row.fields.at(15), "2026-07-30");
}

TEST(CsvReader, PutsColumnsInCanonicalOrder) {
  std::vector<std::string> columns(kEdfColumns.rbegin(), kEdfColumns.rend());
  std::vector<std::string> cells(16, "x");
  cells[15] = "A";       // reference
  cells[8] = "Lefèvre";  // nom
  columns[0] = "\"periode_fin\"";
  EXPECT_EQ(Read(Join(columns) + "\n" + Join(cells) + "\n"), (Rows{"2:A:Lefèvre"}));
}

TEST(CsvReader, UndoesQuotes) {
  EXPECT_EQ(Read(Header() + Line("A", "\"D;\"\"E\"\"\"") + "\n" + Line("\"B\"", "\"\"") + "\n"),
            (Rows{"2:A:D;\"E\"", "3:B:"}));
  EXPECT_EQ(Read(Header() + Line("A", "\"first\nsecond\r\nthird\"") + "\n" + Line("B")),
            (Rows{"2:A:first\nsecond\r\nthird", "5:B:Dupont"}));
}

TEST(CsvReader, ColumnsTooManyOrTooFewAreMalformed) {
  EXPECT_EQ(Read(Header() + Line("A") + ";\n" + Line("B") + "\nx;y\nz\n" + Line("C")),
            (Rows{"2:!", "3:B:Dupont", "4:!", "5:!", "6:C:Dupont"}));
  EXPECT_EQ(Read(Header() + "a;\"b\nc\"\n" + Line("C")), (Rows{"2:!", "4:C:Dupont"}));
}

TEST(CsvReader, BrokenQuotingCostsItsOwnLineAndNoOther) {
  const std::string after =
      "\n" + Line("B") + "\n" + Line("C", "\"x;y\"") + "\n" + Line("D", "\"two\nlines\"");
  const Rows rows = {"2:!", "3:B:Dupont", "4:C:x;y", "5:D:two\nlines"};
  for (const char* nom :
       {"D\"upont", "\"Dup\"ont", "\"Dupont", " \"Dupont\"", "\"Dupont\" ", "\"\"\"", "\""}) {
    EXPECT_EQ(Read(Header() + Line("A", nom) + after), rows) << nom;
  }
  EXPECT_EQ(Read(Header() + Line("A", "Dupont", "\"2026") + after), rows);
}

TEST(CsvReader, AStrayQuoteThatHappensToCloseIsFound) {
  // The quote opened on line 2 is closed by the one on line 4, where ";" follows: by its quotes this is a
  // record.
  EXPECT_EQ(
      Read(Header() + Line("A", "\"Dupont") + "\n" + Line("B") + "\n" + Line("C", "x\"") + "\n" + Line("D")),
      (Rows{"2:!", "3:B:Dupont", "4:!", "5:D:Dupont"}));
}

TEST(CsvReader, AnOpenQuoteAtTheEndOfTheFile) {
  EXPECT_EQ(Read(Header() + Line("A") + "\n" + Line("B", "\"Dup")), (Rows{"2:A:Dupont", "3:!"}));
  EXPECT_EQ(Read(Header() + Line("A", "\"")), (Rows{"2:!"}));
}

TEST(CsvReader, ReadsOnAfterARecordThatIsTooLong) {
  const std::string filler(internal::kMaxCsvRecord, 'x');
  EXPECT_EQ(Read(Header() + Line("A", filler) + "\n" + Line("B")), (Rows{"2:!", "3:B:Dupont"}));
  std::string many_lines = Header() + Line("A", "\"open");
  Rows rows = {"2:!"};
  for (int i = 0; many_lines.size() < internal::kMaxCsvRecord + 1000; ++i) {
    many_lines += "\n" + Line("R" + std::to_string(i));
    rows.push_back(std::to_string(i + 3) + ":R" + std::to_string(i) + ":Dupont");
  }
  EXPECT_EQ(Read(many_lines), rows);
}

// The limit is on the record, its line end not counted.
TEST(CsvReader, ARecordAtTheLimitIsWhole) {
  const size_t rest = Line("A", "").size();
  for (const std::string end : {"\n", "\r\n", ""}) {
    const auto file = [&](size_t size) {
      const std::string next = end.empty() ? "" : Line("B") + end;
      return Header() + Line("A", std::string(size - rest, 'x')) + end + next;
    };
    const auto outcome = [&](size_t size) { return Read(file(size)).front().substr(0, 4); };
    EXPECT_EQ(outcome(internal::kMaxCsvRecord - 1), "2:A:");
    EXPECT_EQ(outcome(internal::kMaxCsvRecord), "2:A:");
    EXPECT_EQ(outcome(internal::kMaxCsvRecord + 1), "2:!");
    EXPECT_EQ(outcome(internal::kMaxCsvRecord + 3), "2:!");
    EXPECT_EQ(Read(file(internal::kMaxCsvRecord + 1)).size(), end.empty() ? 1U : 2U);
  }
}

// However long: read in pieces, which may cut a no-break space.
TEST(CsvReader, ABlankLineOfAnyLengthIsSkippedAndCounted) {
  std::string blank;
  while (blank.size() < 3 * internal::kMaxCsvRecord) blank += blank.size() % 5 == 0 ? "\xC2\xA0" : " \t ";
  EXPECT_EQ(Read(Header() + blank + "\n" + Line("A") + "\n" + blank), (Rows{"3:A:Dupont"}));
  EXPECT_EQ(Read(blank + "\n" + Header() + Line("A")), (Rows{"3:A:Dupont"}));
  // What follows so much of it is a row that is too long, and costs its own line.
  EXPECT_EQ(Read(Header() + blank + Line("A") + "\n" + Line("B")), (Rows{"2:!", "3:B:Dupont"}));
  EXPECT_EQ(Read(Header() + blank + "\xC2"), (Rows{"2:!"}));
  EXPECT_NE(Refusal(blank + Header()).find("too long"), std::string::npos);
  const std::string latin(3 * internal::kMaxCsvRecord, '\xA0');
  EXPECT_EQ(Read(Header() + latin + "\n" + Line("A"), Encoding::kWindows1252), (Rows{"3:A:Dupont"}));
}

TEST(CsvReader, RecordsAcrossChunksAreWhole) {
  std::string file = Header();
  Rows rows;
  for (int i = 0; file.size() < 600000; ++i) {
    file += Line("R" + std::to_string(i),
                 "\"a;\"\"é\"\"" + std::string(static_cast<size_t>(i % 97), 'z') + "\"") +
            "\r\n";
    rows.push_back(std::to_string(i + 2) + ":R" + std::to_string(i) + ":a;\"é\"" +
                   std::string(static_cast<size_t>(i % 97), 'z'));
  }
  EXPECT_EQ(Read(file), rows);
}

TEST(CsvReader, DecodesWindows1252OnlyWhenTold) {
  const std::string file = Header() + Line("A", "Lef\xE8vre") + "\n" + Line("B", "\x81") + "\n\xA0\n";
  EXPECT_EQ(Read(file, Encoding::kWindows1252), (Rows{"2:A:Lefèvre", "3:B:\x81"}));
  std::istringstream input(file);
  auto reader = OpenFeed(FeedType::kEdf, input, Encoding::kUtf8);
  ASSERT_TRUE(reader.ok());
  RawRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(JudgeForm(FeedType::kEdf, row, {}).reason, Reason::kBadEncoding);
}

TEST(CsvReader, RefusesAFileWhoseHeaderIsWrong) {
  EXPECT_NE(Refusal("").find("empty"), std::string::npos);
  std::string lacking = Header();
  lacking.replace(lacking.find(";nom"), 4, "");
  EXPECT_EQ(Refusal(lacking), "the header lacks column nom");
  std::string repeated = Header();
  repeated.replace(repeated.find("prenoms"), 7, "nom");
  EXPECT_EQ(Refusal(repeated), "the header repeats column nom");
  std::string unlisted = Header();
  unlisted.insert(unlisted.size() - 1, ";telephone");
  EXPECT_EQ(Refusal(unlisted), "column 17 of the header is not one of this feed's columns");
  std::string in_capitals = Header();
  in_capitals.replace(in_capitals.find("nom"), 3, "NOM");
  EXPECT_EQ(Refusal(in_capitals), "column 8 of the header is not one of this feed's columns");
  EXPECT_NE(Refusal("\"" + Header()).find("broken"), std::string::npos);
  std::string with_commas = Header();
  std::replace(with_commas.begin(), with_commas.end(), ';', ',');
  EXPECT_EQ(Refusal(with_commas), "the header line is one column: columns are separated by ;");
}

TEST(CsvReader, ARefusalQuotesNothingOfTheFile) {
  EXPECT_EQ(Refusal(Line("A", "Dupont")), "column 1 of the header is not one of this feed's columns");
}

TEST(CsvReader, RefusesOtherEncodings) {
  EXPECT_NE(Refusal("\xFF\xFEr").find("UTF-16"), std::string::npos);
  EXPECT_NE(Refusal("\xFE\xFFr").find("UTF-16"), std::string::npos);
  EXPECT_NE(Refusal(std::string("r\0e\0", 4)).find("UTF-16"), std::string::npos);
  std::string latin = Header();
  latin.replace(latin.find("prenoms"), 7, "pr\xE9noms");
  EXPECT_EQ(Refusal(latin), "the header is not UTF-8");
  EXPECT_NE(Refusal("\xEF\xBB\xBF" + Header(), Encoding::kWindows1252).find("byte order mark"),
            std::string::npos);
}

TEST(CsvReader, AStreamThatFailsIsNoEndOfFile) {
  std::istringstream input(Header());
  input.setstate(std::ios::badbit);
  EXPECT_EQ(OpenFeed(FeedType::kEdf, input, Encoding::kUtf8).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace relais::feeds
