// Key material as a type: wiped when it dies, compared in constant time, not printable, not comparable by
// accident. `ExposeSecret` is the only way in, so every place that reads a key can be found with grep.
#pragma once

#include <string>
#include <string_view>

namespace relais {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] std::string_view ExposeSecret() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
};

/// Constant-time equality; different lengths are unequal.
[[nodiscard]] bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace relais
