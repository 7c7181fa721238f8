#include "services/consent/directory_rules.h"

#include <string_view>
#include <utility>

#include "common/directory/codes.h"

namespace relais::consent {
namespace {

common::v1::Ground GroundOf(std::string_view name) {
  if (name == "ART2") {
    return common::v1::GROUND_ART2;
  }
  if (name == "ART6") {
    return common::v1::GROUND_ART6;
  }
  if (name == "CONVENTION") {
    return common::v1::GROUND_CONVENTION;
  }
  if (name == "ART_226_14_1") {
    return common::v1::GROUND_CP_226_14_1;
  }
  if (name == "INFO_PREOCCUPANTE") {
    return common::v1::GROUND_INFO_PREOCCUPANTE;
  }
  if (name == directory::kAuthorisedExit) {
    return common::v1::GROUND_AUTHORISED_EXIT;
  }
  return common::v1::GROUND_UNSPECIFIED;
}

ProtocolRecipient RecipientOf(const directory::RecipientRule& rule) {
  ProtocolRecipient recipient;
  recipient.institution = rule.institution;
  recipient.kind = rule.kind;
  if (rule.desks == directory::kDepartmentalFlag) {
    recipient.desks = ProtocolRecipient::Desks::kDepartmental;
  } else if (rule.desks == directory::kCommunalFlag) {
    recipient.desks = ProtocolRecipient::Desks::kCommunalCosigner;
  }
  return recipient;
}

ProtocolRule ProtocolOf(const directory::Protocol& protocol) {
  ProtocolRule rule;
  rule.signal = protocol.signal;
  rule.events = protocol.events;
  rule.purpose = protocol.purpose;
  for (const std::string& name : protocol.grounds) {
    if (const common::v1::Ground ground = GroundOf(name); ground != common::v1::GROUND_UNSPECIFIED) {
      rule.grounds.push_back(ground);
    }
  }
  rule.categories = protocol.categories;
  for (const directory::RecipientRule& recipient : protocol.recipients) {
    rule.recipients.push_back(RecipientOf(recipient));
  }
  if (protocol.convention) {
    rule.convention_signed = protocol.convention->signed_on;
  }
  return rule;
}

}  // namespace

Rules RulesFrom(const directory::Directory& directory) {
  const directory::Content& content = directory.content();
  Rules rules;
  rules.version = content.version;
  rules.not_after = content.not_after;
  for (const directory::Institution& institution : content.institutions) {
    rules.institution_kinds[institution.id] = institution.kind;
  }
  for (const directory::Desk& desk : content.desks) {
    rules.desks[desk.id] = {desk.institution, desk.departmental_social_service, desk.communal_cosigner};
  }
  for (const directory::CodeEntry& category : content.categories) {
    rules.categories[category.code] = {category.special_category, category.offence, category.deprecated_on};
  }
  for (const directory::CodeEntry& purpose : content.purposes) {
    rules.purposes[purpose.code] = purpose.deprecated_on;
  }
  for (const directory::Protocol& protocol : content.protocols) {
    rules.protocols[protocol.sender].push_back(ProtocolOf(protocol));
  }
  for (const directory::OffenceAuthorisation& authorisation : content.offence_senders) {
    rules.offence_senders[authorisation.institution] = authorisation.until;
  }
  for (const directory::Institution& institution : content.institutions) {
    for (const directory::Function& function : content.functions) {
      if (function.BoundBySecrecy() && directory.FindFunction(institution.id, function.id) != nullptr) {
        rules.secret_functions[institution.id].push_back(function.id);
      }
    }
  }
  return rules;
}

std::shared_ptr<const Rules> RulesCache::Of(const std::shared_ptr<const directory::Directory>& directory) {
  std::lock_guard lock(mu_);
  if (directory_ != directory) {
    rules_ = std::make_shared<const Rules>(RulesFrom(*directory));
    directory_ = directory;
  }
  return rules_;
}

}  // namespace relais::consent
