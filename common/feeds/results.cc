#include "common/feeds/results.h"

#include <initializer_list>

#include "common/feeds/form.h"
#include "common/text/day.h"

namespace relais::feeds {
namespace {

std::string Line(std::initializer_list<std::string_view> fields) {
  std::string out;
  for (const std::string_view field : fields) {
    if (!out.empty()) out.push_back(';');
    out += field;
  }
  out.push_back('\n');
  return out;
}

}  // namespace

std::string ResultsLine(uint64_t line, std::string_view reference, const Outcome& outcome) {
  const std::string retry_after = outcome.retry_after ? text::FormatIsoDay(*outcome.retry_after) : "";
  return Line({std::to_string(line), ShowableReference(reference), OutcomeKindName(outcome.kind),
               ReasonName(outcome.reason), retry_after});
}

std::string RefusedLine(uint64_t line, std::string_view reference, Reason reason, std::string_view field) {
  return Line({std::to_string(line), ShowableReference(reference), ReasonName(reason), field});
}

}  // namespace relais::feeds
