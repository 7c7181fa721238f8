// The directory: who takes part, where their desks are, who may send what to whom, in which words, and which
// certificates no longer count. One signed, versioned YAML file; this is one version of it, parsed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/directory/model.h"
#include "common/pki/identity.h"

namespace relais::directory {

/// Everything the file says, in its order.
struct Content {
  std::string trust_domain;
  uint64_t version = 0;
  absl::Time not_after;
  std::vector<Institution> institutions;
  std::vector<Desk> desks;
  std::vector<Function> functions;
  std::vector<Protocol> protocols;
  std::vector<CodeEntry> purposes;
  std::vector<CodeEntry> categories;
  std::vector<CodeEntry> signs;
  std::vector<OffenceAuthorisation> offence_senders;
  std::vector<CollectiveAddress> collective_addresses;
  std::vector<AuditorScope> auditors;
  std::vector<LogEntry> logs;
  Witnesses witnesses;
  std::vector<Revocation> revocations;
  /// Every value of the file by path, `desks[dsol-75113].hours`, for Diff and Show.
  std::map<std::string, std::string> flat;
};

/// The system a certificate stands for. The pointers live as long as the Directory.
struct SystemRef {
  const Institution* institution;
  const System* system;
};

/// Immutable, thread-safe; shared as `std::shared_ptr<const Directory>`. Look-ups return nullptr for what is
/// not there; returned pointers live as long as the Directory. Parsed, not necessarily consistent: use what
/// DirectorySource or ParseAndLint gives, which Lint found without error.
class Directory {
 public:
  explicit Directory(Content content);
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  Directory(Directory&&) = default;
  Directory& operator=(Directory&&) = default;
  ~Directory() = default;

  [[nodiscard]] const Content& content() const { return content_; }
  [[nodiscard]] const std::string& trust_domain() const { return content_.trust_domain; }
  [[nodiscard]] uint64_t version() const { return content_.version; }
  /// True after `not_after`: reads of own data go on, disclosure stops.
  [[nodiscard]] bool Expired(absl::Time now) const { return now > content_.not_after; }

  [[nodiscard]] const Institution* FindInstitution(std::string_view id) const;
  [[nodiscard]] const Desk* FindDesk(std::string_view id) const;
  /// In the directory's order.
  [[nodiscard]] std::vector<const Desk*> DesksOf(std::string_view institution) const;
  /// Desks for that public there: those of the arrondissement (INSEE code) first, then those of the whole
  /// city, each in the directory's order; none that is RELIEF_ONLY. `insee` 0, no known place: whole-city
  /// desks only. Whether a desk may receive a given signal is IsRecipient's to say.
  [[nodiscard]] std::vector<const Desk*> DesksFor(std::string_view audience, int insee) const;

  /// The function as it is in that institution, by its own or its kind's entry.
  [[nodiscard]] const Function* FindFunction(std::string_view institution, std::string_view function) const;

  /// The one protocol under which `sender` may send that event.
  [[nodiscard]] const Protocol* FindProtocol(std::string_view sender, std::string_view signal,
                                             std::string_view event) const;
  /// True when a protocol of that sender names a signed convention (D-1.13).
  [[nodiscard]] bool HasConvention(std::string_view institution) const;
  /// True when the protocol's recipients include that desk.
  [[nodiscard]] bool IsRecipient(const Protocol& protocol, const Desk& desk) const;

  [[nodiscard]] const CodeEntry* FindPurpose(std::string_view code) const;
  [[nodiscard]] const CodeEntry* FindCategory(std::string_view code) const;
  [[nodiscard]] const CodeEntry* FindSign(std::string_view code) const;

  /// True when the institution may send data on offences on that Paris day (D-2.7).
  [[nodiscard]] bool MaySendOffenceData(std::string_view institution, absl::CivilDay day) const;

  /// The system behind an identified peer. UNAUTHENTICATED when the directory has none, or the peer is a
  /// service. Does not look at revocations.
  [[nodiscard]] absl::StatusOr<SystemRef> SystemOf(const pki::PeerIdentity& peer) const;
  /// By fingerprint or by issuer and serial; services' certificates too.
  [[nodiscard]] bool IsRevoked(const pki::PeerIdentity& peer) const;
  /// By fingerprint alone (64 lower-case hexadecimal digits).
  [[nodiscard]] bool IsRevoked(std::string_view fingerprint) const;

  /// The logs of a service, past origins included, with their verification keys.
  [[nodiscard]] std::vector<const LogEntry*> LogKeys(std::string_view service) const;

 private:
  using Index = std::map<std::string, size_t, std::less<>>;
  using PairIndex = std::map<std::pair<std::string, std::string>, size_t>;

  void IndexFunctions();
  void IndexCertificates();
  void IndexRevocations();

  Content content_;
  // Positions in the vectors of content_, so that moving keeps them right.
  Index institutions_;
  Index desks_;
  Index purposes_;
  Index categories_;
  Index signs_;
  std::map<std::string, Index, std::less<>> functions_;                // by institution, then function
  std::map<std::string, std::vector<size_t>, std::less<>> protocols_;  // by sender
  std::map<std::string, std::pair<size_t, size_t>> key_pins_;          // → institution, system
  std::map<std::pair<std::string, std::string>, std::pair<size_t, size_t>> issuer_names_;
  std::map<std::string, size_t, std::less<>> revoked_fingerprints_;
  PairIndex revoked_serials_;
};

}  // namespace relais::directory
