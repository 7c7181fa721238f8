// Papers asked for (action 4 of the Pacte): the asker learns her decision and nothing else.
#include <optional>
#include <string>

#include "common/rpc/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

v1::RequestDocumentRequest AskFor(World& world, uint64_t person, const std::string& request_id = "ask-1") {
  v1::RequestDocumentRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kReader, person);
  request.add_types(v1::DOCUMENT_TYPE_TAX_NOTICE);
  request.set_purpose("RIGHTS_OPENING");
  request.set_why("pour votre dossier");
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
  return request;
}

absl::StatusOr<v1::RequestDocumentResponse> Ask(World& world, const v1::RequestDocumentRequest& request) {
  return world.Run(world.service().requests().RequestDocument(world.As(kReader), request));
}

v1::DecideRequestRequest DecisionOn(World& world, const std::string& asked, const std::string& document) {
  v1::DecideRequestRequest request;
  request.set_request_id("decide-1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_request_id(asked);
  if (!document.empty()) {
    request.set_granted(true);
    request.add_document_ids(document);
    request.set_consent_id(world.consent.agreement);
  }
  return request;
}

absl::StatusOr<v1::DecideRequestResponse> Decide(World& world, const v1::DecideRequestRequest& request,
                                                 const std::string& institution = kHost) {
  return world.Run(world.service().requests().DecideRequest(world.As(institution), request));
}

absl::StatusOr<v1::ListRequestsResponse> ListFor(World& world, const std::string& institution,
                                                 std::optional<uint64_t> person) {
  v1::ListRequestsRequest request;
  if (person.has_value()) {
    *request.mutable_person() = world.Handle(institution, *person);
  }
  request.set_with_ended(true);
  return world.Run(world.service().requests().ListRequests(world.As(institution), request));
}

TEST(Request, TheAnswerIsTheSameWhetherSheHasAVaultOrNot) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(1000));
  auto with = Ask(world, AskFor(world, 1));
  auto without = Ask(world, AskFor(world, 2));
  ASSERT_TRUE(with.ok()) << with.status();
  ASSERT_TRUE(without.ok()) << without.status();
  for (v1::DocumentRequest* shown : {with->mutable_request(), without->mutable_request()}) {
    shown->clear_document_request_id();
    shown->clear_person();
    shown->clear_asked();
    shown->clear_expires();
    shown->clear_until();
  }
  EXPECT_EQ(with->request().DebugString(), without->request().DebugString());
}

// A leaf of its own (ADR 64): the one that is addressed to who asks names none of them.
TEST(Request, HerHostsAreToldAndTheAskerNotThatThereAreAny) {
  World world;
  world.Host(1);
  world.Host(1, "cpam");
  world.Host(1, "emmaus", absl::Seconds(1));
  world.sim().Skip(absl::Seconds(2));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  ASSERT_TRUE(Ask(world, AskFor(world, 1, "ask-2")).ok()) << "the same again: told before";
  ASSERT_TRUE(Ask(world, AskFor(world, 2)).ok());
  const auto told = Payloads<v1::DocumentAsked>(world, audit::v1::EVENT_CLASS_DOCUMENT_ASKED);
  ASSERT_EQ(told.size(), 2U) << "also where nobody acts for her";
  EXPECT_THAT(told[0].hosts(), ::testing::ElementsAre("cpam", kHost));
  EXPECT_THAT(told[0].purposes(), ::testing::ElementsAre("RIGHTS_OPENING", "RIGHTS_OPENING"));
  EXPECT_EQ(told[0].document_request_id(), asked->request().document_request_id());
  EXPECT_EQ(told[0].asker().institution(), kReader);
  EXPECT_THAT(told[0].types(), ::testing::ElementsAre(v1::DOCUMENT_TYPE_TAX_NOTICE));
  EXPECT_EQ(told[0].purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(FromProto(told[0].expires()), FromProto(asked->request().expires()));
  EXPECT_THAT(told[1].hosts(), ::testing::IsEmpty());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_ASKED) {
      EXPECT_EQ(leaf.leaf.header.institution(), "service/vault") << "no act of who asks";
      EXPECT_FALSE(leaf.details.has_recipient()) << "addressed to nobody";
    } else if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED) {
      EXPECT_EQ(leaf.details.SerializeAsString().find("cpam"), std::string::npos);
    }
  }
}

