// The ceiling of every transfer: chunks over the suite's own TLS, made of nothing and kept nowhere.
#pragma once

#include <string>

namespace relais::bench {

/// Serves DocumentService.Download (`length` constant bytes in messages of 262,144) and Upload (bytes are
/// thrown away) with the certificate of the vault, asks for and verifies client certificates as services do,
/// and does nothing else. Prints "listening HOST:PORT" and ends on SIGTERM or SIGINT. The process's exit
/// code.
int ServePlainStream(const std::string& pki);

}  // namespace relais::bench
