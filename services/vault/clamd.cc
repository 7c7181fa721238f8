#include "services/vault/clamd.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

using Instant = std::chrono::steady_clock::time_point;
constexpr std::string_view kCommand{"zINSTREAM\0", 10};
constexpr size_t kLongestReply = 4096;

// Of connecting alone: nobody is there.
absl::Status Unreachable() { return absl::UnavailableError("no connection to the scanner"); }
absl::Status TooLate() { return absl::DeadlineExceededError("the scanner gave no verdict in time"); }
absl::Status TooMany() { return absl::DeadlineExceededError("too many scans wait for their turn"); }
absl::Status NoVerdict() { return absl::ResourceExhaustedError("the scanner gave no verdict"); }

// A connection, or a guard of anything that is closed.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

  // OK once it can be read from (POLLIN) or written to (POLLOUT).
  [[nodiscard]] absl::Status Await(short what, Instant until) const {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        return TooLate();
      }
      pollfd polled{fd_, what, 0};
      const int ready = ::poll(&polled, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
      if (ready > 0) {
        return absl::OkStatus();
      }
      if (ready < 0 && errno != EINTR) {
        return NoVerdict();
      }
    }
  }

  [[nodiscard]] absl::Status Send(std::string_view bytes, Instant until) const {
    while (!bytes.empty()) {
      RETURN_IF_ERROR(Await(POLLOUT, until));
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return NoVerdict();
      }
      bytes.remove_prefix(sent < 0 ? 0 : static_cast<size_t>(sent));
    }
    return absl::OkStatus();
  }

  // Up to a NUL or the end.
  [[nodiscard]] absl::StatusOr<std::string> Reply(Instant until) const {
    std::string reply;
    char buffer[512];
    while (reply.size() < kLongestReply) {
      RETURN_IF_ERROR(Await(POLLIN, until));
      const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got < 0 && errno != EAGAIN && errno != EINTR) {
        return NoVerdict();
      }
      if (got == 0) {
        return reply;
      }
      reply.append(buffer, got < 0 ? 0 : static_cast<size_t>(got));
      if (const size_t end = reply.find('\0'); end != std::string::npos) {
        return reply.substr(0, end);
      }
    }
    return NoVerdict();
  }

 private:
  int fd_;
};

// UNAVAILABLE: nobody is there, which the other machine says at once. Whoever is there and has no room for
// one more (EAGAIN of a Unix socket; over TCP no answer at all) is not nobody, and neither is a lack of our
// own.
absl::StatusOr<Socket> ConnectTo(int family, const sockaddr* address, socklen_t length, Instant until) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) {
    return NoVerdict();
  }
  if (::connect(socket.fd(), address, length) != 0) {
    if (errno == EAGAIN) {
      return TooLate();
    }
    if (errno != EINPROGRESS) {
      return Unreachable();
    }
    RETURN_IF_ERROR(socket.Await(POLLOUT, until));
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      return NoVerdict();
    }
    if (error != 0) {
      return error == ETIMEDOUT ? TooLate() : Unreachable();
    }
  }
  return socket;
}

struct Address {
  std::string path;  // of a Unix socket; empty: TCP
  std::string host;
  std::string port;
};

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  Address address;
  if (text.substr(0, kUnix.size()) == kUnix) {
    address.path = std::string(text.substr(kUnix.size()));
    if (address.path.empty() || address.path[0] != '/' ||
        address.path.size() >= sizeof(sockaddr_un::sun_path)) {
      return absl::InvalidArgumentError("scan.clamd: unix: must be followed by an absolute path");
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return absl::InvalidArgumentError("scan.clamd: neither unix:/path nor host:port");
  }
  address.host = std::string(text.substr(0, colon));
  address.port = std::string(text.substr(colon + 1));
  return address;
}

absl::StatusOr<Socket> Connect(const Address& address, Instant until) {
  if (!address.path.empty()) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, address.path.data(), address.path.size());
    return ConnectTo(AF_UNIX, reinterpret_cast<const sockaddr*>(&local), sizeof(local), until);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found) != 0) {
    return Unreachable();
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  absl::Status why = Unreachable();
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    absl::StatusOr<Socket> socket = ConnectTo(one->ai_family, one->ai_addr, one->ai_addrlen, until);
    if (socket.ok()) {
      return socket;
    }
    if (!absl::IsUnavailable(socket.status())) {
      why = socket.status();
    }
  }
  return why;
}

