#include "services/cli/questions/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/leaf.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using testing::SampleHistory;

class RunTest : public ::testing::Test {
 protected:
  // As a tail shows it.
  template <typename Payload>
  audit::v1::TailLeaf Leaf(audit::v1::EventClass event_class, const Payload& payload,
                           std::optional<uint8_t> person = std::nullopt) {
    audit::Event event;
    event.event_class = event_class;
    event.event_id = IdOf(200);
    event.institution = "ville-paris";
    event.directory_version = 1;
    event.decision = decision_;
    event.ground = common::v1::GROUND_AGREEMENT;
    event.purpose = "RIGHTS_OPENING";
    event.categories = {"IDENTITY"};
    event.details.mutable_payload()->PackFrom(payload);
    if (person) {
      event.subject = audit::Subject{audit::Subject::Kind::kPerson, IdOf(*person)};
    }
    const Secret key(std::string(32, 'k'));
    std::string bytes = audit::SealLeaf(event, std::string(16, 'r'), false, key, key).value();
    audit::StampTime(bytes, now_);
    now_ += absl::Seconds(1);
    audit::v1::TailLeaf leaf;
    leaf.set_leaf(bytes);
    leaf.set_opening(audit::v1::TailLeaf::OPENING_OPENED);
    *leaf.mutable_details() = event.details;
    if (person) {
      leaf.mutable_details()->mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
      leaf.mutable_details()->mutable_subject()->set_id(IdOf(*person).ToBytes());
    }
    return leaf;
  }
  audit::v1::TailLeaf Refusal(uint8_t person) {
    consent::v1::RefusalRecorded refused;
    refused.add_lines();
    decision_ = common::v1::DECISION_UNSPECIFIED;
    return Leaf(audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused, person);
  }
  audit::v1::TailLeaf Permit(uint8_t person) {
    consent::v1::CheckDecided check;
    check.mutable_recipient()->set_institution("caf");
    check.set_act(common::v1::ACT_TRANSMIT);
    decision_ = common::v1::DECISION_PERMIT;
    return Leaf(audit::v1::EVENT_CLASS_CHECK_DECIDED, check, person);
  }
  CheckRun Make(const std::vector<std::string>& names, RunOptions options = {}, const Options& asked = {}) {
    return CheckRun(ChooseQuestions(names, asked).value(), history_, options);
  }
  Report Answer(CheckRun& run, const std::vector<audit::v1::TailLeaf>& leaves) {
    uint64_t index = 0;
    for (const audit::v1::TailLeaf& leaf : leaves) {
      EXPECT_TRUE(run.Add("consent", index++, leaf).ok());
    }
    return run.Finish(now_);
  }
  SampleHistory history_;
  absl::Time now_ = testing::Teller::Start();
  common::v1::Decision decision_ = common::v1::DECISION_UNSPECIFIED;
};

TEST_F(RunTest, ShowsQuestionsWhatSheHadSaidBefore) {
  CheckRun run = Make({"permit-after-refusal"});
  EXPECT_THAT(run.Services(), ElementsAre("consent"));
  const Report report = Answer(run, {Permit(1), Refusal(1), Permit(1), Permit(2)});
  EXPECT_EQ(report.wrong(), 1u);
  EXPECT_EQ(report.leaves, 4u);
  EXPECT_THAT(report.questions[0].findings[0].leaves, ElementsAre(2, 1));
}

TEST_F(RunTest, APeriodBoundsFindingsNotKnowledge) {
  RunOptions options;
  options.since = now_ + absl::Seconds(2);
  options.until = now_ + absl::Seconds(3);
  CheckRun run = Make({"permit-after-refusal"}, options);
  const Report report = Answer(run, {Refusal(1), Permit(1), Permit(1), Permit(1)});
  ASSERT_EQ(report.wrong(), 1u);
  EXPECT_THAT(report.questions[0].findings[0].leaves, ElementsAre(2, 0));
}

TEST_F(RunTest, SharesTogetherFindWhatOneRunFinds) {
  size_t wrong = 0;
  for (uint32_t share = 1; share <= 3; ++share) {
    RunOptions options;
    options.share = share;
    options.shares = 3;
    CheckRun run = Make({"permit-after-refusal"}, options);
    std::vector<audit::v1::TailLeaf> leaves;
    for (uint8_t person = 1; person <= 9; ++person) {
      leaves.push_back(Refusal(person));
      leaves.push_back(Permit(person));
    }
    const Report report = Answer(run, leaves);
    EXPECT_LT(report.wrong(), 9u);
    wrong += report.wrong();
  }
  EXPECT_EQ(wrong, 9u);
}

