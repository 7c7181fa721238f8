#include "common/audit/index_format.h"

#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"

namespace relais::audit::internal {
namespace {

constexpr char kFormat = 0x01;
constexpr size_t kStateSize = 1 + 4 + 8;

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(absl::StrCat("index: malformed ", std::string(what)));
}

std::string_view OneByte(const Dimension& dimension) {
  return {reinterpret_cast<const char*>(&dimension), 1};
}

Id128 ShortId(std::string_view digest) { return Id128::FromBytes(digest.substr(0, Id128::kSize)).value(); }

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// False at the end of `bytes`, or for more than 64 bits.
bool TakeVarint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      return true;
    }
  }
  return false;
}

void VisitText(Dimension dimension, std::string_view text, ValueVisitor visit) {
  if (!text.empty()) {
    visit(dimension, text);
  }
}
void VisitNumber(Dimension dimension, uint64_t number, ValueVisitor visit) {
  if (number != 0) {
    visit(dimension, NumberValue(number));
  }
}

}  // namespace

bool IsMonthly(Dimension dimension) {
  return dimension == Dimension::kAgent || dimension == Dimension::kCertificate;
}

std::string NumberValue(uint64_t number) { return IndexKey(number); }

std::string AgentValue(std::string_view institution, std::string_view agent) {
  std::string value;
  AppendBigEndian32(value, static_cast<uint32_t>(institution.size()));
  value.append(institution);
  value.append(agent);
  return value;
}

void VisitValues(const audit::v1::LeafHeader& header, const audit::v1::LeafDetails& details,
                 ValueVisitor visit) {
  VisitText(Dimension::kInstitution, header.institution(), visit);
  VisitText(Dimension::kRecipient, details.recipient().institution(), visit);
  VisitText(Dimension::kPurpose, header.purpose(), visit);
  for (int i = 0; i < header.categories_size(); ++i) {
    if (i == 0 || header.categories(i) != header.categories(i - 1)) {  // they are sorted
      VisitText(Dimension::kCategory, header.categories(i), visit);
    }
  }
  VisitNumber(Dimension::kGround, static_cast<uint64_t>(header.ground()), visit);
  VisitNumber(Dimension::kDecision, static_cast<uint64_t>(header.decision()), visit);
  VisitText(Dimension::kDenialReason, details.denial_reason(), visit);
  VisitNumber(Dimension::kEventClass, static_cast<uint64_t>(header.event_class()), visit);
  VisitText(Dimension::kRelation, details.relation(), visit);
  VisitNumber(Dimension::kDirectoryVersion, header.directory_version(), visit);
}

void VisitActorValues(std::string_view institution, std::string_view agent, std::string_view certificate,
                      ValueVisitor visit) {
  if (!agent.empty()) {
    visit(Dimension::kAgent, AgentValue(institution, agent));
  }
  VisitText(Dimension::kCertificate, certificate, visit);
}

std::vector<IndexedValue> ValuesOf(const audit::v1::LeafHeader& header,
                                   const audit::v1::LeafDetails& details) {
  std::vector<IndexedValue> values;
  VisitValues(header, details, [&values](Dimension dimension, std::string_view value) {
    values.push_back({dimension, std::string(value)});
  });
  return values;
}

std::vector<IndexedValue> ActorValuesOf(const audit::v1::LeafHeader& header,
                                        const audit::v1::LeafActor& actor) {
  std::vector<IndexedValue> values;
  VisitActorValues(header.institution(), actor.agent(), actor.certificate(),
                   [&values](Dimension dimension, std::string_view value) {
                     values.push_back({dimension, std::string(value)});
                   });
  return values;
}

Id128 IndexPartition(const Secret& key, uint32_t generation, Dimension dimension, uint64_t segment) {
  std::string numbers;
  AppendBigEndian32(numbers, generation);
  numbers.append(OneByte(dimension));
  AppendBigEndian64(numbers, segment);
  const crypto::Digest digest = crypto::HmacSha256Digest(key.ExposeSecret(), {"p", numbers});
  return ShortId(crypto::AsBytes(digest));
}

std::string ValueHash(const Secret& key, Dimension dimension, std::string_view value) {
  const crypto::Digest digest =
      crypto::HmacSha256Digest(key.ExposeSecret(), {"v", OneByte(dimension), value});
  return std::string(crypto::AsBytes(digest).substr(0, kValueHashSize));
}

std::string PostingKey(std::string_view value_hash, uint64_t first) {
  std::string key(value_hash);
  AppendBigEndian64(key, first);
  return key;
}

std::string EncodePostings(uint64_t first, const std::vector<uint64_t>& indices) {
  std::string bytes(1, kFormat);
  bytes.reserve(1 + 2 * indices.size());
  for (const uint64_t index : indices) {
    AppendVarint(bytes, index - first);
    first = index;
  }
  return bytes;
}

absl::Status DecodePostings(uint64_t first, std::string_view bytes, std::vector<uint64_t>& out) {
  if (bytes.empty() || bytes.front() != kFormat) {
    return Malformed("postings");
  }
  bytes.remove_prefix(1);
  const uint64_t end = first + kRunLeaves;
  uint64_t index = first;
  for (bool more = false; !bytes.empty(); more = true) {
    uint64_t step = 0;
    if (!TakeVarint(bytes, step) || (more && step == 0) || step >= end - index) {
      return Malformed("postings");
    }
    index += step;
    out.push_back(index);
  }
  return absl::OkStatus();
}

Id128 IndexMeta(const Secret& key) {
  const crypto::Digest digest = crypto::HmacSha256Digest(key.ExposeSecret(), {"meta"});
  return ShortId(crypto::AsBytes(digest));
}

std::string EncodeIndexState(const IndexState& state) {
  std::string bytes(1, kFormat);
  AppendBigEndian32(bytes, state.generation);
  AppendBigEndian64(bytes, state.indexed);
  return bytes;
}

absl::StatusOr<IndexState> DecodeIndexState(std::string_view bytes) {
  if (bytes.size() != kStateSize || bytes.front() != kFormat) {
    return Malformed("state");
  }
  IndexState state;
  state.generation = static_cast<uint32_t>(ReadBigEndian(bytes.substr(1), 4));
  state.indexed = ReadBigEndian64(bytes.substr(5));
  return state;
}

std::string CatalogPrefix(uint32_t generation) {
  std::string key(kCatalogPrefix);
  AppendBigEndian32(key, generation);
  return key;
}

std::string CatalogPrefix(uint32_t generation, std::string_view month) {
  return absl::StrCat(CatalogPrefix(generation), std::string(month), "/");
}

std::string CatalogKey(uint32_t generation, std::string_view month, Dimension dimension, uint64_t segment) {
  std::string key = CatalogPrefix(generation, month);
  key.append(OneByte(dimension));
  AppendBigEndian64(key, segment);
  return key;
}

std::string EncodeCatalogValue(const Id128& partition) {
  return std::string(1, kFormat) + partition.ToBytes();
}

absl::StatusOr<Id128> DecodeCatalogValue(std::string_view bytes) {
  if (bytes.size() != 1 + Id128::kSize || bytes.front() != kFormat) {
    return Malformed("catalogue");
  }
  return Id128::FromBytes(bytes.substr(1));
}

}  // namespace relais::audit::internal
