#include "common/rpc/tail_client.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/rpc/status_mapping.h"
#include "grpcpp/support/client_callback.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"

namespace relais::rpc {
namespace {

using audit::FollowedLeaf;
using audit::v1::TailRequest;
using audit::v1::TailResponse;

constexpr std::chrono::hours kStreamLife{23};  // the method allows 24
constexpr absl::Duration kProbeTimeout = absl::Seconds(5);
constexpr uint64_t kNoLeaves = uint64_t{1} << 62;  // beyond the end of any log: only nonces are answered
constexpr size_t kMostWaitingLeaves = 4096;        // then nothing more is read: gRPC holds the server back

absl::Status Broken() { return absl::UnavailableError("the tail of a peer's log broke off"); }

absl::StatusOr<FollowedLeaf> Followed(uint64_t index, audit::v1::TailLeaf&& wire) {
  FollowedLeaf leaf;
  leaf.index = index;
  if (!wire.leaf_hash().empty()) {
    ASSIGN_OR_RETURN(leaf.hash, merkle::HashFromBytes(wire.leaf_hash()));
    leaf.opening = audit::v1::TailLeaf::OPENING_WITHHELD;
    return leaf;
  }
  leaf.bytes = std::move(*wire.mutable_leaf());
  ASSIGN_OR_RETURN(audit::Leaf parsed, audit::ParseLeaf(leaf.bytes));
  leaf.time = parsed.time;
  leaf.header = std::move(parsed.header);
  leaf.opening = wire.opening();
  leaf.details = std::move(*wire.mutable_details());
  return leaf;
}

absl::StatusOr<audit::LogState> StateOf(const audit::v1::TailState& wire) {
  audit::LogState state;
  state.origin = wire.origin();
  state.size = wire.size();
  if (wire.root().size() != state.root.size()) {
    return absl::UnavailableError("a peer's log answered a root of the wrong size");
  }
  std::copy(wire.root().begin(), wire.root().end(), reinterpret_cast<char*>(state.root.data()));
  return state;
}

// One stream. Whoever lets go of it must have waited until gRPC has (Close, Wait). gRPC itself owns nothing
// of it: the context holds the channel, and gRPC 1.51 aborts when a process's last channel dies on a thread
// of its own.
class Connection final : public grpc::ClientBidiReactor<TailRequest, TailResponse> {
 public:
  using ProbeAnswer = absl::StatusOr<audit::LogState>;

  explicit Connection(uint64_t from) : next_in_(from), next_out_(from) {}

  void Open(audit::v1::AuditService::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + kStreamLife);
    stub.async()->Tail(&context_, this);
    TailRequest open;
    open.mutable_open()->set_from(next_in_);
    open.mutable_open()->set_view(audit::v1::TAIL_VIEW_OPENED);
    {
      std::lock_guard lock(mu_);
      outgoing_.push_back(std::move(open));
      writing_ = true;
    }
    AddHold();  // until Close or a break: nothing may be started after the last operation ends
    StartWrite(&outgoing_.front());
    StartRead(&incoming_);
    StartCall();
  }

  // The index of the leaf that Take gives next.
  uint64_t next() {
    std::lock_guard lock(mu_);
    return next_out_;
  }

  bool broken() {
    std::lock_guard lock(mu_);
    return broken_;
  }

