#include "common/rpc/audit_handlers.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "common/rpc/lone_leaf.h"

namespace relais::rpc {
namespace {

constexpr size_t kMostMessageBytes = size_t{256} << 10;
constexpr size_t kMostPageBytes = size_t{900} << 10;  // a message is at most 1 MiB
constexpr size_t kReadAtOnce = 512;
constexpr uint32_t kDefaultPage = 1000;
// How long leaves that become durable right after others wait to be sent.
constexpr absl::Duration kGather = absl::Milliseconds(5);
// How soon a tail that has ended is noticed when nothing is written.
constexpr absl::Duration kLookUp = absl::Milliseconds(250);

using TailStream = Stream<audit::v1::TailRequest, audit::v1::TailResponse>;

std::string BytesOf(const merkle::Hash& hash) { return std::string(merkle::AsBytes(hash)); }

// The size a C2SP checkpoint is of: its second line.
absl::StatusOr<uint64_t> SizeOf(const std::string& checkpoint) {
  const size_t first = checkpoint.find('\n');
  const size_t second = first == std::string::npos ? first : checkpoint.find('\n', first + 1);
  uint64_t size = 0;
  if (second == std::string::npos ||
      !absl::SimpleAtoi(checkpoint.substr(first + 1, second - first - 1), &size)) {
    return absl::InternalError("a checkpoint without size");
  }
  return size;
}

bool IsAuditor(const Caller& caller) { return caller.roles.count(common::v1::ROLE_AUDITOR) > 0; }

// The whole suite, by the directory: SUITE, or AUTHORITY until its end.
bool HasSuiteScope(const Call& call, absl::Time now) {
  for (const directory::AuditorScope& scope : call.directory->content().auditors) {
    if (scope.institution == call.caller.institution && scope.system == call.caller.system &&
        (scope.scope == "SUITE" || scope.scope == "AUTHORITY") && (!scope.until || now <= *scope.until)) {
      return true;
    }
  }
  return false;
}

// Leaves gathered into messages of bounded size.
class Batches {
 public:
  Batches(uint64_t first, std::vector<audit::v1::TailResponse>& out) : next_(first), out_(out) {}

  void Add(audit::v1::TailLeaf leaf) {
    const size_t size = leaf.ByteSizeLong();
    if (out_.empty() || bytes_ + size > kMostMessageBytes) {
      out_.emplace_back().mutable_leaves()->set_first(next_);
      bytes_ = 0;
    }
    bytes_ += size;
    *out_.back().mutable_leaves()->add_leaves() = std::move(leaf);
    ++next_;
  }

 private:
  uint64_t next_;
  size_t bytes_ = 0;
  std::vector<audit::v1::TailResponse>& out_;
};

// One writer at a time, in the order they asked.
class Turns {
 public:
  explicit Turns(Executor& executor) : executor_(executor) {}

  OneShot<bool> Take() {
    OneShot<bool> turn(executor_);
    std::lock_guard lock(mu_);
    if (busy_) {
      waiting_.push_back(turn);
    } else {
      busy_ = true;
      turn.Set(true);
    }
    return turn;
  }

  void Give() {
    std::optional<OneShot<bool>> next;
    {
      std::lock_guard lock(mu_);
      if (waiting_.empty()) {
        busy_ = false;
        return;
      }
      next = waiting_.front();
      waiting_.pop_front();
    }
    next->Set(true);
  }

 private:
  Executor& executor_;
  std::mutex mu_;
  bool busy_ = false;
  std::deque<OneShot<bool>> waiting_;
};

}  // namespace

// One tail, shared by the coroutine that sends leaves and the one that answers nonces.
struct AuditHandlers::Run {
  Run(Executor& executor, std::shared_ptr<TailStream> s) : stream(std::move(s)), turns(executor) {}

  std::shared_ptr<TailStream> stream;
  uint64_t next = 0;
  bool open_leaves = false;
  bool all_classes = false;                                  // an auditor's
  const std::set<audit::v1::EventClass>* classes = nullptr;  // a peer's
  std::atomic<bool> stop = false;
  Turns turns;

