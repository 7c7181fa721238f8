// Bits changed in the files of a real RocksDB, and the whole service on it: a scrub comes to its end and
// says what it met, a reading is the text that was deposited or DOCUMENT_DAMAGED, and a vault that cannot say
// which does not start (D-3.1). Of the files that say which others there are and how they are read, none
// makes a paper go: it does not start, or everything is there.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/blocking_store.h"
#include "common/storage/testing/temp_folder.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault {
namespace {

using testing::Download;
using testing::kHost;
using testing::Pdf;
using testing::World;

namespace fs = std::filesystem;

constexpr uint64_t kPersons = 40;  // some dozen blocks of rows
constexpr uint64_t kBytesPerFlip = 8192;
constexpr uint64_t kFewestFlips = 3;
constexpr uint64_t kMostFlips = 8;

// A vault on a store in `path`, which may be another one each time it comes back.
class OnDisk {
  // Outlives the stores.
  ThreadPool pool_{2};

 public:
  std::string path;

  explicit OnDisk(std::string at, const std::string& published = "") : path(std::move(at)) {
    World::Options options;
    options.settings.scrub_every = absl::ZeroDuration();
    options.settings.epoch_length = absl::ZeroDuration();  // the ring stays the one of every copy
    options.published_path = published;
    options.make_store = [this](Executor&, storage::Sequencer& sequencer) { return Open(sequencer); };
    world_.emplace(std::move(options));
  }

  World& world() { return *world_; }
  storage::RocksDbStore* disk() { return disk_; }
  /// The process ends, once what it has done is published; its store refuses everything from here on.
  void Die() {
    world_->Settle();
    if (disk_ != nullptr) {
      disk_->Close();
    }
  }
  absl::Status ComeBack(const std::string& at) {
    path = at;
    return world_->ComeBack();
  }

 private:
  absl::StatusOr<std::unique_ptr<storage::Store>> Open(storage::Sequencer& sequencer) {
    disk_ = nullptr;
    storage::RocksDbOptions options;
    options.path = path;
    options.cache_bytes = size_t{16} << 20;
    options.write_buffer_bytes = size_t{8} << 20;
    options.fsync = false;  // nobody pulls the plug
    auto opened = storage::RocksDbStore::Open(options, pool_, sequencer);
    if (!opened.ok()) {
      return opened.status();
    }
    disk_ = opened->get();
    return std::unique_ptr<storage::Store>(
        std::make_unique<storage::testing::BlockingStore>(*std::move(opened)));
  }

