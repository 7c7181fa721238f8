// From gRPC to handlers: every call passes here, so every call is admitted, authenticated, allowed,
// validated, measured and answered exactly once, whatever the handler or the client does.
//
// A service's rpc.cc holds one line per method:
//
//   class ConsentRpc final : public consent::v1::ConsentService::CallbackService {
//     grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* c, const CheckRequest* q, CheckResponse*
//     s)
//         override { return bind_.Unary(c, q, s, "Check", &ConsentHandlers::Check); }
//     rpc::Binding<ConsentHandlers> bind_;
//   };
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "common/rpc/authentication.h"
#include "common/rpc/call.h"
#include "common/rpc/disk_watch.h"
#include "common/rpc/grpc_reader.h"
#include "common/rpc/grpc_stream.h"
#include "common/rpc/grpc_writer.h"
#include "common/rpc/miss_limiter.h"
#include "common/rpc/policy.h"
#include "common/rpc/refused_calls.h"
#include "common/rpc/service_context.h"
#include "common/rpc/shares.h"
#include "common/rpc/status_mapping.h"
#include "common/rpc/stream.h"
#include "common/rpc/untaken_answer.h"
#include "common/rpc/validate.h"
#include "common/telemetry/service_metrics.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace relais::rpc {

struct DispatchOptions {
  std::string service;  // "consent": whose leaf it is when many callers are counted together
  /// Unary, of institutions, at once, and of any one institution half of them; beyond: RESOURCE_EXHAUSTED
  /// with RetryInfo.
  int max_calls = 1024;
  int max_streams = 512;  // likewise
  /// Places beside each of these that only services get: institutions cannot keep them from following a log.
  int for_services = 16;
  /// Clients' streams that are refused and whose first message is awaited (SetRefusedAbout), and of any one
  /// institution: none of `max_streams`. Beyond: refused without their message.
  int max_refused_streams = 16;
  int max_refused_streams_each = 2;
  absl::Duration first_message = absl::Seconds(2);  // how long it is awaited
  absl::Duration retry_after = absl::Milliseconds(200);
  /// An answer larger than this keeps its call's place until the client has taken it, and so does a message
  /// of a stream that was ended; after `untaken` it is dropped (ADR 82). A
  /// smaller one keeps it too once `max_calls` of those have not left.
  size_t large_answer = size_t{16} << 10;
  absl::Duration untaken = absl::Seconds(60);
  /// A stream that waits for its client, which has taken or sent less than `least_moved` bytes for so long,
  /// is ended (ADR 84).
  absl::Duration standing = absl::Minutes(5);
  uint64_t least_moved = uint64_t{64} << 10;
  /// gRPC services that answer before SetReady: "relais.audit.v1.AuditService".
  std::set<std::string> always_ready;
};

/// Awaits an answer and puts it where gRPC looks for it, which is there until the call is finished.
template <typename Response>
Task<absl::Status> AnswerInto(Task<absl::StatusOr<Response>> answering, Response* response) {
  absl::StatusOr<Response> answer = co_await answering;
  if (answer.ok()) {
    *response = *std::move(answer);
    co_return absl::OkStatus();
  }
  co_return answer.status();
}

