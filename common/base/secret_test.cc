#include "common/base/secret.h"

#include <gtest/gtest.h>

#include <utility>

namespace relais {
namespace {

TEST(Secret, MovedFromIsEmpty) {
  Secret a("key");
  Secret b(std::move(a));
  EXPECT_EQ(b.ExposeSecret(), "key");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the contract under test
}

TEST(Secret, AMoveLeavesNothingBehind) {
  const std::string bytes(32, 'k');  // too long to lie in the string itself
  Secret a(bytes);
  const char* const at = a.ExposeSecret().data();
  Secret b(std::string(40, 'x'));
  b = std::move(a);
  EXPECT_EQ(b.ExposeSecret(), bytes);
  EXPECT_EQ(b.ExposeSecret().data(), at) << "the buffer itself";
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the contract under test
  a = Secret("short");
  b = std::move(a);
  EXPECT_EQ(b.ExposeSecret(), "short");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the contract under test
}

TEST(Secret, ComparesInConstantTimeForm) {
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

}  // namespace
}  // namespace relais
