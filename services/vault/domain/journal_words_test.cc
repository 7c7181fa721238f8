#include "services/vault/domain/journal_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "relais/common/v1/errors.pb.h"
#include "relais/vault/v1/host_service.pb.h"
#include "relais/vault/v1/share_service.pb.h"

namespace relais::vault {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Entry = v1::JournalEntry;

std::string Say(const Entry& entry, Language language = Language::kFrench) {
  const auto paris = calendar::Paris::Load();
  EXPECT_TRUE(paris.ok());
  return JournalSentence(entry, language, *paris);
}

Entry Line(Entry::Act act, bool allowed, const std::string& reason = "") {
  Entry entry;
  entry.set_act(act);
  entry.set_allowed(allowed);
  entry.set_reason(reason);
  entry.mutable_time()->set_seconds(1801911600);  // 2027-02-06, noon in Paris
  entry.mutable_who()->set_institution("emmaus");
  entry.mutable_who()->set_function("EDUCATOR");
  return entry;
}

// "HASH_DIFFERS" as it would be read without words of its own.
std::string Bare(const std::string& name) {
  std::string bare = absl::AsciiStrToLower(name);
  std::replace(bare.begin(), bare.end(), '_', ' ');
  return bare;
}

// The values of an enum but the first, by name without prefix.
std::set<std::string> NamesIn(const google::protobuf::EnumDescriptor* type, size_t prefix) {
  std::set<std::string> names;
  for (int i = 1; i < type->value_count(); ++i) {
    names.insert(type->value(i)->name().substr(prefix));
  }
  return names;
}

TEST(JournalWords, ASentenceSaysWhenWhoAndWhat) {  // D-3.1
  Entry read = Line(Entry::ACT_READ, true);
  read.add_types(v1::DOCUMENT_TYPE_LEASE);
  read.set_document_id("0a");
  read.set_version(2);
  read.set_share_id("5a");
  EXPECT_EQ(Say(read),
            "Le 06/02/2027 à 12 h 00, emmaus (EDUCATOR) a lu un papier (bail, papier 0a, version 2, par un "
            "partage).");
  EXPECT_EQ(Say(read, Language::kEnglish),
            "On 2027-02-06 at 12:00, emmaus (EDUCATOR) read a paper (lease, paper 0a, version 2, under a "
            "share).");
  read.mutable_who()->set_institution("service/vault");
  EXPECT_THAT(Say(read), HasSubstr(", le coffre-fort lui-même a lu"));
}

TEST(JournalWords, AnAttemptSaysWhyAndHowOften) {  // D-3.2
  Entry tried = Line(Entry::ACT_READ, false, "NOT_PERMITTED");
  tried.set_count(12);
  EXPECT_EQ(
      Say(tried),
      "Le 06/02/2027 à 12 h 00, emmaus (EDUCATOR) a tenté 12 fois de lire un papier, sans y être admis : "
      "votre accord ne le permet pas.");
  EXPECT_EQ(Say(tried, Language::kEnglish),
            "On 2027-02-06 at 12:00, emmaus (EDUCATOR) tried 12 times to read a paper, and was refused: your "
            "agreement does not permit it.");
}

// What the entry does not say of an attempt is not made up: no paper, no type.
TEST(JournalWords, AnAttemptSaysNothingThatItsEntryDoesNot) {
  EXPECT_THAT(Say(Line(Entry::ACT_READ, false, "NO_SUCH_OR_NOT_YOURS")), Not(HasSubstr("(papier")));
  EXPECT_THAT(Say(Line(Entry::ACT_READ, false, "NO_SUCH_OR_NOT_YOURS")), Not(HasSubstr(", version")));
}

TEST(JournalWords, EveryActHasWordsDoneAndTried) {
  const auto unknown = static_cast<Entry::Act>(999);
  for (const Language language : {Language::kFrench, Language::kEnglish}) {
    std::set<std::string> all = {Say(Line(unknown, true), language), Say(Line(unknown, false), language)};
    size_t expected = all.size();
    const auto* acts = Entry::Act_descriptor();
    for (int i = 0; i < acts->value_count(); ++i) {
      const auto act = static_cast<Entry::Act>(acts->value(i)->number());
      for (const bool allowed : {true, false}) {
        if (allowed && act == Entry::ACT_UNSPECIFIED) {
          continue;  // attempts alone
        }
        all.insert(Say(Line(act, allowed), language));
        EXPECT_EQ(all.size(), ++expected) << acts->value(i)->name() << " says what another does";
      }
    }
  }
}

TEST(JournalWords, EveryOutcomeHasWordsOfItsOwn) {
  const auto each = [](Entry::Act act, const std::set<std::string>& outcomes) {
    Entry entry = Line(act, true);
    entry.set_outcome("ANOTHER");
    entry.set_what("ANOTHER");
    for (const Language language : {Language::kFrench, Language::kEnglish}) {
      const std::string other = Say(entry, language);
      for (const std::string& outcome : outcomes) {
        Entry known = entry;
        known.set_outcome(outcome);
        known.set_what(outcome);
        EXPECT_NE(Say(known, language), other) << outcome;
      }
    }
  };
  const size_t state = std::string("STATE_").size();
  each(Entry::ACT_SHARE, NamesIn(v1::Share::State_descriptor(), state));
  each(Entry::ACT_HOST, NamesIn(v1::Host::State_descriptor(), state));
  each(Entry::ACT_REQUEST, NamesIn(v1::DocumentRequest::State_descriptor(), state));
  each(Entry::ACT_VERIFIED, NamesIn(v1::VersionCheck::Finding_descriptor(), std::string("FINDING_").size()));
  each(Entry::ACT_DEPOSITED, {"PENDING_CONSENT"});
  each(Entry::ACT_EXPORTED, {"BEGUN", "ENDED"});
  each(Entry::ACT_MAINTAINED, {"SCRUB", "CLOSURE", "KEYS_EPOCH", "KEYS_PERSON", "RESTORED"});
  each(Entry::ACT_LOOKED,
       {"METADATA", "LIST", "COUNT", "JOURNAL", "SHARES", "REQUESTS", "HOSTS", "UPLOAD", "RECEIPT"});
}

TEST(JournalWords, EveryReasonAndEveryCauseHasWordsOfItsOwn) {
  std::set<std::string> reasons =
      NamesIn(common::v1::ErrorReason_descriptor(), std::string("ERROR_REASON_").size());
  reasons.insert({"CONNECTION_LOST", "DAMAGED", "DESTROYED", "EXPIRED", "FAILED", "PERMIT_ENDED", "REVOKED",
                  "SUSPENDED", "UNLINKED", "WITHDRAWN"});
  for (const std::string& reason : reasons) {
    for (const Language language : {Language::kFrench, Language::kEnglish}) {
      const std::string said = Say(Line(Entry::ACT_READ, false, reason), language);
      EXPECT_THAT(said, Not(HasSubstr(": " + Bare(reason) + "."))) << reason;
      EXPECT_THAT(said, HasSubstr(": ")) << reason;
    }
  }
}

TEST(JournalWords, HowAnUploadOrAPaperEnded) {
  EXPECT_THAT(Say(Line(Entry::ACT_UPLOAD, true)), HasSubstr(" a commencé à déposer un papier."));
  EXPECT_THAT(Say(Line(Entry::ACT_UPLOAD, true, "ABANDONED")), HasSubstr(" a renoncé à déposer un papier."));
  EXPECT_THAT(Say(Line(Entry::ACT_UPLOAD, true, "EXPIRED")),
              HasSubstr(" n'a pas fini à temps de déposer un papier."));
  EXPECT_THAT(Say(Line(Entry::ACT_UPLOAD, true, "MALWARE_FOUND")),
              HasSubstr(" n'a pas pu déposer un papier : un virus y a été trouvé."));
  EXPECT_THAT(Say(Line(Entry::ACT_READ_CUT, true, "WITHDRAWN")),
              HasSubstr(" a été interrompu en lisant un papier : vous avez retiré votre accord."));
  EXPECT_THAT(Say(Line(Entry::ACT_DESTROYED, true, "HERS")),
              HasSubstr(" a détruit un papier, à votre demande."));
  EXPECT_THAT(Say(Line(Entry::ACT_DESTROYED, true, "REFUSED_DROP")),
              HasSubstr("que votre accord ne permettait pas de déposer."));
}

TEST(JournalWords, EveryTypeHasWordsAndWhatAnActWasAboutIsSaid) {
  for (const std::string& type :
       NamesIn(v1::DocumentType_descriptor(), std::string("DOCUMENT_TYPE_").size())) {
    Entry entry = Line(Entry::ACT_DEPOSITED, true);
    v1::DocumentType value = v1::DOCUMENT_TYPE_UNSPECIFIED;
    ASSERT_TRUE(v1::DocumentType_Parse("DOCUMENT_TYPE_" + type, &value));
    entry.add_types(value);
    EXPECT_THAT(Say(entry), Not(HasSubstr("(" + Bare(type) + ")"))) << type;
  }
  Entry share = Line(Entry::ACT_SHARE, true);
  share.set_outcome("ACTIVE");
  share.set_share_id("5a");
  share.mutable_recipient()->set_institution("caf");
  share.mutable_until()->set_seconds(1801911600);
  EXPECT_THAT(Say(share), HasSubstr(" a commencé un partage (avec caf, jusqu'au 06/02/2027 à 12 h 00)."));
  Entry changed = Line(Entry::ACT_CHANGED, true);
  for (const char* field : {"expires", "state", "title", "type"}) {
    changed.add_fields(field);
  }
  EXPECT_THAT(Say(changed), HasSubstr(" (sa date de fin, son état, son titre, son genre)."));
  Entry closes = Line(Entry::ACT_MAINTAINED, true);
  closes.set_what("CLOSURE");
  closes.mutable_closure()->mutable_closing_day()->set_year(2027);
  closes.mutable_closure()->mutable_closing_day()->set_month(6);
  closes.mutable_closure()->mutable_closing_day()->set_day(30);
  *closes.mutable_closure()->mutable_retrieval_until() = closes.closure().closing_day();
  closes.mutable_closure()->mutable_retrieval_until()->set_year(2028);
  EXPECT_THAT(Say(closes),
              HasSubstr("(dernier jour : 30/06/2027, papiers à reprendre jusqu'au 30/06/2028)."));
}

TEST(JournalWords, AValueBeginsNoLineOfItsOwn) {
  Entry tried = Line(Entry::ACT_READ, false, "NOT_PERMITTED");
  tried.set_document_id("0a\nLe 01/01/2027");
  EXPECT_THAT(Say(tried), HasSubstr("papier 0a?Le 01/01/2027"));
}

}  // namespace
}  // namespace relais::vault
