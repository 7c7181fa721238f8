#include "tests/bench/sample.h"

#include <iterator>

#include "absl/strings/str_cat.h"

namespace relais::bench {
namespace {

constexpr char kRecipient[] = "casvp";
constexpr char kPurpose[] = "SOCIAL_ASSESSMENT";
constexpr const char* kCategories[] = {"IDENTITY", "SOCIAL_SITUATION"};

// What else people agree to: of ordinary categories only.
struct OtherPurpose {
  const char* recipient;
  const char* purpose;
  const char* categories[3];
};
constexpr OtherPurpose kOthers[] = {
    {"caf", "RIGHTS_OPENING", {"IDENTITY", "RESOURCES", "FAMILY"}},
    {"cpam", "RIGHTS_OPENING", {"IDENTITY", "CONTACT", "RESOURCES"}},
    {"siao", "SHELTER_ORIENTATION", {"IDENTITY", "HOUSING", "FAMILY"}},
    {"emmaus", "REFERENT_COORDINATION", {"IDENTITY", "CONTACT", "SOCIAL_SITUATION"}},
};

constexpr int64_t kExpires = 1'800'000'000;
constexpr int32_t kExpiresNanos = 123'456'000;

// Nobody is like anybody else, so that registering leaves no candidates for a steward. Names are of letters;
// all of one length.
std::string Letters(uint64_t person) {
  constexpr int kLetters = 8;
  std::string letters;
  for (int i = 0; i < kLetters; ++i) {
    letters += static_cast<char>('a' + person % 26);
    person /= 26;
  }
  return letters;
}

}  // namespace

consent::v1::RegisterRequest RegistrationOf(const std::string& run, uint64_t person) {
  consent::v1::RegisterRequest request;
  request.set_request_id(absl::StrCat("bench-register-", run, "-", person));
  request.set_own_identifier(absl::StrCat("BENCH-", run, "-", person));
  consent::v1::Traits& traits = *request.mutable_traits();
  traits.set_surname("Diallo-Lefèvre" + Letters(person));
  traits.set_first_names("Awa" + Letters(person));
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

consent::v1::RecordConsentRequest OtherAgreementOf(const std::string& handle, const std::string& request_id,
                                                   uint64_t kind) {
  const OtherPurpose& other = kOthers[kind % std::size(kOthers)];
  consent::v1::RecordConsentRequest request = AgreementOf(handle, request_id);
  consent::v1::ConsentLine& line = *request.mutable_lines(0);
  line.set_purposes(0, other.purpose);
  line.clear_categories();
  for (const char* category : other.categories) {
    line.add_categories(category);
  }
  line.mutable_recipients(0)->set_institution(other.recipient);
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

consent::v1::BatchCheckRequest BatchCheckOf(bool dry_run) {
  const consent::v1::CheckRequest one = CheckOf("", dry_run);
  consent::v1::BatchCheckRequest request;
  *request.mutable_sender() = one.sender();
  *request.mutable_recipient() = one.recipient();
  request.set_purpose(one.purpose());
  *request.mutable_categories() = one.categories();
  request.set_act(one.act());
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
