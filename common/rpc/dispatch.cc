#include "common/rpc/dispatch.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

std::string MetadataOf(const grpc::CallbackServerContext& context, const char* key) {
  const auto at = context.client_metadata().find(key);
  return at == context.client_metadata().end() ? std::string()
                                               : std::string(at->second.data(), at->second.size());
}

AgentMetadata AgentOf(const grpc::CallbackServerContext& context) {
  AgentMetadata metadata;
  metadata.agent = MetadataOf(context, "relais-agent");
  metadata.function = MetadataOf(context, "relais-function");
  metadata.reason = MetadataOf(context, "relais-reason-bin");
  if (metadata.reason.empty()) {
    metadata.reason = MetadataOf(context, "relais-reason");
  }
  return metadata;
}

// Time left; nullopt when the client set no deadline.
std::optional<absl::Duration> TimeLeft(const grpc::CallbackServerContext& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return std::nullopt;
  }
  return absl::FromChrono(deadline - std::chrono::system_clock::now());
}

bool FromBelow(const absl::Status& status) {
  return !status.ok() && ReasonOf(status) == common::v1::ERROR_REASON_UNSPECIFIED &&
         status.code() != absl::StatusCode::kCancelled &&
         status.code() != absl::StatusCode::kDeadlineExceeded;
}

absl::Status Stopping() {
  return Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_STORE_FAILED,
                 "this service is starting or stopping");
}

// The codes that only our own code gives, without input in the text.
log::Field Shown(const absl::Status& status) {
  const bool own = status.code() == absl::StatusCode::kDataLoss ||
                   status.code() == absl::StatusCode::kUnavailable ||
                   status.code() == absl::StatusCode::kInternal;
  return own ? log::Field::Internal(status) : log::Field::Code(status);
}

}  // namespace

Dispatcher::Dispatcher(const ServiceContext& context, Authenticator& authenticator, DispatchOptions options)
    : context_(context),
      authenticator_(authenticator),
      options_(std::move(options)),
      id_prefix_(crypto::HexEncode(context.random.Bytes(4)) + "-"),
      calls_(options_.max_calls, std::max(1, options_.max_calls / 2), options_.for_services),
      streams_(options_.max_streams, std::max(1, options_.max_streams / 2), options_.for_services),
      awaited_(options_.max_refused_streams, options_.max_refused_streams_each),
      untaken_(context_.executor, context_.clock, options_.untaken) {}

absl::Status Dispatcher::AddService(std::string_view service) {
  if (metrics_ != nullptr) {
    return absl::FailedPreconditionError("methods are added before they are measured");
  }
  added_.insert(std::string(service));
  RETURN_IF_ERROR(methods_.AddService(service, validator_));
  while (entered_.size() < methods_.methods().size()) {
    entered_.emplace_back(false);
  }
  return absl::OkStatus();
}

void Dispatcher::SetMetrics(telemetry::ServiceMetrics* metrics) {
  metrics_ = metrics;
  ok_series_.assign(methods_.methods().size(), 0);
  for (const auto& [name, method] : methods_.methods()) {
    ok_series_[method.number] = metrics->OkSeriesOf(name);
  }
}

std::vector<const Method*> Dispatcher::MethodsOf(std::string_view service) const {
  std::vector<const Method*> found;
  for (const auto& [name, method] : methods_.methods()) {
    if (method.descriptor->service()->full_name() == service) {
      found.push_back(&method);
    }
  }
  return found;
}

bool Dispatcher::Authenticates(std::string_view path) const {
  // The whole of it: a path that differs in one letter is another, which gRPC answers by itself.
  const Method* method = path.rfind('/', 0) == 0 ? methods_.Find(path.substr(1)) : nullptr;
  return method != nullptr && entered_[method->number].load(std::memory_order_relaxed);
}

void Dispatcher::NoteBound(std::string_view service) { bound_.insert(std::string(service)); }

