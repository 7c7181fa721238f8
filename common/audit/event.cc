#include "common/audit/event.h"

#include "common/base/status.h"

namespace relais::audit {

absl::StatusOr<Subject> Subject::Decode(std::string_view bytes) {
  if (bytes.size() != 1 + Id128::kSize) {
    return absl::InvalidArgumentError("a subject is 17 bytes");
  }
  if (bytes[0] != static_cast<char>(Kind::kPerson) && bytes[0] != static_cast<char>(Kind::kSenderRecord)) {
    return absl::InvalidArgumentError("a subject is a person or a sender record");
  }
  ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(bytes.substr(1)));
  return Subject{static_cast<Kind>(bytes[0]), id};
}

}  // namespace relais::audit
