#include "common/audit/checkpoints.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/merkle/note.h"

namespace relais::audit::internal {
namespace {
constexpr absl::Duration kSignInterval = absl::Milliseconds(50);
constexpr absl::Duration kSyncInterval = absl::Seconds(1);
constexpr absl::Duration kRetryInterval = absl::Seconds(1);
}  // namespace

Checkpoints::Checkpoints(std::string origin, std::vector<LogOptions::Signer> signers,
                         std::string published_path, Clock& clock, Executor& executor)
    : origin_(std::move(origin)),
      signers_(std::move(signers)),
      file_(published_path.empty() ? std::nullopt : std::optional<PublishedFile>(std::move(published_path))),
      clock_(clock),
      executor_(executor),
      waiters_(std::make_shared<Waiters>(executor)) {}

absl::StatusOr<std::optional<merkle::Checkpoint>> Checkpoints::Published() const {
  ASSIGN_OR_RETURN(const std::optional<PublishedNote> published, PublishedBy(origin_));
  return published.has_value() ? std::optional(published->checkpoint) : std::nullopt;
}

absl::StatusOr<std::optional<Checkpoints::PublishedNote>> Checkpoints::PublishedBy(
    const std::string& origin) const {
  if (!file_.has_value()) {
    return std::optional<PublishedNote>();
  }
  ASSIGN_OR_RETURN(const PublishedFile::Content content, file_->Read());
  if (!content.last.has_value() && !content.synced.has_value()) {
    return std::optional<PublishedNote>();
  }
  std::vector<merkle::NoteVerifier> verifiers;
  for (const LogOptions::Signer& signer : signers_) {
    verifiers.push_back({origin, signer.key.verify_key()});
  }
  std::optional<PublishedNote> newest;
  for (const std::optional<std::string>& note : {content.last, content.synced}) {
    if (!note.has_value()) {
      continue;
    }
    absl::StatusOr<merkle::Checkpoint> checkpoint = merkle::OpenCheckpoint(*note, origin, verifiers);
    if (checkpoint.ok() && (!newest.has_value() || checkpoint->size > newest->checkpoint.size)) {
      newest = PublishedNote{*std::move(checkpoint), *note};
    }
  }
  if (!newest.has_value()) {
    return absl::DataLossError(
        "the published checkpoint is damaged, of another log, or signed by none of this log's keys (to "
        "replace a "
        "key, let both sign for a while)");
  }
  return newest;
}

void Checkpoints::Grown(uint64_t size, const merkle::Hash& root) {
  std::lock_guard lock(mu_);
  head_ = Head{size, root};
  ScheduleLocked();
}

void Checkpoints::ScheduleLocked() {
  const bool news = head_.has_value() && (!latest_.has_value() || head_->size > latest_->size);
  if (!news || scheduled_ || stopped_) {
    return;
  }
  scheduled_ = true;
  const absl::Duration delay = std::max(not_before_ - clock_.Monotonic(), absl::ZeroDuration());
  executor_.PostAfter(delay, [self = shared_from_this()] { self->Run(); });
}

void Checkpoints::Run() {
  if (!stopped()) {
    SignOnce(/*sync=*/false);
  }
  std::lock_guard lock(mu_);
  scheduled_ = false;
  ScheduleLocked();
}

void Checkpoints::SignOnce(bool sync) {
  std::lock_guard sign_lock(sign_mu_);
  Head head;
  {
    std::lock_guard lock(mu_);
    if (!head_.has_value()) {
      return;
    }
    head = *head_;
  }
  absl::StatusOr<std::string> note = Sign(head);
  absl::Status status = note.status();
  if (status.ok()) {
    status = Publish(*note, sync);
  }
  {
    std::lock_guard lock(mu_);
    not_before_ = clock_.Monotonic() + (status.ok() ? kSignInterval : kRetryInterval);
    if (status.ok()) {
      latest_ = SignedCheckpoint{head.size, *std::move(note)};
    }
    if (!status.ok() && !failing_) {
      log::Error("no checkpoint can be given out", {log::Field::Internal(status)});
    }
    failing_ = !status.ok();
  }
  if (status.ok()) {
    waiters_->Wake(head.size);
  }
}

absl::StatusOr<std::string> Checkpoints::Sign(const Head& head) const {
  const merkle::Checkpoint checkpoint{origin_, head.size, head.root, {}};
  ASSIGN_OR_RETURN(const std::string text, merkle::FormatCheckpoint(checkpoint));
  ASSIGN_OR_RETURN(std::string note, merkle::SignNote(text, signers_[0].name, signers_[0].key));
  for (size_t i = 1; i < signers_.size(); ++i) {
    ASSIGN_OR_RETURN(note, merkle::AddSignature(note, signers_[i].name, signers_[i].key));
  }
  return note;
}

absl::Status Checkpoints::Publish(const std::string& note, bool sync) {
  if (!file_.has_value()) {
    return absl::OkStatus();
  }
  const absl::Duration now = clock_.Monotonic();
  const bool due = sync || !synced_at_.has_value() || now - *synced_at_ >= kSyncInterval;
  RETURN_IF_ERROR(file_->Write(note, due));
  if (due) {
    synced_at_ = now;
  }
  return absl::OkStatus();
}

std::optional<SignedCheckpoint> Checkpoints::Latest() const {
  std::lock_guard lock(mu_);
  return latest_;
}

bool Checkpoints::stopped() const {
  std::lock_guard lock(mu_);
  return stopped_;
}

Task<absl::StatusOr<SignedCheckpoint>> Checkpoints::AtLeast(std::shared_ptr<Checkpoints> self,
                                                            uint64_t min_size, absl::Duration wait) {
  const absl::Duration until = self->clock_.Monotonic() + wait;
  for (;;) {
    const Waiters::Ticket ticket(self->waiters_, min_size);
    const bool stopped = self->stopped();
    std::optional<SignedCheckpoint> latest = self->Latest();
    if (latest.has_value() && latest->size >= min_size) {
      co_return *std::move(latest);
    }
    const absl::Duration left = until - self->clock_.Monotonic();
    if (stopped || left <= absl::ZeroDuration()) {
      co_return absl::UnavailableError("no checkpoint of that size yet");
    }
    const OneShot<bool> woken = ticket.Wait(left);
    co_await woken;
  }
}

void Checkpoints::Stop() {
  {
    std::lock_guard lock(mu_);
    if (std::exchange(stopped_, true)) {
      return;
    }
  }
  SignOnce(/*sync=*/true);
  waiters_->WakeAll();
}

}  // namespace relais::audit::internal
