// Measures the vault against its ceilings, all in one run (docs/performance.md, "The vault").
//
//   bench_vault serve --pki DIR/pki                 the plain stream: prints "listening HOST:PORT"
//   bench_vault run --plain HOST:PORT --consent HOST:PORT --vault HOST:PORT --pki DIR/pki --raw-folder DIR
//
// `run` prints `name value` a line. Plain stream and vault take turns, round after round; the median counts.
// Exit: 0; 1 when it cannot run.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/process.h"
#include "tests/bench/page_cache.h"
#include "tests/bench/vault/plain_stream.h"
#include "tests/bench/vault/raw_blobs.h"
#include "tests/bench/vault/small_papers.h"
#include "tests/bench/vault/standing.h"
#include "tests/bench/vault/vault_client.h"

namespace relais::bench {
namespace {

constexpr uint32_t kRange = 65'536;
constexpr size_t kSmall = size_t{200} << 10;
constexpr uint64_t kPapersOfOne = 50;
constexpr int kConnections = 2;
constexpr size_t kSealedPiece = 262'208;
constexpr int kPiecesOfCommit = 8;
constexpr double kMega = 1e6;
constexpr int kTogether = 32;  // downloads that one withdrawal cuts
constexpr int kTimesTogether = 7;
constexpr int kExports = 4;  // that an institution may have at once
constexpr absl::Duration kUntilListed = absl::Minutes(10);
constexpr absl::Duration kUntilFull = absl::Seconds(3);  // for what readings hold ahead

struct Options {
  VaultSuite suite;
  std::string plain;
  std::string raw_folder;
  uint64_t bytes = uint64_t{1} << 30;
  uint64_t papers = 2'000;
  int in_flight = 64;
  int rounds = 3;
  int ranges = 2'000;
  int cuts = 40;
  int standing = 64;       // streams of each of two institutions that stand still in the end
  int settle_seconds = 0;  // between the deposits of small papers and their readings
  std::string cold_store;  // not in the page cache when they are read; empty: as they are
};

void Say(const std::string& name, double value) {
  std::cout << name << " " << static_cast<int64_t>(value) << std::endl;
}

double Seconds(const std::function<absl::Status()>& act, absl::Status& status) {
  const auto begin = std::chrono::steady_clock::now();
  status = act();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

double P99(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[std::min(values.size() - 1, values.size() * 99 / 100)];
}

// A text that the vault takes: PDF's first bytes, then random ones that nothing can compress.
struct Text {
  explicit Text(uint64_t size) : size(size) {
    SystemRandom random;
    piece = random.Bytes(std::min<uint64_t>(size, kTransferMessage));
    first = "%PDF-1.7\n" + piece;
    first.resize(piece.size());
    crypto::Sha256Hasher hasher;
    for (uint64_t at = 0; at < size; at += kTransferMessage) {
      const std::string& from = at == 0 ? first : piece;
      hasher.Update(std::string_view(from).substr(0, std::min<uint64_t>(from.size(), size - at)));
    }
    sha256 = hasher.Finish();
  }
  uint64_t size;
  std::string first;
  std::string piece;
  std::string sha256;
};

// One that goes on until it is cut.
struct CutReading {
  std::atomic<bool> reading = false;
  std::atomic<bool> over = false;
  std::chrono::steady_clock::time_point ended;
  absl::Status status;
};

class Measuring {
 public:
  static absl::StatusOr<Measuring> Begin(const Options& options) {
    Measuring made(options);
    ASSIGN_OR_RETURN(made.city_,
                     VaultClient::Connect(options.suite, options.suite.vault, "ville-paris", "dsol"));
    ASSIGN_OR_RETURN(made.caf_, VaultClient::Connect(options.suite, options.suite.vault, "caf", "droits"));
    ASSIGN_OR_RETURN(made.plain_, VaultClient::Connect(options.suite, options.plain, "ville-paris", "dsol"));
    ASSIGN_OR_RETURN(made.her_, made.city_->NewPerson(SystemRandom().Id().ToHex()));
    return made;
  }

  absl::Status Transfers() {
    const Text text(options_.bytes);
    std::vector<double> plain_up;
    std::vector<double> plain_down;
    std::vector<double> up;
    std::vector<double> down;
    std::vector<double> raw;
    const auto rate = [&](double seconds) { return static_cast<double>(options_.bytes) / seconds; };
    const auto all = [](size_t) { return true; };
    for (int round = 0; round < options_.rounds; ++round) {
      absl::Status status;
      plain_up.push_back(
          rate(Seconds([&] { return plain_->Send("-", "-", text.size, text.first, text.piece); }, status)));
      RETURN_IF_ERROR(status);
      plain_down.push_back(rate(Seconds([&] { return plain_->Download("-", "-", text.size, all); }, status)));
      RETURN_IF_ERROR(status);
      ASSIGN_OR_RETURN(const double blobs,
                       MeasureRawBlobs(options_.raw_folder, kSealedPiece, kPiecesOfCommit, options_.bytes));
      raw.push_back(blobs);
      ASSIGN_OR_RETURN(const VaultClient::Begun begun, city_->Begin(her_, text.size));
      up.push_back(rate(Seconds(
          [&] {
            RETURN_IF_ERROR(city_->Send(her_, begun.upload_id, text.size, text.first, text.piece));
            return city_->Complete(her_, begun.upload_id, text.sha256);
          },
          status)));
      RETURN_IF_ERROR(status);
      document_ = begun.document_id;
      down.push_back(rate(Seconds([&] { return city_->Download(her_, document_, text.size, all); }, status)));
      RETURN_IF_ERROR(status);
    }
    stream_down_ = Median(plain_down);
    const double bound = 1 / (1 / Median(plain_up) + 1 / Median(raw));
    upload_bound_ = bound;
    Say("plain_upload_mb_s", Median(plain_up) / kMega);
    Say("plain_download_mb_s", stream_down_ / kMega);
    Say("raw_blobs_mb_s", Median(raw) / kMega);
    Say("upload_mb_s", Median(up) / kMega);
    Say("download_mb_s", Median(down) / kMega);
    Say("upload_percent_of_bound", 100 * Median(up) / bound);
    Say("download_percent_of_plain", 100 * Median(down) / stream_down_);
    return absl::OkStatus();
  }

  absl::Status Ranges() {
    std::mt19937_64 random(7);
    std::vector<double> micros;
    for (int i = 0; i < options_.ranges; ++i) {
      const uint64_t offset = random() % (options_.bytes - kRange);
      absl::Status status;
      micros.push_back(1e6 *
                       Seconds([&] { return city_->ReadRange(her_, document_, offset, kRange); }, status));
      RETURN_IF_ERROR(status);
    }
    Say("range_p50_us", Median(micros));
    Say("range_p99_us", P99(micros));
    return absl::OkStatus();
  }

  // Many at once, each of one piece: what one call costs beside its bytes.
  absl::Status Papers() {
    Text text(kSmall);
    SmallPapers::Work work;
    ASSIGN_OR_RETURN(work.handles, Persons());
    work.papers = options_.papers;
    work.text = std::move(text.first);
    work.sha256 = std::move(text.sha256);
    work.in_flight = options_.in_flight;
    work.connections = kConnections;
    ASSIGN_OR_RETURN(const auto papers,
                     SmallPapers::Open(options_.suite, "ville-paris", "dsol", std::move(work)));
    ASSIGN_OR_RETURN(const Figure deposited, papers->Deposit());
    absl::SleepFor(absl::Seconds(options_.settle_seconds));
    if (!options_.cold_store.empty()) {
      ForgetPages(options_.cold_store);
    }
    SayPapers("papers_deposited", deposited);
    Say("papers_deposited_percent_of_bound", 100 * deposited.PerSecond() * double{kSmall} / upload_bound_);
    ASSIGN_OR_RETURN(const Figure read, papers->Read());
    SayPapers("papers_read", read);
    Say("papers_read_percent_of_plain", 100 * read.PerSecond() * double{kSmall} / stream_down_);
    return absl::OkStatus();
  }

  // From her withdrawal's answer to the end of open downloads, which read on meanwhile: of one at a time, and
  // of many under the same agreement.
  absl::Status Cuts() {
    RETURN_IF_ERROR(CutAndSay("cut", options_.cuts, 1));
    return CutAndSay("cut_together", kTimesTogether, kTogether);
  }

  // As many readings and exports as the vault takes at once, none of which goes on, beside caches that the
  // small papers filled: what it holds then is for whoever looks at the process.
  absl::Status StandStill() {
    const absl::Time shares = absl::Now();
    ASSIGN_OR_RETURN(const Shared shared, ShareIt());
    Say("share_listed_ms", absl::ToDoubleMilliseconds(absl::Now() - shares));
    StandingStreams streams;
    const int exports = std::min(kExports, options_.standing);
    for (int i = 0; i < exports; ++i) {
      RETURN_IF_ERROR(streams.AddExport(options_.suite, "ville-paris", "dsol", her_));
    }
    for (int i = 0; i < options_.standing; ++i) {
      if (i >= exports) {
        RETURN_IF_ERROR(streams.AddReading(options_.suite, "ville-paris", "dsol", her_, document_));
      }
      RETURN_IF_ERROR(streams.AddReading(options_.suite, "caf", "droits", shared.handle, document_));
    }
    absl::SleepFor(kUntilFull);
    Say("standing_streams", 2.0 * options_.standing);
    return absl::OkStatus();
  }

 private:
  explicit Measuring(const Options& options) : options_(options) {}

  // Of the large paper, with CAF.
  struct Shared {
    std::string agreement;
    std::string handle;  // what CAF calls her
  };
  absl::StatusOr<Shared> ShareIt() {
    Shared made;
    ASSIGN_OR_RETURN(made.agreement, city_->Agree(her_, common::v1::ACT_SHARE_DOCUMENT, "caf"));
    ASSIGN_OR_RETURN(const std::string share, city_->Share(her_, document_, "caf", made.agreement));
    absl::StatusOr<std::string> there = absl::NotFoundError("");
    // Its list follows the vault's log, which has more to do after many deposits.
    const absl::Time until = absl::Now() + kUntilListed;
    while (absl::IsNotFound(there.status()) && absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(20));
      there = caf_->HandleOfShare(share);
    }
    RETURN_IF_ERROR(there.status());
    made.handle = *std::move(there);
    return made;
  }

  absl::Status CutAndSay(const std::string& name, int times, int readers) {
    std::vector<double> millis;
    for (int i = 0; i < times; ++i) {
      ASSIGN_OR_RETURN(const std::vector<double> each, CutAll(readers));
      millis.insert(millis.end(), each.begin(), each.end());
    }
    Say(name + "_p50_us", 1e3 * Median(millis));
    Say(name + "_p99_us", 1e3 * P99(millis));
    return absl::OkStatus();
  }

  // Milliseconds of each, from the answer to the withdrawal on.
  absl::StatusOr<std::vector<double>> CutAll(int readers) {
    ASSIGN_OR_RETURN(const Shared shared, ShareIt());
    std::vector<CutReading> readings(static_cast<size_t>(readers));
    std::vector<std::thread> threads;
    threads.reserve(readings.size());
    for (CutReading& reading : readings) {
      threads.emplace_back([&] { ReadUntilCut(shared.handle, reading); });
    }
    for (const CutReading& reading : readings) {
      while (!reading.reading && !reading.over) {
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
    const absl::Status withdrawn = city_->Withdraw(her_, shared.agreement);
    const auto answered = std::chrono::steady_clock::now();
    for (std::thread& thread : threads) {
      thread.join();
    }
    RETURN_IF_ERROR(withdrawn);
    std::vector<double> millis;
    for (const CutReading& reading : readings) {
      if (!absl::IsPermissionDenied(reading.status)) {
        return absl::InternalError(
            absl::StrCat("a download was not cut: ", std::string(reading.status.message())));
      }
      millis.push_back(std::max(0.0, 1e3 * std::chrono::duration<double>(reading.ended - answered).count()));
    }
    return millis;
  }

  // Slowly, so that the text does not end first.
  void ReadUntilCut(const std::string& handle, CutReading& reading) {
    reading.status = caf_->Download(handle, document_, 0, [&](size_t) {
      reading.reading = true;
      absl::SleepFor(absl::Milliseconds(2));
      return true;
    });
    reading.ended = std::chrono::steady_clock::now();
    reading.over = true;
  }

  // Of fifty papers each. Of few papers, enough persons that those in flight seldom meet in one vault, where
  // they would wait for each other.
  absl::StatusOr<std::vector<std::string>> Persons() {
    const uint64_t persons = std::max((options_.papers + kPapersOfOne - 1) / kPapersOfOne,
                                      2 * static_cast<uint64_t>(options_.in_flight));
    std::vector<std::string> handles;
    for (uint64_t i = 0; i < persons; ++i) {
      ASSIGN_OR_RETURN(std::string handle, city_->NewPerson(SystemRandom().Id().ToHex()));
      handles.push_back(std::move(handle));
    }
    return handles;
  }

  static void SayPapers(const std::string& name, const Figure& figure) {
    Say(name + "_per_s", figure.PerSecond());
    Say(name + "_p50_us", absl::ToDoubleMicroseconds(figure.p50));
    Say(name + "_p99_us", absl::ToDoubleMicroseconds(figure.p99));
  }

  Options options_;
  std::unique_ptr<VaultClient> city_;
  std::unique_ptr<VaultClient> caf_;
  std::unique_ptr<VaultClient> plain_;
  std::string her_;
  std::string document_;
  double stream_down_ = 0;
  double upload_bound_ = 0;
};

absl::Status Run(const Options& options) {
  RETURN_IF_ERROR(rpc::ConfigureProcess());
  ASSIGN_OR_RETURN(Measuring measuring, Measuring::Begin(options));
  RETURN_IF_ERROR(measuring.Transfers());
  RETURN_IF_ERROR(measuring.Ranges());
  RETURN_IF_ERROR(measuring.Cuts());
  RETURN_IF_ERROR(measuring.Papers());
  return measuring.StandStill();
}

}  // namespace
}  // namespace relais::bench

int main(int argc, char** argv) {
  relais::bench::Options options;
  CLI::App app("The vault against its ceilings");
  app.require_subcommand(1);
  CLI::App* serve = app.add_subcommand("serve", "the plain stream");
  serve->add_option("--pki", options.suite.pki, "Folder of the development PKI")->required();
  CLI::App* run = app.add_subcommand("run", "the measurements");
  run->add_option("--plain", options.plain, "host:port of `bench_vault serve`")->required();
  run->add_option("--consent", options.suite.consent, "host:port of relais-consent")->required();
  run->add_option("--vault", options.suite.vault, "host:port of relais-vault")->required();
  run->add_option("--pki", options.suite.pki, "Folder of the development PKI")->required();
  run->add_option("--trust-domain", options.suite.trust_domain, "The suite's");
  run->add_option("--raw-folder", options.raw_folder, "Where RocksDB is measured alone")->required();
  run->add_option("--bytes", options.bytes, "Of the large paper")
      ->check(CLI::Range(1'000'000, 2'000'000'000));
  run->add_option("--papers", options.papers, "Small ones, of 200 KiB")->check(CLI::Range(1, 1'000'000));
  run->add_option("--in-flight", options.in_flight, "Small ones deposited or read at once")
      ->check(CLI::Range(1, 500));
  run->add_option("--rounds", options.rounds, "Of the large one; at most 9")->check(CLI::Range(1, 9));
  run->add_option("--ranges", options.ranges, "Reads of 64 KiB")->check(CLI::Range(1, 1'000'000));
  run->add_option("--settle", options.settle_seconds, "Seconds from the last deposit to the first reading")
      ->check(CLI::Range(0, 3'600));
  run->add_option("--cold-store", options.cold_store,
                  "The vault's store, dropped from the page cache before the small papers are read");
  run->add_option("--cuts", options.cuts, "Downloads that are cut")->check(CLI::Range(1, 900));
  run->add_option("--standing", options.standing,
                  "Readings of each of two institutions that stand still in the end")
      ->check(CLI::Range(0, 64));
  CLI11_PARSE(app, argc, argv);
  if (serve->parsed()) {
    return relais::bench::ServePlainStream(options.suite.pki);
  }
  if (const absl::Status status = relais::bench::Run(options); !status.ok()) {
    std::cerr << "bench_vault: " << status << std::endl;
    return 1;
  }
  return 0;
}
