// Rows of a vault as they lie in the store, and how somebody with the disk changes them: for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "services/vault/format/bytes.h"
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

}  // namespace relais::vault::testing
