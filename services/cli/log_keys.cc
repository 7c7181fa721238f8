#include "services/cli/log_keys.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/parse.h"
#include "common/directory/sign.h"
#include "common/pki/file.h"

namespace relais::cli {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;

constexpr char kWhence[] =
    "give the log's public key with --key ORIGIN+ID+KEY, one line that whoever runs the log hands out "
    "(`relais pki log-key`), or the signed directory and its root keys, which have it: RELAIS_DIRECTORY and "
    "RELAIS_KEYS";

absl::StatusOr<std::string> Read(const std::string& path) {
  absl::StatusOr<std::string> text = pki::ReadWholeFile(path, kMostBytes);
  return text.ok() ? text
                   : absl::FailedPreconditionError(absl::StrCat("cannot read '", path, "': ", kWhence));
}

}  // namespace

absl::StatusOr<directory::Directory> ReadSignedDirectory(const ClientSettings& settings) {
  if (settings.directory.empty() || settings.keys.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("nothing says which key signs the log: ", kWhence));
  }
  ASSIGN_OR_RETURN(const std::string yaml, Read(settings.directory));
  ASSIGN_OR_RETURN(const std::string signature, Read(settings.directory + ".sig"));
  ASSIGN_OR_RETURN(const std::string root_text, Read(settings.keys));
  ASSIGN_OR_RETURN(const directory::RootKeys roots, directory::ParseRootKeys(root_text));
  RETURN_IF_ERROR(directory::VerifySigned(yaml, signature, roots).status());
  return directory::ParseDirectory(yaml);
}

absl::StatusOr<std::vector<LogKey>> ReadLogKeys(const ClientSettings& settings,
                                                const std::vector<std::string>& given) {
  std::vector<LogKey> keys;
  for (const std::string& text : given) {
    ASSIGN_OR_RETURN(merkle::NoteVerifier verifier, merkle::ParseVerifierKey(text));
    keys.push_back({"", std::move(verifier)});
  }
  if (!keys.empty()) {
    return keys;
  }
  ASSIGN_OR_RETURN(const directory::Directory directory, ReadSignedDirectory(settings));
  for (const directory::LogEntry& log : directory.content().logs) {
    for (const std::string& bytes : log.keys) {
      ASSIGN_OR_RETURN(crypto::VerifyKey key, crypto::VerifyKey::FromBytes(bytes));
      keys.push_back({log.service, {log.origin, std::move(key)}});
    }
  }
  if (keys.empty()) {
    return absl::FailedPreconditionError("the directory lists no log");
  }
  return keys;
}

std::vector<merkle::NoteVerifier> Verifiers(const std::vector<LogKey>& keys) {
  std::vector<merkle::NoteVerifier> out;
  out.reserve(keys.size());
  for (const LogKey& key : keys) {
    out.push_back(key.verifier);
  }
  return out;
}

std::vector<audit::NamedVerifyKey> NamedKeys(const std::vector<LogKey>& keys) {
  std::vector<audit::NamedVerifyKey> out;
  out.reserve(keys.size());
  for (const LogKey& key : keys) {
    out.push_back({key.verifier.name, key.verifier.key});
  }
  return out;
}

}  // namespace relais::cli
