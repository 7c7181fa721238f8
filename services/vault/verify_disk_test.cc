// Bits flipped in the files of a real RocksDB: whatever is read is the text that was deposited, or nothing.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/counting_sequencer.h"
#include "common/storage/testing/temp_folder.h"
#include "services/vault/papers.h"
#include "services/vault/testing/world.h"

namespace relais::vault {
namespace {

using testing::Pdf;
using testing::World;

namespace fs = std::filesystem;

constexpr int kFlipsPerFile = 10;

// A store on the disk, with the clock, keys and identities of a world that is not used otherwise.
class Disk {
  // Outlive the store.
  SystemClock clock_;
  ThreadPool pool_{2};
  storage::testing::CountingSequencer sequencer_;
  RingEpochKeys epochs_;
  std::unique_ptr<rpc::ServiceContext> context_;

 public:
  // Opens the folder; `status` says how that went.
  Disk(World& world, const std::string& path) : epochs_(world.harness().ring(), world.context().random) {
    storage::RocksDbOptions options;
    options.path = path;
    options.cache_bytes = size_t{16} << 20;
    options.write_buffer_bytes = size_t{8} << 20;
    auto opened = storage::RocksDbStore::Open(options, pool_, sequencer_);
    status = opened.status();
    if (!status.ok()) {
      return;
    }
    store = *std::move(opened);
    status = sequencer_.Restore(*store);
    const rpc::ServiceContext& base = world.context();
    context_ = std::make_unique<rpc::ServiceContext>(
        rpc::ServiceContext{clock_, base.random, pool_, *store, base.log, base.handles, base.suppression,
                            base.idempotency, base.directory, nullptr});
    rows = std::make_unique<VaultStore>(*context_);
    keys = std::make_unique<PaperKeys>(epochs_, *rows, base.random);
    papers = std::make_unique<Papers>(*context_, *keys);
  }

  absl::Status status;
  std::unique_ptr<storage::RocksDbStore> store;
  std::unique_ptr<VaultStore> rows;
  std::unique_ptr<PaperKeys> keys;
  std::unique_ptr<Papers> papers;

  absl::StatusOr<std::string> ReadAll(const VersionName& name, const v1::StoredVersion& version) {
    RETURN_IF_ERROR(status);
    ASSIGN_OR_RETURN(const PaperText text, papers->Open(name, version));
    const ByteRange all{0, text.size()};
    std::string out;
    for (uint64_t piece = 0; piece < text.pieces(); ++piece) {
      ASSIGN_OR_RETURN(const std::string bytes, text.Read(piece, all));
      out += bytes;
    }
    return out;
  }
};

// Writes a paper as an upload does, and gives what its record would say.
absl::StatusOr<v1::StoredVersion> Write(Disk& disk, const VersionName& name, const Id128& content,
                                        const std::string& text) {
  v1::StoredUsage usage;
  storage::CommitRequest commit;
  ASSIGN_OR_RETURN(const PaperKeys::NewKey key, disk.keys->Make(name, usage, commit));
  RETURN_IF_ERROR(BlockOn(disk.store->Commit(std::move(commit))).status());
  v1::StoredUpload upload;
  upload.set_size(text.size());
  upload.set_version(name.version);
  upload.set_wrapped_key(key.wrapped);
  ASSIGN_OR_RETURN(PaperWriter writer, disk.papers->Write(name, content, upload));
  std::vector<PieceAssembler::Piece> pieces;
  for (uint64_t piece = 0; piece < PieceCount(text.size()); ++piece) {
    const ByteRange range = TextOfPiece(text.size(), piece);
    pieces.push_back({range.begin, text.substr(range.begin, range.length()), range.end == text.size()});
  }
  RETURN_IF_ERROR(BlockOn(writer.Append(std::move(pieces))));
  ASSIGN_OR_RETURN(const std::string header, EncodeHeader(writer.head()->header));
  v1::StoredVersion version;
  version.mutable_version()->set_version(name.version);
  version.mutable_version()->set_size(text.size());
  version.set_content(content.ToBytes());
  version.set_wrapped_key(key.wrapped);
  version.set_header_sha256(crypto::Sha256(header));
  return version;
}

std::vector<fs::path> DataFiles(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension();
    if (entry.is_regular_file() && (ending == ".sst" || ending == ".blob")) {
      files.push_back(entry.path());
    }
  }
  return files;
}

void FlipByte(const fs::path& file, uint64_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int before = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(before ^ 0x04));
}

TEST(Disk, ABitFlippedInAFileMakesTheReadFail) {
  World world;
  const storage::testing::TempFolder folder;
  const std::string whole = folder / "whole";
  const VersionName name{World::Person(1), World::Person(2), 1};
  const std::string text = Pdf(700'000);
  v1::StoredVersion version;
  {
    Disk disk(world, whole);
    ASSERT_TRUE(disk.status.ok()) << disk.status;
    const auto written = Write(disk, name, World::Person(3), text);
    ASSERT_TRUE(written.ok()) << written.status();
    version = *written;
    ASSERT_TRUE(disk.store->Compact().ok());  // out of the write-ahead log
    const auto read = disk.ReadAll(name, version);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, text);
    disk.store->Close();
  }
  const std::vector<fs::path> files = DataFiles(whole);
  uint64_t bytes = 0;
  for (const fs::path& file : files) {
    bytes += fs::file_size(file);
  }
  ASSERT_GT(bytes, text.size()) << "the paper is in these files";
  int noticed = 0;
  int flips = 0;
  for (const fs::path& file : files) {
    const uint64_t size = fs::file_size(file);
    for (int i = 0; i < kFlipsPerFile; ++i) {
      const std::string copy = folder / "copy";
      fs::remove_all(copy);
      fs::copy(whole, copy, fs::copy_options::recursive);
      const uint64_t at = size * static_cast<uint64_t>(i) / kFlipsPerFile + 7 % size;
      FlipByte(fs::path(copy) / fs::relative(file, whole), std::min(at, size - 1));
      Disk disk(world, copy);
      const absl::StatusOr<std::string> read = disk.ReadAll(name, version);
      ++flips;
      noticed += read.ok() ? 0 : 1;
      EXPECT_TRUE(!read.ok() || *read == text) << file << " " << at;
      if (disk.store != nullptr) {
        disk.store->Close();
      }
    }
  }
  EXPECT_GT(noticed, 0);
  RecordProperty("flips", flips);
  RecordProperty("noticed", noticed);
}

TEST(Disk, APaperIsThereAfterTheStoreWasOpenedAgain) {
  World world;
  const storage::testing::TempFolder folder;
  const VersionName name{World::Person(1), World::Person(2), 1};
  const std::string text = Pdf(300'000);
  v1::StoredVersion version;
  {
    Disk disk(world, folder / "store");
    const auto written = Write(disk, name, World::Person(3), text);
    ASSERT_TRUE(written.ok()) << written.status();
    version = *written;
    disk.store->Close();
  }
  Disk disk(world, folder / "store");
  const auto read = disk.ReadAll(name, version);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, text);
  disk.store->Close();
}

}  // namespace
}  // namespace relais::vault