  // What has come in; OK and empty: nothing yet, `arrival` is set when something comes or the stream breaks.
  absl::StatusOr<std::vector<FollowedLeaf>> Take(size_t limit, const OneShot<bool>& arrival) {
    std::vector<FollowedLeaf> leaves;
    bool read_on = false;
    {
      std::lock_guard lock(mu_);
      while (!waiting_.empty() && leaves.size() < limit) {
        leaves.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      next_out_ += leaves.size();
      if (leaves.empty() && broken_) {
        return Broken();
      }
      if (leaves.empty()) {
        arrival_ = arrival;
      }
      read_on = paused_ && !broken_ && waiting_.size() < kMostWaitingLeaves;
      paused_ = paused_ && !read_on;
      if (read_on) {
        AddHold();  // the stream may break before the read is started
      }
    }
    if (read_on) {
      StartRead(&incoming_);
      RemoveHold();
    }
    return leaves;
  }

  void Ask(const std::string& nonce, const OneShot<ProbeAnswer>& answer) {
    TailRequest request;
    request.set_nonce(nonce);
    bool write = false;
    {
      std::lock_guard lock(mu_);
      if (broken_) {
        answer.Set(Broken());
        return;
      }
      probes_.emplace(nonce, answer);
      outgoing_.push_back(std::move(request));
      write = !std::exchange(writing_, true);
      if (write) {
        AddHold();
      }
    }
    if (write) {
      StartWrite(&outgoing_.front());
      RemoveHold();
    }
  }

  void Forget(const std::string& nonce) {
    std::lock_guard lock(mu_);
    probes_.erase(nonce);
  }

  // Ends the stream. With Wait: returns once gRPC is done with it.
  void Close() {
    context_.TryCancel();
    Break();
  }
  void Wait() {
    std::unique_lock lock(mu_);
    done_changed_.wait(lock, [this] { return done_; });
  }

 private:
  void OnWriteDone(bool ok) override {
    if (!ok) {
      Break();
      return;
    }
    bool more = false;
    {
      std::lock_guard lock(mu_);
      outgoing_.pop_front();
      more = !outgoing_.empty() && !broken_;
      writing_ = more;
    }
    if (more) {
      StartWrite(&outgoing_.front());
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok || !Accept()) {
      Close();
      return;
    }
    {
      std::lock_guard lock(mu_);
      paused_ = waiting_.size() >= kMostWaitingLeaves;
      if (paused_ || broken_) {
        return;
      }
    }
    StartRead(&incoming_);
  }

  void OnDone(const grpc::Status& /*status*/) override {
    Break();
    std::lock_guard lock(mu_);
    done_ = true;
    done_changed_.notify_all();
  }

  // Takes in one message; false when it is not what it must be.
  bool Accept() {
    if (incoming_.has_state()) {
      Answer(incoming_.state());
      return true;
    }
    audit::v1::TailLeaves& batch = *incoming_.mutable_leaves();
    std::vector<FollowedLeaf> leaves;
    for (audit::v1::TailLeaf& wire : *batch.mutable_leaves()) {
      absl::StatusOr<FollowedLeaf> leaf = Followed(batch.first() + leaves.size(), std::move(wire));
      if (!leaf.ok()) {
        return false;
      }
      leaves.push_back(*std::move(leaf));
    }
    std::optional<OneShot<bool>> arrival;
    {
      std::lock_guard lock(mu_);
      if (batch.first() != next_in_) {
        return false;
      }
      next_in_ += leaves.size();
      std::move(leaves.begin(), leaves.end(), std::back_inserter(waiting_));
      arrival = std::exchange(arrival_, std::nullopt);
    }
    if (arrival) {
      arrival->Set(true);
    }
    return true;
  }

  void Answer(const audit::v1::TailState& state) {
    std::optional<OneShot<ProbeAnswer>> probe;
    {
      std::lock_guard lock(mu_);
      if (const auto at = probes_.find(state.nonce()); at != probes_.end()) {
        probe = at->second;
        probes_.erase(at);
      }
    }
    if (probe) {
      probe->Set(StateOf(state));
    }
  }

  // Nothing more comes or goes: whoever waits is told.
  void Break() {
    std::optional<OneShot<bool>> arrival;
    std::map<std::string, OneShot<ProbeAnswer>> probes;
    {
      std::lock_guard lock(mu_);
      if (broken_) {
        return;
      }
      broken_ = true;
      arrival = std::exchange(arrival_, std::nullopt);
      probes = std::exchange(probes_, {});
    }
    if (arrival) {
      arrival->Set(false);
    }
    for (auto& [nonce, probe] : probes) {
      probe.Set(Broken());
    }
    RemoveHold();
  }

  grpc::ClientContext context_;
  TailResponse incoming_;
  std::mutex mu_;
  std::condition_variable done_changed_;
  std::deque<TailRequest> outgoing_;  // the front one is being written when `writing_`
  bool writing_ = false;
  bool paused_ = false;  // enough is waiting: no read is under way
  bool broken_ = false;
  bool done_ = false;
  uint64_t next_in_;
  uint64_t next_out_;
  std::deque<FollowedLeaf> waiting_;
  std::optional<OneShot<bool>> arrival_;
  std::map<std::string, OneShot<ProbeAnswer>> probes_;
};

class TailClient final : public audit::TailSource {
 public:
  TailClient(const std::shared_ptr<grpc::Channel>& channel, Executor& executor)
      : stub_(audit::v1::AuditService::NewStub(channel)), executor_(executor) {}
  ~TailClient() override {
    if (const std::shared_ptr<Connection> last = Current()) {
      Drop(last);
    }
  }
  TailClient(const TailClient&) = delete;
  TailClient& operator=(const TailClient&) = delete;

