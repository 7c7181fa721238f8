#include "tests/bench/workloads.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/pki/file.h"
#include "common/rpc/tls.h"
#include "tests/bench/rpc_calls.h"
#include "tests/bench/sample.h"

namespace relais::bench {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr auto kConnectTime = std::chrono::seconds(20);
// Keys of the registry's rows after the partition, and what sealing and the request's digest add to a value.
constexpr size_t kStateKeyBytes = 5;
constexpr size_t kConsentKeyBytes = 40;
constexpr size_t kRequestKeyBytes = 20;
constexpr size_t kRequestRowBytes = 60;
constexpr size_t kValueOverhead = 10 + crypto::kAeadOverhead;

absl::Status JudgePermit(const consent::v1::CheckResponse& response, bool recorded) {
  if (response.decision() != common::v1::DECISION_PERMIT || response.has_permit() != recorded) {
    return absl::InternalError("a check was not answered with the permit it should be");
  }
  return absl::OkStatus();
}

absl::Status JudgePermits(const consent::v1::BatchCheckResponse& response, int persons) {
  const bool all = std::all_of(response.results().begin(), response.results().end(), [](const auto& result) {
    return result.decision() == common::v1::DECISION_PERMIT;
  });
  return all && response.results_size() == persons
             ? absl::OkStatus()
             : absl::InternalError("a batch was not answered with the permits it should be");
}

Loop CountedLoop(uint64_t calls, int in_flight) {
  Loop loop;
  loop.in_flight = in_flight;
  loop.calls = calls;
  return loop;
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> OpenChannels(const Suite& suite,
                                                                         const std::string& target) {
  pki::PeerTrust::Options options;
  options.trust_domain = suite.trust_domain;
  ASSIGN_OR_RETURN(options.services_pem, pki::ReadWholeFile(suite.pki + "/ca/services.pem", kMostPemBytes));
  ASSIGN_OR_RETURN(const pki::PeerTrust trust, pki::PeerTrust::Create(options));
  const std::string own = absl::StrCat(suite.pki, "/institutions/", suite.institution, "/", suite.system);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < suite.channels; ++i) {
    ASSIGN_OR_RETURN(
        std::shared_ptr<grpc::Channel> channel,
        rpc::MakeChannel(
            {target, "consent", {own + "/tls.crt", own + "/tls.key", suite.pki + "/ca/bundle.pem"}}, trust,
            nullptr));
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTime)) {
      return absl::UnavailableError("no connection to " + target);
    }
    channels.push_back(std::move(channel));
  }
  return channels;
}

absl::StatusOr<std::unique_ptr<Workloads>> Workloads::Connect(const Suite& suite) {
  std::unique_ptr<Workloads> made(new Workloads);
  made->run_ = SystemRandom().Id().ToHex().substr(0, 12);
  ASSIGN_OR_RETURN(const auto echo, OpenChannels(suite, suite.echo));
  for (const std::shared_ptr<grpc::Channel>& channel : echo) {
    made->echo_.push_back(consent::v1::ConsentService::NewStub(channel));
  }
  ASSIGN_OR_RETURN(const auto consent, OpenChannels(suite, suite.consent));
  for (const std::shared_ptr<grpc::Channel>& channel : consent) {
    made->consent_.push_back(consent::v1::ConsentService::NewStub(channel));
    made->persons_.push_back(consent::v1::PersonService::NewStub(channel));
  }
  return made;
}

absl::StatusOr<std::vector<Figure>> Workloads::Prepare(uint64_t persons, int in_flight) {
  handles_.resize(persons);
  Calls<PersonStub, consent::v1::RegisterRequest, consent::v1::RegisterResponse> registering{
      persons_,
      [](PersonStub& stub, auto* context, auto* request, auto* response, auto done) {
        stub.async()->Register(context, request, response, std::move(done));
      },
      [this](int, uint64_t number, auto& request) { request = RegistrationOf(run_, number); },
      [this](uint64_t number, const auto& response) {
        handles_[number] = response.person().handle();
        return absl::OkStatus();
      }};
  std::vector<Figure> figures;
  figures.push_back(RunCalls("Register", CountedLoop(persons, in_flight), registering));
  RETURN_IF_ERROR(figures.back().first_error);
  Calls<ConsentStub, consent::v1::RecordConsentRequest, consent::v1::RecordConsentResponse> agreeing{
      consent_,
      [](ConsentStub& stub, auto* context, auto* request, auto* response, auto done) {
        stub.async()->RecordConsent(context, request, response, std::move(done));
      },
      [this](int, uint64_t number, auto& request) {
        request = AgreementOf(handles_[number], absl::StrCat("bench-agree-", run_, "-", number));
      },
      [](uint64_t, const auto&) { return absl::OkStatus(); }};
  figures.push_back(RunCalls("RecordConsent, the first of each", CountedLoop(persons, in_flight), agreeing));
  RETURN_IF_ERROR(figures.back().first_error);
  return figures;
}

absl::Status Workloads::UseHandles(const std::string& path) {
  std::ifstream in(path);
  handles_.clear();
  for (std::string line; std::getline(in, line);) {
    handles_.push_back(std::move(line));
  }
  return handles_.empty() ? absl::NotFoundError(path + ": no handles") : absl::OkStatus();
}

