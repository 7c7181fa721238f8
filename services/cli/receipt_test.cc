// A receipt says what its leaf says: whatever is altered in the file beside its proof is named.
#include "services/cli/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/audit/leaf.h"
#include "common/audit/log.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/ed25519.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/tree.h"
#include "nlohmann/json.hpp"
#include "relais/consent/v1/events.pb.h"
#include "relais/vault/v1/events.pb.h"

namespace relais::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kOrigin[] = "relais.test/consent/1";
constexpr char kTime[] = "2026-11-10T09:00:00.25+00:00";

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() : key_(crypto::SigningKey::Generate(random_)), subject_key_(random_.Bytes(32)) {
    event_.event_id = random_.Id();
    event_.institution = "ville-paris";
    event_.subject = audit::Subject{audit::Subject::Kind::kPerson, random_.Id()};
  }

  // As the registry's leaves are: with the payload of their class, unless the test gave one.
  void FillPayload(audit::v1::EventClass event_class) {
    google::protobuf::Any& payload = *event_.details.mutable_payload();
    if (event_class == audit::v1::EVENT_CLASS_CONSENT_RECORDED &&
        !payload.Is<consent::v1::ConsentRecorded>()) {
      payload.PackFrom(consent::v1::ConsentRecorded());
    } else if (event_class == audit::v1::EVENT_CLASS_REFUSAL_RECORDED &&
               !payload.Is<consent::v1::RefusalRecorded>()) {
      payload.PackFrom(consent::v1::RefusalRecorded());
    } else if (event_class == audit::v1::EVENT_CLASS_CONSENT_RENEWED &&
               !payload.Is<consent::v1::ConsentRenewed>()) {
      payload.PackFrom(consent::v1::ConsentRenewed());
    }
  }

  // The second leaf of a log of two.
  common::v1::Proof Prove(audit::v1::EventClass event_class, bool with_key = true) {
    event_.event_class = event_class;
    FillPayload(event_class);
    const std::string random = random_.Bytes(audit::kLeafRandomSize);
    std::string leaf =
        *audit::SealLeaf(event_, random, false, Secret(subject_key_), Secret(random_.Bytes(32)));
    absl::Time time;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, kTime, &time, nullptr));
    audit::StampTime(leaf, time);
    const merkle::Hash first = merkle::HashLeaf("first");
    merkle::Frontier tree;
    tree.Append(first, nullptr);
    tree.Append(merkle::HashLeaf(leaf), nullptr);
    common::v1::Proof proof;
    proof.set_origin(kOrigin);
    proof.set_leaf_index(1);
    proof.set_leaf(leaf);
    proof.set_tree_size(2);
    proof.add_inclusion(std::string(first.begin(), first.end()));
    proof.set_checkpoint(*merkle::SignCheckpoint({kOrigin, 2, tree.root(), {}}, key_));
    if (with_key) {
      const Secret leaf_key = audit::LeafKey(Secret(subject_key_), random);
      proof.set_leaf_key(std::string(leaf_key.ExposeSecret()));
    }
    return proof;
  }

  // What `audit verify` makes of a file.
  absl::Status Verify(const std::string& text) {
    const auto proof = ParseReceipt(text);
    if (!proof.ok()) {
      return proof.status();
    }
    const auto verified = audit::VerifyProof(*proof, {{kOrigin, key_.verify_key()}});
    return verified.ok() ? CheckReceipt(text, *proof) : verified.status();
  }
  std::string Message(const nlohmann::json& file) { return std::string(Verify(file.dump()).message()); }

  relais::testing::SeededRandom random_{7};
  crypto::SigningKey key_;
  std::string subject_key_;
  audit::Event event_;
};

TEST_F(ReceiptTest, SaysWhatTheLeafSays) {
  const common::v1::Proof proof = Prove(audit::v1::EVENT_CLASS_CONSENT_RECORDED);
  const auto text = FormatReceipt(proof);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(LooksLikeReceipt(*text));
  EXPECT_LT(text->find("Vous avez"), text->find("You gave"));  // French first
  const nlohmann::json file = nlohmann::json::parse(*text);
  EXPECT_EQ(file["act"], "consent");
  EXPECT_EQ(file["time"], kTime);
  EXPECT_EQ(file["id"], event_.event_id.ToHex());
  EXPECT_EQ(file["revision"], "relais.test/consent/1:2");
  EXPECT_EQ(ParseReceipt(*text)->SerializeAsString(), proof.SerializeAsString());
  EXPECT_TRUE(Verify(*text).ok()) << Verify(*text);
}

