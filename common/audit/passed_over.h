// What all keepers say of rows that retention could not look at (D-2.10).
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/log.h"

namespace relais::audit {

/// Says in the operators' log how often something that does not read was passed over; nothing of none.
/// Thread-safe.
inline void PassedOver(size_t times) {
  if (times != 0) {
    log::Error("what does not read is passed over by retention",
               {log::Field::Count("times", static_cast<int64_t>(times))});
  }
}

}  // namespace relais::audit
