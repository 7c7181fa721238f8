// The vault in virtual time: its own log and store, a consent registry that does as told, and that registry's
// log, which is a real one.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/start.h"
#include "common/base/proto_time.h"
#include "common/crypto/sha256.h"
#include "common/rpc/stream.h"
#include "common/rpc/testing/simulated_service.h"
#include "services/vault/events.h"
#include "services/vault/handlers/complete_upload.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/scanner.h"
#include "services/vault/service.h"

namespace relais::vault::testing {

using rpc::testing::PeerLog;

/// Consent's tail, which can be cut: then the lease runs out.
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

/// Permits as `permits` says, on the agreement that `agreement` names or on one of `others`: of those that
/// cover a category the one asked about, else the one that lasts longest. Remembers what it was asked.
class FakeConsent {
 public:
  FakeConsent(relais::testing::SimExecutor& sim, audit::Log& log) : sim_(sim), log_(log) {}

  std::function<bool(const consent::v1::CheckRequest&)> permits = [](const auto&) { return true; };
  std::string agreement =
      std::string(32, '7');  // 32 hexadecimal digits; empty: another ground than an agreement
  absl::Duration ground_lasts = absl::Hours(24 * 400);
  std::vector<std::string> covers;  // categories of `agreement`; none: all
  /// What else she agreed to.
  struct Agreement {
    std::string id;  // 32 hexadecimal digits
    absl::Duration lasts = absl::ZeroDuration();
    std::vector<std::string> covers = {};  // none: all
  };
  std::vector<Agreement> others;
  absl::Duration permit_lasts = absl::Seconds(60);
  absl::Status down;               // not OK: every call fails with it
  bool directory_expired = false;  // past its not_after: every check decides nothing
  // Not OK: that check fails with it.
  std::function<absl::Status(const consent::v1::CheckRequest&)> fails = [](const auto&) {
    return absl::OkStatus();
  };
  absl::Duration delay = absl::ZeroDuration();  // before the answer, after the decision
  std::vector<consent::v1::CheckRequest> asked;
  std::vector<std::string> acknowledged;  // erasures

  Task<absl::StatusOr<consent::v1::CheckResponse>> Check(consent::v1::CheckRequest request) {
    asked.push_back(request);
    if (!down.ok()) {
      co_return down;
    }
    const absl::Status failed = fails(request);
    if (!failed.ok()) {
      co_return failed;
    }
    consent::v1::CheckResponse response;
    response.set_revision(log_.Revision(log_.state().size));
    const bool no_no = !directory_expired && permits(request);
    bool permitted = no_no;
    for (const std::string& category : request.categories()) {
      const std::optional<Agreement> ground = no_no ? GroundOf(request, category) : std::nullopt;
      permitted = permitted && ground.has_value();
      consent::v1::CategoryDecision& decided = *response.add_categories();
      decided.set_category(category);
      decided.set_decision(ground.has_value() ? common::v1::DECISION_PERMIT : common::v1::DECISION_DENY);
      if (ground.has_value()) {
        decided.set_ground(ground->id.empty() ? common::v1::GROUND_TEAM : common::v1::GROUND_AGREEMENT);
        decided.set_consent_id(ground->id);
        *decided.mutable_expires() = ToProto(sim_.Now() + ground->lasts);
      }
    }
    response.set_decision(permitted ? common::v1::DECISION_PERMIT : common::v1::DECISION_DENY);
    if (!permitted) {
      response.set_reason(directory_expired ? consent::v1::REASON_DIRECTORY_EXPIRED
                                            : consent::v1::REASON_REFUSED);
    } else if (!request.dry_run()) {
      response.mutable_permit()->set_permit_id("permit-" + std::to_string(asked.size()));
      *response.mutable_permit()->mutable_expires() = ToProto(sim_.Now() + permit_lasts);
    }
    if (delay > absl::ZeroDuration()) {
      co_await Sleep(sim_, delay);
    }
    co_return response;
  }
  Task<absl::StatusOr<consent::v1::AcknowledgeErasureResponse>> Acknowledge(
      consent::v1::AcknowledgeErasureRequest request) {
    if (!down.ok()) {
      co_return down;
    }
    acknowledged.push_back(request.erasure_id());
    co_return consent::v1::AcknowledgeErasureResponse();
  }
  [[nodiscard]] size_t recorded() const {
    return static_cast<size_t>(
        std::count_if(asked.begin(), asked.end(), [](const auto& q) { return !q.dry_run(); }));
  }

