// The INSTREAM protocol against a server of our own that speaks it; a real clamd is asked in tests/e2e.
#include "services/vault/clamd.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

// The test file that every scanner knows, in two halves so that this source is not one.
std::string Eicar() {
  return std::string("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-") + "ANTIVIRUS-TEST-FILE!$H+H*";
}

// Answers one scan: FOUND when the text has the test file in it, else OK; or as told, or not at all.
class OneScan {
 public:
  enum class Mode { kScans, kSaysLimit, kSilent, kHangsUp };
  explicit OneScan(Mode mode) : mode_(mode) {
    folder_ = (std::filesystem::temp_directory_path() / ("clamd-" + std::to_string(::getpid()) + "-XXXXXX"))
                  .string();
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/s";
    listening_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listening_, 4), 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneScan() {
    thread_.join();
    ::close(listening_);
    std::filesystem::remove_all(folder_);
  }
  OneScan(const OneScan&) = delete;
  OneScan& operator=(const OneScan&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& text() const { return text_; }  // once the scan has ended
  [[nodiscard]] const std::string& command() const { return command_; }

 private:
  static std::string Take(int fd, size_t size) {
    std::string out(size, '\0');
    size_t at = 0;
    while (at < size) {
      const ssize_t got = ::recv(fd, out.data() + at, size - at, 0);
      if (got <= 0) {
        return "";
      }
      at += static_cast<size_t>(got);
    }
    return out;
  }
  void Serve() {
    const int fd = ::accept(listening_, nullptr, nullptr);
    command_ = Take(fd, 10);
    for (;;) {
      const std::string length = Take(fd, 4);
      if (length.size() != 4 || ReadBigEndian32(length) == 0) {
        break;
      }
      text_ += Take(fd, ReadBigEndian32(length));
    }
    std::string reply =
        text_.find(Eicar()) == std::string::npos ? "stream: OK" : "stream: Eicar-Signature FOUND";
    if (mode_ == Mode::kSaysLimit) {
      reply = "INSTREAM size limit exceeded. ERROR";
    }
    if (mode_ == Mode::kSilent) {
      Take(fd, 1);  // until the other side gives up
    } else if (mode_ != Mode::kHangsUp) {
      reply += '\0';
      EXPECT_EQ(::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL), static_cast<ssize_t>(reply.size()));
    }
    ::close(fd);
  }

  const Mode mode_;
  std::string folder_;
  std::string path_;
  int listening_ = -1;
  std::string command_;
  std::string text_;
  std::thread thread_;
};

Scanner::NextBytes InPieces(std::string text, size_t each) {
  return [text = std::move(text), each, at = size_t{0}]() mutable -> absl::StatusOr<std::string> {
    std::string piece = text.substr(at, each);
    at += piece.size();
    return piece;
  };
}

absl::StatusOr<ScanVerdict> ScanAt(const std::string& address, std::string text,
                                   absl::Duration timeout = absl::Seconds(30)) {
  ThreadPool pool(1);
  ScanSettings settings;
  settings.clamd = address;
  settings.timeout = timeout;
  const auto scanner = MakeClamd(settings, pool);
  if (!scanner.ok()) {
    return scanner.status();
  }
  return BlockOn((*scanner)->Scan(InPieces(std::move(text), 1000)));
}

TEST(Clamd, GivesTheWholeTextAndTakesTheVerdict) {
  const std::string clean(123'456, 'a');
  OneScan server(OneScan::Mode::kScans);
  const auto verdict = ScanAt("unix:" + server.path(), clean);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(*verdict, ScanVerdict::kClean);
  EXPECT_EQ(server.text(), clean);
  EXPECT_EQ(server.command(), std::string("zINSTREAM\0", 10));
}

TEST(Clamd, FindsTheTestFile) {
  OneScan server(OneScan::Mode::kScans);
  const auto verdict = ScanAt("unix:" + server.path(), std::string(5000, 'a') + Eicar());
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(*verdict, ScanVerdict::kFound);
}

TEST(Clamd, AnythingButAVerdictIsNone) {
  {
    OneScan server(OneScan::Mode::kSaysLimit);
    EXPECT_TRUE(absl::IsResourceExhausted(ScanAt("unix:" + server.path(), "abc").status()));
  }
  {
    OneScan server(OneScan::Mode::kHangsUp);
    EXPECT_TRUE(absl::IsResourceExhausted(ScanAt("unix:" + server.path(), "abc").status()));
  }
  {
    OneScan server(OneScan::Mode::kSilent);
    EXPECT_TRUE(
        absl::IsDeadlineExceeded(ScanAt("unix:" + server.path(), "abc", absl::Milliseconds(200)).status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ScanAt("clamd", "abc").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ScanAt("unix:relative", "abc").status()));
}

// A server that accepts nothing: connections are made, and no verdict comes.
class Deaf {
 public:
  Deaf() {
    folder_ = (std::filesystem::temp_directory_path() / ("clamd-" + std::to_string(::getpid()) + "-XXXXXX"))
                  .string();
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    listening_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/s";
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listening_, 128), 0);
  }
  ~Deaf() {
    ::close(listening_);
    std::filesystem::remove_all(folder_);
  }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;
  [[nodiscard]] std::string address() const { return "unix:" + folder_ + "/s"; }

 private:
  std::string folder_;
  int listening_ = -1;
};

