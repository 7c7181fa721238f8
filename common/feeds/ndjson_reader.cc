#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/feeds/csv_reader.h"
#include "common/text/utf8.h"

namespace relais::feeds {
namespace internal {
namespace {

class NdjsonReader final : public RowReader {
 public:
  NdjsonReader(std::istream& input, Encoding encoding) : window_(input), encoding_(encoding) {}

  absl::Status Open() { return SkipByteOrderMark(window_, encoding_ == Encoding::kUtf8); }

  absl::StatusOr<bool> Next(RawRow& row) override {
    ASSIGN_OR_RETURN(row.malformed, SkipBlankLines(window_, NoBreakSpace(encoding_), kMaxNdjsonLine, line_));
    if (!row.malformed && window_.view().empty()) return false;
    row.line = line_++;
    row.fields.clear();
    row.json.clear();
    if (!row.malformed) RETURN_IF_ERROR(ReadLine(row));
    return true;
  }

  [[nodiscard]] uint64_t bytes_consumed() const override { return window_.consumed(); }

 private:
  absl::Status ReadLine(RawRow& row) {
    constexpr size_t kLongestLineEnd = 2;
    size_t newline = std::string_view::npos;
    while ((newline = window_.view().find('\n')) == std::string_view::npos && !window_.at_end() &&
           window_.view().size() <= kMaxNdjsonLine + kLongestLineEnd) {
      RETURN_IF_ERROR(window_.Grow());
    }
    std::string_view line = window_.view().substr(0, newline);
    if (line.ends_with('\r')) line.remove_suffix(1);
    row.malformed = line.size() > kMaxNdjsonLine;
    if (!row.malformed && encoding_ == Encoding::kUtf8) row.json = line;
    if (!row.malformed && encoding_ == Encoding::kWindows1252) row.json = text::DecodeWindows1252(line);
    return window_.ConsumeLine();
  }

  ByteWindow window_;
  Encoding encoding_;
  uint64_t line_ = 1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenNdjson(std::istream& input, Encoding encoding) {
  auto reader = std::make_unique<NdjsonReader>(input, encoding);
  RETURN_IF_ERROR(reader->Open());
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace internal

absl::StatusOr<std::unique_ptr<RowReader>> OpenFeed(FeedType type, std::istream& input, Encoding encoding) {
  return type == FeedType::kEdf ? internal::OpenCsv(input, encoding) : internal::OpenNdjson(input, encoding);
}

}  // namespace relais::feeds
