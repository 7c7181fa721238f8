// `relais audit proof`: a receipt as an offline proof that any C2SP verifier reads.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/tlog_proof.h"
#include "common/merkle/verify.h"
#include "common/pki/file.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;

constexpr size_t kMostReceiptBytes = size_t{4} << 20;
constexpr mode_t kPrivate = 0600;

struct ProofCommand {
  std::string receipt;
  std::string out;
  std::string leaf;
  std::vector<std::string> keys;
  bool cosigned = false;
};

template <typename Hashes>
absl::StatusOr<std::vector<merkle::Hash>> HashesOf(const Hashes& bytes) {
  std::vector<merkle::Hash> hashes;
  for (const std::string& each : bytes) {
    ASSIGN_OR_RETURN(const merkle::Hash hash, merkle::HashFromBytes(each));
    hashes.push_back(hash);
  }
  return hashes;
}

// The service whose log this is, by the directory.
absl::StatusOr<std::string> ServiceOf(const std::vector<LogKey>& keys, const std::string& origin) {
  for (const LogKey& key : keys) {
    if (key.verifier.name == origin && !key.service.empty()) {
      return key.service;
    }
  }
  return absl::FailedPreconditionError(absl::StrCat("the directory names no service for the log ", origin));
}

// The same leaf under the newest checkpoint that witnesses have cosigned.
absl::Status UseCosigned(Context& context, const ProofCommand& options, const common::v1::Proof& receipt,
                         merkle::TlogProof& proof) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(session->settings(), options.keys));
  ASSIGN_OR_RETURN(const std::string service, ServiceOf(keys, receipt.origin()));
  ASSIGN_OR_RETURN(proof.checkpoint, FetchCheckpoint(*session, service, WhichCheckpoint::kCosigned));
  ASSIGN_OR_RETURN(const merkle::Checkpoint checkpoint,
                   merkle::OpenCheckpoint(proof.checkpoint, receipt.origin(), Verifiers(keys)));
  if (checkpoint.size <= receipt.leaf_index()) {
    return absl::UnavailableError(absl::StrCat("witnesses have cosigned the log up to leaf ", checkpoint.size,
                                               ", this one is ", receipt.leaf_index(), ": try again later"));
  }
  const auto source = MakeLogSource(*session, service);
  ASSIGN_OR_RETURN(proof.hashes, source->Inclusion(receipt.leaf_index(), checkpoint.size));
  return merkle::VerifyInclusion(proof.index, checkpoint.size, merkle::HashLeaf(receipt.leaf()), proof.hashes,
                                 checkpoint.root);
}

absl::StatusOr<int> RunProof(Context& context, const ProofCommand& options) {
  const auto text = pki::ReadWholeFile(options.receipt, kMostReceiptBytes);
  if (!text.ok()) {
    return absl::InvalidArgumentError("cannot read " + options.receipt);
  }
  ASSIGN_OR_RETURN(const common::v1::Proof receipt, ParseReceipt(*text));
  merkle::TlogProof proof;
  proof.index = receipt.leaf_index();
  proof.checkpoint = receipt.checkpoint();
  ASSIGN_OR_RETURN(proof.hashes, HashesOf(receipt.inclusion()));
  if (options.cosigned) {
    RETURN_IF_ERROR(UseCosigned(context, options, receipt, proof));
  }
  ASSIGN_OR_RETURN(const std::string out, merkle::FormatTlogProof(proof));
  RETURN_IF_ERROR(pki::WriteFileDurably(options.out, out, kPrivate));
  if (!options.leaf.empty()) {
    RETURN_IF_ERROR(pki::WriteFileDurably(options.leaf, receipt.leaf(), kPrivate));
  }
  Print(context.globals.json,
        nlohmann::json{{"proof", options.out}, {"leaf", options.leaf}, {"leafIndex", receipt.leaf_index()}},
        absl::StrCat("leaf ", receipt.leaf_index(), " of ", receipt.origin(), ": ", options.out,
                     options.leaf.empty() ? "" : absl::StrCat(" and ", options.leaf), "\n"));
  return kExitOk;
}

}  // namespace

void AddAuditProof(CLI::App& noun, Context& context) {
  CLI::App& proof =
      AddVerb(noun, "proof", "a receipt as an offline proof (c2sp.org/tlog-proof) with its leaf's bytes",
              "relais audit proof receipt.json --out her.tlog-proof --leaf her.leaf");
  auto options = std::make_shared<ProofCommand>();
  proof.add_option("receipt", options->receipt, "the receipt")->required();
  AddOutput(proof, "--out", options->out, "the proof to write")->required();
  AddOutput(proof, "--leaf", options->leaf, "the leaf to write: verifying takes both");
  proof.add_flag("--cosigned", options->cosigned,
                 "ask the service for the proof under the newest checkpoint that witnesses have cosigned");
  AddLogKeys(proof, options->keys);
  OnRun(proof, context, options, RunProof);
}

}  // namespace relais::cli
