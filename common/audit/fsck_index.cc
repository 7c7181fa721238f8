#include "common/audit/fsck_index.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/index_format.h"
#include "common/audit/leaf.h"
#include "common/audit/month_keys.h"
#include "common/audit/retention.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/hkdf.h"

namespace relais::audit {
namespace {

using internal::IndexState;
using internal::kSegmentLeaves;
using internal::MonthKeys;
using storage::LogTable;

constexpr std::string_view kLogKey = "audit-log";
constexpr size_t kPage = 1000;
constexpr size_t kKeySize = 32;
constexpr size_t kCachedKeys = 10'000;
// As in log.cc: a leaf is drafted a moment before it gets its time.
constexpr absl::Duration kDraftAge = absl::Hours(1);

const char* NameOf(Dimension dimension) {
  switch (dimension) {
    case Dimension::kInstitution:
      return "institution";
    case Dimension::kRecipient:
      return "recipient";
    case Dimension::kPurpose:
      return "purpose";
    case Dimension::kCategory:
      return "category";
    case Dimension::kGround:
      return "ground";
    case Dimension::kDecision:
      return "decision";
    case Dimension::kDenialReason:
      return "denial reason";
    case Dimension::kEventClass:
      return "event class";
    case Dimension::kRelation:
      return "relation";
    case Dimension::kDirectoryVersion:
      return "directory version";
    case Dimension::kAgent:
      return "agent";
    case Dimension::kCertificate:
      return "certificate";
  }
  return "unknown dimension";
}

using Place = std::pair<std::string, Dimension>;                           // month or "", dimension
using Postings = absl::flat_hash_map<std::string, std::vector<uint64_t>>;  // by hash of the value

class IndexCheck {
 public:
  IndexCheck(const storage::Store& store, crypto::KeyRing& ring, Random& random, Findings& findings)
      : store_(store), ring_(ring), findings_(findings), months_(ring, random) {}

  absl::Status Run(Random& random) {
    const absl::StatusOr<uint32_t> version = ring_.Latest(kLogKey);
    if (!version.ok()) {
      return absl::OkStatus();  // FsckStore names it
    }
    ASSIGN_OR_RETURN(const Secret log_key, ring_.Get(kLogKey, *version));
    key_ = crypto::HkdfSha256(log_key, "", internal::kIndexKeyInfo, kKeySize);
    ASSIGN_OR_RETURN(keys_, SubjectKeys::Open(ring_, random, kCachedKeys));
    keys_->Attach(store_);
    ASSIGN_OR_RETURN(const bool any, ReadMeta());
    if (!any) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto last, store_.LogLast(LogTable::kLeaves));
    size_ = last.has_value() && last->key.size() == sizeof(uint64_t) ? ReadBigEndian64(last->key) + 1 : 0;
    if (state_.indexed > size_) {
      findings_.Add("index state", absl::StrCat("counts ", state_.indexed, " leaves, the log has ", size_));
      return absl::OkStatus();
    }
    uint64_t last_segment = state_.indexed / kSegmentLeaves;
    for (const auto& [place, id] : catalogued_) {
      last_segment = std::max(last_segment, place.second);
    }
    for (uint64_t segment = 0; segment <= std::min(last_segment, size_ / kSegmentLeaves); ++segment) {
      RETURN_IF_ERROR(CheckSegment(segment));
    }
    if (uncounted_) {
      findings_.Note("the indexes hold rows of a run that their state does not count: it is made again");
    }
    return absl::OkStatus();
  }

 private:
  // --- the state and the catalogue; false: there never were indexes

  absl::StatusOr<bool> ReadMeta() {
    const storage::Partition meta{storage::PartitionKind::kIndexBucket, internal::IndexMeta(key_)};
    bool has_state = false;
    bool any = false;
    std::vector<storage::KeyedEntry> rows;
    std::string from;
    do {
      ASSIGN_OR_RETURN(storage::Page page, store_.Scan(meta, "", from, kPage));
      std::move(page.entries.begin(), page.entries.end(), std::back_inserter(rows));
      from = page.next;
    } while (!from.empty());
    for (const storage::KeyedEntry& row : rows) {
      any = true;
      if (row.key == internal::kIndexStateKey) {
        const absl::StatusOr<IndexState> state = internal::DecodeIndexState(row.entry.value);
        if (!state.ok()) {
          findings_.Add("index state", std::string(state.status().message()));
          return false;
        }
        state_ = *state;
        has_state = true;
      }
    }
    for (const storage::KeyedEntry& row : rows) {
      if (row.key != internal::kIndexStateKey) {
        Catalogue(row);
      }
    }
    if (any && !has_state) {
      findings_.Add("index state", "missing");
      return false;
    }
    return any;
  }

