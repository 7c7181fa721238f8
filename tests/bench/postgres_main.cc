// The same question asked of PostgreSQL (docs/performance.md, "The registry at size"): what a careful team
// would build without this suite.
//
//   bench_postgres load --conninfo "host=… sslmode=verify-ca …" [--persons N] [--agreements N]
//   bench_postgres run  --conninfo "…" [--persons N] [--in-flight N] [--seconds N] [--warm-up N] [--rounds N]
//
// `run`: one connection for each call in flight; a call is one transaction in one round trip: a prepared
// statement that decides over the person's agreements, denials and restrictions and inserts one row of audit,
// committed durably before the answer. Prints one `name value` a line. Exit: 0; 1 when something failed or an
// answer was no permit.
#include <libpq-fe.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string conninfo;
  uint64_t persons = 3'000'000;
  uint64_t agreements = 10'000'000;
  int in_flight = 64;
  int threads = 2;
  double seconds = 5;
  double warm_up = 1;
  int rounds = 3;
};

// What the registry's own state says of the same acts, in columns; one index a table, on the person.
constexpr const char* kSchema[] = {
    "CREATE TABLE persons (person uuid NOT NULL, registered timestamptz NOT NULL)",
    "CREATE TABLE agreements (id uuid NOT NULL, person uuid NOT NULL, recorded timestamptz NOT NULL,"
    " valid_from timestamptz NOT NULL, valid_until timestamptz NOT NULL, ended timestamptz, purposes text[] "
    "NOT NULL,"
    " categories text[] NOT NULL, recipients text[] NOT NULL, acts smallint[] NOT NULL, collector text NOT "
    "NULL,"
    " legal_basis smallint NOT NULL, method smallint NOT NULL, notice text NOT NULL, notice_sha256 bytea NOT "
    "NULL,"
    " evidence text NOT NULL)",
    "CREATE TABLE denials (id uuid NOT NULL, person uuid NOT NULL, at timestamptz NOT NULL, agreement uuid,"
    " purposes text[] NOT NULL, categories text[] NOT NULL, recipients text[] NOT NULL, acts smallint[] NOT "
    "NULL)",
    "CREATE TABLE restrictions (person uuid NOT NULL, institution text NOT NULL, since timestamptz NOT NULL,"
    " until timestamptz)",
    "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, person "
    "uuid NOT"
    " NULL, sender text NOT NULL, recipient text NOT NULL, purpose text NOT NULL, categories text[] NOT "
    "NULL, act"
    " smallint NOT NULL, permitted boolean NOT NULL, agreement uuid, agent text NOT NULL, details bytea NOT "
    "NULL)",
};
// After the rows, as one loads a table.
constexpr const char* kIndexes[] = {
    "ALTER TABLE persons ADD PRIMARY KEY (person)",
    "ALTER TABLE agreements ADD PRIMARY KEY (id)",
    "CREATE INDEX agreements_person ON agreements (person)",
    "CREATE INDEX denials_person ON denials (person)",
    "CREATE INDEX restrictions_person ON restrictions (person)",
    "VACUUM (ANALYZE, FREEZE)",
    "CREATE EXTENSION IF NOT EXISTS pg_prewarm",
    "SELECT pg_prewarm('agreements_person'), pg_prewarm('agreements')",
    "CHECKPOINT",
};
// $1 person, $2 sender, $3 recipient, $4 purpose, $5 act, $6 categories, $7 agent, $8 details.
constexpr char kCheck[] = R"(
WITH asked AS (SELECT unnest($6::text[]) AS category),
grounds AS (
  SELECT (SELECT a.id FROM agreements a
          WHERE a.person = $1 AND a.valid_from <= now() AND a.valid_until > now() AND a.ended IS NULL
            AND $4 = ANY (a.purposes) AND asked.category = ANY (a.categories) AND $3 = ANY (a.recipients)
            AND $5 = ANY (a.acts)
            AND NOT EXISTS (SELECT 1 FROM denials d
                            WHERE d.person = $1 AND d.at >= a.recorded AND (d.agreement IS NULL OR d.agreement = a.id)
                              AND (d.purposes = '{}' OR $4 = ANY (d.purposes))
                              AND (d.categories = '{}' OR asked.category = ANY (d.categories))
                              AND (d.recipients = '{}' OR $3 = ANY (d.recipients))
                              AND (d.acts = '{}' OR $5 = ANY (d.acts)))
          ORDER BY a.recorded DESC LIMIT 1) AS agreement
  FROM asked),
