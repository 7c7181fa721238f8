#include "services/vault/domain/journal.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "common/base/proto_time.h"
#include "relais/vault/v1/events.pb.h"

namespace relais::vault {
namespace {

using Entry = v1::JournalEntry;

const std::string kDocument(32, 'd');
const absl::Time kTime = absl::FromUnixSeconds(1793700000);

audit::v1::LeafHeader Header(audit::v1::EventClass event) {
  audit::v1::LeafHeader header;
  header.set_event_class(event);
  header.set_institution("caf");
  header.set_purpose("RIGHTS_OPENING");
  return header;
}

audit::v1::LeafDetails Details(const google::protobuf::Message& payload) {
  audit::v1::LeafDetails details;
  details.set_acting_function("conseiller-droits");
  details.set_relation("SHARE");
  details.mutable_payload()->PackFrom(payload);
  return details;
}

// That she was asked is in it already (DOCUMENT_REQUEST_CHANGED); this tells her hosts.
TEST(Journal, WhatTellsHerHostsOfARequestIsNoSecondAct) {
  const v1::DocumentAsked asked;
  EXPECT_FALSE(EntryOf(Header(audit::v1::EVENT_CLASS_DOCUMENT_ASKED), Details(asked), 77, kTime));
}

TEST(Journal, AReadingSaysWhoWhatAndWhy) {  // D-3.1
  v1::DocumentRead read;
  read.set_document_id(kDocument);
  read.set_version(2);
  read.set_offset(10);
  read.set_length(20);
  const auto entry = EntryOf(Header(audit::v1::EVENT_CLASS_DOCUMENT_READ), Details(read), 77, kTime);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->act(), Entry::ACT_READ);
  EXPECT_TRUE(entry->allowed());
  EXPECT_EQ(FromProto(entry->time()), kTime);
  EXPECT_EQ(entry->document_id(), kDocument);
  EXPECT_EQ(entry->version(), 2u);
  EXPECT_EQ(entry->who().institution(), "caf");
  EXPECT_EQ(entry->who().function(), "conseiller-droits");
  EXPECT_EQ(entry->purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(entry->relation(), "SHARE");
  EXPECT_EQ(entry->offset(), 10u);
  EXPECT_EQ(entry->length(), 20u);
  EXPECT_EQ(entry->leaf_index(), 77u);
  EXPECT_TRUE(IsAbout(*entry, kDocument));
  EXPECT_TRUE(IsAbout(*entry, ""));
  EXPECT_FALSE(IsAbout(*entry, std::string(32, 'e')));
}

TEST(Journal, AnAttemptIsThereToo) {  // D-3.2
  v1::VaultRefused refused;
  refused.set_act(Entry::ACT_READ);
  refused.set_document_id(kDocument);
  refused.set_reason("NOT_PERMITTED");
  const auto entry = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_REFUSED), Details(refused), 1, kTime);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->act(), Entry::ACT_READ);
  EXPECT_FALSE(entry->allowed());
  EXPECT_EQ(entry->reason(), "NOT_PERMITTED");
  EXPECT_EQ(entry->count(), 1u);
}

// A flood is one line, of what nobody knows any more if kinds and reasons differed.
TEST(Journal, AttemptsThatWereCountedSayHowMany) {  // D-3.2
  v1::VaultRefused refused;
  refused.set_count(12);
  const auto entry = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_REFUSED), Details(refused), 1, kTime);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->act(), Entry::ACT_UNSPECIFIED);
  EXPECT_FALSE(entry->allowed());
  EXPECT_EQ(entry->count(), 12u);
  EXPECT_EQ(EntryOf(Header(audit::v1::EVENT_CLASS_DOCUMENT_READ), {}, 1, kTime)->count(), 0u);
}

