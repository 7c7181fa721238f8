#include "common/merkle/witness_policy.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/text.h"
#include "common/merkle/cosignature.h"

namespace relais::merkle {
namespace {

constexpr std::string_view kNone = "none";

using Fields = std::vector<std::string_view>;

// Separated by spaces and tabs only.
Fields SplitFields(std::string_view line) {
  Fields fields;
  size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(" \t", at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end;
  }
  return fields;
}

bool IsPolicyText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<uint8_t>(c);
    return octet == '\t' || octet == '\n' || (octet >= 0x20 && octet != 0x7f);
  });
}

class Parser {
 public:
  absl::Status Line(const Fields& fields) {
    if (fields[0] == "log") {
      return AddLog(fields);
    }
    if (fields[0] == "witness") {
      return AddWitness(fields);
    }
    if (fields[0] == "group") {
      return AddGroup(fields);
    }
    if (fields[0] == "quorum") {
      return SetQuorum(fields);
    }
    return Wrong("is not a log, witness, group or quorum line");
  }

  absl::StatusOr<WitnessPolicy> Finish() {
    if (!has_quorum_) {
      return absl::InvalidArgumentError("policy: no quorum line");
    }
    return std::move(policy_);
  }

 private:
  static absl::Status Wrong(std::string_view what) { return absl::InvalidArgumentError(std::string(what)); }

  absl::Status AddLog(const Fields& fields) {
    if (fields.size() < 2 || fields.size() > 3) {
      return Wrong("is not: log <vkey> [<url>]");
    }
    ASSIGN_OR_RETURN(NoteVerifier verifier, ParseVerifierKey(fields[1], KeyType::kEd25519));
    if (!log_keys_.insert(verifier.key.bytes()).second) {
      return Wrong("repeats a log's key");
    }
    policy_.logs.push_back({std::move(verifier), std::string(fields.size() > 2 ? fields[2] : "")});
    return Bound(policy_.logs.size());
  }

  absl::Status AddWitness(const Fields& fields) {
    if (fields.size() < 3 || fields.size() > 4) {
      return Wrong("is not: witness <name> <vkey> [<url>]");
    }
    ASSIGN_OR_RETURN(NoteVerifier verifier, ParseVerifierKey(fields[2], KeyType::kCosignature));
    if (!witness_keys_.insert(verifier.key.bytes()).second) {
      return Wrong("repeats a witness's key");
    }
    RETURN_IF_ERROR(Define(fields[1], {false, policy_.witnesses.size()}));
    policy_.witnesses.push_back(
        {std::string(fields[1]), std::move(verifier), std::string(fields.size() > 3 ? fields[3] : "")});
    return Bound(policy_.witnesses.size());
  }

  absl::Status AddGroup(const Fields& fields) {
    if (fields.size() < 4) {
      return Wrong("is not: group <name> all|any|<k> <name>...");
    }
    WitnessPolicy::Group group;
    group.name = std::string(fields[1]);
    for (size_t i = 3; i < fields.size(); ++i) {
      const auto member = names_.find(fields[i]);
      if (member == names_.end()) {
        return Wrong("names a member that is not defined before it");
      }
      if (!members_.insert(std::string(fields[i])).second) {
        return Wrong("names a member of a group for the second time");
      }
      group.members.push_back(member->second);
    }
    ASSIGN_OR_RETURN(group.threshold, Threshold(fields[2], group.members.size()));
    RETURN_IF_ERROR(Define(fields[1], {true, policy_.groups.size()}));
    policy_.groups.push_back(std::move(group));
    return Bound(policy_.groups.size());
  }

  static absl::StatusOr<size_t> Threshold(std::string_view text, size_t members) {
    if (text == "all") {
      return members;
    }
    if (text == "any") {
      return 1;
    }
    const absl::StatusOr<uint64_t> number = crypto::ParseDecimal(text);
    if (!number.ok() || *number < 1 || *number > members) {
      return Wrong("has a threshold that is not all, any or from 1 to the number of members");
    }
    return static_cast<size_t>(*number);
  }

  absl::Status SetQuorum(const Fields& fields) {
    if (fields.size() != 2) {
      return Wrong("is not: quorum <name>");
    }
    if (std::exchange(has_quorum_, true)) {
      return Wrong("is a second quorum line");
    }
    if (fields[1] == kNone) {
      return absl::OkStatus();
    }
    const auto name = names_.find(fields[1]);
    if (name == names_.end()) {
      return Wrong("names a quorum that is not defined before it");
    }
    policy_.quorum = name->second;
    return absl::OkStatus();
  }

