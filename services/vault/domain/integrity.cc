#include "services/vault/domain/integrity.h"

namespace relais::vault {

namespace {

bool IsAsLogged(const v1::StoredVersion& stored, const v1::DocumentDeposited& logged) {
  const v1::DocumentVersion& version = stored.version();
  return logged.version() == version.version() && logged.size() == version.size() &&
         logged.sha256() == version.sha256() && logged.header_sha256() == stored.header_sha256();
}

}  // namespace

v1::VersionCheck JudgeVersion(const v1::StoredVersion& stored,
                              const std::optional<v1::DocumentDeposited>& logged, bool log_reads,
                              const TextRead& read) {
  const v1::DocumentVersion& version = stored.version();
  v1::VersionCheck check;
  check.set_version(version.version());
  const bool may_be_logged = !logged.has_value() && !log_reads;
  if (!may_be_logged && (!logged.has_value() || !IsAsLogged(stored, *logged))) {
    check.set_finding(v1::VersionCheck::FINDING_ROLLED_BACK);
  } else if (read.missing) {
    check.set_finding(v1::VersionCheck::FINDING_MISSING);
    check.set_offset(read.broken_at);
  } else if (read.altered || read.header_sha256 != stored.header_sha256()) {
    check.set_finding(v1::VersionCheck::FINDING_ALTERED);
    check.set_offset(read.broken_at);
  } else if (read.size != version.size() || read.sha256 != version.sha256()) {
    check.set_finding(v1::VersionCheck::FINDING_HASH_DIFFERS);
  } else {
    check.set_finding(log_reads ? v1::VersionCheck::FINDING_INTACT
                                : v1::VersionCheck::FINDING_LOG_UNREADABLE);
  }
  return check;
}

bool IsDamage(v1::VersionCheck::Finding finding) {
  return finding != v1::VersionCheck::FINDING_INTACT && finding != v1::VersionCheck::FINDING_LOG_UNREADABLE;
}

bool IsRolledBack(const v1::StoredDocument& stored, const LoggedPaper& logged) {
  return (logged.destroyed && stored.state() != v1::Document::STATE_DESTROYED) ||
         static_cast<size_t>(stored.versions_size()) < logged.versions.size();
}

}  // namespace relais::vault
