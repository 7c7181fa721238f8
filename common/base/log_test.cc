#include "common/base/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace relais::log {
namespace {

TEST(Log, LinesAreJsonAndEscaped) {
  const auto line = nlohmann::json::parse(
      Render("warn", "peer lost", {Field::Name("peer", "con\"sent\n"), Field::Count("retries", 3)}));
  EXPECT_EQ(line["message"], "peer lost");
  EXPECT_EQ(line["peer"], "con\"sent\n");
  EXPECT_EQ(line["retries"], 3);
}

TEST(Log, AStatusFromOutsideShowsItsCodeOnly) {
  const std::string line =
      Render("error", "refused", {Field::Code(absl::InvalidArgumentError("nom: DUPONT"))});
  EXPECT_EQ(line.find("DUPONT"), std::string::npos);
  EXPECT_NE(line.find("INVALID_ARGUMENT"), std::string::npos);
}

}  // namespace
}  // namespace relais::log
