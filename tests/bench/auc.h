// How well one number tells two kinds apart. Pure.
#pragma once

#include <vector>

namespace relais::bench {

/// The area under the ROC curve of a value as classifier: the chance that a positive's is higher than a
/// negative's, ties counting half. 0.5 tells nothing. With its standard error by DeLong (1988), exact for
/// ties.
struct Auc {
  double value = 0.5;
  double standard_error = 0;
  /// Of the 95 % interval.
  [[nodiscard]] double low() const { return value - kZ * standard_error; }
  [[nodiscard]] double high() const { return value + kZ * standard_error; }
  static constexpr double kZ = 1.959964;
};

/// Neither is empty.
[[nodiscard]] Auc AucOf(std::vector<double> positives, std::vector<double> negatives);

}  // namespace relais::bench
