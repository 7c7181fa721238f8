#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/query_handlers.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

using audit::v1::QueryFilters;
using audit::v1::QuerySubject;

absl::StatusOr<audit::Subject> RawSubject(const AuditView& view, audit::Subject::Kind kind,
                                          const std::string& bytes, std::string_view field) {
  if (view.kind != AuditView::Kind::kAll) {
    return InvalidField(field, "is only for a scope over the whole log");
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(bytes);
  if (!id.ok() || id->IsZero()) {
    return InvalidField(field, "must have 16 bytes, not all zero");
  }
  return audit::Subject{kind, *id};
}

absl::StatusOr<audit::Subject> SubjectOf(const ServiceContext& context, const Call& call,
                                         const AuditView& view, const QuerySubject& subject) {
  if (!subject.handle_of().empty() && view.kind != AuditView::Kind::kAll) {
    return InvalidField("filters.subject.handle_of", "is only for a scope over the whole log");
  }
  switch (subject.name_case()) {
    case QuerySubject::kHandle: {
      const std::string& owner = subject.handle_of().empty() ? call.caller.institution : subject.handle_of();
      const absl::StatusOr<Id128> person = context.handles.FromHandle(subject.handle(), owner);
      if (!person.ok()) {
        return InvalidFieldFor(common::v1::ERROR_REASON_NOT_YOUR_HANDLE, "filters.subject.handle",
                               "not a name that this institution has for a person");
      }
      return audit::Subject{audit::Subject::Kind::kPerson, *person};
    }
    case QuerySubject::kPersonId:
      return RawSubject(view, audit::Subject::Kind::kPerson, subject.person_id(),
                        "filters.subject.person_id");
    case QuerySubject::kSenderRecord:
      return RawSubject(view, audit::Subject::Kind::kSenderRecord, subject.sender_record(),
                        "filters.subject.sender_record");
    case QuerySubject::NAME_NOT_SET:
      break;
  }
  return InvalidField("filters.subject", "names nobody");
}

absl::Status CheckAgent(const AuditView& view, const QueryFilters& filters) {
  if (filters.agent().empty()) {
    return absl::OkStatus();
  }
  if (filters.institution().empty()) {
    return InvalidField("filters.institution", "is required with agent: its ids are its own");
  }
  if (view.kind == AuditView::Kind::kOwn && filters.institution() != view.institution) {
    return InvalidField("filters.agent", "is only for agents of your own institution");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<audit::LeafQuery> ToLeafQuery(const ServiceContext& context, const Call& call,
                                             const AuditView& view, const QueryFilters& filters) {
  RETURN_IF_ERROR(CheckAgent(view, filters));
  audit::LeafQuery query;
  if (filters.has_subject()) {
    if (filters.case_number().empty()) {
      return InvalidField("filters.case_number", "is required with subject");
    }
    ASSIGN_OR_RETURN(query.subject, SubjectOf(context, call, view, filters.subject()));
  }
  query.institution = filters.institution();
  query.recipient = filters.recipient();
  query.purpose = filters.purpose();
  query.category = filters.category();
  query.ground = filters.ground();
  query.decision = filters.decision();
  query.denial_reason = filters.denial_reason();
  for (const int event_class : filters.event_classes()) {
    query.event_classes.insert(static_cast<audit::v1::EventClass>(event_class));
  }
  query.relation = filters.relation();
  query.agent = filters.agent();
  query.certificate = filters.certificate();
  query.directory_version = filters.directory_version();
  if (filters.has_from()) {
    query.from = FromProto(filters.from());
  }
  if (filters.has_to()) {
    query.to = FromProto(filters.to());
  }
  if (view.kind == AuditView::Kind::kOwn) {
    query.own = view.institution;
  }
  return query;
}

}  // namespace relais::rpc