/// Order of a call: admission → authentication (the only one, but for the first call of a method: see
/// Authenticates) → share → deadline → agent → policy → misses (MissLimiter) → disk (DiskWatch) → validation
/// → handler, started on gRPC's thread. A refusal before the handler, but for the disk's, leaves a leaf when
/// the method is audited or the institution is held back for its misses, and so does a handler's MISSING_ROLE
/// or MISSING_CAPABILITY: alone, or counted in a flood (RefusedCalls), written behind the answer; or a leaf
/// of the service's own, where it knows whom the call was about (RefusedAbout).
///
/// Fill with AddService first; then thread-safe. Outlives the gRPC server.
class Dispatcher {
 public:
  Dispatcher(const ServiceContext& context, Authenticator& authenticator, DispatchOptions options);
  /// Requires that the gRPC server has ended.
  ~Dispatcher() = default;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// See MethodTable::AddService: an error must keep the server from starting.
  absl::Status AddService(std::string_view service);
  /// A service whose methods are bound; one that was not added must keep the server from starting.
  void NoteBound(std::string_view service);
  /// INTERNAL naming a service that is bound and was not added.
  [[nodiscard]] absl::Status AllBoundAreAdded() const;
  /// The names that metrics may have.
  [[nodiscard]] std::vector<std::string> MethodNames() const;
  /// After the last AddService, before the server starts; outlives the dispatcher. None: nothing is measured.
  void SetMetrics(telemetry::ServiceMetrics* metrics);
  /// Before the server starts; outlives the dispatcher. None: nobody is held back for guessing.
  void SetMissLimiter(MissLimiter* limiter) { misses_ = limiter; }
  /// Before the server starts; outlives the dispatcher. None: no disk refuses anything.
  void SetDiskWatch(const DiskWatch* watch) { disk_ = watch; }
  /// Asked about a call of an audited method that is refused before its handler and whose one message is
  /// there: true when the service leaves the trace itself, as of whom the message names; none is left here
  /// then. Of a client's stream the first message is awaited for a moment, before the refusal is answered,
  /// while few others are (DispatchOptions); else, and once the server drains, nobody is asked.
  /// `call` as far as it was admitted, `message` not validated and gone after this. Within the refused call.
  using RefusedAbout = std::function<bool(const Call& call, const google::protobuf::Message& message,
                                          const absl::Status& why)>;
  /// Before the server starts; what it looks at outlives the gRPC server. None: nobody is asked.
  void SetRefusedAbout(RefusedAbout about) { about_ = std::move(about); }
  /// "relais.consent.v1.ConsentService/Check"; null for a method that was not added. For bindings.
  [[nodiscard]] const Method* Find(std::string_view name) const { return methods_.Find(name); }
  /// The methods of a service; none when it was not added. For bindings.
  [[nodiscard]] std::vector<const Method*> MethodsOf(std::string_view service) const;
  /// True when calls of this path ("/relais.consent.v1.ConsentService/Check") authenticate their caller here
  /// before anything else: they have been seen to. False for what was not called yet, for methods that
  /// nothing implements, which gRPC answers without asking, and for what is not this suite's: health,
  /// reflection.
  [[nodiscard]] bool Authenticates(std::string_view path) const;
  /// Whether methods other than the always_ready are answered; UNAVAILABLE otherwise.
  void SetReady(bool ready) { ready_ = ready; }

  template <typename Request, typename Response>
  using BidiHandler = std::function<Task<absl::Status>(Call, std::shared_ptr<Stream<Request, Response>>)>;
  template <typename Request, typename Response>
  using WriteHandler = std::function<Task<absl::Status>(Call, Request, std::shared_ptr<Writer<Response>>)>;