TEST(Journal, AnExportBeginsAndEnds) {  // D-3.4
  v1::VaultExported exported;
  exported.set_documents(2);
  const auto begun = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_EXPORTED), Details(exported), 1, kTime);
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->act(), Entry::ACT_EXPORTED);
  EXPECT_EQ(begun->outcome(), "BEGUN");
  EXPECT_EQ(begun->length(), 0u);
  exported.set_sha256(std::string(32, 'h'));
  exported.set_bytes(10240);
  const auto ended = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_EXPORTED), Details(exported), 2, kTime);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->act(), Entry::ACT_EXPORTED);
  EXPECT_EQ(ended->outcome(), "ENDED");
  EXPECT_EQ(ended->length(), 10240u);
}

TEST(Journal, AnExportThatWasCutSaysWhyAndHowFarItCame) {  // D-3.4
  v1::VaultExportCut cut;
  cut.set_cause("CONNECTION_LOST");
  cut.set_sent(4096);
  const auto entry = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_EXPORT_CUT), Details(cut), 1, kTime);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->act(), Entry::ACT_EXPORT_CUT);
  EXPECT_EQ(entry->reason(), "CONNECTION_LOST");
  EXPECT_EQ(entry->length(), 4096u);
}

// Every class of the vault that can be about a person has a line of a kind of its own, or shares it on
// purpose.
TEST(Journal, NoActIsLeftOut) {  // D-3.2
  std::set<int> acts;
  for (int event = audit::v1::EVENT_CLASS_UPLOAD_CHANGED; event <= audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED;
       ++event) {
    ASSERT_TRUE(audit::v1::EventClass_IsValid(event));
    // Without a payload: the act is told all the same.
    const auto entry = EntryOf(Header(static_cast<audit::v1::EventClass>(event)), {}, 1, kTime);
    ASSERT_TRUE(entry) << event;
    acts.insert(entry->act());
  }
  const auto cut = EntryOf(Header(audit::v1::EVENT_CLASS_VAULT_EXPORT_CUT), {}, 1, kTime);
  ASSERT_TRUE(cut);
  acts.insert(cut->act());
  acts.erase(Entry::ACT_UNSPECIFIED);  // an attempt without its payload
  EXPECT_EQ(acts.size(), static_cast<size_t>(Entry::Act_ARRAYSIZE - 1)) << "each kind of line is somebody's";
  // What is about nobody is maintenance, and hers to see (D-3.2).
  for (const auto nobodys :
       {audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED, audit::v1::EVENT_CLASS_VAULT_SCRUBBED,
        audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED, audit::v1::EVENT_CLASS_LOG_CONTINUED}) {
    EXPECT_TRUE(IsOfNobody(nobodys));
    EXPECT_EQ(EntryOf(Header(nobodys), {}, 1, kTime)->act(), Entry::ACT_MAINTAINED);
  }
  for (const auto other : {audit::v1::EVENT_CLASS_CONSENT_RECORDED, audit::v1::EVENT_CLASS_CALL_REFUSED}) {
    EXPECT_FALSE(IsOfNobody(other));
    EXPECT_FALSE(EntryOf(Header(other), {}, 1, kTime));
  }
}

TEST(Journal, SharesRequestsAndHostsNameTheOther) {
  v1::ShareChanged share;
  share.mutable_recipient()->set_institution("cpam");
  EXPECT_EQ(EntryOf(Header(audit::v1::EVENT_CLASS_SHARE_CHANGED), Details(share), 1, kTime)
                ->recipient()
                .institution(),
            "cpam");
  v1::DocumentRequestChanged request;
  request.mutable_asker()->set_institution("cpam");
  EXPECT_EQ(EntryOf(Header(audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED), Details(request), 1, kTime)
                ->recipient()
                .institution(),
            "cpam");
  v1::HostChanged host;
  host.set_institution("ville-paris");
  EXPECT_EQ(EntryOf(Header(audit::v1::EVENT_CLASS_HOST_CHANGED), Details(host), 1, kTime)
                ->recipient()
                .institution(),
            "ville-paris");
}

