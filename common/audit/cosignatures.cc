#include "common/audit/cosignatures.h"

#include <algorithm>
#include <utility>

#include "common/audit/big_endian.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/cosignature.h"

namespace relais::audit {
namespace {

using merkle::Cosignature;
using merkle::NoteSignature;
using merkle::NoteVerifier;
using merkle::UnverifiedNote;
using merkle::WitnessPolicy;

constexpr std::string_view kRound = "round";
constexpr std::string_view kCosigned = "cosigned";
constexpr char kFormat = 0x01;
constexpr size_t kHeader = 1 + 8;
constexpr int kMostTries = 10;

const storage::Partition& Place() {
  static const storage::Partition partition{
      storage::PartitionKind::kCursor,
      Id128::FromBytes(crypto::Sha256("relais cosignatures").substr(0, Id128::kSize)).value()};
  return partition;
}

std::string Encode(absl::Time began, std::string_view note) {
  std::string value(1, kFormat);
  AppendBigEndian64(value, static_cast<uint64_t>(absl::ToUnixMicros(began)));
  return value.append(note);
}

// Adds or renews the cosignatures of `from`; an older one replaces nothing.
void Merge(const UnverifiedNote& from, const std::vector<Cosignature>& cosignatures,
           const std::vector<NoteVerifier>& witnesses, UnverifiedNote& into) {
  const std::vector<Cosignature> there =
      merkle::VerifyCosignatures(into, witnesses).value_or(std::vector<Cosignature>());
  for (const Cosignature& cosignature : cosignatures) {
    const auto same = std::find_if(there.begin(), there.end(), [&](const Cosignature& other) {
      return other.witness == cosignature.witness;
    });
    const NoteSignature& line = from.signatures[cosignature.line];
    if (same == there.end()) {
      into.signatures.push_back(line);
    } else if (cosignature.timestamp > same->timestamp) {
      into.signatures[same->line] = line;
    }
  }
}

std::vector<size_t> SignersOf(const UnverifiedNote& note, const std::vector<NoteVerifier>& witnesses) {
  std::vector<size_t> signers;
  const auto cosignatures = merkle::VerifyCosignatures(note, witnesses);
  for (const Cosignature& cosignature : cosignatures.value_or(std::vector<Cosignature>())) {
    signers.push_back(cosignature.witness);
  }
  return signers;
}

// Whether a round is over: a quorum, or where none is demanded everyone.
bool Complete(const WitnessPolicy& policy, const std::vector<size_t>& signers) {
  return policy.quorum.has_value() ? merkle::IsQuorum(policy, signers)
                                   : signers.size() == policy.witnesses.size();
}

absl::Status Raced() { return absl::AbortedError("another cosignature came in between"); }

}  // namespace

absl::StatusOr<Cosignatures::Kept> Cosignatures::Make(absl::Time began, std::string note) {
  Kept kept;
  kept.began = began;
  ASSIGN_OR_RETURN(kept.parsed, merkle::ParseNote(note));
  ASSIGN_OR_RETURN(const merkle::Checkpoint checkpoint, merkle::ParseCheckpoint(kept.parsed.text));
  kept.size = checkpoint.size;
  kept.note = std::move(note);
  return kept;
}

absl::StatusOr<std::optional<Cosignatures::Kept>> Cosignatures::Read(std::string_view key) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store_.Get(Place(), key));
  if (!entry.has_value()) {
    return std::optional<Kept>();
  }
  if (entry->value.size() < kHeader || entry->value[0] != kFormat) {
    return absl::DataLossError("log: what is kept of its witnesses is damaged");
  }
  const auto micros = static_cast<int64_t>(ReadBigEndian64(std::string_view(entry->value).substr(1)));
  ASSIGN_OR_RETURN(Kept kept, Make(absl::FromUnixMicros(micros), entry->value.substr(kHeader)));
  kept.version = entry->version;
  return std::optional<Kept>(std::move(kept));
}

bool Cosignatures::Open(const Kept& round) const {
  const absl::Duration age = clock_.Now() - round.began;
  return absl::ZeroDuration() <= age && age < kRoundLife;
}

std::optional<Cosignatures::Kept> Cosignatures::Offered() const {
  std::lock_guard lock(mu_);
  return offered_;
}

Task<absl::StatusOr<std::string>> Cosignatures::ToCosign(std::shared_ptr<Cosignatures> self) {
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> cosigned, self->Read(kCosigned));
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> round, self->Read(kRound));
  const std::optional<Kept> offered = self->Offered();
  const uint64_t done = cosigned.has_value() ? cosigned->size : 0;
  if (round.has_value() && round->size > done && self->Open(*round)) {
    co_return round->note;
  }
  const uint64_t least = std::max(done, round.has_value() ? round->size : 0);
  if (offered.has_value() && offered->size > least && self->Open(*offered)) {
    co_return offered->note;
  }
  CO_ASSIGN_OR_RETURN(std::string latest, co_await self->log_.Checkpoint(0));
  CO_ASSIGN_OR_RETURN(Kept fresh, Make(self->clock_.Now(), std::move(latest)));
  // Nothing new to cosign: what there is, for those who have not yet.
  if (round.has_value() && fresh.size == round->size) {
    co_return round->note;
  }
  if (cosigned.has_value() && fresh.size == cosigned->size) {
    co_return cosigned->note;
  }
  std::string note = fresh.note;
  std::lock_guard lock(self->mu_);
  self->offered_ = std::move(fresh);
  co_return note;
}