decision AS (
  SELECT bool_and(agreement IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.person = $1 AND r.until IS NULL) AS permitted,
         (array_agg(agreement))[1] AS agreement
  FROM grounds)
INSERT INTO audit (at, person, sender, recipient, purpose, categories, act, permitted, agreement, agent, details)
SELECT clock_timestamp(), $1, $2, $3, $4, $6, $5, permitted, agreement, $7, $8 FROM decision
RETURNING id, permitted)";
constexpr int kParameters = 8;
// uuid, text, text, text, int2, text[], text, bytea.
constexpr std::array<Oid, kParameters> kTypes = {2950, 25, 25, 25, 21, 1009, 25, 17};

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

absl::Status ErrorOf(PGconn* connection) { return absl::UnavailableError(PQerrorMessage(connection)); }

absl::StatusOr<Connection> Connect(const std::string& conninfo) {
  Connection connection(PQconnectdb(conninfo.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return ErrorOf(connection.get());
  }
  if (PQsslInUse(connection.get()) == 0) {
    return absl::FailedPreconditionError("the connection has no TLS");
  }
  return connection;
}

absl::Status Execute(PGconn* connection, const char* statement) {
  const Result result(PQexec(connection, statement));
  const ExecStatusType status = PQresultStatus(result.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? absl::OkStatus() : ErrorOf(connection);
}

uint64_t Mixed(uint64_t number) {
  number += 0x9E3779B97F4A7C15U;
  number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9U;
  number = (number ^ number >> 27) * 0x94D049BB133111EBU;
  return number ^ number >> 31;
}

// Ids as random as the registry's, the same in both parts.
std::string PersonOf(uint64_t number) {
  const uint64_t high = Mixed(2 * number);
  const uint64_t low = Mixed(2 * number + 1);
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", high >> 32, high >> 16 & 0xffff, high & 0xffff,
                         low >> 48, low & 0xffffffffffff);
}
std::string AgreementOf(uint64_t number) { return PersonOf(number + (uint64_t{1} << 40)); }

absl::Status Copy(PGconn* connection, const char* statement, uint64_t rows,
                  const std::function<std::string(uint64_t)>& row) {
  constexpr size_t kBuffer = size_t{1} << 20;
  if (PQresultStatus(Result(PQexec(connection, statement)).get()) != PGRES_COPY_IN) {
    return ErrorOf(connection);
  }
  std::string buffer;
  for (uint64_t i = 0; i < rows; ++i) {
    buffer += row(i);
    if (buffer.size() > kBuffer || i + 1 == rows) {
      if (PQputCopyData(connection, buffer.data(), static_cast<int>(buffer.size())) != 1) {
        return ErrorOf(connection);
      }
      buffer.clear();
    }
  }
  if (PQputCopyEnd(connection, nullptr) != 1) {
    return ErrorOf(connection);
  }
  while (const Result result{PQgetResult(connection)}) {
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      return ErrorOf(connection);
    }
  }
  return absl::OkStatus();
}

struct Kind {
  const char* purposes;
  const char* categories;
  const char* recipients;
};
// As tests/bench/sample.cc has them; the first is what is asked for.
constexpr Kind kKinds[] = {
    {"{SOCIAL_ASSESSMENT}", "{IDENTITY,SOCIAL_SITUATION}", "{casvp}"},
    {"{RIGHTS_OPENING}", "{IDENTITY,RESOURCES,FAMILY}", "{caf}"},
    {"{RIGHTS_OPENING}", "{IDENTITY,CONTACT,RESOURCES}", "{cpam}"},
    {"{SHELTER_ORIENTATION}", "{IDENTITY,HOUSING,FAMILY}", "{siao}"},
    {"{REFERENT_COORDINATION}", "{IDENTITY,CONTACT,SOCIAL_SITUATION}", "{emmaus}"},
};

