// Rows and terms for the tests of the import.
#pragma once

#include <string>
#include <vector>

#include "common/feeds/row.h"
#include "services/cli/row_gate.h"

namespace relais::cli::testing {

/// Terms of `edf` on 20 November 2026, under suppression key version 3.
GateTerms EdfTerms();
GateTerms BsppTerms();
inline const Secret& Key() {
  static const Secret* const key = new Secret(std::string(32, 'k'));
  return *key;
}

/// A cut that was announced early enough: nothing condemns it here.
feeds::RawRow GoodCut(uint64_t line, const std::string& reference);
feeds::RawRow With(feeds::RawRow row, feeds::EdfColumn column, const std::string& value);
/// A report with a ground; `danger` as given.
feeds::RawRow Report(uint64_t line, const std::string& reference, const std::string& danger,
                     const std::string& person);

}  // namespace relais::cli::testing
