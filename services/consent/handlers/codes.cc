#include "services/consent/handlers/codes.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/codes.h"
#include "common/rpc/refusal.h"

namespace relais::consent {
namespace {

// What one leaf may say of lines: it must fit audit::kMaxLeafSize with all the rest.
constexpr size_t kMostLinesBytes = 40'000;

std::string PathOf(int line, const char* list, int i) {
  return absl::StrCat("lines[", line, "].", list, "[", i, "]");
}

absl::Status CheckRecipient(const Rules& rules, const v1::Recipient& recipient, const std::string& path) {
  switch (recipient.recipient_case()) {
    case v1::Recipient::kInstitution:
      return rules.KindOf(recipient.institution()).empty() ? UnknownCode(path + ".institution")
                                                           : absl::OkStatus();
    case v1::Recipient::kKind:
      return directory::IsOneOf(recipient.kind(), directory::kInstitutionKinds) ? absl::OkStatus()
                                                                                : UnknownCode(path + ".kind");
    case v1::Recipient::RECIPIENT_NOT_SET:
      break;
  }
  return rpc::InvalidField(path, "must name an institution or a kind");
}

absl::Status CheckComplete(const v1::ConsentLine& line, int i) {
  const auto missing = [&](const char* list) {
    return rpc::InvalidField(absl::StrCat("lines[", i, "].", list), "must not be empty in an agreement");
  };
  if (line.purposes().empty()) {
    return missing("purposes");
  }
  if (line.categories().empty()) {
    return missing("categories");
  }
  if (line.recipients().empty()) {
    return missing("recipients");
  }
  return line.acts().empty() ? missing("acts") : absl::OkStatus();
}

absl::Status CheckLine(const Rules& rules, const v1::ConsentLine& line, int number) {
  for (int i = 0; i < line.purposes_size(); ++i) {
    RETURN_IF_ERROR(CheckPurpose(rules, line.purposes(i), PathOf(number, "purposes", i)));
  }
  for (int i = 0; i < line.categories_size(); ++i) {
    RETURN_IF_ERROR(CheckCategory(rules, line.categories(i), PathOf(number, "categories", i)));
  }
  for (int i = 0; i < line.recipients_size(); ++i) {
    RETURN_IF_ERROR(CheckRecipient(rules, line.recipients(i), PathOf(number, "recipients", i)));
  }
  for (int i = 0; i < line.acts_size(); ++i) {
    if (line.acts(i) == common::v1::ACT_UNSPECIFIED || !common::v1::Act_IsValid(line.acts(i))) {
      return rpc::InvalidField(PathOf(number, "acts", i), "must be an act");
    }
  }
  return absl::OkStatus();
}

bool OutOfUse(const std::optional<absl::CivilDay>& deprecated_on, absl::CivilDay today) {
  return deprecated_on && today >= *deprecated_on;
}

}  // namespace

absl::Status UnknownCode(std::string_view field) {
  return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, field, "not in the directory in force");
}

absl::Status CheckPurpose(const Rules& rules, std::string_view purpose, std::string_view field) {
  return rules.purposes.contains(purpose) ? absl::OkStatus() : UnknownCode(field);
}

absl::Status CheckCategory(const Rules& rules, std::string_view category, std::string_view field) {
  return rules.categories.contains(category) ? absl::OkStatus() : UnknownCode(field);
}

absl::Status CheckParty(const directory::Directory& directory, const common::v1::Party& party,
                        std::string_view field) {
  if (directory.FindInstitution(party.institution()) == nullptr) {
    return UnknownCode(std::string(field) + ".institution");
  }
  if (!party.function().empty() && directory.FindFunction(party.institution(), party.function()) == nullptr) {
    return UnknownCode(std::string(field) + ".function");
  }
  return absl::OkStatus();
}

absl::Status CheckLines(const Rules& rules, const ProtoLines& lines, bool complete) {
  if (lines.empty()) {
    return rpc::InvalidField("lines", "is required");
  }
  size_t bytes = 0;
  for (const v1::ConsentLine& line : lines) {
    bytes += line.ByteSizeLong();
  }
  if (bytes > kMostLinesBytes) {
    return rpc::InvalidField("lines", "say too much for one act: record them in several");
  }
  for (int i = 0; i < lines.size(); ++i) {
    if (complete) {
      RETURN_IF_ERROR(CheckComplete(lines[i], i));
    }
    RETURN_IF_ERROR(CheckLine(rules, lines[i], i));
  }
  return absl::OkStatus();
}

absl::Status CheckReads(std::string_view kind, std::string_view field) {
  return directory::OnlySends(kind)
             ? rpc::InvalidField(field, "only sends signals and reads nothing: it is no recipient (D-2.5)")
             : absl::OkStatus();
}

absl::Status CheckMayAgree(const Rules& rules, const ProtoLines& lines, bool explicit_given,
                           absl::CivilDay today) {
  for (int number = 0; number < lines.size(); ++number) {
    const v1::ConsentLine& line = lines[number];
    for (int i = 0; i < line.purposes_size(); ++i) {
      const auto purpose = rules.purposes.find(line.purposes(i));
      if (purpose == rules.purposes.end() || OutOfUse(purpose->second, today)) {
        return UnknownCode(PathOf(number, "purposes", i));
      }
    }
    for (int i = 0; i < line.categories_size(); ++i) {
      const std::string path = PathOf(number, "categories", i);
      const CategoryRule rule = rules.CategoryOf(line.categories(i));
      if (OutOfUse(rule.deprecated_on, today)) {
        return UnknownCode(path);
      }
      if (rule.offence) {
        return rpc::InvalidField(path, "data on offences cannot be unlocked by an agreement (RGPD art. 10)");
      }
      if (rule.special && !explicit_given) {
        return rpc::InvalidField(path, "a special category needs `explicit` (RGPD art. 9)");
      }
    }
    for (int i = 0; i < line.recipients_size(); ++i) {
      const v1::Recipient& recipient = line.recipients(i);
      const std::string path = PathOf(number, "recipients", i);
      RETURN_IF_ERROR(CheckReads(rules.KindOf(recipient.institution()), path + ".institution"));
      RETURN_IF_ERROR(CheckReads(recipient.kind(), path + ".kind"));
    }
  }
  return absl::OkStatus();
}

}  // namespace relais::consent
