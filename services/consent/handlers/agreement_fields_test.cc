// What is said with an agreement and with its renewal is what is read back of them: each field, each value.
// And what each act and each special category of an agreement lets (D-2.4, D-2.7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/directory/codes.h"
#include "common/rpc/refusal.h"
#include "common/rpc/validate.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SimWorld;

using Names = std::set<std::string>;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr int32_t kHalfASecond = 500'000'000;

bool IsMessage(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

// What a field holds of these messages; `set` becomes true where one of them has it.
std::vector<const Message*> Within(const std::vector<const Message*>& messages, const FieldDescriptor& field,
                                   bool& set) {
  std::vector<const Message*> within;
  for (const Message* message : messages) {
    const Reflection& reflection = *message->GetReflection();
    const int count = field.is_repeated() ? reflection.FieldSize(*message, &field)
                                          : static_cast<int>(reflection.HasField(*message, &field));
    set = set || count > 0;
    for (int i = 0; IsMessage(field) && i < count; ++i) {
      within.push_back(field.is_repeated() ? &reflection.GetRepeatedMessage(*message, &field, i)
                                           : &reflection.GetMessage(*message, &field));
    }
  }
  return within;
}

void AddUnset(const Descriptor& type, const std::vector<const Message*>& messages, const std::string& prefix,
              Names& unset) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    bool set = false;
    const std::vector<const Message*> within = Within(messages, field, set);
    if (!set) {
      unset.insert(prefix + field.name());
    } else if (IsMessage(field)) {
      AddUnset(*field.message_type(), within, prefix + field.name() + ".", unset);
    }
  }
}

// At every depth, such as "notice.sha256"; of a list what no element sets.
Names Unset(const Message& message) {
  Names unset;
  AddUnset(*message.GetDescriptor(), {&message}, "", unset);
  return unset;
}

Names FieldsOf(const Descriptor& type) {
  Names names;
  for (int i = 0; i < type.field_count(); ++i) {
    names.insert(type.field(i)->name());
  }
  return names;
}

Names Without(Names names, const Names& others) {
  for (const std::string& other : others) {
    EXPECT_EQ(names.erase(other), 1U) << other << " is no field";
  }
  return names;
}

// What a field of that name says, whatever message it is in.
std::string Said(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) {
    return absl::StrCat("no field ", name, " in ", message.GetDescriptor()->full_name());
  }
  const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
  std::string said;
  for (int i = 0; i < count; ++i) {
    std::string one;
    google::protobuf::TextFormat::PrintFieldValueToString(message, field, field->is_repeated() ? i : -1,
                                                          &one);
    absl::StrAppend(&said, one, ";");
  }
  return said;
}

// As every call is judged before its handler.
absl::Status Judged(const Message& request) {
  rpc::Validator validator;
  SimWorld::Require(validator.Prepare(request.GetDescriptor()));
  return validator.Check(request).status;
}

void SetInstant(absl::Time time, google::protobuf::Timestamp& out) {
  out.set_seconds(absl::ToUnixSeconds(time));
  out.set_nanos(kHalfASecond);
}

void SetDay(int year, common::v1::Date& date) {
  date.set_year(year);
  date.set_month(6);
  date.set_day(30);
}

// By a judgment, to 30 June of that year.
v1::Representative Tutor(int until, const std::string& reference) {
  v1::Representative tutor;
  tutor.set_kind(v1::REPRESENTATION_TUTELLE);
  tutor.set_reference(reference);
  tutor.set_scope(v1::JUDGMENT_SCOPE_PERSON_AND_PROPERTY);
  SetDay(2025, *tutor.mutable_from());
  SetDay(until, *tutor.mutable_until());
  return tutor;
}

v1::Notice NoticeIn(const std::string& language, const std::string& version) {
  v1::Notice notice;
  notice.set_id("notice-7");
  notice.set_version(version);
  notice.set_sha256(std::string(32, version[0]));
  notice.set_language(language);
  return notice;
}

