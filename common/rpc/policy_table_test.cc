// Every method of the suite: what the function of whoever calls it must be allowed to do. Whoever adds a
// method decides it here too.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/directory/parse.h"
#include "common/pki/file.h"
#include "common/rpc/policy.h"
#include "common/rpc/testing/service_world.h"
#include "relais/alerting/v1/alert_service.pb.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "relais/audit/v1/audit_service.pb.h"
#include "relais/audit/v1/hold_service.pb.h"
#include "relais/audit/v1/maintenance_service.pb.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "relais/consent/v1/rights_service.pb.h"
#include "relais/routing/v1/directory_service.pb.h"
#include "relais/routing/v1/inbox_service.pb.h"
#include "relais/routing/v1/referent_service.pb.h"
#include "relais/routing/v1/routing_service.pb.h"
#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/export_service.pb.h"
#include "relais/vault/v1/host_service.pb.h"
#include "relais/vault/v1/key_service.pb.h"
#include "relais/vault/v1/operation_service.pb.h"
#include "relais/vault/v1/share_service.pb.h"

namespace relais::rpc {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

std::vector<const FileDescriptor*> Files() {
  return {alerting::v1::ListRequest::descriptor()->file(),
          alerting::v1::ListDeliveriesRequest::descriptor()->file(),
          audit::v1::GetCheckpointRequest::descriptor()->file(),
          audit::v1::ListHoldsRequest::descriptor()->file(),
          audit::v1::GetStatusRequest::descriptor()->file(),
          consent::v1::CheckRequest::descriptor()->file(),
          consent::v1::DeclareRequest::descriptor()->file(),
          consent::v1::RegisterRequest::descriptor()->file(),
          consent::v1::RectifyRequest::descriptor()->file(),
          routing::v1::FindDeskRequest::descriptor()->file(),
          routing::v1::PullRequest::descriptor()->file(),
          routing::v1::ProposeRequest::descriptor()->file(),
          routing::v1::SubmitRequest::descriptor()->file(),
          vault::v1::ListRequest::descriptor()->file(),
          vault::v1::ExportRequest::descriptor()->file(),
          vault::v1::ListHostsRequest::descriptor()->file(),
          vault::v1::RotateRequest::descriptor()->file(),
          vault::v1::GetScrubRequest::descriptor()->file(),
          vault::v1::ShareRequest::descriptor()->file()};
}

// "consent.PersonService/Register" → the method.
std::map<std::string, const MethodDescriptor*> Methods() {
  std::map<std::string, const MethodDescriptor*> methods;
  for (const FileDescriptor* file : Files()) {
    const std::vector<std::string> package = absl::StrSplit(file->package(), '.');
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const MethodDescriptor* method = file->service(s)->method(m);
        methods.emplace(absl::StrCat(package[1], ".", file->service(s)->name(), "/", method->name()), method);
      }
    }
  }
  return methods;
}

const common::v1::Policy& PolicyOf(const MethodDescriptor& method) {
  return method.options().GetExtension(common::v1::policy);
}