TEST_F(ReceiptTest, EveryAlteredMemberIsNamed) {
  const nlohmann::json good =
      nlohmann::json::parse(*FormatReceipt(Prove(audit::v1::EVENT_CLASS_CONSENT_RECORDED)));
  ASSERT_EQ(Message(good), "");
  size_t tried = 0;
  for (const auto& [name, value] : good.items()) {
    if (name == "proof") {
      continue;
    }
    for (const nlohmann::json& other :
         {nlohmann::json(value.get<std::string>() + " "), nlohmann::json("withdrawal"), nlohmann::json(7)}) {
      nlohmann::json altered = good;
      altered[name] = other;
      EXPECT_THAT(Message(altered), HasSubstr("receipt: " + name)) << altered[name];
    }
    nlohmann::json without = good;
    without.erase(name);
    EXPECT_THAT(Message(without), HasSubstr(name)) << name;
    ++tried;
  }
  EXPECT_EQ(tried, 7U);  // format, fr, en, act, time, revision, id
  for (const auto& [name, value] : good["proof"].items()) {
    nlohmann::json altered = good;
    altered["proof"][name] = name == "leafIndex" || name == "treeSize" ? nlohmann::json("3")
                             : name == "inclusion"                     ? nlohmann::json::array()
                             : name == "leafKey" || name == "leaf"     ? nlohmann::json("AAAA")
                                                                       : nlohmann::json("x");
    EXPECT_NE(Message(altered), "") << name;
  }
}

TEST_F(ReceiptTest, WhatTheLeafDoesNotSayIsNamed) {
  const std::string good = *FormatReceipt(Prove(audit::v1::EVENT_CLASS_REFUSAL_RECORDED));
  nlohmann::json more = nlohmann::json::parse(good);
  more["person"] = "rh1_x";
  EXPECT_THAT(Message(more), HasSubstr("person is not said by the leaf"));
  nlohmann::json alias = nlohmann::json::parse(good);
  alias["proof"]["leaf_index"] = "1";
  EXPECT_THAT(Message(alias), HasSubstr("proof.leaf_index"));
  // A reader of the file sees the first of two, a program the last.
  const std::string twice =
      absl::StrReplaceAll(good, {{"{\n  \"format\"", "{\"fr\": \"Oui.\",\n  \"format\""}});
  ASSERT_NE(twice, good);
  EXPECT_THAT(std::string(Verify(twice).message()), HasSubstr("fr is there twice"));
}

TEST_F(ReceiptTest, OfEveryAct) {
  event_.decision = common::v1::DECISION_PERMIT;
  const auto member = [&](const common::v1::Proof& proof, const char* name) {
    const std::string text = *FormatReceipt(proof);
    EXPECT_TRUE(Verify(text).ok()) << Verify(text);
    return nlohmann::json::parse(text).value(name, std::string());
  };
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_CHECK_DECIDED), "id"), "relais.test/consent/1:1");
  event_.decision = common::v1::DECISION_DENY;
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_CHECK_DECIDED, false), "id"), "");
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_ERASE_REQUESTED, false), "id"), event_.event_id.ToHex());
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_OBJECTION_RECORDED), "act"), "objection");
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_OBJECTION_LIFTED), "act"), "objection-lifted");
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED), "id"), event_.event_id.ToHex());
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id("00ff");
  event_.details.mutable_payload()->PackFrom(withdrawn);
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN), "id"), "00ff");
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_ERASED), "id"), event_.event_id.ToHex());
  EXPECT_EQ(member(Prove(audit::v1::EVENT_CLASS_CONSENT_RENEWED), "act"), "renewal");
  for (const auto with_id :
       {audit::v1::EVENT_CLASS_INFORMATION_RECORDED, audit::v1::EVENT_CLASS_RIGHTS_OPENED,
        audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED}) {
    EXPECT_EQ(member(Prove(with_id), "id"), event_.event_id.ToHex());
  }
  for (const auto without :
       {audit::v1::EVENT_CLASS_RIGHTS_ANSWERED, audit::v1::EVENT_CLASS_RECORD_RECTIFIED}) {
    EXPECT_TRUE(FormatReceipt(Prove(without)).ok());
  }
  EXPECT_FALSE(FormatReceipt(Prove(audit::v1::EVENT_CLASS_SERVICE_STARTED)).ok());
}

