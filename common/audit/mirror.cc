#include "common/audit/mirror.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/proofs.h"
#include "common/merkle/verify.h"

namespace relais::audit {

using merkle::Checkpoint;
using merkle::Hash;
using merkle::kTileWidth;

namespace {

std::string ClaimedOrigin(const std::string& note) { return note.substr(0, note.find('\n')); }

// Whether the first `size` leaves that the writer has are the beginning of the offered log.
absl::StatusOr<bool> IsPrefix(const TileWriter& writer, uint64_t size, const Checkpoint& offered,
                              LogSource& source, std::vector<Hash>* proof) {
  ASSIGN_OR_RETURN(const Hash root, merkle::RootFromNodes(size, writer.Nodes()));
  ASSIGN_OR_RETURN(*proof, source.Consistency(size, offered.size));
  return merkle::VerifyConsistency(size, offered.size, root, offered.root, *proof).ok();
}

}  // namespace

Mirror::Mirror(std::unique_ptr<TileFolder> folder, MirrorOptions options, const Clock& clock)
    : folder_(std::move(folder)), options_(std::move(options)), clock_(clock) {}

absl::StatusOr<std::unique_ptr<Mirror>> Mirror::Open(const std::string& path, MirrorOptions options,
                                                     const Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<TileFolder> folder, TileFolder::OpenForWriting(path));
  std::unique_ptr<Mirror> mirror(new Mirror(std::move(folder), std::move(options), clock));
  RETURN_IF_ERROR(mirror->LoadHeld());
  return mirror;
}

absl::Status Mirror::LoadHeld() {
  ASSIGN_OR_RETURN(std::optional<std::string> note, folder_->Read(kCheckpointFile));
  if (!note.has_value()) {
    return absl::OkStatus();
  }
  absl::StatusOr<Checkpoint> opened = merkle::OpenCheckpoint(*note, ClaimedOrigin(*note), options_.verifiers);
  if (!opened.ok()) {
    return absl::DataLossError(
        absl::StrCat("this copy's own checkpoint does not verify: ", opened.status().message()));
  }
  held_ = *std::move(opened);
  held_note_ = *std::move(note);
  return ResumeHeld().status();
}

absl::StatusOr<TileWriter> Mirror::ResumeHeld() {
  ASSIGN_OR_RETURN(TileWriter writer, TileWriter::Resume(*folder_, held_.has_value() ? held_->size : 0));
  if (held_.has_value() && writer.root() != held_->root) {
    return absl::DataLossError("this copy is damaged: its tiles do not lead to its own checkpoint");
  }
  return writer;
}

absl::StatusOr<MirrorReport> Mirror::Update(LogSource& source, uint64_t min_size, absl::Duration wait) {
  ASSIGN_OR_RETURN(offered_note_, source.Checkpoint(min_size, wait));
  ASSIGN_OR_RETURN(const Checkpoint offered, OpenOffered(offered_note_));
  RETURN_IF_ERROR(CheckAgainstHeld(offered, source));
  MirrorReport report;
  report.before = held_.has_value() ? held_->size : 0;
  report.checkpoint = offered;
  ASSIGN_OR_RETURN(TileWriter writer, ResumeHeld());
  ASSIGN_OR_RETURN(report.reused, Reuse(writer, offered, source));
  if (writer.size() != report.before + report.reused) {
    ASSIGN_OR_RETURN(writer, ResumeHeld());  // what was left does not belong to this log
  }
  report.fetched = offered.size - writer.size();
  RETURN_IF_ERROR(Fetch(writer, offered, source));
  if (!held_.has_value() || offered_note_ != held_note_) {
    RETURN_IF_ERROR(Publish(writer, offered_note_));
  }
  held_ = offered;
  held_note_ = offered_note_;
  return report;
}

absl::StatusOr<Checkpoint> Mirror::OpenOffered(const std::string& note) {
  const std::string origin = ClaimedOrigin(note);
  Evidence evidence;
  if (held_.has_value() && origin != held_->origin) {
    evidence.what =
        absl::StrCat("origin: this copy is of ", held_->origin, ", the service now shows ", origin);
    return Alarm(std::move(evidence));
  }
  absl::StatusOr<Checkpoint> opened = merkle::OpenCheckpoint(note, origin, options_.verifiers);
  if (!opened.ok()) {
    evidence.what = absl::StrCat("signature: the service's checkpoint does not verify with the log's keys: ",
                                 opened.status().message());
    return Alarm(std::move(evidence));
  }
  return opened;
}

