// All she has, on one request (D-3.4): complete, open, checkable; served without consent, and to nobody but
// her host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/audit/leaf.h"
#include "common/crypto/encoding.h"
#include "common/receipt/act.h"
#include "common/rpc/refusal.h"
#include "common/storage/testing/forwarding_store.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "services/vault/export_text.h"
#include "services/vault/format/opener.h"
#include "services/vault/format/sealed_text.h"
#include "services/vault/format/tar.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/export_handlers.h"
#include "services/vault/handlers/key_handlers.h"
#include "services/vault/open_streams.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"
#include "services/vault/testing/world_on.h"

namespace relais::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kHost;
using testing::kReader;
using ::testing::Not;
using testing::Pdf;
using testing::TearDepositOf;
using testing::World;

constexpr uint64_t kHer = 1;

struct Taken {
  absl::Status status;
  v1::ExportStart start;
  v1::ExportEnd end;
  bool ended = false;
  std::string bytes;
  std::vector<std::string> order;
  std::map<std::string, std::string> files;

  nlohmann::json Json(const std::string& path) const { return nlohmann::json::parse(files.at(path)); }
};

Taken Export(World& world, bool seal = false, bool current_only = false,
             const std::string& institution = kHost) {
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(institution, kHer);
  request.set_seal(seal);
  request.set_current_only(current_only);
  auto out = std::make_shared<testing::Collected<v1::ExportResponse>>(world.sim());
  Taken taken;
  taken.status = world.Run(world.service().exports().Export(world.As(institution), request, out));
  for (size_t i = 0; i < out->got.size(); ++i) {
    const v1::ExportResponse& message = out->got[i];
    EXPECT_EQ(message.has_start(), i == 0);
    EXPECT_LE(message.data().size(), 262144U);
    if (message.has_start()) {
      taken.start = message.start();
    } else if (message.has_end()) {
      EXPECT_EQ(i + 1, out->got.size());
      taken.end = message.end();
      taken.ended = true;
    }
    taken.bytes += message.data();
  }
  return taken;
}

std::vector<v1::VaultExportCut> Cuts(World& world) {
  return testing::Payloads<v1::VaultExportCut>(world, audit::v1::EVENT_CLASS_VAULT_EXPORT_CUT);
}

void Unpack(Taken& taken, const std::string& archive) {
  std::string name;
  TarReader reader(
      [&](std::string_view path, uint64_t) {
        name = std::string(path);
        taken.order.push_back(name);
        taken.files[name];
        return absl::OkStatus();
      },
      [&](std::string_view data) {
        taken.files[name].append(data);
        return absl::OkStatus();
      });
  ASSERT_TRUE(reader.Write(archive).ok());
  ASSERT_TRUE(reader.Finish().ok());
}

void Destroy(World& world, const std::string& document) {
  v1::DestroyRequest destroy;
  destroy.set_request_id("destroy");
  *destroy.mutable_person() = world.Handle(kHost, kHer);
  destroy.set_document_id(document);
  ASSERT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), destroy)).ok());
}

// The one certificate in an archive: of this paper.
void ExpectCertificate(Taken& taken, const std::string& document) {
  const nlohmann::json destroyed = taken.Json("manifest.json")["destroyed"];
  ASSERT_EQ(destroyed.size(), 1U);
  EXPECT_EQ(destroyed[0]["document_id"], document);
  EXPECT_EQ(destroyed[0]["certificate"], "certificates/" + document + ".json");
  const std::string certificate = taken.files["certificates/" + document + ".json"];
  const auto proof = receipt::ParseReceipt(certificate);
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_TRUE(receipt::CheckReceipt(certificate, *proof).ok());
  EXPECT_EQ(nlohmann::json::parse(certificate)["act"], "destruction");
  EXPECT_EQ(nlohmann::json::parse(certificate)["id"], document);
}

