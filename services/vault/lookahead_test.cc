// Memory for pieces that streams hold ahead: a bound for all, a share for each institution, and what streams
// do without.
#include "services/vault/lookahead.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/rpc/refusal.h"
#include "common/storage/testing/forwarding_store.h"
#include "gtest/gtest.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/export_handlers.h"
#include "services/vault/testing/reading.h"
#include "services/vault/testing/world_on.h"

namespace relais::vault {
namespace {

using namespace testing;

TEST(Lookahead, OneInstitutionHoldsHalfAndAllTheWhole) {
  Lookahead lookahead(8);
  Lookahead::Held first = lookahead.Of("caf");
  Lookahead::Held second = lookahead.Of("caf");
  Lookahead::Held other = lookahead.Of("aphp");
  Lookahead::Held third = lookahead.Of("edf");
  EXPECT_TRUE(first.Hold(3));
  EXPECT_FALSE(second.Hold(2)) << "five of eight, of one institution";
  EXPECT_TRUE(second.Hold(1));
  EXPECT_FALSE(first.Hold(4));
  EXPECT_TRUE(other.Hold(4));
  EXPECT_FALSE(third.Hold(1)) << "nine of eight, of all";
  EXPECT_TRUE(third.Hold(0));
}

TEST(Lookahead, WhatIsNotHeldAnyMoreIsThereForOthers) {
  Lookahead lookahead(8);
  Lookahead::Held stays = lookahead.Of("caf");
  {
    Lookahead::Held goes = lookahead.Of("caf");
    EXPECT_TRUE(goes.Hold(4));
    EXPECT_FALSE(stays.Hold(1));
    EXPECT_TRUE(goes.Hold(3)) << "less always goes";
    EXPECT_TRUE(stays.Hold(1));
    EXPECT_FALSE(stays.Hold(2));
    EXPECT_TRUE(goes.Hold(0));
    EXPECT_TRUE(stays.Hold(2));
    EXPECT_TRUE(goes.Hold(2));
  }
  EXPECT_TRUE(stays.Hold(4));
}

TEST(Lookahead, WhatIsHandedOverCountsUntilItsNewOwnerEnds) {
  Lookahead lookahead(8);
  Lookahead::Held stream = lookahead.Of("caf");
  Lookahead::Held other = lookahead.Of("caf");
  ASSERT_TRUE(stream.Hold(3));
  std::shared_ptr<Lookahead::Held> commit = stream.HandOver();
  EXPECT_FALSE(other.Hold(2)) << "three of four";
  EXPECT_TRUE(other.Hold(1)) << "counted once";
  EXPECT_FALSE(stream.Hold(1)) << "what it handed over is no more its own";
  EXPECT_TRUE(other.Hold(0));
  EXPECT_TRUE(stream.Hold(1));
  EXPECT_FALSE(stream.Hold(2));
  commit.reset();
  EXPECT_TRUE(stream.Hold(4));
}

TEST(Lookahead, AllThatIsHeldAheadIs24MiB) {
  const Settings settings;
  EXPECT_EQ((settings.lookahead_pieces + settings.export_pieces) * kPieceSize, size_t{24} << 20);
}

// ---- streams

constexpr size_t kPieces = 8;
constexpr absl::Duration kEach = absl::Seconds(10);  // a slow client takes a message in

// Counts the pieces of texts that are read.
class CountingStore final : public storage::testing::ForwardingStore {
 public:
  CountingStore(std::unique_ptr<storage::Store> inner, Executor& /*executor*/)
      : ForwardingStore(std::move(inner)) {}
  [[nodiscard]] int pieces_read() const { return pieces_read_; }
  void LetGo() {}

  [[nodiscard]] absl::StatusOr<bool> WithValue(
      const storage::Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const override {
    pieces_read_ += partition.kind == storage::PartitionKind::kDocument ? 1 : 0;
    return inner_->WithValue(partition, key, use);
  }

 private:
  mutable std::atomic<int> pieces_read_ = 0;
};

// Keeps one commit of a text's bytes back.
class HeldUpStore final : public storage::testing::ForwardingStore {
 public:
  HeldUpStore(std::unique_ptr<storage::Store> inner, Executor& executor)
      : ForwardingStore(std::move(inner)), executor_(executor) {}

  // The next one does not come to its end until LetGo.
  void HoldUpNext() { next_ = true; }
  [[nodiscard]] bool holds_up() const { return held_up_.has_value(); }
  void LetGo() {
    next_ = false;
    if (const auto go = std::exchange(held_up_, std::nullopt); go.has_value()) {
      go->Set(true);
    }
  }

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (request.partition.kind == storage::PartitionKind::kDocument && std::exchange(next_, false)) {
      const OneShot<bool> go(executor_);
      held_up_ = go;
      co_await go;
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }

