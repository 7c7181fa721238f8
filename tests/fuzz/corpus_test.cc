// What libFuzzer runs at length, shortly and without it: the corpus, with every input that once found
// something, and mutations of it from fixed seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/callers.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/wire.h"

namespace relais::fuzz {
namespace {

constexpr char kCorpus[] = "tests/fuzz/corpus";
constexpr int kScripts = 1500;
constexpr int kFilled = 40;  // new calls of each method, for the fields

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(kCorpus)) {
    files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Script ScriptIn(const std::filesystem::path& file) { return Parse(consent::testing::Read(file.string())); }

// What is wrong in many scripts is shown with the first of them.
void ExpectRight(Harness& harness, const Script& script) {
  static auto* const kShown = new std::set<std::string>();
  for (const std::string& wrong : harness.Run(script)) {
    std::string kind = wrong;
    kind.erase(std::remove_if(kind.begin(), kind.end(), [](char c) { return c >= '0' && c <= '9'; }),
               kind.end());
    if (kShown->insert(kind.substr(0, 120)).second) {
      ADD_FAILURE() << "WRONG " << wrong << "\n" << Print(script);
    }
  }
}

TEST(Corpus, IsWrittenAsItIsRead) {
  for (const std::filesystem::path& file : Files()) {
    const Script script = ScriptIn(file);
    const std::string text = consent::testing::Read(file.string());
    const size_t headers = static_cast<size_t>(std::count(text.begin(), text.end(), '@'));
    EXPECT_EQ(script.size(), headers) << file << " holds calls that cannot be read";
  }
}

// What registry_bytes_fuzz begins with: each call whole, as a request of its method by its caller.
TEST(Corpus, EachCallIsReadFromItsBytes) {
  ASSERT_LE(Methods().size(), 256U);
  ASSERT_LE(Callers().size(), 256U);
  const auto print = [](Step step) {
    Script script;
    script.push_back(std::move(step));
    return Print(script);
  };
  int calls = 0;
  for (const std::filesystem::path& file : Files()) {
    for (const Step& step : ScriptIn(file)) {
      std::optional<Step> read = FromWire(ToWire(step));
      ASSERT_TRUE(read.has_value()) << file;
      Step expected = step.Clone();
      expected.wait_seconds = 0;
      expected.agent = expected.reason = true;
      EXPECT_EQ(print(*std::move(read)), print(std::move(expected))) << file;
      ++calls;
    }
  }
  EXPECT_GT(calls, 0);
  EXPECT_FALSE(FromWire("x").has_value()) << "nothing says by whom";
  EXPECT_FALSE(FromWire("xx\xff").has_value()) << "no message";
  EXPECT_TRUE(FromWire("\xff\xff").has_value()) << "every byte is some method and some caller";
}

TEST(Corpus, BringsNothingWrong) {
  Harness harness;
  for (const std::filesystem::path& file : Files()) {
    SCOPED_TRACE(file);
    ExpectRight(harness, ScriptIn(file));
  }
  // What is made by hand gets through: every method answers in it.
  for (const auto& [method, bound] : BoundMethods()) {
    const auto outcomes = harness.coverage().outcomes.find(method);
    EXPECT_TRUE(outcomes != harness.coverage().outcomes.end() && outcomes->second.contains("OK"))
        << method << " is answered nowhere in the corpus";
  }
}

// RELAIS_FUZZ_FILE: one script, wherever it is; with RELAIS_FUZZ_TRACE to see it run.
TEST(OneFile, BringsNothingWrong) {
  const char* file = std::getenv("RELAIS_FUZZ_FILE");
  if (file == nullptr) {
    GTEST_SKIP() << "no file named";
  }
  Harness harness;
  ExpectRight(harness, ScriptIn(file));
}

// RELAIS_FUZZ_SCRIPTS: how many mutations; RELAIS_FUZZ_SEED: from which seed on. RELAIS_FUZZ_COVERAGE: the
// file to write what they reached to.
TEST(Mutations, BringNothingWrongAndReachEveryField) {
  google::protobuf::LogHandler* const log = google::protobuf::SetLogHandler(nullptr);
  const char* asked = std::getenv("RELAIS_FUZZ_SCRIPTS");
  const int scripts = asked != nullptr ? std::atoi(asked) : kScripts;
  Harness harness;
  std::vector<Script> corpus;
  for (const std::filesystem::path& file : Files()) {
    corpus.push_back(ScriptIn(file));
  }
  const char* first = std::getenv("RELAIS_FUZZ_SEED");
  const int seed = first != nullptr ? std::atoi(first) : 0;
  for (int i = seed; i < seed + scripts; ++i) {
    Mutator mutator(static_cast<uint64_t>(i));
    const Script& one = corpus[i % corpus.size()];
    Script script = i % 3 == 0 ? mutator.Make(1 + i % kMostSteps)
                               : mutator.Cross(one, i % 3 == 1 ? one : corpus[i * 7 % corpus.size()]);
    mutator.Change(script);
    ExpectRight(harness, script);
  }
  for (int i = 0; i < kFilled; ++i) {
    Mutator mutator(static_cast<uint64_t>(seed + scripts + i));
    Script script;
    for (const google::protobuf::MethodDescriptor* method : Methods()) {
      script.push_back(mutator.NewStep(*method));
    }
    ExpectRight(harness, script);
  }
  for (const std::string& field : harness.coverage().Unreached()) {
    ADD_FAILURE() << "no handler saw " << field;
  }
  if (const char* file = std::getenv("RELAIS_FUZZ_COVERAGE")) {
    std::ofstream out(file);
    harness.coverage().Print(out);
  }
  google::protobuf::SetLogHandler(log);
}

}  // namespace
}  // namespace relais::fuzz