std::string AgreementRow(const Options& options, uint64_t number) {
  // Those of one person follow one another, as many of each as of the others; the first is what is asked for.
  const uint64_t person = ((number + 1) * options.persons - 1) / options.agreements;
  const bool first = number == 0 || (number * options.persons - 1) / options.agreements != person;
  const Kind& kind = kKinds[first ? 0 : 1 + number % 4];
  return absl::StrCat(AgreementOf(number), "\t", PersonOf(person),
                      "\t2026-11-01 10:00+00\t2026-11-01 10:00+00\t2027-11-01 10:00+00\t\\N\t", kind.purposes,
                      "\t", kind.categories, "\t", kind.recipients,
                      "\t{1}\tville-paris\t3\t1\tnotice-generale/2026-1\t\\\\x", std::string(64, '5'),
                      "\tDOSSIER-2026-000123\n");
}

absl::Status Load(const Options& options) {
  ASSIGN_OR_RETURN(const Connection connection, Connect(options.conninfo));
  for (const char* statement : kSchema) {
    RETURN_IF_ERROR(Execute(connection.get(), statement));
  }
  RETURN_IF_ERROR(Copy(connection.get(), "COPY persons FROM STDIN", options.persons,
                       [](uint64_t i) { return PersonOf(i) + "\t2026-11-01 10:00+00\n"; }));
  RETURN_IF_ERROR(Copy(connection.get(), "COPY agreements FROM STDIN", options.agreements,
                       [&](uint64_t i) { return AgreementRow(options, i); }));
  for (const char* statement : kIndexes) {
    RETURN_IF_ERROR(Execute(connection.get(), statement));
  }
  return absl::OkStatus();
}

// One connection and the call on it.
struct Slot {
  Connection connection;
  Clock::time_point started;
};

// A thread's share of the calls in flight: starts a call on every connection and replaces each that ends.
class Worker {
 public:
  Worker(const Options& options, uint64_t seed) : options_(options), draw_(seed) {}

