// Witnesses at a log: which checkpoint they are given, whose cosignatures it takes, what it gives out.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/testing/fake_clock.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/cosignature.h"
#include "common/rpc/audit_handlers.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using merkle::KeyType;

// The machine's clock, whose civil time the test can move.
class MovableClock final : public Clock {
 public:
  [[nodiscard]] absl::Time Now() const override { return machine_.Now() + moved; }
  [[nodiscard]] absl::Duration Monotonic() const override { return machine_.Monotonic(); }
  absl::Duration moved = absl::ZeroDuration();

 private:
  SystemClock machine_;
};

class CosignHandlersTest : public ::testing::Test {
 protected:
  CosignHandlersTest() {
    for (int i = 0; i < 4; ++i) {
      keys_.push_back(crypto::SigningKey::Generate(random_));
    }
    List(3, 2);
    Grow();
  }
  static std::string Name(size_t i) { return absl::StrCat("w.example/", i); }
  // The directory lists the first `count` witnesses.
  void List(size_t count, size_t quorum) {
    std::string extra = absl::StrCat("witnesses:\n  quorum: ", quorum, "\n  keys:\n");
    for (size_t i = 0; i < count; ++i) {
      absl::StrAppend(&extra, "    - ",
                      merkle::VerifierKeyString(Name(i), keys_[i].verify_key(), KeyType::kCosignature), "\n");
    }
    world_.SetDirectory(testing::SampleDirectory(++version_, extra));
  }
  Call AnyCall() {
    Call call;
    call.caller = testing::InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER);
    call.directory = world_.directory();
    call.deadline = clock_.Monotonic() + absl::Seconds(20);
    return call;
  }
  void Grow() {
    audit::Event event;
    event.event_class = audit::v1::EVENT_CLASS_CALL_REFUSED;
    event.institution = "edf";
    ASSERT_TRUE(BlockOn(WriteLoneLeaf(world_.context(), event)).ok());
    // So that the next checkpoint is of that size.
    ASSERT_TRUE(BlockOn(world_.log().Checkpoint(world_.log().state().size)).ok());
  }
  std::string ToCosign() {
    audit::v1::GetCheckpointRequest request;
    request.set_to_cosign(true);
    return BlockOn(handlers_->GetCheckpoint(AnyCall(), request)).value().checkpoint();
  }
  std::string Cosigned() {
    audit::v1::GetCheckpointRequest request;
    request.set_cosigned(true);
    return BlockOn(handlers_->GetCheckpoint(AnyCall(), request)).value().checkpoint();
  }
  std::string CosignedBy(const std::string& note, size_t witness, uint64_t time = 1000) {
    merkle::UnverifiedNote parsed = *merkle::ParseNote(note);
    parsed.signatures.push_back(*merkle::Cosign(parsed.text, Name(witness), keys_[witness], time));
    return *merkle::FormatNote(parsed);
  }
  absl::StatusOr<audit::v1::AddCosignatureResponse> Add(const std::string& note) {
    audit::v1::AddCosignatureRequest request;
    request.set_checkpoint(note);
    return BlockOn(handlers_->AddCosignature(AnyCall(), request));
  }
  void Restart() { handlers_ = std::make_unique<AuditHandlers>(world_.context(), OpenedTable()); }
  // Which witnesses a note has; -1 when the log has not signed it.
  std::vector<int> Signers(const std::string& note) {
    const std::vector<merkle::NoteVerifier> logs = {{"relais.test/consent/1", world_.verify_key()}};
    if (!merkle::OpenCheckpoint(note, "relais.test/consent/1", logs).ok()) {
      return {-1};
    }
    std::vector<merkle::NoteVerifier> witnesses;
    for (size_t i = 0; i < keys_.size(); ++i) {
      witnesses.push_back({Name(i), keys_[i].verify_key()});
    }
    std::vector<int> found;
    const auto cosignatures = merkle::VerifyCosignatures(*merkle::ParseNote(note), witnesses);
    for (const merkle::Cosignature& each : *cosignatures) {
      found.push_back(static_cast<int>(each.witness));
    }
    return found;
  }

  MovableClock clock_;
  ThreadPool executor_{2};
  relais::testing::SeededRandom random_{21};
  std::vector<crypto::SigningKey> keys_;
  uint64_t version_ = 1;
  testing::ServiceWorld world_{clock_, executor_};
  std::unique_ptr<AuditHandlers> handlers_ = std::make_unique<AuditHandlers>(world_.context(), OpenedTable());
};

