#include "common/audit/fsck.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/checkpoint_findings.h"
#include "common/audit/fsck_nodes.h"
#include "common/audit/leaf.h"
#include "common/audit/meta.h"
#include "common/audit/month_keys.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/encoding.h"

namespace relais::audit {
namespace {

using internal::MonthKeys;
using internal::NodeRowCheck;
using merkle::Checkpoint;
using storage::LogTable;
using LogEntry = storage::Store::LogEntry;

constexpr std::string_view kLogKey = "audit-log";
constexpr std::string_view kEpochKey = "audit-epoch";
constexpr size_t kPage = 1000;
constexpr size_t kIndexSize = 8;
constexpr size_t kSubjectSize = 17;
constexpr size_t kKeyRowHeader = 5;
constexpr size_t kKeySize = 32;
constexpr size_t kCachedKeys = 10'000;
// As in log.cc: a leaf is drafted a moment before it gets its time.
constexpr absl::Duration kDraftAge = absl::Hours(1);

std::string LeafName(uint64_t index) { return absl::StrCat("leaf ", index); }

// No key of a person's row in a line that may be sent by mail: her id is the suite's secret.
std::string RowName(const char* table, std::string_view key) {
  if (key.size() == kSubjectSize + kIndexSize) {
    return absl::StrCat(table, " row of leaf ", ReadBigEndian64(key.substr(kSubjectSize)));
  }
  return absl::StrCat(table, " row ", crypto::HexEncode(key.substr(0, 4)), "… of ", key.size(), " bytes");
}

// Rows of a table in order, a page at a time.
class Rows {
 public:
  Rows(const storage::Store& store, LogTable table) : store_(store), table_(table) {}

  /// Null at the end; valid until the next call.
  absl::StatusOr<const LogEntry*> Next() {
    if (at_ == page_.size()) {
      ASSIGN_OR_RETURN(page_, store_.LogScan(table_, "", from_, kPage));
      at_ = 0;
      if (page_.empty()) {
        return nullptr;
      }
      from_ = page_.back().key + std::string(1, '\0');
    }
    return &page_[at_++];
  }

 private:
  const storage::Store& store_;
  const LogTable table_;
  std::string from_;
  std::vector<LogEntry> page_;
  size_t at_ = 0;
};

class Check {
 public:
  Check(const storage::Store& store, const FsckOptions& options, Random& random, Findings& findings)
      : store_(store), options_(options), random_(random), findings_(findings), nodes_(store, findings) {}