TEST(Export, IsCompleteAndEachFileIsInTheManifest) {
  World world;
  world.Host(kHer);
  const std::string small = Pdf(1000);
  const std::string large = Pdf(5'000'000, 3);  // longer than is held: read twice
  const World::Deposited first = world.MustDeposit(kHer, small);
  const World::Deposited second = world.MustDeposit(kHer, large, v1::DOCUMENT_TYPE_LEASE);
  world.Share(kHer, first.document);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  ASSERT_TRUE(taken.ended);
  EXPECT_EQ(taken.start.documents(), 2U);
  EXPECT_EQ(taken.start.bytes(), 5'001'000U);
  EXPECT_EQ(taken.start.key(), "");
  EXPECT_EQ(taken.end.bytes(), taken.bytes.size());
  EXPECT_EQ(taken.end.sha256(), crypto::Sha256(taken.bytes));
  EXPECT_EQ(taken.end.archive_sha256(), taken.end.sha256());
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
  EXPECT_NE(taken.end.written().revision(), "");
  EXPECT_THAT(Cuts(world), IsEmpty());
  Unpack(taken, taken.bytes);
  ASSERT_EQ(taken.order.size(), 9U);
  EXPECT_EQ(taken.order.front(), "LISEZMOI.txt");
  EXPECT_EQ(taken.order.back(), "manifest.json");
  const std::string readme = taken.files["LISEZMOI.txt"];
  EXPECT_LT(readme.find("VOS PAPIERS"), readme.find("YOUR PAPERS"));
  // Which key it takes to check it, in both languages.
  const std::string log = world.context().log.origin();
  EXPECT_LT(readme.find("du journal " + log), readme.find("YOUR PAPERS"));
  EXPECT_NE(readme.find("of the log " + log), std::string::npos);
  EXPECT_NE(readme.find("--key KEY"), std::string::npos);

  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["format"], "relais-vault-export/1");
  EXPECT_EQ(manifest["export_id"], taken.start.export_id());
  EXPECT_EQ(manifest["person"], world.Handle(kHost, kHer).handle());
  ASSERT_EQ(manifest["files"].size(), 8U);
  for (size_t i = 0; i < 8; ++i) {
    const nlohmann::json& file = manifest["files"][i];
    const std::string path = file["path"];
    EXPECT_EQ(path, taken.order[i]);
    EXPECT_EQ(file["size"], taken.files[path].size());
    EXPECT_EQ(file["sha256"], crypto::HexEncode(crypto::Sha256(taken.files[path])));
  }
  std::map<std::string, std::string> texts;
  ASSERT_EQ(manifest["documents"].size(), 2U);
  for (const nlohmann::json& document : manifest["documents"]) {
    texts[document["document_id"]] = taken.files[document["path"]];
    const std::string receipt = taken.files[document["receipt"]];
    const auto proof = receipt::ParseReceipt(receipt);
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_TRUE(receipt::CheckReceipt(receipt, *proof).ok());
    EXPECT_NE(proof->leaf_key(), "");
    EXPECT_EQ(nlohmann::json::parse(receipt)["id"], document["document_id"].get<std::string>() + "/1");
  }
  EXPECT_EQ(texts[first.document], small);
  EXPECT_EQ(texts[second.document], large);

  const nlohmann::json metadata = taken.Json("metadata.json");
  EXPECT_EQ(metadata["documents"].size(), 2U);
  EXPECT_EQ(metadata["shares"].size(), 1U);
  EXPECT_EQ(metadata["requests"].size(), 0U);
  EXPECT_EQ(metadata["hosts"].size(), 1U);
  // Oldest first; the beginning of the export itself is the last line.
  const nlohmann::json journal = taken.Json("journal.json");
  EXPECT_EQ(journal["entries"].back()["act"], "ACT_EXPORTED");
  EXPECT_EQ(journal["entries"].back()["outcome"], "BEGUN");
  uint64_t before = 0;
  for (const nlohmann::json& entry : journal["entries"]) {
    const uint64_t index = std::stoull(entry["leafIndex"].get<std::string>());
    EXPECT_TRUE(before == 0 || index > before);
    before = index;
  }
  // To be read: of each entry, in its order, a sentence in French and one in English (D-3.1).
  const std::string text = taken.files["journal.txt"];
  std::string sentences(kJournalTextBegin);
  for (const nlohmann::json& json : journal["entries"]) {
    v1::JournalEntry entry;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json.dump(), &entry).ok());
    sentences += ExportJournalSentences(entry, world.vault().paris);
  }
  EXPECT_EQ(text, sentences);
  EXPECT_THAT(text, HasSubstr(" a commencé à emporter tout votre coffre-fort"));
}

