// What a run showed, as a table and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/bench/closed_loop.h"
#include "tests/bench/raw_rocksdb.h"
#include "tests/bench/workloads.h"

namespace relais::bench {

/// One load, measured in several rounds.
struct Series {
  std::string name;
  std::vector<Figure> rounds;
  /// The raw ceiling of its writes; none: it writes nothing.
  std::optional<RawFigure> raw;
  double mark = 0;  // the share of the echo it must reach; 0: none

  /// The round with the median rate.
  [[nodiscard]] const Figure& Median() const;
  [[nodiscard]] uint64_t Errors() const;
};

/// What is wanted beside a share of the echo.
struct Finding {
  std::string name;
  double value = 0;
  double wanted = 0;
  bool at_least = true;  // else at most

  [[nodiscard]] bool reached() const { return at_least ? value >= wanted : value <= wanted; }
};

struct Report {
  Loop loop;
  int channels = 0;
  uint64_t persons = 0;
  Sizes sizes;
  std::vector<Figure> preparation;
  Series echo;
  std::vector<Series> loads;
  std::vector<Series> paced;  // calls a second are those that were due
  std::vector<Finding> findings;
};

/// The median of the rounds' p99.
absl::Duration MedianP99(const Series& series);
/// What no durable call can beat: 1/(1/echo + 1/raw); the echo for one that writes nothing.
double CeilingOf(const Report& report, const Series& series);
/// False when a call failed or a mark was missed.
bool Passed(const Report& report);

void Print(const Report& report, std::ostream& out);
nlohmann::json ToJson(const Report& report);

}  // namespace relais::bench
