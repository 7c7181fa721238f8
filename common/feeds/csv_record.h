// Splits one CSV record (`;`, RFC 4180 quoting) without copying. Pure. Not for users of the library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/feeds/row.h"

namespace relais::feeds::internal {

struct CsvField {
  std::string_view content;  ///< without the enclosing quotes
  bool has_escapes = false;  ///< holds `""`, each of which stands for one quote
};

struct CsvRecord {
  enum class State : uint8_t {
    kWhole,
    kNeedsMore,  ///< ends beyond `data`
    kBroken      ///< no record by RFC 4180
  };
  State state = State::kNeedsMore;
  size_t size = 0;   ///< bytes, line end included
  size_t lines = 0;  ///< physical lines it takes
  size_t columns = 0;
  /// The first columns; more are counted, not kept.
  std::array<CsvField, kEdfColumns.size()> fields;
};

/// Reads the record at the start of `data`. `at_end`: nothing follows `data`, so its end ends the record.
void ScanCsvRecord(std::string_view data, bool at_end, CsvRecord& record);

/// The field's bytes, `""` undone, into `out`.
void UnquoteInto(const CsvField& field, std::string& out);

}  // namespace relais::feeds::internal
