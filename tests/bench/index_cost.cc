// What the indexes of a log cost and give, in one process over RocksDB, without gRPC.
//
//   bench_index [leaves] [folder]     default 1,000,000 leaves under a temporary folder, removed afterwards
//
// Prints appends/s without and with the indexer, its processor time per leaf, what it writes, and how long
// queries take.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/audit/index.h"
#include "common/audit/query.h"
#include "common/audit/testing/random_leaves.h"
#include "common/storage/rocksdb/rocksdb_store.h"

namespace relais::bench {
namespace {

using audit::Event;
using audit::LeafQuery;
using audit::testing::PoolLogHarness;

constexpr size_t kLeavesPerCommit = 4;
constexpr size_t kCommitsAtOnce = 64;
constexpr uint64_t kLeavesPerPerson = 10;

double ProcessSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * t.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bench {
 public:
  Bench(std::string folder, uint64_t leaves)
      : folder_(std::move(folder)), persons_(leaves / kLeavesPerPerson) {
    audit::testing::HarnessOptions options;
    options.subject_cache_entries = 100'000;
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      storage::RocksDbOptions rocks;
      rocks.path = folder_;
      auto store = storage::RocksDbStore::Open(std::move(rocks), executor, sequencer);
      if (!store.ok()) {
        return store.status();
      }
      return std::unique_ptr<storage::Store>(*std::move(store));
    };
    harness_ = std::make_unique<PoolLogHarness>(options, 3);
    random_ = std::make_unique<audit::testing::RandomLeaves>(harness_->random());
    index_ = std::make_unique<audit::Index>(harness_->log(), harness_->store(), harness_->executor());
  }
  ~Bench() { BlockOn(index_->Stop()); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] uint64_t size() const { return harness_->log().state().size; }
  audit::Index& index() { return *index_; }

  // As many leaves as fit into `seconds`, at most `most`; their number a second. `paced`: no more than
  // 10,000.
  double Append(uint64_t most, double seconds, bool paced) {
    const absl::Time start = absl::Now();
    const uint64_t before = size();
    while (size() - before < most && absl::ToDoubleSeconds(absl::Now() - start) < seconds) {
      BlockOn(harness_->store().CommitAll(Commits()));
      const double due = static_cast<double>(size() - before) / 10'000;
      if (paced && absl::ToDoubleSeconds(absl::Now() - start) < due) {
        absl::SleepFor(absl::Seconds(due) - (absl::Now() - start));
      }
    }
    return static_cast<double>(size() - before) / absl::ToDoubleSeconds(absl::Now() - start);
  }

  // Milliseconds of each of `times` answers of one page.
  void Time(const char* what, int times, const std::function<LeafQuery()>& make) {
    std::vector<double> took;
    size_t hits = 0;
    for (int i = 0; i < times; ++i) {
      const LeafQuery query = make();
      const absl::Time start = absl::Now();
      audit::QueryRange range{0, size(), true};
      const auto page = BlockOn(audit::RunQuery(harness_->log(), *index_, query, range, audit::QueryLimits(),
                                                harness_->clock(), harness_->executor()));
      took.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      hits += page.ok() ? page->hits.size() : 0;
    }
    std::sort(took.begin(), took.end());
    std::printf("%-44s p50 %7.2f ms  p99 %7.2f ms  %.1f hits a page\n", what, took[took.size() / 2],
                took[took.size() * 99 / 100], static_cast<double>(hits) / times);
  }

  LeafQuery OfOnePerson() {
    LeafQuery query;
    query.subject = audit::testing::Person(random_->Below(persons_));
    return query;
  }

 private:
  std::vector<storage::CommitRequest> Commits() {
    std::vector<storage::CommitRequest> commits(kCommitsAtOnce);
    for (storage::CommitRequest& commit : commits) {
      commit.partition = {storage::PartitionKind::kCase, {}};
      for (size_t i = 0; i < kLeavesPerCommit; ++i) {
        Event event = random_->Next(absl::Now());
        event.subject = audit::testing::Person(random_->Below(persons_));
        event.actor.set_agent("agent-" + std::to_string(random_->Below(300)));
        commit.leaves.push_back(*harness_->log().Draft(event));
      }
    }
    return commits;
  }

  const std::string folder_;
  const uint64_t persons_;
  std::unique_ptr<PoolLogHarness> harness_;
  std::unique_ptr<audit::testing::RandomLeaves> random_;
  std::unique_ptr<audit::Index> index_;
};

void Run(const std::string& folder, uint64_t leaves) {
  Bench bench(folder, leaves);
  const double alone = bench.Append(leaves, 5, false);
  std::printf("appends/s, no indexer                        %.0f\n", alone);
  double before = ProcessSeconds();
  const uint64_t behind = bench.size();
  bench.index().Start();
  BlockOn(bench.index().WaitIndexed(behind, absl::Minutes(10)));
  std::printf("indexing alone                               %.1f us of a processor per leaf\n",
              1e6 * (ProcessSeconds() - before) / static_cast<double>(behind));
  std::printf("appends/s, indexer following                 %.0f\n", bench.Append(leaves, 5, false));
  std::printf("  behind at the end                          %lu leaves\n",
              static_cast<unsigned long>(bench.size() - bench.index().indexed()));
  before = ProcessSeconds();
  const double paced = bench.Append(leaves, 5, true);
  std::printf("paced to 10,000/s: reached %.0f/s, the process used %.2f processors, behind %lu\n", paced,
              (ProcessSeconds() - before) / 5,
              static_cast<unsigned long>(bench.size() - bench.index().indexed()));
  bench.Append(leaves > bench.size() ? leaves - bench.size() : 0, 3600, false);
  BlockOn(bench.index().WaitIndexed(bench.size(), absl::Minutes(10)));
  std::printf("leaves                                       %lu\n", static_cast<unsigned long>(bench.size()));
  bench.Time("one person's leaves", 2000, [&] { return bench.OfOnePerson(); });
  bench.Time("recipient and decision, newest 50", 200, [] {
    LeafQuery query;
    query.recipient = "caf";
    query.decision = common::v1::DECISION_DENY;
    return query;
  });
  bench.Time("one agent, newest 50", 200, [] {
    LeafQuery query;
    query.institution = "ville-paris";
    query.agent = "agent-17";
    return query;
  });
  bench.Time("a recipient that never was: every segment", 20, [] {
    LeafQuery query;
    query.recipient = "nobody";
    return query;
  });
}

}  // namespace
}  // namespace relais::bench

int main(int argc, char** argv) {
  const uint64_t leaves = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  std::string folder = argc > 2 ? argv[2] : "";
  const bool temporary = folder.empty();
  if (temporary) {
    std::string pattern = std::filesystem::temp_directory_path() / "relais-audit-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return 1;
    }
    folder = pattern;
  }
  relais::bench::Run(folder + "/store", leaves);
  if (temporary) {
    std::filesystem::remove_all(folder);
  }
  return 0;
}
