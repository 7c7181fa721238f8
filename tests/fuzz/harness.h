// Runs scripts against the registry in memory as its server would, and says what is wrong with what it
// answered.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/policy.h"
#include "common/rpc/validate.h"
#include "tests/fuzz/methods.h"
#include "tests/fuzz/names.h"
#include "tests/fuzz/script.h"

namespace relais::fuzz {

/// What the scripts of a harness have reached.
struct Coverage {
  struct Uses {
    uint64_t given = 0;    // set in a request that a caller with the role sent
    uint64_t handled = 0;  // and that kept the rules of its fields: the handler saw it
    uint64_t served = 0;   // and was answered
  };
  std::map<std::string, std::map<std::string, Uses>> fields;        // method → path → uses
  std::map<std::string, std::map<std::string, uint64_t>> outcomes;  // method → OK or reason → calls
  uint64_t scripts = 0;
  uint64_t calls = 0;

  /// Fields that no handled request had: "PersonService.Register traits.phone".
  [[nodiscard]] std::vector<std::string> Unreached() const;
  void Print(std::ostream& out) const;
};

/// One thread. Everything that happens follows from the script.
class Harness {
 public:
  Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  /// In a new world with three persons. What is wrong, in words with the step; empty: nothing.
  /// With the variable RELAIS_FUZZ_TRACE each call and its outcome are shown on stderr.
  std::vector<std::string> Run(const Script& script);
  [[nodiscard]] const Coverage& coverage() const { return coverage_; }

 private:
  class Session;
  struct Called;

  rpc::Validator validator_;
  rpc::MethodTable table_;
  Coverage coverage_;
  const bool trace_;
};

}  // namespace relais::fuzz