// Any one of the words is enough; none: every function may.
const std::map<std::string, std::string>& Expected() {
  static const auto* const kExpected = new std::map<std::string, std::string>{
      {"alerting.AlertService/Get", "RECEIVE"},
      {"alerting.AlertService/List", "RECEIVE"},
      {"alerting.AlertService/Take", "TAKE"},
      {"alerting.SignalService/ListDeliveries", "SUBMIT_SIGNAL"},
      {"alerting.SignalService/SubmitRows", "SUBMIT_SIGNAL"},
      {"alerting.SignalService/SubmitStream", "SUBMIT_SIGNAL"},
      {"audit.AuditService/AddCosignature", ""},  // signed by a witness that the directory knows
      {"audit.AuditService/ApproveScope", "AUDIT OPERATE"},
      {"audit.AuditService/Export", "AUDIT"},
      {"audit.AuditService/GetCheckpoint", ""},  // anybody may verify
      {"audit.AuditService/GetConsistencyProof", ""},
      {"audit.AuditService/GetInclusionProof", ""},
      {"audit.AuditService/ListLeaves", "AUDIT"},
      {"audit.AuditService/ListScopes", "AUDIT OPERATE"},
      {"audit.AuditService/ProposeScope", "AUDIT OPERATE"},
      {"audit.AuditService/Query", "AUDIT"},
      {"audit.AuditService/Tail", "AUDIT"},
      {"audit.HoldService/ListHolds", "OPERATE MATCH_PERSONS ANSWER_RIGHTS AUDIT"},
      {"audit.HoldService/ReadHold", "AUDIT"},
      {"audit.MaintenanceService/CreateBackup", "OPERATE"},
      {"audit.MaintenanceService/DestroyMonth", "OPERATE"},
      {"audit.MaintenanceService/GetErasure", "OPERATE MATCH_PERSONS ANSWER_RIGHTS"},
      {"audit.MaintenanceService/GetStatus", "OPERATE"},
      {"audit.MaintenanceService/ListBackups", "OPERATE"},
      {"audit.MaintenanceService/RotateEpoch", "OPERATE"},
      {"audit.MaintenanceService/VerifyBackup", "OPERATE"},
      {"consent.ConsentService/AnswerErasureNotice", "RECEIVE ANSWER_RIGHTS"},
      {"consent.ConsentService/AnswerRectificationNotice", "RECEIVE ANSWER_RIGHTS"},
      {"consent.ConsentService/BatchCheck", "CHECK SUBMIT_SIGNAL"},  // who sends asks first
      {"consent.ConsentService/Check", "CHECK SUBMIT_SIGNAL"},
      {"consent.ConsentService/GetConsent", "RECORD_CONSENT CHECK"},
      {"consent.ConsentService/GetNotice", ""},  // a text that is read out
      {"consent.ConsentService/GetReceipt", "RECORD_CONSENT"},
      {"consent.ConsentService/GetWithdrawalStatus", "RECORD_CONSENT CHECK"},
      {"consent.ConsentService/LiftObjection", "RECORD_OBJECTION"},
      {"consent.ConsentService/ListConsents", "RECORD_CONSENT CHECK"},
      {"consent.ConsentService/ListDisclosures", "ANSWER_RIGHTS"},
      {"consent.ConsentService/ListObligations", "RECORD_CONSENT RECEIVE ANSWER_RIGHTS"},
      {"consent.ConsentService/ListWithheld", "ANSWER_RIGHTS"},
      {"consent.ConsentService/RecordConsent", "RECORD_CONSENT"},
      {"consent.ConsentService/RecordInformation", "RECORD_CONSENT"},
      {"consent.ConsentService/RecordObjection", ""},  // her no, at any desk
      {"consent.ConsentService/RecordRefusal", ""},    // likewise
      {"consent.ConsentService/RegisterNotice", "MATCH_PERSONS ANSWER_RIGHTS"},
      {"consent.ConsentService/RenewConsent", "RECORD_CONSENT"},
      {"consent.ConsentService/ReviewWithheld", "ANSWER_RIGHTS"},
      {"consent.ConsentService/WithdrawConsent", ""},  // her no, at any desk
      {"consent.EmergencyService/Declare", "DECLARE_EMERGENCY"},
      {"consent.EmergencyService/ListPending", "REVIEW_EMERGENCY ANSWER_RIGHTS"},
      {"consent.EmergencyService/Review", "REVIEW_EMERGENCY"},
      {"consent.PersonService/AcknowledgeErasure", ""},  // services only
      {"consent.PersonService/BatchResolve", "REGISTER_PERSON"},
      {"consent.PersonService/ConfirmMatch", "MATCH_PERSONS"},
      {"consent.PersonService/Erase", "MATCH_PERSONS ANSWER_RIGHTS"},
      {"consent.PersonService/GetLinkImpact", "MATCH_PERSONS"},
      {"consent.PersonService/LinkIdentifier", "REGISTER_PERSON"},
      {"consent.PersonService/ListCandidates", "MATCH_PERSONS"},
      {"consent.PersonService/Merge", "MATCH_PERSONS"},
      {"consent.PersonService/PlaceHold", "MATCH_PERSONS ANSWER_RIGHTS"},
      {"consent.PersonService/Register", "REGISTER_PERSON"},
      {"consent.PersonService/RejectMatch", "MATCH_PERSONS"},
      {"consent.PersonService/ReleaseHold", "MATCH_PERSONS ANSWER_RIGHTS"},
      {"consent.PersonService/Resolve", "REGISTER_PERSON"},
      {"consent.PersonService/Split", "MATCH_PERSONS"},
      {"consent.PersonService/TranslateHandles", "REGISTER_PERSON SUBMIT_SIGNAL MATCH_PERSONS"},
      {"consent.PersonService/UnlinkIdentifier", "REGISTER_PERSON"},
      {"consent.PersonService/UpdateStatus", "REGISTER_PERSON MATCH_PERSONS"},
      {"consent.RightsService/Answer", "ANSWER_RIGHTS"},
      {"consent.RightsService/Export", "ANSWER_RIGHTS"},
      {"consent.RightsService/ListOverdue", "ANSWER_RIGHTS"},
      {"consent.RightsService/Open", ""},  // her request, at any desk
      {"consent.RightsService/Rectify", "ANSWER_RIGHTS"},
      {"consent.RightsService/Restrict", ""},  // her no
      {"consent.RightsService/Unrestrict", "ANSWER_RIGHTS"},
      {"routing.DirectoryService/FindDesk", ""},  // the directory is everybody's
      {"routing.DirectoryService/GetCodeLists", ""},
      {"routing.DirectoryService/GetInstitution", ""},
      {"routing.DirectoryService/GetVersion", ""},
      {"routing.DirectoryService/ListInstitutions", ""},
      {"routing.InboxService/Ack", "RECEIVE"},
      {"routing.InboxService/ListByDesk", "RECEIVE"},
      {"routing.InboxService/Nack", "RECEIVE"},
      {"routing.InboxService/Pull", "RECEIVE"},
      {"routing.InboxService/Subscribe", "RECEIVE"},
      {"routing.InboxService/Take", "TAKE"},
      {"routing.ReferentService/Accept", "BE_REFERENT"},
      {"routing.ReferentService/Decline", "BE_REFERENT"},
      {"routing.ReferentService/End", ""},  // hers too, at any desk
      {"routing.ReferentService/GetReferent", "BE_REFERENT RECEIVE"},
      {"routing.ReferentService/Propose", "BE_REFERENT TAKE"},
      {"routing.ReferentService/RecordPersonDecision",
       ""},                                     // her no; her yes: the handler asks RECORD_CONSENT
      {"routing.RoutingService/PullBack", ""},  // services only
      {"routing.RoutingService/Resolve", "CHECK ASK_CONTACT"},
      {"routing.RoutingService/Submit", "CHECK ASK_CONTACT"},
      {"vault.DocumentService/AbandonUpload", "KEEP_PAPERS"},
      {"vault.DocumentService/BeginUpload", "KEEP_PAPERS"},
      {"vault.DocumentService/CompleteUpload", "KEEP_PAPERS"},
      {"vault.DocumentService/Count", "KEEP_PAPERS"},
      {"vault.DocumentService/Destroy", "KEEP_PAPERS"},
      {"vault.DocumentService/Download", "KEEP_PAPERS RECEIVE"},
      {"vault.DocumentService/GetMetadata", "KEEP_PAPERS RECEIVE"},
      {"vault.DocumentService/GetReceipt", "KEEP_PAPERS"},
      {"vault.DocumentService/List", "KEEP_PAPERS RECEIVE"},
      {"vault.DocumentService/QueryUpload", "KEEP_PAPERS"},
      {"vault.DocumentService/ReadJournal", "KEEP_PAPERS"},
      {"vault.DocumentService/ReadRange", "KEEP_PAPERS RECEIVE"},
      {"vault.DocumentService/UpdateMetadata", "KEEP_PAPERS"},
      {"vault.DocumentService/Upload", "KEEP_PAPERS"},
      {"vault.DocumentService/UploadPiece", "KEEP_PAPERS"},
      {"vault.DocumentService/Verify", "KEEP_PAPERS"},
      {"vault.ExportService/Export", "KEEP_PAPERS"},
      {"vault.HostService/LinkHost", "KEEP_PAPERS"},
      {"vault.HostService/ListHosts", "KEEP_PAPERS"},
      {"vault.HostService/UnlinkHost", ""},  // her no, at any desk
      {"vault.KeyService/Rotate", "OPERATE"},
      {"vault.KeyService/Status", "OPERATE"},
      {"vault.OperationService/AnnounceClosure", "OPERATE"},
      {"vault.OperationService/GetClosure", ""},  // everybody is to know
      {"vault.OperationService/GetScrub", "OPERATE"},
      {"vault.OperationService/StartScrub", "OPERATE"},
      {"vault.ShareService/DecideRequest", "KEEP_PAPERS"},
      {"vault.ShareService/List", "KEEP_PAPERS RECEIVE"},
      {"vault.ShareService/ListRequests", "KEEP_PAPERS RECEIVE"},
      {"vault.ShareService/RequestDocument", "RECEIVE"},
      {"vault.ShareService/Revoke", ""},  // her no
      {"vault.ShareService/Share", "KEEP_PAPERS"},
  };
  return *kExpected;
}

