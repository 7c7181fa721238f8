#include "common/audit/leaf.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/audit/big_endian.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/sha256.h"

namespace relais::audit {
namespace {

constexpr char kFormat = 0x01;
constexpr size_t kPreambleSize = kLeafRandomOffset + kLeafRandomSize;
constexpr size_t kLengthSize = 4;
constexpr size_t kKeySize = 32;
constexpr std::string_view kInfoP = "relais leaf P v1";
constexpr std::string_view kInfoR = "relais leaf R v1";
constexpr std::string_view kInfoCommitment = "relais leaf commitment v1";

std::string AssociatedData(std::string_view random) {
  std::string aad(1, kFormat);
  aad.append(random);
  return aad;
}

// `prk`: of the subject's key and the leaf's random, as for the leaf's key.
std::string Commitment(const crypto::HkdfPrk& prk, const Subject& subject) {
  return crypto::HmacSha256(prk.Expand(kInfoCommitment, kKeySize), subject.Encode());
}

audit::v1::Subject ToProto(const Subject& subject) {
  audit::v1::Subject proto;
  proto.set_kind(subject.kind == Subject::Kind::kPerson ? audit::v1::Subject::KIND_PERSON
                                                        : audit::v1::Subject::KIND_SENDER_RECORD);
  proto.set_id(subject.id.ToBytes());
  return proto;
}

void AddSorted(const std::vector<std::string>& categories, audit::v1::LeafHeader& header) {
  header.mutable_categories()->Reserve(static_cast<int>(categories.size()));
  for (const std::string& category : categories) {
    header.add_categories(category);
  }
  if (!std::is_sorted(categories.begin(), categories.end())) {  // most authors sort them
    std::sort(header.mutable_categories()->begin(), header.mutable_categories()->end());
  }
}

audit::v1::LeafHeader MakeHeader(const Event& event, const Id128& event_id, bool test_mode,
                                 const crypto::HkdfPrk& prk) {
  audit::v1::LeafHeader header;
  header.set_event_class(event.event_class);
  header.set_event_id(event_id.ToBytes());
  header.set_institution(event.institution);
  header.set_directory_version(event.directory_version);
  header.set_ground(event.ground);
  header.set_decision(event.decision);
  header.set_purpose(event.purpose);
  AddSorted(event.categories, header);
  header.set_test(test_mode);
  header.set_exercise(event.exercise);
  if (event.subject.has_value()) {
    header.set_commitment(Commitment(prk, *event.subject));
  }
  return header;
}

absl::Status CheckEvent(const Event& event, const Id128& event_id, std::string_view random) {
  if (event.event_class == audit::v1::EVENT_CLASS_UNSPECIFIED) {
    return absl::InvalidArgumentError("event without class");
  }
  if (event_id.IsZero()) {
    return absl::InvalidArgumentError("event without id");
  }
  if (event.details.has_subject()) {
    return absl::InvalidArgumentError("event details with a subject: it is the event's");
  }
  if (random.size() != kLeafRandomSize) {
    return absl::InvalidArgumentError("a leaf needs 16 random bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(const audit::v1::LeafHeader& header) {
  if (header.event_class() == audit::v1::EVENT_CLASS_UNSPECIFIED ||
      header.event_id().size() != Id128::kSize) {
    return absl::InvalidArgumentError("leaf header: no event class or id");
  }
  if (!header.commitment().empty() && header.commitment().size() != crypto::kSha256Size) {
    return absl::InvalidArgumentError("leaf header: commitment is not 32 bytes");
  }
  return absl::OkStatus();
}

void AppendPart(std::string& out, std::string_view part) {
  AppendBigEndian32(out, static_cast<uint32_t>(part.size()));
  out.append(part);
}

absl::StatusOr<std::string_view> TakePart(std::string_view& rest, std::string_view name) {
  if (rest.size() < kLengthSize) {
    return absl::InvalidArgumentError(absl::StrCat("leaf ", std::string(name), ": no length"));
  }
  const size_t size = ReadBigEndian32(rest);
  rest.remove_prefix(kLengthSize);
  if (rest.size() < size) {
    return absl::InvalidArgumentError(absl::StrCat("leaf ", std::string(name), ": too short"));
  }
  const std::string_view part = rest.substr(0, size);
  rest.remove_prefix(size);
  return part;
}

absl::StatusOr<audit::v1::LeafDetails> Unseal(const Leaf& leaf, const Secret& leaf_key) {
  absl::StatusOr<std::string> plain =
      crypto::Open(leaf_key, leaf.random, AssociatedData(leaf.random), leaf.sealed_p);
  audit::v1::LeafDetails details;
  if (!plain.ok() || !details.ParseFromString(*plain)) {
    return absl::InvalidArgumentError("leaf part P does not open with this key");
  }
  return details;
}

}  // namespace

absl::StatusOr<std::string> SealLeaf(const Event& event, std::string_view random, bool test_mode,
                                     const Secret& subject_key, const Secret& month_key) {
  ASSIGN_OR_RETURN(SealedLeaf sealed,
                   SealLeafAs(event, event.event_id, random, test_mode, subject_key, month_key));
  return std::move(sealed.bytes);
}

absl::StatusOr<SealedLeaf> SealLeafAs(const Event& event, const Id128& event_id, std::string_view random,
                                      bool test_mode, const Secret& subject_key, const Secret& month_key) {
  RETURN_IF_ERROR(CheckEvent(event, event_id, random));
  const crypto::HkdfPrk prk(subject_key, random);
  SealedLeaf sealed;
  sealed.header = MakeHeader(event, event_id, test_mode, prk);
  const std::string aad = AssociatedData(random);
  const std::string header = sealed.header.SerializeAsString();
  const std::string details = event.details.SerializeAsString();
  ASSIGN_OR_RETURN(const std::string sealed_p,
                   crypto::Seal(prk.Expand(kInfoP, kKeySize), random, aad, details));
  ASSIGN_OR_RETURN(const std::string sealed_r,
                   crypto::Seal(crypto::HkdfSha256(month_key, random, kInfoR, kKeySize), random, aad,
                                event.actor.SerializeAsString()));
  const size_t size = kPreambleSize + 3 * kLengthSize + header.size() + sealed_p.size() + sealed_r.size();
  if (size > kMaxLeafSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("event too long for a leaf: ", size, " bytes, at most ", kMaxLeafSize));
  }
  std::string& out = sealed.bytes;
  out.reserve(size);
  out.push_back(kFormat);
  AppendBigEndian64(out, 0);
  out.append(random);
  AppendPart(out, header);
  AppendPart(out, sealed_p);
  AppendPart(out, sealed_r);
  return sealed;
}

absl::StatusOr<Leaf> ParseLeaf(std::string_view bytes) {
  if (bytes.size() < kPreambleSize || bytes.size() > kMaxLeafSize) {
    return absl::InvalidArgumentError("leaf: too short or too long");
  }
  if (bytes[0] != kFormat) {
    return absl::InvalidArgumentError("leaf: unknown format");
  }
  const uint64_t micros = ReadBigEndian64(bytes.substr(kLeafTimeOffset));
  if (micros > static_cast<uint64_t>(INT64_MAX)) {
    return absl::InvalidArgumentError("leaf time: out of range");
  }
  Leaf leaf;
  leaf.time = absl::FromUnixMicros(static_cast<int64_t>(micros));
  leaf.random = bytes.substr(kLeafRandomOffset, kLeafRandomSize);
  std::string_view rest = bytes.substr(kPreambleSize);
  ASSIGN_OR_RETURN(const std::string_view header, TakePart(rest, "header"));
  ASSIGN_OR_RETURN(const std::string_view sealed_p, TakePart(rest, "part P"));
  ASSIGN_OR_RETURN(const std::string_view sealed_r, TakePart(rest, "part R"));
  if (!rest.empty()) {
    return absl::InvalidArgumentError("leaf: bytes after part R");
  }
  if (!leaf.header.ParseFromArray(header.data(), static_cast<int>(header.size()))) {
    return absl::InvalidArgumentError("leaf header: not a message");
  }
  RETURN_IF_ERROR(CheckHeader(leaf.header));
  if (sealed_p.size() < crypto::kAeadOverhead || sealed_r.size() < crypto::kAeadOverhead) {
    return absl::InvalidArgumentError("leaf parts P and R: too short");
  }
  leaf.sealed_p = sealed_p;
  leaf.sealed_r = sealed_r;
  return leaf;
}

Secret LeafKey(const Secret& subject_key, std::string_view random) {
  return crypto::HkdfSha256(subject_key, random, kInfoP, kKeySize);
}

absl::StatusOr<audit::v1::LeafDetails> OpenDetails(const Leaf& leaf, const std::optional<Subject>& subject,
                                                   const Secret& subject_key) {
  const crypto::HkdfPrk prk(subject_key, leaf.random);
  ASSIGN_OR_RETURN(audit::v1::LeafDetails details, Unseal(leaf, prk.Expand(kInfoP, kKeySize)));
  const std::string expected = subject.has_value() ? Commitment(prk, *subject) : "";
  if (!ConstantTimeEqual(expected, leaf.header.commitment())) {
    return absl::InvalidArgumentError("leaf commitment: not of this subject");
  }
  if (subject.has_value()) {
    *details.mutable_subject() = ToProto(*subject);
  }
  return details;
}

absl::StatusOr<audit::v1::LeafDetails> OpenDetailsWithLeafKey(const Leaf& leaf, const Secret& leaf_key) {
  return Unseal(leaf, leaf_key);
}

audit::v1::LeafDetails DetailsOf(Event event) {
  audit::v1::LeafDetails details = std::move(event.details);
  if (event.subject.has_value()) {
    *details.mutable_subject() = ToProto(*event.subject);
  }
  return details;
}

absl::StatusOr<audit::v1::LeafActor> OpenActor(const Leaf& leaf, const Secret& month_key) {
  absl::StatusOr<std::string> plain =
      crypto::Open(crypto::HkdfSha256(month_key, leaf.random, kInfoR, kKeySize), leaf.random,
                   AssociatedData(leaf.random), leaf.sealed_r);
  audit::v1::LeafActor actor;
  if (!plain.ok() || !actor.ParseFromString(*plain)) {
    return absl::InvalidArgumentError("leaf part R does not open with this key");
  }
  return actor;
}

std::string MonthName(absl::Time time) {
  const absl::CivilMonth month = absl::ToCivilMonth(time, absl::UTCTimeZone());
  return absl::StrFormat("%04d-%02d", static_cast<int>(month.year()), month.month());
}

void StampTime(std::string& bytes, absl::Time time) {
  std::string stamp;
  AppendBigEndian64(stamp, static_cast<uint64_t>(absl::ToUnixMicros(time)));
  bytes.replace(kLeafTimeOffset, stamp.size(), stamp);
}

}  // namespace relais::audit