  /// `method`: one of this dispatcher's; null is answered with INTERNAL. `handler`, called within this call
  /// or not at all: Task<absl::StatusOr<Response>>(Call, Request).
  template <typename Request, typename Response, typename Handler>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Request* request,
                                  Response* response, const Method* method, const Handler& handler);
  template <typename Request, typename Response>
  grpc::ServerBidiReactor<Request, Response>* Bidi(grpc::CallbackServerContext* context, const Method* method,
                                                   const BidiHandler<Request, Response>& handler);

  template <typename Request, typename Response>
  grpc::ServerWriteReactor<Response>* ServerStream(grpc::CallbackServerContext* context,
                                                   const Request* request, const Method* method,
                                                   const WriteHandler<Request, Response>& handler);

  /// A client's stream that one answer ends. `handler` as of Unary, with a Reader in place of the request.
  template <typename Request, typename Response>
  using ReadHandler = std::function<Task<absl::StatusOr<Response>>(Call, std::shared_ptr<Reader<Request>>)>;
  template <typename Request, typename Response>
  grpc::ServerReadReactor<Request>* ClientStream(grpc::CallbackServerContext* context, Response* response,
                                                 const Method* method,
                                                 const ReadHandler<Request, Response>& handler);

  /// Ends the streams whose caller is no longer authenticated, or has none of the method's roles any more, or
  /// whose function may no longer, or which write while the disk refuses that. Call when another directory is
  /// in force or the disk's level is another, and now and then: certificates expire.
  void RecheckStreams();
  /// Ends the streams that stand still: their clients have taken, or sent, next to nothing for as long as the
  /// options say, seen at two of these at least. RESOURCE_EXHAUSTED / OVERLOADED: they hold places that
  /// others want. Call now and then.
  void EndStandingStreams();
  /// The server drains: ends all streams and refuses every new call, with UNAVAILABLE.
  void BeginDrain();
  /// Calls and streams admitted and not answered.
  [[nodiscard]] int in_flight() const { return calls_.under_way + streams_.under_way + awaited(); }
  [[nodiscard]] int calls_in_flight() const { return calls_.under_way; }
  /// Refused streams whose first message is awaited.
  [[nodiscard]] int awaited() const { return awaited_.in_flight; }
  /// Writes the leaves of refusals counted in minutes that are over; `all`: in the current ones too. Call
  /// every few seconds, and once at the end. Resumes when they are durable or have failed.
  Task<bool> WriteCountedRefusals(bool all);
  /// A call refused before any handler, by peer name and path. See MakeAuthProcessor.
  void NoteUnauthenticated(const std::string& peer, const std::string& path);

 private:
  // One call from admission to answer.
  struct Record {
    const Method* method = nullptr;
    absl::Duration started;  // monotonic
    std::string id;
    bool admitted = false;
    std::string sharer;       // the institution of whose share it is
    std::string caller;       // once admitted, of audited methods
    std::string certificate;  // likewise
  };
  struct Opened {
    Record record;
    absl::StatusOr<Call> call;
    std::optional<Call> unnoted;  // refused, and its trace waits for the first message
  };
  struct StreamEntry {
    std::weak_ptr<OpenStream> stream;
    std::string pem;
    std::string function;
    const Method* method = nullptr;
    bool refused = false;  // and its first message is awaited
    // For its client, since it was first seen to, after so many bytes.
    struct Waiting {
      uint64_t moved = 0;
      absl::Duration since;  // monotonic
    };
    std::optional<Waiting> waiting = std::nullopt;
  };
  // What may be going on at once, and what is.
  struct Bound {
    Bound(int at_most, int at_most_each, int beside = 0)
        : most(at_most), each(at_most_each), for_services(beside) {}
    // False when there is no place left, whoever it is. Each taken is given back: `--in_flight`.
    bool Take() {
      if (in_flight.fetch_add(1) < most + for_services) {
        under_way.fetch_add(1);
        return true;
      }
      in_flight.fetch_sub(1);
      return false;
    }
    // The same of an institution, once it is known to be one.
    bool TakeShare(const std::string& institution) {
      const bool room = shared.fetch_add(1) < most;
      if (room && shares.Take(institution, each)) {
        return true;
      }
      shared.fetch_sub(1);
      return false;
    }
    void GiveShare(const std::string& institution) {
      shares.Give(institution);
      shared.fetch_sub(1);
    }
    const int most;  // of institutions
    const int each;  // of one institution
    const int for_services;
    std::atomic<int> in_flight = 0;
    std::atomic<int> shared = 0;     // of these an institution's
    std::atomic<int> under_way = 0;  // not answered yet; some of those in flight are, and have not left
    std::atomic<int> leaving = 0;    // small answers that have not left, whose places were given back
    Shares shares;
  };

  // Where the message is that says whom a call is about.
  enum class Comes { kNow, kFirst, kNever };
  // `message`: the request, where there is one; of a client's stream null, and `comes` kFirst.
  Opened Open(const grpc::CallbackServerContext& context, const Method* method, Bound& bound,
              const google::protobuf::Message* message, Comes comes);
  absl::StatusOr<Call> Admit(const grpc::CallbackServerContext& context, Opened& opened, Bound& bound,
                             const google::protobuf::Message* message, Comes comes);
  absl::Status CheckReady(const Method& method) const;
  // Validates; discards what this program does not know.
  absl::Status CheckMessage(const google::protobuf::Message& message, bool& discard) const;
  // Concludes, and gives its place back.
  grpc::Status Close(const Record& record, Bound& bound, const absl::Status& said);
  // It is answered: counts, measures, and turns the outcome into gRPC's. Its place is still taken.
  grpc::Status Conclude(const Record& record, Bound& bound, const absl::Status& said);
  void GivePlace(const Record& record, Bound& bound);
  // True, and counted until what GivePlaceNow returns is called, while few small answers have not left.
  static bool MayLeaveAlone(Bound& bound);
  std::function<void()> GivePlaceNow(const Record& record, Bound& bound);
  // Its place is given back when what this returns is called: at the end of a call whose client takes its
  // time. `context`: there until then.
  std::function<void()> KeepPlace(const grpc::CallbackServerContext& context, const Record& record,
                                  Bound& bound);
  void NoteRefusal(const Record& record, const Call& call, const google::protobuf::Message* message,
                   const absl::Status& why);
  // The handler's own: the role was there, the scope was not.
  void NoteOutcome(const Record& record, const absl::Status& outcome);
  // OK unless the disk is too full for methods like this one.
  [[nodiscard]] absl::Status HasRoom(const Method& method) const;
  // OK unless the institution is held back from methods like this one.
  absl::Status MayAsk(const Method& method, const Caller& caller);
  // What an institution named in a question that is not there, or not its own.
  void NoteMisses(const Record& record, const absl::Status& outcome, const google::protobuf::Message& answer);
  // From the places of streams to one of those that are refused and awaited; false when none is free for that
  // institution, and nothing has changed.
  bool MayAwait(const Record& record);
  // A refused client's stream to its end. Its place is of `awaited_`.
  template <typename Request>
  void EndRefused(const std::shared_ptr<GrpcReader<Request>>& stream, Opened opened,
                  const grpc::CallbackServerContext& context);
  // A stream from its admission to its end.
  template <typename OpenedStream>
  void RunStream(const std::shared_ptr<OpenedStream>& stream, Opened opened,
                 const grpc::CallbackServerContext& context,
                 const std::function<Task<absl::Status>(Call)>& start);
  void WriteRefusals(std::vector<RefusedCalls::Leaf> leaves, const std::string& certificate);
  Task<bool> WriteRefusal(RefusedCalls::Leaf leaf, std::string certificate);
  // `call` of that stream, which is refused or not, as far as it was admitted.
  uint64_t Register(std::weak_ptr<OpenStream> stream, const grpc::CallbackServerContext& context,
                    const Record& record, const Call& call, bool refused);
  void Unregister(uint64_t number);
  std::vector<std::pair<std::shared_ptr<OpenStream>, StreamEntry>> OpenStreams();

  const ServiceContext context_;
  Authenticator& authenticator_;
  const DispatchOptions options_;
  const std::string id_prefix_;
  Validator validator_;
  MethodTable methods_;
  std::set<std::string> added_;
  std::set<std::string> bound_;
  telemetry::ServiceMetrics* metrics_ = nullptr;
  MissLimiter* misses_ = nullptr;
  const DiskWatch* disk_ = nullptr;
  RefusedAbout about_;
  std::vector<size_t> ok_series_;          // by Method::number
  std::deque<std::atomic<bool>> entered_;  // likewise: a call of it has come here
  std::atomic<bool> ready_ = false;
  Bound calls_;
  Bound streams_;
  Bound awaited_;  // refused, and the first message is not there yet
  UntakenAnswers untaken_;
  std::atomic<uint64_t> next_call_ = 0;
  RefusedCalls refused_;
  std::mutex mu_;
  std::atomic<bool> draining_ = false;
  uint64_t next_stream_ = 0;
  std::map<uint64_t, StreamEntry> open_streams_;
};

