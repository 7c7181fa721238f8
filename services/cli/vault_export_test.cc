// An export is checked without any service: what the archive holds beside or instead of what was deposited is
// found.
#include "services/cli/vault_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/encoding.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/tree.h"
#include "relais/vault/v1/events.pb.h"
#include "services/cli/receipt.h"
#include "services/vault/format/sealed_text.h"
#include "services/vault/format/sealer.h"

namespace relais::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOrigin[] = "relais.test/vault/1";
constexpr char kDocument[] = "02020202020202020202020202020202";
constexpr char kGone[] = "03030303030303030303030303030303";
constexpr char kExport[] = "05050505050505050505050505050505";

struct File {
  std::string path;
  std::string data;
};

class VaultExportTest : public ::testing::Test {
 protected:
  VaultExportTest() : key_(crypto::SigningKey::Generate(random_)), subject_key_(random_.Bytes(32)) {
    std::string text(200'000, '\0');
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = static_cast<char>(7 * i % 251);
    }
    files_ = {{"LISEZMOI.txt", "Vos papiers."},
              {"documents/001 Bail.pdf", text},
              {absl::StrCat("receipts/", kDocument, "-1.json"), Receipt(text)},
              {"metadata.json", "{}"},
              {"journal.json", "{}"}};
  }

  // Says that `text` was deposited.
  std::string Receipt(const std::string& text) {
    vault::v1::DocumentDeposited deposited;
    deposited.set_document_id(kDocument);
    deposited.set_version(1);
    deposited.set_size(text.size());
    deposited.set_sha256(crypto::Sha256(text));
    return Proved(audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, deposited);
  }
  // A paper was destroyed.
  void AddCertificate() {
    vault::v1::DocumentDestroyed destroyed;
    destroyed.set_document_id(kGone);
    files_.insert(files_.begin() + 3, {absl::StrCat("certificates/", kGone, ".json"),
                                       Proved(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, destroyed)});
  }
  // `archive` was sent as it is, or, not empty, as `sealed`.
  vault::v1::VaultExported Ended(const std::string& archive, const std::string& sealed = "") const {
    vault::v1::VaultExported ended;
    ended.set_export_id(kExport);
    ended.set_sealed(!sealed.empty());
    ended.set_archive_sha256(crypto::Sha256(archive));
    ended.set_sha256(crypto::Sha256(sealed.empty() ? archive : sealed));
    ended.set_bytes(sealed.empty() ? archive.size() : sealed.size());
    ended.set_texts(1);
    return ended;
  }
  // OK: `archive` is proved whole by the signed end of an export that says this.
  absl::Status Whole(const std::string& archive, const vault::v1::VaultExported& ended,
                     std::optional<VaultExportKey> key = std::nullopt) {
    const auto proved = OpenVaultExportProof(Proved(audit::v1::EVENT_CLASS_VAULT_EXPORTED, ended), Keys());
    if (!proved.ok()) {
      return proved.status();
    }
    const auto facts = Read(archive, std::move(key));
    return facts.ok() ? CheckProvedWhole(*facts, *proved) : facts.status();
  }
  std::vector<audit::NamedVerifyKey> Keys() const { return {{kOrigin, key_.verify_key()}}; }

  // The receipt of an act, of a log of that leaf alone.
  std::string Proved(audit::v1::EventClass event_class, const google::protobuf::Message& payload) {
    audit::Event event;
    event.event_class = event_class;
    event.event_id = random_.Id();
    event.institution = "ville-paris";
    event.subject = audit::Subject{audit::Subject::Kind::kPerson, random_.Id()};
    event.details.mutable_payload()->PackFrom(payload);
    const std::string random = random_.Bytes(audit::kLeafRandomSize);
    std::string leaf =
        *audit::SealLeaf(event, random, false, Secret(subject_key_), Secret(random_.Bytes(32)));
    audit::StampTime(leaf, absl::UnixEpoch() + absl::Hours(24 * 365 * 50));
    merkle::Frontier tree;
    tree.Append(merkle::HashLeaf(leaf), nullptr);
    common::v1::Proof proof;
    proof.set_origin(kOrigin);
    proof.set_leaf_index(0);
    proof.set_leaf(leaf);
    proof.set_tree_size(1);
    checkpoint_ = *merkle::SignCheckpoint({kOrigin, 1, tree.root(), {}}, key_);
    proof.set_checkpoint(checkpoint_);
    const Secret leaf_key = audit::LeafKey(Secret(subject_key_), random);
    proof.set_leaf_key(std::string(leaf_key.ExposeSecret()));
    return *FormatReceipt(proof);
  }

