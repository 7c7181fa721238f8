// Shared by the two form judges; not for users of the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/feeds/form.h"
#include "common/feeds/reason.h"
#include "common/feeds/row.h"

namespace relais::feeds::internal {

[[nodiscard]] bool IsReference(std::string_view text);

/// A sender's text: checked as UTF-8, trimmed, in NFC. Copies only what NFC changes: the bytes it was made
/// from must outlive it.
class Cell {
 public:
  Cell() = default;
  explicit Cell(std::string_view raw);
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  Cell(Cell&&) = delete;
  Cell& operator=(Cell&&) = delete;
  ~Cell() = default;

  void Set(std::string_view raw);
  /// "" when the bytes are not UTF-8.
  [[nodiscard]] std::string_view text() const { return owns_ ? std::string_view(owned_) : view_; }
  [[nodiscard]] bool decodes() const { return decodes_; }
  [[nodiscard]] bool blank() const { return text().empty(); }

 private:
  std::string_view view_;
  std::string owned_;
  bool owns_ = false;
  bool decodes_ = true;
};

/// Cents of `^\d{1,7}([.,]\d{1,2})?$`; nothing for another form or for zero.
[[nodiscard]] std::optional<int64_t> ParseCents(std::string_view text);

[[nodiscard]] RecordKeyParts MakeRecordKey(std::string_view nom, std::string_view prenoms,
                                           std::string_view adresse, std::string_view code_postal);

FormResult JudgeEdfForm(const RawRow& raw);
FormResult JudgeBsppForm(const RawRow& raw, const FormContext& context);

}  // namespace relais::feeds::internal