  [[nodiscard]] bool ended() const { return stop || stream->cancelled(); }
  [[nodiscard]] bool Shows(audit::v1::EventClass event_class) const {
    return all_classes || (classes != nullptr && classes->count(event_class) > 0);
  }
  static Task<bool> Write(std::shared_ptr<Run> run, audit::v1::TailResponse response) {
    const OneShot<bool> turn = run->turns.Take();
    co_await turn;
    const bool ok = co_await run->stream->Write(std::move(response));
    run->turns.Give();
    co_return ok;
  }
};

AuditHandlers::AuditHandlers(const ServiceContext& context, OpenedTable opened)
    : context_(context),
      opened_(std::move(opened)),
      cosignatures_(std::make_shared<audit::Cosignatures>(context.store, context.log, context.clock)) {}

Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> AuditHandlers::GetCheckpoint(
    Call call, audit::v1::GetCheckpointRequest request) {
  if (request.cosigned() || request.to_cosign()) {
    absl::StatusOr<audit::v1::GetCheckpointResponse> answer =
        co_await CosignedCheckpoint(std::move(call), std::move(request));
    co_return answer;
  }
  if (context_.log.state().size < request.min_size()) {
    co_await context_.log.WaitForGrowth(request.min_size() - 1, call.deadline - context_.clock.Monotonic());
  }
  if (context_.log.state().size < request.min_size()) {
    co_return absl::DeadlineExceededError("the log has not grown to that size");
  }
  absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(request.min_size());
  if (!checkpoint.ok()) {
    co_return checkpoint.status();
  }
  audit::v1::GetCheckpointResponse response;
  response.set_checkpoint(*std::move(checkpoint));
  co_return response;
}

absl::Status AuditHandlers::MayRead(const Call& call, uint64_t index) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, context_.log.ReadLeaves(index, 1));
  if (leaves.empty()) {
    return NoSuchOrNotYours();
  }
  if (call.caller.is_service() || IsAuditor(call.caller)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(leaves[0]));
  return leaf.header.institution() == call.caller.institution ? absl::OkStatus() : NoSuchOrNotYours();
}

Task<absl::StatusOr<audit::v1::GetInclusionProofResponse>> AuditHandlers::GetInclusionProof(
    Call call, audit::v1::GetInclusionProofRequest request) {
  co_await ResumeOn(context_.executor);
  if (request.leaf_index() >= context_.log.state().size) {
    co_return NoSuchOrNotYours();
  }
  audit::v1::GetInclusionProofResponse response;
  uint64_t size = request.tree_size();
  if (size == 0) {
    absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(request.leaf_index() + 1);
    if (!checkpoint.ok()) {
      co_return checkpoint.status();
    }
    CO_ASSIGN_OR_RETURN(size, SizeOf(*checkpoint));
    response.set_checkpoint(*std::move(checkpoint));
  }
  if (request.leaf_index() >= size || size > context_.log.state().size) {
    co_return NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(MayRead(call, request.leaf_index()));
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> leaves,
                      context_.log.ReadLeaves(request.leaf_index(), 1));
  CO_ASSIGN_OR_RETURN(const std::vector<merkle::Hash> hashes,
                      context_.log.Inclusion(request.leaf_index(), size));
  for (const merkle::Hash& hash : hashes) {
    response.add_hashes(BytesOf(hash));
  }
  response.set_tree_size(size);
  response.set_leaf_hash(BytesOf(merkle::HashLeaf(leaves.at(0))));
  co_return response;
}

Task<absl::StatusOr<audit::v1::GetConsistencyProofResponse>> AuditHandlers::GetConsistencyProof(
    Call /*call*/, audit::v1::GetConsistencyProofRequest request) {
  co_await ResumeOn(context_.executor);
  if (request.new_size() > context_.log.state().size) {
    co_return InvalidField("new_size", "is beyond the log");
  }
  if (request.old_size() > request.new_size()) {
    co_return InvalidField("old_size", "is more than new_size");
  }
  CO_ASSIGN_OR_RETURN(const std::vector<merkle::Hash> hashes,
                      context_.log.Consistency(request.old_size(), request.new_size()));
  audit::v1::GetConsistencyProofResponse response;
  for (const merkle::Hash& hash : hashes) {
    response.add_hashes(BytesOf(hash));
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::ListLeavesResponse>> AuditHandlers::ListLeaves(
    Call /*call*/, audit::v1::ListLeavesRequest request) {
  co_await ResumeOn(context_.executor);
  const uint32_t limit = request.limit() == 0 ? kDefaultPage : request.limit();
  audit::v1::ListLeavesResponse response;
  response.set_size(context_.log.state().size);
  CO_ASSIGN_OR_RETURN(std::vector<std::string> leaves, context_.log.ReadLeaves(request.from(), limit));
  size_t bytes = 0;
  for (std::string& leaf : leaves) {
    bytes += leaf.size();
    if (bytes > kMostPageBytes && response.leaves_size() > 0) {
      break;
    }
    response.add_leaves(std::move(leaf));
  }
  co_return response;
}

Task<absl::Status> AuditHandlers::WriteLogRead(Call call, uint64_t from) {
  audit::Event event = EventOf(call, {call.caller.institution, call.caller.function, call.caller.agent},
                               audit::v1::EVENT_CLASS_LOG_READ, "");
  audit::v1::LogRead read;
  read.set_kind("TAIL");
  read.set_from(from);
  event.details.mutable_payload()->PackFrom(read);
  const absl::StatusOr<storage::CommitResult> written = co_await WriteLoneLeaf(context_, std::move(event));
  co_return written.status();
}

Task<absl::Status> AuditHandlers::Authorise(Call call, std::shared_ptr<Run> run) {
  if (!run->open_leaves) {
    co_return absl::OkStatus();
  }
  if (call.caller.is_service()) {
    const auto at = opened_.find(call.caller.service);
    run->classes = at == opened_.end() ? nullptr : &at->second;
    co_return absl::OkStatus();
  }
  if (!HasSuiteScope(call, context_.clock.Now())) {
    co_return Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_ROLE,
                      "the directory gives this auditor no scope over the suite");
  }
  if (call.caller.reason.empty()) {
    co_return Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_REASON_REQUIRED,
                      "metadata relais-reason is required");
  }
  run->all_classes = true;
  absl::Status written = co_await WriteLogRead(call, run->next);
  co_return written;
}