TEST(PolicyTable, EveryMethodSaysWhatAFunctionMustBeAllowedToDo) {
  std::map<std::string, std::string> found;
  for (const auto& [name, method] : Methods()) {
    found.emplace(name, absl::StrJoin(PolicyOf(*method).capabilities(), " "));
  }
  EXPECT_EQ(found, Expected());
}

TEST(PolicyTable, EveryServiceStarts) {
  Validator validator;
  MethodTable table;
  for (const FileDescriptor* file : Files()) {
    for (int s = 0; s < file->service_count(); ++s) {
      const absl::Status added = table.AddService(*file->service(s), validator);
      EXPECT_TRUE(added.ok()) << added;
    }
  }
  EXPECT_EQ(table.methods().size(), Expected().size());
}

// What a service goes on serving while its disk is nearly full: all but WRITES. Whoever adds a method decides
// it here too; what is in no list READS.
TEST(PolicyTable, WhatEachMethodDoesToWhatIsKept) {
  const std::map<common::v1::Effect, std::set<std::string>> expected = {
      {common::v1::EFFECT_ACKNOWLEDGES,
       {
           "alerting.AlertService/Take",
           "audit.AuditService/AddCosignature",
           "consent.ConsentService/AnswerErasureNotice",
           "consent.ConsentService/AnswerRectificationNotice",
           "routing.InboxService/Ack",
           "routing.InboxService/Nack",
           "routing.InboxService/Pull",
           "routing.InboxService/Subscribe",
           "routing.InboxService/Take",
       }},
      {common::v1::EFFECT_PROTECTS,
       {
           "audit.MaintenanceService/DestroyMonth",
           "consent.ConsentService/RecordObjection",
           "consent.ConsentService/RecordRefusal",
           "consent.ConsentService/WithdrawConsent",
           "consent.EmergencyService/Review",
           "consent.PersonService/AcknowledgeErasure",
           "consent.PersonService/Erase",
           "consent.PersonService/PlaceHold",
           "consent.PersonService/RejectMatch",
           "consent.PersonService/ReleaseHold",
           "consent.PersonService/Split",
           "consent.PersonService/UnlinkIdentifier",
           "consent.PersonService/UpdateStatus",
           "consent.RightsService/Restrict",
           "routing.ReferentService/Decline",
           "routing.ReferentService/End",
           "routing.ReferentService/RecordPersonDecision",
           "routing.RoutingService/PullBack",
           "vault.DocumentService/AbandonUpload",
           "vault.DocumentService/Destroy",
           "vault.HostService/UnlinkHost",
           "vault.ShareService/DecideRequest",
           "vault.ShareService/Revoke",
       }},
      {common::v1::EFFECT_WRITES,
       {
           "alerting.SignalService/SubmitRows",
           "alerting.SignalService/SubmitStream",
           "audit.AuditService/ApproveScope",
           "audit.AuditService/ProposeScope",
           "audit.MaintenanceService/CreateBackup",
           "audit.MaintenanceService/RotateEpoch",
           "consent.ConsentService/LiftObjection",
           "consent.ConsentService/RecordConsent",
           "consent.ConsentService/RecordInformation",
           "consent.ConsentService/RegisterNotice",
           "consent.ConsentService/RenewConsent",
           "consent.ConsentService/ReviewWithheld",
           "consent.EmergencyService/Declare",
           "consent.PersonService/ConfirmMatch",
           "consent.PersonService/LinkIdentifier",
           "consent.PersonService/Merge",
           "consent.PersonService/Register",
           "consent.RightsService/Answer",
           "consent.RightsService/Open",
           "consent.RightsService/Rectify",
           "consent.RightsService/Unrestrict",
           "routing.ReferentService/Accept",
           "routing.ReferentService/Propose",
           "routing.RoutingService/Submit",
           "vault.DocumentService/BeginUpload",
           "vault.DocumentService/CompleteUpload",
           "vault.DocumentService/UpdateMetadata",
           "vault.DocumentService/Upload",
           "vault.DocumentService/UploadPiece",
           "vault.HostService/LinkHost",
           "vault.KeyService/Rotate",
           "vault.OperationService/AnnounceClosure",
           "vault.OperationService/StartScrub",
           "vault.ShareService/RequestDocument",
           "vault.ShareService/Share",
       }}};
  std::map<common::v1::Effect, std::set<std::string>> found;
  for (const auto& [name, method] : Methods()) {
    const common::v1::Effect effect = method->options().GetExtension(common::v1::effect);
    EXPECT_NE(effect, common::v1::EFFECT_UNSPECIFIED) << name;
    if (effect != common::v1::EFFECT_READS) {
      found[effect].insert(name);
    }
  }
  EXPECT_EQ(found, expected);
}

