// What must be true of papers at the end of every schedule.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/audit/fsck.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/events.pb.h"
#include "tests/sim/leaves.h"
#include "tests/sim/world.h"

namespace relais::sim {
namespace {

constexpr size_t kAll = 1000;       // more rows than any schedule makes
constexpr uint64_t kFsckEvery = 5;  // of the seeds: it takes as long as the other checks together

// A no of hers, or the request for her erasure, in consent's log.
struct Said {
  uint64_t index = 0;
  absl::Time time;
  std::string consent_id;  // the one agreement that is meant; empty: none in particular
  std::vector<consent::v1::ConsentLine> lines;

  // True when what stands on that agreement ends by it.
  [[nodiscard]] bool Ends(const std::string& consent, common::v1::Act act) const {
    const auto meets = [act](const consent::v1::ConsentLine& line) {
      return line.acts().empty() ||
             std::find(line.acts().begin(), line.acts().end(), act) != line.acts().end();
    };
    return (consent_id.empty() || consent_id == consent) && std::any_of(lines.begin(), lines.end(), meets);
  }
  // True when the vault must have known of it when the reading began: it had followed it, or, who reads by a
  // share, it cannot have had the lease any more without.
  [[nodiscard]] bool KnownTo(const PaperRead& read) const {
    const absl::Duration lease = vault::Settings().lease;
    return index < read.applied ||
           (read.act == common::v1::ACT_SHARE_DOCUMENT && read.began > time + lease + kCommit);
  }
};

struct Acts {
  std::map<std::string, uint64_t> agreed;          // by consent id: its leaf
  std::map<std::string, std::vector<Said>> noes;   // by the person's 16 bytes, in order
  std::map<std::string, std::vector<Said>> hosts;  // likewise: agreements that let somebody act for her
  std::map<std::string, Said> erasures;            // by the erasure's 16 bytes
};

Acts ActsIn(const std::vector<audit::OpenedLeaf>& leaves) {
  Acts acts;
  for (const audit::OpenedLeaf& leaf : leaves) {
    consent::v1::ConsentRecorded recorded;
    consent::v1::ConsentWithdrawn withdrawn;
    consent::v1::RefusalRecorded refused;
    Said said;
    said.index = leaf.index;
    said.time = leaf.leaf.time;
    std::vector<Said>& noes = acts.noes[leaf.details.subject().id()];
    if (Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded)) {
      acts.agreed[recorded.consent().consent_id()] = leaf.index;
      said.consent_id = recorded.consent().consent_id();
      said.lines.assign(recorded.consent().lines().begin(), recorded.consent().lines().end());
      if (said.Ends(said.consent_id, common::v1::ACT_HOST)) {
        acts.hosts[leaf.details.subject().id()].push_back(std::move(said));
      }
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn)) {
      said.consent_id = withdrawn.consent_id();
      said.lines.assign(withdrawn.lines().begin(), withdrawn.lines().end());
      noes.push_back(std::move(said));
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused)) {
      said.lines.assign(refused.lines().begin(), refused.lines().end());
      noes.push_back(std::move(said));
    } else if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
      acts.erasures[leaf.leaf.header.event_id()] = std::move(said);
    }
  }
  return acts;
}

// What ended the agreement `consent` as far as that act goes, after it was recorded; null: nothing.
absl::StatusOr<const Said*> EndOf(const Acts& acts, const Id128& person, const std::string& consent,
                                  common::v1::Act act, const PaperRead* known_to) {
  const auto agreed = acts.agreed.find(consent);
  if (agreed == acts.agreed.end()) {
    return absl::InternalError(absl::StrCat("something stands on no agreement: ", consent));
  }
  const auto noes = acts.noes.find(person.ToBytes());
  if (noes == acts.noes.end()) {
    return nullptr;
  }
  for (const Said& no : noes->second) {
    if (no.index > agreed->second && no.Ends(consent, act) &&
        (known_to == nullptr || no.KnownTo(*known_to))) {
      return &no;
    }
  }
  return nullptr;
}

// As EndOf, of a reading. Her host may have been linked anew, on an agreement that it made later, by a call
// whose answer was lost: what counts is whether all that had been agreed by then had ended.
absl::StatusOr<const Said*> EndOf(const Acts& acts, const PaperRead& read) {
  ASSIGN_OR_RETURN(const Said* const end, EndOf(acts, read.person, read.consent, read.act, &read));
  const auto hosts = acts.hosts.find(read.person.ToBytes());
  if (end == nullptr || read.act != common::v1::ACT_HOST || hosts == acts.hosts.end()) {
    return end;
  }
  for (const Said& agreed : hosts->second) {
    if (agreed.index > end->index && agreed.time < read.began) {
      ASSIGN_OR_RETURN(const Said* const later, EndOf(acts, read.person, agreed.consent_id, read.act, &read));
      if (later == nullptr) {
        return nullptr;
      }
    }
  }
  return end;
}