  absl::Status Define(std::string_view name, WitnessPolicy::Member what) {
    if (name == kNone || !names_.emplace(std::string(name), what).second) {
      return Wrong("defines a name that is there already");
    }
    return absl::OkStatus();
  }
  static absl::Status Bound(size_t count) {
    return count <= kMaxPolicyNames ? absl::OkStatus() : Wrong("is one too many of its kind");
  }

  WitnessPolicy policy_;
  bool has_quorum_ = false;
  std::map<std::string, WitnessPolicy::Member, std::less<>> names_;
  std::set<std::string> members_;
  std::set<std::string> log_keys_;
  std::set<std::string> witness_keys_;
};

}  // namespace

std::vector<NoteVerifier> WitnessPolicy::WitnessKeys() const {
  std::vector<NoteVerifier> keys;
  keys.reserve(witnesses.size());
  for (const Witness& witness : witnesses) {
    keys.push_back(witness.verifier);
  }
  return keys;
}

absl::StatusOr<WitnessPolicy> ParsePolicy(std::string_view text) {
  if (text.size() > kMaxPolicyBytes) {
    return absl::InvalidArgumentError("policy: too long");
  }
  if (!IsPolicyText(text) || text.empty() || text.back() != '\n') {
    return absl::InvalidArgumentError("policy: holds a control character or does not end in a newline");
  }
  text.remove_suffix(1);
  Parser parser;
  size_t number = 0;
  for (const std::string_view line : crypto::internal::Split(text, '\n')) {
    ++number;
    const Fields fields = SplitFields(line);
    if (fields.empty() || fields[0].front() == '#') {
      continue;
    }
    if (const absl::Status status = parser.Line(fields); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("policy: line ", number, ": ", status.message()));
    }
  }
  return parser.Finish();
}

absl::StatusOr<WitnessPolicy> QuorumOf(std::vector<NoteVerifier> witnesses, size_t threshold) {
  if (threshold > witnesses.size()) {
    return absl::InvalidArgumentError("quorum: more witnesses are demanded than there are");
  }
  WitnessPolicy policy;
  WitnessPolicy::Group group;
  group.name = "directory";
  group.threshold = threshold;
  std::set<std::string> keys;
  for (NoteVerifier& witness : witnesses) {
    if (!keys.insert(witness.key.bytes()).second) {
      return absl::InvalidArgumentError("quorum: two witnesses have the same key");
    }
    group.members.push_back({false, policy.witnesses.size()});
    std::string name = witness.name;
    policy.witnesses.push_back({std::move(name), std::move(witness), ""});
  }
  if (threshold > 0) {
    policy.groups.push_back(std::move(group));
    policy.quorum = WitnessPolicy::Member{true, 0};
  }
  return policy;
}

bool IsQuorum(const WitnessPolicy& policy, std::span<const size_t> witnesses) {
  if (!policy.quorum.has_value()) {
    return true;
  }
  const std::set<size_t> signers(witnesses.begin(), witnesses.end());
  std::vector<bool> reached;  // by group; each looks back only
  const auto holds = [&](const WitnessPolicy::Member& member) {
    return member.is_group ? reached[member.index] : signers.count(member.index) > 0;
  };
  for (const WitnessPolicy::Group& group : policy.groups) {
    const auto count = std::count_if(group.members.begin(), group.members.end(), holds);
    reached.push_back(static_cast<size_t>(count) >= group.threshold);
  }
  return holds(*policy.quorum);
}

absl::StatusOr<WitnessedCheckpoint> OpenWitnessed(std::string_view note, const WitnessPolicy& policy,
                                                  std::span<const NoteVerifier> logs) {
  std::vector<NoteVerifier> trusted(logs.begin(), logs.end());
  if (!policy.logs.empty()) {
    trusted.clear();
    for (const WitnessPolicy::Log& log : policy.logs) {
      trusted.push_back(log.verifier);
    }
  }
  ASSIGN_OR_RETURN(const UnverifiedNote parsed, ParseNote(note));
  WitnessedCheckpoint opened;
  ASSIGN_OR_RETURN(opened.checkpoint,
                   OpenCheckpoint(note, parsed.text.substr(0, parsed.text.find('\n')), trusted));
  const std::vector<NoteVerifier> keys = policy.WitnessKeys();
  ASSIGN_OR_RETURN(const std::vector<Cosignature> cosignatures, VerifyCosignatures(parsed, keys));
  for (const Cosignature& cosignature : cosignatures) {
    opened.witnesses.push_back(cosignature.witness);
  }
  if (!IsQuorum(policy, opened.witnesses)) {
    return absl::InvalidArgumentError(absl::StrCat("witnesses: ", opened.witnesses.size(), " of ",
                                                   policy.witnesses.size(), " cosigned, which is no quorum"));
  }
  return opened;
}

}  // namespace relais::merkle
