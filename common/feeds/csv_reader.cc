#include "common/feeds/csv_reader.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/feeds/csv_record.h"
#include "common/text/utf8.h"

namespace relais::feeds::internal {
namespace {

constexpr size_t kColumns = kEdfColumns.size();

class CsvReader final : public RowReader {
 public:
  CsvReader(std::istream& input, Encoding encoding) : window_(input), encoding_(encoding) {}

  absl::Status ReadHeader() {
    RETURN_IF_ERROR(SkipByteOrderMark(window_, encoding_ == Encoding::kUtf8));
    ASSIGN_OR_RETURN(const bool too_long,
                     SkipBlankLines(window_, NoBreakSpace(encoding_), kMaxCsvRecord, line_));
    if (too_long) return absl::InvalidArgumentError("the header line is too long");
    if (window_.view().empty()) return absl::InvalidArgumentError("the file is empty: it has no header line");
    RETURN_IF_ERROR(Scan());
    if (record_.state != CsvRecord::State::kWhole) {
      return absl::InvalidArgumentError("the header line is broken: check its quotes");
    }
    const std::string_view header = window_.view().substr(0, record_.size);
    if (header.find('\0') != std::string_view::npos) {
      return absl::InvalidArgumentError("the header holds NUL: the file is no UTF-8 text");
    }
    if (encoding_ == Encoding::kUtf8 && !text::IsUtf8(header)) {
      return absl::InvalidArgumentError("the header is not UTF-8");
    }
    RETURN_IF_ERROR(MapColumns());
    ConsumeRecord();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(RawRow& row) override {
    ASSIGN_OR_RETURN(const bool too_long,
                     SkipBlankLines(window_, NoBreakSpace(encoding_), kMaxCsvRecord, line_));
    row.json.clear();
    row.line = line_;
    if (too_long) {
      SetMalformed(row);
      ++line_;
      return true;
    }
    if (window_.view().empty()) return false;
    RETURN_IF_ERROR(Scan());
    if (record_.state != CsvRecord::State::kWhole || WasJoinedByStrayQuote()) {
      SetMalformed(row);
      RETURN_IF_ERROR(window_.ConsumeLine());
      ++line_;
      return true;
    }
    if (record_.columns == kColumns) {
      Fill(row);
    } else {
      SetMalformed(row);
    }
    ConsumeRecord();
    return true;
  }

  [[nodiscard]] uint64_t bytes_consumed() const override { return window_.consumed(); }

 private:
  /// Scans the record at the start of the window; one longer than the limit is broken.
  absl::Status Scan() {
    constexpr size_t kMost = kMaxCsvRecord + 2;  // with its line end
    for (;;) {
      const std::string_view view = window_.view();
      const bool too_long = view.size() > kMost;
      ScanCsvRecord(view.substr(0, kMost), window_.at_end() && !too_long, record_);
      if (record_.state == CsvRecord::State::kWhole &&
          WithoutLineEnd(view.substr(0, record_.size)).size() > kMaxCsvRecord) {
        record_.state = CsvRecord::State::kBroken;
      }
      if (record_.state != CsvRecord::State::kNeedsMore) return absl::OkStatus();
      if (too_long) {
        record_.state = CsvRecord::State::kBroken;
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(window_.Grow());
    }
  }

  static std::string_view WithoutLineEnd(std::string_view record) {
    if (record.ends_with('\n')) record.remove_suffix(1);
    if (record.ends_with('\r')) record.remove_suffix(1);
    return record;
  }

  void ConsumeRecord() {
    window_.Consume(record_.size);
    line_ += record_.lines;
  }

  static void SetMalformed(RawRow& row) {
    row.malformed = true;
    row.fields.clear();
  }

  /// The record takes several lines and the second is a whole row by itself: a stray quote joined them. No
  /// text a sender means to write looks like a row.
  bool WasJoinedByStrayQuote() {
    if (record_.lines < 2) return false;
    const std::string_view joined = window_.view().substr(0, record_.size);
    const std::string_view second = joined.substr(joined.find('\n') + 1);
    CsvRecord alone;
    ScanCsvRecord(second, true, alone);
    return alone.state == CsvRecord::State::kWhole && alone.lines == 1 && alone.columns == kColumns;
  }

  void Fill(RawRow& row) {
    row.malformed = false;
    row.fields.resize(kColumns);
    for (size_t i = 0; i < kColumns; ++i) {
      std::string& field = row.fields[canonical_[i]];
      UnquoteInto(record_.fields[i], field);
      if (encoding_ == Encoding::kWindows1252 && !text::IsAscii(field))
        field = text::DecodeWindows1252(field);
    }
  }

  /// Column names that are not listed are never quoted: a file without a header line would show its first
  /// row.
  absl::Status MapColumns() {
    if (record_.columns == 1) {
      return absl::InvalidArgumentError("the header line is one column: columns are separated by ;");
    }
    std::bitset<kColumns> seen;
    for (size_t i = 0; i < std::min(record_.columns, kColumns); ++i) {
      std::string name;
      UnquoteInto(record_.fields[i], name);
      const auto* found = std::find(kEdfColumns.begin(), kEdfColumns.end(), text::Trim(name));
      if (found == kEdfColumns.end()) return Unlisted(i);
      const auto column = static_cast<size_t>(found - kEdfColumns.begin());
      if (seen[column]) {
        return absl::InvalidArgumentError(absl::StrCat("the header repeats column ", std::string(*found)));
      }
      seen[column] = true;
      canonical_[i] = column;
    }
    if (record_.columns > kColumns) return Unlisted(kColumns);
    for (size_t column = 0; column < kColumns; ++column) {
      if (!seen[column]) {
        return absl::InvalidArgumentError(
            absl::StrCat("the header lacks column ", std::string(kEdfColumns[column])));
      }
    }
    return absl::OkStatus();
  }

  static absl::Status Unlisted(size_t index) {
    return absl::InvalidArgumentError(
        absl::StrCat("column ", index + 1, " of the header is not one of this feed's columns"));
  }

  ByteWindow window_;
  Encoding encoding_;
  uint64_t line_ = 1;  // of the first byte of the window
  std::array<size_t, kColumns> canonical_{};
  CsvRecord record_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenCsv(std::istream& input, Encoding encoding) {
  auto reader = std::make_unique<CsvReader>(input, encoding);
  RETURN_IF_ERROR(reader->ReadHeader());
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace relais::feeds::internal
