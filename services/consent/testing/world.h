// The consent service on a log harness, with the sample directory: for the tests of its handlers.
#pragma once

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/audit/testing/log_harness.h"
#include "common/directory/parse.h"
#include "common/identity/record_key.h"
#include "common/text/normalize.h"
#include "google/protobuf/util/time_util.h"
#include "services/consent/handlers/objection_records.h"
#include "services/consent/service.h"

namespace relais::consent::testing {

using common::v1::ACT_TRANSMIT;

inline std::string Read(const std::string& path) {
  const std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline absl::Time StoryStart() {
  return absl::FromCivil(absl::CivilHour(2026, 11, 3, 10), absl::UTCTimeZone());
}

/// The sample directory, read once: relative to the repository's root.
inline const std::shared_ptr<const directory::Directory>& SampleDirectory() {
  static const auto* const kSample = [] {
    absl::StatusOr<directory::Directory> directory =
        directory::ParseDirectory(Read("deploy/dev/directory.yaml"));
    if (!directory.ok()) {
      std::fprintf(stderr, "%s\n", directory.status().ToString().c_str());
      std::abort();
    }
    return new std::shared_ptr<const directory::Directory>(
        std::make_shared<const directory::Directory>(*std::move(directory)));
  }();
  return *kSample;
}

/// The same where every `what` in its text is `with`: of another id, say.
inline std::shared_ptr<const directory::Directory> SampleDirectoryWith(const std::string& what,
                                                                       const std::string& with) {
  absl::StatusOr<directory::Directory> directory =
      directory::ParseDirectory(absl::StrReplaceAll(Read("deploy/dev/directory.yaml"), {{what, with}}));
  if (!directory.ok()) {
    std::fprintf(stderr, "%s\n", directory.status().ToString().c_str());
    std::abort();
  }
  return std::make_shared<const directory::Directory>(*std::move(directory));
}

/// `Harness` is audit::testing::SimLogHarness or PoolLogHarness.
template <typename Harness>
class World {
 public:
  /// `wait_for`: the services whose acknowledgement an erasure waits for. `journal`: the file of the erasure
  /// journal; empty: in memory.
  explicit World(audit::testing::HarnessOptions options = DefaultOptions(), Settings settings = AtOnce(),
                 std::set<std::string> wait_for = {}, std::string journal = {})
      : settings_(std::move(settings)),
        wait_for_(std::move(wait_for)),
        journal_(std::move(journal)),
        harness_(std::move(options)),
        suppression_(ring_),
        idempotency_(Secret(std::string(32, 'i'))) {
    directory_ = SampleDirectory();
    Require(ring_.Add("handle", Secret(std::string(32, 'h'))).status());
    Require(ring_.Add("suppression/edf", Secret(std::string(32, 'e'))).status());
    Require(ring_.Add("suppression/engie", Secret(std::string(32, 'g'))).status());
    absl::StatusOr<identity::HandleCodec> handles =
        identity::HandleCodec::Create(ring_, {}, harness_.clock());
    Require(handles.status());
    handles_.emplace(*std::move(handles));
    Open();
  }

  static audit::testing::HarnessOptions DefaultOptions() {
    audit::testing::HarnessOptions options;
    options.origin = "relais.test/consent/1";
    options.start = StoryStart();
    return options;
  }

  /// The defaults, but Register answers at once and is matched at once: tests of its ticks have the defaults.
  static Settings AtOnce() {
    Settings settings;
    settings.register_tick = absl::ZeroDuration();
    settings.match_after = absl::ZeroDuration();
    return settings;
  }

  Service& service() { return *services_.back(); }
  Harness& harness() { return harness_; }
  audit::Log& log() { return harness_.log(); }
  audit::Maintenance& maintenance() { return *maintenances_.back(); }
  crypto::MemoryKeyRing& ring() { return ring_; }
  const directory::Directory& directory() const { return *directory_; }
  /// In force from now on, for calls made from then on too.
  void UseDirectory(std::shared_ptr<const directory::Directory> directory) {
    directory_ = std::move(directory);
  }
  /// Done once, in the midst of whatever next asks which directory is in force.
  void OnceDirectoryIsAsked(std::function<void()> what) { when_asked_ = std::move(what); }
  const rpc::ServiceContext& context() const { return *contexts_.back(); }

  /// The process dies and comes back on the same store, or on one that is put back. `crash_at`: when it dies
  /// next (MemoryStore::Options).
  void Restart(const std::shared_ptr<storage::MemoryDisk>& restored = nullptr,
               std::function<bool(uint64_t)> crash_at = {}) {
    harness_.Crash();
    harness_.options().store.crash_at = std::move(crash_at);
    if (restored != nullptr) {
      harness_.disk() = restored;
    }
    Require(harness_.Reopen());
    Open();
  }

  template <typename T>
  T Run(Task<T> task) {
    return harness_.Run(std::move(task));
  }

  rpc::Call As(const std::string& institution, const std::string& system = "dsol",
               const std::string& function = "assistant-social") const {
    rpc::Call call;
    call.caller.institution = institution;
    call.caller.system = system;
    call.caller.agent = "agent-1";
    call.caller.function = function;
    call.caller.certificate = std::string(64, 'c');
    call.directory = directory_;
    return call;
  }
  rpc::Call AsService(const std::string& name) const {
    rpc::Call call;
    call.caller.kind = rpc::Caller::Kind::kService;
    call.caller.service = name;
    call.directory = directory_;
    return call;
  }
  static common::v1::Acting Acting(const std::string& institution, const std::string& function = "") {
    common::v1::Acting acting;
    acting.mutable_party()->set_institution(institution);
    acting.mutable_party()->set_function(function);
    return acting;
  }

  // ---- short ways

  absl::StatusOr<v1::RegisterResponse> Register(const std::string& request_id,
                                                const std::string& own_identifier,
                                                const v1::Traits& traits = {},
                                                const std::string& institution = "ville-paris") {
    v1::RegisterRequest request;
    request.set_request_id(request_id);
    request.set_own_identifier(own_identifier);
    *request.mutable_traits() = traits;
    return Run(service().persons().Register(As(institution), request));
  }
  /// A new person, by ville-paris's handle.
  common::v1::PersonRef NewPerson(const std::string& own_identifier, const v1::Traits& traits = {}) {
    const absl::StatusOr<v1::RegisterResponse> response =
        Register("register-" + own_identifier, own_identifier, traits);
    Require(response.status());
    return response->person();
  }
  Id128 IdOf(const common::v1::PersonRef& ref, const std::string& institution = "ville-paris") const {
    const absl::StatusOr<Id128> id = handles_->FromHandle(ref.handle(), institution);
    Require(id.status());
    return *id;
  }
  common::v1::PersonRef RawRef(const Id128& id) const {
    common::v1::PersonRef ref;
    ref.set_person_id(id.ToBytes());
    return ref;
  }

  static v1::RecordConsentRequest ConsentFor(const common::v1::PersonRef& person,
                                             const std::string& request_id) {
    v1::RecordConsentRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person;
    v1::ConsentLine* line = request.add_lines();
    line->add_purposes("RIGHTS_OPENING");
    line->add_categories("IDENTITY");
    line->add_recipients()->set_institution("caf");
    line->add_acts(ACT_TRANSMIT);
    request.set_legal_basis(v1::LEGAL_BASIS_PUBLIC_TASK);
    request.set_method(v1::METHOD_SIGNED_PAPER);
    request.mutable_notice()->set_id("notice-1");
    request.mutable_notice()->set_version("2");
    return request;
  }
  static v1::CheckRequest CheckFor(const common::v1::PersonRef& person, bool dry_run = true) {
    v1::CheckRequest request;
    *request.mutable_person() = person;
    request.mutable_sender()->set_institution("ville-paris");
    request.mutable_recipient()->set_institution("caf");
    request.set_purpose("RIGHTS_OPENING");
    request.add_categories("IDENTITY");
    request.set_act(ACT_TRANSMIT);
    request.set_dry_run(dry_run);
    return request;
  }
  /// EDF's cut of 20 October to the 13th's desk: permitted unless she objected.
  static v1::CheckRequest CutFor(const common::v1::PersonRef& person, const std::string& supplier = "edf") {
    v1::CheckRequest request;
    *request.mutable_person() = person;
    request.mutable_sender()->set_institution(supplier);
    request.mutable_recipient()->set_institution("ville-paris");
    request.set_recipient_desk("dsol-75113");
    request.set_purpose("ENERGY_AID");
    request.add_categories("IDENTITY");
    request.set_act(ACT_TRANSMIT);
    request.set_dry_run(true);
    common::v1::StatedGround* stated = request.mutable_stated_ground();
    stated->set_ground(common::v1::GROUND_ART6);
    stated->set_signal_type("UNPAID_BILL");
    stated->set_event("COUPURE");
    stated->mutable_event_day()->set_year(2026);
    stated->mutable_event_day()->set_month(10);
    stated->mutable_event_day()->set_day(20);
    return request;
  }
  /// As ville-paris; what another sender states, that sender asks, by its own handle of her.
  absl::StatusOr<v1::CheckResponse> Check(v1::CheckRequest request) {
    const std::string asks = request.has_stated_ground() ? request.sender().institution() : "ville-paris";
    const absl::StatusOr<Id128> person = handles_->FromHandle(request.person().handle(), "ville-paris");
    if (asks != "ville-paris" && person.ok()) {
      *request.mutable_person() = rpc::HandleFor(context(), asks, *person);
    }
    return Run(service().checks().Check(As(asks), std::move(request)));
  }
  common::v1::Decision Decision(const v1::CheckRequest& request) {
    const absl::StatusOr<v1::CheckResponse> response = Check(request);
    Require(response.status());
    return response->decision();
  }
  absl::StatusOr<v1::RecordConsentResponse> Record(const v1::RecordConsentRequest& request) {
    return Run(service().agreements().RecordConsent(As("ville-paris"), request));
  }
  absl::StatusOr<v1::WithdrawConsentResponse> WithdrawAll(const common::v1::PersonRef& person,
                                                          const std::string& request_id) {
    v1::WithdrawConsentRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person;
    request.add_lines();
    return Run(service().agreements().WithdrawConsent(As("ville-paris"), request));
  }

  static v1::Traits Marie() {
    v1::Traits traits;
    traits.set_surname("Durand");
    traits.set_first_names("Marie Hélène");
    traits.set_address("12 bd. de l'Hôpital");
    traits.set_postal_code("75013");
    return traits;
  }
  /// Marie, spelt as EDF spells her.
  static v1::RecordIdentity MarieAtEdf() {
    v1::RecordIdentity identity;
    identity.set_nom("DURAND");
    identity.set_prenoms("Marie-Helene");
    identity.set_adresse("12 BOULEVARD DE L HOPITAL");
    identity.set_code_postal("75013");
    return identity;
  }
  static v1::RecordObjectionRequest ObjectionOf(const std::string& request_id,
                                                const std::vector<std::string>& suppliers = {}) {
    v1::RecordObjectionRequest request;
    request.set_request_id(request_id);
    for (const std::string& supplier : suppliers) {
      request.add_suppliers(supplier);
    }
    *request.mutable_identity() = MarieAtEdf();
    return request;
  }
  absl::StatusOr<v1::RecordObjectionResponse> Object(const v1::RecordObjectionRequest& request) {
    return Run(service().objections().RecordObjection(As("ville-paris"), request));
  }
  /// To all suppliers unless said.
  absl::StatusOr<v1::LiftObjectionResponse> Lift(const std::string& request_id,
                                                 const std::vector<std::string>& suppliers = {},
                                                 const std::optional<common::v1::PersonRef>& person = {}) {
    v1::LiftObjectionRequest request;
    request.set_request_id(request_id);
    for (const std::string& supplier : suppliers.empty() ? SuppliersOf(*directory_) : suppliers) {
      request.add_suppliers(supplier);
    }
    *request.mutable_identity() = MarieAtEdf();
    if (person) {
      *request.mutable_person() = *person;
    }
    return Run(service().objections().LiftObjection(As("ville-paris"), request));
  }

  /// Every leaf from `from` on, opened.
  std::vector<audit::OpenedLeaf> Leaves(uint64_t from = 0) {
    std::vector<audit::OpenedLeaf> all;
    while (true) {
      absl::StatusOr<std::vector<audit::OpenedLeaf>> some = log().ReadOpened(from + all.size(), 1000);
      Require(some.status());
      if (some->empty()) {
        return all;
      }
      for (audit::OpenedLeaf& leaf : *some) {
        all.push_back(std::move(leaf));
      }
    }
  }
  /// Gives every leaf of the log, also those made meanwhile, to what follows it: as after a lost cursor.
  void Follow(audit::LeafHandler& handler) {
    for (uint64_t from = 0;;) {
      const std::vector<audit::OpenedLeaf> leaves = Leaves(from);
      if (leaves.empty()) {
        return;
      }
      for (const audit::OpenedLeaf& leaf : leaves) {
        audit::FollowedLeaf followed;
        followed.index = leaf.index;
        followed.time = leaf.leaf.time;
        followed.header = leaf.leaf.header;
        followed.details = leaf.details;
        if (handler.Concerns(followed)) {
          Require(Run(handler.Apply(followed, true)));
        }
        from = leaf.index + 1;
      }
    }
  }
  size_t Count(audit::v1::EventClass event_class) {
    size_t count = 0;
    for (const audit::OpenedLeaf& leaf : Leaves()) {
      count += leaf.leaf.header.event_class() == event_class ? 1 : 0;
    }
    return count;
  }

  static void Require(const absl::Status& status) {
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      std::abort();
    }
  }

 private:
  std::shared_ptr<const directory::Directory> Asked() {
    if (when_asked_) {
      std::exchange(when_asked_, nullptr)();
    }
    return directory_;
  }
  void Open() {
    audit::MaintenanceOptions maintenance;
    maintenance.institution = "service/consent";
    maintenance.wait_for = wait_for_;
    maintenance.journal_path = journal_;
    absl::StatusOr<std::unique_ptr<audit::Maintenance>> opened =
        audit::Maintenance::Open(std::move(maintenance), harness_.log(), harness_.store(), harness_.ring(),
                                 harness_.clock(), harness_.random(), harness_.executor());
    Require(opened.status());
    maintenances_.push_back(*std::move(opened));
    contexts_.push_back(std::make_unique<rpc::ServiceContext>(rpc::ServiceContext{
        harness_.clock(), harness_.random(), harness_.executor(), harness_.store(), harness_.log(), *handles_,
        suppression_, idempotency_, [this] { return Asked(); }, maintenances_.back().get()}));
    absl::StatusOr<calendar::Paris> paris = calendar::Paris::Load();
    Require(paris.status());
    services_.push_back(std::make_unique<Service>(*contexts_.back(), settings_, *paris));
  }

  const Settings settings_;
  const std::set<std::string> wait_for_;
  const std::string journal_;
  // Coroutines of a crashed process may still look at what they were given: everything stays until the end.
  std::vector<std::unique_ptr<audit::Maintenance>> maintenances_;
  std::vector<std::unique_ptr<rpc::ServiceContext>> contexts_;
  std::vector<std::unique_ptr<Service>> services_;
  crypto::MemoryKeyRing ring_;
  std::optional<identity::HandleCodec> handles_;
  std::shared_ptr<const directory::Directory> directory_;
  std::function<void()> when_asked_;
  Harness harness_;
  identity::SuppressionKeys suppression_;
  rpc::Idempotency idempotency_;
};

using SimWorld = World<audit::testing::SimLogHarness>;
using PoolWorld = World<audit::testing::PoolLogHarness>;

}  // namespace relais::consent::testing
