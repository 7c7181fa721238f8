// The command tree as a whole: every verb explains itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "common/rpc/refusal.h"
#include "services/cli/command.h"
#include "services/cli/completion.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/health.h"
#include "services/cli/progress.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

std::vector<const CLI::App*> Children(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

TEST(App, EveryVerbHasADescriptionAndAnExampleOfItself) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  int verbs = 0;
  for (const CLI::App* noun : Children(app)) {
    const std::vector<const CLI::App*> own = Children(*noun);
    for (const CLI::App* verb : own.empty() ? std::vector<const CLI::App*>{noun} : own) {
      const std::string words = verb == noun ? noun->get_name() : noun->get_name() + " " + verb->get_name();
      EXPECT_NE(verb->get_description(), "") << words;
      EXPECT_NE(verb->get_footer().find("Example:\n  "), std::string::npos) << words;
      EXPECT_NE(verb->get_footer().find(words), std::string::npos) << words;
      EXPECT_NE(verb->help().find("Example:"), std::string::npos) << words;
      ++verbs;
    }
  }
  EXPECT_GE(verbs, 40);
}

TEST(App, TheNounsOfTheSuiteAreThere) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  std::set<std::string> nouns;
  for (const CLI::App* noun : Children(app)) {
    nouns.insert(noun->get_name());
  }
  EXPECT_EQ(nouns, (std::set<std::string>{"directory", "person", "consent", "check", "referent", "inbox",
                                          "signal", "alert", "document", "vault", "audit", "hold", "backup",
                                          "maintenance", "pki", "rights", "status", "dev", "completion"}));
}

// Examples must parse: an option that was renamed fails here.
TEST(App, ExamplesParse) {
  std::vector<std::string> examples;
  {
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    for (const CLI::App* noun : Children(app)) {
      for (const CLI::App* verb : Children(*noun)) {
        examples.push_back(verb->get_footer());
      }
    }
    examples.push_back(app.get_subcommand("check")->get_footer());
    examples.push_back(app.get_subcommand("status")->get_footer());
  }
  for (const std::string& footer : examples) {
    const std::string line = footer.substr(footer.find("relais ") + 7);
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    EXPECT_NO_THROW(app.parse(line)) << line;
    EXPECT_TRUE(context.command != nullptr) << line;
  }
}

TEST(App, GlobalOptionsStandBeforeOrAfterTheVerb) {
  for (const char* line :
       {"--as edf/billing --json directory list", "directory list --as edf/billing --json"}) {
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    app.parse(line);
    EXPECT_EQ(context.globals.as, "edf/billing");
    EXPECT_TRUE(context.globals.json);
  }
}

TEST(App, NounsSayHowToReadOn) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  EXPECT_NE(app.get_subcommand("signal")->help().find("`relais signal VERB --help`"), std::string::npos);
}

TEST(Values, FilesOfTheCommandLine) {
  const auto absent = ReadInput("/nowhere/x", 10);
  EXPECT_TRUE(absl::IsInvalidArgument(absent.status()));
  EXPECT_EQ(absent.status().message(), "cannot read /nowhere/x: there is no such file");
  EXPECT_EQ(CheckInput("/").message(), "cannot read /: it is a folder");
  EXPECT_EQ(ExitCodeOf(ReadSecretInput("/nowhere/x").status()), kExitUsage);
}

TEST(Values, FilesToWriteAreTriedAndNothingStays) {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "relais-output-XXXXXX").string();
  const fs::path folder = mkdtemp(pattern.data());
  const std::string file = folder / "recu.json";
  EXPECT_TRUE(CheckOutput(file).ok()) << CheckOutput(file);
  EXPECT_TRUE(fs::is_empty(folder));
  std::ofstream(file) << "old";
  EXPECT_TRUE(CheckOutput(file).ok()) << "it is replaced";
  EXPECT_EQ(fs::file_size(file), 3U);
  EXPECT_EQ(CheckOutput(folder.string()).message(), "cannot write " + folder.string() + ": it is a folder");
  EXPECT_FALSE(CheckOutput(folder / std::string(250, 'x')).ok()) << "no room for what stands beside it";
  EXPECT_EQ(CheckOutput("/nowhere/x").message(), "cannot write /nowhere/x: there is no such folder");
  EXPECT_EQ(CheckOutput("/dev/null").message(), "cannot write /dev/null: it is no file");
  EXPECT_EQ(CheckOutput("-").message(), "cannot write -: it is no file");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckOutput("/proc/relais"))) << "a folder that takes none";
  fs::remove_all(folder);
}