absl::Status Mirror::CheckAgainstHeld(const Checkpoint& offered, LogSource& source) {
  if (!held_.has_value() || (offered.size == held_->size && offered.root == held_->root)) {
    return absl::OkStatus();
  }
  Evidence evidence;
  if (offered.size < held_->size) {
    const absl::StatusOr<Hash> root =
        merkle::RootFromNodes(offered.size, merkle::NodesFromTiles(held_->size, folder_->Tiles()));
    const bool forked = root.ok() && *root != offered.root;
    evidence.what =
        absl::StrCat("roll-back: the log had ", held_->size, " leaves and now shows ", offered.size,
                     forked ? ", which are not the first of those: forked too" : "");
    return Alarm(std::move(evidence));
  }
  if (offered.size == held_->size) {
    evidence.what = absl::StrCat("fork: two roots were signed for ", offered.size, " leaves");
    return Alarm(std::move(evidence));
  }
  if (held_->size == 0) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<Hash> proof, source.Consistency(held_->size, offered.size));
  const absl::Status consistent =
      merkle::VerifyConsistency(held_->size, offered.size, held_->root, offered.root, proof);
  if (consistent.ok()) {
    return absl::OkStatus();
  }
  evidence.what = absl::StrCat("fork: the log of ", offered.size, " leaves does not begin with the ",
                               held_->size, " held here (", consistent.message(), ")");
  evidence.AddProof("consistency", held_->size, offered.size, proof);
  return Alarm(std::move(evidence));
}

absl::StatusOr<uint64_t> Mirror::Reuse(TileWriter& writer, const Checkpoint& offered, LogSource& source) {
  // Whole bundles only, so the one that is partial in the held checkpoint must be filled first.
  if (writer.size() % kTileWidth != 0) {
    const uint64_t bundle = writer.size() / kTileWidth;
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                     folder_->Read(merkle::BundlePath(bundle, kTileWidth)));
    const auto entries =
        bytes.has_value() ? merkle::ParseBundle(*bytes, kTileWidth) : absl::NotFoundError("no such bundle");
    if (!entries.ok() || (bundle + 1) * kTileWidth > offered.size) {
      return 0;
    }
    for (size_t i = writer.size() % kTileWidth; i < entries->size(); ++i) {
      RETURN_IF_ERROR(writer.Add((*entries)[i]));
    }
  }
  const uint64_t before = held_.has_value() ? held_->size : 0;
  while (writer.size() + kTileWidth <= offered.size) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                     folder_->Read(merkle::BundlePath(writer.size() / kTileWidth, kTileWidth)));
    if (!bytes.has_value() || !merkle::ParseBundle(*bytes, kTileWidth).ok()) {
      break;
    }
    RETURN_IF_ERROR(writer.AddStored(*bytes));
  }
  if (writer.size() == before) {
    return 0;
  }
  std::vector<Hash> proof;
  ASSIGN_OR_RETURN(const bool belongs, IsPrefix(writer, writer.size(), offered, source, &proof));
  return belongs ? writer.size() - before : 0;
}

absl::Status Mirror::Fetch(TileWriter& writer, const Checkpoint& offered, LogSource& source) {
  uint64_t proven = writer.size();
  if (writer.size() < offered.size) {
    RETURN_IF_ERROR(source.Leaves(writer.size(), offered.size, [&](std::string_view leaf) -> absl::Status {
      if (leaf.size() > merkle::kMaxEntrySize) {
        Evidence evidence;
        evidence.what = absl::StrCat("altered leaf: leaf ", writer.size(), " is longer than any leaf");
        evidence.files[absl::StrCat("leaf-", writer.size())] = std::string(leaf);
        return Alarm(std::move(evidence));
      }
      RETURN_IF_ERROR(writer.Add(leaf));
      if (writer.size() % options_.proof_interval == 0 && writer.size() < offered.size) {
        RETURN_IF_ERROR(CheckPrefix(writer, proven, offered, source));
        proven = writer.size();
      }
      if (options_.progress && writer.size() % kTileWidth == 0) {
        options_.progress(writer.size());
      }
      return absl::OkStatus();
    }));
  }
  if (writer.size() != offered.size) {
    return absl::UnavailableError("the service ended before its last leaf");
  }
  return writer.root() == offered.root ? absl::OkStatus() : BlameLeaf(writer, proven, offered, source);
}