Entry Told(audit::v1::EventClass event, const google::protobuf::Message& payload) {
  return EntryOf(Header(event), Details(payload), 1, kTime).value();
}

TEST(Journal, AShareIsMadeOrEnded) {
  v1::ShareChanged share;
  share.set_share_id(std::string(32, 's'));
  share.set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
  share.mutable_recipient()->set_institution("cpam");
  share.set_consent_id(std::string(32, 'c'));
  *share.mutable_until() = ToProto(kTime);
  const std::pair<v1::Share::State, const char*> states[] = {{v1::Share::STATE_ACTIVE, "ACTIVE"},
                                                             {v1::Share::STATE_REVOKED, "REVOKED"},
                                                             {v1::Share::STATE_WITHDRAWN, "WITHDRAWN"},
                                                             {v1::Share::STATE_EXPIRED, "EXPIRED"},
                                                             {v1::Share::STATE_DESTROYED, "DESTROYED"}};
  for (const auto& [state, said] : states) {
    share.set_state(state);
    const Entry entry = Told(audit::v1::EVENT_CLASS_SHARE_CHANGED, share);
    EXPECT_EQ(entry.outcome(), said);
    EXPECT_EQ(entry.share_id(), share.share_id());
    EXPECT_EQ(entry.consent_id(), share.consent_id());
    EXPECT_EQ(entry.types(0), v1::DOCUMENT_TYPE_TAX_NOTICE);
    EXPECT_EQ(FromProto(entry.until()), kTime);
    EXPECT_EQ(entry.purpose(), "RIGHTS_OPENING");
  }
}

TEST(Journal, AHostIsLinkedOrUnlinkedOrSuspended) {
  v1::HostChanged host;
  host.set_institution("ville-paris");
  host.set_consent_id(std::string(32, 'c'));
  const std::pair<v1::Host::State, const char*> states[] = {{v1::Host::STATE_ACTIVE, "ACTIVE"},
                                                            {v1::Host::STATE_UNLINKED, "UNLINKED"},
                                                            {v1::Host::STATE_SUSPENDED, "SUSPENDED"},
                                                            {v1::Host::STATE_WITHDRAWN, "WITHDRAWN"}};
  for (const auto& [state, said] : states) {
    host.set_state(state);
    const Entry entry = Told(audit::v1::EVENT_CLASS_HOST_CHANGED, host);
    EXPECT_EQ(entry.outcome(), said);
    EXPECT_EQ(entry.consent_id(), host.consent_id());
    EXPECT_FALSE(entry.has_until());
  }
}

TEST(Journal, ARequestIsMadeGrantedOrRefused) {
  v1::DocumentRequestChanged request;
  request.set_document_request_id(std::string(32, 'r'));
  request.add_types(v1::DOCUMENT_TYPE_TAX_NOTICE);
  request.add_types(v1::DOCUMENT_TYPE_LEASE);
  const std::pair<v1::DocumentRequest::State, const char*> states[] = {
      {v1::DocumentRequest::STATE_PENDING, "PENDING"},
      {v1::DocumentRequest::STATE_GRANTED, "GRANTED"},
      {v1::DocumentRequest::STATE_REFUSED, "REFUSED"}};
  for (const auto& [state, said] : states) {
    request.set_state(state);
    const Entry entry = Told(audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED, request);
    EXPECT_EQ(entry.outcome(), said);
    EXPECT_EQ(entry.document_request_id(), request.document_request_id());
    EXPECT_EQ(entry.types_size(), 2);
  }
}

