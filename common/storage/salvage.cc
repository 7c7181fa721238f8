#include "common/storage/salvage.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/numeric/int128.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"

namespace relais::storage {
namespace {

constexpr size_t kMostGaps = 16;
constexpr size_t kKeysAtOnce = 500;
constexpr int kBits = 128;

// Places are the first 16 bytes after a prefix as a number, zeros where there are fewer.
absl::uint128 PlaceOf(std::string_view rest) {
  absl::uint128 place = 0;
  for (size_t i = 0; i < Id128::kSize; ++i) {
    place <<= 8;
    place |= i < rest.size() ? static_cast<uint8_t>(rest[i]) : 0;
  }
  return place;
}

std::string BytesOf(absl::uint128 place) {
  std::string bytes(Id128::kSize, '\0');
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    *byte = static_cast<char>(absl::Uint128Low64(place) & 0xFF);
    place >>= 8;
  }
  return bytes;
}

Id128 IdAt(absl::uint128 place) { return Id128::FromBytes(BytesOf(place)).value(); }

// Whether what comes first from a place on reads; also when nothing comes.
using Reads = absl::FunctionRef<absl::StatusOr<bool>(absl::uint128 place)>;

// Of two places, the first of which does not read and the second does, the one where that changes.
absl::StatusOr<absl::uint128> Between(absl::uint128 unread, absl::uint128 readable, Reads reads) {
  while (readable - unread > 1) {
    const absl::uint128 middle = unread + ((readable - unread) >> 1);
    ASSIGN_OR_RETURN(const bool middle_reads, reads(middle));
    if (middle_reads) {
      readable = middle;
    } else {
      unread = middle;
    }
  }
  return readable;
}

// The place after `from`, which does not read, from which on something does: looked for in steps that
// double, so that little is passed over. Nullopt: nothing does any more.
absl::StatusOr<std::optional<absl::uint128>> PastDamage(absl::uint128 from, Reads reads) {
  absl::uint128 unread = from;
  for (int bit = 0; bit <= kBits && unread != absl::Uint128Max(); ++bit) {
    const absl::uint128 left = absl::Uint128Max() - from;
    const bool fits = bit < kBits && (absl::uint128(1) << bit) <= left;
    const absl::uint128 place = fits ? from + (absl::uint128(1) << bit) : absl::Uint128Max();
    ASSIGN_OR_RETURN(const bool place_reads, reads(place));
    if (place_reads) {
      ASSIGN_OR_RETURN(const absl::uint128 first, Between(unread, place, reads));
      return std::optional<absl::uint128>(first);
    }
    unread = place;
  }
  return std::optional<absl::uint128>();
}

// OK as it is, DATA_LOSS as false.
absl::StatusOr<bool> Told(const absl::Status& read) {
  if (absl::IsDataLoss(read)) {
    return false;
  }
  RETURN_IF_ERROR(read);
  return true;
}

}  // namespace

absl::StatusOr<SalvagedPage> Salvage(const Store& store, const Partition& partition, std::string_view prefix,
                                     std::string_view from, size_t page_size) {
  SalvagedPage out;
  std::string at(std::max(from, prefix));
  for (;;) {
    auto page = store.ScanReadable(partition, prefix, at, page_size - out.entries.size());
    ASSIGN_OR_RETURN(const bool reads, Told(page.status()));
    if (reads) {
      std::move(page->entries.begin(), page->entries.end(), std::back_inserter(out.entries));
      at = std::move(page->next);
    } else {
      out.gaps.push_back(at);
      const auto probe = [&](absl::uint128 place) {
        return Told(store.ScanReadable(partition, prefix, std::string(prefix) + BytesOf(place), 1).status());
      };
      ASSIGN_OR_RETURN(const auto past, PastDamage(PlaceOf(at.substr(prefix.size())), probe));
      at = past.has_value() ? std::string(prefix) + BytesOf(*past) : std::string();
    }
    if (at.empty() || out.entries.size() >= page_size || out.gaps.size() >= kMostGaps) {
      out.next = std::move(at);
      return out;
    }
  }
}

absl::StatusOr<SalvagedPartitions> SalvagePartitions(const Store& store, PartitionKind kind,
                                                     const Id128& from, size_t limit) {
  SalvagedPartitions out;
  Id128 at = from;
  size_t most = limit;  // at once; one by one where something does not read
  for (;;) {
    const size_t wanted = std::min(most, limit - out.partitions.size());
    const auto listed = store.ListPartitions(kind, at, wanted);
    ASSIGN_OR_RETURN(const bool reads, Told(listed.status()));
    if (!reads && wanted > 1) {
      most = 1;
      continue;
    }
    if (reads) {
      out.partitions.insert(out.partitions.end(), listed->begin(), listed->end());
      if (listed->size() < wanted) {
        return out;
      }
      at = NextId(listed->back().id);
      if (at.IsZero()) {
        return out;
      }
    } else {
      out.gaps.push_back(at);
      const auto probe = [&](absl::uint128 place) {
        return Told(store.ListPartitions(kind, IdAt(place), 1).status());
      };
      ASSIGN_OR_RETURN(const auto past, PastDamage(PlaceOf(at.bytes()), probe));
      if (!past.has_value()) {
        return out;
      }
      at = IdAt(*past);
    }
    if (out.partitions.size() >= limit || out.gaps.size() >= kMostGaps) {
      out.next = at;
      return out;
    }
  }
}

Task<absl::StatusOr<uint64_t>> EmptyWhatReads(Store& store, Partition partition) {
  uint64_t gaps = 0;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(SalvagedPage page, Salvage(store, partition, "", from, kKeysAtOnce));
    gaps += page.gaps.size();
    from = page.next;
    CommitRequest commit;
    commit.partition = partition;
    for (KeyedEntry& row : page.entries) {
      commit.batch.push_back({std::move(row.key), std::nullopt});
    }
    if (commit.batch.empty()) {
      continue;
    }
    const absl::StatusOr<CommitResult> done = co_await store.Commit(std::move(commit));
    CO_RETURN_IF_ERROR(done.status());
  } while (!from.empty());
  co_return gaps;
}

}  // namespace relais::storage
