// What every service is told by flags and settings.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/config.h"
#include "common/identity/handle.h"
#include "common/rpc/tls.h"
#include "common/storage/disk_space.h"

namespace relais::rpc {

/// relais-<service> --config FILE [--set key=value]... [--check-config] [--test-mode [--test-clock
/// START,REAL]]
struct Flags {
  std::string config;
  std::vector<std::string> overrides;  // --set
  bool check_config = false;           // reads the settings, says whether they are right, and ends
  bool accept_loss = false;            // leaves that were given out are lost: go on under the next origin
  std::set<std::string> rebuild;       // peers whose logs are followed from the start again
  bool test_mode = false;              // marks every leaf, metrics and the log; allows a test clock
  struct TestClock {
    absl::Time start;  // shown when ...
    absl::Time real;   // ... the machine's clock said this
  };
  std::optional<TestClock> test_clock;
};

/// INVALID_ARGUMENT for wrong flags. CANCELLED when only help was asked for and has been printed.
absl::StatusOr<Flags> ParseFlags(int argc, const char* const* argv, const std::string& service);

/// The settings that all services share, by key. Paths are relative to the working directory; a key without
/// default is required.
struct Settings {
  std::string listen;          // listen: "127.0.0.1:7001"
  std::string metrics_listen;  // metrics.listen: "127.0.0.1:9001"; "" serves none (the default)
  TlsFiles tls;                // tls.certificate, tls.key, tls.roots: PEM files
  std::string
      institutions_ca;  // tls.institutions_ca: PEM file of the intermediates that sign institutions' systems
  std::string services_ca;      // tls.services_ca: likewise for services
  std::string foreign_ca;       // tls.foreign_ca: direct issuers of other accepted certificates; default none
  std::string store_path;       // store.path: folder
  int64_t store_cache_mib = 0;  // store.cache_mib: 64
  int64_t cached_keys = 0;      // store.cached_keys: 100000 opened keys of subjects
  // disk.first_used_percent: 85, disk.first_free_mib: 10240, disk.second_used_percent: 95,
  // disk.second_free_mib: 2048; percent 0 to 100, MiB 0 to 2^40, 0 turns a mark off; the second asks for no
  // less used and no more free
  storage::DiskMarks disk;
  std::string ring;  // keys.ring, keys.master: the ring of handle and suppression keys
  std::string ring_master;
  // handles.*: handle_settings.h; an error names the key that does not fit
  absl::StatusOr<identity::HandlePolicy> handles = identity::HandlePolicy();
  std::string
      audit_ring;  // audit.ring, audit.master: this log's own ring. Made when neither it nor the store is
  std::string audit_master;     // there
  std::string ring_copy;        // audit.ring_copy: a second place for that ring, another disk; default none
  std::string signer_key;       // audit.signer_key: secret file with the log's Ed25519 seed
  std::string next_signer_key;  // audit.next_signer_key: signs too while one replaces the other; default none
  std::string origin;           // audit.origin: "relais.test/consent/1"
  std::string published;        // audit.published: file outside the store with the last checkpoint given out
  std::string erasure_journal;  // audit.erasure_journal: file outside the store; default <published>.erasures
  int agent_names_months = 12;  // audit.agent_names_months: month keys are kept that long after the month
  absl::Duration epoch_length;  // audit.epoch: 720h; epochs end by themselves after this; 0: on demand only
  absl::Duration sweep_every;   // retention.every: 24h
  std::string backup_folder;    // backup.folder; default none: no backups can be made
  bool rebuild_indexes = false;   // audit.rebuild_indexes: false; at this start, make the log's indexes anew
  std::string directory_file;     // directory.file, beside it its .sig
  std::string root_keys;          // directory.root_keys: public keys, one a line
  std::string retired_root_keys;  // directory.retired_root_keys: default none
  std::string directory_state;    // directory.state: folder for the version remembered and the archive
  std::map<std::string, std::string>
      peers;                     // peers.<service>.target; a service not named is configured absent
  absl::Duration lease;          // lease.duration: 2s
  absl::Duration standing;       // streams.standing: 5m, 1s to 24h
  absl::Duration drain;          // drain: 10s, what calls under way are given at a stop
  int threads = 0;               // threads: 3
  int max_calls = 0;             // max_calls: 1024 unary calls at once
  uint64_t misses = 0;           // limits.misses: 250000 of one institution within ...
  absl::Duration misses_window;  // limits.misses_window: 24h
  bool reflection = false;       // reflection: false
};

/// Reads them. Errors are the config's to report (Config::Finish), but for that of `handles`.
Settings ReadSettings(Config& config);
/// That the files which must be there before a start can be read. FAILED_PRECONDITION naming each setting
/// whose file cannot, and why.
absl::Status CheckFiles(const Settings& settings);

}  // namespace relais::rpc