// What shows of her history, or of what is kept back of it, is an act about her: refused attempts too.
TEST(PolicyTable, WhoLooksIntoHerHistoryIsAudited) {
  for (const char* name :
       {"consent.ConsentService/GetWithdrawalStatus", "consent.ConsentService/ListDisclosures",
        "consent.ConsentService/ListWithheld", "consent.ConsentService/ReviewWithheld"}) {
    bool found = false;
    for (const auto& [each, method] : Methods()) {
      found = found || (each == name && PolicyOf(*method).audited());
    }
    EXPECT_TRUE(found) << name;
  }
}

// Only questions are held back when an institution guesses: never an act, nor an inbox.
TEST(PolicyTable, TheMethodsWithWhichPersonsCouldBeGuessed) {
  std::set<std::string> found;
  for (const auto& [name, method] : Methods()) {
    if (PolicyOf(*method).counts_misses()) {
      found.insert(name);
    }
  }
  EXPECT_EQ(found, (std::set<std::string>{
                       "consent.ConsentService/BatchCheck", "consent.ConsentService/Check",
                       "consent.ConsentService/ListConsents", "consent.PersonService/BatchResolve",
                       "consent.PersonService/Resolve", "consent.PersonService/TranslateHandles",
                       "routing.RoutingService/Resolve"}));
}

