// GET /metrics over HTTP. Private to common/telemetry.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"

namespace relais::telemetry::internal {

/// Serves until destroyed. Owned by one thread.
class ScrapeServer {
 public:
  /// "host:port"; port 0 = a free one. UNAVAILABLE when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<ScrapeServer>> Start(
      const std::string& address, const std::weak_ptr<prometheus::Collectable>& metrics);
  /// Returns once no scrape is under way, within milliseconds. (The library looks only every two seconds
  /// whether it should stop, unless somebody connects: so the destructor does.)
  ~ScrapeServer();
  ScrapeServer(const ScrapeServer&) = delete;
  ScrapeServer& operator=(const ScrapeServer&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  ScrapeServer(std::unique_ptr<prometheus::Exposer> exposer, std::string host, int port)
      : exposer_(std::move(exposer)), host_(std::move(host)), port_(port) {}

  std::unique_ptr<prometheus::Exposer> exposer_;
  const std::string host_;
  const int port_;
};

}  // namespace relais::telemetry::internal