TEST(Export, OfAnEmptyVaultIsAnArchiveToo) {
  World world;
  world.Host(kHer);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  Unpack(taken, taken.bytes);
  EXPECT_THAT(taken.order,
              ElementsAre("LISEZMOI.txt", "metadata.json", "journal.txt", "journal.json", "manifest.json"));
  EXPECT_EQ(taken.Json("metadata.json")["documents"].size(), 0U);
}

TEST(Export, SealedUnderAFreshKeyThatOpensItAlone) {
  World world;
  world.Host(kHer);
  world.MustDeposit(kHer, Pdf(300'000));
  Taken taken = Export(world, true);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  ASSERT_EQ(taken.start.key().size(), 32U);
  StreamOpener opener(Secret(taken.start.key()),
                      ExportContext(Id128::FromHex(taken.start.export_id()).value()));
  std::string archive;
  ASSERT_TRUE(opener.Write(taken.bytes, &archive).ok());
  ASSERT_TRUE(opener.Finish(&archive).ok());
  EXPECT_EQ(taken.end.archive_sha256(), crypto::Sha256(archive));
  EXPECT_EQ(taken.end.sha256(), crypto::Sha256(taken.bytes));
  Unpack(taken, archive);
  EXPECT_EQ(taken.order.size(), 7U);
  EXPECT_NE(Export(world, true).start.key(), taken.start.key());
}

// D-3.4: complete unless less was asked for; what it says of itself is so.
TEST(Export, EveryVersionUnlessCurrentOnesAloneAreAskedFor) {
  World world;
  world.Host(kHer);
  const World::Deposited first = world.MustDeposit(kHer, Pdf(1000));
  world.MustDeposit(kHer, Pdf(2000, 5), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  Taken all = Export(world);
  Unpack(all, all.bytes);
  ASSERT_EQ(all.Json("manifest.json")["documents"].size(), 2U);
  EXPECT_EQ(all.Json("manifest.json")["documents"][0]["size"], 1000);
  EXPECT_EQ(all.Json("manifest.json")["documents"][1]["version"], 2);
  EXPECT_EQ(all.Json("manifest.json")["current_only"], false);
  EXPECT_EQ(all.start.bytes(), 3000U);
  EXPECT_EQ(all.start.documents(), 1U);
  EXPECT_THAT(all.files["LISEZMOI.txt"], HasSubstr("dans toutes ses versions"));
  EXPECT_THAT(all.files["LISEZMOI.txt"], HasSubstr("in all its versions"));
  Taken current = Export(world, false, true);
  Unpack(current, current.bytes);
  EXPECT_EQ(current.Json("manifest.json")["documents"].size(), 1U);
  EXPECT_EQ(current.Json("manifest.json")["documents"][0]["version"], 2);
  EXPECT_EQ(current.Json("manifest.json")["current_only"], true);
  EXPECT_THAT(current.end.damaged_document_ids(), IsEmpty()) << "earlier ones were not asked for";
  EXPECT_THAT(current.files["LISEZMOI.txt"], HasSubstr("Leurs versions antérieures n'y sont pas"));
  EXPECT_THAT(current.files["LISEZMOI.txt"], HasSubstr("Their earlier versions are not in it"));
  EXPECT_THAT(current.files["LISEZMOI.txt"], Not(HasSubstr("versions, que votre")));
}

// The end is in the log, with what was sent, and its proof is the last that comes (ADR 63).
TEST(Export, EndsWithTheProofOfTheWhole) {
  World world;
  world.Host(kHer);
  const World::Deposited gone = world.MustDeposit(kHer, Pdf(900, 4));
  const World::Deposited first = world.MustDeposit(kHer, Pdf(1000));
  world.MustDeposit(kHer, Pdf(2000, 5), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  Destroy(world, gone.document);
  const Taken taken = Export(world, true);
  ASSERT_TRUE(taken.ended) << taken.status;
  const common::v1::Proof& proof = taken.end.written().proof();
  const auto leaf = audit::ParseLeaf(proof.leaf());
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  const auto details = audit::OpenDetailsWithLeafKey(*leaf, Secret(proof.leaf_key()));
  ASSERT_TRUE(details.ok()) << details.status();
  v1::VaultExported proved;
  ASSERT_TRUE(details->payload().UnpackTo(&proved));
  EXPECT_EQ(proved.export_id(), taken.start.export_id());
  EXPECT_EQ(proved.sha256(), crypto::Sha256(taken.bytes));
  EXPECT_EQ(proved.archive_sha256(), taken.end.archive_sha256());
  EXPECT_NE(proved.archive_sha256(), proved.sha256()) << "it is sealed";
  EXPECT_EQ(proved.bytes(), taken.bytes.size());
  EXPECT_EQ(proved.documents(), 1U);
  EXPECT_EQ(proved.texts(), 2U);
  EXPECT_EQ(proved.certificates(), 1U);
  EXPECT_EQ(proved.damaged(), 0U);
  EXPECT_TRUE(proved.sealed());
  const auto leaves = testing::Payloads<v1::VaultExported>(world, audit::v1::EVENT_CLASS_VAULT_EXPORTED);
  ASSERT_EQ(leaves.size(), 2U);
  EXPECT_EQ(leaves[0].sha256(), "") << "nothing was sent yet";
  EXPECT_EQ(leaves[0].export_id(), taken.start.export_id());
  EXPECT_EQ(leaves[1].SerializeAsString(), proved.SerializeAsString());
}

// One human under two names is one archive; begin and end are in the journal of each (ADR 47, 63).
TEST(Export, OfTwoNamesEndsUnderEach) {
  constexpr uint64_t kToo = 2;
  World world;
  world.Host(kHer);
  world.Host(kToo);
  const std::string one = world.MustDeposit(kHer, Pdf(1000)).document;
  const std::string two = world.MustDeposit(kToo, Pdf(2000, 5)).document;
  const World::Deposited gone = world.MustDeposit(kToo, Pdf(900, 4));
  testing::SetRaw(world, VaultStore::PersonPartition(World::Person(kToo)), testing::RecordKey(gone),
                  std::nullopt);
  testing::AreOne(world, kHer, kToo);
  world.Settle();
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), ElementsAre(gone.document)) << "of the other name";
  Unpack(taken, taken.bytes);
  std::set<std::string> documents;
  const nlohmann::json manifest = taken.Json("manifest.json");
  for (const nlohmann::json& document : manifest["documents"]) {
    documents.insert(document["document_id"]);
  }
  EXPECT_THAT(documents, ::testing::UnorderedElementsAre(one, two));
  const auto leaves = testing::Payloads<v1::VaultExported>(world, audit::v1::EVENT_CLASS_VAULT_EXPORTED);
  ASSERT_EQ(leaves.size(), 4U);
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(leaves[i].sha256(), i < 2 ? "" : crypto::Sha256(taken.bytes));
  }
}

TEST(Export, WhatWasDestroyedHasItsCertificateInIt) {
  World world;
  world.Host(kHer);
  const World::Deposited kept = world.MustDeposit(kHer, Pdf(1000));
  const World::Deposited gone = world.MustDeposit(kHer, Pdf(900, 4));
  Destroy(world, gone.document);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
  Unpack(taken, taken.bytes);
  ExpectCertificate(taken, gone.document);
  ASSERT_EQ(taken.Json("manifest.json")["documents"].size(), 1U);
  EXPECT_EQ(taken.Json("manifest.json")["documents"][0]["document_id"], kept.document);
}

// The log is asked what there should be: somebody with the disk takes no paper out of an export unseen.
TEST(Export, APaperWhoseRecordIsGoneIsNamed) {
  World world;
  world.Host(kHer);
  const World::Deposited kept = world.MustDeposit(kHer, Pdf(1000));
  const World::Deposited gone = world.MustDeposit(kHer, Pdf(900, 4));
  testing::SetRaw(world, VaultStore::PersonPartition(World::Person(kHer)), testing::RecordKey(gone),
                  std::nullopt);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), ElementsAre(gone.document));
  Unpack(taken, taken.bytes);
  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["damaged"], nlohmann::json::array({gone.document}));
  ASSERT_EQ(manifest["documents"].size(), 1U);
  EXPECT_EQ(manifest["documents"][0]["document_id"], kept.document);
}

