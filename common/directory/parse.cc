#include "common/directory/parse.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/directory/codes.h"
#include "common/directory/internal/reader.h"
#include "common/directory/internal/yaml_value.h"

namespace relais::directory {
namespace {

using internal::Reader;

constexpr char kFormat[] = "relais-directory/1";
constexpr int kMostWitnesses = 32;

System ReadSystem(Reader& in) {
  System system;
  system.id = in.Text("id");
  system.roles = in.Texts("roles");
  system.spiffe = in.Bool("spiffe", true);
  in.Each("certificates", [&](Reader& item) {
    CertificateMapping mapping;
    mapping.issuer = item.OptionalText("issuer");
    mapping.dns = item.OptionalText("dns");
    mapping.key_pin = item.OptionalText("key_pin");
    system.certificates.push_back(std::move(mapping));
  });
  return system;
}

Institution ReadInstitution(Reader& in) {
  Institution institution;
  institution.id = in.Text("id");
  institution.name = in.Text("name");
  institution.kind = in.Text("kind");
  institution.controller = in.OptionalText("controller");
  in.Child("dpo", [&](Reader& dpo) {
    institution.dpo.name = dpo.OptionalText("name");
    institution.dpo.email = dpo.Text("email");
    institution.dpo.desk = dpo.OptionalText("desk");
  });
  institution.dpia = in.OptionalText("dpia");
  institution.siret = in.OptionalText("siret");
  institution.address = in.OptionalText("address");
  in.Each("systems", [&](Reader& item) { institution.systems.push_back(ReadSystem(item)); });
  return institution;
}

void ReadArrondissements(Reader& in, Desk& desk) {
  const std::vector<std::string> texts = in.Texts("arrondissements");
  if (texts == std::vector<std::string>{"ALL"}) {
    desk.whole_city = true;
    for (int code = kFirstArrondissement; code <= kLastArrondissement; ++code) {
      desk.arrondissements.push_back(code);
    }
    return;
  }
  for (const std::string& text : texts) {
    int code = 0;
    if (!absl::SimpleAtoi(text, &code) || code < kFirstArrondissement || code > kLastArrondissement) {
      in.Problem("arrondissements", "must be [ALL] or INSEE codes from 75101 to 75120");
      return;
    }
    desk.arrondissements.push_back(code);
  }
}

void ReadFlags(Reader& in, Desk& desk) {
  for (const std::string& flag : in.Texts("flags")) {
    if (flag == kDepartmentalFlag) {
      desk.departmental_social_service = true;
    } else if (flag == kCommunalFlag) {
      desk.communal_cosigner = true;
    } else if (flag == kReliefFlag) {
      desk.relief_only = true;
    } else {
      in.Problem("flags", absl::StrCat("'", flag, "' is not a desk flag"));
    }
  }
}

Desk ReadDesk(Reader& in) {
  Desk desk;
  desk.id = in.Text("id");
  desk.institution = in.Text("institution");
  desk.system = in.OptionalText("system");
  desk.name = in.Text("name");
  desk.publics = in.Texts("publics");
  ReadArrondissements(in, desk);
  if (const std::string hours = in.Text("hours"); !hours.empty()) {
    if (auto parsed = calendar::OpeningHours::Parse(hours); parsed.ok()) {
      desk.hours = *std::move(parsed);
    } else {
      in.Problem("hours", std::string(parsed.status().message()));
    }
  }
  in.Child("contact", [&](Reader& contact) {
    desk.contact.title = contact.Text("title");
    desk.contact.phone = contact.OptionalText("phone");
    desk.contact.email = contact.OptionalText("email");
  });
  desk.escalation = in.Texts("escalation");
  desk.on_call = in.OptionalText("on_call");
  ReadFlags(in, desk);
  return desk;
}

Function ReadFunction(Reader& in) {
  Function function;
  function.id = in.Text("id");
  function.label = in.Text("label");
  function.kinds = in.Texts("kinds");
  function.institutions = in.Texts("institutions");
  const std::string secrecy = in.Text("secrecy");
  if (secrecy == "PROFESSION") {
    function.secrecy = Secrecy::kProfession;
  } else if (secrecy == "MISSION") {
    function.secrecy = Secrecy::kMission;
  } else if (secrecy != "NONE") {
    in.Problem("secrecy", "must be PROFESSION, MISSION or NONE");
  }
  function.may = in.Texts("may");
  return function;
}

Protocol ReadProtocol(Reader& in) {
  Protocol protocol;
  protocol.id = in.Text("id");
  protocol.sender = in.Text("sender");
  protocol.signal = in.Text("signal");
  protocol.events = in.Texts("events");
  protocol.purpose = in.Text("purpose");
  protocol.grounds = in.Texts("grounds");
  protocol.categories = in.Texts("categories");
  in.Each("recipients", [&](Reader& item) {
    RecipientRule rule;
    rule.institution = item.OptionalText("institution");
    rule.kind = item.OptionalText("kind");
    rule.desks = item.OptionalText("desks");
    protocol.recipients.push_back(std::move(rule));
  });
  in.Child("convention", [&](Reader& item) {
    protocol.convention = Convention{item.Text("reference"), item.Day("signed_on")};
  });
  return protocol;
}

CodeEntry ReadCode(Reader& in) {
  CodeEntry entry;
  entry.code = in.Text("code");
  entry.fr = in.Text("fr");
  entry.en = in.Text("en");
  entry.deprecated_on = in.OptionalDay("deprecated_on");
  return entry;
}

CodeEntry ReadCategory(Reader& in) {
  CodeEntry entry = ReadCode(in);
  entry.special_category = in.Bool("special_category", false);
  entry.offence = in.Bool("offence", false);
  return entry;
}

CodeEntry ReadSign(Reader& in) {
  CodeEntry entry = ReadCode(in);
  entry.special_category = in.Bool("special_category", false);
  entry.weight = static_cast<int>(in.Int("weight", 0, 1, 100));
  entry.publics = in.Texts("publics");
  return entry;
}

LogEntry ReadLog(Reader& in) {
  LogEntry log;
  log.service = in.Text("service");
  log.origin = in.Text("origin");
  for (const std::string& text : in.Texts("keys")) {
    std::string key;
    if (!absl::Base64Unescape(text, &key)) {
      in.Problem("keys", "must be base64");
      break;
    }
    log.keys.push_back(std::move(key));
  }
  return log;
}

Witnesses ReadWitnesses(Reader& in) {
  Witnesses witnesses;
  witnesses.keys = in.Texts("keys");
  witnesses.quorum = static_cast<int>(in.Int("quorum", 0, 0, kMostWitnesses));
  return witnesses;
}

Revocation ReadRevocation(Reader& in) {
  Revocation revocation;
  revocation.fingerprint = in.OptionalText("fingerprint");
  revocation.issuer = in.OptionalText("issuer");
  revocation.serial = in.OptionalText("serial");
  revocation.revoked_at = in.Instant("revoked_at");
  revocation.reason = in.OptionalText("reason");
  return revocation;
}

AuditorScope ReadAuditor(Reader& in) {
  AuditorScope auditor;
  auditor.institution = in.Text("institution");
  auditor.system = in.Text("system");
  auditor.scope = in.Text("scope");
  auditor.until = in.OptionalInstant("until");
  auditor.granted_by = in.Texts("granted_by");
  return auditor;
}

void ReadPeople(Reader& in, Content& out) {
  in.Each("institutions", [&](Reader& item) { out.institutions.push_back(ReadInstitution(item)); });
  in.Each("desks", [&](Reader& item) { out.desks.push_back(ReadDesk(item)); });
  in.Each("functions", [&](Reader& item) { out.functions.push_back(ReadFunction(item)); });
  in.Each("protocols", [&](Reader& item) { out.protocols.push_back(ReadProtocol(item)); });
}

void ReadLists(Reader& in, Content& out) {
  in.Each("purposes", [&](Reader& item) { out.purposes.push_back(ReadCode(item)); });
  in.Each("categories", [&](Reader& item) { out.categories.push_back(ReadCategory(item)); });
  in.Each("signs", [&](Reader& item) { out.signs.push_back(ReadSign(item)); });
  in.Each("offence_senders", [&](Reader& item) {
    out.offence_senders.push_back({item.Text("institution"), item.Text("basis"), item.OptionalDay("until")});
  });
  in.Each("collective_addresses", [&](Reader& item) {
    out.collective_addresses.push_back(
        {item.Text("name"), item.Text("kind"), item.Text("address"), item.Text("postal_code")});
  });
  in.Each("auditors", [&](Reader& item) { out.auditors.push_back(ReadAuditor(item)); });
  in.Each("logs", [&](Reader& item) { out.logs.push_back(ReadLog(item)); });
  in.Child("witnesses", [&](Reader& item) { out.witnesses = ReadWitnesses(item); });
  in.Each("revocations", [&](Reader& item) { out.revocations.push_back(ReadRevocation(item)); });
}

}  // namespace

absl::StatusOr<Directory> ParseDirectory(std::string_view yaml) {
  ASSIGN_OR_RETURN(const internal::YamlValue value, internal::ParseYaml(yaml));
  Content content;
  std::vector<std::string> problems;
  {
    Reader in(value, "", problems);
    if (in.Text("format") != kFormat) {
      in.Problem("format", absl::StrCat("must be ", kFormat));
    }
    content.trust_domain = in.Text("trust_domain");
    content.version = in.Version("version");
    content.not_after = in.Instant("not_after");
    ReadPeople(in, content);
    ReadLists(in, content);
  }
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("directory:\n", absl::StrJoin(problems, "\n")));
  }
  content.flat = internal::Flatten(value);
  return Directory(std::move(content));
}

}  // namespace relais::directory