// Of her shares and hosts none that is active stands on an agreement that she has ended.
absl::Status NoneIsLeft(const vault::VaultStore& store, const Acts& acts, const Id128& person) {
  struct Active {
    std::string what;
    std::string consent;  // 16 bytes
    common::v1::Act act = common::v1::ACT_UNSPECIFIED;
  };
  std::vector<Active> active;
  ASSIGN_OR_RETURN(const auto shares, store.Shares(person, Id128(), kAll));
  for (const auto& row : shares.rows) {
    if (row.stored.value.state() == vault::v1::Share::STATE_ACTIVE) {
      active.push_back(
          {"share " + row.id.ToHex(), row.stored.value.consent(), common::v1::ACT_SHARE_DOCUMENT});
    }
  }
  ASSIGN_OR_RETURN(const auto hosts, store.Hosts(person));
  for (const auto& row : hosts) {
    if (row.stored.value.state() == vault::v1::Host::STATE_ACTIVE) {
      active.push_back({"host " + row.institution, row.stored.value.consent(), common::v1::ACT_HOST});
    }
  }
  for (const Active& one : active) {
    ASSIGN_OR_RETURN(const Id128 consent, Id128::FromBytes(one.consent));
    ASSIGN_OR_RETURN(const Said* const end, EndOf(acts, person, consent.ToHex(), one.act, nullptr));
    if (end != nullptr) {
      return absl::InternalError(
          absl::StrCat(one.what, " is active although leaf ", end->index, " of consent ended it"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWhole(const vault::Vault& vault, const vault::VersionName& name,
                                      const vault::v1::StoredVersion& version) {
  ASSIGN_OR_RETURN(const vault::PaperText text, vault.papers.Open(name, version));
  std::string whole;
  for (uint64_t piece = 0; piece < text.pieces(); ++piece) {
    ASSIGN_OR_RETURN(const std::string bytes, text.Read(piece, {0, text.size()}));
    whole += bytes;
  }
  return whole;
}

// The payload, or what it says to who has the vault's own key.
std::string Unsealed(const vault::RowSeal& rows, const std::string& key, const std::string& value) {
  const auto stored = storage::DecodeValue(value);
  if (!stored.ok() || key.size() < storage::Partition::kEncodedSize) {
    return value;
  }
  const std::string row = absl::StrCat(key.substr(0, storage::Partition::kEncodedSize), "/",
                                       key.substr(storage::Partition::kEncodedSize));
  auto opened = rows.Open(row, stored->payload);
  return opened.ok() ? *std::move(opened) : value;
}

// Where in the store these bytes are named; empty: nowhere.
std::string WhereNamed(const storage::MemoryDisk& disk, const vault::RowSeal& rows,
                       const std::string& bytes) {
  std::string from;
  do {
    const storage::MemoryDisk::Rows page = disk.ScanData("", from, kAll);
    for (const auto& [key, value] : page.rows) {
      if (key.find(bytes) != std::string::npos ||
          Unsealed(rows, key, value).find(bytes) != std::string::npos) {
        return absl::StrCat("a row of a partition of kind ", key.substr(0, 1));
      }
    }
    from = page.next;
  } while (!from.empty());
  return "";
}

absl::StatusOr<size_t> CountErased(audit::Log& log, const Id128& erasure) {
  size_t count = 0;
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, AllBytes(log));
  for (const std::string& bytes : leaves) {
    ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes));
    count += leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASED &&
                     leaf.header.event_id() == erasure.bytes()
                 ? 1
                 : 0;
  }
  return count;
}

}  // namespace

absl::Status World::CheckVault() {
  RETURN_IF_ERROR(CheckPapers());
  RETURN_IF_ERROR(CheckBytes());
  RETURN_IF_ERROR(CheckHerNo());
  RETURN_IF_ERROR(CheckErased());
  return CheckVaultLog();
}

// A paper whose deposit was acknowledged reads whole; one that was destroyed is, and opens for nobody.
absl::Status World::CheckPapers() {
  const vault::Vault& vault = vault_->process()->service->vault();
  for (const auto& [document_id, paper] : papers_.papers) {
    if (papers_.erased.contains(paper.person)) {
      continue;
    }
    ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(document_id));
    ASSIGN_OR_RETURN(const auto stored, vault.store.Document(paper.person, document));
    if (!stored.has_value() || stored->value.versions_size() != 1) {
      return absl::InternalError(absl::StrCat("lost paper ", document_id));
    }
    const bool gone = stored->value.state() == vault::v1::Document::STATE_DESTROYED;
    if (paper.destroyed ? !gone : (gone && !paper.asked)) {
      return absl::InternalError(
          absl::StrCat("paper ", document_id, gone ? " was destroyed by nobody" : " was not destroyed"));
    }
    const absl::StatusOr<std::string> text =
        ReadWhole(vault, {paper.person, document, 1}, stored->value.versions(0));
    if (gone ? text.ok() : (!text.ok() || *text != paper.text)) {
      return absl::InternalError(absl::StrCat(
          "paper ", document_id, gone ? " still opens: " : " does not read: ", text.status().ToString()));
    }
  }
  return absl::OkStatus();
}