  storage::RocksDbStore* disk_ = nullptr;
  std::optional<World> world_;
};

struct Deposited {
  uint64_t person = 0;
  std::string document;
  std::string text;
};

// Papers of several sizes: within a block of rows, in a file of blobs, of several pieces.
std::vector<Deposited> Fill(World& world) {
  std::vector<Deposited> papers;
  for (uint64_t person = 1; person <= kPersons; ++person) {
    world.Host(person);
    const size_t size = person == 1 ? 700'000 : person % 4 == 0 ? 40'000 : 3000;
    std::string text = Pdf(size, static_cast<uint8_t>(person));
    const std::string document = world.MustDeposit(person, text).document;
    papers.push_back({person, document, std::move(text)});
  }
  return papers;
}

// How many readings gave nothing. Each gives the text that was deposited, or says DOCUMENT_DAMAGED.
size_t Unread(World& world, const std::vector<Deposited>& papers) {
  size_t unread = 0;
  for (const Deposited& paper : papers) {
    const testing::Got got = Download(world, kHost, paper.person, paper.document);
    if (got.status.ok()) {
      EXPECT_TRUE(got.bytes == paper.text) << paper.person;
    } else if (!world.context().store.failure().ok()) {
      break;  // RocksDB's own work met the damage meanwhile: the store has stopped, which its caller counts
    } else {
      EXPECT_EQ(testing::ReasonOf(got.status), common::v1::ERROR_REASON_DOCUMENT_DAMAGED) << got.status;
      EXPECT_TRUE(paper.text.starts_with(got.bytes)) << "what came before was genuine";
      ++unread;
    }
  }
  return unread;
}

bool Told(const v1::Scrub& scrub) { return scrub.damaged() + scrub.unreadable() + scrub.passed_over() > 0; }

std::vector<std::string> FilesEnding(const std::string& folder, const std::vector<std::string>& endings) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string ending = entry.path().extension();
    if (entry.is_regular_file() && entry.file_size() > 0 &&
        std::find(endings.begin(), endings.end(), ending) != endings.end()) {
      files.push_back(entry.path().filename());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> FilesBeginning(const std::string& folder, const std::string& beginning) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename();
    if (entry.is_regular_file() && name.starts_with(beginning)) {
      files.push_back(std::move(name));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string BytesOfFile(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// One bit of a store's files.
struct Place {
  std::string file;
  uint64_t at = 0;
  int bit = 0;  // 0 to 7
};

constexpr int kBits = 8;
constexpr int kThird = 2;

// Which bits are flipped at the `number`-th place: one that is the same everywhere, and of the others the
// next one in turn.
std::vector<int> BitsAt(uint64_t number) {
  return {kThird, (kThird + 1 + static_cast<int>(number % (kBits - 1))) % kBits};
}

// As many places of a file as said, from its beginning on.
std::vector<Place> PlacesOf(const std::string& folder, const std::string& file, uint64_t count) {
  const uint64_t size = fs::file_size(fs::path(folder) / file);
  std::vector<Place> places;
  for (uint64_t i = 0; i < std::min(count, size); ++i) {
    places.push_back({file, size * i / std::min(count, size), static_cast<int>(i % kBits)});
  }
  return places;
}

// The files of version edits are RocksDB's record logs: blocks of records, each of which begins with a
// checksum, 4 bytes, its length, 2 bytes, and its type; a length or a type of records that are written over
// says that the log ends there.
constexpr uint64_t kLogBlock = 32768;
constexpr uint64_t kLogHeader = 7;
constexpr uint64_t kLengthAt = 4;
constexpr uint64_t kTypeAt = 6;
constexpr int kPastTheEnd = 7;  // of the length's second byte

std::vector<uint64_t> RecordsOf(const std::string& bytes) {
  std::vector<uint64_t> records;
  uint64_t at = 0;
  while (at + kLogHeader <= bytes.size()) {
    const uint64_t left = kLogBlock - at % kLogBlock;
    if (left < kLogHeader) {
      at += left;
      continue;
    }
    records.push_back(at);
    const uint64_t low = static_cast<uint8_t>(bytes.at(at + kLengthAt));
    const uint64_t high = static_cast<uint8_t>(bytes.at(at + kLengthAt + 1));
    at += kLogHeader + low + (high << 8);
  }
  EXPECT_EQ(at, bytes.size()) << "these are its records";
  return records;
}

// Of each record: its checksum, its length, its type and what it says.
std::vector<Place> PlacesOfRecords(const std::string& folder, const std::string& file) {
  const std::vector<uint64_t> records = RecordsOf(BytesOfFile(fs::path(folder) / file));
  const uint64_t size = fs::file_size(fs::path(folder) / file);
  std::vector<Place> places;
  for (size_t i = 0; i < records.size(); ++i) {
    const uint64_t at = records[i];
    const uint64_t end = i + 1 < records.size() ? records[i + 1] : size;
    const int bit = static_cast<int>(i % kBits);
    places.push_back({file, at + i % kLengthAt, bit});
    places.push_back({file, at + kLengthAt, bit});
    places.push_back({file, at + kLengthAt + 1, kPastTheEnd});
    places.push_back({file, at + kTypeAt, kThird});
    places.push_back({file, at + kTypeAt, bit});
    places.push_back({file, (at + kLogHeader + end) / 2, bit});
  }
  return places;
}

void Flip(const std::string& folder, const Place& place) {
  std::fstream stream(fs::path(folder) / place.file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(place.at));
  const int before = stream.get();
  stream.seekp(static_cast<std::streamoff>(place.at));
  stream.put(static_cast<char>(before ^ (1 << place.bit)));
}

struct Outcomes {
  int flips = 0;
  int refused = 0;   // did not start, or stopped: its operator sees
  int told = 0;      // by a scrub
  int harmless = 0;  // nothing was told, and everything was read
  size_t unread = 0;
  std::vector<absl::Status> why;  // of those that did not start
};

void SayWhatItDoes(OnDisk& vault, const std::string& copy, const std::vector<Deposited>& papers,
                   Outcomes& outcomes) {
  ++outcomes.flips;
  const absl::Status back = vault.ComeBack(copy);
  if (!back.ok()) {
    ++outcomes.refused;
    outcomes.why.push_back(back);
    EXPECT_TRUE(absl::IsDataLoss(back) || absl::IsFailedPrecondition(back) || absl::IsUnavailable(back))
        << back;
    vault.Die();
    return;
  }
  World& world = vault.world();
  v1::StartScrubRequest request;
  request.set_request_id("after");
  const auto begun = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
  std::optional<v1::Scrub> scrub;
  if (begun.ok()) {
    world.Settle(absl::Seconds(30));
    v1::GetScrubRequest which;
    which.set_scrub_id(begun->scrub().scrub_id());
    const auto got = world.Run(world.service().operations().GetScrub(world.As("operator"), which));
    if (got.ok()) {
      scrub = got->scrub();
    }
  }
  if (!world.context().store.failure().ok()) {
    ++outcomes.refused;  // what it met was no damage that it knows: it stopped serving
    vault.Die();
    return;
  }
  EXPECT_TRUE(begun.ok()) << begun.status();
  EXPECT_TRUE(scrub.has_value());
  if (scrub.has_value()) {
    EXPECT_TRUE(scrub->has_ended()) << "it goes on or around for ever";
    const size_t unread = Unread(world, papers);
    if (!world.context().store.failure().ok()) {
      ++outcomes.refused;  // likewise, after the scrub
      vault.Die();
      return;
    }
    EXPECT_TRUE(Told(*scrub) || unread == 0) << unread << " do not read, and the scrub says nothing";
    outcomes.unread += unread;
    outcomes.told += Told(*scrub) ? 1 : 0;
    outcomes.harmless += Told(*scrub) ? 0 : 1;
  }
  vault.Die();
}

// The same of a copy of `whole` in which that bit is another.
void SayWhatAFlipDoes(OnDisk& vault, const std::string& whole, const Place& place,
                      const std::vector<Deposited>& papers, Outcomes& outcomes) {
  SCOPED_TRACE(place.file + " " + std::to_string(place.at) + " bit " + std::to_string(place.bit) + " of " +
               std::to_string(fs::file_size(fs::path(whole) / place.file)));
  const std::string copy = whole + ".copy";
  fs::remove_all(copy);
  fs::copy(whole, copy, fs::copy_options::recursive);
  Flip(copy, place);
  SayWhatItDoes(vault, copy, papers, outcomes);
}

TEST(Disk, EveryScrubEndsAndWhatAFlipDoesIsNothingOrTold) {
  const storage::testing::TempFolder folder;
  const std::string whole = folder / "whole";
  OnDisk vault(whole);
  World& world = vault.world();
  const std::vector<Deposited> papers = Fill(world);
  EXPECT_FALSE(Told(testing::Scrub(world, "before")));
  ASSERT_EQ(Unread(world, papers), 0U);
  ASSERT_TRUE(world.context().store.failure().ok());
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(vault.disk()->Compact().ok());  // out of the write-ahead log
  vault.Die();
  Outcomes outcomes;
  uint64_t places = 0;
  for (const std::string& file : FilesEnding(whole, {".sst", ".blob"})) {
    const uint64_t size = fs::file_size(fs::path(whole) / file);
    const uint64_t flips = std::clamp(size / kBytesPerFlip, kFewestFlips, kMostFlips);
    for (uint64_t i = 0; i < flips; ++i) {
      const uint64_t at = std::min(size - 1, size * i / flips + 7);
      for (const int bit : BitsAt(places++)) {
        SayWhatAFlipDoes(vault, whole, {file, at, bit}, papers, outcomes);
      }
    }
  }
  EXPECT_GE(places, uint64_t{kBits} - 1) << "each of the bits has had its turn";
  EXPECT_GT(outcomes.told, 0);
  EXPECT_GT(outcomes.unread, 0U);
  EXPECT_LT(outcomes.refused, outcomes.flips / 2) << "most are met by what serves";
  RecordProperty("flips", outcomes.flips);
  RecordProperty("refused", outcomes.refused);
  RecordProperty("told", outcomes.told);
  RecordProperty("harmless", outcomes.harmless);
  // The files as they were are a vault as it was.
  const absl::Status back = vault.ComeBack(whole);
  ASSERT_TRUE(back.ok()) << back;
  EXPECT_FALSE(Told(testing::Scrub(world, "whole")));
  EXPECT_EQ(Unread(world, papers), 0U);
  EXPECT_TRUE(world.context().store.failure().ok());
}

// What is still in the write-ahead log: the store does not open, or everything is there. A length that is
// changed at its very end looks like a record that was never written, a type that is changed may look like
// the log's end; what they take along is missed by the checkpoint that was published outside.
TEST(Disk, AFlipInTheWriteAheadLogLosesNothingUnseen) {
  constexpr uint64_t kFlips = 24;
  constexpr uint64_t kLastBytes = 4096;
  const storage::testing::TempFolder folder;
  const std::string whole = folder / "whole";
  const std::string published = folder / "published";
  OnDisk vault(whole, published);
  World& world = vault.world();
  const std::vector<Deposited> papers = Fill(world);
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(world.Run(world.context().log.Checkpoint(world.context().log.state().size)).ok());
  vault.Die();
  const std::string checkpoint = folder / "checkpoint";
  fs::copy_file(published, checkpoint);
  const std::vector<std::string> logs = FilesEnding(whole, {".log"});
  ASSERT_FALSE(logs.empty());
  const auto size_of = [&](const std::string& name) { return fs::file_size(fs::path(whole) / name); };
  const std::string& file = *std::max_element(
      logs.begin(), logs.end(), [&](const auto& a, const auto& b) { return size_of(a) < size_of(b); });
  const uint64_t size = size_of(file);
  ASSERT_GT(size, papers.back().text.size()) << "the last papers are in it";
  Outcomes outcomes;
  for (uint64_t i = 0; i < 2 * kFlips; ++i) {
    // All over it, then its end.
    const uint64_t last = std::min(size, kLastBytes);
    const uint64_t at = i < kFlips ? size * i / kFlips : size - last + last * (i - kFlips) / kFlips;
    for (const int bit : BitsAt(i)) {
      fs::copy_file(checkpoint, published, fs::copy_options::overwrite_existing);
      SayWhatAFlipDoes(vault, whole, {file, at, bit}, papers, outcomes);
    }
  }
  EXPECT_GT(outcomes.refused, 0);
  EXPECT_EQ(outcomes.unread, 0U) << "it is all there, or it does not start";
  RecordProperty("flips", outcomes.flips);
  RecordProperty("refused", outcomes.refused);
  fs::copy_file(checkpoint, published, fs::copy_options::overwrite_existing);
  const absl::Status back = vault.ComeBack(whole);
  ASSERT_TRUE(back.ok()) << back;
  EXPECT_EQ(Unread(world, papers), 0U);
  EXPECT_TRUE(world.context().store.failure().ok());
}

// MANIFEST says which files hold the rows, CURRENT which MANIFEST counts, OPTIONS how the files were written,
// IDENTITY whose they are. A MANIFEST that seems to end before its end names files that are gone, or none:
// the store does not open (ADR 80).
TEST(Disk, AFlipInWhatNamesTheFilesMakesNoPaperGo) {
  constexpr uint64_t kPlaces = 8;
  constexpr uint64_t kAll = 4096;  // more bytes than CURRENT has
  const storage::testing::TempFolder folder;
  const std::string whole = folder / "whole";
  OnDisk vault(whole);
  World& world = vault.world();
  const std::vector<Deposited> papers = Fill(world);
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(vault.disk()->Compact().ok());  // out of the write-ahead log
  vault.Die();
  const std::vector<std::string> manifests = FilesBeginning(whole, "MANIFEST-");
  ASSERT_FALSE(manifests.empty());
  const std::vector<std::string> options = FilesBeginning(whole, "OPTIONS-");
  ASSERT_FALSE(options.empty());
  const auto say = [&](const std::vector<Place>& places) {
    Outcomes outcomes;
    for (const Place& place : places) {
      SayWhatAFlipDoes(vault, whole, place, papers, outcomes);
    }
    EXPECT_GT(outcomes.flips, 0);
    EXPECT_EQ(outcomes.told, 0) << "everything is there, or it does not start";
    EXPECT_EQ(outcomes.unread, 0U);
    // What speaks against a start says that it is damaged, or at least which store it is.
    for (const absl::Status& why : outcomes.why) {
      EXPECT_TRUE(absl::IsDataLoss(why) || why.message().find(whole) != std::string::npos) << why;
    }
    return outcomes;
  };
  const Outcomes edits = say(PlacesOfRecords(whole, manifests.back()));
  EXPECT_GT(edits.refused, 0);
  RecordProperty("edits", edits.flips);
  RecordProperty("edits_refused", edits.refused);
  const Outcomes current = say(PlacesOf(whole, "CURRENT", kAll));
  EXPECT_EQ(current.refused, current.flips) << "another name is no MANIFEST of this store";
  const Outcomes settings = say(PlacesOf(whole, options.back(), kPlaces));
  EXPECT_EQ(settings.harmless, settings.flips) << "nobody reads them";
  const Outcomes identity = say(PlacesOf(whole, "IDENTITY", kPlaces));
  EXPECT_EQ(identity.harmless, identity.flips);
  const absl::Status back = vault.ComeBack(whole);
  ASSERT_TRUE(back.ok()) << back;
  EXPECT_EQ(Unread(world, papers), 0U);
  EXPECT_TRUE(world.context().store.failure().ok());
}

}  // namespace
}  // namespace relais::vault
