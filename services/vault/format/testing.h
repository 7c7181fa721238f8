// Texts sealed whole, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "services/vault/format/opener.h"
#include "services/vault/format/sealer.h"

namespace relais::vault::testing {

inline Id128 IdOf(uint8_t b) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw.fill(b);
  return Id128(raw);
}

inline Secret TextKey(char c = 'k') { return Secret(std::string(32, c)); }

/// A text of which no two chunks are alike.
inline std::string TextOf(size_t size, uint64_t seed = 1) {
  relais::testing::SeededRandom random(seed);
  return random.Bytes(size);
}

struct Sealed {
  Header header;
  std::vector<std::string> chunks;

  [[nodiscard]] std::string File() const {
    std::string file = *EncodeHeader(header);
    for (const std::string& chunk : chunks) {
      file += chunk;
    }
    return file;
  }
};

/// `runs`: at which chunks an attempt began; each chunk is sealed by the run it belongs to.
inline Sealed SealWith(Random& random, const std::string& text, const std::string& context,
                       const std::vector<uint64_t>& runs, const Secret& key) {
  Sealed sealed;
  const uint64_t count = ChunkCount(text.size());
  for (size_t r = 0; r < runs.size(); ++r) {
    auto run = RunSealer::Begin(key, context, runs[r], random);
    EXPECT_TRUE(run.ok()) << run.status();
    sealed.header.runs.push_back(run->run());
    const uint64_t end = r + 1 < runs.size() ? runs[r + 1] : count;
    for (uint64_t chunk = runs[r]; chunk < end; ++chunk) {
      std::string out;
      const absl::Status status =
          run->Seal(std::string_view(text).substr(chunk * kChunkSize, kChunkSize), chunk + 1 == count, &out);
      EXPECT_TRUE(status.ok()) << status;
      sealed.chunks.push_back(std::move(out));
    }
  }
  return sealed;
}

inline Sealed SealWhole(const std::string& text, const std::string& context, uint64_t seed = 7,
                        const std::vector<uint64_t>& runs = {0}, const Secret& key = TextKey()) {
  relais::testing::SeededRandom random(seed);
  return SealWith(random, text, context, runs, key);
}

/// Opens a file, fed `step` bytes at a time.
inline absl::StatusOr<std::string> OpenFile(std::string_view file, const std::string& context,
                                            size_t step = size_t{1} << 20, const Secret& key = TextKey()) {
  StreamOpener opener(key, context);
  std::string text;
  for (; !file.empty(); file.remove_prefix(std::min(step, file.size()))) {
    if (absl::Status status = opener.Write(file.substr(0, step), &text); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = opener.Finish(&text); !status.ok()) {
    return status;
  }
  return text;
}

}  // namespace relais::vault::testing