absl::Status Mirror::CheckPrefix(const TileWriter& writer, uint64_t proven, const Checkpoint& offered,
                                 LogSource& source) {
  std::vector<Hash> proof;
  ASSIGN_OR_RETURN(const bool belongs, IsPrefix(writer, writer.size(), offered, source, &proof));
  return belongs ? absl::OkStatus() : BlameLeaf(writer, proven, offered, source);
}

// The leaf after the longest prefix that belongs to the offered log: the first that was altered.
absl::Status Mirror::BlameLeaf(const TileWriter& writer, uint64_t proven, const Checkpoint& offered,
                               LogSource& source) {
  uint64_t good = proven;
  uint64_t bad = writer.size();
  std::vector<Hash> bad_proof;
  while (bad - good > 1) {
    const uint64_t middle = good + (bad - good) / 2;
    std::vector<Hash> proof;
    ASSIGN_OR_RETURN(const bool belongs, IsPrefix(writer, middle, offered, source, &proof));
    (belongs ? good : bad) = middle;
    if (!belongs) {
      bad_proof = proof;
    }
  }
  ASSIGN_OR_RETURN(const std::string leaf, writer.Leaf(good));
  Evidence evidence;
  evidence.what =
      absl::StrCat("altered leaf: leaf ", good, " as the service gave it is not the one that its ",
                   "checkpoint of ", offered.size, " leaves holds");
  evidence.files[absl::StrCat("leaf-", good)] = leaf;
  if (bad_proof.empty()) {
    ASSIGN_OR_RETURN(bad_proof, source.Consistency(bad, offered.size));
  }
  evidence.AddProof("consistency", bad, offered.size, bad_proof);
  const absl::StatusOr<std::vector<Hash>> inclusion = source.Inclusion(good, offered.size);
  if (inclusion.ok()) {
    evidence.AddProof("inclusion", good, offered.size, *inclusion);
  }
  return Alarm(std::move(evidence));
}

absl::Status Mirror::Publish(TileWriter& writer, const std::string& note) {
  RETURN_IF_ERROR(writer.WritePartial());
  RETURN_IF_ERROR(folder_->Sync());
  RETURN_IF_ERROR(folder_->WriteDurably(kCheckpointFile, note));
  return DropFilledPartials(held_.has_value() ? held_->size : 0, writer.size());
}

// Partial tiles stay until the full one is there, as readers of an older checkpoint may still want them.
absl::Status Mirror::DropFilledPartials(uint64_t before, uint64_t now) {
  std::vector<std::string> folders;
  for (uint32_t level = 0; level < merkle::kTileLevels; ++level) {
    const uint64_t tile = merkle::HashesAtLevel(level, before) / kTileWidth;
    if (merkle::WidthOfTile(level, tile, before) == 0 ||
        merkle::WidthOfTile(level, tile, now) != kTileWidth) {
      continue;
    }
    folders.push_back(merkle::TilePath({level, tile, kTileWidth}) + ".p");
    if (level == 0) {
      folders.push_back(merkle::BundlePath(tile, kTileWidth) + ".p");
    }
  }
  for (const std::string& folder : folders) {
    std::vector<std::string> files;
    RETURN_IF_ERROR(folder_->List(folder, [&files](const std::string& path) { files.push_back(path); }));
    for (const std::string& file : files) {
      RETURN_IF_ERROR(folder_->Remove(file));
    }
    RETURN_IF_ERROR(folder_->Remove(folder));
  }
  return absl::OkStatus();
}

absl::Status Mirror::Alarm(Evidence evidence) {
  evidence.files["checkpoint-offered"] = offered_note_;
  if (held_.has_value()) {
    evidence.files["checkpoint-held"] = held_note_;
  }
  return RaiseAlarm(*folder_, evidence, clock_.Now());
}

}  // namespace relais::audit