template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* Dispatcher::Unary(grpc::CallbackServerContext* context, const Request* request,
                                            Response* response, const Method* method,
                                            const Handler& handler) {
  GrpcUnary* reactor = GrpcUnary::Make();
  Opened opened = Open(*context, method, calls_, request, Comes::kNow);
  absl::Status status = opened.call.status();
  bool discard = false;
  if (status.ok()) {
    status = CheckMessage(*request, discard);
    if (!status.ok()) {
      NoteRefusal(opened.record, *opened.call, request, status);
    }
  }
  if (!status.ok()) {
    reactor->Finish(Close(opened.record, calls_, status));
    return reactor;
  }
  // gRPC made the message for this call and looks at it no more: taken, not copied.
  Request owned;
  owned.Swap(const_cast<Request*>(request));
  if (discard) {
    owned.DiscardUnknownFields();
  }
  Start(
      handler(*std::move(opened.call), std::move(owned)),
      [this, context, reactor, response, record = std::move(opened.record)](absl::StatusOr<Response> answer) {
        const absl::Status status = answer.status();
        if (answer.ok()) {
          *response = *std::move(answer);
        }
        NoteOutcome(record, status);
        NoteMisses(record, status, *response);
        const grpc::Status outcome = Conclude(record, calls_, status);
        const bool small = response->ByteSizeLong() <= options_.large_answer;
        reactor->at_end().Set(small && MayLeaveAlone(calls_) ? GivePlaceNow(record, calls_)
                                                             : KeepPlace(*context, record, calls_));
        // After Finish the server may end, and this object with it.
        reactor->Finish(outcome);
      });
  return reactor;
}

