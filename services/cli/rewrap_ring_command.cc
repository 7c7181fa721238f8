// `relais pki rewrap-ring`: the rotation of a master, with the services that hold the ring stopped (ADR 34).
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/config.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/rewrap_rings.h"
#include "common/crypto/secret_file.h"
#include "common/rpc/settings.h"
#include "common/storage/rocksdb/inspect.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/pki_verbs.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr size_t kMasterBytes = 32;

struct RewrapOptions {
  std::string config;
  std::string ring;
  std::string copy;
  std::string master;
  std::string new_master;
};

// The files to be sealed anew, and the master that opens them.
struct Rings {
  std::vector<std::string> paths;
  std::string master;
};

absl::StatusOr<Rings> OwnRing(const std::string& settings_file) {
  absl::StatusOr<Config> config = Config::Load(settings_file, {});
  if (!config.ok()) {
    return absl::InvalidArgumentError(config.status().message());
  }
  // Other settings than these are not of interest here, so what Finish would say is not either.
  const rpc::Settings settings = rpc::ReadSettings(*config);
  if (settings.store_path.empty() || settings.audit_ring.empty() || settings.audit_master.empty()) {
    return absl::InvalidArgumentError(settings_file +
                                      " is no service's settings: no store.path, audit.ring or audit.master");
  }
  RETURN_IF_ERROR(storage::CheckClosed(settings.store_path));
  Rings rings{{settings.audit_ring}, settings.audit_master};
  if (!settings.ring_copy.empty()) {
    rings.paths.push_back(settings.ring_copy);
  }
  return rings;
}

absl::StatusOr<Rings> WhichRings(const RewrapOptions& options) {
  const bool by_hand = !options.ring.empty() && !options.master.empty();
  const bool any_by_hand = !options.ring.empty() || !options.master.empty() || !options.copy.empty();
  if (options.config.empty() ? !by_hand : any_by_hand) {
    return absl::InvalidArgumentError(
        "give --service-config, or --ring with --master and, where it has one, --copy");
  }
  if (!options.config.empty()) {
    return OwnRing(options.config);
  }
  Rings rings{{options.ring}, options.master};
  if (!options.copy.empty()) {
    rings.paths.push_back(options.copy);
  }
  return rings;
}

// The new master; made where there is none, but not before all is there that it is to open.
absl::StatusOr<Secret> NewMaster(const std::string& path, const Rings& rings, const Secret& old_master,
                                 Random& random) {
  if (!absl::IsNotFound(crypto::ReadSecretFile(path).status())) {
    return ReadSecretInput(path);
  }
  for (const std::string& ring : rings.paths) {
    RETURN_IF_ERROR(crypto::FileKeyRing::Open(ring, old_master, random).status());
  }
  const Secret made(random.Bytes(kMasterBytes));
  RETURN_IF_ERROR(crypto::WriteSecretFile(path, made));
  return made;
}

absl::StatusOr<int> RunRewrap(Context& context, const RewrapOptions& options) {
  ASSIGN_OR_RETURN(const Rings rings, WhichRings(options));
  ASSIGN_OR_RETURN(const Secret old_master, ReadSecretInput(rings.master));
  SystemRandom random;
  ASSIGN_OR_RETURN(const Secret new_master, NewMaster(options.new_master, rings, old_master, random));
  ASSIGN_OR_RETURN(const std::vector<crypto::RewrappedRing> done,
                   crypto::RewrapRings(rings.paths, old_master, new_master, random));
  nlohmann::json files = nlohmann::json::array();
  std::string text;
  for (const crypto::RewrappedRing& ring : done) {
    files.push_back({{"file", ring.path}, {"keys", ring.keys}, {"rewrapped", ring.rewrapped}});
    absl::StrAppend(&text, ring.path, ": ", ring.keys, ring.keys == 1 ? " key" : " keys",
                    ring.rewrapped ? " under the new master\n" : " were under the new master already\n");
  }
  absl::StrAppend(&text, "Put ", options.new_master, " in the place of ", rings.master,
                  ", or name it in the settings; start what opens the ring; then destroy the old master.\n");
  Print(context.globals.json, nlohmann::json{{"newMaster", options.new_master}, {"files", files}}, text);
  return kExitOk;
}

}  // namespace

void AddRewrapRing(CLI::App& noun, Context& context) {
  CLI::App& rewrap = AddVerb(
      noun, "rewrap-ring",
      "rotate the master of a stopped service's key ring and of the ring's copy; after a kill, again",
      "relais pki rewrap-ring --service-config /etc/relais/vault.yaml --new-master /etc/relais/master.new");
  auto options = std::make_shared<RewrapOptions>();
  rewrap.add_option("--service-config", options->config,
                    "a service's settings: its own ring (audit.ring, audit.ring_copy) and audit.master");
  rewrap.add_option("--ring", options->ring, "a ring by hand: that which services share, say");
  rewrap.add_option("--copy", options->copy, "its copy");
  rewrap.add_option("--master", options->master, "the master that opens it");
  rewrap.add_option("--new-master", options->new_master, "secret file of the new one; made if there is none")
      ->required();
  OnRun(rewrap, context, options, RunRewrap);
}

}  // namespace relais::cli