// What the proof of an export says of its end.
v1::VaultExported ProvedEnd(const Taken& taken) {
  v1::VaultExported proved;
  const common::v1::Proof& proof = taken.end.written().proof();
  const auto leaf = audit::ParseLeaf(proof.leaf());
  const auto details = leaf.ok() ? audit::OpenDetailsWithLeafKey(*leaf, Secret(proof.leaf_key()))
                                 : absl::StatusOr<audit::v1::LeafDetails>(leaf.status());
  EXPECT_TRUE(details.ok() && details->payload().UnpackTo(&proved)) << details.status();
  return proved;
}

// One bad leaf keeps nothing back: it is counted, by the signed end too, and a paper whose deposit it was is
// there without a receipt (ADR 63, 69).
TEST(Export, GoesOnPastALeafThatDoesNotRead) {
  World world;
  world.Host(kHer);
  const World::Deposited bad = world.MustDeposit(kHer, Pdf(1000));
  world.MustDeposit(kHer, Pdf(2000, 5));
  Taken whole = Export(world);
  Unpack(whole, whole.bytes);
  EXPECT_EQ(whole.Json("journal.json")["unreadable"], 0);
  EXPECT_EQ(whole.Json("manifest.json")["unreadable"], 0);
  TearDepositOf(world, bad.document);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.ended) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty()) << "it is whole";
  Unpack(taken, taken.bytes);
  const nlohmann::json journal = taken.Json("journal.json");
  EXPECT_EQ(journal["unreadable"], 1);
  EXPECT_THAT(taken.files["journal.txt"], HasSubstr("Lignes qui ne se lisent plus : 1\n"));
  EXPECT_THAT(whole.files["journal.txt"], Not(HasSubstr("ne se lisent plus")));
  EXPECT_GE(journal["entries"].size(), whole.Json("journal.json")["entries"].size())
      << "the lines of the first export came, one went";
  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["unreadable"], 1);
  ASSERT_EQ(manifest["documents"].size(), 2U);
  for (const nlohmann::json& document : manifest["documents"]) {
    EXPECT_EQ(document["receipt"] == "", document["document_id"] == bad.document) << document;
  }
  EXPECT_EQ(ProvedEnd(whole).unreadable(), 0U);
  EXPECT_EQ(ProvedEnd(taken).unreadable(), 1U);
  EXPECT_EQ(ProvedEnd(taken).texts(), 2U);
}

