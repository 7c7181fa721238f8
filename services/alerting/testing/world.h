// The alerting service in virtual time: its own log and store; consent and routing that do as told; and their
// logs, which are real ones.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/feeds/testing/sample_rows.h"
#include "common/rpc/testing/simulated_service.h"
#include "common/rpc/validate.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/alerting/rows.h"
#include "services/alerting/service.h"

namespace relais::alerting::testing {

using feeds::EdfColumn;
using feeds::testing::Changes;
using rpc::testing::PeerLog;

/// What peers were asked, and what they say. As with the real ones what was pulled back before it came is
/// refused. A request id that comes again gets the same answer and counts once, and a request that breaks a
/// rule of its fields is refused, as with the real ones.
class FakePeers {
 public:
  FakePeers() {
    for (const auto* type :
         {consent::v1::RegisterRequest::descriptor(), consent::v1::RecordConsentRequest::descriptor(),
          consent::v1::DeclareRequest::descriptor(), routing::v1::ResolveRequest::descriptor(),
          routing::v1::SubmitRequest::descriptor(), routing::v1::PullBackRequest::descriptor()}) {
      rules_ok_ = rules_ok_ && rules_.Prepare(type).ok();
    }
  }

  absl::Status consent_down;
  absl::Status routing_down;
  absl::Status grounds_refused;  // agreements and emergencies
  bool permits = true;
  bool referent = true;  // she has one
  std::string desk = "dsol-75113";
  std::string institution = "ville-paris";

  std::vector<consent::v1::RegisterRequest> registered;
  std::vector<consent::v1::RecordConsentRequest> agreements;
  std::vector<consent::v1::RecordObjectionRequest> objections;
  std::vector<consent::v1::DeclareRequest> emergencies;
  std::vector<routing::v1::SubmitRequest> submitted;      // accepted ones, in order, each once
  std::vector<routing::v1::PullBackRequest> pulled_back;  // in order, repetitions too
  bool answers_late = false;  // of submissions: each comes once `LateOnesCome` is called
  bool answers_lost = false;  // of submissions: each comes, and who made it does not hear of it
  std::vector<routing::v1::TakeRequest> taken;
  std::vector<std::string> acknowledged;  // erasures
  size_t repeated = 0;                    // calls that had been made before