  absl::Status Open(int slots) {
    for (int i = 0; i < slots; ++i) {
      ASSIGN_OR_RETURN(Connection connection, Connect(options_.conninfo));
      const Result prepared(PQprepare(connection.get(), "check", kCheck, kParameters, kTypes.data()));
      if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) {
        return ErrorOf(connection.get());
      }
      if (PQsetnonblocking(connection.get(), 1) != 0) {
        return ErrorOf(connection.get());
      }
      slots_.push_back({std::move(connection), {}});
    }
    return absl::OkStatus();
  }

  void Run(Clock::time_point from, Clock::time_point until) {
    micros_.clear();
    status_ = RunUntil(from, until);
  }
  [[nodiscard]] const absl::Status& status() const { return status_; }
  [[nodiscard]] const std::vector<uint32_t>& micros() const { return micros_; }

 private:
  absl::Status RunUntil(Clock::time_point from, Clock::time_point until) {
    std::vector<pollfd> waiting;
    size_t active = slots_.size();
    for (Slot& slot : slots_) {
      RETURN_IF_ERROR(Start(slot));
      waiting.push_back({PQsocket(slot.connection.get()), POLLIN, 0});
    }
    while (active > 0) {
      if (poll(waiting.data(), waiting.size(), -1) < 0) {
        return absl::UnavailableError("poll failed");
      }
      for (size_t i = 0; i < slots_.size(); ++i) {
        if ((waiting[i].revents & (POLLIN | POLLERR | POLLHUP)) == 0) {
          continue;
        }
        ASSIGN_OR_RETURN(const bool ended, TakeAnswer(slots_[i], from, until));
        if (!ended) {
          continue;
        }
        if (Clock::now() < until) {
          RETURN_IF_ERROR(Start(slots_[i]));
        } else {
          waiting[i].fd = -1;  // left out
          --active;
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status Start(Slot& slot) {
    draw_ ^= draw_ << 13;
    draw_ ^= draw_ >> 7;
    draw_ ^= draw_ << 17;
    const std::string person = PersonOf(draw_ % options_.persons);
    static const std::string details(256, '\x5a');
    const std::array<const char*, kParameters> values = {
        person.c_str(), "ville-paris", "casvp", "SOCIAL_ASSESSMENT", "1", "{IDENTITY,SOCIAL_SITUATION}",
        "bench-agent",  details.data()};
    const std::array<int, kParameters> lengths = {0, 0, 0, 0, 0, 0, 0, static_cast<int>(details.size())};
    const std::array<int, kParameters> formats = {0, 0, 0, 0, 0, 0, 0, 1};
    slot.started = Clock::now();
    if (PQsendQueryPrepared(slot.connection.get(), "check", kParameters, values.data(), lengths.data(),
                            formats.data(), 1) != 1) {
      return ErrorOf(slot.connection.get());
    }
    while (PQflush(slot.connection.get()) == 1) {
    }
    return absl::OkStatus();
  }

  // False: there is more to come.
  absl::StatusOr<bool> TakeAnswer(Slot& slot, Clock::time_point from, Clock::time_point until) {
    PGconn* const connection = slot.connection.get();
    if (PQconsumeInput(connection) != 1) {
      return ErrorOf(connection);
    }
    while (PQisBusy(connection) == 0) {
      const Result result(PQgetResult(connection));
      if (result == nullptr) {
        const Clock::time_point now = Clock::now();
        if (now >= from && now < until) {
          micros_.push_back(static_cast<uint32_t>(
              std::chrono::duration_cast<std::chrono::microseconds>(now - slot.started).count()));
        }
        return true;
      }
      if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
        return ErrorOf(connection);
      }
      if (PQntuples(result.get()) != 1 || PQgetvalue(result.get(), 0, 1)[0] != 1) {
        return absl::InternalError("a check was not answered with the permit it should be");
      }
    }
    return false;
  }

  const Options& options_;
  uint64_t draw_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> micros_;
  absl::Status status_;
};

void Tell(const std::string& name, double value) {
  std::cout << name << ' ' << std::fixed << std::setprecision(0) << value << std::endl;
}

absl::Status RunRounds(const Options& options) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(options, Mixed(i + 1)));
    RETURN_IF_ERROR(workers.back()->Open(options.in_flight / options.threads +
                                         (i < options.in_flight % options.threads ? 1 : 0)));
  }
  struct Round {
    size_t calls = 0;
    uint32_t p50 = 0;
    uint32_t p99 = 0;
  };
  std::vector<Round> rounds;
  for (int round = 0; round < options.rounds; ++round) {
    const auto from = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                         std::chrono::duration<double>(options.warm_up));
    const auto until =
        from + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
    std::vector<std::thread> threads;
    for (const auto& worker : workers) {
      threads.emplace_back([&worker, from, until] { worker->Run(from, until); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    std::vector<uint32_t> all;
    for (const auto& worker : workers) {
      RETURN_IF_ERROR(worker->status());
      all.insert(all.end(), worker->micros().begin(), worker->micros().end());
    }
    if (all.empty()) {
      return absl::DeadlineExceededError("no call ended in the measured time");
    }
    std::sort(all.begin(), all.end());
    rounds.push_back({all.size(), all[all.size() / 2], all[all.size() * 99 / 100]});
  }
  std::sort(rounds.begin(), rounds.end(), [](const Round& a, const Round& b) { return a.calls < b.calls; });
  const Round& median = rounds[rounds.size() / 2];
  Tell("calls_per_second", static_cast<double>(median.calls) / options.seconds);
  Tell("p50_us", median.p50);
  Tell("p99_us", median.p99);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("The same question asked of PostgreSQL");
  app.require_subcommand(1);
  CLI::App* load = app.add_subcommand("load", "Makes the tables and fills them by COPY");
  CLI::App* run = app.add_subcommand("run", "Measures");
  for (CLI::App* command : {load, run}) {
    command->add_option("--conninfo", options.conninfo, "libpq's")->required();
    command->add_option("--persons", options.persons, "Persons")->check(CLI::PositiveNumber);
  }
  load->add_option("--agreements", options.agreements, "Agreements")->check(CLI::PositiveNumber);
  run->add_option("--in-flight", options.in_flight, "Connections, each with one call")
      ->check(CLI::Range(1, 1024));
  run->add_option("--threads", options.threads, "Of this client")->check(CLI::Range(1, 64));
  run->add_option("--seconds", options.seconds, "Measured time of a round")->check(CLI::PositiveNumber);
  run->add_option("--warm-up", options.warm_up, "Time before it, in seconds")->check(CLI::NonNegativeNumber);
  run->add_option("--rounds", options.rounds, "Rounds")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = load->parsed() ? Load(options) : RunRounds(options);
  if (!status.ok()) {
    std::cerr << "bench_postgres: " << status << '\n';
    return 1;
  }
  return 0;
}
