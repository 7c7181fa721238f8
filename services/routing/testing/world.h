// The routing service in virtual time: its own log and store, a consent registry that does as told, and that
// registry's log, which is a real one.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/proto_time.h"
#include "common/rpc/testing/simulated_service.h"
#include "services/routing/service.h"

namespace relais::routing::testing {

using rpc::testing::PeerLog;

/// A tail that can be cut.
class CuttableTail final : public audit::TailSource {
 public:
  CuttableTail(audit::Log& log, const bool& cut) : source_(audit::LocalSource(log)), cut_(cut) {}
  Task<absl::StatusOr<std::vector<audit::FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                              absl::Duration wait) override {
    return cut_ ? Down<std::vector<audit::FollowedLeaf>>() : source_->Read(from, limit, wait);
  }
  Task<absl::StatusOr<audit::LogState>> Probe(std::string nonce) override {
    return cut_ ? Down<audit::LogState>() : source_->Probe(std::move(nonce));
  }

 private:
  template <typename T>
  static Task<absl::StatusOr<T>> Down() {
    co_return absl::UnavailableError("cut");
  }
  std::unique_ptr<audit::TailSource> source_;
  const bool& cut_;
};

/// Decides as `permits` says; remembers what it was asked.
class FakeConsent {
 public:
  FakeConsent(relais::testing::SimExecutor& sim, audit::Log& log) : sim_(sim), log_(log) {}

  std::function<bool(const consent::v1::CheckRequest&)> permits = [](const auto&) { return true; };
  consent::v1::Reason reason = consent::v1::REASON_REFUSED;  // of a denial
  std::optional<common::v1::Ground> ground;                  // of a permit, in place of what is asked for
  absl::Status down;                                         // not OK: every check fails with it
  std::optional<uint64_t> answers_at;            // the revision told, when it is to be an older one
  absl::Duration delay = absl::ZeroDuration();   // before the answer, after the decision
  std::vector<consent::v1::CheckRequest> asked;  // in order

  Task<absl::StatusOr<consent::v1::CheckResponse>> Check(consent::v1::CheckRequest request) {
    asked.push_back(request);
    if (!down.ok()) {
      co_return down;
    }
    consent::v1::CheckResponse response;
    response.set_revision(log_.Revision(answers_at.value_or(log_.state().size)));
    response.set_decision(permits(request) ? common::v1::DECISION_PERMIT : common::v1::DECISION_DENY);
    if (response.decision() == common::v1::DECISION_PERMIT) {
      response.set_ground(ground.value_or(request.has_stated_ground() ? request.stated_ground().ground()
                                                                      : common::v1::GROUND_AGREEMENT));
      if (!request.dry_run()) {
        response.mutable_permit()->set_permit_id("permit-" + std::to_string(asked.size()));
        *response.mutable_permit()->mutable_expires() = ToProto(sim_.Now() + absl::Seconds(60));
      }
    } else {
      response.set_reason(reason);
      response.set_next_step("demandez-lui / ask her");
    }
    if (delay > absl::ZeroDuration()) {
      co_await Sleep(sim_, delay);
    }
    co_return response;
  }
  std::vector<std::string> acknowledged;  // erasures
  Task<absl::StatusOr<consent::v1::AcknowledgeErasureResponse>> Acknowledge(
      consent::v1::AcknowledgeErasureRequest request) {
    CO_RETURN_IF_ERROR(down);
    acknowledged.push_back(request.erasure_id());
    co_return consent::v1::AcknowledgeErasureResponse();
  }
  [[nodiscard]] size_t recorded() const {
    return static_cast<size_t>(
        std::count_if(asked.begin(), asked.end(), [](const auto& q) { return !q.dry_run(); }));
  }

 private:
  relais::testing::SimExecutor& sim_;
  audit::Log& log_;
};

/// A subscription's client: what it says, what it got.
class ScriptedStream final : public InboxHandlers::SubscribeStream {
 public:
  explicit ScriptedStream(Executor& executor) : executor_(executor) {}

  void Say(v1::SubscribeRequest request) { to_read_.push_back(std::move(request)); }
  void Open(const std::string& desk, uint32_t max_in_flight) {
    v1::SubscribeRequest request;
    request.mutable_open()->set_desk(desk);
    request.mutable_open()->set_max_in_flight(max_in_flight);
    Say(std::move(request));
  }
  void Ack(const std::string& message) {
    v1::SubscribeRequest request;
    request.set_ack(message);
    Say(std::move(request));
  }
  void Nack(const std::string& message) {
    v1::SubscribeRequest request;
    request.set_nack(message);
    Say(std::move(request));
  }
  void HangUp() { finished_ = true; }

  Task<std::optional<v1::SubscribeRequest>> Read() override {
    while (to_read_.empty() && !finished_) {
      co_await Sleep(executor_, absl::Milliseconds(20));
    }
    if (to_read_.empty()) {
      co_return std::nullopt;
    }
    v1::SubscribeRequest next = std::move(to_read_.front());
    to_read_.pop_front();
    co_return next;
  }
  Task<bool> Write(v1::SubscribeResponse response) override {
    got.push_back(std::move(*response.mutable_message()));
    co_return !finished_;
  }
  [[nodiscard]] bool cancelled() const override { return finished_; }

  std::vector<v1::Message> got;

 private:
  Executor& executor_;
  std::deque<v1::SubscribeRequest> to_read_;
  bool finished_ = false;
};

/// 2026-11-03, 11:00 in Paris: a Tuesday, desks are open.
inline absl::Time StoryStart() {
  return absl::FromCivil(absl::CivilHour(2026, 11, 3, 10), absl::UTCTimeZone());
}