  nlohmann::json Manifest() const {
    nlohmann::json files = nlohmann::json::array();
    for (const File& file : files_) {
      files.push_back({{"path", file.path},
                       {"size", file.data.size()},
                       {"sha256", crypto::HexEncode(crypto::Sha256(file.data))}});
    }
    const nlohmann::json document = {{"document_id", kDocument},      {"version", 1},
                                     {"size", files_[1].data.size()}, {"sha256", files[1]["sha256"]},
                                     {"path", files_[1].path},        {"receipt", files_[2].path}};
    nlohmann::json manifest = {{"format", "relais-vault-export/1"},
                               {"export_id", kExport},
                               {"made", "2026-11-10T09:00:00Z"},
                               {"origin", kOrigin},
                               {"size", 1},
                               {"checkpoint", checkpoint_},
                               {"files", files}};
    manifest["documents"] = nlohmann::json::array();
    manifest["documents"].push_back(document);
    manifest["damaged"] = nlohmann::json::array();
    manifest["destroyed"] = nlohmann::json::array();
    for (const File& file : files_) {
      if (file.path.starts_with("certificates/")) {
        manifest["destroyed"].push_back({{"document_id", kGone}, {"certificate", file.path}});
      }
    }
    return manifest;
  }

  static std::string Archive(const std::vector<File>& files) {
    std::string out;
    for (const File& file : files) {
      absl::StrAppend(&out, *vault::TarHeader(file.path, file.data.size(), absl::UnixEpoch()), file.data,
                      vault::TarPadding(file.data.size()));
    }
    return out + vault::TarEnd();
  }
  std::string Archive(const nlohmann::json& manifest) const {
    std::vector<File> files = files_;
    files.push_back({"manifest.json", manifest.dump()});
    return Archive(files);
  }

  // In pieces of 10,007 bytes, which no block is a multiple of.
  absl::StatusOr<VaultExportFacts> Read(const std::string& archive,
                                        std::optional<VaultExportKey> key = std::nullopt) {
    VaultExportReader reader({{kOrigin, key_.verify_key()}}, {{kOrigin, key_.verify_key()}}, std::move(key));
    for (size_t at = 0; at < archive.size(); at += 10'007) {
      if (absl::Status taken = reader.Write(std::string_view(archive).substr(at, 10'007)); !taken.ok()) {
        return taken;
      }
    }
    return reader.Finish();
  }
  std::string Failure(const std::string& archive) { return std::string(Read(archive).status().message()); }

  relais::testing::SeededRandom random_{7};
  crypto::SigningKey key_;
  std::string subject_key_;
  std::string checkpoint_;
  std::vector<File> files_;
};

TEST_F(VaultExportTest, AWholeOneIsWhole) {
  const std::string archive = Archive(Manifest());
  const auto facts = Read(archive);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->documents, 1U);
  EXPECT_EQ(facts->bytes, 200'000U);
  EXPECT_EQ(facts->files, 5U);
  EXPECT_EQ(facts->export_id, kExport);
  EXPECT_EQ(facts->origin, kOrigin);
  EXPECT_EQ(facts->log_size, 1U);
  EXPECT_THAT(facts->damaged, IsEmpty());
  EXPECT_EQ(facts->archive_sha256, crypto::Sha256(archive));
}

TEST_F(VaultExportTest, ASealedOneOpensWithItsKeyAlone) {
  const std::string archive = Archive(Manifest());
  const VaultExportKey key{*Id128::FromHex(kExport), Secret(std::string(32, 'k'))};
  auto sealer = vault::StreamSealer::Begin(key.key, vault::ExportContext(key.export_id), random_);
  ASSERT_TRUE(sealer.ok());
  std::string sealed = sealer->header();
  ASSERT_TRUE(sealer->Write(archive, &sealed).ok());
  ASSERT_TRUE(sealer->Finish(&sealed).ok());
  const auto again = ParseVaultExportKey(FormatVaultExportKey(key));
  ASSERT_TRUE(again.ok()) << again.status();
  const auto facts = Read(sealed, *again);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->archive_sha256, crypto::Sha256(archive));

  EXPECT_FALSE(Read(sealed, VaultExportKey{key.export_id, Secret(std::string(32, 'l'))}).ok());
  EXPECT_FALSE(Read(sealed, VaultExportKey{*Id128::FromHex(kDocument), key.key}).ok());
  EXPECT_FALSE(Read(sealed.substr(0, sealed.size() - 1), key).ok());
  sealed[1000] ^= 1;
  EXPECT_FALSE(Read(sealed, key).ok());
  EXPECT_FALSE(ParseVaultExportKey(FormatVaultExportKey(key) + "\n").ok());
}

TEST_F(VaultExportTest, ATextOtherThanTheOneDepositedIsFound) {
  files_[1].data[5] ^= 1;  // and the manifest says so too: only the receipt knows
  EXPECT_THAT(Failure(Archive(Manifest())), HasSubstr("not the one its receipt is of"));
}

TEST_F(VaultExportTest, CertificatesAreCheckedAndEachIsSaid) {
  AddCertificate();
  const nlohmann::json good = Manifest();
  const auto facts = Read(Archive(good));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->certificates, 1U);
  nlohmann::json manifest = good;
  manifest["destroyed"][0]["document_id"] = kDocument;
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("is not there as said"));
  manifest = good;
  manifest["destroyed"].clear();
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("a certificate that nothing is said of"));
  manifest.erase("destroyed");
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("what was destroyed"));
  files_[3].data = files_[2].data;  // a receipt in its place
  EXPECT_THAT(Failure(Archive(Manifest())), HasSubstr("no certificate of destruction"));
}

