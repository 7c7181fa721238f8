#include "common/telemetry/scrape_server.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace relais::telemetry::internal {
namespace {

constexpr std::chrono::milliseconds kPokeInterval{5};

// "127.0.0.1" of "127.0.0.1:9001", "::" of "[::]:9001", "" of "9001".
std::string HostOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? std::string() : address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

// Begins a connection and gives it up. An address that is no number is not looked up: that could take longer
// than what the poke is to shorten.
void Poke(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.empty() ? nullptr : host.c_str(), absl::StrCat(port).c_str(), &hints, &found) != 0) {
    return;
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    (void)connect(fd, found->ai_addr, found->ai_addrlen);
    close(fd);
  }
  freeaddrinfo(found);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScrapeServer>> ScrapeServer::Start(
    const std::string& address, const std::weak_ptr<prometheus::Collectable>& metrics) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address);
    exposer->RegisterCollectable(metrics);
    const std::vector<int> ports = exposer->GetListeningPorts();
    if (ports.empty()) {
      return absl::UnavailableError("metrics: nothing listens on " + address);
    }
    return std::unique_ptr<ScrapeServer>(
        new ScrapeServer(std::move(exposer), HostOf(address), ports.front()));
  } catch (const std::exception&) {  // CivetWeb's, whose text does not say which address
    return absl::UnavailableError("metrics: cannot listen on " + address);
  }
}

ScrapeServer::~ScrapeServer() {
  const std::future<void> stopped = std::async(std::launch::async, [this] { exposer_ = nullptr; });
  do {
    Poke(host_, port_);
  } while (stopped.wait_for(kPokeInterval) != std::future_status::ready);
}

}  // namespace relais::telemetry::internal
