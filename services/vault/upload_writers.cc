#include "services/vault/upload_writers.h"

#include <utility>

namespace relais::vault {
namespace {
constexpr absl::Duration kPoll = absl::Milliseconds(20);
}  // namespace

UploadWriters::Place::~Place() {
  if (of_ != nullptr) {
    of_->Leave(upload_);
  }
}

bool UploadWriters::Place::Unwanted() const {
  if (of_ == nullptr) {
    return true;
  }
  std::lock_guard lock(of_->mu_);
  return of_->unwanted_.count(upload_) > 0;
}

void UploadWriters::Place::WhenUnwanted(std::function<void()> then) {
  if (of_ == nullptr) {
    return;
  }
  {
    std::lock_guard lock(of_->mu_);
    if (of_->unwanted_.count(upload_) == 0) {
      of_->writing_[upload_] = std::move(then);
      return;
    }
  }
  then();
}

std::optional<UploadWriters::Place> UploadWriters::Enter(const Id128& upload) {
  {
    std::lock_guard lock(mu_);
    if (unwanted_.count(upload) > 0 || !writing_.emplace(upload, nullptr).second) {
      return std::nullopt;
    }
  }
  return std::optional<Place>(std::in_place, *this, upload);
}

void UploadWriters::Leave(const Id128& upload) {
  std::lock_guard lock(mu_);
  writing_.erase(upload);
}

bool UploadWriters::Writing(const Id128& upload) const {
  std::lock_guard lock(mu_);
  return writing_.count(upload) > 0;
}

Task<bool> UploadWriters::Interrupt(Id128 upload, absl::Duration wait) {
  std::function<void()> then;
  {
    std::lock_guard lock(mu_);
    unwanted_.insert(upload);
    if (const auto writing = writing_.find(upload); writing != writing_.end()) {
      then = std::exchange(writing->second, nullptr);
    }
  }
  if (then) {
    then();
  }
  // Whoever enters from here on is refused; whoever enters once this is over finds no row of the upload.
  bool ended = !Writing(upload);
  for (absl::Duration waited = absl::ZeroDuration(); !ended && waited < wait; waited += kPoll) {
    co_await Sleep(executor_, kPoll);
    ended = !Writing(upload);
  }
  std::lock_guard lock(mu_);
  unwanted_.erase(upload);
  co_return ended;
}

Task<bool> UploadWriters::Close(Id128 upload, absl::Duration wait) {
  const bool ended = co_await Interrupt(upload, wait);
  const KeptUpload dropped = Take(upload);
  co_return ended;
}

void UploadWriters::Drop(const Id128& upload) {
  if (const auto found = kept_.find(upload); found != kept_.end()) {
    order_.erase(found->second.number);
    kept_.erase(found);
  }
}

void UploadWriters::Keep(const Id128& upload, KeptUpload what, absl::Time now) {
  std::lock_guard lock(mu_);
  Drop(upload);
  if (what.empty()) {
    return;
  }
  Kept kept;
  kept.number = next_++;
  kept.since = now;
  kept.what = std::move(what);
  order_.emplace(kept.number, upload);
  kept_.emplace(upload, std::move(kept));
  if (kept_.size() > kMost) {
    Drop(Id128(order_.begin()->second));
  }
}

KeptUpload UploadWriters::Take(const Id128& upload) {
  std::lock_guard lock(mu_);
  const auto found = kept_.find(upload);
  if (found == kept_.end()) {
    return KeptUpload();
  }
  KeptUpload what = std::move(found->second.what);
  Drop(upload);
  return what;
}

void UploadWriters::DropOld(absl::Time now) {
  std::lock_guard lock(mu_);
  while (!order_.empty()) {
    const Id128 oldest = order_.begin()->second;
    const auto found = kept_.find(oldest);
    if (found == kept_.end() || found->second.since > now - kLongest) {
      return;
    }
    Drop(oldest);
  }
}

}  // namespace relais::vault
