// What methods have in common: a proof for who asks for it, how fresh an answer is, and when to come back.
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "common/rpc/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/handlers/receipt_handlers.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using common::v1::Written;

class Conventions : public ::testing::Test {
 protected:
  Conventions() {
    world.Host(1);
    paper = world.MustDeposit(1, Pdf(1000)).document;
  }

  common::v1::PersonRef Her(const std::string& institution = kHost) { return world.Handle(institution, 1); }
  std::string Revision(uint64_t more = 0) {
    return world.context().log.Revision(world.context().log.state().size + more);
  }
  // Another type each time: none is asked twice.
  v1::RequestDocumentRequest Question(const std::string& id) {
    constexpr v1::DocumentType kTypes[] = {v1::DOCUMENT_TYPE_LEASE, v1::DOCUMENT_TYPE_PAYSLIP,
                                           v1::DOCUMENT_TYPE_BANK_DETAILS, v1::DOCUMENT_TYPE_DIPLOMA};
    v1::RequestDocumentRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her(kReader);
    request.add_types(kTypes[asked++ % std::size(kTypes)]);
    request.set_purpose("RIGHTS_OPENING");
    request.set_why("pour votre dossier");
    *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
    return request;
  }
  template <typename Response>
  static Written WrittenIn(const absl::StatusOr<Response>& response) {
    World::Require(response.status());
    return response->written();
  }

  // Each act with (not) a proof, repeated or for the first time; `id` is its request's.
  Written Begin(const std::string& id, bool proof) {
    v1::BeginUploadRequest request = world.Begin(1, id, 10);
    request.set_want_proof(proof);
    return WrittenIn(world.TryBegin(request));
  }
  Written Abandon(const std::string& id, bool proof) {
    const auto begun = world.TryBegin(world.Begin(1, "for-" + id, 10));
    World::Require(begun.status());
    v1::AbandonUploadRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her();
    request.set_upload_id(begun->upload().upload_id());
    request.set_want_proof(proof);
    return WrittenIn(world.Run(world.service().uploads().AbandonUpload(world.As(kHost), request)));
  }
  Written Describe(const std::string& id, bool proof) {
    v1::UpdateMetadataRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her();
    request.set_document_id(paper);
    request.mutable_description()->set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
    request.mutable_description()->set_title(id);
    request.set_want_proof(proof);
    return WrittenIn(world.Run(world.service().metadata().UpdateMetadata(world.As(kHost), request)));
  }
  Written Revoke(const std::string& id, bool proof) {
    std::string& share = shares[id];
    if (share.empty()) {
      share = world.Share(1, paper);
    }
    v1::RevokeRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her();
    request.set_share_id(share);
    request.set_want_proof(proof);
    return WrittenIn(world.Run(world.service().shares().Revoke(world.As(kHost), request)));
  }
  Written Ask(const std::string& id, bool proof) {
    if (questions.count(id) == 0) {
      questions[id] = Question(id);
      questions[id].set_want_proof(proof);
    }
    return WrittenIn(world.Run(world.service().requests().RequestDocument(world.As(kReader), questions[id])));
  }
  Written Decide(const std::string& id, bool proof) {
    std::string& question = to_decide[id];
    if (question.empty()) {
      const auto response =
          world.Run(world.service().requests().RequestDocument(world.As(kReader), Question("for-" + id)));
      World::Require(response.status());
      question = response->request().document_request_id();
    }
    v1::DecideRequestRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her();
    request.set_document_request_id(question);
    request.set_want_proof(proof);
    return WrittenIn(world.Run(world.service().requests().DecideRequest(world.As(kHost), request)));
  }

  // A reading as of a revision: (status, the revision it was read at).
  using Read = std::pair<absl::Status, std::string>;
  template <typename Response>
  static Read ReadIn(const absl::StatusOr<Response>& response) {
    return {response.status(), response.ok() ? response->revision() : std::string()};
  }
  Read Count(const std::string& fresh) {
    v1::CountRequest request;
    *request.mutable_person() = Her();
    request.set_at_least_as_fresh(fresh);
    return ReadIn(world.Run(world.service().metadata().Count(world.As(kHost), request)));
  }
  Read Hosts(const std::string& fresh) {
    v1::ListHostsRequest request;
    *request.mutable_person() = Her();
    request.set_at_least_as_fresh(fresh);
    return ReadIn(world.Run(world.service().hosts().ListHosts(world.As(kHost), request)));
  }
  Read Requests(const std::string& fresh, bool hers) {
    v1::ListRequestsRequest request;
    if (hers) {
      *request.mutable_person() = Her();
    }
    request.set_at_least_as_fresh(fresh);
    return ReadIn(
        world.Run(world.service().requests().ListRequests(world.As(hers ? kHost : kReader), request)));
  }
  Read Upload(const std::string& fresh) {
    if (upload.empty()) {
      const auto begun = world.TryBegin(world.Begin(1, "queried", 10));
      World::Require(begun.status());
      upload = begun->upload().upload_id();
    }
    v1::QueryUploadRequest request;
    *request.mutable_person() = Her();
    request.set_upload_id(upload);
    request.set_at_least_as_fresh(fresh);
    return ReadIn(world.Run(world.service().uploads().QueryUpload(world.As(kHost), request)));
  }
  Read Journal(const std::string& fresh) {
    v1::ReadJournalRequest request;
    *request.mutable_person() = Her();
    request.set_at_least_as_fresh(fresh);
    return ReadIn(world.Run(world.service().journal().ReadJournal(world.As(kHost), request)));
  }

