// Does the time of a Register say whether the person was known? (docs/performance.md, "The registry at size")
//
//   bench_register --consent HOST:PORT --pki DIR/pki [--calls N] [--connections N] [--built N] [--json FILE]
//
// Tests of N calls each, half of them about known persons, in an order drawn at random, over TLS:
//
//   another's   the human is registered by another institution already, with the same traits
//   own         the caller registered this very identifier before, in the minutes before
//   old         the caller registered it long ago: somebody of a store that bench_registry_build made with
//               `--built` persons, whose rows are nowhere in memory but by chance
//
// against persons nobody registered. The latency of the call is the classifier. Each connection has one call
// at a time. With several, a test of many calls takes less time, for an answer waits for its tick and costs
// nothing meanwhile; known and unknown meet the calls of the other connections alike, so an AUC beside 0.5 is
// one all the same, but their noise makes a difference smaller: the strictest test has one connection, and
// fewer calls. Exit: 0; 1 when it cannot run; 3 when an AUC is outside the mark.
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
#include "tests/bench/sample.h"
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
  int connections = 8;
  uint64_t built = 0;
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

// Of letters: with digits, one run in many has names that are taken for social security numbers, and refused.
std::string NewRun() {
  std::string run = relais::SystemRandom().Id().ToHex().substr(0, 12);
  for (char& c : run) {
    c = static_cast<char>(c <= '9' ? c - '0' + 'g' : c);
  }
  return run;
}

// Who is known, and to whom.
enum class Test { kAnothers, kOwn, kOld };

std::string NameOf(Test test) {
  switch (test) {
    case Test::kAnothers:
      return "another's";
    case Test::kOwn:
      return "own";
    case Test::kOld:
      return "old";
  }
  return "";
}

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
                              const std::string& system, int connections) {
  suite.institution = institution;
  suite.system = system;
  suite.channels = connections;
  ASSIGN_OR_RETURN(const auto channels, relais::bench::OpenChannels(suite, suite.consent));
  Stubs stubs;
  for (const auto& channel : channels) {
    stubs.push_back(relais::consent::v1::PersonService::NewStub(channel));
  }
  return stubs;
}

struct Found {
  std::string name;
  uint64_t calls = 0;
  relais::bench::Auc auc;
  double known_p50 = 0;
  double unknown_p50 = 0;

  [[nodiscard]] bool reached() const { return auc.value >= kLowMark && auc.value <= kHighMark; }
};

double MedianOf(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// What is asked, known persons first; what makes them known goes to `before`.
std::vector<Asked> Fresh(Test test, uint64_t each, uint64_t base, const std::string& run,
                         std::vector<Asked>& before) {
  std::vector<Asked> asked;
  for (uint64_t i = 0; i < 2 * each; ++i) {
    Asked one{Name("now", run, i), Name("id", run, i), base + i, i < each};
    if (one.known) {
      Asked earlier = one;
      earlier.request_id = Name("old", run, i);
      if (test == Test::kAnothers) {
        earlier.own_identifier = Name("at", run, i);
      }
      before.push_back(std::move(earlier));
    }
    asked.push_back(std::move(one));
  }
  return asked;
}

// Persons of a store that was built, all over it, against as many that it has not: of each number one of
// either, so that their identifiers are of one length.
std::vector<Asked> Built(uint64_t each, uint64_t built, uint64_t base, const std::string& run) {
  const std::string built_run = relais::bench::kBuiltRun;
  const std::string other_run = run.substr(0, built_run.size());
  std::vector<Asked> asked;
  for (uint64_t i = 0; i < 2 * each; ++i) {
    const bool known = i < each;
    const uint64_t number = (i % each) * (built / each);
    asked.push_back({Name("now", run, i),
                     relais::bench::RegistrationOf(known ? built_run : other_run, number).own_identifier(),
                     base + i, known});
  }
  return asked;
}

absl::StatusOr<Found> RunTest(const Options& options, Test test, const std::string& run) {
  ASSIGN_OR_RETURN(const Stubs caller, Connect(options.suite, relais::bench::kInstitution,
                                               relais::bench::kSystem, options.connections));
  ASSIGN_OR_RETURN(const Stubs other, Connect(options.suite, kOtherInstitution, kOtherSystem, 1));
  const uint64_t each = test == Test::kOld ? std::min(options.calls / 2, options.built) : options.calls / 2;
  std::mt19937_64 random(options.seed + static_cast<uint64_t>(test));
  const uint64_t base = random() >> 28;  // humans of this test alone
  std::vector<Asked> before;
  std::vector<Asked> asked =
      test == Test::kOld ? Built(each, options.built, base, run) : Fresh(test, each, base, run, before);
  if (!before.empty()) {
    RETURN_IF_ERROR(RegisterAll(test == Test::kOwn ? caller : other, before, kPrepareInFlight, nullptr));
  }
  std::shuffle(asked.begin(), asked.end(), random);
  std::vector<double> micros;
  RETURN_IF_ERROR(RegisterAll(caller, asked, options.connections, &micros));
  std::vector<double> known;
  std::vector<double> unknown;
  for (size_t i = 0; i < asked.size(); ++i) {
    (asked[i].known ? known : unknown).push_back(micros[i]);
  }
  Found found;
  found.name = NameOf(test);
  found.calls = asked.size();
  found.known_p50 = MedianOf(known);
  found.unknown_p50 = MedianOf(unknown);
  found.auc = relais::bench::AucOf(std::move(known), std::move(unknown));
  return found;
}

absl::StatusOr<std::vector<Found>> Run(const Options& options) {
  RETURN_IF_ERROR(relais::rpc::ConfigureProcess());
  std::vector<Found> all;
  std::vector<Test> tests = {Test::kAnothers, Test::kOwn};
  if (options.built > 0) {
    tests.push_back(Test::kOld);
  }
  for (const Test test : tests) {
    const std::string run = NewRun();
    ASSIGN_OR_RETURN(Found found, RunTest(options, test, run));
    all.push_back(std::move(found));
  }
  return all;
}

void Show(const Options& options, const std::vector<Found>& all) {
  nlohmann::json json = {{"calls", options.calls}, {"connections", options.connections}};
  for (const Found& found : all) {
    std::cout << absl::StreamFormat(
        "Register, known (%s) or not: %d calls over %d connections, AUC of the latency %.4f, 95%% [%.4f, "
        "%.4f]; "
        "p50 %.0f us "
        "known, %.0f us unknown; wanted %.2f to %.2f: %s\n",
        found.name, found.calls, options.connections, found.auc.value, found.auc.low(), found.auc.high(),
        found.known_p50, found.unknown_p50, kLowMark, kHighMark, found.reached() ? "reached" : "MISSED");
    json["tests"].push_back({{"known", found.name},
                             {"calls", found.calls},
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
  app.add_option("--connections", options.connections, "One call at a time on each")
      ->check(CLI::Range(1, 64));
  app.add_option("--built", options.built, "Persons that bench_registry_build put into this store");
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
