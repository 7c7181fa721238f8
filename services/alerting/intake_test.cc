// Rows in, outcomes out: what a batch means for the rows after it, and for the log.
#include "services/alerting/intake.h"

#include <gtest/gtest.h>

#include <deque>

#include "common/rpc/validate.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using testing::Letter;
using testing::Payment;
using testing::Report;
using testing::World;
using Outcomes = std::vector<std::string>;

TEST(Intake, AcceptedOnceThenDuplicateThenReused) {
  World world;
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "DUPLICATE");
  EXPECT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kMontantDu, "99"}})), "REFERENCE_REUSED");
  // The same values written otherwise are the same content.
  EXPECT_EQ(world.SubmitOne(
                Cut("E1", {{EdfColumn::kDateEvenement, "01/10/2026"}, {EdfColumn::kMontantDu, "123.45"}})),
            "DUPLICATE");
  EXPECT_EQ(world.SubmitOne(Cut("E1"), "engie"), "ACCEPTED");  // another institution's reference
  world.Restart();
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "DUPLICATE");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 2u);
}

TEST(Intake, RefusedRowsNeverClaim) {
  World world;
  EXPECT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kDateEvenement, "2026-11-20"}})), "TOO_EARLY");
  EXPECT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kMontantDu, "x"}})), "BAD_AMOUNT");
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
}

TEST(Intake, TheSameReferenceTwiceInOneBatch) {
  World world;
  EXPECT_EQ(world.Submit({Cut("E1"), Cut("E1"), Cut("E1", {{EdfColumn::kNom, "Martin"}}), Cut("E2")}),
            (Outcomes{"ACCEPTED", "DUPLICATE", "REFERENCE_REUSED", "ACCEPTED"}));
  EXPECT_EQ(world.Submit({Cut("E3", {{EdfColumn::kMontantDu, "x"}}), Cut("E3")}),
            (Outcomes{"BAD_AMOUNT", "ACCEPTED"}));
}

TEST(Intake, AnObjectionBindsTheRowsAfterIt) {
  World world;
  const auto objection = Letter("O1", {{EdfColumn::kOpposition, "OUI"}});
  EXPECT_EQ(world.Submit(
                {Cut("E1"), objection, Cut("E2"), Payment("P1"), Cut("E3", {{EdfColumn::kNom, "Martin"}})}),
            (Outcomes{"ACCEPTED", "OPPOSED", "OPPOSED", "OPPOSED", "ACCEPTED"}));
  // Written otherwise, it is the same record; a duplicate stays one.
  EXPECT_EQ(world.SubmitOne(
                Cut("E4", {{EdfColumn::kNom, "DUPONT"}, {EdfColumn::kAdresse, "12 BOULEVARD DE L HOPITAL"}})),
            "OPPOSED");
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "DUPLICATE");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_OBJECTION_NOTED), 1u);
  EXPECT_EQ(world.SubmitOne(objection), "OPPOSED");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_OBJECTION_NOTED), 1u);
  // It is reported to consent, by digest alone.
  world.Settle();
  ASSERT_EQ(world.peers().objections.size(), 1u);
  EXPECT_EQ(world.peers().objections[0].digest().digest(), world.DigestOf(Cut("E1")));
  EXPECT_EQ(world.peers().objections[0].suppliers(0), "edf");
  // Another supplier's is another record.
  EXPECT_EQ(world.SubmitOne(Cut("E1"), "engie"), "ACCEPTED");
}

// D-1.6: whatever the script of her name.
TEST(Intake, AnObjectionOfWhoHasNoLatinNameBindsToo) {
  World world;
  const auto hers = [](std::string reference, std::string opposition) {
    return Letter(std::move(reference), {{EdfColumn::kNom, "李"},
                                         {EdfColumn::kPrenoms, "小龙"},
                                         {EdfColumn::kOpposition, std::move(opposition)}});
  };
  EXPECT_EQ(world.SubmitOne(hers("L1", "OUI")), "OPPOSED");
  EXPECT_EQ(world.SubmitOne(hers("L2", "NON")), "OPPOSED");
}