 private:
  Executor& executor_;
  bool next_ = false;
  std::optional<OneShot<bool>> held_up_;
};

Settings WithLookahead(size_t pieces) {
  Settings settings;
  settings.lookahead_pieces = pieces;
  return settings;
}
// One institution's uploads may have as many pieces ahead as one commit of theirs takes.
Settings WithRoomForOneCommit() {
  Settings settings = WithLookahead(8);
  settings.commit_pieces = 4;
  return settings;
}

// A reading of a slow client, up to where it has taken the first message and not the next.
struct SlowReading {
  std::shared_ptr<Running> running;
  int read = 0;  // pieces, by then
};
SlowReading BeginSlowly(WorldOn<CountingStore>& vault, const std::string& paper) {
  SlowReading slow;
  const int before = vault.store->pieces_read();
  slow.running = BeginDownload(vault.world, kHost, 1, paper, kEach);
  vault.world.sim().RunFor(kEach * 1.5);  // DownloadStart has gone
  EXPECT_EQ(slow.running->client->got.size(), 1);
  slow.read = vault.store->pieces_read() - before;
  return slow;
}
void EndReading(World& world, const Running& running) {
  EXPECT_TRUE(world.sim().RunUntil([&] { return running.ended.has_value(); }, kEach * (kPieces + 2)));
  EXPECT_TRUE(running.ended.value_or(absl::UnknownError("not over")).ok());
}

// Pieces read for a slow client while it takes the first of them; it gets the whole text in the end.
int ReadForASlowClient(size_t lookahead) {
  WorldOn<CountingStore> vault(WithLookahead(lookahead));
  World& world = vault.world;
  world.Host(1);
  const std::string text = Pdf(kPieces * kPieceSize);
  const auto [running, read] = BeginSlowly(vault, world.MustDeposit(1, text).document);
  EndReading(world, *running);
  std::string got;
  for (const v1::DownloadResponse& message : running->client->got) {
    got += message.data();
  }
  EXPECT_EQ(got, text);
  return read;
}

// Room that comes is taken while it goes.
TEST(StreamsAhead, AReadingGetsRoomThatComes) {
  WorldOn<CountingStore> vault(WithLookahead(4));
  World& world = vault.world;
  world.Host(1);
  const std::string paper = world.MustDeposit(1, Pdf(kPieces * kPieceSize)).document;
  const auto first = BeginDownload(world, kHost, 1, paper, kEach);
  world.Settle();
  const auto second = BeginDownload(world, kHost, 1, paper, kEach);
  world.sim().RunFor(kEach * 1.5);
  first->client->HangUp();
  ASSERT_TRUE(world.sim().RunUntil([&] { return first->ended.has_value(); }, kEach * 3));
  const int before = vault.store->pieces_read();
  const size_t got = second->client->got.size();
  ASSERT_TRUE(world.sim().RunUntil([&] { return second->client->got.size() == got + 2; }, kEach * 3));
  EXPECT_GT(vault.store->pieces_read() - before, 2) << "more than what it took";
  EXPECT_TRUE(world.sim().RunUntil([&] { return second->ended.has_value(); }, kEach * (kPieces + 2)));
}

TEST(StreamsAhead, AReadingHasTheNextPiecesReady) { EXPECT_EQ(ReadForASlowClient(96), 3); }
TEST(StreamsAhead, WithoutRoomAReadingGoesPieceByPiece) { EXPECT_EQ(ReadForASlowClient(0), 1); }

// An export cannot go with less: what it seals comes out in other portions than it goes in.
TEST(StreamsAhead, AnExportWithoutRoomComesBackLater) {
  World::Options options;
  options.settings.export_pieces = 8;
  World world(std::move(options));
  world.Host(1);
  world.MustDeposit(1, Pdf(kPieces * kPieceSize));
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  const auto slow = std::make_shared<Collected<v1::ExportResponse>>(world.sim());
  slow->each = kEach;
  std::optional<absl::Status> ended;
  relais::Start(world.service().exports().Export(world.As(kHost), request, slow),
                [&ended](absl::Status status) { ended = std::move(status); });
  world.Settle();
  EXPECT_FALSE(ended.has_value());
  const auto again = [&] {
    return world.Run(world.service().exports().Export(
        world.As(kHost), request, std::make_shared<Collected<v1::ExportResponse>>(world.sim())));
  };
  const absl::Status refused = again();
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(rpc::RetryAfterOf(refused).has_value());
  slow->HangUp();
  ASSERT_TRUE(world.sim().RunUntil([&] { return ended.has_value(); }, absl::Minutes(5)));
  EXPECT_TRUE(again().ok());
}

// Whoever is not her host asks without end, and keeps nobody out.
TEST(StreamsAhead, AnExportOfWhoMayNotTakesNoRoom) {
  World::Options options;
  options.settings.export_pieces = 0;
  World world(std::move(options));
  world.Host(1);
  const auto ask = [&](const std::string& institution) {
    v1::ExportRequest request;
    *request.mutable_person() = world.Handle(institution, 1);
    return ReasonOf(world.Run(world.service().exports().Export(
        world.As(institution), request, std::make_shared<Collected<v1::ExportResponse>>(world.sim()))));
  };
  EXPECT_EQ(ask(kHost), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ask("caf"), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// Her right (D-3.4): none of their room is lent to readings and uploads.
TEST(StreamsAhead, AnExportBeginsWhileReadingsHaveAllOfTheirs) {
  World::Options options;
  options.settings = WithLookahead(4);
  World world(std::move(options));
  world.Host(1);
  const std::string paper = world.MustDeposit(1, Pdf(kPieces * kPieceSize)).document;
  const auto reading = BeginDownload(world, kHost, 1, paper, kEach);
  world.Settle();
  ASSERT_FALSE(world.vault().lookahead.Of(kHost).Hold(1)) << "two are the institution's half";
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  const auto client = std::make_shared<Collected<v1::ExportResponse>>(world.sim());
  const absl::Status exported = world.Run(world.service().exports().Export(world.As(kHost), request, client));
  EXPECT_TRUE(exported.ok()) << exported;
  EXPECT_FALSE(reading->ended.has_value());
  EndReading(world, *reading);
}

// A client that sends pieces and then neither more nor the end, until it is let go.
class StandsStill final : public rpc::Reader<v1::UploadRequest> {
 public:
  StandsStill(Executor& executor, ScriptedUpload says)
      : executor_(executor), goes_on_(executor), says_(std::move(says)) {}
  void GoOn() { goes_on_.Set(true); }
  // To stand still again after these.
  void SendMore(std::string_view bytes) {
    says_.Send(bytes);
    std::exchange(goes_on_, OneShot<bool>(executor_)).Set(true);
  }
  // The vault waits for what comes next.
  [[nodiscard]] bool asked() const { return asked_; }

  Task<std::optional<v1::UploadRequest>> Read() override {
    std::optional<v1::UploadRequest> next = co_await says_.Read();
    if (!next.has_value()) {
      const OneShot<bool> goes_on = goes_on_;
      asked_ = true;
      co_await goes_on;
      asked_ = false;
      next = co_await says_.Read();
    }
    co_return next;
  }
  [[nodiscard]] bool cancelled() const override { return says_.cancelled(); }

 private:
  Executor& executor_;
  OneShot<bool> goes_on_;
  ScriptedUpload says_;
  bool asked_ = false;
};

struct Sending {
  std::string upload;
  std::shared_ptr<StandsStill> client;
  std::optional<absl::StatusOr<v1::UploadResponse>> answer = {};
};
std::shared_ptr<Sending> BeginSending(World& world, uint64_t person, std::string_view bytes, size_t each) {
  const auto begun = world.TryBegin(world.Begin(person, "begin-" + std::to_string(person), bytes.size() * 2));
  EXPECT_TRUE(begun.ok());
  ScriptedUpload says;
  const std::string upload = begun.ok() ? begun->upload().upload_id() : "";
  says.Open(world.Handle(kHost, person), upload, 0);
  says.Send(bytes, each);
  auto sending =
      std::make_shared<Sending>(Sending{upload, std::make_shared<StandsStill>(world.sim(), std::move(says))});
  relais::Start(
      world.service().uploads().Upload(world.As(kHost), sending->client),
      [sending](absl::StatusOr<v1::UploadResponse> answer) { sending->answer = std::move(answer); });
  world.Settle();
  return sending;
}

uint64_t CommittedOf(World& world, uint64_t person, const Sending& sending) {
  v1::QueryUploadRequest request;
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_upload_id(sending.upload);
  const auto answer = world.Run(world.service().uploads().QueryUpload(world.As(kHost), request));
  EXPECT_TRUE(answer.ok());
  return answer.ok() ? answer->upload().committed() : 0;
}

// Two uploads that stand still after three pieces each. Room is for one institution's three.
TEST(StreamsAhead, AnUploadWithoutRoomIsCommittedPieceByPieceAndTheRoomComesBack) {
  World::Options options;
  options.settings = WithLookahead(6);
  World world(std::move(options));
  const std::string three = Pdf(3 * kPieceSize);
  for (uint64_t person = 1; person <= 3; ++person) {
    world.Host(person);
  }
  const auto first = BeginSending(world, 1, three, kPieceSize);
  EXPECT_EQ(CommittedOf(world, 1, *first), 0) << "they wait for more";
  const auto second = BeginSending(world, 2, three, kPieceSize);
  EXPECT_EQ(CommittedOf(world, 2, *second), 3 * kPieceSize);

  first->client->GoOn();
  world.Settle();
  ASSERT_TRUE(first->answer.has_value());
  EXPECT_TRUE(first->answer->ok());
  EXPECT_EQ(CommittedOf(world, 1, *first), 3 * kPieceSize);
  const auto third = BeginSending(world, 3, three, kPieceSize);
  EXPECT_EQ(CommittedOf(world, 3, *third), 0) << "there is room again";
  for (const auto& each : {second, third}) {
    each->client->GoOn();
  }
  world.Settle();
  EXPECT_TRUE(second->answer.has_value());
  EXPECT_TRUE(third->answer.has_value());
}

TEST(StreamsAhead, ManyUploadsThatStandStillHoldNoWholePiece) {
  World::Options options;
  options.settings = WithLookahead(0);
  World world(std::move(options));
  world.Host(1);
  const auto sending = BeginSending(world, 1, Pdf(2 * kPieceSize + 100'000), 70'001);
  EXPECT_EQ(CommittedOf(world, 1, *sending), 2 * kPieceSize);
  sending->client->GoOn();
  world.Settle();
  ASSERT_TRUE(sending->answer.has_value());
  EXPECT_TRUE(sending->answer->ok());
}

// What a commit took is there for others once it has ended.
TEST(StreamsAhead, AnUploadThatStandsStillAfterACommitHoldsNothing) {
  WorldOn<CountingStore> vault(WithRoomForOneCommit());
  World& world = vault.world;
  world.Host(1);
  world.Host(2);
  const std::string paper = world.MustDeposit(1, Pdf(kPieces * kPieceSize)).document;
  const auto sending = BeginSending(world, 2, Pdf(4 * kPieceSize), kPieceSize);
  EXPECT_EQ(CommittedOf(world, 2, *sending), 4 * kPieceSize);
  EXPECT_FALSE(sending->answer.has_value());
  const SlowReading slow = BeginSlowly(vault, paper);
  EXPECT_EQ(slow.read, 3) << "as many as where nobody sends";
  EndReading(world, *slow.running);
  sending->client->GoOn();
  world.Settle();
  EXPECT_TRUE(sending->answer.has_value());
}

TEST(StreamsAhead, WhatWaitedCountsUntilItIsDurableAndNoMoreIsReadBefore) {
  WorldOn<HeldUpStore> vault(WithRoomForOneCommit());
  World& world = vault.world;
  world.Host(1);
  const std::string text = Pdf(4 * kPieceSize);
  const auto sending = BeginSending(world, 1, std::string_view(text).substr(0, 3 * kPieceSize), kPieceSize);
  ASSERT_TRUE(sending->client->asked());
  Lookahead::Held other = world.vault().lookahead.Of(kHost);
  ASSERT_TRUE(other.Hold(1));
  ASSERT_FALSE(other.Hold(2)) << "three wait";

  vault.store->HoldUpNext();
  sending->client->SendMore(std::string_view(text).substr(3 * kPieceSize));
  world.Settle();
  ASSERT_TRUE(vault.store->holds_up());
  EXPECT_FALSE(other.Hold(2)) << "the three are not durable yet";
  EXPECT_FALSE(world.vault().lookahead.Of(kHost).Hold(3));
  EXPECT_FALSE(sending->client->asked()) << "one is held for which there is no room";

  vault.store->LetGo();
  world.Settle();
  EXPECT_TRUE(sending->client->asked());
  EXPECT_EQ(CommittedOf(world, 1, *sending), 4 * kPieceSize);
  EXPECT_TRUE(other.Hold(4)) << "nothing is left of them";
  sending->client->GoOn();
  world.Settle();
  ASSERT_TRUE(sending->answer.has_value());
  EXPECT_TRUE(sending->answer->ok());
}

}  // namespace
}  // namespace relais::vault
