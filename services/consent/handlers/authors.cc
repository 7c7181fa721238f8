#include "services/consent/handlers/authors.h"

#include <optional>
#include <utility>

#include "common/base/status.h"

namespace relais::consent {

audit::Event OwnEvent(const rpc::ServiceContext& context, audit::v1::EventClass event_class,
                      const Id128& event_id) {
  audit::Event event;
  event.event_class = event_class;
  event.institution = kRegistry;
  event.directory_version = context.directory()->version();
  event.event_id = event_id;
  return event;
}

audit::Event AsRegistrys(audit::Event event) {
  event.institution = kRegistry;
  event.details.clear_recipient();
  return event;
}

absl::StatusOr<bool> HasRecord(const Files& files, const Id128& person, const std::string& institution) {
  const absl::StatusOr<std::optional<v1::StoredRecord>> record = files.store.ReadRecord(person, institution);
  if (absl::IsNotFound(record.status())) {
    return false;
  }
  RETURN_IF_ERROR(record.status());
  return record->has_value();
}

absl::StatusOr<std::vector<audit::Event>> AboutEach(const Files& files, const audit::Event& event,
                                                    const std::vector<Id128>& persons) {
  std::vector<audit::Event> events;
  bool known = false;
  for (const Id128& person : persons) {
    ASSIGN_OR_RETURN(const bool has, HasRecord(files, person, event.institution));
    known = known || has;
    audit::Event about = has ? event : AsRegistrys(event);
    about.subject = PersonSubject(person);
    events.push_back(std::move(about));
  }
  if (!known && event.institution != kRegistry) {
    events.push_back(event);
    events.back().subject.reset();
  }
  return events;
}

}  // namespace relais::consent
