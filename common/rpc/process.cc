#include "common/rpc/process.h"

#include "absl/synchronization/mutex.h"
#include "common/rpc/tls.h"

// Read by jemalloc before main: few arenas, and memory that is not needed goes back within a second, so that
// a burst of calls does not stay in the process's size.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";
}

namespace relais::rpc {

absl::Status ConfigureProcess() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return ConfigureOpenSsl();
}

}  // namespace relais::rpc