class World final : public rpc::testing::SimulatedService<Service> {
 public:
  /// `make_store`: as in SimulatedOptions.
  explicit World(uint64_t seed = 1, Settings settings = {},
                 decltype(rpc::testing::SimulatedOptions::make_store) make_store = {})
      : SimulatedService({.service = "routing",
                          .seed = seed,
                          .start = StoryStart(),
                          .senders = {},
                          .make_store = std::move(make_store)}),
        settings_(settings),
        consent_log_(sim(), LogOf("consent", 1)),
        alerting_log_(sim(), LogOf("alerting", 2)),
        vault_log_(sim(), LogOf("vault", 3)),
        consent(sim(), consent_log_.log()) {
    Open();
  }
  ~World() override { Close(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  PeerLog& consent_log() { return consent_log_; }
  PeerLog& alerting_log() { return alerting_log_; }
  PeerLog& vault_log() { return vault_log_; }

  rpc::Call As(const std::string& institution, const std::string& system,
               const std::string& agent = "agent-1") const {
    rpc::Call call = CallOf(institution);
    call.caller.system = system;
    call.caller.agent = agent;
    call.caller.function = "assistant-social";
    return call;
  }
  rpc::Call Dsol(const std::string& agent = "agent-1") const { return As("ville-paris", "dsol", agent); }

  static Id128 Person(uint64_t number) { return audit::testing::Person(number).id; }
  common::v1::PersonRef Handle(const std::string& institution, uint64_t person) const {
    return rpc::HandleFor(context(), institution, Person(person));
  }

  /// A note of the hospital about a person, for the desk of her arrondissement.
  v1::SubmitRequest Note(const std::string& request_id, uint64_t person = 1,
                         const std::string& desk = "dsol-75113") const {
    v1::SubmitRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = Handle("aphp", person);
    request.mutable_sender()->set_institution("aphp");
    request.set_purpose("SOCIAL_ASSESSMENT");
    request.add_categories("IDENTITY");
    request.mutable_content()->mutable_note()->set_text("sortie prévue " + request_id);
    request.set_desk(desk);
    request.set_urgency(v1::URGENCY_CONCERN);
    return request;
  }
  absl::StatusOr<v1::SubmitResponse> Submit(const v1::SubmitRequest& request) {
    return Run(service().routing().Submit(As("aphp", "pass"), request));
  }
  /// Submits a note that must pass, and lets it reach the inbox.
  std::string MustSubmit(const std::string& request_id, uint64_t person = 1,
                         const std::string& desk = "dsol-75113") {
    const auto response = Submit(Note(request_id, person, desk));
    Require(response.status());
    Settle();
    return response->message_id();
  }
  absl::StatusOr<v1::PullResponse> TryPull(const std::string& desk = "dsol-75113") {
    v1::PullRequest request;
    request.set_desk(desk);
    return Run(service().inboxes().Pull(Dsol(), request));
  }
  std::vector<v1::Message> Pull(const std::string& desk = "dsol-75113") {
    const auto response = TryPull(desk);
    Require(response.status());
    return {response->messages().begin(), response->messages().end()};
  }
  absl::Status Ack(const std::string& message, std::optional<rpc::Call> call = std::nullopt) {
    v1::AckRequest request;
    request.set_message_id(message);
    return Run(service().inboxes().Ack(call.value_or(Dsol()), request)).status();
  }
  absl::StatusOr<v1::NackResponse> Nack(const std::string& message) {
    v1::NackRequest request;
    request.set_message_id(message);
    return Run(service().inboxes().Nack(Dsol(), request));
  }
  absl::StatusOr<v1::TakeResponse> Take(const std::string& message,
                                        std::optional<rpc::Call> call = std::nullopt) {
    v1::TakeRequest request;
    request.set_request_id("take-" + message.substr(0, 8));
    request.set_message_id(message);
    return Run(service().inboxes().Take(call.value_or(Dsol()), request));
  }
  std::vector<v1::Waiting> Waiting(const std::string& desk = "dsol-75113") {
    v1::ListByDeskRequest request;
    request.set_desk(desk);
    const auto response = Run(service().inboxes().ListByDesk(Dsol(), request));
    Require(response.status());
    return {response->messages().begin(), response->messages().end()};
  }

  /// She withdraws, in consent's log.
  void Withdraws(uint64_t person) {
    consent_log_.Append(audit::testing::SubjectEvent(audit::testing::Person(person),
                                                     audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN));
  }
  void CutConsentLog(bool cut) { cut_ = cut; }

 private:
  std::unique_ptr<Service> Make(const rpc::ServiceContext& context) override {
    Peers peers;
    peers.check = [this](consent::v1::CheckRequest request, absl::Duration /*timeout*/) {
      return consent.Check(std::move(request));
    };
    peers.acknowledge_erasure = [this](consent::v1::AcknowledgeErasureRequest request, absl::Duration) {
      return consent.Acknowledge(std::move(request));
    };
    Archive archive = [](uint64_t) -> absl::StatusOr<SignedVersion> { return absl::NotFoundError("none"); };
    return std::make_unique<Service>(
        context, std::move(peers), settings_, *calendar::Paris::Load(), std::move(archive),
        std::make_unique<CuttableTail>(consent_log_.log(), cut_), audit::LocalSource(alerting_log_.log()),
        audit::LocalSource(vault_log_.log()));
  }

  const Settings settings_;
  PeerLog consent_log_;
  PeerLog alerting_log_;
  PeerLog vault_log_;
  bool cut_ = false;

 public:
  FakeConsent consent;
};

}  // namespace relais::routing::testing