  // "part/" ‖ generation(4) ‖ month ‖ '/' ‖ dimension(1) ‖ segment(8)
  void Catalogue(const storage::KeyedEntry& row) {
    const std::string where = absl::StrCat("index catalogue row ", crypto::HexEncode(row.key));
    constexpr size_t kTail = 1 + 1 + 8;
    const size_t head = internal::kCatalogPrefix.size() + 4;
    const absl::StatusOr<Id128> id = internal::DecodeCatalogValue(row.entry.value);
    if (!row.key.starts_with(internal::kCatalogPrefix) || row.key.size() < head + kTail ||
        row.key[row.key.size() - kTail] != '/' || !id.ok()) {
      findings_.Add(where, "is no row of the catalogue");
      return;
    }
    const std::string_view key = row.key;
    const uint32_t generation = ReadBigEndian32(key.substr(internal::kCatalogPrefix.size()));
    const std::string month(key.substr(head, key.size() - kTail - head));
    const auto dimension = static_cast<Dimension>(key[key.size() - 9]);
    const uint64_t segment = ReadBigEndian64(key.substr(key.size() - 8));
    const bool known = dimension >= Dimension::kInstitution && dimension <= Dimension::kCertificate;
    if (!known || internal::IsMonthly(dimension) == month.empty() ||
        (!month.empty() && !ParseMonth(month).ok())) {
      findings_.Add(where, "names no bucket that there can be");
      return;
    }
    if (generation < state_.generation) {
      findings_.Note("buckets of a former generation of the indexes are still to be emptied");
      return;
    }
    const Place place{month, dimension};
    const std::optional<Secret> bucket_key = KeyOf(month);
    if (generation > state_.generation ||
        (bucket_key.has_value() &&
         internal::IndexPartition(*bucket_key, generation, dimension, segment) != *id)) {
      findings_.Add(where, "is not the bucket of that name");
      return;
    }
    if (!bucket_key.has_value()) {
      findings_.Note("buckets of a month whose key is destroyed are still to be emptied");
      return;
    }
    catalogued_.emplace(std::make_pair(place, segment), *id);
  }

  // Nullopt: destroyed, or there never was one.
  std::optional<Secret> KeyOf(const std::string& month) {
    if (month.empty()) {
      return key_;
    }
    const auto found = month_keys_.find(month);
    if (found != month_keys_.end()) {
      return found->second;
    }
    const absl::StatusOr<absl::CivilMonth> parsed = ParseMonth(month);
    const absl::StatusOr<Secret> sealing =
        parsed.ok() ? months_.ForReading(absl::FromCivil(*parsed, absl::UTCTimeZone()))
                    : absl::StatusOr<Secret>(parsed.status());
    std::optional<Secret> key;
    if (sealing.ok()) {
      key = crypto::HkdfSha256(*sealing, "", internal::kIndexKeyInfo, kKeySize);
    }
    month_keys_.emplace(month, key);
    return key;
  }

  // --- one segment

