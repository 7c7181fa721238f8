// `relais audit query`: the leaves of a log that satisfy filters.
#include <algorithm>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;
using audit::v1::QueriedLeaf;
using audit::v1::QueryFilters;
using audit::v1::QueryRequest;
using audit::v1::QueryResponse;

constexpr uint64_t kMostPage = 1000;

struct QueryOptions {
  std::string service;
  std::string person;
  std::string handle_of;
  std::string person_id;
  std::string sender_record;
  std::string case_number;
  std::string institution;
  std::string recipient;
  std::string purpose;
  std::string category;
  std::string ground;
  std::string decision;
  std::string denial_reason;
  std::vector<std::string> classes;
  std::string relation;
  std::string by_agent;
  std::string certificate;
  uint64_t directory_version = 0;
  std::string from;
  std::string to;
  bool newest = false;
  bool oldest = false;
  uint64_t limit = 50;
};

absl::StatusOr<std::string> Id(const std::string& hex, const std::string& option) {
  const absl::StatusOr<std::string> bytes = crypto::HexDecode(hex);
  if (!bytes.ok() || bytes->size() != 16) {
    return absl::InvalidArgumentError(option + " wants 32 hexadecimal digits");
  }
  return *bytes;
}

absl::Status SetSubject(const QueryOptions& options, QueryFilters& filters) {
  const int named = static_cast<int>(!options.person.empty()) + static_cast<int>(!options.person_id.empty()) +
                    static_cast<int>(!options.sender_record.empty());
  if (named > 1) {
    return absl::InvalidArgumentError("give one of --person, --person-id, --sender-record");
  }
  if (!options.person.empty()) {
    filters.mutable_subject()->set_handle(options.person);
  }
  if (!options.handle_of.empty()) {
    filters.mutable_subject()->set_handle_of(options.handle_of);
  }
  if (!options.person_id.empty()) {
    ASSIGN_OR_RETURN(*filters.mutable_subject()->mutable_person_id(), Id(options.person_id, "--person-id"));
  }
  if (!options.sender_record.empty()) {
    ASSIGN_OR_RETURN(*filters.mutable_subject()->mutable_sender_record(),
                     Id(options.sender_record, "--sender-record"));
  }
  filters.set_case_number(options.case_number);
  return absl::OkStatus();
}

absl::Status SetCodes(const QueryOptions& options, QueryFilters& filters) {
  if (!options.ground.empty()) {
    ASSIGN_OR_RETURN(const auto ground, ParseEnumOption<common::v1::Ground>(options.ground, "--ground"));
    filters.set_ground(ground);
  }
  if (!options.decision.empty()) {
    ASSIGN_OR_RETURN(const auto decision,
                     ParseEnumOption<common::v1::Decision>(options.decision, "--decision"));
    filters.set_decision(decision);
  }
  for (const std::string& each : options.classes) {
    ASSIGN_OR_RETURN(const auto event_class, ParseEnumOption<audit::v1::EventClass>(each, "--class"));
    filters.add_event_classes(event_class);
  }
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*filters.mutable_from(), ParseTimeOption(options.from, "--from"));
  }
  if (!options.to.empty()) {
    ASSIGN_OR_RETURN(*filters.mutable_to(), ParseTimeOption(options.to, "--to"));
  }
  return absl::OkStatus();
}

absl::StatusOr<QueryRequest> RequestOf(const QueryOptions& options) {
  if (options.newest && options.oldest) {
    return absl::InvalidArgumentError("give one of --newest, --oldest");
  }
  QueryRequest request;
  request.set_order(options.oldest ? audit::v1::QUERY_ORDER_OLDEST_FIRST
                                   : audit::v1::QUERY_ORDER_NEWEST_FIRST);
  QueryFilters& filters = *request.mutable_filters();
  RETURN_IF_ERROR(SetSubject(options, filters));
  RETURN_IF_ERROR(SetCodes(options, filters));
  filters.set_institution(options.institution);
  filters.set_recipient(options.recipient);
  filters.set_purpose(options.purpose);
  filters.set_category(options.category);
  filters.set_denial_reason(options.denial_reason);
  filters.set_relation(options.relation);
  filters.set_agent(options.by_agent);
  filters.set_certificate(options.certificate);
  filters.set_directory_version(options.directory_version);
  return request;
}

void PrintIndented(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::cout << "      " << line << "\n";
  }
}