common::v1::Acting Agent(const std::string& agent, const std::string& function) {
  common::v1::Acting acting = SimWorld::Acting("ville-paris", function);
  acting.set_agent(agent);
  return acting;
}

// Every field that a caller can set, as a service carries it.
v1::RecordConsentRequest WholeAgreement(const common::v1::PersonRef& person) {
  v1::RecordConsentRequest request;
  request.set_request_id("c1");
  *request.mutable_person() = person;
  v1::ConsentLine* line = request.add_lines();
  line->add_purposes("RIGHTS_OPENING");
  line->add_purposes("HEALTH_CARE_COORDINATION");
  line->add_categories("HEALTH");
  line->add_categories("IDENTITY");
  line->add_recipients()->set_institution("caf");
  line->add_recipients()->set_kind("HOSPITAL");
  line->add_acts(common::v1::ACT_STORE);
  line->add_acts(common::v1::ACT_CONSULT);
  line = request.add_lines();
  line->add_purposes("ENERGY_AID");
  line->add_categories("ENERGY_DEBT");
  line->add_recipients()->set_institution("casvp");
  line->add_acts(common::v1::ACT_TRANSMIT);
  request.set_legal_basis(v1::LEGAL_BASIS_CONSENT);
  request.set_explicit_(true);
  SetInstant(testing::StoryStart() - absl::Hours(2), *request.mutable_valid_from());
  SetInstant(testing::StoryStart() + kDay * 200, *request.mutable_valid_until());
  request.set_method(v1::METHOD_SPOKEN_WITNESSED);
  *request.mutable_notice() = NoticeIn("ar", "3");
  request.add_aids(v1::AID_PICTOGRAMS);
  request.add_aids(v1::AID_INTERPRETER);
  request.set_evidence("dossier papier A-12, feuille 4");
  request.set_source_reference("REF-7");
  *request.mutable_acting() = Agent("agent-7", "assistant-social");
  request.set_want_proof(true);
  *request.mutable_representative() = Tutor(2027, "TJ Paris 24-01234");
  return request;
}

v1::RenewConsentRequest WholeRenewal(const common::v1::PersonRef& person, const v1::Consent& consent) {
  v1::RenewConsentRequest request;
  request.set_request_id("r1");
  *request.mutable_person() = person;
  request.set_consent_id(consent.consent_id());
  request.set_etag(consent.etag());
  SetInstant(testing::StoryStart() + kDay * 400, *request.mutable_valid_until());
  request.set_method(v1::METHOD_ELECTRONIC);
  *request.mutable_notice() = NoticeIn("ro", "4");
  request.add_aids(v1::AID_READ_ALOUD);
  request.set_evidence("dossier papier A-12, feuille 9");
  *request.mutable_representative() = Tutor(2028, "TJ Paris 27-00008");
  *request.mutable_acting() = Agent("agent-8", "travailleur-social");
  request.set_want_proof(true);
  return request;
}

// Not of the agreement: who it is of is read back as the reader knows her, who collected it as `collector`.
Names OfTheRequestAlone() { return {"request_id", "person", "acting", "want_proof"}; }
Names OfTheAgreement() {
  return Without(FieldsOf(*v1::RecordConsentRequest::descriptor()), OfTheRequestAlone());
}
Names OfARenewal() {
  return Without(FieldsOf(*v1::RenewConsentRequest::descriptor()),
                 {"request_id", "person", "consent_id", "etag", "acting", "want_proof"});
}

struct Desk {
  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1");
  common::v1::PersonRef raw = world.RawRef(world.IdOf(person));