TEST(Request, SheGrantsAndTheAskerReads) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  world.Settle();
  EXPECT_EQ(ListFor(world, kHost, 1)->requests_size(), 1);
  EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok()) << "asking opens nothing";
  const v1::DecideRequestRequest decision =
      DecisionOn(world, asked->request().document_request_id(), paper.document);
  const auto decided = Decide(world, decision);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->request().state(), v1::DocumentRequest::STATE_GRANTED);
  ASSERT_EQ(decided->shares_size(), 1);
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  const auto again = Decide(world, decision);
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->shares_size(), 1);
  EXPECT_EQ(again->shares(0).share_id(), decided->shares(0).share_id());
  v1::DecideRequestRequest other = decision;
  other.set_request_id("decide-2");
  EXPECT_EQ(ReasonOf(Decide(world, other).status()), common::v1::ERROR_REASON_WRONG_STATE);
  world.Settle();
  const auto ours = ListFor(world, kReader, std::nullopt);
  ASSERT_TRUE(ours.ok()) << ours.status();
  ASSERT_EQ(ours->requests_size(), 1);
  EXPECT_EQ(ours->requests(0).state(), v1::DocumentRequest::STATE_GRANTED);
  EXPECT_EQ(ListFor(world, "cpam", std::nullopt)->requests_size(), 0);
}

// She shared so many times, for so long, with the cpam.
void HasShares(World& world, size_t count, absl::Duration lasts) {
  const std::string share = world.Share(1, "", "cpam", lasts, v1::DOCUMENT_TYPE_LEASE);
  const Id128 first = Id128::FromHex(share).value();
  const v1::StoredShare stored = (*world.store().Share(World::Person(1), first))->value;
  size_t there = 1;
  while (there < count) {
    storage::CommitRequest commit;
    for (int i = 0; i < 200 && there < count; ++i, ++there) {
      World::Require(
          world.store().PutShare(World::Person(1), world.context().random.Id(), {stored, 0}, commit));
    }
    const rpc::Call call = world.As(kHost);
    const rpc::Actor actor{kHost, call.caller.function, call.caller.agent};
    world.MustCommit(std::move(commit),
                     ShareEvent({call, actor, "", World::Person(1), kAsHost}, first, stored));
  }
}

// However shares are made, one person has a bounded number of them in force.
TEST(Request, WhatIsGrantedCountsAmongHerShares) {
  World world;
  world.Host(1);
  const auto one = world.MustDeposit(1, Pdf(1000, 1));
  const auto two = world.MustDeposit(1, Pdf(1000, 2));
  HasShares(world, kMostShares - 1, absl::Hours(24 * 30));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  world.Settle();
  v1::DecideRequestRequest decision = DecisionOn(world, asked->request().document_request_id(), one.document);
  decision.add_document_ids(two.document);
  EXPECT_EQ(ReasonOf(Decide(world, decision).status()), common::v1::ERROR_REASON_OVERLOADED);
  decision.mutable_document_ids()->RemoveLast();
  const auto decided = Decide(world, decision);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->shares_size(), 1);
}

// What ran out is in force no more, though no row says so yet.
TEST(Request, SharesPastTheirDateCountNoMore) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  HasShares(world, kMostShares, absl::Minutes(1));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  const v1::DecideRequestRequest decision =
      DecisionOn(world, asked->request().document_request_id(), paper.document);
  EXPECT_EQ(ReasonOf(Decide(world, decision).status()), common::v1::ERROR_REASON_OVERLOADED);
  world.Settle(absl::Seconds(61));
  const auto decided = Decide(world, decision);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->shares_size(), 1);
}

// A longer agreement beside the one she grants it on changes nothing (ADR 71).
TEST(Request, IsGrantedOnTheAgreementThatIsNamed) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  world.consent.others = {{std::string(32, '8'), absl::Hours(24 * 800)}};
  const auto decided =
      Decide(world, DecisionOn(world, asked->request().document_request_id(), paper.document));
  ASSERT_TRUE(decided.ok()) << decided.status();
  ASSERT_EQ(decided->shares_size(), 1);
  EXPECT_EQ(decided->shares(0).consent_id(), world.consent.agreement);
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
}

