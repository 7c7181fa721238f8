// `relais person`: the caller's own records of persons.
#include "common/base/status.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/person_verbs.h"
#include "services/cli/receipt.h"
#include "services/cli/receipt_command.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using consent::v1::PersonService;

struct PersonOptions {
  std::string handle;
  std::string id;
  std::string surname;
  std::string first_names;
  std::string birth_date;
  bool presumed = false;
  std::string birthplace;
  std::string phone;
  std::string address;
  std::string postal_code;
  std::string town;
  std::vector<std::string> shared;
  std::string cause;
  std::string receipt;
  std::string request_id;
};

absl::StatusOr<int> RunRegister(Context& context, const PersonOptions& options) {
  consent::v1::RegisterRequest request;
  request.set_request_id(RequestId(options.request_id));
  request.set_own_identifier(options.id);
  consent::v1::Traits& traits = *request.mutable_traits();
  traits.set_surname(options.surname);
  traits.set_first_names(options.first_names);
  if (!options.birth_date.empty()) {
    ASSIGN_OR_RETURN(*traits.mutable_birth_date(), ParseDateOption(options.birth_date, "--birth-date"));
  }
  traits.set_birth_date_presumed(options.presumed);
  traits.set_birthplace(options.birthplace);
  traits.set_phone(options.phone);
  traits.set_address(options.address);
  traits.set_postal_code(options.postal_code);
  traits.set_town(options.town);
  for (const std::string& shared : options.shared) {
    const size_t colon = shared.find(':');
    if (colon == std::string::npos) {
      return absl::InvalidArgumentError("--shared-identifier: write scheme:number, such as caf:1234567");
    }
    consent::v1::SharedIdentifier* identifier = traits.add_identifiers();
    identifier->set_scheme(shared.substr(0, colon));
    identifier->set_value(shared.substr(colon + 1));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<PersonService>(&PersonService::Stub::Register, request));
  Print(context.globals.json, response, response.person().handle() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunErase(Context& context, const PersonOptions& options) {
  consent::v1::EraseRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.handle);
  ASSIGN_OR_RETURN(const auto cause, ParseEnumOption<consent::v1::ErasureCause>(options.cause, "--cause"));
  request.set_cause(cause);
  request.set_want_proof(!options.receipt.empty());
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<PersonService>(&PersonService::Stub::Erase, request));
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response.written().proof()));
  Print(context.globals.json, response, response.erasure_id() + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunResolve(Context& context, const PersonOptions& options) {
  if (options.handle.empty() == options.id.empty()) {
    return absl::InvalidArgumentError("give either a handle or --id");
  }
  consent::v1::ResolveRequest request;
  if (options.id.empty()) {
    *request.mutable_person() = Person(options.handle);
  } else {
    request.set_own_identifier(options.id);
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response, session->Call<PersonService>(&PersonService::Stub::Resolve, request));
  Print(context.globals.json, response);
  return kExitOk;
}

}  // namespace

void AddPersonCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "person", "the caller's own records of persons");

  CLI::App& reg =
      AddVerb(noun, "register", "get or create the record of a person; prints its handle",
              "relais --as emmaus/maraude person register --id D-4711 --surname Martin --first-names "
              "'Jeanne Marie' --birth-date 1961-04-12");
  auto options = std::make_shared<PersonOptions>();
  reg.add_option("--id", options->id, "your own stable identifier of her; never a NIR")->required();
  reg.add_option("--surname", options->surname, "family name");
  reg.add_option("--first-names", options->first_names, "all first names");
  reg.add_option("--birth-date", options->birth_date, "2026-11-03 or 03/11/2026");
  reg.add_flag("--birth-date-presumed", options->presumed, "the day is presumed or conventional");
  reg.add_option("--birthplace", options->birthplace, "town or country");
  reg.add_option("--phone", options->phone, "telephone");
  reg.add_option("--address", options->address, "street and number");
  reg.add_option("--postal-code", options->postal_code, "five digits");
  reg.add_option("--town", options->town, "town");
  AddRepeated(reg, "--shared-identifier", options->shared, "scheme:number that others may hold of her too");
  reg.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRun(reg, context, options, RunRegister);

  CLI::App& resolve = AddVerb(noun, "resolve", "what you said of a person, by handle or own identifier",
                              "relais --as emmaus/maraude person resolve --id D-4711");
  auto resolve_options = std::make_shared<PersonOptions>();
  resolve.add_option("handle", resolve_options->handle, "her handle");
  resolve.add_option("--id", resolve_options->id, "your own identifier");
  OnRun(resolve, context, resolve_options, RunResolve);

  CLI::App& erase = AddVerb(
      noun, "erase",
      "erase a person, everywhere and for good (stewards); prints the erasure's id, whose certificate "
      "is `relais maintenance erasure`",
      "relais --as ville-paris/steward --reason 'sa demande du 3 novembre' person erase rh1_AAE… "
      "--cause request");
  auto erase_options = std::make_shared<PersonOptions>();
  erase.add_option("handle", erase_options->handle, "her handle")->required();
  erase.add_option("--cause", erase_options->cause, "request, not-justified or court")->required();
  AddOutput(erase, "--receipt", erase_options->receipt, "write the proof here, as a JSON receipt");
  erase.add_option("--request-id", erase_options->request_id, "repeat a request under its id");
  OnRun(erase, context, erase_options, RunErase);
  AddPersonNames(noun, context);
  AddPersonLinks(noun, context);
  AddPersonHistory(noun, context);
}

}  // namespace relais::cli