  std::string Record(const v1::RecordConsentRequest& request) {
    const auto recorded = world.Record(request);
    SimWorld::Require(recorded.status());
    return recorded->consent_id();
  }
  absl::StatusOr<v1::RecordConsentResponse> RecordByService(const v1::RecordConsentRequest& request) {
    return world.Run(world.service().agreements().RecordConsent(world.AsService("alerting"), request));
  }
  absl::StatusOr<v1::RenewConsentResponse> RenewByService(const v1::RenewConsentRequest& request) {
    return world.Run(world.service().consents().RenewConsent(world.AsService("alerting"), request));
  }
  v1::Consent Get(const std::string& id) {
    v1::GetConsentRequest request;
    *request.mutable_person() = person;
    request.set_consent_id(id);
    const auto response = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return response->consent();
  }
  std::vector<std::string> List() {
    v1::ListConsentsRequest request;
    *request.mutable_person() = person;
    const auto response =
        world.Run(world.service().consents().ListConsents(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    std::vector<std::string> listed;
    for (const v1::Consent& consent : response->consents()) {
      listed.push_back(consent.SerializeAsString());
    }
    return listed;
  }
  // The last of that class.
  audit::OpenedLeaf LeafOf(audit::v1::EventClass event_class) {
    audit::OpenedLeaf found;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      if (leaf.leaf.header.event_class() == event_class) {
        found = leaf;
      }
    }
    return found;
  }
};

void ExpectSaysAsAsked(const Message& read, const Message& asked, const Names& fields) {
  for (const std::string& name : fields) {
    EXPECT_EQ(Said(read, name), Said(asked, name)) << name;
  }
}

void ExpectDoneBy(Desk& desk, const audit::OpenedLeaf& leaf, const common::v1::Acting& acting) {
  EXPECT_EQ(leaf.leaf.header.institution(), acting.party().institution());
  EXPECT_EQ(leaf.details.acting_function(), acting.party().function());
  const auto actor = desk.world.log().Actor(leaf.leaf);
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_EQ(actor->agent(), acting.agent());
}

// ---- each field

// Whoever adds a field to the request sets it here, and it is read back, or says that it is not of the
// agreement.
TEST(AgreementFields, AreAllReadBack) {
  Desk desk;
  const v1::RecordConsentRequest request = WholeAgreement(desk.raw);
  ASSERT_EQ(Unset(request), (Names{"person.handle"}));  // a service has the raw id
  ASSERT_TRUE(Judged(request).ok()) << Judged(request);
  const auto recorded = desk.RecordByService(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_TRUE(audit::VerifyProof(recorded->written().proof(), {desk.world.harness().verify_key()}).ok());
  const audit::OpenedLeaf leaf = desk.LeafOf(audit::v1::EVENT_CLASS_CONSENT_RECORDED);
  v1::ConsentRecorded payload;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
  ExpectSaysAsAsked(payload.consent(), request, OfTheAgreement());
  ExpectDoneBy(desk, leaf, request.acting());

  desk.world.Restart();
  const v1::Consent consent = desk.Get(recorded->consent_id());
  ExpectSaysAsAsked(consent, request, OfTheAgreement());
  EXPECT_THAT(desk.List(), ElementsAre(consent.SerializeAsString()));
  // All other fields are known here, and say what follows from the request.
  EXPECT_EQ(Without(FieldsOf(*v1::Consent::descriptor()), OfTheAgreement()),
            (Names{"consent_id", "collector", "mandate_until", "renewals", "state", "etag", "secrecy_ground",
                   "events", "person"}));
  EXPECT_EQ(consent.consent_id(), recorded->consent_id());
  EXPECT_EQ(consent.collector().institution(), "ville-paris");
  EXPECT_EQ(consent.collector().function(), "assistant-social");
  EXPECT_EQ(consent.mandate_until().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(2027, 6, 30, 22), absl::UTCTimeZone())));
  EXPECT_EQ(consent.renewals_size(), 0);
  EXPECT_EQ(consent.state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_FALSE(consent.etag().empty());
  EXPECT_EQ(consent.secrecy_ground(), common::v1::GROUND_AGREEMENT);
  ASSERT_EQ(consent.events_size(), 1);
  EXPECT_EQ(consent.events(0).state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(Said(consent.events(0), "at"), Said(request, "valid_from"));
  EXPECT_EQ(consent.person().handle(), desk.person.handle());
}

TEST(AgreementFields, OfARenewalAreAllReadBackAndTheAgreementsStay) {
  Desk desk;
  v1::RecordConsentRequest request = WholeAgreement(desk.raw);
  request.clear_source_reference();  // else it is not renewed (D-4.4a)
  const auto recorded = desk.RecordByService(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  const v1::Consent before = desk.Get(recorded->consent_id());
  const v1::RenewConsentRequest renewal = WholeRenewal(desk.raw, before);
  ASSERT_EQ(Unset(renewal), (Names{"person.handle"}));
  ASSERT_TRUE(Judged(renewal).ok()) << Judged(renewal);
  desk.world.harness().sim().RunFor(kDay);
  const auto renewed = desk.RenewByService(renewal);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_TRUE(audit::VerifyProof(renewed->written().proof(), {desk.world.harness().verify_key()}).ok());
  EXPECT_EQ(Said(*renewed, "valid_until"), Said(renewal, "valid_until"));
  const audit::OpenedLeaf leaf = desk.LeafOf(audit::v1::EVENT_CLASS_CONSENT_RENEWED);
  v1::ConsentRenewed payload;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
  ExpectSaysAsAsked(payload.renewal(), renewal, OfARenewal());
  ExpectDoneBy(desk, leaf, renewal.acting());

  desk.world.Restart();
  const v1::Consent after = desk.Get(recorded->consent_id());
  EXPECT_THAT(desk.List(), ElementsAre(after.SerializeAsString()));
  ASSERT_EQ(after.renewals_size(), 1);
  ExpectSaysAsAsked(after.renewals(0), renewal, OfARenewal());
  EXPECT_EQ(Without(FieldsOf(*v1::Renewal::descriptor()), OfARenewal()), (Names{"at", "mandate_until"}));
  EXPECT_EQ(after.renewals(0).at().seconds(), renewed->written().time().seconds());
  EXPECT_EQ(after.renewals(0).mandate_until().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(2028, 6, 30, 22), absl::UTCTimeZone())));
  // What she said first is told as it was, but for its end.
  ExpectSaysAsAsked(after, request, Without(OfTheAgreement(), {"valid_until"}));
  ExpectSaysAsAsked(after, before, {"consent_id", "collector", "secrecy_ground", "person"});
  ExpectSaysAsAsked(after, after.renewals(0), {"valid_until", "mandate_until"});
  EXPECT_EQ(after.state(), v1::CONSENT_STATE_RENEWED);
  EXPECT_NE(after.etag(), before.etag());
}

// ---- each value

// Of a required enum of the request.
void ExpectEachValueKept(const std::string& name) {
  Desk desk;
  const FieldDescriptor* field = v1::RecordConsentRequest::descriptor()->FindFieldByName(name);
  ASSERT_NE(field, nullptr);
  const EnumDescriptor& type = *field->enum_type();
  ASSERT_GT(type.value_count(), 2);
  for (int i = 0; i < type.value_count(); ++i) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(desk.person, type.value(i)->name());
    request.set_source_reference("REF-1");  // what is said on site needs one
    request.GetReflection()->SetEnumValue(&request, field, type.value(i)->number());
    const absl::Status judged = Judged(request);
    if (type.value(i)->number() == 0) {
      EXPECT_EQ(rpc::ReasonOf(judged), common::v1::ERROR_REASON_INVALID_FIELDS);
      EXPECT_THAT(std::string(judged.message()), HasSubstr(name));
      continue;
    }
    EXPECT_TRUE(judged.ok()) << judged;
    EXPECT_EQ(Said(desk.Get(desk.Record(request)), name), type.value(i)->name() + ";");
  }
  v1::RecordConsentRequest unknown = SimWorld::ConsentFor(desk.person, "unknown");
  unknown.GetReflection()->SetEnumValue(&unknown, field, 99);
  EXPECT_THAT(std::string(Judged(unknown).message()), HasSubstr(name));
}

