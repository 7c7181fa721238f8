// `relais audit verify`: receipts, offline proofs, exports and live logs, checked.
#include <algorithm>
#include <fstream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tlog_proof.h"
#include "common/pki/file.h"
#include "common/receipt/code.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/export_file.h"
#include "services/cli/log_keys.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"
#include "services/cli/values.h"
#include "services/cli/witness_policy_option.h"

namespace relais::cli {
namespace {

constexpr size_t kMostReceiptBytes = size_t{4} << 20;
constexpr size_t kMostCheckpointBytes = size_t{64} << 10;
constexpr mode_t kPublic = 0644;

struct VerifyOptions {
  std::string service;
  std::string file;
  std::string leaf;
  std::vector<std::string> keys;
  std::string state;
  std::string policy;
};

// What a verification stands on.
struct Trust {
  std::vector<LogKey> keys;
  std::optional<merkle::WitnessPolicy> policy;
};

absl::StatusOr<Trust> ReadTrust(const ClientSettings& settings, const VerifyOptions& options) {
  Trust trust;
  ASSIGN_OR_RETURN(trust.policy, ReadWitnessPolicy(settings, options.policy));
  // A policy that lists logs needs no directory.
  if (options.keys.empty() && trust.policy.has_value() && !trust.policy->logs.empty()) {
    for (const merkle::WitnessPolicy::Log& log : trust.policy->logs) {
      trust.keys.push_back({"", log.verifier});
    }
    return trust;
  }
  ASSIGN_OR_RETURN(trust.keys, ReadLogKeys(settings, options.keys));
  return trust;
}

// What was checked, for a human; the same as values for a program.
int PrintVerified(Context& context, const std::vector<std::string>& checks, nlohmann::json facts,
                  const std::string& more) {
  facts["verified"] = true;
  facts["checks"] = checks;
  std::string text;
  for (const std::string& check : checks) {
    absl::StrAppend(&text, "ok  ", check, "\n");
  }
  Print(context.globals.json, facts, text + more);
  return kExitOk;
}

// A check that failed is the answer, not a failure to answer.
int PrintBroken(Context& context, const absl::Status& status) {
  Print(context.globals.json, nlohmann::json{{"verified", false}, {"failed", std::string(status.message())}},
        absl::StrCat("FAILED  ", status.message(), "\n"));
  return kExitFailed;
}

int PrintLog(Context& context, const VerifiedLog& log, std::vector<std::string> checks) {
  std::string more;
  for (const auto& [name, count] : log.by_class) {
    absl::StrAppend(&more, "    ", name, ": ", Grouped(count), "\n");
  }
  return PrintVerified(context, checks,
                       {{"origin", log.checkpoint.origin},
                        {"leaves", log.checkpoint.size},
                        {"root", merkle::HashToHex(log.checkpoint.root)},
                        {"byClass", log.by_class}},
                       more);
}

std::vector<std::string> LogChecks(const VerifiedLog& log) {
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", log.checkpoint.origin, ", size ", Grouped(log.checkpoint.size)),
      absl::StrCat("leaves: ", Grouped(log.checkpoint.size), ", well formed, times in order"),
      absl::StrCat("root recomputed from the leaves: ", merkle::HashToHex(log.checkpoint.root))};
  if (log.first.has_value()) {
    checks[1] += absl::StrCat(", ", ParisTime(*log.first), " to ", ParisTime(*log.last));
  }
  return checks;
}

// Adds the check of the witnesses when a policy is given; an error when they are not enough.
absl::Status CheckWitnesses(const std::string& note, const Trust& trust, std::vector<std::string>& checks) {
  if (!trust.policy.has_value()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const merkle::WitnessedCheckpoint opened,
                   merkle::OpenWitnessed(note, *trust.policy, Verifiers(trust.keys)));
  std::vector<std::string> names;
  names.reserve(opened.witnesses.size());
  for (const size_t witness : opened.witnesses) {
    names.push_back(trust.policy->witnesses[witness].name);
  }
  checks.push_back(absl::StrCat("witnesses: ", names.empty() ? "none demanded" : absl::StrJoin(names, ", ")));
  return absl::OkStatus();
}

nlohmann::json LeafFacts(const audit::Leaf& leaf) {
  return {{"time", absl::FormatTime(absl::RFC3339_full, leaf.time, absl::UTCTimeZone())},
          {"header", nlohmann::json::parse(ToJson(leaf.header))}};
}

std::string LeafText(const audit::Leaf& leaf) {
  return absl::StrCat("\n", ParisTime(leaf.time), " (Paris)\n", ToText(leaf.header));
}

// `receipt`: the text that the proof was read from, when it says more than the proof; else null.
absl::StatusOr<int> VerifyProofOf(Context& context, const common::v1::Proof& proof,
                                  const std::string* receipt, const Trust& trust) {
  const auto verified = audit::VerifyProof(proof, NamedKeys(trust.keys));
  if (!verified.ok()) {
    return PrintBroken(context, verified.status());
  }
  if (receipt != nullptr) {
    if (const absl::Status said = CheckReceipt(*receipt, proof); !said.ok()) {
      return PrintBroken(context, said);
    }
  }
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", proof.origin(), ", size ", Grouped(verified->tree_size)),
      absl::StrCat("inclusion: leaf ", verified->index, " is in that tree"), "leaf format: well formed"};
  if (const absl::Status status = CheckWitnesses(proof.checkpoint(), trust, checks); !status.ok()) {
    return PrintBroken(context, status);
  }
  nlohmann::json facts = LeafFacts(verified->leaf);
  facts["origin"] = proof.origin();
  facts["leafIndex"] = verified->index;
  facts["treeSize"] = verified->tree_size;
  std::string more = LeafText(verified->leaf);
  if (verified->details.has_value()) {
    checks.emplace_back("leaf key: opens the sealed part of this leaf");
    facts["details"] = nlohmann::json::parse(ToJson(*verified->details));
    more += ToText(*verified->details);
  }
  checks.emplace_back(receipt != nullptr ? "receipt: says nothing but what its leaf and checkpoint say"
                                         : "proved is what stands below, and nothing else that came with it");
  return PrintVerified(context, checks, facts, more);
}

