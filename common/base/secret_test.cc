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

TEST(Secret, ComparesInConstantTimeForm) {
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

}  // namespace
}  // namespace relais