 private:
  // Without an id: another ground than an agreement. nullopt: there is none.
  [[nodiscard]] std::optional<Agreement> GroundOf(const consent::v1::CheckRequest& request,
                                                  const std::string& category) const {
    Agreement first{agreement, ground_lasts, covers};
    if (first.id.empty()) {
      return first;
    }
    std::vector<Agreement> all = others;
    all.push_back(std::move(first));
    std::optional<Agreement> longest;
    for (const Agreement& one : all) {
      const bool covered =
          one.covers.empty() || std::find(one.covers.begin(), one.covers.end(), category) != one.covers.end();
      const bool looked_at = request.consent_id().empty() || request.consent_id() == one.id;
      if (covered && looked_at && (!longest.has_value() || one.lasts > longest->lasts)) {
        longest = one;
      }
    }
    return longest;
  }

  relais::testing::SimExecutor& sim_;
  audit::Log& log_;
};

/// A download's or export's client: takes what comes, as fast as `each` lets it.
template <typename Response>
class Collected final : public rpc::Writer<Response> {
 public:
  explicit Collected(Executor& executor) : executor_(executor) {}

  absl::Duration each = absl::ZeroDuration();  // how long a message takes to go
  std::vector<Response> got;
  absl::Status ended;  // by End
  void HangUp() { gone_ = true; }

  Task<bool> Write(Response response) override {
    if (each > absl::ZeroDuration()) {
      co_await Sleep(executor_, each);
    }
    if (cancelled()) {
      co_return false;
    }
    got.push_back(response);
    written_ = std::move(response);
    co_return true;
  }
  [[nodiscard]] Response TakeWritten() override { return std::exchange(written_, Response()); }
  [[nodiscard]] bool cancelled() const override { return gone_ || !ended.ok(); }
  void End(absl::Status why) override {
    if (ended.ok()) {
      ended = std::move(why);
    }
  }

 private:
  Executor& executor_;
  Response written_;
  bool gone_ = false;
};

/// An upload's client: what it says, in order; then it ends the stream, or hangs up.
class ScriptedUpload final : public rpc::Reader<v1::UploadRequest> {
 public:
  void Say(v1::UploadRequest request) { to_read_.push_back(std::move(request)); }
  void Open(const common::v1::PersonRef& person, const std::string& upload, uint64_t offset) {
    v1::UploadRequest request;
    *request.mutable_open()->mutable_person() = person;
    request.mutable_open()->set_upload_id(upload);
    request.mutable_open()->set_offset(offset);
    Say(std::move(request));
  }
  /// In messages of `each` bytes at most.
  void Send(std::string_view bytes, size_t each = 262144) {
    for (size_t at = 0; at < bytes.size(); at += each) {
      v1::UploadRequest request;
      request.set_data(std::string(bytes.substr(at, each)));
      Say(std::move(request));
    }
  }
  /// After what was said the client is gone rather than done.
  void ThenHangUp() { hangs_up_ = true; }

  Task<std::optional<v1::UploadRequest>> Read() override {
    if (to_read_.empty()) {
      gone_ = hangs_up_;
      co_return std::nullopt;
    }
    v1::UploadRequest next = std::move(to_read_.front());
    to_read_.pop_front();
    co_return next;
  }
  [[nodiscard]] bool cancelled() const override { return gone_; }

 private:
  std::deque<v1::UploadRequest> to_read_;
  bool hangs_up_ = false;
  bool gone_ = false;
};

/// Says what it is told.
class FakeScanner final : public Scanner {
 public:
  struct Told {
    absl::StatusOr<ScanVerdict> verdict = ScanVerdict::kClean;
    uint64_t bytes = 0;  // of the last text that was looked at
    int scans = 0;
  };
  explicit FakeScanner(Told& told) : told_(told) {}
  Task<absl::StatusOr<ScanVerdict>> Scan(NextBytes next) const override {
    told_.bytes = 0;
    ++told_.scans;
    for (;;) {
      const absl::StatusOr<std::string> bytes = next();
      if (!bytes.ok()) {
        co_return bytes.status();
      }
      if (bytes->empty()) {
        co_return told_.verdict;
      }
      told_.bytes += bytes->size();
    }
  }

