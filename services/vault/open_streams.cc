#include "services/vault/open_streams.h"

#include <algorithm>
#include <utility>

#include "common/base/proto_time.h"
#include "common/rpc/call.h"
#include "services/vault/domain/host_rules.h"

namespace relais::vault {

absl::Status StatusOfCut(std::string_view cause) {
  if (cause == "SUSPENDED") {
    return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_BEHIND,
                        "the reading is suspended: ask again from where it stopped");
  }
  if (cause == "PERMIT_ENDED") {
    return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_BEHIND,
                        "the reading's permit has ended: ask again from where it stopped");
  }
  if (cause == "DESTROYED") {
    return rpc::NoSuchOrNotYours();
  }
  if (cause == "DAMAGED") {
    return rpc::Refusal(absl::StatusCode::kDataLoss, common::v1::ERROR_REASON_DOCUMENT_DAMAGED,
                        "the paper does not open as it was deposited");
  }
  return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED,
                      "the reading is no longer permitted and was stopped");
}

OpenReading::OpenReading(OpenStreams& streams, ReadingBasis basis)
    : streams_(streams),
      basis_(std::move(basis)),
      judged_(!basis_.share.has_value()),
      permit_expires_(basis_.permit_expires) {}

OpenReading::~OpenReading() { streams_.Forget(*this); }

void OpenReading::Permitted(uint64_t decided_at, absl::Time permit_expires) {
  const absl::Time now = streams_.vault_.context.log.Now();
  std::lock_guard lock(mu_);
  judged_ = true;
  decided_at_ = decided_at;
  permit_expires_ = permit_expires;
  ask_at_ = WhenToAskAnew(now, permit_expires);
  went_ = false;
}

void OpenReading::Went() {
  std::lock_guard lock(mu_);
  went_ = true;
}

void OpenReading::Denied() {
  Note([](OpenReading& reading) { reading.denied_ = true; });
}

Task<bool> OpenReading::PermitEnds() {
  const OneShot<bool> due(streams_.vault_.context.executor);
  {
    std::lock_guard lock(mu_);
    due_ = due;
  }
  Look();
  const bool ends = co_await due;
  co_return ends;
}

void OpenReading::Over() {
  Note([](OpenReading& reading) { reading.over_ = true; });
}

void OpenReading::WhenCut(std::function<void(absl::Status)> end) {
  {
    std::lock_guard lock(mu_);
    end_ = std::move(end);
  }
  Look();
}

std::optional<std::string> OpenReading::WhyCut() {
  Look();
  std::lock_guard lock(mu_);
  return cut_;
}

std::optional<std::string> OpenReading::Judge() const {
  const absl::Time now = streams_.vault_.context.log.Now();
  if (!basis_.share.has_value()) {
    v1::StoredHost host;
    host.set_state(host_);
    *host.mutable_until() = ToProto(basis_.until);
    return vault::WhyCut(host, document_there_, now);
  }
  StreamFacts facts;
  facts.lease = streams_.vault_.lease.Held() && !asked_again_;
  facts.permit_revoked = void_.has_value() && *void_ >= decided_at_;
  facts.permit_expires = permit_expires_;
  facts.share = share_;
  facts.share_until = basis_.until;
  facts.document_there = document_there_;
  facts.denied = denied_;
  return vault::WhyCut(facts, now);
}

// Before consent has answered there is nothing to cut: what ends it meanwhile is known, and judged then.
void OpenReading::Look() {
  const absl::Time now = streams_.vault_.context.log.Now();
  std::function<void(absl::Status)> end;
  std::optional<OneShot<bool>> due;
  std::optional<std::string> cause;
  bool ended = false;
  {
    std::lock_guard lock(mu_);
    if (!cut_.has_value() && judged_) {
      cut_ = Judge();
    }
    cause = cut_;
    ended = cut_.has_value() || over_;
    if (ended || (now >= ask_at_ && went_)) {
      due = std::exchange(due_, std::nullopt);
    }
    if (cut_.has_value()) {
      end = std::exchange(end_, nullptr);
    }
  }
  if (due.has_value()) {
    due->Set(!ended);
  }
  if (end) {
    end(StatusOfCut(*cause));
  }
}

void OpenReading::Note(const std::function<void(OpenReading&)>& change) {
  {
    std::lock_guard lock(mu_);
    change(*this);
  }
  Look();
}

std::shared_ptr<OpenReading> OpenStreams::Open(ReadingBasis basis) {
  const Id128 person = basis.person;
  auto reading = std::make_shared<OpenReading>(*this, std::move(basis));
  bool watch = false;
  {
    std::lock_guard lock(mu_);
    open_.emplace(person, reading);
    watch = !watching_ && !stopping_;
    watching_ = watching_ || watch;
  }
  if (watch) {
    Spawn(vault_.context.executor, Watch());
  }
  return reading;
}

