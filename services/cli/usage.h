// What is said when a command line does not parse: what is wrong, what was meant, where to read on.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace relais::cli {

/// The arguments after the program's name. `help NOUN [VERB]` is `NOUN [VERB] --help`.
[[nodiscard]] std::vector<std::string> Arguments(int argc, const char* const* argv);

/// INVALID_ARGUMENT naming the place of the first word that is no UTF-8 and no file: nothing of it could be
/// sent.
[[nodiscard]] absl::Status CheckWords(const std::vector<std::string>& words);

/// Why `app` threw `error`, in words: names the word that is unknown and the nearest one that is known, or
/// the words that may follow; then which `--help` to read. No line end after the last line.
[[nodiscard]] std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error);

/// Of a line that asks for help: the same, when it names a noun or verb that is not there; else "".
[[nodiscard]] std::string ExplainUnknownTopic(const CLI::App& app);

/// The candidate that `word` was most likely meant to be; "" when none is near.
[[nodiscard]] std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace relais::cli