TEST(Intake, AnObjectionCountsWhateverElseIsWrongWithItsRow) {
  World world;
  EXPECT_EQ(world.SubmitOne(Cut("O1", {{EdfColumn::kOpposition, "OUI"}, {EdfColumn::kMontantDu, "x"}})),
            "BAD_AMOUNT");
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "OPPOSED");
}

TEST(Intake, OnlySheLiftsIt) {
  World world;
  ASSERT_EQ(world.SubmitOne(Letter("O1", {{EdfColumn::kOpposition, "OUI"}})), "OPPOSED");
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "OPPOSED");  // "NON" lifts nothing (D-1.6)
  world.AtDesk(false, world.DigestOf(Cut("E1")));
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.AtDesk(true, world.DigestOf(Cut("E1")));
  EXPECT_EQ(world.SubmitOne(Cut("E2")), "OPPOSED");
  // What came from a desk is not reported back.
  EXPECT_EQ(world.peers().objections.size(), 1u);
  world.Restart();
  world.Settle();
  EXPECT_EQ(world.SubmitOne(Cut("E2")), "OPPOSED");
}

TEST(Intake, AnObjectionAtADeskBindsBeforeAnyRowCame) {
  World world;
  world.AtDesk(true, world.DigestOf(Cut("E1")));
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "OPPOSED");
  world.AtDesk(false, std::string());  // of a known person, without a record: nothing here
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "OPPOSED");
}

TEST(Intake, CancellingEventsNeedADossierThatIsOpen) {
  World world;
  EXPECT_EQ(world.SubmitOne(Payment("P1")), "NO_GROUND");
  EXPECT_EQ(world.Submit({Cut("E1"), Payment("P1"), Payment("P2")}),
            (Outcomes{"ACCEPTED", "ACCEPTED", "NO_GROUND"}));
  // A bill event reopens it.
  EXPECT_EQ(world.Submit({Cut("E2"), Payment("P2")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
  EXPECT_EQ(world.SubmitOne(Payment("P1")), "DUPLICATE");
  // Of another fluid there is none.
  EXPECT_EQ(world.Submit(
                {Cut("E3"), Payment("P3", {{EdfColumn::kFluide, "GAZ"}, {EdfColumn::kOptionTarifaire, ""}})}),
            (Outcomes{"ACCEPTED", "NO_GROUND"}));
}

TEST(Intake, RefusalsAreCountedOnceByReason) {
  World world;
  world.Submit({Cut("A", {{EdfColumn::kMontantDu, "x"}}), Cut("B", {{EdfColumn::kMontantDu, "y"}}),
                Cut("C", {{EdfColumn::kDateEvenement, "2026-11-20"}}), Cut("D"),
                Cut("E", {{EdfColumn::kNom, "Martin"}, {EdfColumn::kDateEvenement, "2026-11-20"}})});
  const auto refused = world.Refused();
  EXPECT_EQ(refused.at("BAD_AMOUNT"), 2u);
  EXPECT_EQ(refused.at("TOO_EARLY"), 2u);
  EXPECT_EQ(refused.size(), 2u);
  // About nobody, and saying nothing of anyone.
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_SIGNAL_REFUSED) {
      EXPECT_EQ(leaf.details.subject().kind(), audit::v1::Subject::KIND_UNSPECIFIED);
      EXPECT_EQ(leaf.details.SerializeAsString().find("Dupont"), std::string::npos);
    }
  }
}

// D-2.10: how its sender calls a refused row is in part R alone, whose key goes after 12 months.
TEST(Intake, ARefusedRowsReferenceIsInPartRAlone) {
  World world;
  const std::string reference = "FACTURE-7731";
  EXPECT_EQ(world.SubmitOne(Cut(reference, {{EdfColumn::kMontantDu, "x"}})), "BAD_AMOUNT");
  size_t refused = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    EXPECT_EQ(leaf.bytes.find(reference), std::string::npos);  // the header, and what is sealed
    EXPECT_EQ(leaf.details.SerializeAsString().find(reference), std::string::npos);
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_SIGNAL_REFUSED) {
      ++refused;
      const auto actor = world.harness().log().Actor(leaf.leaf);
      ASSERT_TRUE(actor.ok()) << actor.status();
      EXPECT_EQ(actor->request_id(), reference);
    }
  }
  EXPECT_EQ(refused, 1u);
}