// Whoever hands the archive on, the host too, takes nothing out of it unseen (D-3.4).
TEST_F(VaultExportTest, APaperTakenOutWithItsReceiptAndTheManifestRewrittenIsFound) {
  files_[4].data = R"({"entries": [{"act": "ACT_DEPOSITED"}]})";
  const std::string archive = Archive(Manifest());
  const vault::v1::VaultExported ended = Ended(archive);
  EXPECT_TRUE(Whole(archive, ended).ok()) << Whole(archive, ended);
  nlohmann::json manifest = Manifest();
  manifest["files"].erase(1);
  manifest["files"].erase(1);
  manifest["documents"].clear();
  files_.erase(files_.begin() + 1, files_.begin() + 3);
  files_[2].data = R"({"entries": []})";  // nor does the journal say that it was deposited
  manifest["files"][2]["size"] = files_[2].data.size();
  manifest["files"][2]["sha256"] = crypto::HexEncode(crypto::Sha256(files_[2].data));
  const std::string rewritten = Archive(manifest);
  const auto facts = Read(rewritten);
  ASSERT_TRUE(facts.ok()) << facts.status() << ": by itself it is an archive like any other";
  EXPECT_EQ(facts->documents, 0U);
  EXPECT_THAT(std::string(Whole(rewritten, ended).message()), HasSubstr("not the one that was sent"));
}

// The journal as sentences (`journal.txt`) is a file like the others: there as the manifest says, or refused.
TEST_F(VaultExportTest, TheJournalToBeReadIsCheckedLikeTheOthers) {
  files_.insert(files_.begin() + 4, {"journal.txt", "Le 06/02/2027, emmaus a lu un papier."});
  const nlohmann::json manifest = Manifest();
  EXPECT_EQ(manifest["files"][4]["path"], "journal.txt");
  const auto facts = Read(Archive(manifest));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->files, 6U);
  files_[4].data = "Le 06/02/2027, emmaus a lu un rapport";
  ASSERT_EQ(files_[4].data.size(), manifest["files"][4]["size"]);
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("journal.txt"));
}

TEST_F(VaultExportTest, AnyOtherByteIsNotTheArchiveThatWasProved) {
  const std::string archive = Archive(Manifest());
  const vault::v1::VaultExported ended = Ended(archive);
  files_[4].data = R"({"entries": [7]})";
  EXPECT_TRUE(absl::IsDataLoss(Whole(Archive(Manifest()), ended)));
  EXPECT_TRUE(absl::IsDataLoss(Whole(archive + std::string(512, '\0'), ended)));
  vault::v1::VaultExported other = ended;
  other.set_export_id(kDocument);
  EXPECT_THAT(std::string(Whole(archive, other).message()), HasSubstr("of another export"));
  other = ended;
  other.set_texts(2);
  EXPECT_THAT(std::string(Whole(archive, other).message()), HasSubstr("other numbers"));
  other = ended;
  other.clear_archive_sha256();  // of the beginning
  EXPECT_THAT(std::string(Whole(archive, other).message()), HasSubstr("none of the end"));
}

