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

absl::Duration MedianP99(const Series& series) {
  std::vector<absl::Duration> all;
  for (const Figure& round : series.rounds) {
    all.push_back(round.p99);
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
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
         std::all_of(report.loads.begin(), report.loads.end(),
                     [&](const Series& series) {
                       return series.Errors() == 0 && ShareOfEcho(report, series) >= series.mark;
                     }) &&
         std::all_of(report.paced.begin(), report.paced.end(),
                     [](const Series& series) { return series.Errors() == 0; }) &&
         std::all_of(report.findings.begin(), report.findings.end(),
                     [](const Finding& finding) { return finding.reached(); });
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
  for (const Series& series : report.paced) {
    out << absl::StreamFormat("%s, %.0f calls/s due: p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n",
                              series.name, series.Median().PerSecond(), Millis(series.Median().p50),
                              Millis(MedianP99(series)), Millis(series.Median().longest));
  }
  for (const Finding& finding : report.findings) {
    out << absl::StreamFormat("%-52s %12.2f   wanted %s %.2f: %s\n", finding.name, finding.value,
                              finding.at_least ? "at least" : "at most", finding.wanted,
                              finding.reached() ? "reached" : "MISSED");
  }
  PrintErrors(report.echo, out);
  for (const std::vector<Series>* all : {&report.loads, &report.paced}) {
    for (const Series& series : *all) {
      PrintErrors(series, out);
    }
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
  for (const Series& series : report.paced) {
    out["paced"].push_back(JsonOf(report, series));
    out["paced"].back()["median_p99_ms"] = Millis(MedianP99(series));
  }
  for (const Finding& finding : report.findings) {
    out["findings"].push_back({{"name", finding.name},
                               {"value", finding.value},
                               {finding.at_least ? "at_least" : "at_most", finding.wanted},
                               {"reached", finding.reached()}});
  }
  return out;
}

}  // namespace relais::bench