  Task<absl::StatusOr<std::vector<FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                       absl::Duration wait) override {
    const std::shared_ptr<Connection> connection = At(from);
    const OneShot<bool> arrival(executor_);
    absl::StatusOr<std::vector<FollowedLeaf>> leaves = connection->Take(limit, arrival);
    if (leaves.ok() && leaves->empty()) {
      executor_.PostAfter(wait, [arrival] { arrival.Set(false); });
      co_await arrival;
      leaves = connection->Take(limit, OneShot<bool>(executor_));
    }
    if (!leaves.ok()) {
      Drop(connection);
    }
    co_return leaves;
  }

  Task<absl::StatusOr<audit::LogState>> Probe(std::string nonce) override {
    const std::shared_ptr<Connection> connection = AnyConnection();
    const OneShot<Connection::ProbeAnswer> answer(executor_);
    connection->Ask(nonce, answer);
    executor_.PostAfter(kProbeTimeout,
                        [answer] { answer.Set(absl::UnavailableError("a peer's log does not answer")); });
    absl::StatusOr<audit::LogState> state = co_await answer;
    connection->Forget(nonce);
    co_return state;
  }

 private:
  std::shared_ptr<Connection> Current() {
    std::lock_guard lock(mu_);
    return connection_;
  }

  // A connection whose next leaf is `from`.
  std::shared_ptr<Connection> At(uint64_t from) {
    std::lock_guard opening(opening_mu_);
    std::shared_ptr<Connection> connection = Current();
    if (connection != nullptr && connection->next() == from) {
      return connection;
    }
    if (connection != nullptr) {
      Drop(connection);
    }
    return OpenAt(from);
  }

  // Whichever there is. A follower asks for the log's state before it reads any of it.
  std::shared_ptr<Connection> AnyConnection() {
    std::lock_guard opening(opening_mu_);
    std::shared_ptr<Connection> connection = Current();
    if (connection != nullptr && !connection->broken()) {
      return connection;
    }
    if (connection != nullptr) {
      Drop(connection);
    }
    return OpenAt(kNoLeaves);
  }

  // The caller holds opening_mu_.
  std::shared_ptr<Connection> OpenAt(uint64_t from) {
    auto connection = std::make_shared<Connection>(from);
    connection->Open(*stub_);
    std::lock_guard lock(mu_);
    connection_ = connection;
    return connection;
  }

  void Drop(const std::shared_ptr<Connection>& connection) {
    {
      std::lock_guard lock(mu_);
      if (connection_ == connection) {
        connection_ = nullptr;
      }
    }
    connection->Close();
    connection->Wait();
  }

  const std::unique_ptr<audit::v1::AuditService::Stub> stub_;
  Executor& executor_;
  std::mutex opening_mu_;  // one connection is opened at a time; taken before mu_
  std::mutex mu_;
  std::shared_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<audit::TailSource> MakeTailSource(const std::shared_ptr<grpc::Channel>& channel,
                                                  Executor& executor) {
  return std::make_unique<TailClient>(channel, executor);
}

}  // namespace relais::rpc