template <typename Request, typename Response>
grpc::ServerBidiReactor<Request, Response>* Dispatcher::Bidi(grpc::CallbackServerContext* context,
                                                             const Method* method,
                                                             const BidiHandler<Request, Response>& handler) {
  auto stream = std::make_shared<GrpcStream<Request, Response>>(context_.executor, [this](Request& message) {
    bool discard = false;
    absl::Status status = CheckMessage(message, discard);
    if (discard) {
      message.DiscardUnknownFields();
    }
    return status;
  });
  stream->HoldForGrpc();
  Opened opened = Open(*context, method, streams_, nullptr, Comes::kNever);
  if (!opened.call.ok()) {
    stream->Finish(Close(opened.record, streams_, opened.call.status()));
    return stream.get();
  }
  RunStream(stream, std::move(opened), *context,
            [stream, &handler](Call call) { return handler(std::move(call), stream); });
  return stream.get();
}

template <typename Request, typename Response>
grpc::ServerWriteReactor<Response>* Dispatcher::ServerStream(grpc::CallbackServerContext* context,
                                                             const Request* request, const Method* method,
                                                             const WriteHandler<Request, Response>& handler) {
  auto stream = std::make_shared<GrpcWriter<Response>>(context_.executor);
  stream->HoldForGrpc();
  Opened opened = Open(*context, method, streams_, request, Comes::kNow);
  absl::Status status = opened.call.status();
  bool discard = false;
  if (status.ok()) {
    status = CheckMessage(*request, discard);
    if (!status.ok()) {
      NoteRefusal(opened.record, *opened.call, request, status);
    }
  }
  if (!status.ok()) {
    stream->Finish(Close(opened.record, streams_, status));
    return stream.get();
  }
  // gRPC made the message for this call and looks at it no more: taken, not copied.
  Request owned;
  owned.Swap(const_cast<Request*>(request));
  if (discard) {
    owned.DiscardUnknownFields();
  }
  RunStream(stream, std::move(opened), *context, [stream, &handler, &owned](Call call) {
    return handler(std::move(call), std::move(owned), stream);
  });
  return stream.get();
}

template <typename Request, typename Response>
grpc::ServerReadReactor<Request>* Dispatcher::ClientStream(grpc::CallbackServerContext* context,
                                                           Response* response, const Method* method,
                                                           const ReadHandler<Request, Response>& handler) {
  auto stream = std::make_shared<GrpcReader<Request>>(context_.executor, [this](Request& message) {
    bool discard = false;
    absl::Status status = CheckMessage(message, discard);
    if (discard) {
      message.DiscardUnknownFields();
    }
    return status;
  });
  stream->HoldForGrpc();
  Opened opened = Open(*context, method, streams_, nullptr, Comes::kFirst);
  if (opened.unnoted.has_value()) {
    if (MayAwait(opened.record)) {
      EndRefused(stream, std::move(opened), *context);
      return stream.get();
    }
    NoteRefusal(opened.record, *opened.unnoted, nullptr, opened.call.status());
  }
  if (!opened.call.ok()) {
    stream->Finish(Close(opened.record, streams_, opened.call.status()));
    return stream.get();
  }
  RunStream(stream, std::move(opened), *context, [stream, response, &handler](Call call) {
    return AnswerInto(handler(std::move(call), stream), response);
  });
  return stream.get();
}

template <typename Request>
void Dispatcher::EndRefused(const std::shared_ptr<GrpcReader<Request>>& stream, Opened opened,
                            const grpc::CallbackServerContext& context) {
  const uint64_t number = Register(stream, context, opened.record, *opened.unnoted, true);
  context_.executor.PostAfter(options_.first_message, [held = std::weak_ptr<OpenStream>(stream)] {
    if (const std::shared_ptr<OpenStream> open = held.lock()) {
      open->End(absl::DeadlineExceededError("a refused stream said nothing"));
    }
  });
  Start(stream->ReadUnchecked(),
        [this, stream, number, opened = std::move(opened)](std::optional<Request> first) {
          Unregister(number);
          const absl::Status& why = opened.call.status();
          NoteRefusal(opened.record, *opened.unnoted, first.has_value() ? &*first : nullptr, why);
          const grpc::Status outcome = Close(opened.record, awaited_, why);
          stream->Finish(outcome);
        });
}

