// Shell completion, made from the command tree.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace relais::cli {

/// A script for bash: nouns, verbs and options; file names elsewhere.
[[nodiscard]] std::string BashCompletion(const CLI::App& app);

}  // namespace relais::cli
