// RoutingService: who must get it, and sending it there.
#pragma once

#include <atomic>

#include "common/calendar/paris.h"
#include "relais/routing/v1/routing_service.pb.h"
#include "services/routing/courier.h"
#include "services/routing/domain/referent.h"
#include "services/routing/domain/resolution.h"
#include "services/routing/pivots.h"

namespace relais::routing {

/// Thread-safe. Methods as in the proto.
class RoutingHandlers {
 public:
  RoutingHandlers(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
                  const calendar::Paris& paris, RoutingStore& store, const Pivots& pivots, Courier& courier)
      : context_(context),
        peers_(peers),
        settings_(settings),
        paris_(paris),
        store_(store),
        pivots_(pivots),
        courier_(courier) {}

  Task<absl::StatusOr<v1::ResolveResponse>> Resolve(rpc::Call call, v1::ResolveRequest request);
  Task<absl::StatusOr<v1::SubmitResponse>> Submit(rpc::Call call, v1::SubmitRequest request);
  Task<absl::StatusOr<v1::PullBackResponse>> PullBack(rpc::Call call, v1::PullBackRequest request);

 private:
  // A candidate that may receive, with the answer that says so.
  struct Chosen {
    Candidate candidate;
    consent::v1::CheckResponse answer;
    bool on_agreement = false;  // permitted without the stated ground
  };
  struct Search {
    std::optional<Chosen> chosen;
    Candidate last;  // tried last, when none may
    std::vector<v1::Step> steps;
    std::string next_step;
  };
  Task<absl::StatusOr<Search>> Find(rpc::Call call, v1::MessageState message, Query query);
  Task<absl::StatusOr<consent::v1::CheckResponse>> Ask(v1::MessageState message, Candidate candidate,
                                                       bool with_stated_ground);
  Task<absl::StatusOr<v1::SubmitResponse>> Refuse(rpc::Call call, rpc::Actor actor, std::string request_id,
                                                  v1::MessageState message, std::string next_step);
  // A submission on its way.
  struct Submission {
    rpc::Actor actor;
    Id128 person;
    Id128 id;
    rpc::Idempotency::Seen seen;
    v1::MessageState message;
  };
  // An exercise: to the desk that would be first, asking and saying nothing about anyone.
  Task<absl::StatusOr<v1::SubmitResponse>> Rehearse(rpc::Call call, v1::SubmitRequest request,
                                                    Submission submission);
  absl::Status CheckSubmission(const rpc::Call& call, const v1::SubmitRequest& request) const;
  static absl::Status Address(const Search& found, v1::MessageState& message);
  Task<absl::StatusOr<v1::SubmitResponse>> Queue(rpc::Call call, v1::SubmitRequest request,
                                                 Submission submission, consent::v1::CheckResponse permit);
  Task<absl::StatusOr<v1::SubmitResponse>> Answer(Submission submission, bool want_proof);
  absl::Time NextInstant();

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const calendar::Paris& paris_;
  RoutingStore& store_;
  const Pivots& pivots_;
  Courier& courier_;
  std::atomic<int64_t> last_submitted_ = 0;  // microseconds
};

}  // namespace relais::routing
