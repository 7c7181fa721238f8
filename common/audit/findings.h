// What a check of stored things found wrong, one line each. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace relais::audit {

struct Finding {
  std::string where;  // "leaf 17", "tile/0/000 bytes 32-63", "checkpoint line 3"
  std::string what;
};

/// Keeps the first kMostFindings and counts the rest. Not thread-safe.
class Findings {
 public:
  static constexpr size_t kMostFindings = 10'000;

  void Add(std::string where, std::string what) {
    if (list_.size() < kMostFindings) {
      list_.push_back({std::move(where), std::move(what)});
    }
    ++total_;
  }
  /// Worth saying, and nothing wrong.
  void Note(std::string text) {
    if (notes_.size() < kMostFindings) {
      notes_.push_back(std::move(text));
    }
  }

  [[nodiscard]] bool clean() const { return total_ == 0; }
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] const std::vector<Finding>& list() const { return list_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  uint64_t total_ = 0;
  std::vector<Finding> list_;
  std::vector<std::string> notes_;
};

}  // namespace relais::audit
