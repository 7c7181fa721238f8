#include "common/directory/sign.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace relais::directory {
namespace {

crypto::SigningKey Key(char fill) {
  return crypto::SigningKey::FromSeed(Secret(std::string(32, fill))).value();
}

class SignTest : public ::testing::Test {
 protected:
  const crypto::SigningKey root_ = Key('r');
  const RootKeys keys_{{"root-1", root_.verify_key()}};
  const std::string yaml_ = "version: 1\n";
  const std::string signature_ = SignDirectory(yaml_, root_, "root-1").value();

  [[nodiscard]] absl::StatusCode Code(const std::string& yaml, const std::string& signature) const {
    return VerifySigned(yaml, signature, keys_).status().code();
  }
};

TEST_F(SignTest, RoundTrip) {
  EXPECT_EQ(VerifySigned(yaml_, signature_, keys_).value(), "root-1");
  EXPECT_TRUE(signature_.starts_with("relais-directory-signature/1\nroot-1 "));
}

TEST_F(SignTest, TheBytesAreGolden) {
  const std::string message = std::string("relais directory v1\0", 20) + yaml_;
  EXPECT_EQ(signature_,
            "relais-directory-signature/1\nroot-1 " + absl::Base64Escape(root_.Sign(message)) + "\n");
}

TEST_F(SignTest, AnyChangeOfTheTextIsSeen) {
  EXPECT_EQ(Code("version: 2\n", signature_), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Code(yaml_ + "\n", signature_), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Code("", signature_), absl::StatusCode::kPermissionDenied);
}

TEST_F(SignTest, AWrongOrUnknownKeyIsRefused) {
  EXPECT_EQ(Code(yaml_, SignDirectory(yaml_, Key('x'), "root-1").value()),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Code(yaml_, SignDirectory(yaml_, Key('x'), "root-2").value()),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(VerifySigned(yaml_, signature_, {}).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SignTest, TwoSignaturesWhileAKeyReplacesAnother) {
  const std::string next = SignDirectory(yaml_, Key('n'), "root-2").value();
  const std::string both = signature_ + next.substr(next.find('\n') + 1);
  EXPECT_EQ(VerifySigned(yaml_, both, keys_).value(), "root-1");
  EXPECT_EQ(VerifySigned(yaml_, both, {{"root-2", Key('n').verify_key()}}).value(), "root-2");
  // A known key's wrong signature is not covered by another's right one.
  EXPECT_EQ(VerifySigned(yaml_, both, {{"root-1", root_.verify_key()}, {"root-2", Key('x').verify_key()}})
                .status()
                .code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(SignTest, MalformedTextsAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("relais-directory-signature/1\n"),
        signature_.substr(0, signature_.size() - 1), signature_ + "\n",
        "relais-directory-signature/2" + signature_.substr(28),
        std::string("relais-directory-signature/1\nroot-1\n"),
        std::string("relais-directory-signature/1\nroot-1 ????\n"),
        std::string("relais-directory-signature/1\nRoot 1 AAAA\n"),
        signature_ + std::string(5000, 'x') + "\n"}) {
    EXPECT_EQ(Code(yaml_, text), absl::StatusCode::kInvalidArgument) << text.substr(0, 80);
  }
}

TEST_F(SignTest, KeyNamesAreChecked) {
  EXPECT_FALSE(SignDirectory(yaml_, root_, "").ok());
  EXPECT_FALSE(SignDirectory(yaml_, root_, "root 1").ok());
  EXPECT_FALSE(SignDirectory(yaml_, root_, "root\n1").ok());
}

TEST_F(SignTest, RootKeysAsText) {
  const std::string text = "# roots\n\n" + FormatRootKey("root-1", root_.verify_key()) +
                           FormatRootKey("root-2", Key('n').verify_key());
  const auto keys = ParseRootKeys(text);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->at("root-1"), root_.verify_key());
  EXPECT_FALSE(ParseRootKeys("").ok());
  EXPECT_FALSE(ParseRootKeys("root-1 AAAA\n").ok());
  EXPECT_FALSE(ParseRootKeys(text + FormatRootKey("root-1", Key('n').verify_key())).ok());
}

}  // namespace
}  // namespace relais::directory