// A receipt that cannot be written keeps the act from being sent: of every verb that writes one.
TEST(App, WhatCannotBeWrittenDoesNotParse) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  int receipts = 0;
  for (CLI::App* noun : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (CLI::App* verb : noun->get_subcommands([](const CLI::App*) { return true; })) {
      for (const char* name : {"--receipt", "--html", "--text", "--leaf", "--output"}) {
        CLI::Option* option = verb->get_option_no_throw(name);
        const bool reads = std::string(name) == "--leaf" && verb->get_name() != "proof";
        if (option == nullptr || reads) {
          continue;
        }
        receipts += std::string(name) == "--receipt" ? 1 : 0;
        option->add_result("/nowhere/x.json");
        EXPECT_THROW(option->run_callback(), CLI::ValidationError)
            << noun->get_name() << " " << verb->get_name() << " " << name;
      }
    }
  }
  EXPECT_GE(receipts, 20);
  const auto parse = [](const std::string& line) {
    Context fresh;
    CLI::App tree("", "relais");
    BuildApp(tree, fresh);
    tree.parse(line);
  };
  EXPECT_THROW(parse("document get H D /nowhere/x"), CLI::ValidationError);
  EXPECT_THROW(parse("document export H /nowhere/x"), CLI::ValidationError);
  EXPECT_NO_THROW(parse("document get H D -"));
}

TEST(App, RepeatedOptionsTakeOneValueEach) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  EXPECT_NO_THROW(
      app.parse("check --category IDENTITY --category CONTACT rh1_x --recipient caf --purpose P"));
}

TEST(Completion, KnowsNounsVerbsAndOptions) {
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  const std::string script = BashCompletion(app);
  EXPECT_NE(script.find("'signal') words='import check deliveries"), std::string::npos);
  EXPECT_NE(script.find("'signal import') words='"), std::string::npos);
  EXPECT_NE(script.find("--suppression-key"), std::string::npos);
  EXPECT_NE(script.find("complete -o default -F _relais relais"), std::string::npos);
}

TEST(ExitCode, IsStable) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::AbortedError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 7);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 8);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 8);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), 9);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), 9);
}

TEST(Values, EnumsAreWrittenAsWords) {
  EXPECT_EQ(*ParseEnumOption<common::v1::Act>("share-document", "--act"), common::v1::ACT_SHARE_DOCUMENT);
  EXPECT_EQ(*ParseEnumOption<common::v1::Act>("TRANSMIT", "--act"), common::v1::ACT_TRANSMIT);
  const auto wrong = ParseEnumOption<common::v1::Act>("unspecified", "--act");
  EXPECT_TRUE(absl::IsInvalidArgument(wrong.status()));
  EXPECT_NE(std::string(wrong.status().message()).find("share-document"), std::string::npos);
}

TEST(Values, PartiesAndDays) {
  EXPECT_EQ(ParseParty("caf").institution(), "caf");
  EXPECT_EQ(ParseParty("ville-paris/assistant-social").function(), "assistant-social");
  EXPECT_EQ(ParseDateOption("03/11/2026", "--day")->month(), 11);
  EXPECT_FALSE(ParseDateOption("2026-02-30", "--day").ok());
}

// Golden bytes of grpc.health.v1: field 1, length-delimited; field 1, varint.
TEST(Health, MessagesAreWireCompatible) {
  EXPECT_EQ(EncodeHealthRequest(""), "");
  EXPECT_EQ(EncodeHealthRequest("ab"), std::string("\x0a\x02"
                                                   "ab"));
  EXPECT_EQ(*DecodeHealthResponse(std::string("\x08\x01", 2)), Health::kServing);
  EXPECT_EQ(*DecodeHealthResponse(std::string("\x08\x02", 2)), Health::kNotServing);
  EXPECT_EQ(*DecodeHealthResponse(""), Health::kUnknown);
  EXPECT_EQ(*DecodeHealthResponse(std::string("\x08\x09", 2)), Health::kUnknown);
  // An unknown field is passed over; a truncated one is not.
  EXPECT_EQ(*DecodeHealthResponse(std::string("\x12\x01x\x08\x01", 5)), Health::kServing);
  EXPECT_FALSE(DecodeHealthResponse(std::string("\x08", 1)).ok());
  EXPECT_FALSE(DecodeHealthResponse(std::string("\x12\x05x", 3)).ok());
}

