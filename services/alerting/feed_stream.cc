#include "services/alerting/feed_stream.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/alerting/batch.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

using Outcome = absl::StatusOr<std::vector<v1::RowResult>>;

// A batch under way.
struct Flight {
  Flight(Executor& executor, std::shared_ptr<Intake::Batch> prepared)
      : batch(std::move(prepared)), outcome(executor) {}
  const std::shared_ptr<Intake::Batch> batch;
  const OneShot<Outcome> outcome;
};

// What the coroutine that reads and the one that answers share.
class Run {
 public:
  Run(Executor& an_executor, const Intake& an_intake, rpc::Call a_call, Terms some_terms,
      std::shared_ptr<RowStream> a_stream)
      : executor(an_executor),
        intake(an_intake),
        call(std::move(a_call)),
        terms(std::move(some_terms)),
        stream(std::move(a_stream)) {}

  Executor& executor;
  const Intake& intake;
  const rpc::Call call;
  const Terms terms;
  const std::shared_ptr<RowStream> stream;

  // Null: the reader waits until one more is answered.
  std::shared_ptr<Flight> Begin(const std::shared_ptr<Intake::Batch>& batch) {
    std::lock_guard lock(mu_);
    const bool waits = flights_.size() >= kMostBatchesAtOnce ||
                       std::any_of(flights_.begin(), flights_.end(), [&](const auto& flight) {
                         return Intake::Overlap(*flight->batch, *batch);
                       });
    if (waits) {
      return nullptr;
    }
    flights_.push_back(std::make_shared<Flight>(executor, batch));
    Wake(arrived_);
    return flights_.back();
  }
  // The batch that has waited longest; null: none is under way.
  std::shared_ptr<Flight> Oldest() {
    std::lock_guard lock(mu_);
    return flights_.empty() ? nullptr : flights_.front();
  }
  void Answered() {
    std::lock_guard lock(mu_);
    flights_.pop_front();
    Wake(answered_);
  }
  // No batch begins any more.
  void EndReading() {
    std::lock_guard lock(mu_);
    read_ = true;
    Wake(arrived_);
  }
  [[nodiscard]] bool read() {
    std::lock_guard lock(mu_);
    return read_;
  }
  [[nodiscard]] bool empty() {
    std::lock_guard lock(mu_);
    return flights_.empty();
  }
  // Taken before the look at what is waited for, so that no change is missed.
  OneShot<bool> NextAnswer() { return Next(answered_); }
  OneShot<bool> NextArrival() { return Next(arrived_); }

 private:
  OneShot<bool> Next(std::optional<OneShot<bool>>& place) {
    std::lock_guard lock(mu_);
    return place.emplace(executor);
  }
  static void Wake(std::optional<OneShot<bool>>& place) {
    if (place.has_value()) {
      place->Set(true);
      place.reset();
    }
  }

  std::mutex mu_;
  std::deque<std::shared_ptr<Flight>> flights_;  // oldest first
  bool read_ = false;
  std::optional<OneShot<bool>> arrived_;   // whom the answering coroutine waits for
  std::optional<OneShot<bool>> answered_;  // whom the reading one waits for
};
using RunPtr = std::shared_ptr<Run>;

absl::Status CheckBatch(const v1::SubmitStreamRequest& request) {
  return request.has_batch() ? absl::OkStatus() : rpc::InvalidField("batch", "is required after open");
}

Task<void> Decide(RunPtr run, std::shared_ptr<Flight> flight) {
  Outcome outcome = co_await run->intake.Submit(flight->batch);
  flight->outcome.Set(std::move(outcome));
}

Task<bool> WaitUntilAllAnswered(RunPtr run) {
  while (true) {
    const OneShot<bool> answered = run->NextAnswer();
    if (run->empty()) {
      co_return true;
    }
    co_await answered;
  }
}

Task<absl::Status> BeginBatch(RunPtr run, v1::SubmitStreamRequest request) {
  CO_RETURN_IF_ERROR(CheckBatch(request));
  CO_RETURN_IF_ERROR(CheckRows(request.batch().rows()));
  if (!Intake::PreparesAhead(run->terms)) {
    co_await WaitUntilAllAnswered(run);
  }
  CO_ASSIGN_OR_RETURN(
      const std::shared_ptr<Intake::Batch> batch,
      run->intake.Prepare(run->call, run->terms, TakeRows(request.mutable_batch()->mutable_rows())));
  while (true) {
    const OneShot<bool> answered = run->NextAnswer();
    if (const std::shared_ptr<Flight> flight = run->Begin(batch)) {
      // On another thread, so that the next batch is read and judged meanwhile.
      Spawn(run->executor, Decide(run, flight));
      co_return absl::OkStatus();
    }
    co_await answered;
  }
}

Task<absl::Status> ReadBatches(RunPtr run) {
  absl::Status status;
  while (status.ok()) {
    std::optional<v1::SubmitStreamRequest> request = co_await run->stream->Read();
    if (!request.has_value()) {
      break;
    }
    status = co_await BeginBatch(run, *std::move(request));
  }
  run->EndReading();
  co_return status;
}

v1::SubmitStreamResponse ResponseOf(std::vector<v1::RowResult> results) {
  v1::SubmitStreamResponse response;
  for (v1::RowResult& result : results) {
    *response.mutable_results()->add_results() = std::move(result);
  }
  return response;
}

// After a failure what is under way is only waited for: nothing of it is told.
Task<absl::Status> AnswerBatches(RunPtr run) {
  absl::Status status;
  while (true) {
    const OneShot<bool> arrived = run->NextArrival();
    const bool read = run->read();
    const std::shared_ptr<Flight> flight = run->Oldest();
    if (flight == nullptr) {
      if (read) {
        co_return status;
      }
      co_await arrived;
      continue;
    }
    Outcome outcome = co_await flight->outcome;
    if (status.ok() && !outcome.ok()) {
      status = outcome.status();
      run->stream->End(status);
    } else if (status.ok()) {
      const bool written = co_await run->stream->Write(ResponseOf(*std::move(outcome)));
      if (!written) {
        status = absl::CancelledError("the client is gone");
        run->stream->End(status);
      }
    }
    run->Answered();
  }
}

}  // namespace

Task<absl::Status> ServeRows(Executor& executor, const Intake& intake, rpc::Call call, Terms terms,
                             std::shared_ptr<RowStream> stream) {
  auto run = std::make_shared<Run>(executor, intake, std::move(call), std::move(terms), std::move(stream));
  std::vector<Task<absl::Status>> both;
  both.push_back(ReadBatches(run));
  both.push_back(AnswerBatches(run));
  const std::vector<absl::Status> ends = co_await WhenAll(executor, std::move(both));
  co_return ends[1].ok() ? ends[0] : ends[1];
}

}  // namespace relais::alerting
