// Everything a service is given, in memory: for tests of handlers and of the RPC layer.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/memory_key_ring.h"
#include "common/directory/directory.h"
#include "common/rpc/service_context.h"
#include "common/storage/memory/memory_store.h"

namespace relais::rpc::testing {

/// Sample directory: institutions `ville-paris` (systems `dsol`: PROFESSIONAL, `dpo`: DPO), `edf` (`billing`:
/// SIGNAL_SENDER, `dpo`: DPO), `auditor` (`suite`: AUDITOR, with the scope of the suite), `operator` (`ops`:
/// OPERATOR), `authority` (`inquiry`: AUDITOR, without scope); functions `assistant-social` at `ville-paris`,
/// which may REGISTER_PERSON and RECORD_CONSENT, and `auditeur` at `auditor`, which may AUDIT. Trust domain
/// relais.test. `extra` is appended ("revocations:\n  - {...}\n").
std::shared_ptr<const directory::Directory> SampleDirectory(uint64_t version, std::string_view extra = "");
/// The same with the first `from` of its text replaced by `to`; without one it does not parse.
std::shared_ptr<const directory::Directory> SampleDirectoryWith(uint64_t version, std::string_view from,
                                                                std::string_view to);
/// The same, where nobody has a scope over the logs.
std::shared_ptr<const directory::Directory> DirectoryWithoutAuditors(uint64_t version);
/// For SampleDirectory's `extra`: the two DPOs have their institutions' scope.
inline constexpr std::string_view kOfficers =
    R"(  - {institution: ville-paris, system: dpo, scope: OWN_INSTITUTION}
  - {institution: edf, system: dpo, scope: OWN_INSTITUTION}
)";

/// A caller that the sample directory knows.
Caller InstitutionCaller(const std::string& institution, const std::string& system, common::v1::Role role);
Caller ServiceCaller(const std::string& service);

/// One service's store and log. The clock and the executor outlive it. A failure to set up aborts.
class ServiceWorld {
 public:
  ServiceWorld(Clock& clock, Executor& executor, const std::string& service = "consent", uint64_t seed = 1);
  ~ServiceWorld();
  ServiceWorld(const ServiceWorld&) = delete;
  ServiceWorld& operator=(const ServiceWorld&) = delete;

  [[nodiscard]] const ServiceContext& context() const { return *context_; }
  [[nodiscard]] audit::Log& log() { return *log_; }
  [[nodiscard]] storage::MemoryStore& store() { return *store_; }
  [[nodiscard]] crypto::MemoryKeyRing& ring() { return ring_; }
  [[nodiscard]] const crypto::VerifyKey& verify_key() const { return *verify_key_; }

  [[nodiscard]] std::shared_ptr<const directory::Directory> directory() const;
  /// As a reload does.
  void SetDirectory(std::shared_ptr<const directory::Directory> directory);

 private:
  relais::testing::SeededRandom random_;
  crypto::MemoryKeyRing ring_;
  mutable std::mutex mu_;
  std::shared_ptr<const directory::Directory> directory_;
  std::unique_ptr<crypto::VerifyKey> verify_key_;
  std::unique_ptr<audit::Log> log_;
  std::unique_ptr<storage::MemoryStore> store_;
  std::unique_ptr<identity::HandleCodec> handles_;
  std::unique_ptr<identity::SuppressionKeys> suppression_;
  std::unique_ptr<Idempotency> idempotency_;
  std::unique_ptr<ServiceContext> context_;
};

}  // namespace relais::rpc::testing