// Of a text that looks like a receipt: one that does not read is broken.
absl::StatusOr<int> VerifyReceipt(Context& context, const std::string& text, const Trust& trust) {
  const auto proof = ParseReceipt(text);
  if (!proof.ok()) {
    return PrintBroken(context, proof.status());
  }
  return VerifyProofOf(context, *proof, IsConsentRecord(text) ? nullptr : &text, trust);
}

// The text of a receipt's QR code, out of whatever page it was on: a whole proof; or the proof of a leaf's
// hash, with --leaf of the leaf.
absl::StatusOr<int> VerifyCodeFile(Context& context, const std::string& text, const VerifyOptions& options,
                                   const Trust& trust) {
  auto code = receipt::ParseCode(text, Verifiers(trust.keys));
  if (!code.ok()) {
    return PrintBroken(context, code.status());
  }
  if (!options.leaf.empty() && !code->whole_leaf) {
    ASSIGN_OR_RETURN(std::string leaf, ReadInput(options.leaf, audit::kMaxLeafSize));
    code->proof.set_leaf(std::move(leaf));
    code->proof.set_leaf_key(code->leaf_key);
    code->whole_leaf = true;
  }
  if (code->whole_leaf) {
    return VerifyProofOf(context, code->proof, nullptr, trust);
  }
  if (const absl::Status status = receipt::VerifyCode(*code, Verifiers(trust.keys)); !status.ok()) {
    return PrintBroken(context, status);
  }
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", code->proof.origin(), ", size ",
                   Grouped(code->proof.tree_size())),
      absl::StrCat("inclusion: leaf ", code->proof.leaf_index(), " is in that tree, by its hash ",
                   merkle::HashToHex(code->leaf_hash))};
  if (const absl::Status status = CheckWitnesses(code->proof.checkpoint(), trust, checks); !status.ok()) {
    return PrintBroken(context, status);
  }
  return PrintVerified(context, checks,
                       {{"origin", code->proof.origin()},
                        {"leafIndex", code->proof.leaf_index()},
                        {"treeSize", code->proof.tree_size()},
                        {"leafHash", merkle::HashToHex(code->leaf_hash)}},
                       "\nwhat the leaf says was not checked: give it with --leaf FILE\n");
}