// What its own content condemns should not have been sent; what the sender's past condemns may have been.
TEST(Intake, CountsIrregularTransmissionsOfRawRowsOnly) {
  World world;
  world.Submit({Cut("A", {{EdfColumn::kMontantDu, "x"}}),
                Cut("B", {{EdfColumn::kDateEvenement, "2026-11-20"}}), Cut("C"),
                Cut("C", {{EdfColumn::kMontantDu, "7,00"}}), Cut("D", {{EdfColumn::kOpposition, "OUI"}}),
                Cut("E")});
  const std::map<std::string, uint64_t> irregular = {{"BAD_AMOUNT", 1}, {"TOO_EARLY", 1}, {"OPPOSED", 1}};
  EXPECT_EQ(world.Irregular(), irregular);
  EXPECT_EQ(world.Refused().at("OPPOSED"), 2u);  // E: an objection on file
  EXPECT_EQ(world.Refused().at("REFERENCE_REUSED"), 1u);
}

v1::FeedRow Gated(const World& world, const v1::FeedRow& row, const std::string& reference,
                  const std::string& reason, bool objection = false) {
  v1::FeedRow notice;
  notice.set_line(7);
  notice.mutable_gated()->set_reference(reference);
  notice.mutable_gated()->set_reason(reason);
  notice.mutable_gated()->set_record_digest(world.DigestOf(row));
  notice.mutable_gated()->set_content_digest(std::string(32, 'c'));
  notice.mutable_gated()->set_key_version(1);
  notice.mutable_gated()->set_objection(objection);
  return notice;
}

TEST(Intake, GatedNoticesAreJudgedWithTheSendersPast) {
  World world;
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("G1"), "G1", "TOO_EARLY")), "TOO_EARLY");
  EXPECT_EQ(world.SubmitOne(Cut("G1")), "ACCEPTED");  // the notice claimed nothing
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("G1"), "G1", "TOO_OLD")), "REFERENCE_REUSED");
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("G2"), "G2", "OPPOSED", true)), "OPPOSED");
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("G3"), "G3", "TOO_OLD")), "OPPOSED");
  EXPECT_EQ(world.SubmitOne(Cut("G4")), "OPPOSED");
  EXPECT_EQ(world.Refused().at("TOO_EARLY/gated"), 1u);
  EXPECT_TRUE(world.Irregular().empty());
  v1::FeedRow objection;
  objection.set_line(3);
  objection.mutable_objection()->set_record_digest(world.DigestOf(Cut("X", {{EdfColumn::kNom, "Martin"}})));
  objection.mutable_objection()->set_key_version(1);
  objection.mutable_objection()->set_reason("BAD_DATE");
  EXPECT_EQ(world.SubmitOne(objection), "BAD_DATE");
  EXPECT_EQ(world.SubmitOne(Cut("M1", {{EdfColumn::kNom, "Martin"}})), "OPPOSED");
}

TEST(Intake, ANoticeUnderAKeyThatNobodyHasIsRefusedAloud) {
  World world;
  v1::FeedRow notice = Gated(world, Cut("G1"), "G1", "OPPOSED", true);
  notice.mutable_gated()->set_key_version(9);
  EXPECT_EQ(world.TrySubmit("edf", v1::FEED_TYPE_EDF, {notice}).status().code(),
            absl::StatusCode::kInvalidArgument);
  notice = Gated(world, Cut("G1"), "G1", "OPPOSED", true);
  notice.mutable_gated()->set_record_digest("short");
  EXPECT_EQ(world.TrySubmit("edf", v1::FEED_TYPE_EDF, {notice}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Intake, ANoticesReferenceIsNotWrittenWhenItHoldsANir) {
  World world;
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("G1"), "206127511100564", "TOO_OLD")), "TOO_OLD");
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    v1::SignalRefused payload;
    if (leaf.details.payload().UnpackTo(&payload)) {
      EXPECT_EQ(world.harness().log().Actor(leaf.leaf)->request_id(), "");
    }
  }
}

