// Judges the form of a row: reasons 1 to 11, in the order of the rule table over the whole row (a missing
// field in the last column wins over a long one in the first). Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "common/feeds/reason.h"
#include "common/feeds/row.h"

namespace relais::feeds {

/// Codes of the directory's list of signs.
using SignCodes = absl::flat_hash_set<std::string>;

struct FormContext {
  /// Not owned. nullptr where no directory is at hand (a check offline): signs are then not judged.
  const SignCodes* signs = nullptr;
};

struct FormResult {
  Reason reason = Reason::kNone;
  /// Column, or path of the member ("place.adresse"), that `reason` is about; "" when it is about the whole
  /// row or when naming it could show what a sender wrote. Never personal data. Static storage.
  std::string_view field;
  /// The reference, where it may be shown: it matches its pattern and holds no NIR. Else "".
  std::string reference;
  /// Set exactly when `reason` is kNone.
  std::optional<Row> row;
  /// Whatever the outcome, set as soon as the four parts can be read and decode. For `bspp`, parts may be
  /// empty.
  std::optional<RecordKeyParts> record;
  /// `edf`: the row carries the person's own objection, to be recorded under `record` whatever the outcome
  /// (D-1.6): opposition = OUI and the four parts decode and are not blank. Never with wrong columns or
  /// quoting.
  bool carries_objection = false;
};

[[nodiscard]] FormResult JudgeForm(FeedType type, const RawRow& raw, const FormContext& context);

/// Brings the cells of a row of `edf` to what their form is judged on: without the spaces and no-break spaces
/// around them, in NFC. The judgement stays the same; what a well-formed row then has is bounded, whatever
/// the padding it came with. Cells that are not UTF-8, and a `bspp` line, stay as they are.
void Normalise(RawRow& raw);

/// `text` if it is a reference that may be shown (1–64 of A–Z a–z 0–9 _ -, no NIR), else "".
[[nodiscard]] std::string_view ShowableReference(std::string_view text);

}  // namespace relais::feeds
