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

Task<bool> UploadWriters::Close(Id128 upload, absl::Duration wait) {
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
  const std::optional<TextSoFar> forgotten = Take(upload);
  std::lock_guard lock(mu_);
  unwanted_.erase(upload);
  co_return ended;
}

void UploadWriters::Keep(const Id128& upload, TextSoFar text) {
  std::lock_guard lock(mu_);
  if (const auto before = kept_.find(upload); before != kept_.end()) {
    order_.erase(before->second.number);
    kept_.erase(before);
  }
  const uint64_t number = next_++;
  Kept kept;
  kept.number = number;
  kept.text = std::move(text);
  kept_.emplace(upload, std::move(kept));
  order_.emplace(number, upload);
  if (kept_.size() > kMost) {
    kept_.erase(order_.begin()->second);
    order_.erase(order_.begin());
  }
}

std::optional<TextSoFar> UploadWriters::Take(const Id128& upload) {
  std::lock_guard lock(mu_);
  const auto found = kept_.find(upload);
  if (found == kept_.end()) {
    return std::nullopt;
  }
  std::optional<TextSoFar> text(std::move(found->second.text));
  order_.erase(found->second.number);
  kept_.erase(found);
  return text;
}

}  // namespace relais::vault