TEST(AgreementFields, EveryMethodIsKept) { ExpectEachValueKept("method"); }

TEST(AgreementFields, EveryLegalBasisIsKept) { ExpectEachValueKept("legal_basis"); }

TEST(AgreementFields, EveryMethodOfARenewalIsKept) {
  Desk desk;
  const std::string id = desk.Record(SimWorld::ConsentFor(desk.person, "c1"));
  int renewals = 0;
  for (const v1::Method method :
       {v1::METHOD_SIGNED_PAPER, v1::METHOD_SPOKEN_WITNESSED, v1::METHOD_ELECTRONIC}) {
    v1::RenewConsentRequest renewal;
    renewal.set_request_id(absl::StrCat("r", method));
    *renewal.mutable_person() = desk.person;
    renewal.set_consent_id(id);
    renewal.set_method(method);
    *renewal.mutable_notice() = NoticeIn("fr", "3");
    const auto renewed =
        desk.world.Run(desk.world.service().consents().RenewConsent(desk.world.As("ville-paris"), renewal));
    ASSERT_TRUE(renewed.ok()) << renewed.status();
    const v1::Consent consent = desk.Get(id);
    ASSERT_EQ(consent.renewals_size(), ++renewals);
    EXPECT_EQ(consent.renewals(renewals - 1).method(), method);
    EXPECT_EQ(consent.method(), v1::METHOD_SIGNED_PAPER) << "how she said it first";
  }
}

