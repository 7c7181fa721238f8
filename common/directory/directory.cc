#include "common/directory/directory.h"

#include "common/directory/codes.h"

namespace relais::directory {
namespace {

template <typename T, typename Key>
std::map<std::string, size_t, std::less<>> IndexBy(const std::vector<T>& items, Key key) {
  std::map<std::string, size_t, std::less<>> index;
  for (size_t i = 0; i < items.size(); ++i) {
    index.emplace(items[i].*key, i);
  }
  return index;
}

template <typename T, typename Index>
const T* Find(const std::vector<T>& items, const Index& index, std::string_view id) {
  const auto it = index.find(id);
  return it == index.end() ? nullptr : &items[it->second];
}

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool Matches(const RecipientRule& rule, const Desk& desk, const Institution* institution) {
  if (!rule.institution.empty()) {
    return rule.institution == desk.institution;
  }
  if (!rule.kind.empty()) {
    return institution != nullptr && rule.kind == institution->kind;
  }
  return (rule.desks == kDepartmentalFlag && desk.departmental_social_service) ||
         (rule.desks == kCommunalFlag && desk.communal_cosigner);
}

absl::Status UnknownSystem() {
  return absl::UnauthenticatedError("the certificate belongs to no system of the directory");
}

}  // namespace

const System* Institution::FindSystem(std::string_view system) const {
  const auto it = std::find_if(systems.begin(), systems.end(),
                               [&](const System& candidate) { return candidate.id == system; });
  return it == systems.end() ? nullptr : &*it;
}

Directory::Directory(Content content) : content_(std::move(content)) {
  institutions_ = IndexBy(content_.institutions, &Institution::id);
  desks_ = IndexBy(content_.desks, &Desk::id);
  purposes_ = IndexBy(content_.purposes, &CodeEntry::code);
  categories_ = IndexBy(content_.categories, &CodeEntry::code);
  signs_ = IndexBy(content_.signs, &CodeEntry::code);
  for (size_t i = 0; i < content_.protocols.size(); ++i) {
    protocols_[content_.protocols[i].sender].push_back(i);
  }
  IndexFunctions();
  IndexCertificates();
  IndexRevocations();
}

void Directory::IndexFunctions() {
  for (size_t i = 0; i < content_.functions.size(); ++i) {
    const Function& function = content_.functions[i];
    for (const Institution& institution : content_.institutions) {
      if (Contains(function.kinds, institution.kind) || Contains(function.institutions, institution.id)) {
        functions_[institution.id].emplace(function.id, i);
      }
    }
  }
}

void Directory::IndexCertificates() {
  for (size_t i = 0; i < content_.institutions.size(); ++i) {
    const std::vector<System>& systems = content_.institutions[i].systems;
    for (size_t s = 0; s < systems.size(); ++s) {
      for (const CertificateMapping& mapping : systems[s].certificates) {
        if (mapping.key_pin.empty()) {
          issuer_names_.try_emplace({mapping.issuer, mapping.dns}, i, s);
        } else {
          key_pins_.try_emplace(mapping.key_pin, i, s);
        }
      }
    }
  }
}

void Directory::IndexRevocations() {
  for (size_t i = 0; i < content_.revocations.size(); ++i) {
    const Revocation& revocation = content_.revocations[i];
    if (revocation.fingerprint.empty()) {
      revoked_serials_.try_emplace({revocation.issuer, revocation.serial}, i);
    } else {
      revoked_fingerprints_.try_emplace(revocation.fingerprint, i);
    }
  }
}

const Institution* Directory::FindInstitution(std::string_view id) const {
  return Find(content_.institutions, institutions_, id);
}

const Desk* Directory::FindDesk(std::string_view id) const { return Find(content_.desks, desks_, id); }

std::vector<const Desk*> Directory::DesksOf(std::string_view institution) const {
  std::vector<const Desk*> found;
  for (const Desk& desk : content_.desks) {
    if (desk.institution == institution) {
      found.push_back(&desk);
    }
  }
  return found;
}

std::vector<const Desk*> Directory::DesksFor(std::string_view audience, int insee) const {
  std::vector<const Desk*> local;
  std::vector<const Desk*> whole_city;
  for (const Desk& desk : content_.desks) {
    if (desk.relief_only || !desk.Serves(audience)) {
      continue;
    }
    if (desk.whole_city) {
      whole_city.push_back(&desk);
    } else if (desk.Covers(insee)) {
      local.push_back(&desk);
    }
  }
  local.insert(local.end(), whole_city.begin(), whole_city.end());
  return local;
}

const Function* Directory::FindFunction(std::string_view institution, std::string_view function) const {
  const auto it = functions_.find(institution);
  return it == functions_.end() ? nullptr : Find(content_.functions, it->second, function);
}

const Protocol* Directory::FindProtocol(std::string_view sender, std::string_view signal,
                                        std::string_view event) const {
  const auto it = protocols_.find(sender);
  if (it == protocols_.end()) {
    return nullptr;
  }
  for (const size_t i : it->second) {
    const Protocol& protocol = content_.protocols[i];
    if (protocol.signal == signal && Contains(protocol.events, event)) {
      return &protocol;
    }
  }
  return nullptr;
}

bool Directory::HasConvention(std::string_view institution) const {
  const auto it = protocols_.find(institution);
  return it != protocols_.end() && std::any_of(it->second.begin(), it->second.end(), [&](size_t i) {
           return content_.protocols[i].convention.has_value();
         });
}

bool Directory::IsRecipient(const Protocol& protocol, const Desk& desk) const {
  const Institution* institution = FindInstitution(desk.institution);
  return std::any_of(protocol.recipients.begin(), protocol.recipients.end(),
                     [&](const RecipientRule& rule) { return Matches(rule, desk, institution); });
}

const CodeEntry* Directory::FindPurpose(std::string_view code) const {
  return Find(content_.purposes, purposes_, code);
}

const CodeEntry* Directory::FindCategory(std::string_view code) const {
  return Find(content_.categories, categories_, code);
}

const CodeEntry* Directory::FindSign(std::string_view code) const {
  return Find(content_.signs, signs_, code);
}

bool Directory::MaySendOffenceData(std::string_view institution, absl::CivilDay day) const {
  return std::any_of(content_.offence_senders.begin(), content_.offence_senders.end(),
                     [&](const OffenceAuthorisation& authorisation) {
                       return authorisation.institution == institution &&
                              (!authorisation.until.has_value() || day <= *authorisation.until);
                     });
}

absl::StatusOr<SystemRef> Directory::SystemOf(const pki::PeerIdentity& peer) const {
  using Kind = pki::PeerIdentity::Kind;
  if (peer.kind == Kind::kService) {
    return UnknownSystem();
  }
  if (peer.kind == Kind::kInstitutionSystem) {
    const Institution* institution = FindInstitution(peer.institution);
    const System* system = institution == nullptr ? nullptr : institution->FindSystem(peer.system);
    if (system == nullptr || !system->spiffe) {
      return UnknownSystem();
    }
    return SystemRef{institution, system};
  }
  const auto ref = [&](const std::pair<size_t, size_t>& found) {
    const Institution& institution = content_.institutions[found.first];
    return SystemRef{&institution, &institution.systems[found.second]};
  };
  if (const auto it = key_pins_.find(peer.spki_pin); it != key_pins_.end()) {
    return ref(it->second);
  }
  for (const std::string& dns : peer.dns_names) {
    if (const auto it = issuer_names_.find({peer.issuer, dns}); it != issuer_names_.end()) {
      return ref(it->second);
    }
  }
  return UnknownSystem();
}

bool Directory::IsRevoked(const pki::PeerIdentity& peer) const {
  return IsRevoked(peer.fingerprint) ||
         (!revoked_serials_.empty() && revoked_serials_.contains({peer.issuer, peer.serial}));
}

bool Directory::IsRevoked(std::string_view fingerprint) const {
  return revoked_fingerprints_.find(fingerprint) != revoked_fingerprints_.end();
}

std::vector<const LogEntry*> Directory::LogKeys(std::string_view service) const {
  std::vector<const LogEntry*> found;
  for (const LogEntry& log : content_.logs) {
    if (log.service == service) {
      found.push_back(&log);
    }
  }
  return found;
}

}  // namespace relais::directory