// Asked for about somebody, done about nobody: both ends belong to one share.
TEST_F(RunTest, OneShareSeesBothEndsOfAnErasure) {
  audit::v1::EraseRequested asked;
  asked.set_erasure_id(IdOf(200).ToHex());  // as the event: so it is in every log
  audit::v1::Erased erased;
  erased.set_erasure_id(IdOf(200).ToHex());
  decision_ = common::v1::DECISION_UNSPECIFIED;
  for (uint8_t person = 1; person <= 3; ++person) {
    const std::vector<audit::v1::TailLeaf> leaves = {
        Leaf(audit::v1::EVENT_CLASS_ERASE_REQUESTED, asked, person),
        Leaf(audit::v1::EVENT_CLASS_ERASED, erased)};
    for (uint32_t share = 1; share <= 3; ++share) {
      RunOptions options;
      options.share = share;
      options.shares = 3;
      CheckRun run = Make({"purge-due"}, options);
      for (uint64_t i = 0; i < leaves.size(); ++i) {
        ASSERT_TRUE(run.Add("consent", i, leaves[i]).ok());
      }
      EXPECT_EQ(run.Finish(now_ + absl::Hours(24 * 40)).wrong(), 0u);
    }
  }
}

TEST_F(RunTest, SaysWhenTheBoundWasReached) {
  RunOptions options;
  options.most_held = 3;
  CheckRun run = Make({"permit-after-refusal"}, options);
  EXPECT_FALSE(Answer(run, {Refusal(1), Refusal(2), Refusal(3)}).overflowed);
  CheckRun more = Make({"permit-after-refusal"}, options);
  const Report report = Answer(more, {Refusal(1), Refusal(2), Refusal(3), Refusal(4), Permit(4)});
  EXPECT_TRUE(report.overflowed);
}

TEST_F(RunTest, CountsWhatIsErasedAndVersionsNotToBeHad) {
  CheckRun run = Make({"permit-after-refusal"});
  audit::v1::TailLeaf erased = Refusal(1);
  erased.set_opening(audit::v1::TailLeaf::OPENING_ERASED);
  erased.clear_details();
  const Report report = Answer(run, {erased, Permit(1)});
  EXPECT_EQ(report.erased, 1u);
  EXPECT_EQ(report.unknown_directory, 0u);
  EXPECT_EQ(report.wrong(), 0u);
}

TEST_F(RunTest, ReadsNoMoreOfALogThanItsQuestionsWant) {
  Options asked;
  asked.leaf = {"routing", 12};
  CheckRun run = Make({"in-force"}, {}, asked);
  EXPECT_THAT(run.Services(), ElementsAre("routing"));
  EXPECT_EQ(run.Wanted("routing").first, 12u);
  EXPECT_EQ(run.Wanted("routing").end, 13u);
  CheckRun both = Make({"in-force", "access-without-relation"}, {}, asked);
  EXPECT_EQ(both.Wanted("routing").first, 0u);
}

TEST_F(RunTest, EnquiriesAnswerAndFindNothingWrong) {
  Options asked;
  asked.institution = "caf";
  CheckRun run = Make({"breach-notice"}, {}, asked);
  audit::v1::TailLeaf leaf = Permit(1);
  leaf.mutable_details()->mutable_recipient()->set_institution("caf");
  const Report report = Answer(run, {leaf});
  EXPECT_EQ(report.questions[0].findings.size(), 1u);
  EXPECT_EQ(report.wrong(), 0u);
}

TEST_F(RunTest, RefusesBytesThatAreNoLeafAndALogThatIsNotWhole) {
  CheckRun run = Make({});
  EXPECT_EQ(run.Add("consent", 0, audit::v1::TailLeaf()).code(), absl::StatusCode::kDataLoss);
  audit::v1::TailLeaf withheld;
  withheld.set_opening(audit::v1::TailLeaf::OPENING_WITHHELD);
  EXPECT_EQ(run.Add("consent", 0, withheld).code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace relais::cli::questions