  absl::Status Run() {
    RETURN_IF_ERROR(OpenKeys());
    ReadPublished();
    RETURN_IF_ERROR(CheckLeaves());
    const uint64_t proven = CheckPublished();
    if (!gap_) {
      RETURN_IF_ERROR(nodes_.Finish(proven));
    }
    RETURN_IF_ERROR(CheckSubjectLeaves());
    RETURN_IF_ERROR(CheckSubjectKeys());
    RETURN_IF_ERROR(CheckMeta());
    if (unnamed_ > 0 && tombstones_ == 0 && !erased_) {
      findings_.Add("leaf_subjects",
                    absl::StrCat(unnamed_, " leaves have a subject that no row names, the first is leaf ",
                                 first_unnamed_, ", and nothing was erased"));
    } else if (unnamed_ > 0) {
      findings_.Note(absl::StrCat(unnamed_, " leaves of erased subjects"));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status OpenKeys() {
    if (options_.ring == nullptr) {
      findings_.Note("no key ring given: nothing sealed was looked into");
      return absl::OkStatus();
    }
    for (const std::string_view name : {kEpochKey, kLogKey}) {
      if (!options_.ring->Latest(name).ok()) {
        findings_.Add("key ring", absl::StrCat("has no key ", std::string(name)));
        return absl::OkStatus();
      }
    }
    ASSIGN_OR_RETURN(const uint32_t version, options_.ring->Latest(kLogKey));
    ASSIGN_OR_RETURN(log_key_, options_.ring->Get(kLogKey, version));
    ASSIGN_OR_RETURN(keys_, SubjectKeys::Open(*options_.ring, random_, kCachedKeys));
    keys_->Attach(store_);
    months_ = std::make_unique<MonthKeys>(*options_.ring, random_);
    return absl::OkStatus();
  }

  // --- leaves, in order

  absl::Status CheckLeaves() {
    Rows leaves(store_, LogTable::kLeaves);
    Rows subjects(store_, LogTable::kLeafSubjects);
    ASSIGN_OR_RETURN(subject_row_, subjects.Next());
    while (true) {
      ASSIGN_OR_RETURN(const LogEntry* const row, leaves.Next());
      if (row == nullptr) {
        break;
      }
      if (row->key.size() != kIndexSize) {
        findings_.Add(absl::StrCat("leaves row ", crypto::HexEncode(row->key)), "its key is no index");
        gap_ = true;
        continue;
      }
      const uint64_t index = ReadBigEndian64(row->key);
      if (index != size_) {
        findings_.Add(index == size_ + 1 ? LeafName(size_) : absl::StrCat("leaves ", size_, "-", index - 1),
                      "missing");
        gap_ = true;
      }
      ASSIGN_OR_RETURN(const std::optional<std::string> subject, TakeSubject(index, subjects));
      RETURN_IF_ERROR(CheckLeaf(index, row->value, subject));
      size_ = index + 1;
      if (options_.progress && size_ % kPage == 0) {
        options_.progress(size_);
      }
    }
    return TakeSubject(UINT64_MAX, subjects).status();
  }

  // The leaf_subjects row of this leaf; rows before it belong to no leaf.
  absl::StatusOr<std::optional<std::string>> TakeSubject(uint64_t index, Rows& subjects) {
    std::optional<std::string> subject;
    while (subject_row_ != nullptr && subject_row_->key <= IndexKey(index)) {
      if (subject_row_->key == IndexKey(index) && index != UINT64_MAX) {
        subject = subject_row_->value;
      } else {
        findings_.Add(absl::StrCat("leaf_subjects row ", crypto::HexEncode(subject_row_->key)),
                      "belongs to no leaf");
      }
      ASSIGN_OR_RETURN(subject_row_, subjects.Next());
    }
    return subject;
  }

  absl::Status CheckLeaf(uint64_t index, const std::string& bytes,
                         const std::optional<std::string>& subject) {
    if (!gap_) {
      std::vector<merkle::Node> completed;
      tree_.Append(merkle::HashLeaf(bytes), &completed);
      for (const merkle::Node& node : completed) {
        RETURN_IF_ERROR(nodes_.Expect(node));
      }
      NoteRoot();
    }
    const absl::StatusOr<Leaf> leaf = ParseLeaf(bytes);
    if (!leaf.ok()) {
      findings_.Add(LeafName(index), std::string(leaf.status().message()));
      return absl::OkStatus();
    }
    if (last_time_.has_value() && leaf->time < *last_time_) {
      findings_.Add(LeafName(index), "its time is before the previous leaf's");
    }
    last_time_ = leaf->time;
    erased_ = erased_ || leaf->header.event_class() == audit::v1::EVENT_CLASS_ERASED;
    return CheckSubject(index, *leaf, subject);
  }

  absl::Status CheckSubject(uint64_t index, const Leaf& leaf, const std::optional<std::string>& encoded) {
    CheckActor(index, leaf);
    if (!encoded.has_value()) {
      if (leaf.header.commitment().empty()) {
        CheckDetails(index, leaf, std::nullopt, log_key_);
      } else if (unnamed_++ == 0) {
        first_unnamed_ = index;
      }
      return absl::OkStatus();
    }
    const absl::StatusOr<Subject> subject = Subject::Decode(*encoded);
    if (!subject.ok()) {
      findings_.Add(absl::StrCat("leaf_subjects row of leaf ", index), "is no subject");
      return absl::OkStatus();
    }
    if (leaf.header.commitment().empty()) {
      findings_.Add(absl::StrCat("leaf_subjects row of leaf ", index), "the leaf has no subject");
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::optional<std::string> pointer,
                     store_.LogGet(LogTable::kSubjectLeaves, *encoded + IndexKey(index)));
    if (!pointer.has_value()) {
      findings_.Add(absl::StrCat("subject_leaves row of leaf ", index),
                    "missing, or the leaf_subjects row names another subject");
    }
    if (keys_ == nullptr) {
      return absl::OkStatus();
    }
    const absl::StatusOr<Secret> key = keys_->Get(*subject);
    if (key.ok()) {
      CheckDetails(index, leaf, *subject, *key);
    } else if (absl::IsUnavailable(key.status())) {
      return key.status();
    }
    return absl::OkStatus();  // a key row that is missing or damaged is named once, with the keys
  }

  void CheckDetails(uint64_t index, const Leaf& leaf, const std::optional<Subject>& subject,
                    const Secret& key) {
    if (keys_ == nullptr) {
      return;
    }
    const absl::StatusOr<audit::v1::LeafDetails> details = OpenDetails(leaf, subject, key);
    if (!details.ok()) {
      findings_.Add(LeafName(index), std::string(details.status().message()));
    }
  }

  void CheckActor(uint64_t index, const Leaf& leaf) {
    if (months_ == nullptr) {
      return;
    }
    bool tried = false;
    for (const absl::Time drafted : {leaf.time, leaf.time - kDraftAge}) {
      const absl::StatusOr<Secret> key = months_->ForReading(drafted);
      if (key.ok() && OpenActor(leaf, *key).ok()) {
        return;
      }
      tried = tried || key.ok();
    }
    if (tried) {
      findings_.Add(LeafName(index), "part R opens with no key of its month");
    }
  }

  // --- checkpoints

  struct Published {
    std::string name;
    Checkpoint checkpoint;
    bool trusted = false;
    std::optional<merkle::Hash> root;  // of the store at that size
  };

  void ReadPublished() {
    for (const auto& [name, note] : options_.published) {
      Published published;
      published.name = name;
      const std::optional<Checkpoint> checkpoint =
          ReadCheckpoint(note, name, options_.verifiers, &published.trusted, findings_);
      if (!checkpoint.has_value()) {
        continue;
      }
      published.checkpoint = *checkpoint;
      if (checkpoint->origin != options_.origin) {
        findings_.Add(name + " line 1",
                      absl::StrCat("is of ", checkpoint->origin, ", this log is ", options_.origin));
      } else {
        published_.push_back(std::move(published));
      }
    }
    NoteRoot();
  }

  void NoteRoot() {
    for (Published& published : published_) {
      if (published.checkpoint.size == tree_.size()) {
        published.root = tree_.root();
      }
    }
  }

  // How many leaves are proven by a signed root.
  uint64_t CheckPublished() {
    uint64_t proven = 0;
    for (const Published& published : published_) {
      const Checkpoint& checkpoint = published.checkpoint;
      if (checkpoint.size > size_) {
        findings_.Add(published.name,
                      absl::StrCat("a checkpoint of ", checkpoint.size,
                                   " leaves was given out, the store has ", size_, ": rolled back"));
      } else if (!published.root.has_value() || *published.root != checkpoint.root) {
        findings_.Add(published.name + " line 3", "the store's leaves do not lead to this root");
      } else if (published.trusted) {
        proven = std::max(proven, checkpoint.size);
      }
    }
    return proven;
  }

  // --- pointers and keys

  absl::Status CheckSubjectLeaves() {
    Rows rows(store_, LogTable::kSubjectLeaves);
    std::string last;
    while (true) {
      ASSIGN_OR_RETURN(const LogEntry* const row, rows.Next());
      if (row == nullptr) {
        return absl::OkStatus();
      }
      const std::string where = RowName("subject_leaves", row->key);
      if (row->key.size() != kSubjectSize + kIndexSize ||
          !Subject::Decode(row->key.substr(0, kSubjectSize)).ok()) {
        findings_.Add(where, "its key is no subject and index");
        continue;
      }
      const std::string subject = row->key.substr(0, kSubjectSize);
      if (!row->value.empty()) {
        findings_.Add(where, "has a value");
      }
      ASSIGN_OR_RETURN(const std::optional<std::string> back,
                       store_.LogGet(LogTable::kLeafSubjects, row->key.substr(kSubjectSize)));
      if (back != subject) {
        findings_.Add(where, "the leaf_subjects row is missing or names another subject");
      }
      if (subject != last) {
        RETURN_IF_ERROR(CheckHasKey(subject, where));
        last = subject;
      }
    }
  }

  absl::Status CheckHasKey(const std::string& subject, const std::string& where) {
    ASSIGN_OR_RETURN(const std::optional<std::string> row, store_.LogGet(LogTable::kSubjectKeys, subject));
    if (!row.has_value()) {
      findings_.Add(where, "its subject has no key");
    } else if (SubjectKeys::IsTombstone(*row)) {
      findings_.Add(where, "its subject is erased: the erasure is not finished");
    }
    return absl::OkStatus();
  }

  absl::Status CheckSubjectKeys() {
    Rows rows(store_, LogTable::kSubjectKeys);
    for (uint64_t number = 0;; ++number) {
      ASSIGN_OR_RETURN(const LogEntry* const row, rows.Next());
      if (row == nullptr) {
        return absl::OkStatus();
      }
      const std::string where = absl::StrCat("subject_keys row number ", number);
      if (!Subject::Decode(row->key).ok()) {
        findings_.Add(where, "its key is no subject");
        continue;
      }
      if (SubjectKeys::IsTombstone(row->value)) {
        ++tombstones_;
        continue;
      }
      RETURN_IF_ERROR(CheckKeyRow(*row, where));
    }
  }

  absl::Status CheckKeyRow(const LogEntry& row, const std::string& where) {
    if (row.value.size() != kKeyRowHeader + crypto::kAeadRandomOverhead + kKeySize || row.value[0] != 0x01) {
      findings_.Add(where, "is neither a wrapped key nor a tombstone");
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::vector<LogEntry> pointers,
                     store_.LogScan(LogTable::kSubjectLeaves, row.key, "", 1));
    if (pointers.empty()) {
      findings_.Add(where, "a key whose subject has no leaf");
    }
    if (keys_ == nullptr) {
      return absl::OkStatus();
    }
    const uint32_t epoch = ReadBigEndian32(std::string_view(row.value).substr(1));
    const absl::StatusOr<Secret> epoch_key = options_.ring->Get(kEpochKey, epoch);
    if (absl::IsNotFound(epoch_key.status()) &&
        absl::StrContains(epoch_key.status().message(), "destroyed")) {
      ++tombstones_;  // erased with its epoch
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const Subject subject, Subject::Decode(row.key));
    if (!epoch_key.ok()) {
      findings_.Add(where, absl::StrCat("is wrapped by epoch ", epoch, ", which the key ring never had"));
    } else if (!keys_->Get(subject).ok()) {
      findings_.Add(where, "does not unwrap with its epoch's key");
    }
    return absl::OkStatus();
  }

  absl::Status CheckMeta() {
    Rows rows(store_, LogTable::kMeta);
    while (true) {
      ASSIGN_OR_RETURN(const LogEntry* const row, rows.Next());
      if (row == nullptr) {
        return absl::OkStatus();
      }
      if (const absl::Status status = CheckMetaRow(row->key, row->value); !status.ok()) {
        findings_.Add(absl::StrCat("meta row ", crypto::HexEncode(row->key)), std::string(status.message()));
      }
    }
  }

  const storage::Store& store_;
  const FsckOptions& options_;
  Random& random_;
  Findings& findings_;
  NodeRowCheck nodes_;
  std::unique_ptr<SubjectKeys> keys_;
  std::unique_ptr<MonthKeys> months_;
  Secret log_key_;
  uint64_t size_ = 0;
  bool gap_ = false;  // from there on no hash can be recomputed
  merkle::Frontier tree_;
  std::optional<absl::Time> last_time_;
  const LogEntry* subject_row_ = nullptr;
  std::vector<Published> published_;
  uint64_t unnamed_ = 0;
  uint64_t first_unnamed_ = 0;
  uint64_t tombstones_ = 0;
  bool erased_ = false;
};

}  // namespace

absl::Status FsckStore(const storage::Store& store, const FsckOptions& options, Random& random,
                       Findings& findings) {
  return Check(store, options, random, findings).Run();
}

}  // namespace relais::audit