// Nothing tells of that paper any more: nobody can name it, and nobody says that all is there.
TEST(Export, SaysThatItMayLackWhatATornLeafAloneToldOf) {
  World world;
  world.Host(kHer);
  const World::Deposited gone = world.MustDeposit(kHer, Pdf(1000));
  const World::Deposited kept = world.MustDeposit(kHer, Pdf(2000, 5));
  TearDepositOf(world, gone.document);
  testing::SetRaw(world, VaultStore::PersonPartition(World::Person(kHer)), testing::RecordKey(gone),
                  std::nullopt);
  Taken taken = Export(world);
  ASSERT_TRUE(taken.ended) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
  Unpack(taken, taken.bytes);
  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["unreadable"], 1);
  ASSERT_EQ(manifest["documents"].size(), 1U);
  EXPECT_EQ(manifest["documents"][0]["document_id"], kept.document);
  EXPECT_EQ(ProvedEnd(taken).damaged(), 0U);
  EXPECT_EQ(ProvedEnd(taken).unreadable(), 1U);
}

// A deposit that is being written when an export is planned is in its journal, not in it, and is no damage.
TEST(Export, ADepositWhileItBeginsIsNoDamage) {
  size_t met = 0;
  for (int commits = 0; commits < 4; ++commits) {
    SCOPED_TRACE(commits);
    absl::Duration commit = absl::ZeroDuration();
    World world;
    world.harness().options().store.commit_delay = [&commit] { return commit; };
    world.Restart();
    world.Host(kHer);
    const std::string text = Pdf(1000);
    const auto begun = world.TryBegin(world.Begin(kHer, "begin", text.size()));
    ASSERT_TRUE(begun.ok()) << begun.status();
    ASSERT_TRUE(world.TrySend(kHer, begun->upload().upload_id(), 0, text).ok());
    world.Settle();
    v1::CompleteUploadRequest complete;
    complete.set_request_id("complete");
    *complete.mutable_person() = world.Handle(kHost, kHer);
    complete.set_upload_id(begun->upload().upload_id());
    complete.set_sha256(crypto::Sha256(text));
    commit = absl::Milliseconds(10);
    Start(world.service().completing().CompleteUpload(world.As(kHost), complete), [](const auto&) {});
    world.sim().RunFor(absl::Milliseconds(5 + 10 * commits));
    Taken taken = Export(world);
    ASSERT_TRUE(taken.status.ok()) << taken.status;
    EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
    Unpack(taken, taken.bytes);
    const nlohmann::json journal = taken.Json("journal.json");
    const bool deposited =
        std::any_of(journal["entries"].begin(), journal["entries"].end(),
                    [](const nlohmann::json& entry) { return entry["act"] == "ACT_DEPOSITED"; });
    met += deposited && taken.Json("manifest.json")["documents"].empty() ? 1 : 0;
    world.Settle();
  }
  EXPECT_GT(met, 0U) << "in one of them the deposit was under way";
}