TEST(AgreementFields, EveryAidIsKept) {
  Desk desk;
  const EnumDescriptor& type = *v1::Aid_descriptor();
  for (int i = 0; i < type.value_count(); ++i) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(desk.person, type.value(i)->name());
    EXPECT_EQ(Said(request, "aids"), "");
    request.add_aids(static_cast<v1::Aid>(type.value(i)->number()));
    const absl::Status judged = Judged(request);
    if (type.value(i)->number() == 0) {
      EXPECT_THAT(std::string(judged.message()), HasSubstr("aids[0]"));
      continue;
    }
    EXPECT_TRUE(judged.ok()) << judged;
    EXPECT_EQ(Said(desk.Get(desk.Record(request)), "aids"), type.value(i)->name() + ";");
  }
  EXPECT_EQ(desk.Get(desk.Record(SimWorld::ConsentFor(desk.person, "none"))).aids_size(), 0);
}

TEST(AgreementFields, TheLanguageSheWasToldInIsKept) {
  Desk desk;
  for (const char* language : {"fr", "en", "ar", "es", "ro", "ru", "pt-BR"}) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(desk.person, language);
    request.mutable_notice()->set_language(language);
    EXPECT_TRUE(Judged(request).ok()) << Judged(request);
    EXPECT_EQ(desk.Get(desk.Record(request)).notice().language(), language);
  }
  EXPECT_EQ(desk.Get(desk.Record(SimWorld::ConsentFor(desk.person, "none"))).notice().language(), "fr");
}

// The human at the desk says for whom she asks by her certificate and metadata.
TEST(AgreementFields, OfADeskHaveItsFunctionAndAgent) {
  Desk desk;
  rpc::Call call = desk.world.As("ville-paris", "dsol", "travailleur-social");
  call.caller.agent = "agent-9";
  const auto recorded = desk.world.Run(
      desk.world.service().agreements().RecordConsent(call, SimWorld::ConsentFor(desk.person, "c1")));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_EQ(desk.Get(recorded->consent_id()).collector().function(), "travailleur-social");
  ExpectDoneBy(desk, desk.LeafOf(audit::v1::EVENT_CLASS_CONSENT_RECORDED),
               Agent("agent-9", "travailleur-social"));
}

// ---- what they let

