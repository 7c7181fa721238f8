// What holds for a whole process that speaks gRPC.
#pragma once

#include "absl/status/status.h"

namespace relais::rpc {

/// Configures the libraries below gRPC, once, before the first channel or server: TLS (ConfigureOpenSsl), and
/// absl's mutexes, which in Debian's build look for deadlocks at every lock they take, at a cost of some
/// percent of a service's processor time. The soft limit of open files becomes the hard one, at most 65,536.
absl::Status ConfigureProcess();

}  // namespace relais::rpc