// In the sample directory there is, for each method and each role of an institution's that may call it, a
// function of an institution with such a system that may.
TEST(PolicyTable, TheSampleDirectoryHasAFunctionForEachMethodAndRole) {
  const absl::StatusOr<std::string> text = pki::ReadWholeFile("deploy/dev/directory.yaml", size_t{1} << 20);
  ASSERT_TRUE(text.ok()) << text.status();
  const absl::StatusOr<directory::Directory> directory = directory::ParseDirectory(*text);
  ASSERT_TRUE(directory.ok()) << directory.status();
  for (const auto& [name, method] : Methods()) {
    const common::v1::Policy& policy = PolicyOf(*method);
    for (const int role : policy.roles()) {
      if (role == common::v1::ROLE_SERVICE || policy.capabilities().empty()) {
        continue;
      }
      const std::string wanted =
          common::v1::Role_Name(static_cast<common::v1::Role>(role)).substr(std::string("ROLE_").size());
      bool somebody = false;
      for (const directory::Institution& institution : directory->content().institutions) {
        const bool has = std::any_of(institution.systems.begin(), institution.systems.end(),
                                     [&](const directory::System& system) { return system.HasRole(wanted); });
        for (const directory::Function& function : directory->content().functions) {
          Caller caller;
          caller.institution = institution.id;
          caller.function = function.id;
          somebody = somebody || (has && directory->FindFunction(institution.id, function.id) != nullptr &&
                                  CheckCapabilities(policy, caller, *directory).ok());
        }
      }
      EXPECT_TRUE(somebody) << name << " by " << wanted;
    }
  }
}