TEST(Export, APaperWhoseRecordWasPutBackIsNamed) {
  World world;
  world.Host(kHer);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(kHer));
  const World::Deposited paper = world.MustDeposit(kHer, Pdf(1000));
  const auto before = testing::Raw(world, hers, testing::RecordKey(paper));
  world.MustDeposit(kHer, Pdf(2000, 5), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  EXPECT_THAT(Export(world).end.damaged_document_ids(), IsEmpty());
  testing::SetRaw(world, hers, testing::RecordKey(paper), before);
  for (const bool current_only : {false, true}) {
    Taken taken = Export(world, false, current_only);
    ASSERT_TRUE(taken.status.ok()) << taken.status;
    EXPECT_THAT(taken.end.damaged_document_ids(), ElementsAre(paper.document)) << current_only;
    Unpack(taken, taken.bytes);
    EXPECT_EQ(taken.Json("manifest.json")["damaged"], nlohmann::json::array({paper.document}));
    ASSERT_EQ(taken.Json("manifest.json")["documents"].size(), 1U) << "what there is of it is hers";
  }
}

TEST(Export, ADamagedPaperIsNamedAndLeftOut) {
  World world;
  world.Host(kHer);
  const World::Deposited good = world.MustDeposit(kHer, Pdf(1000));
  const World::Deposited bad = world.MustDeposit(kHer, Pdf(600'000, 9));
  const v1::StoredDocument stored = world.Document(kHer, bad.document);
  ASSERT_TRUE(world.Run(world.vault().papers.Empty(IdOf(stored.versions(0).content()).value())).ok());
  Taken taken = Export(world);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), ElementsAre(bad.document));
  Unpack(taken, taken.bytes);
  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["damaged"], nlohmann::json::array({bad.document}));
  ASSERT_EQ(manifest["documents"].size(), 1U);
  EXPECT_EQ(manifest["documents"][0]["document_id"], good.document);
}