// A paper whose deposit does not read may be missing unseen: an archive of which that is so says it, and its
// proof too.
TEST_F(VaultExportTest, WhatDoesNotReadIsSaidByArchiveAndProofAlike) {
  nlohmann::json manifest = Manifest();
  EXPECT_TRUE(NothingLacks(*Read(Archive(manifest))));
  manifest["unreadable"] = 2;
  const std::string archive = Archive(manifest);
  const auto facts = Read(archive);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->unreadable, 2U);
  EXPECT_FALSE(NothingLacks(*facts));
  vault::v1::VaultExported ended = Ended(archive);
  EXPECT_TRUE(absl::IsDataLoss(Whole(archive, ended)));
  ended.set_unreadable(2);
  EXPECT_TRUE(Whole(archive, ended).ok()) << Whole(archive, ended);
}

TEST_F(VaultExportTest, ATextWithoutReceiptIsTakenOnlyWhereLeavesDoNotRead) {
  files_.erase(files_.begin() + 2);
  nlohmann::json manifest = Manifest();
  manifest["documents"][0]["receipt"] = "";
  manifest["documents"][0]["path"] = files_[1].path;
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("has no receipt"));
  manifest["unreadable"] = 1;
  const std::string archive = Archive(manifest);
  const auto facts = Read(archive);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->documents, 0U);
  EXPECT_EQ(facts->unproved, 1U);
  vault::v1::VaultExported ended = Ended(archive);
  ended.set_unreadable(1);
  EXPECT_TRUE(Whole(archive, ended).ok()) << Whole(archive, ended);
  manifest["documents"][0]["sha256"] = std::string(64, '0');
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("is not there as said"));
}

TEST_F(VaultExportTest, AProofOfAnotherLogOrActProvesNothing) {
  const std::string proof = Proved(audit::v1::EVENT_CLASS_VAULT_EXPORTED, Ended("x"));
  EXPECT_TRUE(OpenVaultExportProof(proof, Keys()).ok());
  const crypto::SigningKey stranger = crypto::SigningKey::Generate(random_);
  EXPECT_TRUE(absl::IsDataLoss(OpenVaultExportProof(proof, {{kOrigin, stranger.verify_key()}}).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenVaultExportProof(files_[2].data, Keys()).status())) << "a deposit's";
  EXPECT_TRUE(absl::IsDataLoss(OpenVaultExportProof("{}", Keys()).status()));
}

TEST_F(VaultExportTest, ASealedOneIsProvedAsSentAndOpened) {
  const std::string archive = Archive(Manifest());
  const VaultExportKey key{*Id128::FromHex(kExport), Secret(std::string(32, 'k'))};
  std::string sealed;
  std::string again;  // the same archive, sealed anew
  for (std::string* out : {&sealed, &again}) {
    auto sealer = vault::StreamSealer::Begin(key.key, vault::ExportContext(key.export_id), random_);
    ASSERT_TRUE(sealer.ok());
    *out = sealer->header();
    ASSERT_TRUE(sealer->Write(archive, out).ok());
    ASSERT_TRUE(sealer->Finish(out).ok());
  }
  const vault::v1::VaultExported ended = Ended(archive, sealed);
  EXPECT_TRUE(Whole(sealed, ended, key).ok()) << Whole(sealed, ended, key);
  EXPECT_TRUE(Whole(archive, ended).ok()) << "she opened it and kept what was in it";
  EXPECT_TRUE(absl::IsDataLoss(Whole(again, ended, key)));
}

TEST_F(VaultExportTest, AReceiptOfAnotherLogIsFound) {
  const crypto::SigningKey stranger = crypto::SigningKey::Generate(random_);
  VaultExportReader reader({{kOrigin, stranger.verify_key()}}, {{kOrigin, stranger.verify_key()}},
                           std::nullopt);
  const absl::Status read = reader.Write(Archive(Manifest()));
  EXPECT_TRUE(absl::IsDataLoss(read)) << read;
}

