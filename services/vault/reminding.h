// Papers that expire (D-3.7): she is reminded 60 and 15 days before their last day. The reminder is a leaf,
// DOCUMENT_EXPIRING, which alerting follows; it is sent once, because the record that it was and the leaf are
// one commit.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. Looks every `settings.reminder_scan` at the papers whose last day is within 60 days from
/// today (Paris), so that days on which the service did not run are caught up. Needs no peer. It reminds for
/// hosts that read; what does not read keeps nobody else's reminder, and is said in the operators' log, as
/// one number a look.
class Reminding {
 public:
  explicit Reminding(const Vault& vault);

  void Start() { background_.Start(); }
  Task<bool> Stop();

  /// One look. How many reminders were sent. One at a time.
  Task<absl::StatusOr<size_t>> LookOnce();

 private:
  Task<absl::Duration> Turn();
  struct Looked {
    size_t sent = 0;
    size_t passed_over =
        0;  // papers whose reminder could not be sent, or not to all: something does not read
  };
  Task<absl::StatusOr<Looked>> LookAt(absl::CivilDay day, absl::CivilDay today);
  // Sets `passed_over` where something of hers does not read, whatever else it does.
  Task<absl::StatusOr<bool>> Remind(absl::CivilDay day, absl::CivilDay today, Id128 person, Id128 document,
                                    bool& passed_over);
  Task<absl::Status> DropPointer(absl::CivilDay day, Id128 person, Id128 document);

  const Vault& vault_;
  Background background_;
};

}  // namespace relais::vault