absl::StatusOr<int> VerifyTlogProofFile(Context& context, const std::string& text,
                                        const VerifyOptions& options, const Trust& trust) {
  if (options.leaf.empty()) {
    return absl::InvalidArgumentError("a .tlog-proof is checked with its leaf: --leaf FILE");
  }
  const auto leaf_bytes = pki::ReadWholeFile(options.leaf, audit::kMaxLeafSize);
  if (!leaf_bytes.ok()) {
    return absl::InvalidArgumentError("cannot read " + options.leaf);
  }
  const auto proof = merkle::ParseTlogProof(text);
  if (!proof.ok()) {
    return PrintBroken(context, proof.status());
  }
  ASSIGN_OR_RETURN(const merkle::WitnessPolicy nobody, merkle::QuorumOf({}, 0));
  const auto opened =
      merkle::VerifyTlogProof(*proof, *leaf_bytes, trust.policy.value_or(nobody), Verifiers(trust.keys));
  if (!opened.ok()) {
    return PrintBroken(context, opened.status());
  }
  const auto leaf = audit::ParseLeaf(*leaf_bytes);
  if (!leaf.ok()) {
    return PrintBroken(context, leaf.status());
  }
  const merkle::Checkpoint& checkpoint = opened->checkpoint;
  std::vector<std::string> checks = {
      absl::StrCat("checkpoint signature: ", checkpoint.origin, ", size ", Grouped(checkpoint.size)),
      absl::StrCat("inclusion: leaf ", proof->index, " is in that tree"), "leaf format: well formed"};
  RETURN_IF_ERROR(CheckWitnesses(proof->checkpoint, trust, checks));
  nlohmann::json facts = LeafFacts(*leaf);
  facts["origin"] = checkpoint.origin;
  facts["leafIndex"] = proof->index;
  facts["treeSize"] = checkpoint.size;
  return PrintVerified(context, checks, facts, LeafText(*leaf));
}

absl::StatusOr<int> VerifyExportFile(Context& context, std::istream& in, const Trust& trust) {
  const auto log = VerifyExport(in, Verifiers(trust.keys));
  if (!log.ok()) {
    return PrintBroken(context, log.status());
  }
  std::vector<std::string> checks = LogChecks(*log);
  if (const absl::Status status = CheckWitnesses(log->note, trust, checks); !status.ok()) {
    return PrintBroken(context, status);
  }
  return PrintLog(context, *log, checks);
}

absl::StatusOr<int> VerifyFile(Context& context, const VerifyOptions& options) {
  std::ifstream in(options.file, std::ios::binary);
  std::string first_line;
  if (!in || !std::getline(in, first_line)) {
    return absl::InvalidArgumentError("cannot read " + options.file);
  }
  const bool is_export = LooksLikeExport(first_line);
  std::string text;
  if (!is_export) {
    ASSIGN_OR_RETURN(text, pki::ReadWholeFile(options.file, kMostReceiptBytes));
  }
  // A receipt's JSON is read as one, whatever its texts say.
  const bool is_receipt = LooksLikeReceipt(text);
  const std::string code(is_receipt ? std::string_view() : receipt::CodeIn(text));
  const bool is_tlog_proof = merkle::LooksLikeTlogProof(text);
  // A mistake of who asks, said before a key is asked for: no key would make it one.
  if (!is_export && !is_receipt && code.empty() && !is_tlog_proof) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.file, " is not a receipt, nor the page of an agreement, the text of its QR code, ",
        "a .tlog-proof or an export"));
  }
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(settings, options));
  if (is_export) {
    in.clear();
    in.seekg(0);
    return VerifyExportFile(context, in, trust);
  }
  if (!code.empty()) {
    return VerifyCodeFile(context, code, options, trust);
  }
  return is_tlog_proof ? VerifyTlogProofFile(context, text, options, trust)
                       : VerifyReceipt(context, text, trust);
}

// Cosigned checkpoints are older than the latest: the two are remembered apart.
std::string StatePath(const ClientSettings& settings, const VerifyOptions& options) {
  if (!options.state.empty() || settings.home.empty()) {
    return options.state;
  }
  return absl::StrCat(settings.home, "/auditor/", options.service,
                      options.policy.empty() ? ".checkpoint" : ".cosigned");
}

