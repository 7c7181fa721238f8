// Reads a feed as a stream of rows, with bounded memory whatever the file holds.
//
// The file itself may be refused, before any row; a bad row never stops the others.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/feeds/reason.h"
#include "common/feeds/row.h"

namespace relais::feeds {

/// Stated by the caller, never guessed.
enum class Encoding : uint8_t { kUtf8, kWindows1252 };

/// One pass over one file. Not thread-safe.
class RowReader {
 public:
  virtual ~RowReader() = default;

  /// Fills `row` and returns true; false after the last row. UNAVAILABLE when the stream cannot be read (the
  /// row is then undefined). Reusing the same `row` saves allocations. Bytes that windows-1252 does not
  /// define stay ill-formed, so that the row is judged BAD_ENCODING.
  [[nodiscard]] virtual absl::StatusOr<bool> Next(RawRow& row) = 0;

  /// Bytes of the file consumed so far: progress.
  [[nodiscard]] virtual uint64_t bytes_consumed() const = 0;
};

/// Opens a feed: `edf` is CSV, `bspp` NDJSON. `input` must outlive the reader. INVALID_ARGUMENT refuses the
/// whole file, in words that quote nothing of it but listed column names: a header that lacks, repeats or
/// adds a column, is not UTF-8 or is broken; UTF-16; a UTF-8 byte order mark where windows-1252 was stated.
/// UNAVAILABLE: not readable.
///
/// `line` of a row is the physical line (ended by LF or CRLF) on which it starts, from 1. Lines with nothing
/// but spaces, no-break spaces or tabs are skipped but counted; a UTF-8 byte order mark is skipped.
///
/// CSV: `;`, RFC 4180 quoting, newlines allowed in quotes. A row is MALFORMED when
///  - it has not as many columns as the header;
///  - its quoting is broken: a quote within an unquoted field, text after a closing quote, a quote still open
///  at the
///    end of the file;
///  - it is longer than 1 MiB.
/// After broken quoting reading goes on at the physical line after the one on which the row started: a quote
/// that was never closed costs its own line and no other. The same when a row takes several lines and the
/// second of them, taken alone, is a whole row: a later quote happened to close the stray one.
///
/// NDJSON: a line longer than kMaxNdjsonLine is MALFORMED.
[[nodiscard]] absl::StatusOr<std::unique_ptr<RowReader>> OpenFeed(FeedType type, std::istream& input,
                                                                  Encoding encoding);

}  // namespace relais::feeds