  Task<absl::StatusOr<consent::v1::RegisterResponse>> Register(consent::v1::RegisterRequest request) {
    CO_RETURN_IF_ERROR(consent_down);
    CO_RETURN_IF_ERROR(Valid(request));
    CO_ASSIGN_OR_RETURN(const bool fresh, Fresh("register", request.request_id(), request));
    if (fresh) {
      registered.push_back(request);
    }
    consent::v1::RegisterResponse response;
    response.mutable_person()->set_person_id(PersonOf(request.sender_record()));
    co_return response;
  }
  Task<absl::StatusOr<consent::v1::RecordConsentResponse>> RecordConsent(
      consent::v1::RecordConsentRequest request) {
    CO_RETURN_IF_ERROR(consent_down);
    CO_RETURN_IF_ERROR(Valid(request));
    CO_RETURN_IF_ERROR(grounds_refused);
    CO_ASSIGN_OR_RETURN(const bool fresh, Fresh("consent", request.request_id(), request));
    if (fresh) {
      agreements.push_back(std::move(request));
    }
    co_return consent::v1::RecordConsentResponse();
  }
  Task<absl::StatusOr<consent::v1::RecordObjectionResponse>> RecordObjection(
      consent::v1::RecordObjectionRequest request) {
    CO_RETURN_IF_ERROR(consent_down);
    CO_ASSIGN_OR_RETURN(const bool fresh, Fresh("objection", request.request_id(), request));
    if (fresh) {
      objections.push_back(std::move(request));
    }
    co_return consent::v1::RecordObjectionResponse();
  }
  Task<absl::StatusOr<consent::v1::DeclareResponse>> Declare(consent::v1::DeclareRequest request) {
    CO_RETURN_IF_ERROR(consent_down);
    CO_RETURN_IF_ERROR(Valid(request));
    CO_RETURN_IF_ERROR(grounds_refused);
    CO_ASSIGN_OR_RETURN(const bool fresh, Fresh("declare", request.request_id(), request));
    if (fresh) {
      emergencies.push_back(std::move(request));
    }
    co_return consent::v1::DeclareResponse();
  }
  Task<absl::StatusOr<routing::v1::ResolveResponse>> Resolve(routing::v1::ResolveRequest request) {
    CO_RETURN_IF_ERROR(routing_down);
    CO_RETURN_IF_ERROR(Valid(request));
    routing::v1::ResolveResponse response;
    response.set_territory_institution(institution);
    response.set_territory_desk(desk);
    co_return response;
  }
  Task<absl::StatusOr<routing::v1::SubmitResponse>> Submit(routing::v1::SubmitRequest request) {
    CO_RETURN_IF_ERROR(routing_down);
    CO_RETURN_IF_ERROR(Valid(request));
    if (request.exercise() == request.has_person()) {
      co_return rpc::InvalidField("person", "is required, but for an exercise");
    }
    if (!referent && request.audience().kind() == routing::v1::Audience::KIND_REFERENT) {
      co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_NOT_PERMITTED,
                             "the directory has no desk for this");
    }
    if (!permits) {
      co_return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED,
                             "no");
    }
    if (answers_late) {
      late_.push_back(std::move(request));
      co_return absl::DeadlineExceededError("late");
    }
    for (const routing::v1::PullBackRequest& before : pulled_back) {
      if (before.submitted_as() == request.request_id() && !messages_.contains(request.request_id())) {
        co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_NOT_PERMITTED,
                               "pulled back before it came");
      }
    }
    CO_ASSIGN_OR_RETURN(const bool fresh, Fresh("submit", request.request_id(), request));
    routing::v1::SubmitResponse response;
    if (fresh) {
      messages_[request.request_id()] = audit::testing::Person(10000 + submitted.size()).id.ToHex();
      submitted.push_back(request);
    }
    response.set_message_id(messages_[request.request_id()]);
    response.set_desk(desk);
    response.mutable_recipient()->set_institution(institution);
    if (answers_lost) {
      co_return absl::DeadlineExceededError("lost");
    }
    co_return response;
  }
  Task<absl::StatusOr<consent::v1::AcknowledgeErasureResponse>> Acknowledge(
      consent::v1::AcknowledgeErasureRequest request) {
    CO_RETURN_IF_ERROR(consent_down);
    acknowledged.push_back(request.erasure_id());
    co_return consent::v1::AcknowledgeErasureResponse();
  }
  Task<absl::StatusOr<routing::v1::PullBackResponse>> PullBack(routing::v1::PullBackRequest request) {
    CO_RETURN_IF_ERROR(routing_down);
    CO_RETURN_IF_ERROR(Valid(request));
    pulled_back.push_back(std::move(request));
    co_return routing::v1::PullBackResponse();
  }
  Task<absl::StatusOr<routing::v1::TakeResponse>> Take(routing::v1::TakeRequest request) {
    CO_RETURN_IF_ERROR(routing_down);
    taken.push_back(std::move(request));
    co_return routing::v1::TakeResponse();
  }

  /// What was submitted and not answered comes now.
  Task<bool> LateOnesCome() {
    answers_late = false;
    bool any = false;
    std::vector<routing::v1::SubmitRequest> late = std::exchange(late_, {});
    for (routing::v1::SubmitRequest& request : late) {
      const auto sent = co_await Submit(std::move(request));
      any = any || sent.ok();
    }
    co_return any;
  }
  [[nodiscard]] std::string MessageOf(size_t number) const {
    return messages_.at(submitted.at(number).request_id());
  }
  /// The person of a sender record, repeatably.
  static std::string PersonOf(const std::string& record) {
    return crypto::Sha256("person of " + record).substr(0, Id128::kSize);
  }

 private:
  absl::Status Valid(const google::protobuf::Message& request) const {
    return rules_ok_ ? rules_.Check(request).status : absl::InternalError("rules that cannot be kept");
  }
  template <typename Request>
  absl::StatusOr<bool> Fresh(const std::string& method, const std::string& id, const Request& request) {
    const std::string content = request.SerializeAsString();
    const auto [at, fresh] = seen_.try_emplace(method + "/" + id, content);
    repeated += fresh ? 0 : 1;
    if (at->second != content) {
      return rpc::Refusal(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_REQUEST_ID_REUSED,
                          "reused");
    }
    return fresh;
  }
  rpc::Validator rules_;
  bool rules_ok_ = true;
  std::map<std::string, std::string> seen_;
  std::map<std::string, std::string> messages_;  // by request id
  std::vector<routing::v1::SubmitRequest> late_;
};

/// 2026-11-22, noon in Paris: the day for which common/feeds/testing has rows.
inline absl::Time StoryStart() {
  return absl::FromCivil(absl::CivilHour(2026, 11, 22, 11), absl::UTCTimeZone());
}

