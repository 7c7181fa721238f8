// `relais directory`: the signed directory, as a file and as the services have it.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/directory/lint.h"
#include "common/directory/parse.h"
#include "common/directory/show.h"
#include "common/directory/sign.h"
#include "common/pki/file.h"
#include "relais/routing/v1/directory_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/root_key.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using routing::v1::DirectoryService;

constexpr size_t kMostDirectoryBytes = size_t{4} << 20;
constexpr mode_t kPublic = 0644;

struct DirectoryOptions {
  std::string file;
  std::string other;
  std::string path;
  std::string key;
  std::string name;
  std::string institution;
  std::string audience;
  std::string arrondissement;
  std::string language;
};

absl::StatusOr<std::string> Read(const std::string& path) { return ReadInput(path, kMostDirectoryBytes); }

absl::StatusOr<directory::Directory> ReadDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string yaml, Read(path));
  return directory::ParseDirectory(yaml);
}

// `none` is what a human reads when there is no line.
int PrintLines(Context& context, const std::string& name, const std::vector<std::string>& lines,
               const std::string& none) {
  Print(context.globals.json, nlohmann::json{{name, lines}},
        (lines.empty() ? none : absl::StrJoin(lines, "\n")) + "\n");
  return kExitOk;
}

absl::StatusOr<int> RunLint(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const std::string yaml, Read(options.file));
  const auto parsed = directory::ParseDirectory(yaml);
  if (!parsed.ok()) {
    Print(context.globals.json, nlohmann::json{{"problems", {std::string(parsed.status().message())}}},
          absl::StrCat(parsed.status().message(), "\n"));
    return kExitFileRefused;
  }
  std::vector<std::string> lines;
  bool errors = false;
  for (const directory::Problem& problem : directory::Lint(*parsed)) {
    lines.push_back(problem.ToString());
    errors = errors || problem.severity == directory::Severity::kError;
  }
  PrintLines(context, "problems", lines, "no problem");
  return errors ? kExitFileRefused : kExitOk;
}

absl::StatusOr<int> RunSign(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const std::string yaml, Read(options.file));
  if (const auto linted = directory::ParseAndLint(yaml); !linted.ok()) {
    PrintError(std::cerr, linted.status(), context.globals.json);
    return kExitFileRefused;
  }
  ASSIGN_OR_RETURN(const Secret seed, ReadSecretInput(options.key));
  ASSIGN_OR_RETURN(const crypto::SigningKey key, crypto::SigningKey::FromSeed(seed));
  std::string name = options.name;
  if (name.empty()) {
    ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
    ASSIGN_OR_RETURN(name, RootKeyName(settings, key.verify_key()));
  }
  ASSIGN_OR_RETURN(const std::string signature, directory::SignDirectory(yaml, key, name));
  RETURN_IF_ERROR(pki::WriteFileDurably(options.file + ".sig", signature, kPublic));
  Print(context.globals.json, nlohmann::json{{"signature", options.file + ".sig"}},
        absl::StrCat("signed: ", options.file, ".sig\n"));
  return kExitOk;
}

absl::StatusOr<int> RunDiff(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const directory::Directory a, ReadDirectory(options.file));
  ASSIGN_OR_RETURN(const directory::Directory b, ReadDirectory(options.other));
  return PrintLines(context, "changes", directory::Diff(a, b), "no difference");
}

absl::StatusOr<int> RunShow(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const directory::Directory directory, ReadDirectory(options.file));
  const std::vector<std::string> lines =
      options.path.empty() ? directory::Summary(directory) : directory::Show(directory, options.path);
  if (lines.empty()) {
    return absl::NotFoundError(absl::StrCat("nothing is under ", options.path, " in ", options.file));
  }
  return PrintLines(context, "lines", lines, "");
}

absl::StatusOr<int> RunList(Context& context, const DirectoryOptions& /*options*/) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DirectoryService>(&DirectoryService::Stub::ListInstitutions,
                                                   routing::v1::ListInstitutionsRequest()));
  std::vector<std::vector<std::string>> rows = {{"INSTITUTION", "KIND", "NAME"}};
  for (const auto& institution : response.institutions()) {
    rows.push_back({institution.institution(), institution.kind(), institution.name()});
  }
  Print(context.globals.json, response,
        absl::StrCat(Table(rows), "version ", response.directory_version(), "\n"));
  return kExitOk;
}

std::string Desks(const google::protobuf::RepeatedPtrField<routing::v1::Desk>& desks) {
  std::vector<std::vector<std::string>> rows = {{"DESK", "INSTITUTION", "HOURS", "NAME", "CONTACT"}};
  for (const routing::v1::Desk& desk : desks) {
    rows.push_back({desk.desk(), desk.institution(), desk.hours(), desk.name(), desk.contact()});
  }
  return Table(rows);
}

