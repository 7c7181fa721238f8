#include "tests/bench/sample.h"

#include "absl/strings/str_cat.h"

namespace relais::bench {
namespace {

constexpr char kRecipient[] = "casvp";
constexpr char kPurpose[] = "SOCIAL_ASSESSMENT";
constexpr const char* kCategories[] = {"IDENTITY", "SOCIAL_SITUATION"};
constexpr int64_t kExpires = 1'800'000'000;
constexpr int32_t kExpiresNanos = 123'456'000;

}  // namespace

consent::v1::RegisterRequest RegistrationOf(const std::string& run, uint64_t person) {
  consent::v1::RegisterRequest request;
  request.set_request_id(absl::StrCat("bench-register-", run, "-", person));
  request.set_own_identifier(absl::StrCat("BENCH-", run, "-", person));
  consent::v1::Traits& traits = *request.mutable_traits();
  traits.set_surname("Diallo-Lefèvre");
  traits.set_first_names("Awa Jeanne");
  traits.mutable_birth_date()->set_year(1950 + static_cast<int>(person % 50));
  traits.mutable_birth_date()->set_month(1 + static_cast<int>(person % 12));
  traits.mutable_birth_date()->set_day(2 + static_cast<int>(person % 25));
  traits.set_postal_code("75013");
  return request;
}

consent::v1::RecordConsentRequest AgreementOf(const std::string& handle, const std::string& request_id) {
  consent::v1::RecordConsentRequest request;
  request.set_request_id(request_id);
  request.mutable_person()->set_handle(handle);
  consent::v1::ConsentLine& line = *request.add_lines();
  line.add_purposes(kPurpose);
  for (const char* category : kCategories) {
    line.add_categories(category);
  }
  line.add_recipients()->set_institution(kRecipient);
  line.add_acts(common::v1::ACT_TRANSMIT);
  request.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
  request.set_method(consent::v1::METHOD_SIGNED_PAPER);
  request.mutable_notice()->set_id("notice-generale");
  request.mutable_notice()->set_version("2026-1");
  request.mutable_notice()->set_sha256(std::string(32, '\x5a'));
  request.set_evidence("DOSSIER-2026-000123");
  return request;
}

consent::v1::CheckRequest CheckOf(const std::string& handle, bool dry_run) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_handle(handle);
  request.mutable_sender()->set_institution(kInstitution);
  request.mutable_sender()->set_function(kFunction);
  request.mutable_recipient()->set_institution(kRecipient);
  request.set_purpose(kPurpose);
  for (const char* category : kCategories) {
    request.add_categories(category);
  }
  request.set_act(common::v1::ACT_TRANSMIT);
  request.set_dry_run(dry_run);
  return request;
}

consent::v1::CheckResponse EchoedPermit() {
  consent::v1::CheckResponse response;
  response.set_decision(common::v1::DECISION_PERMIT);
  response.set_ground(common::v1::GROUND_AGREEMENT);
  response.set_reason(consent::v1::REASON_AGREEMENT);
  for (const char* category : kCategories) {
    consent::v1::CategoryDecision& one = *response.add_categories();
    one.set_category(category);
    one.set_decision(common::v1::DECISION_PERMIT);
    one.set_ground(common::v1::GROUND_AGREEMENT);
    one.set_reason(consent::v1::REASON_AGREEMENT);
  }
  response.set_revision("relais.test/consent/1:12345");
  response.mutable_permit()->set_permit_id("relais.test/consent/1:12344");
  response.mutable_permit()->mutable_expires()->set_seconds(kExpires);
  response.mutable_permit()->mutable_expires()->set_nanos(kExpiresNanos);
  return response;
}

}  // namespace relais::bench