// An export of two papers that waits for its client in the middle of the first: the second is planned and not
// yet opened.
struct Waiting {
  std::shared_ptr<testing::Collected<v1::ExportResponse>> out;
  std::shared_ptr<std::optional<absl::Status>> status = std::make_shared<std::optional<absl::Status>>();
  std::string first;
  std::string second;
};
Waiting BeginAndWait(World& world) {
  world.Host(kHer);
  const std::string one = world.MustDeposit(kHer, Pdf(600'000, 1)).document;
  const std::string two = world.MustDeposit(kHer, Pdf(600'000, 2), v1::DOCUMENT_TYPE_LEASE).document;
  Waiting waiting;
  waiting.first = std::min(one, two);  // papers are sent in the order of their ids
  waiting.second = std::max(one, two);
  waiting.out = std::make_shared<testing::Collected<v1::ExportResponse>>(world.sim());
  waiting.out->each = absl::Minutes(10);
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(kHost, kHer);
  Start(world.service().exports().Export(world.As(kHost), request, waiting.out),
        [status = waiting.status](absl::Status done) { *status = std::move(done); });
  world.Settle();
  return waiting;
}
Taken Finish(World& world, const Waiting& waiting) {
  EXPECT_FALSE(waiting.status->has_value());
  waiting.out->each = absl::ZeroDuration();
  world.Settle(absl::Minutes(15));
  Taken taken;
  taken.status = waiting.status->value_or(absl::DeadlineExceededError("it does not end"));
  for (const v1::ExportResponse& message : waiting.out->got) {
    taken.bytes += message.data();
    if (message.has_end()) {
      taken.end = message.end();
      taken.ended = true;
    }
  }
  return taken;
}

TEST(Export, KeysThatAreRotatedMeanwhileDamageNothing) {
  World world;
  const Waiting waiting = BeginAndWait(world);
  v1::RotateRequest rotate;
  rotate.set_request_id("rotate");
  rotate.set_level(v1::KEY_LEVEL_PERSON);
  ASSERT_TRUE(world.Run(world.service().keys().Rotate(world.As("operator"), rotate)).ok());
  world.Settle(absl::Seconds(30));
  ASSERT_EQ(world.store().PersonKeys(World::Person(kHer))->front().generation, 2U) << "the old one is gone";
  Taken taken = Finish(world, waiting);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  ASSERT_TRUE(taken.ended);
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
  Unpack(taken, taken.bytes);
  EXPECT_EQ(taken.Json("manifest.json")["documents"].size(), 2U);
}

TEST(Export, APaperThatIsDestroyedMeanwhileIsNamedSoAndNotDamaged) {
  World world;
  const Waiting waiting = BeginAndWait(world);
  Destroy(world, waiting.second);
  Taken taken = Finish(world, waiting);
  ASSERT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_THAT(taken.end.damaged_document_ids(), IsEmpty());
  Unpack(taken, taken.bytes);
  const nlohmann::json manifest = taken.Json("manifest.json");
  EXPECT_EQ(manifest["damaged"].size(), 0U);
  ASSERT_EQ(manifest["documents"].size(), 1U);
  EXPECT_EQ(manifest["documents"][0]["document_id"], waiting.first);
  bool named = false;
  const nlohmann::json metadata = taken.Json("metadata.json");
  for (const nlohmann::json& document : metadata["documents"]) {
    named = named || (document["documentId"] == waiting.second && document["state"] == "STATE_DESTROYED");
  }
  EXPECT_TRUE(named);
  ExpectCertificate(taken, waiting.second);
}

TEST(Export, GoesOnWithoutConsentAndWithoutItsLease) {
  World world;
  world.Host(kHer);
  world.MustDeposit(kHer, Pdf(1000));
  world.consent.down = absl::UnavailableError("down");
  world.CutConsentLog(true);
  world.sim().RunFor(absl::Seconds(5));
  EXPECT_TRUE(Export(world).ended);
}

// Whom it is shared with, and whoever else, is told what he is told of anything (D-3.1), and the attempt
// stays (D-3.2).
TEST(Export, NobodyButHerHost) {
  World world;
  world.Host(kHer);
  const World::Deposited paper = world.MustDeposit(kHer, Pdf(1000));
  world.Share(kHer, paper.document);
  const Taken taken = Export(world, false, false, kReader);
  EXPECT_EQ(rpc::ReasonOf(taken.status), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(taken.bytes, "");
  Taken hers = Export(world);
  Unpack(hers, hers.bytes);
  bool seen = false;
  const nlohmann::json journal = hers.Json("journal.json");
  for (const nlohmann::json& entry : journal["entries"]) {
    seen = seen || (entry["act"] == "ACT_EXPORTED" && entry["allowed"] == false);
  }
  EXPECT_TRUE(seen);
}

// An export of one paper of 6 MB, longer than is held, to a client that takes 100 ms for a message.
struct Slow {
  explicit Slow(World& world) {
    world.Host(kHer);
    document = world.MustDeposit(kHer, Pdf(6'000'000)).document;
    v1::ExportRequest request;
    *request.mutable_person() = world.Handle(kHost, kHer);
    out = std::make_shared<testing::Collected<v1::ExportResponse>>(world.sim());
    out->each = absl::Milliseconds(100);
    Start(world.service().exports().Export(world.As(kHost), request, out),
          [status = status](absl::Status done) { *status = std::move(done); });
    world.sim().RunFor(absl::Milliseconds(550));
    EXPECT_FALSE(status->has_value());
  }
  [[nodiscard]] uint64_t Bytes() const {
    uint64_t bytes = 0;
    for (const v1::ExportResponse& message : out->got) {
      bytes += message.data().size();
    }
    return bytes;
  }
  std::string document;
  std::shared_ptr<testing::Collected<v1::ExportResponse>> out;
  std::shared_ptr<std::optional<absl::Status>> status = std::make_shared<std::optional<absl::Status>>();
};
// The one leaf of a cut says what became of this export (ADR 53).
void ExpectCut(World& world, const Slow& slow, const std::string& cause) {
  const std::vector<v1::VaultExportCut> cuts = Cuts(world);
  ASSERT_EQ(cuts.size(), 1U);
  EXPECT_EQ(cuts[0].cause(), cause);
  EXPECT_EQ(cuts[0].export_id(), slow.out->got.front().start().export_id());
  EXPECT_GT(cuts[0].sent(), 0U);
  EXPECT_EQ(cuts[0].sent(), slow.Bytes());
  EXPECT_EQ(testing::Payloads<v1::VaultExported>(world, audit::v1::EVENT_CLASS_VAULT_EXPORTED).size(), 1U)
      << "it began and did not end";
}

TEST(Export, IsCutWhenTheHostIsUnlinked) {
  World world;
  const Slow slow(world);
  world.vault().streams.EndHost(World::Person(kHer), kHost, v1::Host::STATE_UNLINKED);
  world.sim().RunFor(absl::Milliseconds(300));
  ASSERT_TRUE(slow.status->has_value());
  EXPECT_EQ(rpc::ReasonOf(**slow.status), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_LT(slow.out->got.size(), 10U);
  EXPECT_FALSE(slow.out->got.back().has_end());
  ExpectCut(world, slow, "UNLINKED");
}

TEST(Export, WhoseClientGoesAwaySaysSoInHerJournal) {
  World world;
  const Slow slow(world);
  slow.out->HangUp();
  world.sim().RunFor(absl::Milliseconds(300));
  ASSERT_TRUE(slow.status->has_value());
  EXPECT_TRUE(absl::IsCancelled(**slow.status));
  ExpectCut(world, slow, "CONNECTION_LOST");
  Taken hers = Export(world);
  Unpack(hers, hers.bytes);
  const nlohmann::json entries = hers.Json("journal.json")["entries"];
  ASSERT_GE(entries.size(), 2U);
  const nlohmann::json& cut = entries[entries.size() - 2];  // then this export
  EXPECT_EQ(cut["act"], "ACT_EXPORT_CUT");
  EXPECT_EQ(cut["reason"], "CONNECTION_LOST");
  EXPECT_EQ(cut["who"]["institution"], kHost);
  EXPECT_EQ(cut["length"], std::to_string(slow.Bytes()));
}

TEST(Export, APaperDestroyedWithinItsBytesCutsIt) {
  World world;
  const Slow slow(world);
  slow.out->each = absl::Minutes(1);  // its bytes are gone before the next is read
  Destroy(world, slow.document);
  world.Settle(absl::Minutes(5));
  ASSERT_TRUE(slow.status->has_value());
  EXPECT_EQ(rpc::ReasonOf(**slow.status), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_FALSE(slow.out->got.back().has_end());
  ExpectCut(world, slow, "DESTROYED");
}

TEST(Export, APaperDamagedWithinItsBytesCutsIt) {
  World world;
  const Slow slow(world);
  const v1::StoredDocument stored = world.Document(kHer, slow.document);
  ASSERT_TRUE(world.Run(world.vault().papers.Empty(IdOf(stored.versions(0).content()).value())).ok());
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(slow.status->has_value());
  EXPECT_EQ(rpc::ReasonOf(**slow.status), common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
  ExpectCut(world, slow, "DAMAGED");
}

// Her vault is being erased: her last leaves may still be written.
TEST(Export, OfWhoIsBeingErasedIsCut) {
  World world;
  const Slow slow(world);
  world.vault().streams.PersonGone(World::Person(kHer));
  world.sim().RunFor(absl::Milliseconds(300));
  ASSERT_TRUE(slow.status->has_value());
  EXPECT_EQ(rpc::ReasonOf(**slow.status), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  ExpectCut(world, slow, "DESTROYED");
}

// Another act is faster than each that has a leaf, while it is busy.
class BusyStore final : public storage::testing::ForwardingStore {
 public:
  BusyStore(std::unique_ptr<storage::Store> inner, Executor& /*executor*/)
      : ForwardingStore(std::move(inner)) {}
  bool busy = false;
  void LetGo() { busy = false; }

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (busy && !request.leaves.empty()) {
      co_return absl::AbortedError("a precondition did not hold");
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }
};

TEST(Export, ThatLosesToOthersAtEachTryIsToldWhenToComeBack) {
  testing::WorldOn<BusyStore> vault;
  World& world = vault.world;
  world.Host(kHer);
  vault.store->busy = true;
  const Taken refused = Export(world);
  vault.store->busy = false;
  EXPECT_EQ(rpc::ReasonOf(refused.status), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(rpc::RetryAfterOf(refused.status).has_value());
  EXPECT_TRUE(Export(world).ended);
}

}  // namespace
}  // namespace relais::vault
