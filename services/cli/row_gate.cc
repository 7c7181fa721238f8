#include "services/cli/row_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/feeds/canonical.h"
#include "common/identity/request_key.h"

namespace relais::cli {
namespace {

// As alerting digests rows (formats, "Keyed digests of feeds").
constexpr std::string_view kContentKind = "row";

feeds::Outcome RefusedForForm(const feeds::FormResult& form) {
  feeds::Outcome outcome;
  outcome.kind = feeds::OutcomeKind::kRefused;
  outcome.reason = form.reason;
  outcome.field = form.field;
  return outcome;
}

// What was judged, not the padding it came with: a row that passed is short, whatever the file held.
alerting::v1::FeedRow OnTheWire(feeds::RawRow& raw) {
  feeds::Normalise(raw);
  alerting::v1::FeedRow row;
  row.set_line(raw.line);
  if (!raw.json.empty()) {
    row.set_json(std::move(raw.json));
    raw.json.clear();
    return row;
  }
  for (std::string& field : raw.fields) {
    row.mutable_cells()->add_cells(std::move(field));
    field.clear();
  }
  return row;
}

}  // namespace

absl::StatusOr<GateTerms> MakeGateTerms(feeds::FeedType type, const std::string& institution,
                                        const alerting::v1::StreamOpened& opened, const SuppressionFile& keys,
                                        const calendar::Paris& paris) {
  if (keys.institution != institution) {
    return absl::FailedPreconditionError("the suppression key file is another institution's");
  }
  const auto key = keys.keys.find(opened.suppression_key_version());
  if (key == keys.keys.end()) {
    return absl::FailedPreconditionError(absl::StrCat("the suppression key file lacks version ",
                                                      opened.suppression_key_version(),
                                                      ", which is in force: ask the operator for it"));
  }
  GateTerms terms{.type = type,
                  .institution = institution,
                  .judge = {.paris = paris, .today = {}, .now = {}, .has_convention = std::nullopt},
                  .signs = {},
                  .key = {key->first, key->second}};
  const common::v1::Date& today = opened.today();
  terms.judge.today = absl::CivilDay(today.year(), today.month(), today.day());
  terms.judge.now = FromProto(opened.now());
  terms.judge.has_convention = opened.has_convention();
  terms.signs.insert(opened.signs().begin(), opened.signs().end());
  return terms;
}

std::string RowGate::DigestOf(const feeds::RecordKeyParts& parts) const {
  return identity::RecordDigest(terms_.key.key, terms_.institution,
                                {parts.nom, parts.prenoms, parts.adresse, parts.code_postal});
}

void RowGate::Gate(const feeds::FormResult& form, const feeds::Outcome& alone, PlannedRow& planned) const {
  alerting::v1::FeedRow& row = planned.wire.emplace();
  row.set_line(planned.line);
  alerting::v1::GatedNotice& notice = *row.mutable_gated();
  notice.set_reference(form.reference);
  notice.set_reason(std::string(feeds::ReasonName(alone.reason)));
  notice.set_content_digest(
      identity::ContentDigest(terms_.key.key, kContentKind, feeds::CanonicalContent(*form.row)));
  if (form.record.has_value() && feeds::SharesRecord(terms_.type, *form.record)) {
    notice.set_record_digest(DigestOf(*form.record));
  }
  notice.set_key_version(terms_.key.version);
  notice.set_objection(form.carries_objection);
}

PlannedRow RowGate::Plan(feeds::RawRow& raw) const {
  PlannedRow planned;
  planned.line = raw.line;
  const feeds::FormResult form = feeds::JudgeForm(terms_.type, raw, {.signs = &terms_.signs});
  planned.reference = form.reference;
  if (!form.row.has_value()) {
    planned.local = RefusedForForm(form);
    if (form.carries_objection && form.record.has_value()) {
      alerting::v1::FeedRow& row = planned.wire.emplace();
      row.set_line(planned.line);
      row.mutable_objection()->set_record_digest(DigestOf(*form.record));
      row.mutable_objection()->set_key_version(terms_.key.version);
      row.mutable_objection()->set_reason(std::string(feeds::ReasonName(form.reason)));
    }
    return planned;
  }
  feeds::Outcome alone = feeds::JudgeRowAlone(*form.row, terms_.judge);
  if (alone.kind == feeds::OutcomeKind::kRefused) {
    Gate(form, alone, planned);
    planned.local = std::move(alone);
    return planned;
  }
  planned.wire = OnTheWire(raw);
  return planned;
}

feeds::Outcome JudgeOffline(const feeds::FormResult& form, const feeds::JudgeContext& context) {
  return form.row.has_value() ? feeds::JudgeRowAlone(*form.row, context) : RefusedForForm(form);
}

}  // namespace relais::cli
