#include "common/rpc/miss_limiter.h"

#include <algorithm>
#include <utility>

#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

constexpr int kReleaseShare = 100;
constexpr uint64_t kMost = 1'000'000'000;
constexpr absl::Duration kShortestWindow = absl::Seconds(1);
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 366);

MissLimiter::Options Bounded(MissLimiter::Options options) {
  options.most = std::clamp<uint64_t>(options.most, 1, kMost);
  options.window = std::clamp(options.window, kShortestWindow, kLongestWindow);
  return options;
}

}  // namespace

bool IsMiss(common::v1::ErrorReason reason) {
  return reason == common::v1::ERROR_REASON_NOT_YOUR_HANDLE ||
         reason == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
}

BatchMisses::BatchMisses(const google::protobuf::Descriptor& answer) {
  using google::protobuf::FieldDescriptor;
  for (int i = 0; i < answer.field_count(); ++i) {
    const FieldDescriptor* field = answer.field(i);
    if (!field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const FieldDescriptor* error = field->message_type()->FindFieldByName("error");
    if (error != nullptr && !error->is_repeated() && error->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      items_ = field;
      error_ = error;
      return;
    }
  }
}

uint64_t BatchMisses::In(const google::protobuf::Message& answer) const {
  if (items_ == nullptr) {
    return 0;
  }
  const google::protobuf::Reflection& reflection = *answer.GetReflection();
  uint64_t misses = 0;
  std::string scratch;
  for (int i = 0; i < reflection.FieldSize(answer, items_); ++i) {
    const google::protobuf::Message& item = reflection.GetRepeatedMessage(answer, items_, i);
    const std::string& name = item.GetReflection()->GetStringReference(item, error_, &scratch);
    common::v1::ErrorReason reason = common::v1::ERROR_REASON_UNSPECIFIED;
    if (!name.empty() && common::v1::ErrorReason_Parse(name, &reason) && IsMiss(reason)) {
      ++misses;
    }
  }
  return misses;
}

MissLimiter::MissLimiter(Options options, const Clock& clock)
    : options_(Bounded(std::move(options))),
      clock_(clock),
      miss_(options_.window / static_cast<int64_t>(options_.most)),
      full_(miss_ * static_cast<int64_t>(options_.most)),
      release_(std::max(miss_, full_ / kReleaseShare)) {}

MissLimiter::Bucket& MissLimiter::Filled(std::string_view institution) {
  const absl::Duration now = clock_.Monotonic();
  auto at = buckets_.find(institution);
  if (at == buckets_.end()) {
    at = buckets_.emplace(std::string(institution), Bucket{full_, now, false}).first;
  }
  Bucket& bucket = at->second;
  bucket.credit = std::min(full_, bucket.credit + (now - bucket.filled));
  bucket.filled = now;
  if (bucket.held_back && bucket.credit >= release_) {
    bucket.held_back = false;
    --held_back_;
  }
  return bucket;
}

absl::Status MissLimiter::MayAsk(std::string_view institution) {
  if (held_back_.load(std::memory_order_relaxed) == 0) {
    return absl::OkStatus();
  }
  const std::lock_guard lock(mu_);
  if (buckets_.find(institution) == buckets_.end()) {
    return absl::OkStatus();
  }
  const Bucket& bucket = Filled(institution);
  if (!bucket.held_back) {
    return absl::OkStatus();
  }
  absl::Status refusal = Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                                 "too many questions of your institution named something that is not there, "
                                 "or is not yours: see the limits");
  // In whole milliseconds, and not one too early.
  SetRetryAfter(refusal, absl::Ceil(release_ - bucket.credit, absl::Milliseconds(1)));
  return refusal;
}

void MissLimiter::Note(std::string_view institution, uint64_t misses) {
  if (misses == 0) {
    return;
  }
  bool begins = false;
  {
    const std::lock_guard lock(mu_);
    Bucket& bucket = Filled(institution);
    bucket.credit = std::max(absl::ZeroDuration(),
                             bucket.credit - miss_ * static_cast<int64_t>(std::min(misses, options_.most)));
    begins = bucket.credit < miss_ && !bucket.held_back;
    if (begins) {
      bucket.held_back = true;
      ++held_back_;
    }
  }
  if (options_.on_misses) {
    options_.on_misses(misses);
  }
  if (begins && options_.on_held_back) {
    options_.on_held_back(std::string(institution));
  }
}

}  // namespace relais::rpc
