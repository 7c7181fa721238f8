// What an operator may set of the vault's behaviour; defaults as designed.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "services/vault/domain/closure.h"
#include "services/vault/domain/quota.h"
#include "services/vault/domain/request_rules.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/domain/upload_rules.h"

namespace relais::vault {

/// Malware (ADR 37). Without an address nothing is scanned.
struct ScanSettings {
  std::string clamd;      // "unix:/run/clamav/clamd.ctl" or "127.0.0.1:3310"; empty: no scanner
  bool required = false;  // a paper is not taken while the scanner cannot be reached
  absl::Duration timeout = absl::Seconds(120);
};

/// Streams of institutions at once, half of them of one: each holds two pieces of a text at least while it
/// stands still (ADR 81).
inline constexpr int kMaxStreams = 128;

struct Settings {
  Limits limits;
  UploadRules uploads;
  ShareRules shares;
  RequestRules requests;
  ClosureRules closure;
  ScanSettings scan;
  absl::Duration lease = absl::Seconds(2);  // on consent's log
  absl::Duration probe_interval = absl::Milliseconds(200);
  absl::Duration peer_timeout = absl::Seconds(10);
  bool rebuild_consent = false;                       // follow consent's log from its first leaf again
  absl::Duration expiry_scan = absl::Minutes(5);      // how often unfinished uploads are looked at
  absl::Duration reminder_scan = absl::Hours(1);      // how often papers that expire are looked at
  absl::Duration host_scan = absl::Minutes(1);        // how often consent is asked again about unjudged hosts
  absl::Duration host_round = absl::Hours(24);        // how often every host is judged anew
  absl::Duration closure_scan = absl::Hours(1);       // how often the closing day is looked at
  absl::Duration scrub_every = absl::Hours(24 * 30);  // zero: on demand only
  uint64_t scrub_bytes_per_second = uint64_t{64} << 20;
  absl::Duration epoch_length = absl::Hours(24 * 30);  // of vault-epoch; zero: on demand only
  size_t commit_pieces = 8;                            // of an upload stream that one commit takes, at most
  // lookahead.h: 24 MiB together
  size_t lookahead_pieces = 64;  // of readings and uploads
  size_t export_pieces = 32;     // of exports, which none of those keeps out
};

}  // namespace relais::vault
