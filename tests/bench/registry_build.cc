#include "tests/bench/registry_build.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/index.h"
#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "common/rpc/runtime.h"
#include "services/consent/service.h"
#include "tests/bench/bulk_store.h"
#include "tests/bench/registry_rows.h"
#include "tests/bench/sample.h"
#include "tests/bench/table_files.h"

namespace relais::bench {
namespace {

constexpr uint64_t kPersonsPerChunk = 25'000;
constexpr int kWordBits = 32;
const absl::Duration kIndexWait = absl::Hours(2);

// Runs everything at once on the calling thread; what waits for time never runs.
class InlineExecutor final : public Executor {
 public:
  void Post(std::function<void()> fn) override { fn(); }
  void PostAfter(absl::Duration /*delay*/, std::function<void()> /*fn*/) override {}
};

// Random ids that ascend from chunk to chunk, so that the rows of a chunk's persons come after those of the
// chunks before it: the first bits of an id are the chunk's number. Anything else than an id is as random as
// ever.
class AscendingIds final : public Random {
 public:
  /// `chunks` is a power of two.
  explicit AscendingIds(uint64_t chunks) : bits_(std::countr_zero(chunks)) {}
  void UseChunk(uint64_t chunk) { chunk_ = static_cast<uint32_t>(chunk); }

  void Fill(uint8_t* out, size_t n) override {
    random_.Fill(out, n);
    if (n != Id128::kSize || bits_ == 0) {
      return;
    }
    uint32_t word = 0;
    for (int i = 0; i < kWordBits / 8; ++i) {
      word = word << 8 | out[i];
    }
    word = chunk_ << (kWordBits - bits_) | word >> bits_;
    for (int i = 0; i < kWordBits / 8; ++i) {
      out[i] = static_cast<uint8_t>(word >> (kWordBits - 8 - 8 * i));
    }
  }

 private:
  SystemRandom random_;
  const int bits_;
  uint32_t chunk_ = 0;  // changes only while nobody draws
};

// Nothing is served, so no service is named.
rpc::ServiceDefinition Definition() {
  rpc::ServiceDefinition definition;
  definition.name = "consent";
  definition.erasure_waits_for = {"routing", "alerting"};
  return definition;
}

absl::StatusOr<std::unique_ptr<rpc::ServiceRuntime>> OpenRuntime(const rpc::Settings& settings) {
  return rpc::ServiceRuntime::Open(Definition(), rpc::Flags(), settings);
}

// Nobody measures how long these calls take, and nothing runs on timers.
consent::Settings AtOnce() {
  consent::Settings settings;
  settings.register_tick = absl::ZeroDuration();
  return settings;
}

class Builder {
 public:
  Builder(const RegistryPlan& plan, const rpc::ServiceContext& real, calendar::Paris paris,
          uint64_t last_version)
      : plan_(plan),
        chunks_(std::bit_ceil((plan.persons + kPersonsPerChunk - 1) / kPersonsPerChunk)),
        random_(chunks_),
        store_(real.log.sequencer(), last_version),
        service_({real.clock, random_, executor_, store_, real.log, real.handles, real.suppression,
                  real.idempotency, real.directory, nullptr},
                 AtOnce(), paris) {
    call_.caller.institution = kInstitution;
    call_.caller.system = kSystem;
    call_.caller.function = kFunction;
    call_.caller.agent = kAgent;
    call_.caller.certificate = crypto::HexEncode(crypto::Sha256(kInstitution));
    call_.directory = real.directory();
  }

  absl::Status Run(RegistryRows& rows, std::ostream& handles) {
    std::future<absl::Status> writing;
    for (uint64_t chunk = 0; chunk < chunks_; ++chunk) {
      random_.UseChunk(chunk);
      RETURN_IF_ERROR(BuildChunk(Begin(chunk), Begin(chunk + 1)));
      for (const std::string& handle : handles_) {
        handles << handle << '\n';
      }
      if (writing.valid()) {
        RETURN_IF_ERROR(writing.get());
      }
      // Written while the next chunk is built.
      writing = std::async(std::launch::async,
                           [&rows, taken = store_.Take()]() mutable { return rows.Write(std::move(taken)); });
    }
    RETURN_IF_ERROR(writing.get());
    return rows.Finish();
  }
  [[nodiscard]] uint64_t last_version() const { return store_.last_version(); }