TEST_F(CosignHandlersTest, WitnessesAreGivenTheSameCheckpointUntilAQuorumHasCosigned) {
  const std::string first = ToCosign();
  Grow();
  EXPECT_EQ(ToCosign(), first);
  EXPECT_EQ(Signers(Cosigned()), std::vector<int>{}) << "none yet: the latest";

  auto added = Add(CosignedBy(first, 0));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_FALSE(added->quorum());
  EXPECT_EQ(added->tree_size(), 1U);
  EXPECT_EQ(Signers(Cosigned()), std::vector<int>{0}) << "as many as there are";
  Grow();
  Restart();
  EXPECT_EQ(merkle::ParseNote(ToCosign())->text, merkle::ParseNote(first)->text) << "a restart goes on";

  added = Add(CosignedBy(first, 2));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_TRUE(added->quorum());
  EXPECT_EQ(added->witnesses_size(), 2);
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{0, 2}));
  EXPECT_EQ(merkle::ParseNote(Cosigned())->text, merkle::ParseNote(first)->text);

  // The next round is of the log as it is now; the last one stays until that has a quorum.
  const std::string second = ToCosign();
  EXPECT_NE(merkle::ParseNote(second)->text, merkle::ParseNote(first)->text);
  ASSERT_TRUE(Add(CosignedBy(second, 1)).ok());
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{0, 2}));
  // A late one of the last round.
  ASSERT_TRUE(Add(CosignedBy(first, 1)).ok());
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{0, 2, 1}));
  ASSERT_TRUE(Add(CosignedBy(second, 0)).ok());
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{1, 0}));
  Restart();
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{1, 0})) << "kept";
}

TEST_F(CosignHandlersTest, OnlyListedWitnessesOnTheCheckpointAsked) {
  const std::string note = ToCosign();
  EXPECT_EQ(Add(note).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Add("nonsense").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Add(CosignedBy(note, 3)).status().code(), absl::StatusCode::kInvalidArgument) << "not listed";
  merkle::UnverifiedNote forged = *merkle::ParseNote(CosignedBy(note, 0));
  forged.signatures.back().signature[30] ^= 1;
  EXPECT_EQ(Add(*merkle::FormatNote(forged)).status().code(), absl::StatusCode::kInvalidArgument);
  // A checkpoint of the log's that was not given to witnesses, and one that is not the log's.
  Grow();
  const std::string latest = BlockOn(world_.log().Checkpoint(2)).value();
  EXPECT_EQ(ReasonOf(Add(CosignedBy(latest, 0)).status()), common::v1::ERROR_REASON_WRONG_STATE);
  const std::string other = *merkle::SignCheckpoint({"relais.test/other/1", 1, {}, {}}, keys_[3]);
  EXPECT_EQ(ReasonOf(Add(CosignedBy(other, 0)).status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Signers(Cosigned()), std::vector<int>{});
}

TEST_F(CosignHandlersTest, StrangeLinesAreNotKept) {
  merkle::UnverifiedNote note = *merkle::ParseNote(CosignedBy(ToCosign(), 0));
  note.signatures.push_back(*merkle::Cosign(note.text, Name(3), keys_[3], 1));
  note.signatures.erase(note.signatures.begin());  // the log's own: it has that
  ASSERT_TRUE(Add(*merkle::FormatNote(note)).ok());
  EXPECT_EQ(Signers(Cosigned()), std::vector<int>{0});
  EXPECT_EQ(merkle::ParseNote(Cosigned())->signatures.size(), 2U);
}

TEST_F(CosignHandlersTest, TheSameAgainIsHarmlessAndANewerTimeReplaces) {
  const std::string note = ToCosign();
  ASSERT_TRUE(Add(CosignedBy(note, 0, 1000)).ok());
  ASSERT_TRUE(Add(CosignedBy(note, 0, 1000)).ok());
  ASSERT_TRUE(Add(CosignedBy(note, 0, 2000)).ok());
  ASSERT_TRUE(Add(CosignedBy(note, 0, 1500)).ok());
  const std::vector<merkle::NoteVerifier> witnesses = {{Name(0), keys_[0].verify_key()}};
  const auto found = *merkle::VerifyCosignatures(*merkle::ParseNote(Cosigned()), witnesses);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].timestamp, 2000U);
  EXPECT_EQ(merkle::ParseNote(Cosigned())->signatures.size(), 2U);
}

