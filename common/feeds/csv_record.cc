#include "common/feeds/csv_record.h"

#include <algorithm>
#include <cstring>

namespace relais::feeds::internal {
namespace {

class Scanner {
 public:
  Scanner(std::string_view data, bool at_end, CsvRecord& record)
      : data_(data), at_end_(at_end), record_(record) {}

  void Scan() {
    record_.state = CsvRecord::State::kWhole;
    record_.lines = 1;
    record_.columns = 0;
    while (ScanField()) {
    }
    record_.size = position_;
  }

 private:
  /// Returns true when another field follows.
  bool ScanField() { return position_ < data_.size() && data_[position_] == '"' ? Quoted() : Unquoted(); }

  bool Stop(CsvRecord::State state) {
    record_.state = state;
    return false;
  }

  void Keep(size_t begin, size_t end, bool has_escapes) {
    if (record_.columns < record_.fields.size()) {
      record_.fields[record_.columns] = {data_.substr(begin, end - begin), has_escapes};
    }
    ++record_.columns;
  }

  bool Unquoted() {
    const size_t begin = position_;
    while (position_ < data_.size()) {
      const char c = data_[position_];
      if (c == '"') return Stop(CsvRecord::State::kBroken);
      if (c == ';') {
        Keep(begin, position_, false);
        ++position_;
        return true;
      }
      if (c == '\n') {
        const bool crlf = position_ > begin && data_[position_ - 1] == '\r';
        Keep(begin, crlf ? position_ - 1 : position_, false);
        ++position_;
        return false;
      }
      ++position_;
    }
    if (!at_end_) return Stop(CsvRecord::State::kNeedsMore);
    const bool ends_with_cr = position_ > begin && data_[position_ - 1] == '\r';
    Keep(begin, ends_with_cr ? position_ - 1 : position_, false);
    return false;
  }

  bool Quoted() {
    const size_t begin = position_ + 1;
    bool has_escapes = false;
    size_t quote = begin;
    for (;;) {
      quote = data_.find('"', quote);
      if (quote == std::string_view::npos) return OpenOrMore();
      if (quote + 1 == data_.size() && !at_end_) return Stop(CsvRecord::State::kNeedsMore);
      if (quote + 1 == data_.size() || data_[quote + 1] != '"') break;
      has_escapes = true;
      quote += 2;
    }
    const std::string_view content = data_.substr(begin, quote - begin);
    record_.lines += static_cast<size_t>(std::count(content.begin(), content.end(), '\n'));
    Keep(begin, quote, has_escapes);
    position_ = quote + 1;
    return AfterClosingQuote();
  }

  bool OpenOrMore() { return Stop(at_end_ ? CsvRecord::State::kBroken : CsvRecord::State::kNeedsMore); }

  bool AfterClosingQuote() {
    const std::string_view rest = data_.substr(position_);
    if (rest.starts_with(';')) {
      ++position_;
      return true;
    }
    if (rest.starts_with('\n') || rest.starts_with("\r\n")) {
      position_ += rest[0] == '\n' ? 1 : 2;
      return false;
    }
    const bool may_be_line_end = rest.empty() || rest == "\r";
    if (!may_be_line_end) return Stop(CsvRecord::State::kBroken);
    if (!at_end_) return Stop(CsvRecord::State::kNeedsMore);
    position_ = data_.size();
    return false;
  }

  std::string_view data_;
  bool at_end_;
  CsvRecord& record_;
  size_t position_ = 0;
};

}  // namespace

void ScanCsvRecord(std::string_view data, bool at_end, CsvRecord& record) {
  Scanner(data, at_end, record).Scan();
}

void UnquoteInto(const CsvField& field, std::string& out) {
  if (!field.has_escapes) {
    out.assign(field.content);
    return;
  }
  out.clear();
  for (size_t i = 0; i < field.content.size(); ++i) {
    out.push_back(field.content[i]);
    if (field.content[i] == '"') ++i;  // the second of the pair
  }
}

}  // namespace relais::feeds::internal