// Bytes are those of a paper that is kept or of an upload under way: of what was destroyed, given up or
// erased there are none.
absl::Status World::CheckBytes() {
  const vault::VaultStore& store = vault_->process()->service->vault().store;
  std::set<std::string> wanted;
  ASSIGN_OR_RETURN(const std::vector<Id128> persons, store.Persons(Id128(), kAll));
  for (const Id128& person : persons) {
    ASSIGN_OR_RETURN(const auto documents, store.Documents(person, Id128(), kAll));
    for (const auto& row : documents.rows) {
      const vault::v1::StoredDocument& document = row.stored.value;
      for (const vault::v1::StoredVersion& version : document.versions()) {
        if (document.state() != vault::v1::Document::STATE_DESTROYED) {
          wanted.insert(version.content());
        }
      }
    }
    ASSIGN_OR_RETURN(const auto uploads, store.Uploads(person, Id128(), kAll));
    for (const auto& row : uploads.rows) {
      wanted.insert(row.id.ToBytes());
    }
  }
  ASSIGN_OR_RETURN(const auto contents, vault_->process()->store->ListPartitions(
                                            storage::PartitionKind::kDocument, Id128(), kAll));
  for (const storage::Partition& content : contents) {
    if (!wanted.contains(content.id.ToBytes())) {
      return absl::InternalError(absl::StrCat("bytes of no paper: ", content.id.ToHex()));
    }
  }
  return absl::OkStatus();
}

// Nobody read on an agreement that she had ended, once the vault had to know (D-3.1); and no share and no
// host that stands on one is left active.
absl::Status World::CheckHerNo() {
  ASSIGN_OR_RETURN(const auto leaves, AllLeaves(*consent_->process()->log));
  const Acts acts = ActsIn(leaves);
  for (const PaperRead& read : papers_.reads) {
    const Said* end = nullptr;
    if (const auto erased = papers_.erased.find(read.person); erased != papers_.erased.end()) {
      ASSIGN_OR_RETURN(const Id128 erasure, Id128::FromHex(erased->second));
      const auto asked = acts.erasures.find(erasure.ToBytes());
      if (asked == acts.erasures.end()) {
        return absl::InternalError("an erasure that was acknowledged is in no leaf");
      }
      end = asked->second.KnownTo(read) ? &asked->second : nullptr;
    } else {
      ASSIGN_OR_RETURN(end, EndOf(acts, read));
    }
    if (end != nullptr) {
      return absl::InternalError(absl::StrCat("a reading began ",
                                              absl::FormatDuration(read.began - end->time), " after leaf ",
                                              end->index, " ended what it stood on; applied ", read.applied));
    }
  }
  for (const Id128& person : papers_.persons) {
    if (!papers_.erased.contains(person)) {
      RETURN_IF_ERROR(NoneIsLeft(vault_->process()->service->vault().store, acts, person));
    }
  }
  return absl::OkStatus();
}

// Of who was erased no row of the vault is left and none names her; both logs say so once (D-2.10).
absl::Status World::CheckErased() {
  audit::Log& log = *vault_->process()->log;
  for (const auto& [person, erasure_id] : papers_.erased) {
    ASSIGN_OR_RETURN(const Id128 erasure, Id128::FromHex(erasure_id));
    ASSIGN_OR_RETURN(const size_t here, CountErased(log, erasure));
    ASSIGN_OR_RETURN(const size_t there, CountErased(*consent_->process()->log, erasure));
    if (here != 1 || there != 1) {
      return absl::InternalError(
          absl::StrCat("an erasure was made ", here, " times in the vault, ", there, " times in consent"));
    }
    const vault::RowSeal& rows = vault_->process()->service->vault().store.rows();
    const std::string where = WhereNamed(*vault_->disk(), rows, person.ToBytes());
    if (!where.empty()) {
      return absl::InternalError(absl::StrCat("who was erased is named in ", where));
    }
    const audit::Subject subject = vault::VaultStore::SubjectOf(person);
    ASSIGN_OR_RETURN(const std::vector<uint64_t> pointers, log.LeavesOf(subject, 0, 1));
    if (log.keys().Get(subject).ok() || !pointers.empty()) {
      return absl::InternalError("the log still knows which leaves were hers");
    }
  }
  return absl::OkStatus();
}

// The leaves lead to the root that is told; for some seeds everything that is kept beside them too.
absl::Status World::CheckVaultLog() {
  const auto process = vault_->process();
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, AllBytes(*process->log));
  merkle::Frontier tree;
  for (const std::string& leaf : leaves) {
    tree.Append(merkle::HashLeaf(leaf), nullptr);
  }
  if (tree.root() != process->log->state().root) {
    return absl::InternalError("the vault's leaves do not lead to its root");
  }
  if (options_.seed % kFsckEvery != 0) {
    return absl::OkStatus();
  }
  audit::FsckOptions options;
  options.origin = process->log->origin();
  options.ring = &vault_->ring();
  audit::Findings findings;
  RETURN_IF_ERROR(audit::FsckStore(*process->store, options, random_, findings));
  if (!findings.clean()) {
    const audit::Finding& first = findings.list().front();
    return absl::InternalError(absl::StrCat("the vault's log: ", first.where, ": ", first.what));
  }
  return absl::OkStatus();
}

}  // namespace relais::sim
