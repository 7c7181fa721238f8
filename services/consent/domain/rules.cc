#include "services/consent/domain/rules.h"

#include <algorithm>

#include "common/directory/codes.h"

namespace relais::consent {

std::string_view Rules::KindOf(std::string_view institution) const {
  const auto found = institution_kinds.find(institution);
  return found == institution_kinds.end() ? std::string_view() : std::string_view(found->second);
}

bool Rules::OnlySends(std::string_view institution) const {
  return directory::OnlySends(KindOf(institution));
}

const ProtocolRule* Rules::FindProtocol(std::string_view sender, std::string_view signal,
                                        std::string_view event) const {
  const auto of_sender = protocols.find(sender);
  if (of_sender == protocols.end()) {
    return nullptr;
  }
  for (const ProtocolRule& protocol : of_sender->second) {
    if (protocol.signal == signal &&
        std::find(protocol.events.begin(), protocol.events.end(), event) != protocol.events.end()) {
      return &protocol;
    }
  }
  return nullptr;
}

const DeskRule* Rules::FindDesk(std::string_view desk) const {
  const auto found = desks.find(desk);
  return found == desks.end() ? nullptr : &found->second;
}

CategoryRule Rules::CategoryOf(std::string_view category) const {
  const auto found = categories.find(category);
  return found == categories.end() ? CategoryRule() : found->second;
}

bool Rules::IsBoundBySecrecy(std::string_view institution, std::string_view function) const {
  const auto found = secret_functions.find(institution);
  return found != secret_functions.end() && !function.empty() &&
         std::find(found->second.begin(), found->second.end(), function) != found->second.end();
}

bool Rules::MaySendOffenceData(std::string_view sender, absl::CivilDay day) const {
  const auto found = offence_senders.find(sender);
  return found != offence_senders.end() && (!found->second || day <= *found->second);
}

bool Rules::IsRecipient(const ProtocolRule& protocol, std::string_view institution,
                        const DeskRule* desk) const {
  const std::string_view kind = KindOf(institution);
  return std::any_of(protocol.recipients.begin(), protocol.recipients.end(),
                     [&](const ProtocolRecipient& recipient) {
                       switch (recipient.desks) {
                         case ProtocolRecipient::Desks::kDepartmental:
                           return desk != nullptr && desk->departmental;
                         case ProtocolRecipient::Desks::kCommunalCosigner:
                           return desk != nullptr && desk->communal_cosigner;
                         case ProtocolRecipient::Desks::kNone:
                           break;
                       }
                       return recipient.institution.empty() ? (!kind.empty() && recipient.kind == kind)
                                                            : recipient.institution == institution;
                     });
}

}  // namespace relais::consent
