// A key ring that keeps nothing: for tests, the simulator and tools that hold a key for one run.
#pragma once

#include <mutex>

#include "common/crypto/key_ring.h"

namespace relais::crypto {

class MemoryKeyRing final : public KeyRing {
 public:
  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override;
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override;
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override;
  [[nodiscard]] std::vector<KeyVersion> List() const override;

 private:
  mutable std::mutex mu_;
  internal::KeyTable table_;
};

}  // namespace relais::crypto