Task<absl::Status> AuditHandlers::Tail(Call call, std::shared_ptr<TailStream> stream) {
  const std::optional<audit::v1::TailRequest> first = co_await stream->Read();
  if (!first) {
    co_return absl::OkStatus();
  }
  if (!first->has_open()) {
    co_return InvalidField("open", "must be the first message");
  }
  auto run = std::make_shared<Run>(context_.executor, std::move(stream));
  run->next = first->open().from();
  run->open_leaves = first->open().view() == audit::v1::TAIL_VIEW_OPENED;
  const absl::Status authorised = co_await Authorise(call, run);
  if (!authorised.ok()) {
    co_return authorised;
  }
  std::vector<Task<absl::Status>> both;
  both.push_back(AnswerNonces(run));
  both.push_back(Pump(run));
  const std::vector<absl::Status> ends = co_await WhenAll(context_.executor, std::move(both));
  co_return ends[0].ok() ? ends[1] : ends[0];
}

Task<absl::Status> AuditHandlers::AnswerNonces(std::shared_ptr<Run> run) {
  while (true) {
    std::optional<audit::v1::TailRequest> request = co_await run->stream->Read();
    if (!request) {
      co_return absl::OkStatus();  // gone, or it only listens from now on
    }
    if (request->request_case() != audit::v1::TailRequest::kNonce) {
      run->stop = true;
      co_return InvalidField("nonce", "is all that may follow the first message");
    }
    const audit::LogState state = context_.log.state();
    audit::v1::TailResponse response;
    response.mutable_state()->set_nonce(request->nonce());
    response.mutable_state()->set_size(state.size);
    response.mutable_state()->set_root(BytesOf(state.root));
    response.mutable_state()->set_origin(state.origin);
    const bool written = co_await Run::Write(run, std::move(response));
    if (!written) {
      co_return absl::OkStatus();
    }
  }
}

absl::StatusOr<size_t> AuditHandlers::ReadSome(const Run& run,
                                               std::vector<audit::v1::TailResponse>& out) const {
  Batches batches(run.next, out);
  if (!run.open_leaves) {
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, context_.log.ReadLeaves(run.next, kReadAtOnce));
    for (std::string& bytes : leaves) {
      audit::v1::TailLeaf leaf;
      leaf.set_leaf(std::move(bytes));
      batches.Add(std::move(leaf));
    }
    return leaves.size();
  }
  ASSIGN_OR_RETURN(std::vector<audit::OpenedLeaf> leaves,
                   context_.log.ReadOpened(run.next, kReadAtOnce, [&run](audit::v1::EventClass event_class) {
                     return run.Shows(event_class);
                   }));
  for (audit::OpenedLeaf& opened : leaves) {
    audit::v1::TailLeaf leaf;
    if (opened.opening == audit::OpenedLeaf::Opening::kWithheld) {
      leaf.set_opening(audit::v1::TailLeaf::OPENING_WITHHELD);
      leaf.set_hash(BytesOf(merkle::HashLeaf(opened.bytes)));
      batches.Add(std::move(leaf));
      continue;
    }
    leaf.set_leaf(std::move(opened.bytes));
    if (opened.opening == audit::OpenedLeaf::Opening::kErased) {
      leaf.set_opening(audit::v1::TailLeaf::OPENING_ERASED);
    } else {
      leaf.set_opening(audit::v1::TailLeaf::OPENING_OPENED);
      *leaf.mutable_details() = std::move(opened.details);
    }
    batches.Add(std::move(leaf));
  }
  return leaves.size();
}

Task<absl::Status> AuditHandlers::Pump(std::shared_ptr<Run> run) {
  co_await ResumeOn(context_.executor);  // reads may touch the disk
  while (!run->ended()) {
    std::vector<audit::v1::TailResponse> batches;
    CO_ASSIGN_OR_RETURN(const size_t read, ReadSome(*run, batches));
    run->next += read;
    for (audit::v1::TailResponse& batch : batches) {
      const bool written = co_await Run::Write(run, std::move(batch));
      if (!written) {
        co_return absl::OkStatus();
      }
    }
    if (read == 0) {
      co_await context_.log.WaitForGrowth(run->next, kLookUp);
    } else if (read < kReadAtOnce / 2) {
      // Under load a group of commits becomes durable every millisecond or two: a message for each would cost
      // both sides more than what is in it. The first leaf after a pause is sent at once.
      co_await Sleep(context_.executor, kGather);
    }
  }
  co_return absl::OkStatus();
}

}  // namespace relais::rpc