TEST_F(VaultExportTest, WhatTheManifestDoesNotSayIsFound) {
  const nlohmann::json good = Manifest();
  const auto changed = [&](const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json manifest = good;
    change(manifest);
    return Failure(Archive(manifest));
  };
  EXPECT_THAT(changed([](auto& m) { m["format"] = "relais-vault-export/2"; }), HasSubstr("manifest"));
  EXPECT_THAT(changed([](auto& m) { m["files"].erase(0); }), HasSubstr("other files"));
  EXPECT_THAT(changed([](auto& m) { m["files"][3]["size"] = 7; }), HasSubstr("metadata.json"));
  EXPECT_THAT(changed([](auto& m) { m["files"][3]["size"] = "2"; }), HasSubstr("metadata.json"));
  EXPECT_THAT(changed([](auto& m) { m["documents"].clear(); }), HasSubstr("nothing is said of"));
  EXPECT_THAT(changed([](auto& m) { m["documents"][0]["version"] = 2; }), HasSubstr("receipt"));
  EXPECT_THAT(changed([](auto& m) { m["documents"][0]["receipt"] = "receipts/none.json"; }),
              HasSubstr("no receipt"));
  EXPECT_THAT(changed([](auto& m) { m["documents"][0] = 7; }), HasSubstr("no documents"));
  EXPECT_THAT(changed([](auto& m) { m["size"] = 2; }), HasSubstr("checkpoint"));
  EXPECT_THAT(changed([](auto& m) { m["checkpoint"] = ""; }), HasSubstr("checkpoint"));
  EXPECT_EQ(changed([](auto& m) { m["damaged"].push_back(kDocument); }), "");  // that is for who reads to see
}

TEST_F(VaultExportTest, MoreLessTwiceAndCutAreFound) {
  const nlohmann::json manifest = Manifest();
  const std::vector<File> good = files_;
  files_.push_back({"more.txt", "x"});
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("other files"));
  files_ = good;
  files_.push_back(good[0]);
  EXPECT_THAT(Failure(Archive(manifest)), HasSubstr("twice"));
  files_ = good;
  files_.erase(files_.begin() + 4);
  EXPECT_THAT(Failure(Archive(Manifest())), HasSubstr("journal.json is missing"));
  std::vector<File> after = good;
  after.push_back({"manifest.json", manifest.dump()});
  after.push_back({"after.txt", ""});
  EXPECT_THAT(Failure(Archive(after)), HasSubstr("follows the manifest"));
  EXPECT_THAT(Failure(Archive(good)), HasSubstr("no manifest"));
}

// Wherever it is cut, it is an archive as far as it goes, and the file is named.
TEST_F(VaultExportTest, ACutOneSaysSoAndWhere) {
  const std::string whole = Archive(Manifest());
  const auto cut = [&](size_t at) { return Failure(whole.substr(0, at)); };
  EXPECT_EQ(cut(0), "export: the archive is cut short before its first file");
  EXPECT_EQ(cut(300), "export: the archive is cut short before its first file");
  EXPECT_EQ(cut(512), "export: the archive is cut short within LISEZMOI.txt: 12 of its 12 bytes are missing");
  EXPECT_EQ(cut(1100), "export: the archive is cut short after LISEZMOI.txt") << "in the header of the next";
  EXPECT_EQ(cut(512 * 103),
            "export: the archive is cut short within documents/001 Bail.pdf: 148800 of its 200000 bytes are "
            "missing");
  EXPECT_EQ(cut(whole.size() - 512), "export: the archive is cut short after manifest.json");
  for (size_t at = 0; at < whole.size(); at += 509) {
    const absl::Status read = Read(whole.substr(0, at)).status();
    EXPECT_TRUE(absl::IsDataLoss(read)) << at;
    EXPECT_THAT(std::string(read.message()), HasSubstr("cut short")) << at;
  }
  EXPECT_THAT(Failure(std::string(2000, 'x')), Not(HasSubstr("cut short"))) << "it is no archive";
}

TEST_F(VaultExportTest, ACutSealedOneSaysSoAndWhere) {
  const std::string archive = Archive(Manifest());
  const VaultExportKey key{*Id128::FromHex(kExport), Secret(std::string(32, 'k'))};
  auto sealer = vault::StreamSealer::Begin(key.key, vault::ExportContext(key.export_id), random_);
  ASSERT_TRUE(sealer.ok());
  std::string sealed = sealer->header();
  ASSERT_TRUE(sealer->Write(archive, &sealed).ok());
  ASSERT_TRUE(sealer->Finish(&sealed).ok());
  const auto cut = [&](size_t at) { return std::string(Read(sealed.substr(0, at), key).status().message()); };
  EXPECT_THAT(cut(150'000), HasSubstr("cut short, or its end was altered, within documents/001 Bail.pdf"));
  EXPECT_THAT(cut(10), HasSubstr("before its first file"));
  EXPECT_THAT(cut(sealed.size() - 1), HasSubstr("cut short, or its end was altered,"));
}

}  // namespace
}  // namespace relais::cli
