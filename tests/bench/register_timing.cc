// Does the time of a Register say whether the person was known? (docs/performance.md, "The registry at size")
//
//   bench_register --consent HOST:PORT --pki DIR/pki [--calls N] [--in-flight N] [--json FILE]
//
// Two tests of N calls each, half of them about known persons, in an order drawn at random, over TLS:
//
//   another's   the human is registered by another institution already, with the same traits
//   own         the caller registered this very identifier before
//
// against persons nobody registered. The latency of the call is the classifier. Exit: 0; 1 when it cannot
// run; 3 when an AUC is outside the mark.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/process.h"
#include "nlohmann/json.hpp"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "tests/bench/auc.h"
#include "tests/bench/rpc_calls.h"
#include "tests/bench/workloads.h"

namespace {

using relais::consent::v1::RegisterRequest;
using relais::consent::v1::RegisterResponse;
using PersonStub = relais::consent::v1::PersonService::Stub;
using Stubs = std::vector<std::shared_ptr<PersonStub>>;
using Clock = std::chrono::steady_clock;

constexpr double kLowMark = 0.48;
constexpr double kHighMark = 0.52;
constexpr int kExitMissed = 3;
constexpr int kPrepareInFlight = 64;
// Who else registers people.
constexpr char kOtherInstitution[] = "casvp";
constexpr char kOtherSystem[] = "psa";

struct Options {
  relais::bench::Suite suite;
  uint64_t calls = 100'000;
  int in_flight = 1;
  uint64_t seed = 20261125;
  std::string json;
};

// A human of whom no other has the traits; names are of letters, as people's are, and of one length.
relais::consent::v1::Traits TraitsOf(uint64_t human) {
  std::string letters;
  for (int i = 0; i < 8; ++i) {
    letters += static_cast<char>('a' + human % 26);
    human /= 26;
  }
  relais::consent::v1::Traits traits;
  traits.set_surname("Diallo" + letters);
  traits.set_first_names("Awa Jeanne");
  traits.mutable_birth_date()->set_year(1980);
  traits.mutable_birth_date()->set_month(6);
  traits.mutable_birth_date()->set_day(15);
  traits.set_address("12 boulevard de l'Hôpital");
  traits.set_postal_code("75013");
  return traits;
}

// The same length whatever the number.
std::string Name(std::string_view what, const std::string& run, uint64_t number) {
  return absl::StrFormat("%s-%s-%010d", what, run, number);
}

struct Asked {
  std::string request_id;
  std::string own_identifier;
  uint64_t human = 0;
  bool known = false;
};

RegisterRequest RequestOf(const Asked& asked) {
  RegisterRequest request;
  request.set_request_id(asked.request_id);
  request.set_own_identifier(asked.own_identifier);
  *request.mutable_traits() = TraitsOf(asked.human);
  return request;
}

// Registers all of them in their order; `micros`, if wanted, gets the time of each.
absl::Status RegisterAll(const Stubs& stubs, const std::vector<Asked>& all, int in_flight,
                         std::vector<double>* micros) {
  relais::bench::Loop loop;
  loop.in_flight = in_flight;
  loop.calls = all.size();
  std::vector<Clock::time_point> begun(all.size());
  if (micros != nullptr) {
    micros->resize(all.size());
  }
  const relais::bench::Calls<PersonStub, RegisterRequest, RegisterResponse> calls{
      stubs,
      [](PersonStub& stub, auto* context, auto* request, auto* response, auto done) {
        stub.async()->Register(context, request, response, std::move(done));
      },
      [&](int, uint64_t number, auto& request) {
        request = RequestOf(all[number]);
        begun[number] = Clock::now();
      },
      [&](uint64_t number, const auto& response) {
        if (micros != nullptr) {
          (*micros)[number] = std::chrono::duration<double, std::micro>(Clock::now() - begun[number]).count();
        }
        return response.person().handle().empty() ? absl::InternalError("a registration without a handle")
                                                  : absl::OkStatus();
      }};
  return relais::bench::RunCalls("Register", loop, calls).first_error;
}

absl::StatusOr<Stubs> Connect(relais::bench::Suite suite, const std::string& institution,
                              const std::string& system) {
  suite.institution = institution;
  suite.system = system;
  suite.channels = 1;
  ASSIGN_OR_RETURN(const auto channels, relais::bench::OpenChannels(suite, suite.consent));
  Stubs stubs;
  for (const auto& channel : channels) {
    stubs.push_back(relais::consent::v1::PersonService::NewStub(channel));
  }
  return stubs;
}

struct Found {
  std::string name;
  relais::bench::Auc auc;
  double known_p50 = 0;
  double unknown_p50 = 0;