// NOT_FOUND when none was kept.
absl::StatusOr<merkle::Checkpoint> SeenBefore(const std::string& path, const std::vector<LogKey>& keys) {
  ASSIGN_OR_RETURN(const std::string note, pki::ReadWholeFile(path, kMostCheckpointBytes));
  ASSIGN_OR_RETURN(const LogVerifier opened, LogVerifier::Open(note, Verifiers(keys)));
  return opened.checkpoint();
}

absl::Status CheckOnline(Session& session, const VerifyOptions& options, const std::vector<LogKey>& keys,
                         LogVerifier& verifier) {
  RETURN_IF_ERROR(CheckOrigin(keys, options.service, verifier.checkpoint().origin));
  RETURN_IF_ERROR(FetchLeaves(session, options.service, verifier.checkpoint().size,
                              [&](const std::string& leaf) { return verifier.Add(leaf); }));
  return verifier.Finish().status();
}

absl::StatusOr<int> VerifyOnline(Context& context, const VerifyOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(session->settings(), options));
  ASSIGN_OR_RETURN(
      const std::string note,
      FetchCheckpoint(*session, options.service,
                      trust.policy.has_value() ? WhichCheckpoint::kCosigned : WhichCheckpoint::kLatest));
  std::vector<std::string> witnesses;
  if (const absl::Status status = CheckWitnesses(note, trust, witnesses); !status.ok()) {
    return PrintBroken(context, status);
  }
  auto verifier = LogVerifier::Open(note, Verifiers(trust.keys));
  if (!verifier.ok()) {
    return PrintBroken(context, verifier.status());
  }
  const std::string path = StatePath(session->settings(), options);
  const auto before = path.empty() ? absl::NotFoundError("") : SeenBefore(path, trust.keys);
  if (!before.ok() && !absl::IsNotFound(before.status())) {
    return PrintBroken(context, absl::DataLossError(absl::StrCat("the checkpoint kept in ", path, ": ",
                                                                 before.status().message())));
  }
  absl::Status status = before.ok() ? verifier->MustContain(*before) : absl::OkStatus();
  if (status.ok()) {
    status = CheckOnline(*session, options, trust.keys, *verifier);
  }
  if (absl::IsDataLoss(status)) {
    return PrintBroken(context, status);
  }
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(const VerifiedLog log, verifier->Finish());
  std::vector<std::string> checks = LogChecks(log);
  checks.insert(checks.end(), witnesses.begin(), witnesses.end());
  if (before.ok()) {
    checks.push_back(
        absl::StrCat("consistency: its first ", Grouped(before->size), " leaves are those seen before"));
  }
  if (!path.empty()) {
    RETURN_IF_ERROR(
        pki::MakeFolder(path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/')), 0700));
    RETURN_IF_ERROR(pki::WriteFileDurably(path, note, kPublic));
  }
  return PrintLog(context, log, checks);
}

absl::StatusOr<int> RunVerify(Context& context, const VerifyOptions& options) {
  if (options.service.empty() == options.file.empty()) {
    return absl::InvalidArgumentError("give a receipt or an export, or --service for a live log");
  }
  return options.file.empty() ? VerifyOnline(context, options) : VerifyFile(context, options);
}

}  // namespace

void AddAuditVerify(CLI::App& noun, Context& context) {
  CLI::App& verify = AddVerb(
      noun, "verify",
      "check a receipt, an offline proof or an export, or a live log; exit 1 names the check that failed",
      "relais audit verify receipt.json");
  auto options = std::make_shared<VerifyOptions>();
  verify.add_option(
      "file", options->file,
      "a receipt, the page of an agreement or the text of its QR code, a .tlog-proof or an export");
  verify.add_option("--leaf", options->leaf,
                    "the leaf's bytes, for a .tlog-proof and a code that has only its hash");
  verify.add_option("--service", options->service, "a live log: consent, routing, alerting or vault");
  verify.add_option("--state", options->state, "where the checkpoint seen last is kept");
  AddWitnessPolicy(verify, options->policy);
  AddLogKeys(verify, options->keys);
  OnRun(verify, context, options, RunVerify);
}

}  // namespace relais::cli
