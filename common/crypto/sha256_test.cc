#include "common/crypto/sha256.h"

#include <string>
#include <thread>
#include <vector>

#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

// FIPS 180-4 examples.
TEST(Sha256Test, PublishedVectors) {
  EXPECT_EQ(HexEncode(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(HexEncode(Sha256(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PartsAreTheirConcatenation) {
  EXPECT_EQ(AsBytes(Sha256Digest({"a", "", "bc"})), Sha256("abc"));
  EXPECT_EQ(AsBytes(Sha256Digest({})), Sha256(""));
}

TEST(Sha256Test, HasherTakesPiecesAndStartsAnew) {
  Sha256Hasher hasher;
  EXPECT_EQ(hasher.Update("a").Update("bc").Finish(), Sha256("abc"));
  EXPECT_EQ(hasher.Finish(), Sha256(""));
  // One hasher does not disturb the one-shot functions of its thread.
  hasher.Update("left ");
  EXPECT_EQ(HexEncode(Sha256("abc")).substr(0, 8), "ba7816bf");
  EXPECT_EQ(hasher.Update("right").Finish(), Sha256("left right"));
}

TEST(Sha256Test, ThreadsDoNotMix) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      const std::string text(100 + t, static_cast<char>('a' + t));
      const std::string expected = Sha256Hasher().Update(text).Finish();
      for (int i = 0; i < 2000; ++i) {
        wrong[t] += Sha256(text) != expected ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// RFC 4231 cases 1, 2, 6.
TEST(HmacSha256Test, PublishedVectors) {
  EXPECT_EQ(HexEncode(HmacSha256(Secret(std::string(20, 0x0b)), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HexEncode(HmacSha256(Secret("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexEncode(HmacSha256(Secret(std::string(131, static_cast<char>(0xaa))),
                                 "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256Test, PartsAreTheirConcatenation) {
  EXPECT_EQ(AsBytes(HmacSha256Digest("Jefe", {"what do ya ", "want for nothing?"})),
            HmacSha256(Secret("Jefe"), "what do ya want for nothing?"));
  EXPECT_NE(HmacSha256(Secret("Jefe"), "a"), HmacSha256(Secret("Jeff"), "a"));
}

}  // namespace
}  // namespace relais::crypto
