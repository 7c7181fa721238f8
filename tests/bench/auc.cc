#include "tests/bench/auc.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace relais::bench {
namespace {

// For each of `values`: the share of `others` (sorted) below it, ties counting half.
std::vector<double> Placements(const std::vector<double>& values, const std::vector<double>& others) {
  std::vector<double> placements;
  placements.reserve(values.size());
  for (const double value : values) {
    const auto [low, high] = std::equal_range(others.begin(), others.end(), value);
    const auto below = static_cast<double>(low - others.begin());
    const auto equal = static_cast<double>(high - low);
    placements.push_back((below + equal / 2) / static_cast<double>(others.size()));
  }
  return placements;
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// Of the mean of `values`.
double VarianceOfMean(const std::vector<double>& values) {
  if (values.size() < 2) {
    return 0;
  }
  const double mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return squares / static_cast<double>(values.size() - 1) / static_cast<double>(values.size());
}

}  // namespace

Auc AucOf(std::vector<double> positives, std::vector<double> negatives) {
  std::sort(positives.begin(), positives.end());
  std::sort(negatives.begin(), negatives.end());
  const std::vector<double> of_positives = Placements(positives, negatives);
  const std::vector<double> of_negatives = Placements(negatives, positives);
  Auc auc;
  auc.value = MeanOf(of_positives);
  auc.standard_error = std::sqrt(VarianceOfMean(of_positives) + VarianceOfMean(of_negatives));
  return auc;
}

}  // namespace relais::bench