TEST_F(CosignHandlersTest, ARoundWithoutAQuorumEnds) {
  const std::string first = ToCosign();
  ASSERT_TRUE(Add(CosignedBy(first, 0)).ok());
  clock_.moved = absl::Minutes(11);
  EXPECT_EQ(merkle::ParseNote(ToCosign())->text, merkle::ParseNote(first)->text) << "nothing newer";
  Grow();
  const std::string second = ToCosign();
  EXPECT_NE(merkle::ParseNote(second)->text, merkle::ParseNote(first)->text);
  ASSERT_TRUE(Add(CosignedBy(second, 0)).ok());
  ASSERT_TRUE(Add(CosignedBy(second, 1)).ok());
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{0, 1}));
}

TEST_F(CosignHandlersTest, WithoutAQuorumDemandedARoundWaitsForAll) {
  List(2, 0);
  const std::string first = ToCosign();
  auto added = Add(CosignedBy(first, 0));
  ASSERT_TRUE(added.ok());
  EXPECT_TRUE(added->quorum()) << "none is demanded";
  Grow();
  EXPECT_EQ(merkle::ParseNote(ToCosign())->text, merkle::ParseNote(first)->text);
  ASSERT_TRUE(Add(CosignedBy(first, 1)).ok());
  EXPECT_NE(merkle::ParseNote(ToCosign())->text, merkle::ParseNote(first)->text);
  EXPECT_EQ(Signers(Cosigned()), (std::vector<int>{0, 1}));
}

TEST_F(CosignHandlersTest, WithoutWitnessesTheLatestIsGiven) {
  world_.SetDirectory(testing::SampleDirectory(++version_));
  Grow();
  EXPECT_EQ(merkle::ParseNote(Cosigned())->text,
            merkle::ParseNote(BlockOn(world_.log().Checkpoint(2)).value())->text);
}

TEST_F(CosignHandlersTest, WrongRequests) {
  audit::v1::GetCheckpointRequest request;
  request.set_cosigned(true);
  request.set_min_size(1);
  EXPECT_FALSE(BlockOn(handlers_->GetCheckpoint(AnyCall(), request)).ok());
  request.set_min_size(0);
  request.set_to_cosign(true);
  EXPECT_FALSE(BlockOn(handlers_->GetCheckpoint(AnyCall(), request)).ok());
}

TEST_F(CosignHandlersTest, ManyAtOnceAllCount) {
  List(3, 3);
  const std::string note = ToCosign();
  std::vector<Task<absl::StatusOr<audit::v1::AddCosignatureResponse>>> calls;
  for (size_t i = 0; i < 3; ++i) {
    audit::v1::AddCosignatureRequest request;
    request.set_checkpoint(CosignedBy(note, i));
    calls.push_back(handlers_->AddCosignature(AnyCall(), request));
  }
  for (const auto& answer : BlockOn(WhenAll(executor_, std::move(calls)))) {
    EXPECT_TRUE(answer.ok()) << answer.status();
  }
  EXPECT_EQ(Signers(Cosigned()).size(), 3U);
}

// The bytes on disk (docs/formats.md, "Cosignatures").
TEST_F(CosignHandlersTest, GoldenBytes) {
  clock_.moved = absl::FromUnixSeconds(1'800'000'000) - clock_.Now();
  const std::string note = CosignedBy(ToCosign(), 0);
  ASSERT_TRUE(Add(note).ok());
  const storage::Partition place{storage::PartitionKind::kCursor,
                                 *Id128::FromHex("173f247d9bf2596f5ef349a5fc53d8ee")};
  const auto entry = world_.store().Get(place, "round");
  ASSERT_TRUE(entry.ok() && entry->has_value());
  EXPECT_EQ((*entry)->value[0], 1);
  EXPECT_EQ((*entry)->value.substr(9), note);
}

}  // namespace
}  // namespace relais::rpc