void OpenStreams::Forget(const OpenReading& reading) {
  std::lock_guard lock(mu_);
  const auto [begin, end] = open_.equal_range(reading.basis().person);
  for (auto it = begin; it != end;) {
    // The one that ends no longer locks; others that do not end themselves just now.
    it = it->second.expired() ? open_.erase(it) : std::next(it);
  }
}

std::vector<std::shared_ptr<OpenReading>> OpenStreams::Of(const Id128& person) const {
  std::vector<std::shared_ptr<OpenReading>> out;
  std::lock_guard lock(mu_);
  const auto [begin, end] = open_.equal_range(person);
  for (auto it = begin; it != end; ++it) {
    if (auto reading = it->second.lock()) {
      out.push_back(std::move(reading));
    }
  }
  return out;
}

std::vector<std::shared_ptr<OpenReading>> OpenStreams::All() const {
  std::vector<std::shared_ptr<OpenReading>> out;
  std::lock_guard lock(mu_);
  for (const auto& [person, weak] : open_) {
    if (auto reading = weak.lock()) {
      out.push_back(std::move(reading));
    }
  }
  return out;
}

void OpenStreams::ForEach(const Id128& person, const std::function<bool(const ReadingBasis&)>& which,
                          const std::function<void(OpenReading&)>& change) {
  for (const auto& reading : Of(person)) {
    if (which(reading->basis())) {
      reading->Note(change);
    }
  }
}

void OpenStreams::Withdraw(const Id128& person, const HerNo& no, uint64_t leaf_index, absl::Time said) {
  ForEach(
      person,
      [&](const ReadingBasis& basis) {
        return basis.share.has_value() ? Touches(no, basis.covered)
                                       : Ends(no, basis.covered) && !KnewOf(basis.since, said);
      },
      [&](OpenReading& reading) {
        reading.void_ = std::max(reading.void_.value_or(0), leaf_index);
        if (!reading.basis_.share.has_value()) {
          reading.host_ = v1::Host::STATE_WITHDRAWN;
        }
      });
}

void OpenStreams::VoidPermits(const Id128& person, uint64_t leaf_index) {
  ForEach(
      person, [](const ReadingBasis& basis) { return basis.share.has_value(); },
      [&](OpenReading& reading) { reading.void_ = std::max(reading.void_.value_or(0), leaf_index); });
}

void OpenStreams::EndShare(const Id128& person, const Id128& share, v1::Share::State how) {
  ForEach(
      person, [&](const ReadingBasis& basis) { return basis.share == share; },
      [&](OpenReading& reading) { reading.share_ = how; });
}

void OpenStreams::EndHost(const Id128& person, const std::string& institution, v1::Host::State how) {
  ForEach(
      person,
      [&](const ReadingBasis& basis) {
        return !basis.share.has_value() && basis.covered.institution == institution;
      },
      [&](OpenReading& reading) { reading.host_ = how; });
}

void OpenStreams::DocumentGone(const Id128& person, const Id128& document) {
  ForEach(
      person, [&](const ReadingBasis& basis) { return basis.document == document; },
      [](OpenReading& reading) { reading.document_there_ = false; });
}

void OpenStreams::Reclassified(const Id128& person, const Id128& document) {
  ForEach(
      person,
      [&](const ReadingBasis& basis) { return basis.document == document && basis.share.has_value(); },
      [](OpenReading& reading) { reading.asked_again_ = true; });
}

void OpenStreams::PersonGone(const Id128& person) {
  ForEach(
      person, [](const ReadingBasis&) { return true; },
      [](OpenReading& reading) { reading.document_there_ = false; });
}

void OpenStreams::StartAsking(Task<bool> asking) {
  {
    std::lock_guard lock(mu_);
    ++asking_;
  }
  Start(std::move(asking), [this](bool /*answered*/) {
    std::lock_guard lock(mu_);
    --asking_;
  });
}

size_t OpenStreams::size() const {
  std::lock_guard lock(mu_);
  return open_.size();
}

Task<void> OpenStreams::Watch() {
  while (true) {
    co_await Sleep(vault_.context.executor, kLook);
    for (const auto& reading : All()) {
      reading->Look();
    }
    std::lock_guard lock(mu_);
    if (open_.empty() || stopping_) {
      watching_ = false;
      co_return;
    }
  }
}

Task<bool> OpenStreams::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
  }
  for (const auto& reading : All()) {
    reading->Over();
  }
  while (true) {
    {
      std::lock_guard lock(mu_);
      if (!watching_ && asking_ == 0) {
        break;
      }
    }
    co_await Sleep(vault_.context.executor, kLook);
  }
  co_return true;
}

}  // namespace relais::vault
