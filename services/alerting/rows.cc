#include "services/alerting/rows.h"

#include <utility>

#include "common/rpc/call.h"

namespace relais::alerting {

absl::Status CheckRows(const google::protobuf::RepeatedPtrField<v1::FeedRow>& rows) {
  for (int i = 0; i < rows.size(); ++i) {
    if (rows[i].row_case() == v1::FeedRow::ROW_NOT_SET) {
      return rpc::InvalidField("rows[" + std::to_string(i) + "].row", "is required");
    }
  }
  return absl::OkStatus();
}

std::vector<v1::FeedRow> TakeRows(google::protobuf::RepeatedPtrField<v1::FeedRow>* rows) {
  std::vector<v1::FeedRow> out;
  out.reserve(rows->size());
  for (v1::FeedRow& row : *rows) {
    out.push_back(std::move(row));
  }
  return out;
}

feeds::FeedType TypeOf(v1::FeedType type) {
  return type == v1::FEED_TYPE_BSPP ? feeds::FeedType::kBspp : feeds::FeedType::kEdf;
}

feeds::RawRow RawOf(v1::FeedType type, v1::FeedRow row) {
  feeds::RawRow raw;
  raw.line = row.line();
  if (type == v1::FEED_TYPE_BSPP) {
    raw.malformed = !row.has_json();
    raw.json = std::move(*row.mutable_json());
    return raw;
  }
  raw.malformed = row.cells().cells_size() != static_cast<int>(feeds::kEdfColumns.size());
  if (!raw.malformed) {
    raw.fields.assign(row.cells().cells().begin(), row.cells().cells().end());
  }
  return raw;
}

common::v1::Date ToDate(absl::CivilDay day) {
  common::v1::Date date;
  date.set_year(static_cast<int32_t>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

absl::CivilDay FromDate(const common::v1::Date& date) {
  return absl::CivilDay(date.year(), date.month(), date.day());
}

v1::DossierState ToState(const feeds::Dossier& dossier) {
  v1::DossierState out;
  out.set_fluid(std::string(feeds::CodeOf(dossier.fluide)));
  *out.mutable_period_start() = ToDate(dossier.periode.first);
  *out.mutable_period_end() = ToDate(dossier.periode.last);
  *out.mutable_earliest_event() = ToDate(dossier.earliest_event);
  out.set_open(dossier.open);
  return out;
}

feeds::Dossier FromState(const v1::DossierState& state) {
  feeds::Dossier out;
  out.fluide = feeds::ParseCode<feeds::Fluide>(state.fluid()).value_or(feeds::Fluide::kElectricite);
  out.periode = {FromDate(state.period_start()), FromDate(state.period_end())};
  out.earliest_event = FromDate(state.earliest_event());
  out.open = state.open();
  return out;
}

std::vector<feeds::Dossier> DossiersOf(const v1::RecordState& record) {
  std::vector<feeds::Dossier> out;
  out.reserve(record.dossiers_size());
  for (const v1::DossierState& dossier : record.dossiers()) {
    out.push_back(FromState(dossier));
  }
  return out;
}

v1::RowResult ResultOf(uint64_t line, const feeds::Outcome& outcome) {
  v1::RowResult result;
  result.set_line(line);
  switch (outcome.kind) {
    case feeds::OutcomeKind::kAccepted:
      result.set_outcome(v1::OUTCOME_ACCEPTED);
      break;
    case feeds::OutcomeKind::kDuplicate:
      result.set_outcome(v1::OUTCOME_DUPLICATE);
      break;
    case feeds::OutcomeKind::kRefused:
      result.set_outcome(v1::OUTCOME_REFUSED);
      break;
  }
  result.set_reason(std::string(feeds::ReasonName(outcome.reason)));
  result.set_field(std::string(outcome.field));
  if (outcome.retry_after.has_value()) {
    *result.mutable_retry_after() = ToDate(*outcome.retry_after);
  }
  for (const feeds::Mark mark : outcome.marks) {
    result.add_marks(std::string(feeds::MarkName(mark)));
  }
  return result;
}

v1::RowResult RefusedForForm(uint64_t line, const feeds::FormResult& form) {
  v1::RowResult result;
  result.set_line(line);
  result.set_outcome(v1::OUTCOME_REFUSED);
  result.set_reason(std::string(feeds::ReasonName(form.reason)));
  result.set_field(std::string(form.field));
  return result;
}

std::string EventOf(const feeds::Row& row) {
  if (const auto* bill = std::get_if<feeds::EdfRow>(&row)) {
    return std::string(feeds::CodeOf(bill->evenement));
  }
  return "DISTRESS_REPORT";
}

const std::string& ReferenceOf(const feeds::Row& row) {
  return std::visit([](const auto& r) -> const std::string& { return r.reference; }, row);
}

}  // namespace relais::alerting
