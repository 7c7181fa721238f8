#include "common/rpc/process.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/synchronization/mutex.h"
#include "common/rpc/tls.h"

// Read by jemalloc before main: few arenas, and memory that is not needed goes back within a second, so that
// a burst of calls does not stay in the process's size.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";
}

namespace relais::rpc {
namespace {

constexpr rlim_t kOpenFiles = 65'536;

// Connections and table files are many; the soft limit is for programs that use select().
void RaiseOpenFiles() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kOpenFiles) {
    return;
  }
  files.rlim_cur = std::min(files.rlim_max, kOpenFiles);
  setrlimit(RLIMIT_NOFILE, &files);  // what stays as it was is enough for most
}

}  // namespace

absl::Status ConfigureProcess() {
  RaiseOpenFiles();
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return ConfigureOpenSsl();
}

}  // namespace relais::rpc
