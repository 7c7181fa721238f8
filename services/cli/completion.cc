#include "services/cli/completion.h"

#include <iostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

std::vector<std::string> Words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(sub->get_name());
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back("--" + name);
    }
  }
  return words;
}

void AddCases(const CLI::App& app, const std::string& path, const std::string& globals, std::string& out) {
  absl::StrAppend(&out, "    '", path, "') words='", absl::StrJoin(Words(app), " "), globals, "' ;;\n");
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    AddCases(*sub, path.empty() ? sub->get_name() : absl::StrCat(path, " ", sub->get_name()), globals, out);
  }
}

struct CompletionOptions {
  std::string shell;
};

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string globals;
  std::string with_values;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      absl::StrAppend(&globals, " --", name);
      if (option->get_expected_max() > 0) {
        absl::StrAppend(&with_values, with_values.empty() ? "" : "|", "--", name);
      }
    }
  }
  std::string cases;
  AddCases(app, "", globals, cases);
  return absl::StrCat(
      "# bash completion of relais: eval \"$(relais completion bash)\"\n"
      "_relais() {\n"
      "  local word path='' words='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$word\" in\n"
      "    ",
      with_values,
      ") ((i++)); continue ;;\n"
      "    -*) continue ;;\n"
      "    esac\n"
      "    case \"$(_relais_words \"$path\")\" in\n"
      "    *\" $word \"*) path=\"${path:+$path }$word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  words=$(_relais_words \"$path\")\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\n"
      "_relais_words() {\n"
      "  local words=''\n"
      "  case \"$1\" in\n",
      cases,
      "  esac\n"
      "  echo \" $words \"\n"
      "}\n"
      "complete -o default -F _relais relais\n");
}

void AddCompletionCommand(CLI::App& app, Context& context) {
  CLI::App& verb = AddVerb(app, "completion", "a script that completes commands in a shell",
                           "eval \"$(relais completion bash)\"");
  auto options = std::make_shared<CompletionOptions>();
  verb.add_option("shell", options->shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  CLI::App* const root = &app;
  verb.callback([&context, root, options] {
    context.command = [root]() -> absl::StatusOr<int> {
      std::cout << BashCompletion(*root) << std::flush;
      return kExitOk;
    };
  });
}

}  // namespace relais::cli
