#include "services/vault/domain/journal.h"

#include <gtest/gtest.h>

#include <set>

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
  acts.erase(Entry::ACT_UNSPECIFIED);  // an attempt without its payload
  EXPECT_EQ(acts.size(), static_cast<size_t>(Entry::Act_ARRAYSIZE - 1)) << "each kind of line is somebody's";
  for (const auto other : {audit::v1::EVENT_CLASS_CONSENT_RECORDED, audit::v1::EVENT_CLASS_VAULT_SCRUBBED,
                           audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED}) {
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

}  // namespace
}  // namespace relais::vault
