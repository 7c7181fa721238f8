#include "tests/bench/audit_world.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"

namespace relais::bench {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kFingerprintDigits = 64;

// What a log makes when it is missing, fixed.
absl::Status FillRing(crypto::KeyRing& ring) {
  RETURN_IF_ERROR(ring.Put("audit-epoch", 1, Secret(std::string(kKeySize, 'e'))));
  RETURN_IF_ERROR(ring.Put("audit-log", 1, Secret(std::string(kKeySize, 'l'))));
  RETURN_IF_ERROR(ring.Put("handle", 1, Secret(std::string(kKeySize, 'h'))));
  return ring.Put("audit-month/" + audit::MonthName(absl::Now()), 1, Secret(std::string(kKeySize, 'm')));
}

}  // namespace

std::string StorePathIn(const std::string& folder) { return folder + "/store"; }

absl::StatusOr<std::unique_ptr<AuditWorld>> AuditWorld::Open(const AuditWorldOptions& options) {
  std::unique_ptr<AuditWorld> world(new AuditWorld);
  RETURN_IF_ERROR(world->Start(options));
  return world;
}

absl::Status AuditWorld::Start(const AuditWorldOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  RETURN_IF_ERROR(FillRing(ring_));
  const absl::Duration begin = clock_.Monotonic();
  audit::LogOptions log;
  log.origin = kOrigin;
  log.signers.push_back({kOrigin, SigningKey()});
  log.ring = &ring_;
  log.published_path = options.folder + "/published";
  log.subject_cache_entries = options.subject_keys;
  ASSIGN_OR_RETURN(log_, audit::Log::Create(std::move(log), clock_, random_, executor_));
  const absl::Duration created = clock_.Monotonic();
  storage::RocksDbOptions store;
  store.path = StorePathIn(options.folder);
  ASSIGN_OR_RETURN(store_, storage::RocksDbStore::Open(std::move(store), executor_, log_->sequencer()));
  const absl::Duration opened = clock_.Monotonic();
  RETURN_IF_ERROR(log_->Recover(*store_));
  store_took_ = opened - created;
  log_took_ = clock_.Monotonic() - begin - store_took_;
  return absl::OkStatus();
}

AuditWorld::~AuditWorld() {
  if (store_ != nullptr) {
    log_->Stop();
    store_->Close();
  }
  executor_.Stop();
}

crypto::SigningKey SigningKey() { return *crypto::SigningKey::FromSeed(Secret(std::string(kKeySize, 's'))); }

audit::Subject PersonOf(uint64_t number) {
  const std::string digest = crypto::Sha256("bench person " + std::to_string(number));
  return {audit::Subject::Kind::kPerson, *Id128::FromBytes(digest.substr(0, Id128::kSize))};
}

audit::Event CheckEvent(uint64_t person) {
  audit::Event event;
  event.event_class = audit::v1::EVENT_CLASS_CHECK_DECIDED;
  event.institution = "ville-paris";
  event.directory_version = 12;
  event.ground = common::v1::GROUND_AGREEMENT;
  event.decision = common::v1::DECISION_PERMIT;
  event.purpose = "SOCIAL_SUPPORT";
  event.categories = {"HOUSING", "IDENTITY"};
  event.subject = PersonOf(person);
  consent::v1::CheckDecided payload;
  payload.mutable_sender()->set_institution("ville-paris");
  payload.mutable_sender()->set_function("assistant-social");
  payload.mutable_recipient()->set_institution("samusocial");
  payload.set_act(common::v1::ACT_TRANSMIT);
  payload.set_consent_id(event.subject->id.ToHex());
  payload.set_decided_at_size(1'000'000);
  *event.details.mutable_recipient() = payload.recipient();
  event.details.set_acting_function("assistant-social");
  event.details.set_relation("NONE");
  event.details.mutable_payload()->PackFrom(payload);
  event.actor.set_agent("agent-0042");
  event.actor.set_certificate(std::string(kFingerprintDigits, 'c'));
  return event;
}

uint64_t PeakMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) {
      return (std::stoull(line.substr(6)) * 1024 + 999'999) / 1'000'000;
    }
  }
  return 0;
}

}  // namespace relais::bench