absl::Status Dispatcher::AllBoundAreAdded() const {
  for (const std::string& service : bound_) {
    if (!added_.contains(service)) {
      return absl::InternalError(absl::StrCat("the methods of ", service, " are served but were not added"));
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> Dispatcher::MethodNames() const {
  std::vector<std::string> names;
  for (const auto& [name, method] : methods_.methods()) {
    names.push_back(name);
  }
  return names;
}

Dispatcher::Opened Dispatcher::Open(const grpc::CallbackServerContext& context, const Method* method,
                                    Bound& bound, const google::protobuf::Message* message, Comes comes) {
  Opened opened{{}, Call(), std::nullopt};
  Record& record = opened.record;
  record.method = method;
  record.started = context_.clock.Monotonic();
  record.id = absl::StrCat(id_prefix_, next_call_.fetch_add(1, std::memory_order_relaxed));
  if (record.method == nullptr) {
    opened.call = absl::InternalError("a method is served that was not added");
    return opened;
  }
  if (std::atomic<bool>& entered = entered_[method->number]; !entered.load(std::memory_order_relaxed)) {
    entered.store(true, std::memory_order_relaxed);
  }
  if (!bound.Take()) {
    opened.call = Overloaded(options_.retry_after);
    return opened;
  }
  record.admitted = true;
  if (metrics_ != nullptr) {
    metrics_->calls_in_flight.Add({}, 1);
  }
  opened.call = Admit(context, opened, bound, message, comes);
  if (opened.call.ok() && record.method->policy.audited()) {
    record.caller = opened.call->caller.Name();
    record.certificate = opened.call->caller.certificate;
  }
  return opened;
}

absl::StatusOr<Call> Dispatcher::Admit(const grpc::CallbackServerContext& context, Opened& opened,
                                       Bound& bound, const google::protobuf::Message* message, Comes comes) {
  Record& record = opened.record;
  // First: whoever is nobody learns nothing else. MakeAuthProcessor leaves it to this (Authenticates).
  const std::string pem = PeerCertificatePem(*context.auth_context());
  Authenticator::Outcome peer = authenticator_.Authenticate(pem);
  if (!peer.caller.ok()) {
    NoteUnauthenticated(peer.peer, "/" + record.method->name);
    return peer.caller.status();
  }
  RETURN_IF_ERROR(CheckReady(*record.method));
  Call call;
  call.caller = *std::move(peer.caller);
  if (!call.caller.is_service()) {
    // One institution that calls without end must not keep the others out.
    if (!bound.TakeShare(call.caller.institution)) {
      return Overloaded(options_.retry_after);
    }
    record.sharer = call.caller.institution;
  }
  call.directory = context_.directory();
  call.id = record.id;
  absl::Status status = [&]() -> absl::Status {
    const std::optional<absl::Duration> left = TimeLeft(context);
    if (!left) {
      return Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_DEADLINE_REQUIRED,
                     "a deadline is required");
    }
    call.deadline = record.started + std::min(*left, record.method->max_deadline);
    RETURN_IF_ERROR(SetAgent(AgentOf(context), *call.directory, call.caller));
    RETURN_IF_ERROR(CheckPolicy(record.method->policy, call.caller, *call.directory));
    return MayAsk(*record.method, call.caller);
  }();
  if (!status.ok()) {
    if (comes == Comes::kFirst && about_ && record.method->policy.audited()) {
      opened.unnoted = std::move(call);
    } else {
      NoteRefusal(record, call, message, status);
    }
    return status;
  }
  // Leaves no leaf: nobody did wrong, and there is little room.
  RETURN_IF_ERROR(HasRoom(*record.method));
  return call;
}

bool Dispatcher::MayAwait(const Record& record) {
  const bool shares = !record.sharer.empty();
  if (shares && !awaited_.TakeShare(record.sharer)) {
    return false;
  }
  const bool taken = awaited_.Take();
  if (taken) {
    streams_.under_way.fetch_sub(1);
    streams_.in_flight.fetch_sub(1);
  }
  if (shares) {
    (taken ? streams_ : awaited_).GiveShare(record.sharer);
  }
  return taken;
}

absl::Status Dispatcher::HasRoom(const Method& method) const {
  return disk_ == nullptr ? absl::OkStatus() : disk_->Serves(method.effect);
}

absl::Status Dispatcher::MayAsk(const Method& method, const Caller& caller) {
  return misses_ == nullptr || caller.is_service() || !method.policy.counts_misses()
             ? absl::OkStatus()
             : misses_->MayAsk(caller.institution);
}

void Dispatcher::NoteMisses(const Record& record, const absl::Status& outcome,
                            const google::protobuf::Message& answer) {
  if (misses_ == nullptr || record.sharer.empty() || !record.method->policy.counts_misses()) {
    return;
  }
  misses_->Note(record.sharer,
                outcome.ok() ? record.method->misses.In(answer) : (IsMiss(ReasonOf(outcome)) ? 1 : 0));
}

absl::Status Dispatcher::CheckReady(const Method& method) const {
  if (!draining_ && (ready_ || options_.always_ready.count(method.descriptor->service()->full_name()) > 0)) {
    return absl::OkStatus();
  }
  return Stopping();
}

absl::Status Dispatcher::CheckMessage(const google::protobuf::Message& message, bool& discard) const {
  Validator::Result result = validator_.Check(message);
  discard = result.has_unknown_fields;
  return std::move(result.status);
}

grpc::Status Dispatcher::Close(const Record& record, Bound& bound, const absl::Status& said) {
  grpc::Status outcome = Conclude(record, bound, said);
  GivePlace(record, bound);
  return outcome;
}

void Dispatcher::GivePlace(const Record& record, Bound& bound) {
  if (record.admitted) {
    bound.in_flight.fetch_sub(1);
  }
  if (!record.sharer.empty()) {
    bound.GiveShare(record.sharer);
  }
}

std::function<void()> Dispatcher::KeepPlace(const grpc::CallbackServerContext& context, const Record& record,
                                            Bound& bound) {
  return untaken_.Add(context, [this, record, &bound] { GivePlace(record, bound); });
}

bool Dispatcher::MayLeaveAlone(Bound& bound) {
  if (bound.leaving.fetch_add(1) < bound.most) {
    return true;
  }
  bound.leaving.fetch_sub(1);
  return false;
}

std::function<void()> Dispatcher::GivePlaceNow(const Record& record, Bound& bound) {
  GivePlace(record, bound);
  return [&bound] { bound.leaving.fetch_sub(1); };
}

grpc::Status Dispatcher::Conclude(const Record& record, Bound& bound, const absl::Status& said) {
  // Whatever a handler was about to write about somebody who is being erased: there is nobody any more.
  const absl::Status outcome = audit::IsErased(said) ? NoSuchOrNotYours() : said;
  const std::string_view name = record.method == nullptr ? std::string_view() : record.method->name;
  if (record.admitted) {
    bound.under_way.fetch_sub(1);
  }
  if (metrics_ != nullptr) {
    if (record.admitted) {
      metrics_->calls_in_flight.Add({}, -1);
    }
    const absl::Duration took = context_.clock.Monotonic() - record.started;
    if (outcome.ok() && record.method != nullptr) {
      metrics_->RecordOk(ok_series_[record.method->number], took);
    } else {
      metrics_->RecordCall(name, ForClient(outcome).code(), took);
    }
  }
  if (FromBelow(outcome)) {
    log::Error("call failed",
               {log::Field::Name("call", record.id), log::Field::Name("method", name), Shown(outcome)});
  }
  return ToGrpc(outcome, record.id);
}

void Dispatcher::NoteRefusal(const Record& record, const Call& call, const google::protobuf::Message* message,
                             const absl::Status& why) {
  // That somebody seems to guess is worth a leaf whatever was asked.
  const bool held_back = ReasonOf(why) == common::v1::ERROR_REASON_OVERLOADED;
  if (!record.method->policy.audited() && !held_back) {
    return;
  }
  if (message != nullptr && about_ && !held_back && about_(call, *message, why)) {
    return;
  }
  WriteRefusals(refused_.Note(call.caller.Name(), "", record.method->name, ReasonName(ReasonOf(why)),
                              context_.clock.Now()),
                call.caller.certificate);
}

void Dispatcher::NoteOutcome(const Record& record, const absl::Status& outcome) {
  if (outcome.ok()) {
    return;
  }
  const common::v1::ErrorReason reason = ReasonOf(outcome);
  const bool not_allowed = reason == common::v1::ERROR_REASON_MISSING_ROLE ||
                           reason == common::v1::ERROR_REASON_MISSING_CAPABILITY;
  if (!record.caller.empty() && not_allowed) {
    WriteRefusals(
        refused_.Note(record.caller, "", record.method->name, ReasonName(reason), context_.clock.Now()),
        record.certificate);
  }
}

void Dispatcher::NoteUnauthenticated(const std::string& peer, const std::string& path) {
  const Method* method = path.empty() ? nullptr : methods_.Find(std::string_view(path).substr(1));
  if (peer.empty() || method == nullptr || !method->policy.audited()) {
    return;  // nobody to name, or nothing that is audited
  }
  // A system's name: its institution is what leaves name.
  const std::string institution = peer.rfind("service/", 0) == 0 ? peer : peer.substr(0, peer.find('/'));
  WriteRefusals(refused_.Note(institution, "", method->name,
                              ReasonName(common::v1::ERROR_REASON_NOT_AUTHENTICATED), context_.clock.Now()),
                "");
}

void Dispatcher::WriteRefusals(std::vector<RefusedCalls::Leaf> leaves, const std::string& certificate) {
  for (RefusedCalls::Leaf& leaf : leaves) {
    // A leaf that stands for several calls stands for no one certificate.
    const std::string named = leaf.call.count() == 1 ? certificate : std::string();
    Start(WriteRefusal(std::move(leaf), named), [](bool) {});
  }
}

Task<bool> Dispatcher::WriteRefusal(RefusedCalls::Leaf leaf, std::string certificate) {
  audit::Event event;
  event.event_class = audit::v1::EVENT_CLASS_CALL_REFUSED;
  event.institution = leaf.caller.empty() ? "service/" + options_.service : leaf.caller;
  event.directory_version = context_.directory()->version();
  event.details.mutable_payload()->PackFrom(leaf.call);
  event.actor.set_certificate(certificate);
  const absl::StatusOr<storage::CommitResult> done = co_await WriteLoneLeaf(context_, std::move(event));
  if (!done.ok()) {
    log::Error("no leaf for a refused call", {log::Field::Internal(done.status())});
  }
  co_return done.ok();
}

Task<bool> Dispatcher::WriteCountedRefusals(bool all) {
  std::vector<RefusedCalls::Leaf> leaves = refused_.Due(context_.clock.Now(), all);
  bool written = true;
  for (RefusedCalls::Leaf& leaf : leaves) {
    const bool ok = co_await WriteRefusal(std::move(leaf), std::string());
    written = written && ok;
  }
  co_return written;
}

uint64_t Dispatcher::Register(std::weak_ptr<OpenStream> stream, const grpc::CallbackServerContext& context,
                              const Record& record, const Call& call, bool refused) {
  StreamEntry entry{stream, PeerCertificatePem(*context.auth_context()), call.caller.function, record.method,
                    refused};
  bool draining = false;
  uint64_t number = 0;
  {
    std::lock_guard lock(mu_);
    number = next_stream_++;
    open_streams_.emplace(number, std::move(entry));
    draining = draining_;
  }
  if (const std::shared_ptr<OpenStream> held = stream.lock(); draining && held != nullptr) {
    held->End(Stopping());
  }
  return number;
}

void Dispatcher::Unregister(uint64_t number) {
  std::lock_guard lock(mu_);
  open_streams_.erase(number);
}

std::vector<std::pair<std::shared_ptr<OpenStream>, Dispatcher::StreamEntry>> Dispatcher::OpenStreams() {
  std::vector<std::pair<std::shared_ptr<OpenStream>, StreamEntry>> streams;
  std::lock_guard lock(mu_);
  for (const auto& [number, entry] : open_streams_) {
    if (std::shared_ptr<OpenStream> stream = entry.stream.lock()) {
      streams.emplace_back(std::move(stream), entry);
    }
  }
  return streams;
}

void Dispatcher::RecheckStreams() {
  const std::shared_ptr<const directory::Directory> directory = context_.directory();
  const auto still_allowed = [&](const StreamEntry& entry) -> absl::Status {
    Authenticator::Outcome peer = authenticator_.Authenticate(entry.pem);
    RETURN_IF_ERROR(peer.caller.status());
    RETURN_IF_ERROR(CheckRoles(entry.method->policy, *peer.caller));
    RETURN_IF_ERROR(HasRoom(*entry.method));
    peer.caller->function = entry.function;
    return CheckCapabilities(entry.method->policy, *peer.caller, *directory);
  };
  for (const auto& [stream, entry] : OpenStreams()) {
    // Whoever is refused hears why, and is looked at no more.
    const absl::Status allowed = entry.refused ? absl::OkStatus() : still_allowed(entry);
    if (!allowed.ok()) {
      stream->End(allowed);
    }
  }
}

void Dispatcher::EndStandingStreams() {
  const absl::Duration now = context_.clock.Monotonic();
  std::vector<std::shared_ptr<OpenStream>> looked_at;  // let go of without the lock
  std::vector<std::shared_ptr<OpenStream>> standing;
  {
    std::lock_guard lock(mu_);
    for (auto& [number, entry] : open_streams_) {
      looked_at.push_back(entry.stream.lock());
      const std::shared_ptr<OpenStream>& stream = looked_at.back();
      const std::optional<uint64_t> moved = stream == nullptr ? std::nullopt : stream->WaitsForClient();
      if (!moved.has_value()) {
        entry.waiting.reset();
      } else if (!entry.waiting.has_value() || *moved - entry.waiting->moved >= options_.least_moved) {
        entry.waiting = {*moved, now};
      } else if (now - entry.waiting->since >= options_.standing) {
        standing.push_back(stream);
      }
    }
  }
  for (const std::shared_ptr<OpenStream>& stream : standing) {
    stream->End(StoodStill(options_.standing, options_.retry_after));
  }
}

void Dispatcher::BeginDrain() {
  {
    std::lock_guard lock(mu_);
    draining_ = true;
  }
  for (const auto& [stream, entry] : OpenStreams()) {
    stream->End(Stopping());
  }
}

}  // namespace relais::rpc
