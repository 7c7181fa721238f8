#include "tests/sim/world.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/testing/sample.h"

namespace relais::sim {
namespace {

// A Monday morning, so that desks are open.
const absl::Time kStart = absl::FromUnixSeconds(1795428000);

std::shared_ptr<const directory::Directory> TheDirectory() {
  static const auto* directory =
      new std::shared_ptr<const directory::Directory>(directory::testing::SampleDirectory());
  return *directory;
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      sim_(options.seed, kStart),
      random_(options.seed ^ 0x9e3779b97f4a7c15ULL),
      net_(sim_),
      shared_{sim_, net_, random_, ring_, TheDirectory()},
      paris_(calendar::Paris::Load().value()) {
  (void)ring_.Add("handle", Secret(std::string(64, 'h')));
  (void)ring_.Add(identity::SuppressionKeyName("edf"), Secret(std::string(32, 's')));
  (void)ring_.Add(identity::SuppressionKeyName("engie"), Secret(std::string(32, 't')));
  handles_ = std::make_unique<identity::HandleCodec>(
      identity::HandleCodec::Create(ring_, identity::HandlePolicy(), sim_).value());
  // Of who is erased only the vault knows anything: nobody else is waited for.
  consent_ = std::make_unique<Node<consent::Service>>(
      shared_, "consent", [this](const auto& process) { return MakeConsent(process); },
      [](consent::Service& service) { return service.Start(); }, std::set<std::string>{"vault"});
  routing_ = std::make_unique<Node<routing::Service>>(
      shared_, "routing", [this](const auto& process) { return MakeRouting(process); },
      [](routing::Service& service) { return service.Start(); });
  alerting_ = std::make_unique<Node<alerting::Service>>(
      shared_, "alerting", [this](const auto& process) { return MakeAlerting(process); },
      [](alerting::Service& service) { return service.Start(); });
  vault_ = std::make_unique<Node<vault::Service>>(
      shared_, "vault", [this](const auto& process) { return MakeVault(process); },
      [](vault::Service& service) { return service.Start(); }, std::set<std::string>());
}

World::~World() {
  // Everything is dead; what still waits unwinds on failures. Loops end because their stores do.
  outside_ = nullptr;
  const auto each = [this](const auto& act) {
    act(*consent_);
    act(*routing_);
    act(*alerting_);
    act(*vault_);
  };
  each([](auto& node) { node.Crash(); });
  each([](auto& node) { node.StopAll(); });
  each([](auto& node) {
    for (const auto& process : node.all()) {
      process->log->Stop();
    }
  });
  sim_.RunFor(absl::Hours(1));
}

void World::Fail(std::string what) {
  if (failure_.empty()) {
    failure_ = absl::StrCat("seed ", options_.seed, ": ", what);
  }
}

rpc::Call World::CallOf(const std::string& institution, const std::string& system) const {
  rpc::Call call;
  call.caller.institution = institution;
  call.caller.system = system;
  call.caller.agent = "agent-" + institution;
  call.caller.certificate = std::string(64, 'c');
  call.directory = shared_.directory;
  return call;
}

rpc::Call World::CallOfService(const std::string& service) const {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = service;
  call.directory = shared_.directory;
  return call;
}

std::unique_ptr<consent::Service> World::MakeConsent(const Node<consent::Service>::ProcessPtr& process) {
  consent::Settings settings;
  settings.expiry_scan = absl::Seconds(5);  // so that periods end within a schedule
  return std::make_unique<consent::Service>(*process->context, settings, paris_);
}

std::unique_ptr<routing::Service> World::MakeRouting(const Node<routing::Service>::ProcessPtr& process) {
  const Route route{"routing", "consent", process->life};
  routing::Peers peers;
  peers.check = Peer<consent::Service, consent::v1::CheckRequest, consent::v1::CheckResponse>(
      &net_, route, consent_.get(), CallOfService("routing"),
      [](consent::Service& s) -> consent::CheckHandlers& { return s.checks(); },
      &consent::CheckHandlers::Check);
  routing::Settings settings;
  settings.delivery.visible = absl::Seconds(5);  // so that a schedule comes to its end sooner
  return std::make_unique<routing::Service>(
      *process->context, std::move(peers), settings, paris_,
      [](uint64_t) -> absl::StatusOr<routing::SignedVersion> {
        return absl::NotFoundError("no archive here");
      },
      std::make_unique<NetworkTail<consent::Service>>(net_, route, *consent_), nullptr);
}

std::unique_ptr<alerting::Service> World::MakeAlerting(const Node<alerting::Service>::ProcessPtr& process) {
  const Route to_consent{"alerting", "consent", process->life};
  const Route to_routing{"alerting", "routing", process->life};
  const rpc::Call call = CallOfService("alerting");
  alerting::Peers peers;
  peers.register_person = Peer<consent::Service, consent::v1::RegisterRequest, consent::v1::RegisterResponse>(
      &net_, to_consent, consent_.get(), call,
      [](consent::Service& s) -> consent::PersonHandlers& { return s.persons(); },
      &consent::PersonHandlers::Register);
  peers.record_consent =
      Peer<consent::Service, consent::v1::RecordConsentRequest, consent::v1::RecordConsentResponse>(
          &net_, to_consent, consent_.get(), call,
          [](consent::Service& s) -> consent::AgreementHandlers& { return s.agreements(); },
          &consent::AgreementHandlers::RecordConsent);
  peers.record_objection =
      Peer<consent::Service, consent::v1::RecordObjectionRequest, consent::v1::RecordObjectionResponse>(
          &net_, to_consent, consent_.get(), call,
          [](consent::Service& s) -> consent::ObjectionHandlers& { return s.objections(); },
          &consent::ObjectionHandlers::RecordObjection);
  peers.declare = Peer<consent::Service, consent::v1::DeclareRequest, consent::v1::DeclareResponse>(
      &net_, to_consent, consent_.get(), call,
      [](consent::Service& s) -> consent::EmergencyHandlers& { return s.emergencies(); },
      &consent::EmergencyHandlers::Declare);
  peers.resolve = Peer<routing::Service, routing::v1::ResolveRequest, routing::v1::ResolveResponse>(
      &net_, to_routing, routing_.get(), call,
      [](routing::Service& s) -> routing::RoutingHandlers& { return s.routing(); },
      &routing::RoutingHandlers::Resolve);
  peers.submit = Peer<routing::Service, routing::v1::SubmitRequest, routing::v1::SubmitResponse>(
      &net_, to_routing, routing_.get(), call,
      [](routing::Service& s) -> routing::RoutingHandlers& { return s.routing(); },
      &routing::RoutingHandlers::Submit);
  peers.take = Peer<routing::Service, routing::v1::TakeRequest, routing::v1::TakeResponse>(
      &net_, to_routing, routing_.get(), call,
      [](routing::Service& s) -> routing::InboxHandlers& { return s.inboxes(); },
      &routing::InboxHandlers::Take);
  return std::make_unique<alerting::Service>(
      *process->context, std::move(peers), alerting::Settings(), paris_,
      std::make_unique<NetworkTail<consent::Service>>(net_, to_consent, *consent_),
      std::make_unique<NetworkTail<routing::Service>>(net_, to_routing, *routing_));
}

Task<absl::StatusOr<routing::v1::PullResponse>> World::PullAndWatch(
    Node<routing::Service>::ProcessPtr process, rpc::Call call, routing::v1::PullRequest request) {
  const std::string institution = call.caller.institution;
  auto answer = co_await process->service->inboxes().Pull(std::move(call), std::move(request));
  if (!answer.ok() || !*process->life) {
    co_return answer;
  }
  for (const routing::v1::Message& message : answer->messages()) {
    Sent sent;
    sent.message_id = message.message_id();
    const auto person = process->handles->FromHandle(message.person().handle(), institution);
    if (!person.ok()) {
      Fail("a message is not addressed by the recipient's own handle");
      continue;
    }
    sent.person = *person;
    sent.ground = message.ground();
    sent.permit_leaf = routing::Courier::SizeOf(message.permit_id());
    sent.at = sim_.Now();
    sent.applied = process->service->consent_follower()->applied();
    sent_.push_back(sent);
    ++counts_.sent;
  }
  co_return answer;
}

void World::BootAll() {
  for (const absl::Status& status : {consent_->up() ? absl::OkStatus() : consent_->Boot(),
                                     routing_->up() ? absl::OkStatus() : routing_->Boot(),
                                     alerting_->up() ? absl::OkStatus() : alerting_->Boot(),
                                     vault_->up() ? absl::OkStatus() : vault_->Boot()}) {
    if (!status.ok()) {
      Fail(absl::StrCat("a service does not start again: ", status.ToString()));
    }
  }
}

void World::Disturb() {
  static const char* kEnds[] = {"consent", "routing", "alerting", "vault", "outside"};
  switch (sim_.Below(6)) {
    case 0: {
      const std::string a = kEnds[sim_.Below(5)];
      const std::string b = kEnds[sim_.Below(5)];
      net_.Cut(a, b, absl::Milliseconds(static_cast<int64_t>(sim_.Below(5000))));
      return;
    }
    case 1:
      consent_->CrashAtNextCommit();
      break;
    case 2:
      routing_->CrashAtNextCommit();
      break;
    case 3:
      alerting_->CrashAtNextCommit();
      break;
    case 4:
      vault_->CrashAtNextCommit();
      break;
    default:
      switch (sim_.Below(4)) {
        case 0:
          consent_->Crash();
          break;
        case 1:
          routing_->Crash();
          break;
        case 2:
          alerting_->Crash();
          break;
        default:
          vault_->Crash();
      }
  }
  ++counts_.crashes;
}

void World::ScheduleDisturbances() {
  const uint64_t disturbances = sim_.Below(6);
  const auto length_ms = static_cast<uint64_t>(absl::ToInt64Milliseconds(options_.length));
  for (uint64_t i = 0; i < disturbances; ++i) {
    sim_.PostAfter(absl::Milliseconds(static_cast<int64_t>(sim_.Below(length_ms))), [this] {
      if (!ending_) {
        Disturb();
      }
    });
  }
  // An operator's supervisor: what is down comes up again within a second or so.
  for (absl::Duration at = absl::ZeroDuration(); at < options_.length; at += absl::Milliseconds(700)) {
    sim_.PostAfter(at, [this] { BootAll(); });
    sim_.PostAfter(at + absl::Milliseconds(350), [this] { ObserveRoots(); });
  }
}

void World::ObserveRoots() {
  const auto observe = [this](const auto& node) {
    if (const auto process = node->process()) {
      const audit::LogState state = process->log->state();
      roots_.push_back({node->name(), state.size, state.root});
    }
  };
  observe(consent_);
  observe(routing_);
  observe(alerting_);
  observe(vault_);
}

absl::Status World::Run() {
  BootAll();
  ScheduleDisturbances();
  if (options_.messages) {
    StartInstitutions();
  }
  if (options_.papers) {
    StartPapers();
  }
  sim_.RunFor(options_.length);
  ending_ = true;
  net_.Heal();
  consent_->Calm();
  routing_->Calm();
  alerting_->Calm();
  vault_->Calm();
  sim_.RunFor(absl::Milliseconds(10));  // a machine whose process just died notices
  BootAll();
  // Visible timeouts have to pass for what was offered and never arrived: two minutes are plenty.
  if (!sim_.RunUntil([this] { return running_ == 0; }, absl::Minutes(20))) {
    Fail("the institutions do not come to an end");
  }
  sim_.RunFor(absl::Seconds(30));
  if (!failure_.empty()) {
    return absl::InternalError(failure_);
  }
  absl::Status checked = CheckEverything();
  if (!checked.ok()) {
    Fail(std::string(checked.message()));
  }
  return failure_.empty() ? absl::OkStatus() : absl::InternalError(failure_);
}

std::string World::Fingerprint() {
  std::string out;
  for (const auto& state : {consent_->process()->log->state(), routing_->process()->log->state(),
                            alerting_->process()->log->state(), vault_->process()->log->state()}) {
    absl::StrAppend(&out, state.size, ":", merkle::HashToHex(state.root), " ");
  }
  return out;
}

absl::Status World::CheckEverything() {
  if (!consent_->process() || !routing_->process() || !alerting_->process() || !vault_->process()) {
    return absl::InternalError("a service is not serving at the end");
  }
  RETURN_IF_ERROR(CheckLogs());
  RETURN_IF_ERROR(CheckDeliveries());
  RETURN_IF_ERROR(CheckPromises());
  RETURN_IF_ERROR(CheckAlerts());
  return CheckVault();
}

}  // namespace relais::sim