TEST(Intake, ReportsWithoutANameAreRecordsOfTheirOwn) {
  World world;
  nlohmann::json nobody = feeds::testing::BsppReport();
  nobody.erase("person");
  EXPECT_EQ(world.Submit({Report("B1", nobody), Report("B2", nobody), Report("B1", nobody)}, "bspp"),
            (Outcomes{"ACCEPTED", "ACCEPTED", "DUPLICATE"}));
  world.Settle();
  ASSERT_EQ(world.peers().registered.size(), 2u);
  EXPECT_NE(world.peers().registered[0].sender_record(), world.peers().registered[1].sender_record());
}

TEST(Intake, RowsOfAnotherFormatAreMalformed) {
  World world;
  EXPECT_EQ(world.Submit({Report("B1"), Cut("E1")}, "edf"), (Outcomes{"MALFORMED", "ACCEPTED"}));
  EXPECT_EQ(world.Submit({Cut("E1"), Report("B1")}, "bspp"), (Outcomes{"MALFORMED", "ACCEPTED"}));
}

TEST(Intake, AFeedWithoutProtocolOfItsSenderIsNotTaken) {
  World world;
  EXPECT_TRUE(absl::IsPermissionDenied(world.TrySubmit("edf", v1::FEED_TYPE_BSPP, {Report("B1")}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(world.TrySubmit("bspp", v1::FEED_TYPE_EDF, {Cut("E1")}).status()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 0u);
}

TEST(Intake, WithoutASuppressionKeyNothingIsTaken) {
  World world;
  EXPECT_TRUE(absl::IsFailedPrecondition(world.TrySubmit("caf", v1::FEED_TYPE_EDF, {Cut("E1")}).status()));
}

TEST(Intake, AfterAKeyRotationRecordsObjectionsAndReferencesHold) {
  World world;
  ASSERT_EQ(world.Submit({Cut("E1"), Cut("E2", {{EdfColumn::kNom, "Martin"}}),
                          Letter("O", {{EdfColumn::kNom, "Martin"}, {EdfColumn::kOpposition, "OUI"}})}),
            (Outcomes{"ACCEPTED", "ACCEPTED", "OPPOSED"}));
  World::Require(world.harness().ring().Add("suppression/edf", Secret(std::string(32, 'n'))).status());
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "DUPLICATE");
  EXPECT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kMontantDu, "9"}})), "REFERENCE_REUSED");
  EXPECT_EQ(world.SubmitOne(Payment("P1")), "ACCEPTED");  // her dossier is still hers
  EXPECT_EQ(world.SubmitOne(Cut("E3", {{EdfColumn::kNom, "Martin"}})), "OPPOSED");
  // A notice under the old key of a row that was accepted under it.
  EXPECT_EQ(world.SubmitOne(Gated(world, Cut("E1"), "E1", "TOO_OLD")), "REFERENCE_REUSED");
}

TEST(Intake, MarksAndDaysToComeBack) {
  World world;
  const auto response = world.TrySubmit("edf", v1::FEED_TYPE_EDF,
                                        {Cut("W", {{EdfColumn::kDateEvenement, "2026-11-03"}}),
                                         Cut("T", {{EdfColumn::kDateEvenement, "2026-11-20"}})});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->terms().today().day(), 22);
  EXPECT_TRUE(response->terms().has_convention());
  ASSERT_EQ(response->results(0).marks_size(), 1);
  EXPECT_EQ(response->results(0).marks(0), "A_VERIFIER_TREVE");
  EXPECT_EQ(response->results(1).field(), "date_evenement");
  EXPECT_EQ(response->results(1).retry_after().day(), 26);
  EXPECT_EQ(response->results(0).line(), 2u);
}