// A few scans at a time, a bounded number that waits, and no thread for those beyond.
TEST(Clamd, WhatWaitsIsBounded) {
  Deaf server;
  ThreadPool pool(1);
  ScanSettings settings;
  settings.clamd = server.address();
  settings.timeout = absl::Hours(1);
  const auto scanner = MakeClamd(settings, pool);
  ASSERT_TRUE(scanner.ok()) << scanner.status();
  std::mutex mu;
  std::condition_variable changed;
  int scanning = 0;
  int most = 0;
  int ended = 0;
  bool go = false;
  // Holds its scan until `go`, then ends it.
  const Scanner::NextBytes next = [&]() -> absl::StatusOr<std::string> {
    std::unique_lock lock(mu);
    most = std::max(most, ++scanning);
    changed.notify_all();
    changed.wait(lock, [&] { return go; });
    --scanning;
    return absl::AbortedError("enough");
  };
  const auto begin = [&] {
    Start((*scanner)->Scan(next), [&](const absl::StatusOr<ScanVerdict>& verdict) {
      std::lock_guard lock(mu);
      EXPECT_TRUE(absl::IsAborted(verdict.status())) << verdict.status();
      ++ended;
      changed.notify_all();
    });
  };
  for (int i = 0; i < kScansAtOnce; ++i) {
    begin();
  }
  {
    std::unique_lock lock(mu);
    changed.wait(lock, [&] { return scanning == kScansAtOnce; });
  }
  for (size_t i = 0; i < kScansWaiting; ++i) {
    begin();
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(BlockOn((*scanner)->Scan(next)).status()))
      << "at once, not in an hour";
  std::unique_lock lock(mu);
  go = true;
  changed.notify_all();
  const int all = kScansAtOnce + static_cast<int>(kScansWaiting);
  changed.wait(lock, [&] { return ended == all; });
  EXPECT_EQ(most, kScansAtOnce);
}

TEST(Clamd, NobodyIsThereOnlyWhenThereIsNoConnection) {
  const auto verdict = ScanAt("unix:/nowhere/clamd", "abc");
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(*verdict, ScanVerdict::kNobody);
}

// A TCP server that is there, and has no room for one more connection.
class Crowded {
 public:
  Crowded() {
    listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_, raw, length), 0);
    EXPECT_EQ(::listen(listening_, 0), 0);
    EXPECT_EQ(::getsockname(listening_, raw, &length), 0);
    port_ = ntohs(address.sin_port);
    while (held_.size() < 64 && !full_) {
      held_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      const bool done = ::connect(held_.back(), raw, length) == 0;
      pollfd polled{held_.back(), POLLOUT, 0};
      full_ = !done && ::poll(&polled, 1, 100) == 0;
    }
  }
  ~Crowded() {
    for (const int fd : held_) {
      ::close(fd);
    }
    ::close(listening_);
  }
  Crowded(const Crowded&) = delete;
  Crowded& operator=(const Crowded&) = delete;
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int listening_ = -1;
  int port_ = 0;
  std::vector<int> held_;
  bool full_ = false;
};

TEST(Clamd, WhoHasNoRoomForAConnectionIsNotNobody) {
  std::string address;
  {
    const Crowded server;
    ASSERT_TRUE(server.full());
    address = server.address();
    const auto verdict = ScanAt(address, "abc", absl::Milliseconds(200));
    EXPECT_TRUE(absl::IsDeadlineExceeded(verdict.status())) << verdict.status();
  }
  const auto gone = ScanAt(address, "abc");
  ASSERT_TRUE(gone.ok()) << gone.status();
  EXPECT_EQ(*gone, ScanVerdict::kNobody);
}

TEST(Clamd, ReadsItsReplies) {
  EXPECT_EQ(*VerdictOf("stream: OK"), ScanVerdict::kClean);
  EXPECT_EQ(*VerdictOf("stream: Win.Test.EICAR_HDB-1 FOUND"), ScanVerdict::kFound);
  for (const char* other : {"", "OK", "stream: ", "stream: FOUND", "stream: OK?", "stream: x ERROR",
                            "INSTREAM size limit exceeded. ERROR"}) {
    EXPECT_FALSE(VerdictOf(other).ok()) << other;
  }
}

}  // namespace
}  // namespace relais::vault
