#include "services/routing/directory_handlers.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/directory/codes.h"
#include "services/routing/domain/resolution.h"

namespace relais::routing {
namespace {

v1::Institution Show(const directory::Institution& institution) {
  v1::Institution out;
  out.set_institution(institution.id);
  out.set_name(institution.name);
  out.set_kind(institution.kind);
  out.set_controller(institution.controller);
  out.set_dpo(institution.dpo.email);
  return out;
}

v1::Desk Show(const directory::Desk& desk) {
  v1::Desk out;
  out.set_desk(desk.id);
  out.set_institution(desk.institution);
  out.set_name(desk.name);
  out.mutable_publics()->Assign(desk.publics.begin(), desk.publics.end());
  if (!desk.whole_city) {
    for (const int insee : desk.arrondissements) {
      out.add_arrondissements(absl::StrCat(insee));
    }
  }
  out.set_contact(desk.contact.title);
  out.set_hours(desk.hours.ToString());
  out.mutable_escalation()->Assign(desk.escalation.begin(), desk.escalation.end());
  out.set_on_call(desk.on_call);
  return out;
}

// An arrondissement by INSEE code or by postal code; 0 when it is neither (D-6.3).
int Arrondissement(std::string_view code) {
  int number = 0;
  std::from_chars(code.data(), code.data() + code.size(), number);
  if (number >= directory::kFirstArrondissement && number <= directory::kLastArrondissement) {
    return number;
  }
  return InseeOfPostal(code);
}

void AddCodes(const std::vector<directory::CodeEntry>& entries, bool english,
              google::protobuf::RepeatedPtrField<v1::Code>& out) {
  for (const directory::CodeEntry& entry : entries) {
    v1::Code& code = *out.Add();
    code.set_code(entry.code);
    code.set_label(english ? entry.en : entry.fr);
    code.set_special(entry.special_category);
  }
}

}  // namespace

Task<absl::StatusOr<v1::ListInstitutionsResponse>> DirectoryHandlers::ListInstitutions(
    rpc::Call call, v1::ListInstitutionsRequest /*request*/) {
  v1::ListInstitutionsResponse response;
  for (const directory::Institution& institution : call.directory->content().institutions) {
    *response.add_institutions() = Show(institution);
  }
  response.set_directory_version(call.directory->version());
  co_return response;
}

Task<absl::StatusOr<v1::GetInstitutionResponse>> DirectoryHandlers::GetInstitution(
    rpc::Call call, v1::GetInstitutionRequest request) {
  const directory::Institution* institution = call.directory->FindInstitution(request.institution());
  if (institution == nullptr) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetInstitutionResponse response;
  *response.mutable_institution() = Show(*institution);
  for (const directory::Desk* desk : call.directory->DesksOf(request.institution())) {
    *response.add_desks() = Show(*desk);
  }
  co_return response;
}

Task<absl::StatusOr<v1::FindDeskResponse>> DirectoryHandlers::FindDesk(rpc::Call call,
                                                                       v1::FindDeskRequest request) {
  int insee = 0;
  if (!request.arrondissement().empty()) {
    insee = Arrondissement(request.arrondissement());
    if (insee == 0) {
      co_return rpc::InvalidField("arrondissement", "is neither 75101–75120 nor a Paris postal code");
    }
  }
  v1::FindDeskResponse response;
  if (!request.public_().empty()) {
    for (const directory::Desk* desk : call.directory->DesksFor(request.public_(), insee)) {
      *response.add_desks() = Show(*desk);
    }
    co_return response;
  }
  for (const directory::Desk& desk : call.directory->content().desks) {
    if (insee == 0 || desk.Covers(insee)) {
      *response.add_desks() = Show(desk);
    }
  }
  co_return response;
}

Task<absl::StatusOr<v1::GetVersionResponse>> DirectoryHandlers::GetVersion(rpc::Call call,
                                                                           v1::GetVersionRequest request) {
  const uint64_t wanted = request.version() == 0 ? call.directory->version() : request.version();
  const auto found = archive_(wanted);
  if (!found.ok()) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetVersionResponse response;
  response.set_version(found->version);
  response.set_directory(found->yaml);
  response.set_signature(found->signature);
  if (wanted == call.directory->version()) {
    *response.mutable_not_after() = ToProto(call.directory->content().not_after);
  }
  co_return response;
}

Task<absl::StatusOr<v1::GetCodeListsResponse>> DirectoryHandlers::GetCodeLists(
    rpc::Call call, v1::GetCodeListsRequest request) {
  const bool english = request.language().starts_with("en");
  const directory::Content& content = call.directory->content();
  v1::GetCodeListsResponse response;
  AddCodes(content.purposes, english, *response.mutable_purposes());
  AddCodes(content.categories, english, *response.mutable_categories());
  AddCodes(content.signs, english, *response.mutable_signs());
  response.set_directory_version(call.directory->version());
  co_return response;
}

}  // namespace relais::routing