  absl::Status CheckSegment(uint64_t segment) {
    const uint64_t first = segment * kSegmentLeaves;
    const uint64_t end = std::min(size_, first + kSegmentLeaves);
    expected_.clear();
    erased_.clear();
    for (uint64_t index = first; index < end; ++index) {
      ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                       store_.LogGet(LogTable::kLeaves, IndexKey(index)));
      const absl::StatusOr<Leaf> leaf =
          bytes.has_value() ? ParseLeaf(*bytes) : absl::NotFoundError("missing");
      if (leaf.ok()) {
        RETURN_IF_ERROR(Expect(index, *leaf));
      } else {
        erased_.insert(index);  // FsckStore names it
      }
    }
    std::set<Place> places;
    for (const auto& [place, postings] : expected_) {
      places.insert(place);
      const bool counted = std::any_of(postings.begin(), postings.end(), [this](const auto& each) {
        return each.second.front() < state_.indexed;
      });
      if (counted && !catalogued_.contains({place, segment})) {
        findings_.Add(absl::StrCat("index ", NameOf(place.second), " of segment ", segment),
                      "the catalogue does not name its bucket");
      }
    }
    for (const auto& [named, id] : catalogued_) {
      if (named.second == segment) {
        places.insert(named.first);
      }
    }
    for (const Place& place : places) {
      RETURN_IF_ERROR(CheckBucket(place, segment));
    }
    return absl::OkStatus();
  }

  absl::Status Expect(uint64_t index, const Leaf& leaf) {
    ASSIGN_OR_RETURN(const std::optional<audit::v1::LeafDetails> details, DetailsOf(index, leaf));
    if (!details.has_value()) {
      erased_.insert(index);
    }
    for (const IndexedValue& value :
         internal::ValuesOf(leaf.header, details.value_or(audit::v1::LeafDetails()))) {
      Note({"", value.dimension}, key_, value, index);
    }
    for (const absl::Time drafted : {leaf.time, leaf.time - kDraftAge}) {
      const absl::StatusOr<Secret> sealing = months_.ForReading(drafted);
      const absl::StatusOr<audit::v1::LeafActor> actor =
          sealing.ok() ? OpenActor(leaf, *sealing) : absl::StatusOr<audit::v1::LeafActor>(sealing.status());
      if (!actor.ok()) {
        continue;
      }
      const std::string month = MonthName(drafted);
      const std::optional<Secret> key = KeyOf(month);
      for (const IndexedValue& value : internal::ActorValuesOf(leaf.header, *actor)) {
        Note({month, value.dimension}, *key, value, index);
      }
      break;
    }
    return absl::OkStatus();
  }

  void Note(const Place& place, const Secret& key, const IndexedValue& value, uint64_t index) {
    std::vector<uint64_t>& indices = expected_[place][internal::ValueHash(key, place.second, value.value)];
    if (indices.empty() || indices.back() != index) {
      indices.push_back(index);
    }
  }

  // Nullopt: erased.
  absl::StatusOr<std::optional<audit::v1::LeafDetails>> DetailsOf(uint64_t index, const Leaf& leaf) {
    ASSIGN_OR_RETURN(const std::optional<std::string> encoded,
                     store_.LogGet(LogTable::kLeafSubjects, IndexKey(index)));
    std::optional<Subject> subject;
    Secret key;
    if (encoded.has_value()) {
      const absl::StatusOr<Subject> decoded = Subject::Decode(*encoded);
      const absl::StatusOr<Secret> hers =
          decoded.ok() ? keys_->Get(*decoded) : absl::StatusOr<Secret>(decoded.status());
      if (absl::IsUnavailable(hers.status())) {
        return hers.status();
      }
      if (!hers.ok()) {
        return std::optional<audit::v1::LeafDetails>();
      }
      subject = *decoded;
      key = *hers;
    } else if (!leaf.header.commitment().empty()) {
      return std::optional<audit::v1::LeafDetails>();
    } else {
      ASSIGN_OR_RETURN(const uint32_t version, ring_.Latest(kLogKey));
      ASSIGN_OR_RETURN(key, ring_.Get(kLogKey, version));
    }
    absl::StatusOr<audit::v1::LeafDetails> details = OpenDetails(leaf, subject, key);
    return details.ok() ? std::optional(*std::move(details)) : std::nullopt;
  }

  // --- one bucket

  absl::Status CheckBucket(const Place& place, uint64_t segment) {
    const std::optional<Secret> key = KeyOf(place.first);
    if (!key.has_value()) {
      return absl::OkStatus();
    }
    const storage::Partition partition{
        storage::PartitionKind::kIndexBucket,
        internal::IndexPartition(*key, state_.generation, place.second, segment)};
    const std::string where = absl::StrCat("index ", NameOf(place.second), " of segment ", segment);
    Postings actual;
    std::string from;
    do {
      ASSIGN_OR_RETURN(const storage::Page page, store_.Scan(partition, "", from, kPage));
      for (const storage::KeyedEntry& row : page.entries) {
        AddRow(where, segment, row, actual);
      }
      from = page.next;
    } while (!from.empty());
    Compare(where, place, actual);
    return absl::OkStatus();
  }