inline v1::FeedRow Wire(const feeds::RawRow& raw) {
  v1::FeedRow row;
  row.set_line(raw.line);
  if (!raw.json.empty()) {
    row.set_json(raw.json);
    return row;
  }
  for (const std::string& cell : raw.fields) {
    row.mutable_cells()->add_cells(cell);
  }
  return row;
}
inline v1::FeedRow Cut(const std::string& reference, Changes changes = {}) {
  feeds::RawRow raw = feeds::testing::EdfCut(changes);
  raw.fields[static_cast<size_t>(EdfColumn::kReference)] = reference;
  return Wire(raw);
}
inline v1::FeedRow Letter(const std::string& reference, Changes changes = {}) {
  feeds::RawRow raw = feeds::testing::EdfLetter(changes);
  raw.fields[static_cast<size_t>(EdfColumn::kReference)] = reference;
  return Wire(raw);
}
inline v1::FeedRow Payment(const std::string& reference, Changes changes = {}) {
  feeds::RawRow raw = feeds::testing::EdfPayment(changes);
  raw.fields[static_cast<size_t>(EdfColumn::kReference)] = reference;
  return Wire(raw);
}
inline v1::FeedRow Report(const std::string& reference,
                          nlohmann::json report = feeds::testing::BsppReport()) {
  report["reference"] = reference;
  return Wire(feeds::testing::BsppRaw(report));
}