std::vector<common::v1::Act> AllActs() {
  std::vector<common::v1::Act> acts;
  for (int i = 0; i < common::v1::Act_descriptor()->value_count(); ++i) {
    acts.push_back(static_cast<common::v1::Act>(common::v1::Act_descriptor()->value(i)->number()));
  }
  std::erase(acts, common::v1::ACT_UNSPECIFIED);
  return acts;
}

TEST(AgreementActs, EachPermitsItselfAlone) {
  SimWorld world;
  for (const common::v1::Act agreed : AllActs()) {
    const common::v1::PersonRef person = world.NewPerson(absl::StrCat("case-", agreed));
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person, absl::StrCat("c", agreed));
    request.mutable_lines(0)->set_acts(0, agreed);
    ASSERT_TRUE(world.Record(request).ok());
    for (const common::v1::Act asked : AllActs()) {
      v1::CheckRequest check = SimWorld::CheckFor(person);
      check.set_act(asked);
      EXPECT_EQ(world.Decision(check), asked == agreed ? DECISION_PERMIT : DECISION_DENY)
          << common::v1::Act_Name(agreed) << " agreed, " << common::v1::Act_Name(asked) << " asked";
    }
  }
}

// D-2.7, RGPD art. 9: the flag alone makes the difference.
class SpecialCategories : public ::testing::TestWithParam<std::string> {
 protected:
  common::v1::Decision Decision() {
    v1::CheckRequest check = SimWorld::CheckFor(person_);
    check.set_categories(0, GetParam());
    return world_.Decision(check);
  }
  // Beside others, so that what is named is where it stands.
  v1::RecordConsentRequest Agreement() {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person_, "c1");
    *request.add_lines() = request.lines(0);
    request.mutable_lines(1)->add_categories(GetParam());
    return request;
  }

  SimWorld world_;
  common::v1::PersonRef person_ = world_.NewPerson("case-1");
};

TEST_P(SpecialCategories, AreRefusedWithoutTheFlagAndPermittedWithIt) {
  v1::RecordConsentRequest request = Agreement();
  const absl::Status refused = world_.Record(request).status();
  EXPECT_EQ(rpc::ReasonOf(refused), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("lines[1].categories[1]"));
  EXPECT_THAT(rpc::FieldsOf(refused).ShortDebugString(), HasSubstr("explicit"));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 0U);
  EXPECT_EQ(Decision(), DECISION_DENY);
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person_)), DECISION_DENY) << "nothing of it was recorded";

  request.set_explicit_(true);
  const auto recorded = world_.Record(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  EXPECT_EQ(Decision(), DECISION_PERMIT);
}

// That she agreed explicitly to one says nothing of the others.
TEST_P(SpecialCategories, AreNotPermittedByAnExplicitAgreementToAnother) {
  for (const std::string_view other : directory::kSpecialCategories) {
    if (other == GetParam()) {
      continue;
    }
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person_, std::string(other));
    request.mutable_lines(0)->add_categories(std::string(other));
    request.set_explicit_(true);
    ASSERT_TRUE(world_.Record(request).ok()) << other;
  }
  EXPECT_EQ(Decision(), DECISION_DENY);
}

INSTANTIATE_TEST_SUITE_P(All, SpecialCategories,
                         ::testing::ValuesIn(std::vector<std::string>(directory::kSpecialCategories.begin(),
                                                                      directory::kSpecialCategories.end())),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param, {{"_", ""}});
                         });

// So that the loop above is of all of them: no other category of the directory needs the flag.
TEST(OtherCategories, NeedNoFlag) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  for (const directory::CodeEntry& category : world.directory().content().categories) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person, category.code);
    request.mutable_lines(0)->set_categories(0, category.code);
    const bool special = directory::IsOneOf(category.code, directory::kSpecialCategories);
    const bool offence = category.code == directory::kOffenceCategory;
    EXPECT_EQ(world.Record(request).ok(), !special && !offence) << category.code;
  }
}

}  // namespace
}  // namespace relais::consent