absl::StatusOr<ScanVerdict> ScanNow(const Address& address, const Scanner::NextBytes& next, Instant until) {
  const absl::StatusOr<Socket> connected = Connect(address, until);
  if (absl::IsUnavailable(connected.status())) {
    return ScanVerdict::kNobody;
  }
  RETURN_IF_ERROR(connected.status());
  const Socket& socket = *connected;
  RETURN_IF_ERROR(socket.Send(kCommand, until));
  for (;;) {
    ASSIGN_OR_RETURN(const std::string bytes, next());
    std::string length;
    AppendBigEndian32(static_cast<uint32_t>(bytes.size()), length);
    RETURN_IF_ERROR(socket.Send(length, until));
    if (bytes.empty()) {
      break;
    }
    RETURN_IF_ERROR(socket.Send(bytes, until));
  }
  ASSIGN_OR_RETURN(const std::string reply, socket.Reply(until));
  return VerdictOf(reply);
}

// Blocking reads and writes have threads of their own: the service's are few, and so are these. What waits is
// bounded too. Each scan that was begun is answered before this is destroyed.
class Clamd final : public Scanner {
 public:
  Clamd(Address address, absl::Duration timeout, Executor& executor)
      : address_(std::move(address)), timeout_(absl::ToChronoMilliseconds(timeout)), executor_(executor) {
    for (int i = 0; i < kScansAtOnce; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }
  Clamd(const Clamd&) = delete;
  Clamd& operator=(const Clamd&) = delete;
  ~Clamd() override {
    {
      std::lock_guard lock(mu_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  Task<absl::StatusOr<ScanVerdict>> Scan(NextBytes next) const override {
    const OneShot<absl::StatusOr<ScanVerdict>> done(executor_);
    if (!Enqueue({std::move(next), done, std::chrono::steady_clock::now() + timeout_})) {
      co_return TooMany();
    }
    auto verdict = co_await done;
    co_return verdict;
  }

 private:
  struct Waiting {
    NextBytes next;
    OneShot<absl::StatusOr<ScanVerdict>> done;
    Instant until;  // its turn comes before that, or it has none
  };

  bool Enqueue(Waiting scan) const {
    {
      std::lock_guard lock(mu_);
      if (waiting_.size() >= kScansWaiting + static_cast<size_t>(idle_)) {
        return false;
      }
      waiting_.push_back(std::move(scan));
    }
    changed_.notify_one();
    return true;
  }

  // nullopt: there will be no more.
  std::optional<Waiting> Take() {
    std::unique_lock lock(mu_);
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) {
      return std::nullopt;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (stopping_) {
      next.until = Instant::min();
    }
    return next;
  }

  void Work() {
    while (std::optional<Waiting> scan = Take()) {
      const Instant now = std::chrono::steady_clock::now();
      scan->done.Set(now < scan->until ? ScanNow(address_, scan->next, now + timeout_) : TooLate());
    }
  }

  const Address address_;
  const std::chrono::milliseconds timeout_;
  Executor& executor_;
  mutable std::mutex mu_;
  mutable std::condition_variable changed_;
  mutable std::deque<Waiting> waiting_;
  int idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

absl::StatusOr<ScanVerdict> VerdictOf(std::string_view reply) {
  while (!reply.empty() && (reply.back() == '\n' || reply.back() == '\r')) {
    reply.remove_suffix(1);
  }
  constexpr std::string_view kStream = "stream: ";
  constexpr std::string_view kFound = " FOUND";
  if (reply.substr(0, kStream.size()) == kStream) {
    const std::string_view said = reply.substr(kStream.size());
    if (said == "OK") {
      return ScanVerdict::kClean;
    }
    if (said.size() > kFound.size() && said.substr(said.size() - kFound.size()) == kFound) {
      return ScanVerdict::kFound;
    }
  }
  return NoVerdict();
}

absl::StatusOr<std::unique_ptr<Scanner>> MakeClamd(const ScanSettings& settings, Executor& executor) {
  ASSIGN_OR_RETURN(Address address, ParseAddress(settings.clamd));
  return std::unique_ptr<Scanner>(std::make_unique<Clamd>(std::move(address), settings.timeout, executor));
}

}  // namespace relais::vault
