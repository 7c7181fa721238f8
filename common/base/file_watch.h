// Noticing that files were replaced.
#pragma once

#include <string>
#include <vector>

namespace relais {

/// Not thread-safe.
class FileWatch {
 public:
  /// Remembers how the files are now: make it before they are read, so that no change goes unnoticed.
  explicit FileWatch(std::vector<std::string> paths);

  /// True when one of them was replaced, written, made or removed since the last call.
  [[nodiscard]] bool Changed();

 private:
  [[nodiscard]] std::string Stamps() const;

  std::vector<std::string> paths_;
  std::string last_;
};

}  // namespace relais