TEST(Intake, TwoStreamsAtOnceNeverAcceptAReferenceTwice) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    World world(seed);
    std::vector<absl::StatusOr<v1::SubmitRowsResponse>> answers;
    const std::vector<std::vector<v1::FeedRow>> batches = {
        {Cut("A"), Cut("B"), Cut("C", {{EdfColumn::kNom, "Martin"}})},
        {Cut("C", {{EdfColumn::kNom, "Durand"}}), Cut("B", {{EdfColumn::kMontantDu, "9"}}), Cut("A")},
        {Cut("B", {{EdfColumn::kNom, "Petit"}}), Cut("A")}};
    for (const auto& batch : batches) {
      Start(world.service().signals().SubmitRows(world.As("edf"), World::RequestOf(v1::FEED_TYPE_EDF, batch)),
            [&](absl::StatusOr<v1::SubmitRowsResponse> answer) { answers.push_back(std::move(answer)); });
    }
    world.Settle(absl::Seconds(5));
    ASSERT_EQ(answers.size(), batches.size());
    std::map<std::string, size_t> outcomes;
    for (const auto& answer : answers) {
      ASSERT_TRUE(answer.ok()) << answer.status() << " seed " << seed;
      for (const std::string& outcome : World::Outcomes(*answer)) {
        ++outcomes[outcome];
      }
    }
    EXPECT_EQ(outcomes["ACCEPTED"], 3u) << "seed " << seed;   // A, B and C, each once
    EXPECT_EQ(outcomes["DUPLICATE"], 2u) << "seed " << seed;  // of A
    EXPECT_EQ(outcomes["REFERENCE_REUSED"], 3u) << "seed " << seed;
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 3u) << "seed " << seed;
    EXPECT_EQ(world.Refused()["REFERENCE_REUSED"], 3u) << "seed " << seed;
  }
}

// A feed's client: what it sends, what it got.
class FeedStream final : public RowStream {
 public:
  std::deque<v1::SubmitStreamRequest> requests;
  std::vector<v1::SubmitStreamResponse> responses;
  size_t gone_after = 1000;  // responses

  Task<std::optional<v1::SubmitStreamRequest>> Read() override {
    if (requests.empty()) {
      co_return std::nullopt;
    }
    v1::SubmitStreamRequest request = std::move(requests.front());
    requests.pop_front();
    co_return request;
  }
  Task<bool> Write(v1::SubmitStreamResponse response) override {
    responses.push_back(std::move(response));
    co_return responses.size() <= gone_after;
  }
  [[nodiscard]] bool cancelled() const override { return false; }

  void Open() { requests.emplace_back().mutable_open()->set_type(v1::FEED_TYPE_EDF); }
  void Send(const v1::FeedRow& row) { *requests.emplace_back().mutable_batch()->add_rows() = row; }
};