TEST(Journal, WhatWasLookedAtChangedOrDepositedIsSaid) {
  v1::VaultLooked looked;
  looked.set_what("COUNT");
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_VAULT_LOOKED, looked).what(), "COUNT");
  v1::DocumentChanged changed;
  changed.add_fields("title");
  changed.set_type(v1::DOCUMENT_TYPE_LEASE);
  changed.set_state(v1::Document::STATE_ACTIVE);
  const Entry entry = Told(audit::v1::EVENT_CLASS_DOCUMENT_CHANGED, changed);
  EXPECT_EQ(entry.fields(0), "title");
  EXPECT_EQ(entry.types(0), v1::DOCUMENT_TYPE_LEASE);
  EXPECT_EQ(entry.outcome(), "ACTIVE");
  v1::DocumentDeposited deposited;
  deposited.set_state(v1::Document::STATE_PENDING_CONSENT);
  deposited.set_version(2);
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited).outcome(), "PENDING_CONSENT");
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited).version(), 2U);
  v1::UploadChanged upload;
  upload.set_state(v1::Upload::STATE_ENDED);
  upload.set_reason("MALWARE_FOUND");
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_UPLOAD_CHANGED, upload).outcome(), "ENDED");
  v1::DocumentDestroyed destroyed;
  destroyed.set_cause("REFUSED_DROP");
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, destroyed).reason(), "REFUSED_DROP");
}

TEST(Journal, AReadingSaysUnderWhichShare) {
  v1::DocumentRead read;
  read.set_share_id(std::string(32, 's'));
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_DOCUMENT_READ, read).share_id(), read.share_id());
  v1::DocumentReadCut cut;
  cut.set_share_id(read.share_id());
  cut.set_cause("WITHDRAWN");
  const Entry entry = Told(audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT, cut);
  EXPECT_EQ(entry.share_id(), read.share_id());
  EXPECT_EQ(entry.reason(), "WITHDRAWN");
}

TEST(Journal, AVerificationSaysWhatWasFound) {
  v1::DocumentVerified verified;
  verified.add_versions()->set_finding(v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED, verified).outcome(), "INTACT");
  verified.add_versions()->set_finding(v1::VersionCheck::FINDING_ALTERED);
  verified.add_versions()->set_finding(v1::VersionCheck::FINDING_INTACT);
  const Entry entry = Told(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED, verified);
  EXPECT_EQ(entry.outcome(), "ALTERED");
  EXPECT_EQ(entry.findings_size(), 3);
}

TEST(Journal, MaintenanceSaysWhat) {
  v1::PaperKeysRotated rotated;
  rotated.set_level(v1::KEY_LEVEL_EPOCH);
  Entry entry = Told(audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED, rotated);
  EXPECT_EQ(entry.what(), "KEYS_EPOCH");
  EXPECT_EQ(entry.outcome(), "BEGUN");
  rotated.set_destroyed(1);
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED, rotated).outcome(), "ENDED");
  rotated.set_level(v1::KEY_LEVEL_PERSON);  // of everybody's: what was destroyed is in each one's line
  rotated.clear_destroyed();
  rotated.set_ended(true);
  entry = Told(audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED, rotated);
  EXPECT_EQ(entry.what(), "KEYS_PERSON");
  EXPECT_EQ(entry.outcome(), "ENDED");
  v1::VaultScrubbed scrubbed;
  entry = Told(audit::v1::EVENT_CLASS_VAULT_SCRUBBED, scrubbed);
  EXPECT_EQ(entry.what(), "SCRUB");
  EXPECT_EQ(entry.outcome(), "BEGUN");
  *scrubbed.mutable_scrub()->mutable_ended() = ToProto(kTime);
  EXPECT_EQ(Told(audit::v1::EVENT_CLASS_VAULT_SCRUBBED, scrubbed).outcome(), "ENDED");
  v1::ClosureAnnounced announced;
  announced.mutable_closure()->mutable_retrieval_until()->set_year(2027);
  entry = Told(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED, announced);
  EXPECT_EQ(entry.what(), "CLOSURE");
  EXPECT_EQ(entry.outcome(), "ANNOUNCED");
  EXPECT_EQ(entry.closure().retrieval_until().year(), 2027);
}

}  // namespace
}  // namespace relais::vault