 private:
  Told& told_;
};

/// 2026-11-03, 11:00 in Paris.
inline absl::Time StoryStart() {
  return absl::FromCivil(absl::CivilHour(2026, 11, 3, 10), absl::UTCTimeZone());
}

/// A text that is recognised as a PDF, `size` bytes of it (at least 16); another `seed`, another text.
inline std::string Pdf(size_t size, uint8_t seed = 0) {
  std::string text = "%PDF-1.7\n";
  while (text.size() < size) {
    text += static_cast<char>('a' + (text.size() * 7 + seed + text.size() / 251) % 26);
  }
  text.resize(size);
  return text;
}

/// Her host is `ville-paris` unless a test says otherwise; papers are shared with `caf`.
inline constexpr char kHost[] = "ville-paris";
inline constexpr char kReader[] = "caf";

class World final : public rpc::testing::SimulatedService<Service> {
 public:
  struct Options {
    uint64_t seed = 1;
    Settings settings = {};
    bool scanner = false;
    bool with_consent = true;  // false: configured without its log
    // As in SimulatedOptions.
    std::function<absl::StatusOr<std::unique_ptr<storage::Store>>(Executor&, storage::Sequencer&)>
        make_store = {};
    std::string published_path = {};
  };
  World() : World(Options()) {}
  explicit World(Options options)
      : SimulatedService({.service = "vault",
                          .seed = options.seed,
                          .start = StoryStart(),
                          .senders = {},
                          .make_store = options.make_store,
                          .published_path = options.published_path}),
        options_(std::move(options)),
        consent_log_(sim(), LogOf("consent", 1)),
        consent(sim(), consent_log_.log()) {
    Open();
  }
  ~World() override { Close(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  PeerLog& consent_log() { return consent_log_; }
  const Vault& vault() { return service().vault(); }
  const VaultStore& store() { return vault().store; }

  [[nodiscard]] rpc::Call As(const std::string& institution,
                             const std::string& function = "assistant-social") const {
    rpc::Call call = CallOf(institution);
    call.caller.system = "portal";
    call.caller.agent = "agent-1";
    call.caller.function = function;
    call.caller.reason = "test";
    return call;
  }
  static Id128 Person(uint64_t number) { return audit::testing::Person(number).id; }
  [[nodiscard]] common::v1::PersonRef Handle(const std::string& institution, uint64_t person) const {
    return rpc::HandleFor(context(), institution, Person(person));
  }

  /// Consent's log is (not) reachable: the lease is lost once 2 s passed (Settle).
  void CutConsentLog(bool cut) { cut_ = cut; }
  /// A leaf of consent's log about her, with a payload.
  template <typename Payload>
  void ConsentSays(uint64_t person, audit::v1::EventClass event_class, const Payload& payload) {
    audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(person), event_class);
    event.details.mutable_payload()->PackFrom(payload);
    consent_log_.Append(event);
  }

  /// Makes `institution` her host until `until`, by the row itself (HostService is not asked).
  void Host(uint64_t person, const std::string& institution = kHost,
            absl::Duration lasts = absl::Hours(24 * 365)) {
    v1::StoredHost host;
    host.set_consent(Id128::FromHex(consent.agreement).value().ToBytes());
    host.set_purpose("RIGHTS_OPENING");
    *host.mutable_since() = ToProto(sim().Now());
    *host.mutable_until() = ToProto(sim().Now() + lasts);
    host.set_state(v1::Host::STATE_ACTIVE);
    storage::CommitRequest commit;
    const auto before = store().Host(Person(person), institution);
    Require(before.status());
    Require(store().PutHost(Person(person), institution, {host, before->has_value() ? (*before)->version : 0},
                            commit));
    const rpc::Call call = As(institution);
    const rpc::Actor actor{institution, call.caller.function, call.caller.agent};
    MustCommit(std::move(commit), HostEvent({call, actor, "", Person(person), kAsHost}, institution, host));
  }

  struct Deposited {
    std::string document;  // 32 hexadecimal digits
    std::string upload;
    uint32_t version = 0;
  };
  [[nodiscard]] v1::BeginUploadRequest Begin(uint64_t person, const std::string& request_id, uint64_t size,
                                             v1::DocumentType type = v1::DOCUMENT_TYPE_TAX_NOTICE,
                                             const std::string& institution = kHost) const {
    v1::BeginUploadRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = Handle(institution, person);
    request.mutable_description()->set_type(type);
    request.mutable_description()->set_title("avis " + request_id);
    request.set_size(size);
    return request;
  }
  absl::StatusOr<v1::BeginUploadResponse> TryBegin(const v1::BeginUploadRequest& request,
                                                   const std::string& institution = kHost) {
    return Run(service().uploads().BeginUpload(As(institution), request));
  }
  /// Sends `bytes` from `offset` on in one stream.
  absl::StatusOr<v1::UploadResponse> TrySend(uint64_t person, const std::string& upload, uint64_t offset,
                                             std::string_view bytes, const std::string& institution = kHost) {
    auto stream = std::make_shared<ScriptedUpload>();
    stream->Open(Handle(institution, person), upload, offset);
    stream->Send(bytes);
    return Run(service().uploads().Upload(As(institution), stream));
  }
  absl::StatusOr<v1::CompleteUploadResponse> TryComplete(uint64_t person, const std::string& request_id,
                                                         const std::string& upload, std::string_view bytes,
                                                         const std::string& institution = kHost) {
    v1::CompleteUploadRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = Handle(institution, person);
    request.set_upload_id(upload);
    request.set_sha256(crypto::Sha256(bytes));
    return Run(service().completing().CompleteUpload(As(institution), request));
  }
  /// Deposits a text through her host and lets followers work. `later_of` empty: a new paper.
  Deposited MustDeposit(uint64_t person, std::string_view bytes,
                        v1::DocumentType type = v1::DOCUMENT_TYPE_TAX_NOTICE,
                        const std::string& institution = kHost, const std::string& later_of = "") {
    const std::string number = std::to_string(++deposits_);
    v1::BeginUploadRequest begin = Begin(person, "begin-" + number, bytes.size(), type, institution);
    begin.set_document_id(later_of);
    const auto begun = TryBegin(begin, institution);
    Require(begun.status());
    if (!bytes.empty()) {
      Require(TrySend(person, begun->upload().upload_id(), 0, bytes, institution).status());
    }
    const auto completed =
        TryComplete(person, "complete-" + number, begun->upload().upload_id(), bytes, institution);
    Require(completed.status());
    Settle();
    return {completed->document().document_id(), begun->upload().upload_id(), completed->version()};
  }

  /// Shares a paper (or, `document` empty, a type) with an institution, by the row itself. Returns the
  /// share's id, hex. `on`: the agreement, else consent's.
  std::string Share(uint64_t person, const std::string& document, const std::string& recipient = kReader,
                    absl::Duration lasts = absl::Hours(24 * 30),
                    v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED, const std::string& on = "") {
    v1::StoredShare share;
    if (!document.empty()) {
      share.set_document(Id128::FromHex(document).value().ToBytes());
    }
    share.set_type(type);
    share.mutable_recipient()->set_institution(recipient);
    share.set_purpose("RIGHTS_OPENING");
    *share.mutable_since() = ToProto(sim().Now());
    *share.mutable_until() = ToProto(sim().Now() + lasts);
    share.set_consent(Id128::FromHex(on.empty() ? consent.agreement : on).value().ToBytes());
    share.mutable_shared_by()->set_institution(kHost);
    share.set_state(v1::Share::STATE_ACTIVE);
    const Id128 id = context().random.Id();
    storage::CommitRequest commit;
    Require(store().PutShare(Person(person), id, {share, 0}, commit));
    const rpc::Call call = As(kHost);
    const rpc::Actor actor{kHost, call.caller.function, call.caller.agent};
    MustCommit(std::move(commit), ShareEvent({call, actor, "", Person(person), kAsHost}, id, share));
    Settle();
    return id.ToHex();
  }

  /// Commits with one leaf.
  void MustCommit(storage::CommitRequest commit, const audit::Event& event) {
    auto draft = context().log.Draft(event);
    Require(draft.status());
    commit.leaves.push_back(*std::move(draft));
    Require(Run(context().store.Commit(std::move(commit))).status());
  }
  /// The paper as stored; ends the test program when there is none.
  v1::StoredDocument Document(uint64_t person, const std::string& document) {
    auto stored = store().Document(Person(person), Id128::FromHex(document).value());
    Require(stored.status());
    Require(stored->has_value() ? absl::OkStatus() : absl::NotFoundError("no such paper"));
    return (*stored)->value;
  }
  v1::StoredUsage Usage(uint64_t person) {
    auto usage = store().Usage(Person(person));
    Require(usage.status());
    return usage->value;
  }

 private:
  std::unique_ptr<Service> Make(const rpc::ServiceContext& context) override {
    Peers peers;
    peers.check = [this](consent::v1::CheckRequest request, absl::Duration /*timeout*/) {
      return consent.Check(std::move(request));
    };
    peers.acknowledge_erasure = [this](consent::v1::AcknowledgeErasureRequest request, absl::Duration) {
      return consent.Acknowledge(std::move(request));
    };
    auto made = std::make_unique<Service>(
        context, std::move(peers), options_.settings, *calendar::Paris::Load(),
        std::make_unique<RingEpochKeys>(harness().ring(), context.random),
        options_.scanner ? std::make_unique<FakeScanner>(scanner) : nullptr,
        options_.with_consent ? std::make_unique<CuttableTail>(consent_log_.log(), cut_) : nullptr);
    BeforeStart(context, *made);
    return made;
  }

  // As the runtime. What fails keeps it from starting: Start refuses.
  void BeforeStart(const rpc::ServiceContext& context, Service& made) {
    if (context.log.lost().has_value()) {
      Run(audit::RecordContinued(context.log, context.store, "service/vault", directory().version()))
          .IgnoreError();
    }
    Run(made.EndRestored()).IgnoreError();
  }

  const Options options_;
  PeerLog consent_log_;
  bool cut_ = false;
  int deposits_ = 0;

 public:
  FakeConsent consent;
  FakeScanner::Told scanner;
};

}  // namespace relais::vault::testing
