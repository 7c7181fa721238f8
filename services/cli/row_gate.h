// The local gate: of each row of a feed, what may leave the sender's machine. Pure.
//
// A row that fails in form is not sent, but for the digest of a readable objection; a row that it condemns by
// itself goes as a gated notice without a personal field; the rest goes as it was judged (cells trimmed and
// in NFC, a report as it stands), for the service to judge.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/feeds/form.h"
#include "common/feeds/judge.h"
#include "common/feeds/row.h"
#include "common/identity/record_key.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "services/cli/suppression_file.h"

namespace relais::cli {

/// What the service fixed when the stream opened.
struct GateTerms {
  feeds::FeedType type = feeds::FeedType::kEdf;
  std::string institution;
  feeds::JudgeContext judge;
  feeds::SignCodes signs;
  identity::SuppressionKey key;  // the version the service named
};

/// FAILED_PRECONDITION when `keys` lacks the version the service wants, or is another institution's.
[[nodiscard]] absl::StatusOr<GateTerms> MakeGateTerms(feeds::FeedType type, const std::string& institution,
                                                      const alerting::v1::StreamOpened& opened,
                                                      const SuppressionFile& keys,
                                                      const calendar::Paris& paris);

struct PlannedRow {
  uint64_t line = 0;
  std::string reference;  // where it may be shown, else ""
  /// What the row alone says; the final word of a row that is not sent. Without it the service decides.
  std::optional<feeds::Outcome> local;
  /// What goes on the wire; none: the row is not sent at all.
  std::optional<alerting::v1::FeedRow> wire;
};

class RowGate {
 public:
  explicit RowGate(GateTerms terms) : terms_(std::move(terms)) {}

  /// Takes the bytes of `raw`, which the caller may reuse.
  [[nodiscard]] PlannedRow Plan(feeds::RawRow& raw) const;
  [[nodiscard]] const GateTerms& terms() const { return terms_; }

 private:
  [[nodiscard]] std::string DigestOf(const feeds::RecordKeyParts& parts) const;
  void Gate(const feeds::FormResult& form, const feeds::Outcome& alone, PlannedRow& planned) const;

  GateTerms terms_;
};

/// What a file says by itself, without any server: form, then the row alone. ACCEPTED means "not condemned
/// here".
[[nodiscard]] feeds::Outcome JudgeOffline(const feeds::FormResult& form, const feeds::JudgeContext& context);

}  // namespace relais::cli
