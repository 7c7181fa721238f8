// Rows of a vault as they lie in the store, and how somebody with the disk changes them: for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/audit/big_endian.h"
#include "common/storage/memory/memory_store.h"
#include "common/storage/testing/damaged_store.h"
#include "services/vault/format/bytes.h"
#include "services/vault/handlers/operation_handlers.h"
#include "services/vault/handlers/verify_handlers.h"
#include "services/vault/testing/world.h"

namespace relais::vault::testing {

inline Id128 Hex(const std::string& hex) { return Id128::FromHex(hex).value(); }

inline std::string PieceKey(uint64_t piece) {
  std::string key = "c/";
  AppendBigEndian64(piece, key);
  return key;
}
inline storage::Partition BytesOf(const World::Deposited& paper) {
  return VaultStore::ContentPartition(Hex(paper.upload));
}
inline std::string RecordKey(const World::Deposited& paper) {
  return "v/doc/" + Hex(paper.document).ToBytes();
}

inline std::string HostKey(World& world, uint64_t person, const std::string& institution) {
  return "v/host/" + world.store().rows().Name({"host", World::Person(person)}, institution);
}

/// What a row says to who has the vault's own key; nullopt: its value is not sealed under that.
inline std::optional<std::string> Unsealed(World& world, const storage::Partition& partition,
                                           const std::string& key, const std::string& value) {
  auto opened = world.store().rows().Open(VaultStore::RowOf(partition, key), value);
  return opened.ok() ? std::optional<std::string>(*std::move(opened)) : std::nullopt;
}

/// nullopt: there is none.
inline std::optional<std::string> Raw(World& world, const storage::Partition& partition,
                                      const std::string& key) {
  const auto entry = world.context().store.Get(partition, key);
  World::Require(entry.status());
  return entry->has_value() ? std::optional<std::string>((*entry)->value) : std::nullopt;
}
inline void SetRaw(World& world, const storage::Partition& partition, const std::string& key,
                   std::optional<std::string> value) {
  storage::CommitRequest commit;
  commit.partition = partition;
  commit.batch.push_back({key, std::move(value)});
  World::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
}
/// A vault on a disk of which stretches do not read once `store` is told so; to be made before the world. A
/// restart is not for it.
struct DamagedDisk {
  storage::testing::DamagedStore* store = nullptr;

  [[nodiscard]] World::Options Options() {
    World::Options options;
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      auto made = std::make_unique<storage::testing::DamagedStore>(std::make_unique<storage::MemoryStore>(
          std::make_shared<storage::MemoryDisk>(), executor, sequencer,
          storage::MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true}));
      store = made.get();
      return std::unique_ptr<storage::Store>(std::move(made));
    };
    return options;
  }
};

/// Flips one bit; gives back what was there.
inline std::string Flip(World& world, const storage::Partition& partition, const std::string& key,
                        size_t at) {
  const std::optional<std::string> before = Raw(world, partition, key);
  World::Require(before.has_value() ? absl::OkStatus() : absl::NotFoundError("no such row"));
  std::string after = *before;
  after.at(at) = static_cast<char>(after.at(at) ^ 0x10);
  SetRaw(world, partition, key, after);
  return *before;
}
inline size_t CountRows(World& world, const storage::Partition& partition) {
  const auto page = world.context().store.Scan(partition, "", "", 1000);
  World::Require(page.status());
  return page->entries.size();
}

inline absl::StatusOr<v1::VerifyResponse> Verify(World& world, uint64_t person, const std::string& document,
                                                 const std::string& institution = kHost) {
  v1::VerifyRequest request;
  *request.mutable_person() = world.Handle(institution, person);
  request.set_document_id(document);
  return world.Run(world.service().verifying().Verify(world.As(institution), request));
}
/// Of the only version; UNSPECIFIED when there is another number of them.
inline v1::VersionCheck::Finding FoundOf(World& world, uint64_t person, const std::string& document) {
  const auto response = Verify(world, person, document);
  World::Require(response.status());
  return response->versions_size() == 1 ? response->versions(0).finding()
                                        : v1::VersionCheck::FINDING_UNSPECIFIED;
}

/// The leaf of a paper's latest deposit; nullopt: none that reads.
inline std::optional<uint64_t> LeafOfDeposit(World& world, const std::string& document) {
  std::optional<uint64_t> leaf;
  for (const audit::OpenedLeaf& each : world.Leaves()) {
    const auto deposited = PayloadOf<v1::DocumentDeposited>(each.details);
    if (deposited.has_value() && deposited->document_id() == document) {
      leaf = each.index;
    }
  }
  return leaf;
}
/// From now on that leaf does not read.
inline void TearLeaf(World& world, uint64_t leaf) {
  storage::MemoryDisk::Write damage;
  damage.version = world.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(leaf), std::string("torn")});
  world.harness().disk()->Apply(damage);
}

/// Likewise the leaf of a paper's latest deposit, which must read until then.
inline void TearDepositOf(World& world, const std::string& document) {
  const std::optional<uint64_t> leaf = LeafOfDeposit(world, document);
  World::Require(leaf.has_value() ? absl::OkStatus() : absl::NotFoundError("no leaf of that deposit"));
  TearLeaf(world, *leaf);
}

/// Asks for a scrub and lets it come to its end, if it does.
inline v1::Scrub Scrub(World& world, const std::string& request_id) {
  v1::StartScrubRequest request;
  request.set_request_id(request_id);
  const auto begun = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
  World::Require(begun.status());
  world.Settle(absl::Seconds(30));
  v1::GetScrubRequest which;
  which.set_scrub_id(begun->scrub().scrub_id());
  const auto scrub = world.Run(world.service().operations().GetScrub(world.As("operator"), which));
  World::Require(scrub.status());
  return scrub->scrub();
}

}  // namespace relais::vault::testing