TEST(Request, HerNoMakesNoShare) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  world.consent.down = absl::UnavailableError("down");
  const auto decided = Decide(world, DecisionOn(world, asked->request().document_request_id(), ""));
  ASSERT_TRUE(decided.ok()) << decided.status() << ": a no asks nobody";
  EXPECT_EQ(decided->request().state(), v1::DocumentRequest::STATE_REFUSED);
  EXPECT_EQ(decided->shares_size(), 0);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SHARE_CHANGED), 0u);
}

TEST(Request, OnlyWhatWasAskedIsGrantedAndOnlyByHerHost) {
  World world;
  world.Host(1);
  const auto lease = world.MustDeposit(1, Pdf(1000), v1::DOCUMENT_TYPE_LEASE);
  const auto asked = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(asked.ok()) << asked.status();
  v1::DecideRequestRequest decision =
      DecisionOn(world, asked->request().document_request_id(), lease.document);
  EXPECT_EQ(ReasonOf(Decide(world, decision).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  *decision.mutable_person() = world.Handle(kReader, 1);
  EXPECT_EQ(ReasonOf(Decide(world, decision, kReader).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS)
      << "the asker does not answer itself";
  const auto tax = world.MustDeposit(1, Pdf(1000, 1));
  decision = DecisionOn(world, asked->request().document_request_id(), tax.document);
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(Decide(world, decision).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(ListFor(world, kHost, 1)->requests(0).state(), v1::DocumentRequest::STATE_PENDING);
}

v1::DocumentType TypeNumber(int number) {
  return static_cast<v1::DocumentType>(v1::DOCUMENT_TYPE_IDENTITY_CARD + number);
}

TEST(Request, AnAskerDoesNotAskForEverything) {
  World world;
  for (int i = 0; i < 10; ++i) {
    v1::RequestDocumentRequest request = AskFor(world, 1, "ask-" + std::to_string(i));
    request.set_types(0, TypeNumber(i));
    ASSERT_TRUE(Ask(world, request).ok());
  }
  v1::RequestDocumentRequest one_more = AskFor(world, 1, "ask-10");
  one_more.set_types(0, TypeNumber(10));
  EXPECT_EQ(ReasonOf(Ask(world, one_more).status()), common::v1::ERROR_REASON_OVERLOADED);
  one_more.set_types(0, TypeNumber(9));
  EXPECT_TRUE(Ask(world, one_more).ok()) << "it is asked already";
  v1::RequestDocumentRequest judgment = AskFor(world, 2, "ask-11");
  judgment.set_types(0, v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT);
  EXPECT_EQ(ReasonOf(Ask(world, judgment).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

// ---- none is asked twice (action 4)

size_t AskedOfHer(World& world) {
  world.Host(1);
  const auto requests = ListFor(world, kHost, 1);
  World::Require(requests.status());
  return static_cast<size_t>(requests->requests_size());
}

TEST(Request, WhatIsAskedAgainWhileItWaitsIsThatRequest) {
  World world;
  const auto first = Ask(world, AskFor(world, 1));
  ASSERT_TRUE(first.ok()) << first.status();
  world.Settle(absl::Minutes(1));
  v1::RequestDocumentRequest again = AskFor(world, 1, "ask-2");
  again.set_why("encore");
  again.set_want_proof(true);
  for (const char* time : {"asked anew", "repeated"}) {
    SCOPED_TRACE(time);
    const auto given = Ask(world, again);
    ASSERT_TRUE(given.ok()) << given.status();
    EXPECT_EQ(given->request().SerializeAsString(), first->request().SerializeAsString()) << "as it was said";
    EXPECT_EQ(given->written().time().seconds(), first->written().time().seconds()) << "the act that asked";
    EXPECT_TRUE(given->written().has_proof());
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED), 1U);
  const auto looked = Payloads<v1::VaultLooked>(world, audit::v1::EVENT_CLASS_VAULT_LOOKED);
  ASSERT_EQ(looked.size(), 1U) << "that it asked again is hers to see, once";
  EXPECT_EQ(looked[0].what(), "REQUESTS");
  EXPECT_EQ(AskedOfHer(world), 1U);
  // Repeated once she has decided, it is that request still.
  ASSERT_TRUE(Decide(world, DecisionOn(world, first->request().document_request_id(), "")).ok());
  const auto decided = Ask(world, again);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->request().state(), v1::DocumentRequest::STATE_REFUSED);
  EXPECT_EQ(AskedOfHer(world), 1U);
}

TEST(Request, AnotherPurposeAskerOrTypeIsAnotherRequest) {
  World world;
  ASSERT_TRUE(Ask(world, AskFor(world, 1)).ok());
  v1::RequestDocumentRequest other = AskFor(world, 1, "ask-2");
  other.set_purpose("SOCIAL_ASSESSMENT");
  ASSERT_TRUE(Ask(world, other).ok());
  other = AskFor(world, 1, "ask-3");
  *other.mutable_person() = world.Handle("cpam", 1);
  ASSERT_TRUE(world.Run(world.service().requests().RequestDocument(world.As("cpam"), other)).ok());
  other = AskFor(world, 1, "ask-4");
  other.set_types(0, v1::DOCUMENT_TYPE_LEASE);
  ASSERT_TRUE(Ask(world, other).ok());
  EXPECT_EQ(AskedOfHer(world), 4U);
  // In part: what is left is to be asked for by itself.
  other = AskFor(world, 1, "ask-5");
  other.add_types(v1::DOCUMENT_TYPE_PAYSLIP);
  const auto in_part = Ask(world, other);
  EXPECT_EQ(ReasonOf(in_part.status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(in_part.status().message(),
            "a request for one of these types is PENDING: it cannot be made again beside it");
  EXPECT_EQ(rpc::NextStepOf(in_part.status()).rfind("request ", 0), 0U);
  EXPECT_EQ(AskedOfHer(world), 4U);
}

TEST(Request, OneThatEndedUndecidedMayBeAskedAgain) {
  World world;
  ASSERT_TRUE(Ask(world, AskFor(world, 1)).ok());
  world.sim().Skip(absl::Hours(24 * 31));
  ASSERT_TRUE(Ask(world, AskFor(world, 1, "ask-2")).ok());
  EXPECT_EQ(AskedOfHer(world), 2U);
}

TEST(Request, WhatTheAskerHasByAShareIsNotAskedFor) {
  for (const bool one_paper : {true, false}) {
    SCOPED_TRACE(one_paper);
    World world;
    world.Host(1);
    const auto paper = world.MustDeposit(1, Pdf(1000));
    const std::string share =
        world.Share(1, one_paper ? paper.document : "", kReader, absl::Hours(24 * 10),
                    one_paper ? v1::DOCUMENT_TYPE_UNSPECIFIED : v1::DOCUMENT_TYPE_TAX_NOTICE);
    const auto refused = Ask(world, AskFor(world, 1));
    EXPECT_EQ(ReasonOf(refused.status()), common::v1::ERROR_REASON_WRONG_STATE);
    EXPECT_EQ(rpc::NextStepOf(refused.status()), "share " + share);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED), 0U);
    EXPECT_EQ(Payloads<v1::VaultRefused>(world, audit::v1::EVENT_CLASS_VAULT_REFUSED).at(0).act(),
              v1::JournalEntry::ACT_REQUEST)
        << "an attempt";
    v1::RequestDocumentRequest other = AskFor(world, 1, "ask-2");
    other.set_purpose("SOCIAL_ASSESSMENT");
    EXPECT_TRUE(Ask(world, other).ok()) << "for that it is not shared";
    other = AskFor(world, 1, "ask-3");
    *other.mutable_person() = world.Handle("cpam", 1);
    EXPECT_TRUE(world.Run(world.service().requests().RequestDocument(world.As("cpam"), other)).ok())
        << "nor with them";
    world.sim().Skip(absl::Hours(24 * 11));
    EXPECT_TRUE(Ask(world, AskFor(world, 1, "ask-4")).ok()) << "the share has ended";
  }
}

// What is with one function of an institution is not told to another (share_test.cc).
TEST(Request, AShareWithAnotherFunctionIsNotTold) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  v1::ShareRequest wish = ShareOfPaper(world, 1, paper.document);
  wish.mutable_recipient()->set_function("conseiller-droits");
  ASSERT_TRUE(world.Run(world.service().shares().Share(world.As(kHost), wish)).ok());
  auto& requests = world.service().requests();
  const auto theirs =
      world.Run(requests.RequestDocument(world.As(kReader, "conseiller-droits"), AskFor(world, 1, "ask-1")));
  EXPECT_EQ(ReasonOf(theirs.status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_TRUE(
      world.Run(requests.RequestDocument(world.As(kReader, "agent-accueil"), AskFor(world, 1, "ask-2")))
          .ok());
}

}  // namespace
}  // namespace relais::vault::testing