TEST(Progress, SaysRowsRateAndTimeLeft) {
  const std::string line = RenderProgress({12000, 500, 1000, absl::Seconds(2)});
  EXPECT_EQ(line, "[###############               ] 50%  12,000 rows  6,000/s  0:02 left");
  EXPECT_EQ(RenderProgress({10, 5, 0, absl::Seconds(1)}), "10 rows  10/s");
  // Of bytes: what was there before counts for the bar, not for the rate.
  EXPECT_EQ(RenderProgress({0, 50'000'000, 100'000'000, absl::Seconds(2), ProgressUnit::kBytes, 25'000'000}),
            "[###############               ] 50%  50.0 MB  12.5 MB/s  0:04 left");
  // Too early to guess.
  EXPECT_EQ(RenderProgress({1, 1, 1000, absl::Milliseconds(100)}).find("left"), std::string::npos);
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

// Before anything is sent: there are no settings here to send with.
TEST(DocumentVerbs, AnEmptyPaperIsNotDeposited) {
  std::string empty = (std::filesystem::temp_directory_path() / "relais-empty-XXXXXX").string();
  const int fd = mkstemp(empty.data());
  ASSERT_GE(fd, 0);
  Context context;
  CLI::App app("", "relais");
  BuildApp(app, context);
  app.parse("document put HANDLE " + empty + " --type lease --title Bail");
  const absl::Status put = context.command().status();
  EXPECT_TRUE(absl::IsInvalidArgument(put));
  EXPECT_EQ(put.message(), "the paper is empty: nothing comes from " + empty);
  close(fd);
  std::filesystem::remove(empty);
}

// Likewise before anything is sent.
TEST(DocumentVerbs, FilesThatWouldBeLostAreRefused) {
  std::string pattern = (std::filesystem::temp_directory_path() / "relais-verbs-XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  const std::string file = (folder / "paper.pdf").string();
  std::ofstream(file) << "hers";
  std::ofstream(folder / "papers.tar.key") << "opens an earlier one";
  const auto run = [](const std::string& line) {
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    app.parse(line);
    return std::string(context.command().status().message());
  };
  const std::string put = "document put HANDLE " + file + " --type lease --title Bail --receipt ";
  EXPECT_NE(run(put + file).find("--receipt would be written over the paper"), std::string::npos);
  EXPECT_NE(run(put + (folder / "./paper.pdf").string()).find("over the paper"), std::string::npos);
  EXPECT_EQ(run(put + (folder / "receipt.json").string()).find("over the paper"), std::string::npos);
  const std::string to = "document export HANDLE " + (folder / "papers.tar").string();
  EXPECT_NE(run(to + " --seal").find("papers.tar.key is there"), std::string::npos);
  EXPECT_EQ(run(to).find("is there"), std::string::npos);
  EXPECT_NE(run(to + " --proof " + (folder / "papers.tar").string()).find("two files"), std::string::npos);
  const std::string get = "document get HANDLE DOCUMENT " + (folder / "read.pdf").string() + " --resume";
  EXPECT_NE(run(get + " --length 10").find("--text-version"), std::string::npos);
  EXPECT_EQ(run(get + " --length 10 --text-version 1").find("--text-version"), std::string::npos);
  EXPECT_EQ(run(get).find("--text-version"), std::string::npos);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names, (std::set<std::string>{"paper.pdf", "papers.tar.key"})) << "nothing was begun";
  std::filesystem::remove_all(folder);
}

TEST(DocumentVerbs, AnUploadGoesOnWithItsOwnFileAlone) {
  vault::v1::Upload upload;
  upload.set_state(vault::v1::Upload::STATE_OPEN);
  upload.set_size(10);
  EXPECT_TRUE(CheckGoesOn(upload, 10, "a").ok()) << "it was begun without a hash";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckGoesOn(upload, 11, "a")));
  upload.set_sha256("a");
  EXPECT_TRUE(CheckGoesOn(upload, 10, "a").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckGoesOn(upload, 10, "b")));
  upload.set_state(vault::v1::Upload::STATE_ENDED);
  upload.set_reason("ABANDONED");
  EXPECT_EQ(CheckGoesOn(upload, 10, "a").message(),
            "that upload ended: it was given up; deposit the paper anew, without --resume");
}

TEST(DocumentVerbs, HostsThatDoNotReadAreCounted) {
  vault::v1::ListHostsResponse response;
  response.add_hosts()->set_institution("ville-paris");
  const std::string all = HostsText(response);
  EXPECT_NE(all.find("ville-paris"), std::string::npos);
  response.set_unreadable(2);
  EXPECT_EQ(HostsText(response), all + "not shown: at least 2 that do not open\n");
}

TEST(DocumentVerbs, ALastDayThatIsPastIsSaid) {
  vault::v1::Description description;
  const absl::CivilDay today(2026, 11, 10);
  EXPECT_EQ(ExpiredNote(description, today), "") << "it does not expire";
  *description.mutable_expires() = *ParseDateOption("2026-11-10", "--expires");
  EXPECT_EQ(ExpiredNote(description, today), "") << "it is valid today";
  *description.mutable_expires() = *ParseDateOption("2026-11-09", "--expires");
  EXPECT_EQ(ExpiredNote(description, today),
            "note: its last day, 2026-11-09, is past: nobody is reminded of this paper\n");
}

// How to come to a vault is said of whatever is not there or not one's own, and of nothing else.
TEST(DocumentVerbs, SayTheWayInWhateverWasNotFound) {
  const absl::StatusOr<int> gone = WithWayIn(rpc::NoSuchOrNotYours());
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(gone.status().message(), rpc::NoSuchOrNotYours().message());
  EXPECT_EQ(rpc::ReasonOf(gone.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_NE(rpc::NextStepOf(gone.status()).find("document link-host"), std::string::npos);
  EXPECT_EQ(ExitCodeOf(gone.status()), kExitNotFound);
  EXPECT_EQ(*WithWayIn(kExitIncomplete), kExitIncomplete);
  const absl::StatusOr<int> other = WithWayIn(
      rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, "ended"));
  EXPECT_EQ(rpc::NextStepOf(other.status()), "");
  EXPECT_EQ(rpc::NextStepOf(WithWayIn(absl::NotFoundError("no answer of the vault")).status()), "");
}

}  // namespace
}  // namespace relais::cli