// A row that is too long in any way is refused as a row: the rules of the wire let it come.
TEST(Intake, NoRowStopsItsBatch) {
  World world;
  rpc::Validator validator;
  ASSERT_TRUE(validator.Prepare(v1::SubmitRowsRequest::descriptor()).ok());
  const auto submit = [&](const std::vector<v1::FeedRow>& rows, const std::string& sender) {
    const auto type = sender == "bspp" ? v1::FEED_TYPE_BSPP : v1::FEED_TYPE_EDF;
    EXPECT_TRUE(validator.Check(World::RequestOf(type, rows)).status.ok());
    return world.Submit(rows, sender);
  };
  const std::string spaces(900'000, ' ');
  v1::FeedRow too_many = Cut("E2");
  for (int i = 0; i < 200; ++i) {
    too_many.mutable_cells()->add_cells("");
  }
  EXPECT_EQ(submit({Cut("E1", {{EdfColumn::kNom, spaces + "Dupont"}}), too_many,
                    Cut("E3", {{EdfColumn::kNom, std::string(900'000, 'x')}}),
                    Cut("E4", {{EdfColumn::kNom, std::string(65'537, ' ')}}), Cut("E5"), Cut("E1")},
                   "edf"),
            (Outcomes{"ACCEPTED", "MALFORMED", "TOO_LONG", "MISSING_FIELD", "ACCEPTED", "DUPLICATE"}));
  const auto report = [](const std::string& reference, size_t size) {
    v1::FeedRow row = Report(reference);
    row.mutable_json()->resize(size, ' ');
    return row;
  };
  EXPECT_EQ(submit({report("B1", feeds::kMaxNdjsonLine - 1), report("B2", feeds::kMaxNdjsonLine),
                    report("B3", feeds::kMaxNdjsonLine + 1), report("B4", 900'000), Report("B5")},
                   "bspp"),
            (Outcomes{"ACCEPTED", "ACCEPTED", "MALFORMED", "MALFORMED", "ACCEPTED"}));
  // What is kept of it is short.
  AlertingStore store(world.context());
  const Id128 row = store.ClaimPartition("edf", "E1").id;
  const auto claims = store.Claims({store.ClaimPartition("edf", "E1")});
  ASSERT_TRUE(claims.ok());
  const auto kept = store.Row(*Id128::FromBytes(claims->front().value.record()), row);
  ASSERT_TRUE(kept.ok() && kept->has_value());
  EXPECT_LT((*kept)->ByteSizeLong(), 1000U);
}

TEST(SubmitStream, OpensThenAnswersEachBatch) {
  World world;
  auto stream = std::make_shared<FeedStream>();
  stream->Open();
  stream->Send(Cut("E1"));
  stream->Send(Payment("P1"));
  ASSERT_TRUE(world.Run(world.service().signals().SubmitStream(world.As("edf"), stream)).ok());
  ASSERT_EQ(stream->responses.size(), 3u);
  EXPECT_EQ(stream->responses[0].opened().suppression_key_version(), 1u);
  EXPECT_GT(stream->responses[0].opened().signs_size(), 10);
  EXPECT_EQ(stream->responses[1].results().results(0).outcome(), v1::OUTCOME_ACCEPTED);
  EXPECT_EQ(stream->responses[2].results().results(0).outcome(), v1::OUTCOME_ACCEPTED);
}

TEST(SubmitStream, ItsDayIsFixedWhenItOpens) {
  World world;
  class Slow final : public RowStream {
   public:
    Slow(World& world, FeedStream& inner) : world_(world), inner_(inner) {}
    Task<std::optional<v1::SubmitStreamRequest>> Read() override {
      if (!inner_.responses.empty()) {
        co_await Sleep(world_.sim(), absl::Minutes(50));
      }
      auto next = co_await inner_.Read();
      co_return next;
    }
    Task<bool> Write(v1::SubmitStreamResponse response) override { return inner_.Write(std::move(response)); }
    [[nodiscard]] bool cancelled() const override { return false; }

   private:
    World& world_;
    FeedStream& inner_;
  };
  // Ten minutes to midnight in Paris; the row is good from tomorrow on.
  world.sim().RunFor(absl::Hours(11) + absl::Minutes(50));
  FeedStream inner;
  inner.Open();
  inner.Send(Cut("E1", {{EdfColumn::kDateEvenement, "2026-11-17"}}));
  auto slow = std::make_shared<Slow>(world, inner);
  std::optional<absl::Status> ended;
  Start(world.service().signals().SubmitStream(world.As("edf"), slow), [&](absl::Status s) { ended = s; });
  world.Settle(absl::Hours(2));
  ASSERT_TRUE(ended.has_value() && ended->ok());
  EXPECT_EQ(inner.responses.at(1).results().results(0).reason(), "TOO_EARLY");
  EXPECT_EQ(world.SubmitOne(Cut("E1", {{EdfColumn::kDateEvenement, "2026-11-17"}})), "ACCEPTED");
}

TEST(SubmitStream, SaysWhatIsWrong) {
  World world;
  auto batch_first = std::make_shared<FeedStream>();
  batch_first->Send(Cut("E1"));
  EXPECT_EQ(world.Run(world.service().signals().SubmitStream(world.As("edf"), batch_first)).code(),
            absl::StatusCode::kInvalidArgument);
  auto open_twice = std::make_shared<FeedStream>();
  open_twice->Open();
  open_twice->Open();
  EXPECT_EQ(world.Run(world.service().signals().SubmitStream(world.As("edf"), open_twice)).code(),
            absl::StatusCode::kInvalidArgument);
  auto empty_row = std::make_shared<FeedStream>();
  empty_row->Open();
  empty_row->Send(v1::FeedRow());
  EXPECT_EQ(world.Run(world.service().signals().SubmitStream(world.As("edf"), empty_row)).code(),
            absl::StatusCode::kInvalidArgument);
  auto gone = std::make_shared<FeedStream>();
  gone->gone_after = 1;
  gone->Open();
  gone->Send(Cut("E1"));
  gone->Send(Cut("E2"));
  EXPECT_TRUE(absl::IsCancelled(world.Run(world.service().signals().SubmitStream(world.As("edf"), gone))));
  // Durable all the same, and so is what was under way behind it.
  EXPECT_EQ(world.SubmitOne(Cut("E1")), "DUPLICATE");
  EXPECT_EQ(world.SubmitOne(Cut("E2")), "DUPLICATE");
}

}  // namespace
}  // namespace relais::alerting