// Who is one human with whom, who is erased, of whom a copy is held.
const std::set<std::string>& OfStewardsAlone() {
  static const auto* const kMethods =
      new std::set<std::string>{"consent.PersonService/ConfirmMatch",  "consent.PersonService/Erase",
                                "consent.PersonService/GetLinkImpact", "consent.PersonService/ListCandidates",
                                "consent.PersonService/Merge",         "consent.PersonService/PlaceHold",
                                "consent.PersonService/RejectMatch",   "consent.PersonService/ReleaseHold",
                                "consent.PersonService/Split"};
  return *kMethods;
}

TEST(PolicyTable, WhatAStewardAloneMayDo) {
  std::set<std::string> found;
  for (const auto& [name, method] : Methods()) {
    const common::v1::Policy& policy = PolicyOf(*method);
    if (policy.roles_size() == 1 && policy.roles(0) == common::v1::ROLE_STEWARD) {
      found.insert(name);
    }
  }
  EXPECT_EQ(found, OfStewardsAlone());
}

// The role decides before everything else: nobody has it by a function that may, by a reason, or by other
// roles.
TEST(PolicyTable, NobodyButAStewardDoesIt) {
  const absl::StatusOr<std::string> text = pki::ReadWholeFile("deploy/dev/directory.yaml", size_t{1} << 20);
  ASSERT_TRUE(text.ok()) << text.status();
  const absl::StatusOr<directory::Directory> directory = directory::ParseDirectory(*text);
  ASSERT_TRUE(directory.ok()) << directory.status();
  std::set<common::v1::Role> others;
  for (int i = 0; i < common::v1::Role_descriptor()->value_count(); ++i) {
    others.insert(static_cast<common::v1::Role>(common::v1::Role_descriptor()->value(i)->number()));
  }
  ASSERT_EQ(others.erase(common::v1::ROLE_STEWARD), 1U);
  Caller caller = testing::InstitutionCaller("ville-paris", "steward", common::v1::ROLE_STEWARD);
  caller.agent = "a-1";
  caller.function = "gestionnaire-identites";
  caller.reason = "doublon signalé";
  for (const std::string& name : OfStewardsAlone()) {
    const common::v1::Policy& policy = PolicyOf(*Methods().at(name));
    const auto decide = [&](const Caller& asks) { return CheckPolicy(policy, asks, *directory); };
    EXPECT_TRUE(decide(caller).ok()) << name << ": " << decide(caller);
    Caller other = caller;
    other.roles = others;
    EXPECT_EQ(decide(other).code(), absl::StatusCode::kPermissionDenied) << name;
    EXPECT_EQ(ReasonOf(decide(other)), common::v1::ERROR_REASON_MISSING_ROLE) << name << " by all others";
    EXPECT_EQ(ReasonOf(decide(testing::ServiceCaller("alerting"))), common::v1::ERROR_REASON_MISSING_ROLE)
        << name << " by a service";
    for (const directory::Institution& institution : directory->content().institutions) {
      for (const directory::System& system : institution.systems) {
        other.institution = institution.id;
        other.roles = RolesOf(system);
        EXPECT_EQ(decide(other).ok(), system.HasRole("STEWARD")) << name << " by " << institution.id;
        EXPECT_EQ(ReasonOf(CheckRoles(policy, other)) == common::v1::ERROR_REASON_MISSING_ROLE,
                  !system.HasRole("STEWARD"))
            << name << " by " << institution.id << "/" << system.id;
      }
    }
  }
}

}  // namespace
}  // namespace relais::rpc
