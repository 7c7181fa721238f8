// What a wrong command line is answered.
#include "services/cli/usage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/cli/command.h"

namespace relais::cli {
namespace {

std::string Explained(std::vector<std::string> words) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? ExplainUnknownTopic(app) : ExplainParseError(app, error);
  }
  return "parsed";
}

TEST(Usage, AnUnknownWordIsNamedWithTheNearest) {
  const std::string noun = Explained({"signa", "import"});
  EXPECT_EQ(noun.find("`relais` knows no 'signa': did you mean signal?\n"), 0U) << noun;
  EXPECT_NE(noun.find("\n  directory person consent"), std::string::npos) << noun;
  EXPECT_NE(noun.find("\n`relais --help` says more"), std::string::npos) << noun;
  const std::string verb = Explained({"--as", "edf/billing", "signal", "imoprt", "--type", "edf"});
  EXPECT_EQ(verb,
            "`relais signal` knows no 'imoprt': did you mean import?\n"
            "  import check deliveries\n`relais signal --help` says more");
  EXPECT_EQ(Explained({"frobnicate"}).find("`relais` knows no 'frobnicate'\n"), 0U);
}

TEST(Usage, AMissingVerbIsAskedFor) {
  EXPECT_EQ(Explained({}).find("say what to do after `relais`\n"), 0U);
  EXPECT_EQ(Explained({"signal"}),
            "say what to do after `relais signal`\n"
            "  import check deliveries\n`relais signal --help` says more");
}

TEST(Usage, AnUnknownOptionOrArgumentIsNamed) {
  EXPECT_EQ(Explained({"signal", "import", "--resluts", "x", "f"}),
            "`relais signal import` does not take '--resluts': did you mean --results?\n"
            "`relais signal import --help` says more");
  EXPECT_EQ(Explained({"signal", "import", "f", "g"}).find("`relais signal import` does not take 'g'\n"), 0U);
}

TEST(Usage, OtherErrorsAreInTheParsersWords) {
  for (const char* verb : {"list", "create"}) {
    EXPECT_EQ(Explained({"backup", verb}).find("--service is required\n"), 0U) << "no store is the usual one";
  }
  EXPECT_EQ(Explained({"document", "put", "H", "f.pdf", "--type", "lease", "--title", "t", "--receipt",
                       "/nowhere/r.json"}),
            "--receipt: cannot write /nowhere/r.json: there is no such folder\n"
            "`relais document put --help` says more");
  EXPECT_EQ(Explained({"person", "register"}), "--id is required\n`relais person register --help` says more");
}

TEST(Usage, HelpIsAWordToo) {
  const char* const argv[] = {"relais", "help", "signal", "import"};
  EXPECT_EQ(Arguments(4, argv), (std::vector<std::string>{"signal", "import", "--help"}));
  EXPECT_EQ(Arguments(2, argv), (std::vector<std::string>{"--help"}));
  EXPECT_EQ(Arguments(1, argv), std::vector<std::string>());
  EXPECT_EQ(Explained({"signal", "import", "--help"}), "");
  EXPECT_EQ(Explained({"--version"}), "");
}

// `relais help document nope` is `relais document nope --help`.
TEST(Usage, HelpAboutWhatIsNotThereIsAnError) {
  const std::string verb = Explained({"document", "nope", "--help"});
  EXPECT_EQ(verb.find("`relais document` knows no 'nope'\n  put get "), 0U) << verb;
  const std::string near = Explained({"document", "shar", "--help"});
  EXPECT_EQ(near.find("`relais document` knows no 'shar': did you mean share?\n"), 0U) << near;
  const std::string noun = Explained({"nope", "--help"});
  EXPECT_EQ(noun.find("`relais` knows no 'nope'\n  directory person "), 0U) << noun;
  EXPECT_EQ(Explained({"document", "--help"}), "");
  EXPECT_EQ(Explained({"--help"}), "");
  EXPECT_EQ(Explained({"document", "put", "HANDLE", "paper.pdf", "--help"}), "");
}

TEST(Usage, OnlyANearWordIsProposed) {
  EXPECT_EQ(Nearest("stat", {"signal", "status"}), "status");
  EXPECT_EQ(Nearest("xyz", {"signal", "status"}), "");
  EXPECT_EQ(Nearest("c", {"audit"}), "");
}

}  // namespace
}  // namespace relais::cli