std::optional<std::string> Cosignatures::Best(const std::optional<Kept>& round,
                                              const std::optional<Kept>& cosigned,
                                              const WitnessPolicy& policy) {
  const std::vector<NoteVerifier> witnesses = policy.WitnessKeys();
  std::optional<std::string> most;
  size_t signers_of_most = 0;
  for (const std::optional<Kept>* const kept : {&round, &cosigned}) {
    if (!kept->has_value()) {
      continue;
    }
    const std::vector<size_t> signers = SignersOf((*kept)->parsed, witnesses);
    if (policy.quorum.has_value() && merkle::IsQuorum(policy, signers)) {
      return (*kept)->note;
    }
    if (signers.size() > signers_of_most) {
      signers_of_most = signers.size();
      most = (*kept)->note;
    }
  }
  return most;
}

Task<absl::StatusOr<std::string>> Cosignatures::Cosigned(std::shared_ptr<Cosignatures> self,
                                                         WitnessPolicy policy) {
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> cosigned, self->Read(kCosigned));
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> round, self->Read(kRound));
  std::optional<std::string> most = Best(round, cosigned, policy);
  if (most.has_value()) {
    co_return *std::move(most);
  }
  CO_ASSIGN_OR_RETURN(std::string latest, co_await self->log_.Checkpoint(0));
  co_return latest;
}

Task<absl::StatusOr<Cosignatures::Added>> Cosignatures::Add(std::shared_ptr<Cosignatures> self,
                                                            std::string note, WitnessPolicy policy) {
  CO_ASSIGN_OR_RETURN(const UnverifiedNote parsed, merkle::ParseNote(note));
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    absl::StatusOr<Added> added = co_await self->AddOnce(parsed, policy);
    if (!absl::IsAborted(added.status())) {
      co_return added;
    }
  }
  co_return absl::UnavailableError("too many cosignatures at once");
}

Task<absl::StatusOr<Cosignatures::Added>> Cosignatures::AddOnce(UnverifiedNote note, WitnessPolicy policy) {
  const std::vector<NoteVerifier> witnesses = policy.WitnessKeys();
  CO_ASSIGN_OR_RETURN(const std::vector<Cosignature> cosignatures,
                      merkle::VerifyCosignatures(note, witnesses));
  if (cosignatures.empty()) {
    co_return absl::InvalidArgumentError("no cosignature of a witness that the directory lists");
  }
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> cosigned, Read(kCosigned));
  CO_ASSIGN_OR_RETURN(const std::optional<Kept> round, Read(kRound));
  const std::optional<Kept> offered = Offered();
  const bool late = cosigned.has_value() && cosigned->parsed.text == note.text;
  const bool again = round.has_value() && round->parsed.text == note.text;
  const bool first = offered.has_value() && offered->parsed.text == note.text;
  if (!late && !again && !first) {
    co_return absl::FailedPreconditionError("not the checkpoint that is to be cosigned now");
  }
  Kept target = late ? *cosigned : again ? *round : *offered;
  Merge(note, cosignatures, witnesses, target.parsed);
  CO_ASSIGN_OR_RETURN(const std::string merged, merkle::FormatNote(target.parsed));
  const std::vector<size_t> signers = SignersOf(target.parsed, witnesses);
  Added added;
  added.tree_size = target.size;
  for (const size_t signer : signers) {
    added.witnesses.push_back(witnesses[signer].name);
  }
  added.quorum = merkle::IsQuorum(policy, signers);

  storage::CommitRequest commit;
  commit.partition = Place();
  commit.preconditions.push_back(
      {std::string(kCosigned), cosigned.has_value() ? cosigned->version : std::nullopt});
  commit.preconditions.push_back({std::string(kRound), round.has_value() ? round->version : std::nullopt});
  const bool complete = late || Complete(policy, signers);
  commit.batch.push_back({std::string(complete ? kCosigned : kRound), Encode(target.began, merged)});
  if (complete && !late && round.has_value()) {
    commit.batch.push_back({std::string(kRound), std::nullopt});
  }
  const absl::StatusOr<storage::CommitResult> committed = co_await store_.Commit(std::move(commit));
  if (absl::IsAborted(committed.status())) {
    co_return Raced();
  }
  if (!committed.ok()) {
    co_return committed.status();
  }
  co_return added;
}

}  // namespace relais::audit
