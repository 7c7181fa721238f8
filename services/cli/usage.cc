#include "services/cli/usage.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/text/utf8.h"

namespace relais::cli {
namespace {

// Insertions, deletions and changes of one character that make `a` of `b`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

// The noun or verb that was reached, and the words that lead there.
const CLI::App* Reached(const CLI::App& app, std::string& words) {
  const CLI::App* at = &app;
  words = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    absl::StrAppend(&words, " ", at->get_name());
  }
  return at;
}

std::vector<std::string> Following(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

std::string FirstUnknown(const CLI::App& app, bool options) {
  for (const std::string& word : app.remaining(true)) {
    if (options || !absl::StartsWith(word, "-")) {
      return word;
    }
  }
  return "";
}

std::string MeantInstead(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : absl::StrCat(": did you mean ", nearest, "?");
}

// `word` follows `words`; empty: nothing does.
std::string NotOneOf(const std::vector<std::string>& following, const std::string& words,
                     const std::string& word) {
  return absl::StrCat(
      word.empty() ? absl::StrCat("say what to do after `", words, "`")
                   : absl::StrCat("`", words, "` knows no '", word, "'", MeantInstead(word, following)),
      "\n  ", absl::StrJoin(following, " "));
}

std::string ReadOn(const std::string& words) { return absl::StrCat("\n`", words, " --help` says more"); }

std::string Reason(const CLI::App& app, const CLI::App& at, const std::string& words,
                   const CLI::ParseError& error) {
  const std::vector<std::string> following = Following(at);
  if (!following.empty()) {
    return NotOneOf(following, words, FirstUnknown(app, false));
  }
  const std::string word = FirstUnknown(app, true);
  if (!word.empty()) {
    return absl::StrCat("`", words, "` does not take '", word, "'",
                        absl::StartsWith(word, "--") ? MeantInstead(word, OptionNames(&at)) : "");
  }
  return std::string(absl::StripAsciiWhitespace(error.what()));
}

}  // namespace

std::vector<std::string> Arguments(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

absl::Status CheckWords(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::error_code no_path;
    if (!text::IsUtf8(words[i]) && !std::filesystem::exists(words[i], no_path)) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument ", i + 1, " is not UTF-8: is the terminal set to it?"));
    }
  }
  return absl::OkStatus();
}

std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error) {
  std::string words;
  const CLI::App* at = Reached(app, words);
  return Reason(app, *at, words, error) + ReadOn(words);
}

std::string ExplainUnknownTopic(const CLI::App& app) {
  std::string words;
  const std::vector<std::string> following = Following(*Reached(app, words));
  const std::string word = FirstUnknown(app, false);
  return following.empty() || word.empty() ? "" : NotOneOf(following, words, word) + ReadOn(words);
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;  // further away is another word
  for (const std::string& candidate : candidates) {
    const size_t distance = candidate.compare(0, word.size(), word) == 0 ? 1 : Distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace relais::cli