// D-2.8, D-2.9: what somebody said for her is not told as hers; nor is what an institution or an authority
// ended.
TEST_F(ReceiptTest, SaysWhoSpokeForHer) {
  const auto said = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload,
                        const char* language, bool with_key = true) {
    event_.details.mutable_payload()->PackFrom(payload);
    const std::string text = *FormatReceipt(Prove(event_class, with_key));
    EXPECT_TRUE(Verify(text).ok()) << Verify(text);
    return nlohmann::json::parse(text).value(language, std::string());
  };
  consent::v1::ConsentRecorded recorded;
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded, "fr"), HasSubstr("Vous avez donné"));
  recorded.mutable_consent()->mutable_representative()->set_kind(consent::v1::REPRESENTATION_ONE_PARENT);
  const std::string agreed = said(audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded, "fr");
  EXPECT_THAT(agreed, HasSubstr("Un accord a été donné en votre nom."));
  EXPECT_THAT(agreed, HasSubstr("l'un de vos parents"));
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded, "en"),
              HasSubstr("one of your parents"));
  // Without its key the leaf does not tell whose word it was: no file may claim that it was hers.
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded, "fr", false),
              ::testing::Not(HasSubstr("ous avez")));
  consent::v1::RefusalRecorded refused;
  refused.set_said_by(consent::v1::REPRESENTATION_ASE);
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused, "fr"),
              HasSubstr("l'aide sociale à l'enfance"));
  consent::v1::ConsentRenewed renewed;
  renewed.mutable_renewal()->mutable_representative()->set_kind(consent::v1::REPRESENTATION_TUTELLE);
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_RENEWED, renewed, "fr"),
              HasSubstr("votre tuteur ou votre tutrice"));
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_said_by(consent::v1::REPRESENTATION_TUTELLE);
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn, "fr"),
              HasSubstr("Un accord a été retiré en votre nom."));
  withdrawn.clear_said_by();
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn, "fr"),
              HasSubstr("Vous avez retiré votre accord."));
  withdrawn.set_end(consent::v1::CONSENT_END_TERMINATED);
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn, "fr"),
              HasSubstr("arrêté par l'organisme"));
  withdrawn.set_end(consent::v1::CONSENT_END_INVALIDATED);
  EXPECT_THAT(said(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn, "fr"),
              HasSubstr("Il compte comme jamais donné."));
}

TEST_F(ReceiptTest, OfTheEndOfAnErasure) {
  audit::v1::EpochRotated rotated;
  rotated.set_destroyed_epoch(3);
  rotated.add_erasure_ids("00aa");
  rotated.add_erasure_ids("00bb");
  event_.details.mutable_payload()->PackFrom(rotated);
  const common::v1::Proof proof = Prove(audit::v1::EVENT_CLASS_EPOCH_ROTATED);
  const nlohmann::json epoch = nlohmann::json::parse(*FormatReceipt(proof));
  EXPECT_EQ(epoch["act"], "epoch-rotation");
  EXPECT_EQ(epoch["id"], "3");
  EXPECT_EQ(Message(epoch), "");
  nlohmann::json erasure = nlohmann::json::parse(*FormatReceipt(proof, "00bb"));
  EXPECT_EQ(erasure["act"], "erasure");
  EXPECT_EQ(erasure["id"], "00bb");
  EXPECT_EQ(Message(erasure), "");
  erasure["id"] = "00cc";  // one that did not end with it
  EXPECT_THAT(Message(erasure), HasSubstr("id is not what the leaf says"));
}

TEST_F(ReceiptTest, OtherTextsAreNone) {
  EXPECT_FALSE(ParseReceipt("{}").ok());
  EXPECT_FALSE(ParseReceipt("not json").ok());
  EXPECT_FALSE(LooksLikeReceipt("not json"));
  EXPECT_FALSE(ParseReceipt(R"({"format":"relais-receipt/2","proof":{}})").ok());
  EXPECT_FALSE(ParseReceipt(R"({"format":"relais-receipt/1","proof":[1]})").ok());
}

TEST_F(ReceiptTest, IsNotWrittenWithoutAProof) {
  const std::string path = ::testing::TempDir() + "/no-receipt.json";
  EXPECT_FALSE(WriteReceipt(path, common::v1::Proof()).ok());
  EXPECT_TRUE(WriteReceipt("", common::v1::Proof()).ok());
}

// NF Z42-020: the deposit receipt and the certificate of destruction.
TEST_F(ReceiptTest, ActsInAVaultNameThePaper) {
  const auto member = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload,
                          const std::string& name, bool with_key = true) {
    event_.details.mutable_payload()->PackFrom(payload);
    const common::v1::Proof proof = Prove(event_class, with_key);
    const auto text = FormatReceipt(proof);
    EXPECT_TRUE(text.ok()) << text.status();
    EXPECT_TRUE(Verify(*text).ok()) << Verify(*text);
    return nlohmann::json::parse(*text).value(name, "");
  };
  vault::v1::DocumentDeposited deposited;
  deposited.set_document_id("0a");
  deposited.set_version(2);
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited, "act"), "deposit");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited, "id"), "0a/2");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited, "id", false), "");
  vault::v1::DocumentDestroyed destroyed;
  destroyed.set_document_id("0a");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, destroyed, "act"), "destruction");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, destroyed, "id"), "0a");
  vault::v1::HostChanged host;
  host.set_institution("caf");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_HOST_CHANGED, host, "id"), "caf");
  vault::v1::VaultExported exported;
  exported.set_export_id("0e");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_VAULT_EXPORTED, exported, "act"), "export");
  EXPECT_EQ(member(audit::v1::EVENT_CLASS_VAULT_EXPORTED, exported, "id"), "0e");
  // A payload of another act is no receipt.
  event_.details.mutable_payload()->PackFrom(host);
  EXPECT_FALSE(FormatReceipt(Prove(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED)).ok());
}

}  // namespace
}  // namespace relais::cli