  [[nodiscard]] bool reached() const { return auc.value >= kLowMark && auc.value <= kHighMark; }
};

double MedianOf(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// `own`: known to the caller itself; else to another.
absl::StatusOr<Found> Test(const Options& options, bool own, const std::string& run) {
  ASSIGN_OR_RETURN(const Stubs caller,
                   Connect(options.suite, relais::bench::kInstitution, relais::bench::kSystem));
  ASSIGN_OR_RETURN(const Stubs other, Connect(options.suite, kOtherInstitution, kOtherSystem));
  const uint64_t each = options.calls / 2;
  std::mt19937_64 random(options.seed + (own ? 1 : 0));
  const uint64_t base = random() >> 28;  // humans of this test alone
  std::vector<Asked> before;
  std::vector<Asked> asked;
  for (uint64_t i = 0; i < 2 * each; ++i) {
    Asked one{Name("now", run, i), Name("id", run, i), base + i, i < each};
    if (one.known) {
      Asked earlier = one;
      earlier.request_id = Name("old", run, i);
      if (!own) {
        earlier.own_identifier = Name("at", run, i);
      }
      before.push_back(std::move(earlier));
    }
    asked.push_back(std::move(one));
  }
  RETURN_IF_ERROR(RegisterAll(own ? caller : other, before, kPrepareInFlight, nullptr));
  std::shuffle(asked.begin(), asked.end(), random);
  std::vector<double> micros;
  RETURN_IF_ERROR(RegisterAll(caller, asked, options.in_flight, &micros));
  std::vector<double> known;
  std::vector<double> unknown;
  for (size_t i = 0; i < asked.size(); ++i) {
    (asked[i].known ? known : unknown).push_back(micros[i]);
  }
  Found found;
  found.name = own ? "own" : "another's";
  found.known_p50 = MedianOf(known);
  found.unknown_p50 = MedianOf(unknown);
  found.auc = relais::bench::AucOf(std::move(known), std::move(unknown));
  return found;
}

absl::StatusOr<std::vector<Found>> Run(const Options& options) {
  RETURN_IF_ERROR(relais::rpc::ConfigureProcess());
  std::vector<Found> all;
  for (const bool own : {false, true}) {
    const std::string run = relais::SystemRandom().Id().ToHex().substr(0, 12);
    ASSIGN_OR_RETURN(Found found, Test(options, own, run));
    all.push_back(std::move(found));
  }
  return all;
}

void Show(const Options& options, const std::vector<Found>& all) {
  nlohmann::json json = {{"calls", options.calls}, {"in_flight", options.in_flight}};
  for (const Found& found : all) {
    std::cout << absl::StreamFormat(
        "Register, known (%s) or not: %d calls, %d in flight, AUC of the latency %.4f, 95%% [%.4f, %.4f]; "
        "p50 %.0f us "
        "known, %.0f us unknown; wanted %.2f to %.2f: %s\n",
        found.name, options.calls, options.in_flight, found.auc.value, found.auc.low(), found.auc.high(),
        found.known_p50, found.unknown_p50, kLowMark, kHighMark, found.reached() ? "reached" : "MISSED");
    json["tests"].push_back({{"known", found.name},
                             {"auc", found.auc.value},
                             {"low", found.auc.low()},
                             {"high", found.auc.high()},
                             {"known_p50_us", found.known_p50},
                             {"unknown_p50_us", found.unknown_p50},
                             {"reached", found.reached()}});
  }
  if (!options.json.empty()) {
    std::ofstream(options.json) << json.dump(2) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.suite.trust_domain = "relais.test";
  CLI::App app("Measures whether the time of a registration says that a person is known");
  app.add_option("--consent", options.suite.consent, "host:port of relais-consent")->required();
  app.add_option("--pki", options.suite.pki, "Folder of the development PKI")->required();
  app.add_option("--trust-domain", options.suite.trust_domain, "The suite's");
  app.add_option("--calls", options.calls, "Calls of each test")->check(CLI::Range(10, 10'000'000));
  app.add_option("--in-flight", options.in_flight, "Calls at once")->check(CLI::Range(1, 1024));
  app.add_option("--seed", options.seed, "Of people and order");
  app.add_option("--json", options.json, "Writes the report there too");
  CLI11_PARSE(app, argc, argv);
  const absl::StatusOr<std::vector<Found>> all = Run(options);
  if (!all.ok()) {
    std::cerr << "bench_register: " << all.status() << '\n';
    return 1;
  }
  Show(options, *all);
  return std::all_of(all->begin(), all->end(), [](const Found& found) { return found.reached(); })
             ? 0
             : kExitMissed;
}