void PrintLeaf(const QueriedLeaf& leaf, bool json) {
  if (json) {
    std::cout << ToJson(leaf) << "\n";
    return;
  }
  std::cout << leaf.index() << "  " << ParisTime(FromProto(leaf.time())) << "  "
            << EnumText(leaf.header().event_class()) << "  " << leaf.header().institution() << "  "
            << EnumText(leaf.opening()) << "\n";
  audit::v1::LeafHeader header = leaf.header();
  header.clear_event_class();
  header.clear_institution();
  header.clear_commitment();
  PrintIndented(ToText(header));
  if (leaf.has_person()) {
    std::cout << "      person: " << leaf.person().handle() << "\n";
  }
  if (leaf.opening() == QueriedLeaf::OPENING_OPENED) {
    PrintIndented(ToText(leaf.details()));
  }
  if (leaf.actor_opening() == QueriedLeaf::OPENING_OPENED) {
    PrintIndented(ToText(leaf.actor()));
  } else {
    std::cout << "      who acted: " << EnumText(leaf.actor_opening()) << "\n";
  }
}

void PrintEnd(const QueryResponse& last, uint64_t printed, bool json) {
  const bool complete = last.next_page_token().empty();
  if (json) {
    const nlohmann::json end = {{"leaves", printed},
                                {"logSize", last.log_size()},
                                {"indexedThrough", last.indexed_through()},
                                {"complete", complete}};
    std::cout << end.dump() << std::endl;
    return;
  }
  std::cout << printed << (printed == 1 ? " leaf" : " leaves") << " of a log of " << last.log_size()
            << (complete ? "" : "; there may be more: raise --limit") << std::endl;
}

absl::StatusOr<int> RunQuery(Context& context, const QueryOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  ASSIGN_OR_RETURN(QueryRequest request, RequestOf(options));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  uint64_t printed = 0;
  while (true) {
    request.set_page_size(
        static_cast<uint32_t>(options.limit == 0 ? kMostPage : std::min(kMostPage, options.limit - printed)));
    ASSIGN_OR_RETURN(const QueryResponse page,
                     session->CallAt<AuditService>(options.service, &AuditService::Stub::Query, request));
    for (const QueriedLeaf& leaf : page.leaves()) {
      PrintLeaf(leaf, context.globals.json);
    }
    printed += static_cast<uint64_t>(page.leaves_size());
    if (page.next_page_token().empty() || (options.limit > 0 && printed >= options.limit)) {
      PrintEnd(page, printed, context.globals.json);
      return kExitOk;
    }
    request.set_page_token(page.next_page_token());
  }
}

void AddSubjectOptions(CLI::App& verb, QueryOptions& options) {
  verb.add_option("--person", options.person, "about this person: a handle; needs --case");
  verb.add_option("--handle-of", options.handle_of, "the institution whose handle that is");
  verb.add_option("--person-id", options.person_id, "about this person: the suite's id, hexadecimal");
  verb.add_option("--sender-record", options.sender_record, "about this sender record, hexadecimal");
  verb.add_option("--case", options.case_number, "the case in which she is looked for");
}

}  // namespace

void AddAuditQuery(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(
      noun, "query",
      "the leaves that satisfy all filters, opened as far as your scope goes; needs --reason, and leaves a "
      "leaf itself",
      "relais --as auditor/suite --reason 'contrôle 2026-11' audit query --service consent --decision deny "
      "--recipient caf --from 2026-11-01T00:00:00+01:00 --limit 20");
  auto options = std::make_shared<QueryOptions>();
  verb.add_option("--service", options->service, "whose log: consent, routing, alerting or vault")
      ->required();
  AddSubjectOptions(verb, *options);
  verb.add_option("--institution", options->institution, "whose act it was");
  verb.add_option("--recipient", options->recipient, "to which institution it went or would have gone");
  verb.add_option("--purpose", options->purpose, "a purpose of the directory");
  verb.add_option("--category", options->category, "a category of the directory");
  verb.add_option("--ground", options->ground, "what it stands on: agreement, art2, art6, …");
  verb.add_option("--decision", options->decision, "permit or deny");
  verb.add_option("--denial-reason", options->denial_reason, "why it was denied: REASON_…");
  AddRepeated(verb, "--class", options->classes, "this event, such as CHECK_DECIDED");
  verb.add_option("--relation", options->relation,
                  "of who acted to the person: REFERENT, CASE, DESK, SHARE, NONE");
  verb.add_option("--by-agent", options->by_agent,
                  "of this agent of --institution, whose DPO is told of the search");
  verb.add_option("--certificate", options->certificate, "by this certificate, SHA-256 in hexadecimal");
  verb.add_option("--directory-version", options->directory_version, "under this version of the directory");
  verb.add_option("--from", options->from, "not before, RFC 3339");
  verb.add_option("--to", options->to, "before, RFC 3339");
  verb.add_flag("--newest", options->newest, "newest first; the default");
  verb.add_flag("--oldest", options->oldest, "oldest first");
  verb.add_option("--limit", options->limit, "at most this many; 0: all there are")->capture_default_str();
  OnRun(verb, context, options, RunQuery);
}

}  // namespace relais::cli
