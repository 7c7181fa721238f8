#include "common/rpc/tail_handlers.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "common/rpc/lone_leaf.h"

namespace relais::rpc {
namespace {

constexpr size_t kMostMessageBytes = size_t{256} << 10;
constexpr size_t kReadAtOnce = 512;
// How long leaves that become durable right after others wait to be sent.
constexpr absl::Duration kGather = absl::Milliseconds(5);
// How soon a tail that has ended is noticed when nothing is written.
constexpr absl::Duration kLookUp = absl::Milliseconds(250);

using audit::v1::TailLeaf;
using TailStream = Stream<audit::v1::TailRequest, audit::v1::TailResponse>;

std::string BytesOf(const merkle::Hash& hash) { return std::string(merkle::AsBytes(hash)); }

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
struct TailHandlers::Run {
  Run(Executor& executor, std::shared_ptr<TailStream> s) : stream(std::move(s)), turns(executor) {}

  std::shared_ptr<TailStream> stream;
  uint64_t next = 0;
  bool open_leaves = false;
  bool auditor = false;                                      // and not a peer
  AuditView view;                                            // an auditor's
  const std::set<audit::v1::EventClass>* classes = nullptr;  // a peer's
  std::atomic<bool> stop = false;
  Turns turns;

  [[nodiscard]] bool ended() const { return stop || stream->cancelled(); }
  [[nodiscard]] bool Shows(audit::v1::EventClass event_class) const {
    return classes != nullptr && classes->count(event_class) > 0;
  }
  static Task<bool> Write(std::shared_ptr<Run> run, audit::v1::TailResponse response) {
    const OneShot<bool> turn = run->turns.Take();
    co_await turn;
    const bool ok = co_await run->stream->Write(std::move(response));
    run->turns.Give();
    co_return ok;
  }
};

TailHandlers::TailHandlers(const ServiceContext& context, OpenedTable opened)
    : context_(context), opened_(std::move(opened)) {}

absl::Status TailHandlers::UpdateView(const Call& call, Run& run) const {
  if (!run.auditor) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(run.view, ViewOf(context_, call.caller));
  return run.view.kind == AuditView::Kind::kNone ? NoScope() : absl::OkStatus();
}

Task<absl::Status> TailHandlers::Authorise(Call call, std::shared_ptr<Run> run) {
  if (call.caller.is_service()) {
    const auto at = opened_.find(call.caller.service);
    run->classes = at == opened_.end() ? nullptr : &at->second;
    co_return absl::OkStatus();
  }
  run->auditor = true;
  CO_RETURN_IF_ERROR(UpdateView(call, *run));
  if (!run->open_leaves) {
    co_return absl::OkStatus();
  }
  if (call.caller.reason.empty()) {
    co_return Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_REASON_REQUIRED,
                      "metadata relais-reason is required");
  }
  audit::v1::LogRead read;
  read.set_kind("TAIL");
  read.set_from(run->next);
  audit::Event event = LogReadEvent(call, read);
  const absl::StatusOr<storage::CommitResult> written = co_await WriteLoneLeaf(context_, std::move(event));
  co_return written.status();
}

Task<absl::Status> TailHandlers::Tail(Call call, std::shared_ptr<TailStream> stream) {
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
  both.push_back(Pump(std::move(call), run));
  const std::vector<absl::Status> ends = co_await WhenAll(context_.executor, std::move(both));
  co_return ends[0].ok() ? ends[1] : ends[0];
}

Task<absl::Status> TailHandlers::AnswerNonces(std::shared_ptr<Run> run) {
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

void TailHandlers::Show(const Run& run, audit::OpenedLeaf opened, TailLeaf& leaf) const {
  // What it does not see at all it still needs for the tree.
  const bool hidden =
      opened.opening == audit::OpenedLeaf::Opening::kWithheld ||
      (run.auditor && run.view.kind == AuditView::Kind::kOwn && !audit::IsOwn(run.view.institution, opened));
  if (hidden) {
    leaf.set_leaf_hash(BytesOf(opened.hash.has_value() ? *opened.hash : merkle::HashLeaf(opened.bytes)));
    leaf.set_opening(TailLeaf::OPENING_WITHHELD);
    return;
  }
  leaf.set_leaf(std::move(opened.bytes));
  if (!run.open_leaves) {
    return;
  }
  if (opened.opening == audit::OpenedLeaf::Opening::kErased) {
    leaf.set_opening(TailLeaf::OPENING_ERASED);
  } else {
    leaf.set_opening(TailLeaf::OPENING_OPENED);
    if (run.auditor) {
      std::optional<common::v1::PersonRef> person = Readdress(context_, run.view, opened.details);
      if (person.has_value()) {
        *leaf.mutable_person() = *std::move(person);
      }
    }
    *leaf.mutable_details() = std::move(opened.details);
  }
}

absl::StatusOr<size_t> TailHandlers::ReadSome(const Run& run,
                                              std::vector<audit::v1::TailResponse>& out) const {
  Batches batches(run.next, out);
  if (!run.open_leaves && (!run.auditor || run.view.kind == AuditView::Kind::kAll)) {
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, context_.log.ReadLeaves(run.next, kReadAtOnce));
    for (std::string& bytes : leaves) {
      TailLeaf leaf;
      leaf.set_leaf(std::move(bytes));
      batches.Add(std::move(leaf));
    }
    return leaves.size();
  }
  audit::Log::Wanted wanted;
  if (!run.auditor) {
    wanted = [&run](audit::v1::EventClass event_class) { return run.Shows(event_class); };
  }
  ASSIGN_OR_RETURN(std::vector<audit::OpenedLeaf> leaves,
                   context_.log.ReadOpened(run.next, kReadAtOnce, wanted));
  for (audit::OpenedLeaf& opened : leaves) {
    TailLeaf leaf;
    Show(run, std::move(opened), leaf);
    batches.Add(std::move(leaf));
  }
  return leaves.size();
}

Task<absl::Status> TailHandlers::Pump(Call call, std::shared_ptr<Run> run) {
  co_await ResumeOn(context_.executor);  // reads may touch the disk
  while (!run->ended()) {
    // A scope that ended, or that the directory no longer has, ends the tail.
    const absl::Status still = UpdateView(call, *run);
    if (!still.ok()) {
      run->stream->End(still);
      co_return still;
    }
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