  void AddRow(const std::string& where, uint64_t segment, const storage::KeyedEntry& row, Postings& actual) {
    const std::string name = absl::StrCat(where, ", row ", crypto::HexEncode(row.key));
    if (row.key.size() != internal::kValueHashSize + sizeof(uint64_t)) {
      findings_.Add(name, "its key is no value and leaf");
      return;
    }
    const uint64_t first = ReadBigEndian64(std::string_view(row.key).substr(internal::kValueHashSize));
    std::vector<uint64_t> indices;
    const absl::Status decoded = first / kSegmentLeaves == segment && first <= state_.indexed
                                     ? internal::DecodePostings(first, row.entry.value, indices)
                                     : absl::DataLossError("it begins where no run does");
    if (!decoded.ok()) {
      findings_.Add(name, std::string(decoded.message()));
      return;
    }
    // A run begins where the state stood: a crash may have kept it from being counted.
    uncounted_ = uncounted_ || first == state_.indexed;
    const bool beyond =
        !indices.empty() && indices.back() >= (first == state_.indexed ? size_ : state_.indexed);
    if (indices.empty() || beyond) {
      findings_.Add(name, indices.empty() ? "names no leaf" : "names a leaf that is not indexed yet");
      return;
    }
    std::vector<uint64_t>& all = actual[row.key.substr(0, internal::kValueHashSize)];
    all.insert(all.end(), indices.begin(), indices.end());
  }

  void Compare(const std::string& where, const Place& place, Postings& actual) {
    static const auto* const nothing = new std::vector<uint64_t>();
    Postings& expected = expected_[place];
    for (auto& [value, indices] : actual) {
      std::sort(indices.begin(), indices.end());
      const auto found = expected.find(value);
      const std::vector<uint64_t>& right = found == expected.end() ? *nothing : found->second;
      const auto twice = std::adjacent_find(indices.begin(), indices.end());
      if (twice != indices.end()) {
        findings_.Add(where, absl::StrCat("leaf ", *twice, " stands twice under one value"));
      }
      for (const uint64_t index : indices) {
        const bool unknown = erased_.contains(index) && !internal::IsMonthly(place.second);
        if (!unknown && !std::binary_search(right.begin(), right.end(), index)) {
          findings_.Add(where, absl::StrCat("leaf ", index, " stands under a value that it does not have"));
          break;
        }
      }
    }
    for (const auto& [value, indices] : expected) {
      const auto found = actual.find(value);
      const std::vector<uint64_t>& there = found == actual.end() ? *nothing : found->second;
      const auto missing = std::find_if(indices.begin(), indices.end(), [&](uint64_t index) {
        return index < state_.indexed && !std::binary_search(there.begin(), there.end(), index);
      });
      if (missing != indices.end()) {
        findings_.Add(where, absl::StrCat("leaf ", *missing, " does not stand under one of its values"));
      }
    }
  }

  const storage::Store& store_;
  crypto::KeyRing& ring_;
  Findings& findings_;
  MonthKeys months_;
  std::unique_ptr<SubjectKeys> keys_;
  Secret key_;
  std::map<std::string, std::optional<Secret>> month_keys_;
  IndexState state_;
  uint64_t size_ = 0;
  bool uncounted_ = false;
  std::map<std::pair<Place, uint64_t>, Id128> catalogued_;  // of the state's generation
  // Of the segment that is being looked at.
  std::map<Place, Postings> expected_;
  absl::flat_hash_set<uint64_t> erased_;  // part P is not known any more
};

}  // namespace

absl::Status FsckIndex(const storage::Store& store, crypto::KeyRing& ring, Random& random,
                       Findings& findings) {
  return IndexCheck(store, ring, random, findings).Run(random);
}

}  // namespace relais::audit
