#include "tests/bench/report.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace relais::bench {
namespace {

double Millis(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

double ShareOfEcho(const Report& report, const Series& series) {
  const double echo = report.echo.Median().PerSecond();
  return echo > 0 ? series.Median().PerSecond() / echo : 0;
}

void PrintErrors(const Series& series, std::ostream& out) {
  for (const Figure& round : series.rounds) {
    if (round.errors > 0) {
      out << absl::StreamFormat("  %s: %d calls failed, the first with %s\n", series.name, round.errors,
                                round.first_error.ToString());
    }
  }
}

void PrintSeries(const Report& report, const Series& series, std::ostream& out) {
  const Figure& median = series.Median();
  out << absl::StreamFormat("%-30s %9.0f %8.2f %8.2f %8.2f %7.2f %8.2f", series.name, median.PerSecond(),
                            Millis(median.p50), Millis(median.p99), Millis(median.longest),
                            ShareOfEcho(report, series), median.PerSecond() / CeilingOf(report, series));
  if (series.mark > 0) {
    out << absl::StreamFormat("   wanted %.2f: %s", series.mark,
                              ShareOfEcho(report, series) >= series.mark ? "reached" : "MISSED");
  }
  out << '\n';
}

nlohmann::json JsonOf(const Figure& figure) {
  return {{"calls_per_second", figure.PerSecond()},
          {"calls", figure.calls},
          {"seconds", figure.seconds},
          {"p50_ms", Millis(figure.p50)},
          {"p99_ms", Millis(figure.p99)},
          {"longest_ms", Millis(figure.longest)},
          {"errors", figure.errors}};
}

nlohmann::json JsonOf(const Report& report, const Series& series) {
  nlohmann::json out = {{"name", series.name},
                        {"median", JsonOf(series.Median())},
                        {"rounds", nlohmann::json::array()},
                        {"of_echo", ShareOfEcho(report, series)},
                        {"of_ceiling", series.Median().PerSecond() / CeilingOf(report, series)}};
  for (const Figure& round : series.rounds) {
    out["rounds"].push_back(JsonOf(round));
  }
  if (series.raw) {
    out["raw_per_second"] = series.raw->acts_per_second;
    out["raw_batch_ms"] = Millis(series.raw->per_batch);
  }
  if (series.mark > 0) {
    out["wanted_of_echo"] = series.mark;
  }
  return out;
}

}  // namespace

const Figure& Series::Median() const {
  std::vector<const Figure*> sorted;
  for (const Figure& round : rounds) {
    sorted.push_back(&round);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Figure* a, const Figure* b) { return a->PerSecond() < b->PerSecond(); });
  return *sorted[sorted.size() / 2];
}

uint64_t Series::Errors() const {
  uint64_t errors = 0;
  for (const Figure& round : rounds) {
    errors += round.errors;
  }
  return errors;
}

double CeilingOf(const Report& report, const Series& series) {
  const double echo = report.echo.Median().PerSecond();
  if (!series.raw || echo <= 0 || series.raw->acts_per_second <= 0) {
    return echo;
  }
  return 1 / (1 / echo + 1 / series.raw->acts_per_second);
}

bool Passed(const Report& report) {
  return report.echo.Errors() == 0 &&
         std::all_of(report.loads.begin(), report.loads.end(), [&](const Series& series) {
           return series.Errors() == 0 && ShareOfEcho(report, series) >= series.mark;
         });
}

void Print(const Report& report, std::ostream& out) {
  out << absl::StreamFormat(
      "%d in flight over %d connections, %d persons; rounds of %.0f s after %.0f s, the median of %d\n",
      report.loop.in_flight, report.channels, report.persons, absl::ToDoubleSeconds(report.loop.measured),
      absl::ToDoubleSeconds(report.loop.warm_up), report.echo.rounds.size());
  out << absl::StreamFormat("answers: check %d bytes, echo %d; leaves: check %d, agreement %d\n",
                            report.sizes.check_answer, report.sizes.echo_answer, report.sizes.check_leaf,
                            report.sizes.agreement_leaf);
  for (const Figure& figure : report.preparation) {
    out << absl::StreamFormat("%s: %.0f calls/s, p50 %.2f ms, p99 %.2f ms\n", figure.name, figure.PerSecond(),
                              Millis(figure.p50), Millis(figure.p99));
  }
  out << absl::StreamFormat("%-30s %9s %8s %8s %8s %7s %8s\n", "", "calls/s", "p50 ms", "p99 ms", "max ms",
                            "x echo", "x ceil.");
  PrintSeries(report, report.echo, out);
  for (const Series& series : report.loads) {
    PrintSeries(report, series, out);
  }
  for (const Series& series : report.loads) {
    if (series.raw) {
      out << absl::StreamFormat("raw RocksDB, the writes of %s: %.0f acts/s, %.2f ms a batch of 32\n",
                                series.name, series.raw->acts_per_second, Millis(series.raw->per_batch));
    }
  }
  PrintErrors(report.echo, out);
  for (const Series& series : report.loads) {
    PrintErrors(series, out);
  }
}

nlohmann::json ToJson(const Report& report) {
  nlohmann::json out = {{"in_flight", report.loop.in_flight},
                        {"connections", report.channels},
                        {"persons", report.persons},
                        {"bytes",
                         {{"check_answer", report.sizes.check_answer},
                          {"echo_answer", report.sizes.echo_answer},
                          {"check_leaf", report.sizes.check_leaf},
                          {"agreement_leaf", report.sizes.agreement_leaf}}},
                        {"echo", JsonOf(report, report.echo)},
                        {"loads", nlohmann::json::array()}};
  for (const Figure& figure : report.preparation) {
    out["preparation"][figure.name] = JsonOf(figure);
  }
  for (const Series& series : report.loads) {
    out["loads"].push_back(JsonOf(report, series));
  }
  return out;
}

}  // namespace relais::bench