class World final : public rpc::testing::SimulatedService<Service> {
 public:
  /// `make_store`: as in SimulatedOptions.
  explicit World(uint64_t seed = 1, decltype(rpc::testing::SimulatedOptions::make_store) make_store = {})
      : SimulatedService({.service = "alerting",
                          .seed = seed,
                          .start = StoryStart(),
                          .senders = {"edf", "engie", "bspp"},
                          .make_store = std::move(make_store)}),
        consent_log_(sim(), LogOf("consent", 1)),
        routing_log_(sim(), LogOf("routing", 2)),
        vault_log_(sim(), LogOf("vault", 3)) {
    Open();
  }
  ~World() override { Close(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  absl::Status takes_rows;  // while it fails the dispatcher, which is not here, would refuse them

  PeerLog& consent_log() { return consent_log_; }
  PeerLog& routing_log() { return routing_log_; }
  PeerLog& vault_log() { return vault_log_; }
  FakePeers& peers() { return peers_; }

  [[nodiscard]] rpc::Call As(const std::string& institution, const std::string& agent = "") const {
    rpc::Call call = CallOf(institution);
    call.caller.agent = agent;
    return call;
  }

  absl::StatusOr<v1::SubmitRowsResponse> TrySubmit(const std::string& sender, v1::FeedType type,
                                                   const std::vector<v1::FeedRow>& rows) {
    return Run(service().signals().SubmitRows(As(sender), RequestOf(type, rows)));
  }
  static v1::SubmitRowsRequest RequestOf(v1::FeedType type, const std::vector<v1::FeedRow>& rows) {
    v1::SubmitRowsRequest request;
    request.set_type(type);
    for (const v1::FeedRow& row : rows) {
      *request.add_rows() = row;
    }
    return request;
  }
  /// "ACCEPTED", "DUPLICATE", or the reason of a refusal, one per row.
  std::vector<std::string> Submit(const std::vector<v1::FeedRow>& rows, const std::string& sender = "edf") {
    const auto response = TrySubmit(sender, sender == "bspp" ? v1::FEED_TYPE_BSPP : v1::FEED_TYPE_EDF, rows);
    Require(response.status());
    return Outcomes(*response);
  }
  std::string SubmitOne(const v1::FeedRow& row, const std::string& sender = "edf") {
    return Submit({row}, sender).at(0);
  }
  static std::vector<std::string> Outcomes(const v1::SubmitRowsResponse& response) {
    std::vector<std::string> outcomes;
    for (const v1::RowResult& result : response.results()) {
      outcomes.push_back(result.outcome() == v1::OUTCOME_ACCEPTED    ? "ACCEPTED"
                         : result.outcome() == v1::OUTCOME_DUPLICATE ? "DUPLICATE"
                                                                     : result.reason());
    }
    return outcomes;
  }
  v1::Delivery::State DeliveryOf(const std::string& reference, const std::string& sender = "edf") {
    v1::ListDeliveriesRequest request;
    request.add_references(reference);
    const auto response = Run(service().signals().ListDeliveries(As(sender), request));
    Require(response.status());
    return response->deliveries(0).state();
  }
  std::vector<v1::Alert> Alerts(const std::string& desk = "dsol-75113",
                                const std::string& institution = "ville-paris") {
    v1::ListRequest request;
    request.set_desk(desk);
    const auto response = Run(service().alerts().List(As(institution), request));
    Require(response.status());
    return {response->alerts().begin(), response->alerts().end()};
  }

  template <typename Payload>
  void RoutingSays(audit::v1::EventClass event_class, const Payload& payload,
                   common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED) {
    audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(1), event_class);
    event.ground = ground;
    event.details.mutable_payload()->PackFrom(payload);
    routing_log_.Append(event);
    Settle();
  }
  /// Routing's log tells of the number-th message that was submitted.
  template <typename Payload>
  void Message(size_t number, audit::v1::EventClass event_class) {
    Payload payload;
    payload.set_message_id(peers_.MessageOf(number));
    payload.set_correlation(peers_.submitted.at(number).correlation());
    RoutingSays(event_class, payload);
  }
  void Delivered(size_t number, const std::string& desk = "dsol-75113") {
    routing::v1::MessageDelivered payload;
    payload.set_message_id(peers_.MessageOf(number));
    payload.set_correlation(peers_.submitted.at(number).correlation());
    payload.set_desk(desk);
    RoutingSays(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, payload);
  }
  void Taken(size_t number) {
    Message<routing::v1::MessageTaken>(number, audit::v1::EVENT_CLASS_MESSAGE_TAKEN);
  }

  /// An objection recorded (lifted) at a desk, in consent's log.
  void AtDesk(bool objects, const std::string& digest, const std::string& supplier = "edf") {
    audit::Event event = audit::testing::PlainEvent(objects ? audit::v1::EVENT_CLASS_OBJECTION_RECORDED
                                                            : audit::v1::EVENT_CLASS_OBJECTION_LIFTED);
    if (objects) {
      consent::v1::ObjectionRecorded payload;
      payload.set_supplier(supplier);
      payload.set_digest(digest);
      payload.set_key_version(1);
      event.details.mutable_payload()->PackFrom(payload);
    } else {
      consent::v1::ObjectionLifted payload;
      payload.set_supplier(supplier);
      payload.set_digest(digest);
      payload.set_key_version(1);
      event.details.mutable_payload()->PackFrom(payload);
    }
    consent_log_.Append(event);
    Settle();
  }
  /// The digest of the record of a row, as consent would compute it.
  std::string DigestOf(const v1::FeedRow& row, const std::string& sender = "edf") const {
    const auto form = feeds::JudgeForm(feeds::FeedType::kEdf, RawOf(v1::FEED_TYPE_EDF, row), {});
    const auto key = suppression().Current(sender);
    Require(key.status());
    return identity::RecordDigest(
        key->key, sender,
        {form.record->nom, form.record->prenoms, form.record->adresse, form.record->code_postal});
  }

  /// Refused rows by reason, as leaves count them.
  std::map<std::string, uint64_t> Refused() {
    std::map<std::string, uint64_t> refused;
    for (const audit::OpenedLeaf& leaf : Leaves()) {
      v1::SignalRefused payload;
      if (leaf.details.payload().UnpackTo(&payload)) {
        refused[payload.reason() + (payload.gated() ? "/gated" : "")] += payload.count();
      }
    }
    return refused;
  }

  /// Rows by reason that the sender's machine should have held back.
  std::map<std::string, uint64_t> Irregular() {
    std::map<std::string, uint64_t> irregular;
    for (const audit::OpenedLeaf& leaf : Leaves()) {
      v1::SignalRefused payload;
      if (leaf.details.payload().UnpackTo(&payload) && payload.irregular()) {
        irregular[payload.reason()] += payload.count();
      }
    }
    return irregular;
  }

 private:
  Peers MakePeers() {
    Peers peers;
    peers.register_person = [this](auto request, absl::Duration) {
      return peers_.Register(std::move(request));
    };
    peers.record_consent = [this](auto request, absl::Duration) {
      return peers_.RecordConsent(std::move(request));
    };
    peers.record_objection = [this](auto request, absl::Duration) {
      return peers_.RecordObjection(std::move(request));
    };
    peers.declare = [this](auto request, absl::Duration) { return peers_.Declare(std::move(request)); };
    peers.resolve = [this](auto request, absl::Duration) { return peers_.Resolve(std::move(request)); };
    peers.submit = [this](auto request, absl::Duration) { return peers_.Submit(std::move(request)); };
    peers.pull_back = [this](auto request, absl::Duration) { return peers_.PullBack(std::move(request)); };
    peers.take = [this](auto request, absl::Duration) { return peers_.Take(std::move(request)); };
    peers.acknowledge_erasure = [this](auto request, absl::Duration) {
      return peers_.Acknowledge(std::move(request));
    };
    return peers;
  }
  std::unique_ptr<Service> Make(const rpc::ServiceContext& context) override {
    return std::make_unique<Service>(context, MakePeers(), Settings(), *calendar::Paris::Load(),
                                     audit::LocalSource(consent_log_.log()),
                                     audit::LocalSource(routing_log_.log()),
                                     audit::LocalSource(vault_log_.log()), [this] { return takes_rows; });
  }

  PeerLog consent_log_;
  PeerLog routing_log_;
  PeerLog vault_log_;
  FakePeers peers_;
};

}  // namespace relais::alerting::testing