absl::StatusOr<Sizes> Workloads::MeasureSizes() {
  Sizes sizes;
  sizes.echo_answer = EchoedPermit().ByteSizeLong();
  {
    grpc::ClientContext context;
    PrepareContext(context);
    consent::v1::CheckRequest request = CheckOf(handles_.front(), false);
    request.set_want_proof(true);
    consent::v1::CheckResponse response;
    RETURN_IF_ERROR(rpc::FromGrpc(consent_.front()->Check(&context, request, &response)));
    sizes.check_leaf = response.proof().leaf().size();
    response.clear_proof();
    sizes.check_answer = response.ByteSizeLong();
  }
  grpc::ClientContext context;
  PrepareContext(context);
  consent::v1::RecordConsentRequest request =
      AgreementOf(handles_.front(), absl::StrCat("bench-size-", run_));
  request.set_want_proof(true);
  consent::v1::RecordConsentResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(consent_.front()->RecordConsent(&context, request, &response)));
  sizes.agreement_leaf = response.written().proof().leaf().size();
  // The agreement as it was given, and the state, which holds the lines of each.
  const size_t complete = request.ByteSizeLong() + kValueOverhead;
  size_t state = 2 * kValueOverhead;
  for (const consent::v1::ConsentLine& line : request.lines()) {
    state += line.ByteSizeLong();
  }
  sizes.agreement_rows = {
      {kStateKeyBytes, state}, {kConsentKeyBytes, complete}, {kRequestKeyBytes, kRequestRowBytes}};
  return sizes;
}

void Workloads::StartDrawing(int slots) {
  draws_.clear();
  for (int i = 0; i < slots; ++i) {
    draws_.push_back(0x9E3779B97F4A7C15U * static_cast<uint64_t>(i + 1));
  }
}

const std::string& Workloads::Draw(int slot, Among among) {
  uint64_t& draw = draws_[slot];
  draw ^= draw << 13;
  draw ^= draw >> 7;
  draw ^= draw << 17;
  const uint64_t persons = among.persons == 0 ? handles_.size() : among.persons;
  // Spread over all of them: a store that was built has them in the order of their ids.
  return handles_[draw % persons * (handles_.size() / persons)];
}

Figure Workloads::RunCheck(int slots, const RunLoop& run, Among among, bool dry_run,
                           const std::vector<std::shared_ptr<ConsentStub>>& stubs) {
  StartDrawing(slots);
  const consent::v1::CheckRequest question = CheckOf("", dry_run);
  return RunCallsIn<ConsentStub, consent::v1::CheckRequest, consent::v1::CheckResponse>(
      slots, run,
      {stubs,
       [](ConsentStub& stub, auto* context, auto* request, auto* response, auto done) {
         stub.async()->Check(context, request, response, std::move(done));
       },
       [&](int slot, uint64_t, auto& request) {
         if (request.categories().empty()) {
           request = question;
         }
         request.mutable_person()->set_handle(Draw(slot, among));
       },
       [&](uint64_t, const auto& response) { return JudgePermit(response, !dry_run); }});
}

Figure Workloads::Echo(const std::string& name, const Loop& loop) {
  const RunLoop run = [&](const StartCall& start) { return RunClosedLoop(name, loop, start); };
  return RunCheck(loop.in_flight, run, {}, false, echo_);
}

Figure Workloads::Check(const std::string& name, const Loop& loop, Among among, bool dry_run) {
  const RunLoop run = [&](const StartCall& start) { return RunClosedLoop(name, loop, start); };
  return RunCheck(loop.in_flight, run, among, dry_run, consent_);
}

Figure Workloads::PacedEcho(const std::string& name, const Pace& pace) {
  const RunLoop run = [&](const StartCall& start) { return RunPacedLoop(name, pace, start); };
  return RunCheck(pace.most_in_flight, run, {}, false, echo_);
}

Figure Workloads::PacedCheck(const std::string& name, const Pace& pace, Among among, bool dry_run) {
  const RunLoop run = [&](const StartCall& start) { return RunPacedLoop(name, pace, start); };
  return RunCheck(pace.most_in_flight, run, among, dry_run, consent_);
}

Figure Workloads::BatchCheck(const std::string& name, const Loop& loop, Among among, int persons) {
  StartDrawing(loop.in_flight);
  const consent::v1::BatchCheckRequest question = BatchCheckOf(true);
  return RunCalls<ConsentStub, consent::v1::BatchCheckRequest, consent::v1::BatchCheckResponse>(
      name, loop,
      {consent_,
       [](ConsentStub& stub, auto* context, auto* request, auto* response, auto done) {
         stub.async()->BatchCheck(context, request, response, std::move(done));
       },
       [&](int slot, uint64_t, auto& request) {
         if (request.categories().empty()) {
           request = question;
           for (int i = 0; i < persons; ++i) {
             request.add_persons();
           }
         }
         for (common::v1::PersonRef& person : *request.mutable_persons()) {
           person.set_handle(Draw(slot, among));
         }
       },
       [&](uint64_t, const auto& response) { return JudgePermits(response, persons); }});
}

Figure Workloads::RecordConsent(const std::string& name, const Loop& loop, Among among) {
  StartDrawing(loop.in_flight);
  const std::string prefix = absl::StrCat("bench-more-", run_, "-", agreement_loops_++, "-");
  return RunCalls<ConsentStub, consent::v1::RecordConsentRequest, consent::v1::RecordConsentResponse>(
      name, loop,
      {consent_,
       [](ConsentStub& stub, auto* context, auto* request, auto* response, auto done) {
         stub.async()->RecordConsent(context, request, response, std::move(done));
       },
       [&](int slot, uint64_t number, auto& request) {
         request = AgreementOf(Draw(slot, among), absl::StrCat(prefix, number));
       },
       [](uint64_t, const auto&) { return absl::OkStatus(); }});
}

}  // namespace relais::bench