absl::StatusOr<int> RunGet(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::GetInstitutionRequest request;
  request.set_institution(options.institution);
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DirectoryService>(&DirectoryService::Stub::GetInstitution, request));
  Print(context.globals.json, response, ToText(response.institution()) + Desks(response.desks()));
  return kExitOk;
}

absl::StatusOr<int> RunDesk(Context& context, const DirectoryOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::FindDeskRequest request;
  request.set_public_(options.audience);
  request.set_arrondissement(options.arrondissement);
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DirectoryService>(&DirectoryService::Stub::FindDesk, request));
  Print(context.globals.json, response,
        response.desks().empty() ? "no desk answers for that\n" : Desks(response.desks()));
  return response.desks().empty() ? kExitNotFound : kExitOk;
}

absl::StatusOr<int> RunCodes(Context& context, const DirectoryOptions& options) {
  if (!options.language.empty() && options.language != "fr" && options.language != "en") {
    return absl::InvalidArgumentError("--language is fr or en");
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  routing::v1::GetCodeListsRequest request;
  request.set_language(options.language);
  ASSIGN_OR_RETURN(const auto response,
                   session->Call<DirectoryService>(&DirectoryService::Stub::GetCodeLists, request));
  std::vector<std::vector<std::string>> rows = {{"LIST", "CODE", "LABEL", ""}};
  const auto add = [&rows](const char* list, const auto& codes) {
    for (const routing::v1::Code& code : codes) {
      rows.push_back({list, code.code(), code.label(), code.special() ? "special category" : ""});
    }
  };
  add("purpose", response.purposes());
  add("category", response.categories());
  add("sign", response.signs());
  Print(context.globals.json, response, Table(rows));
  return kExitOk;
}

void AddFileVerbs(CLI::App& noun, Context& context) {
  CLI::App& lint = AddVerb(noun, "lint", "judge a directory file; exit 4 when it may not be signed",
                           "relais directory lint directory.yaml");
  auto lint_options = std::make_shared<DirectoryOptions>();
  lint.add_option("file", lint_options->file, "the YAML file")->required();
  OnRun(lint, context, lint_options, RunLint);

  CLI::App& sign = AddVerb(noun, "sign", "sign a directory file that lints: writes FILE.sig",
                           "relais directory sign directory.yaml --key root.key");
  auto sign_options = std::make_shared<DirectoryOptions>();
  sign.add_option("file", sign_options->file, "the YAML file")->required();
  sign.add_option("--key", sign_options->key, "secret file with the root key's seed")->required();
  sign.add_option("--name", sign_options->name,
                  "the root key's name; default: the one it has in the list of root keys");
  OnRun(sign, context, sign_options, RunSign);

  CLI::App& diff = AddVerb(noun, "diff", "what changed from one file to another",
                           "relais directory diff old.yaml new.yaml");
  auto diff_options = std::make_shared<DirectoryOptions>();
  diff.add_option("old", diff_options->file, "the YAML file before")->required();
  diff.add_option("new", diff_options->other, "the YAML file after")->required();
  OnRun(diff, context, diff_options, RunDiff);

  CLI::App& show = AddVerb(noun, "show", "a directory file in short, or all values under a path",
                           "relais directory show directory.yaml --path 'desks[dsol-75113]'");
  auto show_options = std::make_shared<DirectoryOptions>();
  show.add_option("file", show_options->file, "the YAML file")->required();
  show.add_option("--path", show_options->path, "only what is under this path");
  OnRun(show, context, show_options, RunShow);
}

}  // namespace

void AddDirectoryCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "directory", "who takes part, where their desks are, in which words");
  AddFileVerbs(noun, context);

  CLI::App& list =
      AddVerb(noun, "list", "all institutions of the directory in force", "relais directory list");
  OnRun(list, context, std::make_shared<DirectoryOptions>(), RunList);

  CLI::App& get = AddVerb(noun, "get", "one institution and its desks", "relais directory get ville-paris");
  auto get_options = std::make_shared<DirectoryOptions>();
  get.add_option("institution", get_options->institution, "its id")->required();
  OnRun(get, context, get_options, RunGet);

  CLI::App& desk =
      AddVerb(noun, "desk", "the desks that answer for a public and an arrondissement, best first",
              "relais directory desk --public FAMILY --arrondissement 75113");
  auto desk_options = std::make_shared<DirectoryOptions>();
  desk.add_option("--public", desk_options->audience, "ADULT, FAMILY, MINOR, …; none: any");
  desk.add_option("--arrondissement", desk_options->arrondissement, "INSEE or postal code; none: any");
  OnRun(desk, context, desk_options, RunDesk);

  CLI::App& codes =
      AddVerb(noun, "codes", "purposes, categories and signs", "relais directory codes --language en");
  auto codes_options = std::make_shared<DirectoryOptions>();
  codes.add_option("--language", codes_options->language, "fr or en; default fr");
  OnRun(codes, context, codes_options, RunCodes);
}

}  // namespace relais::cli