  Read Receipt(const std::string& fresh) {
    v1::GetReceiptRequest request;
    *request.mutable_person() = Her();
    request.set_document_id(paper);
    request.set_at_least_as_fresh(fresh);
    return ReadIn(world.Run(world.service().receipts().GetReceipt(world.As(kHost), request)));
  }

  World world;
  std::string paper;
  std::string upload;
  size_t asked = 0;
  std::map<std::string, std::string> shares;
  std::map<std::string, std::string> to_decide;
  std::map<std::string, v1::RequestDocumentRequest> questions;
};

TEST_F(Conventions, AnActIsProvedToWhoAsksForItAlsoWhenRepeated) {
  const std::map<std::string, std::function<Written(const std::string&, bool)>> acts = {
      {"BeginUpload", [this](const auto& id, bool proof) { return Begin(id, proof); }},
      {"AbandonUpload", [this](const auto& id, bool proof) { return Abandon(id, proof); }},
      {"UpdateMetadata", [this](const auto& id, bool proof) { return Describe(id, proof); }},
      {"Revoke", [this](const auto& id, bool proof) { return Revoke(id, proof); }},
      {"RequestDocument", [this](const auto& id, bool proof) { return Ask(id, proof); }},
      {"DecideRequest", [this](const auto& id, bool proof) { return Decide(id, proof); }}};
  for (const auto& [name, act] : acts) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(act(name + "-plain", false).has_proof());
    const Written first = act(name + "-proved", true);
    EXPECT_FALSE(first.proof().leaf().empty());
    EXPECT_FALSE(first.proof().checkpoint().empty());
    EXPECT_FALSE(first.proof().leaf_key().empty());
    const Written again = act(name + "-proved", true);
    EXPECT_EQ(again.proof().leaf(), first.proof().leaf());
    EXPECT_EQ(again.proof().leaf_index(), first.proof().leaf_index());
    EXPECT_EQ(again.time().SerializeAsString(), first.time().SerializeAsString());
  }
}

TEST_F(Conventions, AnAnswerIsAsFreshAsWasAskedOrNone) {
  const std::map<std::string, std::function<Read(const std::string&)>> reads = {
      {"Count", [this](const auto& fresh) { return Count(fresh); }},
      {"ListHosts", [this](const auto& fresh) { return Hosts(fresh); }},
      {"ListRequests of hers", [this](const auto& fresh) { return Requests(fresh, true); }},
      {"ListRequests of one's own", [this](const auto& fresh) { return Requests(fresh, false); }},
      {"QueryUpload", [this](const auto& fresh) { return Upload(fresh); }},
      {"GetReceipt", [this](const auto& fresh) { return Receipt(fresh); }},
      {"ReadJournal", [this](const auto& fresh) { return Journal(fresh); }}};
  for (const auto& [name, read] : reads) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(read("").first.ok());
    const std::string now = Revision();
    const Read fresh = read(now);
    EXPECT_TRUE(fresh.first.ok()) << fresh.first;
    EXPECT_EQ(fresh.second, now);
    EXPECT_EQ(ReasonOf(read(Revision(100)).first), common::v1::ERROR_REASON_PEER_BEHIND);
  }
}

// ---- a share's state, given back

TEST_F(Conventions, AShareThatChangedSinceItWasReadIsNotRevoked) {
  const std::string share = world.Share(1, paper);
  v1::ShareServiceListRequest list;
  *list.mutable_person() = Her();
  const auto listed = world.Run(world.service().shares().List(world.As(kHost), list));
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->shares_size(), 1);
  const std::string etag = listed->shares(0).etag();
  ASSERT_FALSE(etag.empty());
  const auto revoke = [&](const std::string& id, const std::string& read_in, const std::string& institution) {
    v1::RevokeRequest request;
    request.set_request_id(id);
    *request.mutable_person() = Her(institution);
    request.set_share_id(share);
    request.set_etag(read_in);
    return world.Run(world.service().shares().Revoke(world.As(institution), request));
  };
  const auto stale = revoke("stale", etag + "0", kHost);
  EXPECT_EQ(ReasonOf(stale.status()), common::v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_TRUE(absl::IsAborted(stale.status()));
  const auto revoked = revoke("r", etag, kHost);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->share().state(), v1::Share::STATE_REVOKED);
  EXPECT_NE(revoked->share().etag(), etag);
  EXPECT_TRUE(revoke("r", etag, kHost).ok()) << "repeated, it is the same act";
  EXPECT_EQ(ReasonOf(revoke("late", etag, kHost).status()), common::v1::ERROR_REASON_ETAG_MISMATCH);
  const auto now = revoke("now", revoked->share().etag(), kHost);
  EXPECT_TRUE(now.ok()) << now.status();
  const auto theirs = revoke("theirs", "", kReader);
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_EQ(theirs->share().etag(), "") << "of who it is with it is not";
}

// An act that lost at every try, and an export without room (ADR 81).
TEST(TooManyAtOnce, SaysWhenToComeBack) {
  const absl::Status refused = TooManyAtOnce();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rpc::RetryAfterOf(refused), absl::Seconds(1));
}

}  // namespace
}  // namespace relais::vault::testing