template <typename OpenedStream>
void Dispatcher::RunStream(const std::shared_ptr<OpenedStream>& stream, Opened opened,
                           const grpc::CallbackServerContext& context,
                           const std::function<Task<absl::Status>(Call)>& start) {
  const uint64_t number = Register(stream, context, opened.record, *opened.call, false);
  const absl::Duration left = opened.call->deadline - context_.clock.Monotonic();
  context_.executor.PostAfter(left, [held = std::weak_ptr<OpenStream>(stream)] {
    if (const std::shared_ptr<OpenStream> open = held.lock()) {
      open->End(absl::DeadlineExceededError("the longest time of a stream passed"));
    }
  });
  Start(start(*std::move(opened.call)),
        [this, &context, stream, number, record = std::move(opened.record)](absl::Status status) {
          Unregister(number);
          NoteOutcome(record, status);
          const grpc::Status outcome = Conclude(record, streams_, stream->Outcome(status));
          if (stream->writing()) {
            stream->at_end().Set(KeepPlace(context, record, streams_));
          } else {
            GivePlace(record, streams_);
          }
          stream->Finish(outcome);
        });
}

/// Binds the methods of one gRPC service to the methods of one handlers object. Both outlive the server. The
/// service's methods are looked up here, once; a call only picks among them by its short name.
template <typename Handlers>
class Binding {
 public:
  /// `service`: "relais.consent.v1.ConsentService", which must have been added to the dispatcher.
  Binding(Dispatcher& dispatcher, std::string_view service, Handlers& handlers)
      : dispatcher_(dispatcher), methods_(dispatcher.MethodsOf(service)), handlers_(handlers) {
    dispatcher.NoteBound(service);
  }

  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Request* request,
                                  Response* response, const char* method,
                                  Task<absl::StatusOr<Response>> (Handlers::*handler)(Call, Request)) {
    return dispatcher_.Unary<Request, Response>(
        context, request, response, Find(method), [this, handler](Call call, Request owned) {
          return (handlers_.*handler)(std::move(call), std::move(owned));
        });
  }

  template <typename Request, typename Response>
  grpc::ServerBidiReactor<Request, Response>* Bidi(
      grpc::CallbackServerContext* context, const char* method,
      Task<absl::Status> (Handlers::*handler)(Call, std::shared_ptr<Stream<Request, Response>>)) {
    return dispatcher_.Bidi<Request, Response>(
        context, Find(method), [this, handler](Call call, std::shared_ptr<Stream<Request, Response>> stream) {
          return (handlers_.*handler)(std::move(call), std::move(stream));
        });
  }

  template <typename Request, typename Response>
  grpc::ServerWriteReactor<Response>* ServerStream(
      grpc::CallbackServerContext* context, const Request* request, const char* method,
      Task<absl::Status> (Handlers::*handler)(Call, Request, std::shared_ptr<Writer<Response>>)) {
    return dispatcher_.ServerStream<Request, Response>(
        context, request, Find(method),
        [this, handler](Call call, Request owned, std::shared_ptr<Writer<Response>> out) {
          return (handlers_.*handler)(std::move(call), std::move(owned), std::move(out));
        });
  }

  template <typename Request, typename Response>
  grpc::ServerReadReactor<Request>* ClientStream(
      grpc::CallbackServerContext* context, Response* response, const char* method,
      Task<absl::StatusOr<Response>> (Handlers::*handler)(Call, std::shared_ptr<Reader<Request>>)) {
    return dispatcher_.ClientStream<Request, Response>(
        context, response, Find(method), [this, handler](Call call, std::shared_ptr<Reader<Request>> stream) {
          return (handlers_.*handler)(std::move(call), std::move(stream));
        });
  }

 private:
  // A service has few methods: comparing lengths and letters is less work than any index.
  const Method* Find(std::string_view method) const {
    for (const Method* candidate : methods_) {
      if (candidate->descriptor->name() == method) {
        return candidate;
      }
    }
    return nullptr;
  }

  Dispatcher& dispatcher_;
  const std::vector<const Method*> methods_;
  Handlers& handlers_;
};

}  // namespace relais::rpc