 private:
  [[nodiscard]] uint64_t Begin(uint64_t chunk) const { return chunk * plan_.persons / chunks_; }

  absl::Status BuildChunk(uint64_t first, uint64_t end) {
    handles_.assign(end - first, "");
    std::atomic<uint64_t> next = first;
    std::vector<std::future<absl::Status>> threads;
    for (int i = 0; i < plan_.threads; ++i) {
      threads.push_back(std::async(std::launch::async, [&]() -> absl::Status {
        for (uint64_t person = next++; person < end; person = next++) {
          RETURN_IF_ERROR(BuildPerson(person, handles_[person - first]));
        }
        return absl::OkStatus();
      }));
    }
    absl::Status status;
    for (std::future<absl::Status>& thread : threads) {
      status.Update(thread.get());
    }
    return status;
  }

  absl::Status BuildPerson(uint64_t person, std::string& handle) {
    ASSIGN_OR_RETURN(const consent::v1::RegisterResponse registered,
                     BlockOn(service_.persons().Register(call_, RegistrationOf(kBuiltRun, person))));
    handle = registered.person().handle();
    const uint64_t count =
        (person + 1) * plan_.agreements / plan_.persons - person * plan_.agreements / plan_.persons;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string request_id = absl::StrCat("bench-agree-", kBuiltRun, "-", person, "-", i);
      consent::v1::RecordConsentRequest request =
          i == 0 ? AgreementOf(handle, request_id) : OtherAgreementOf(handle, request_id, person + i);
      RETURN_IF_ERROR(BlockOn(service_.agreements().RecordConsent(call_, std::move(request))).status());
    }
    return absl::OkStatus();
  }

  const RegistryPlan& plan_;
  const uint64_t chunks_;
  InlineExecutor executor_;
  AscendingIds random_;
  BulkStore store_;
  consent::Service service_;
  rpc::Call call_;
  std::vector<std::string> handles_;  // of the chunk
};

}  // namespace

absl::StatusOr<BuiltRegistry> BuildRegistry(const RegistryPlan& plan) {
  if (plan.persons == 0 || plan.agreements < plan.persons) {
    return absl::InvalidArgumentError("at least one person, and one agreement of each");
  }
  const absl::Time begin = absl::Now();
  std::ofstream handles(plan.handles_path);
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  {
    // Makes rings and store where there are none, as the service does.
    ASSIGN_OR_RETURN(const std::unique_ptr<rpc::ServiceRuntime> made, OpenRuntime(plan.settings));
  }
  const std::string folder = plan.settings.store_path + ".build";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  StoreFiles files(folder, plan.settings.store_path);
  ASSIGN_OR_RETURN(uint64_t last_version, files.LastVersion());
  RegistryRows rows(folder, files);
  BuiltRegistry built;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<rpc::ServiceRuntime> runtime, OpenRuntime(plan.settings));
    Builder builder(plan, runtime->context(), paris, last_version);
    RETURN_IF_ERROR(builder.Run(rows, handles));
    last_version = builder.last_version();
    built.leaves = runtime->context().log.state().size;
  }
  RETURN_IF_ERROR(files.Ingest(last_version));
  std::filesystem::remove_all(folder, error);
  handles.close();
  if (!handles) {
    return absl::UnavailableError("the handles could not be written");
  }
  built.bytes = rows.bytes();
  built.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  return built;
}

absl::StatusOr<uint64_t> IndexRegistry(const rpc::Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::ServiceRuntime> runtime, OpenRuntime(settings));
  const rpc::ServiceContext& context = runtime->context();
  audit::Index index(context.log, context.store, context.executor);
  index.Start();
  const bool indexed = BlockOn(index.WaitIndexed(context.log.state().size, kIndexWait));
  const uint64_t leaves = index.indexed();
  BlockOn(index.Stop());
  return indexed ? absl::StatusOr<uint64_t>(leaves) : absl::DeadlineExceededError("indexing takes too long");
}

}  // namespace relais::bench
