#include "services/cli/vault_scrub_text.h"

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "services/cli/document_verbs.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

std::string Counted(uint64_t number, const std::string& one, const std::string& many) {
  return absl::StrCat(Grouped(number), " ", number == 1 ? one : many);
}

std::string FindingsText(const vault::v1::Scrub& scrub) {
  std::string text = Counted(scrub.damaged(), "finding", "findings");
  if (scrub.damaged() > 0) {
    absl::StrAppend(&text, ": ", Grouped(scrub.missing()), " missing, ", Grouped(scrub.altered()),
                    " altered, ", Grouped(scrub.hash_differs()), " with another hash, ",
                    Grouped(scrub.rolled_back()), " rolled back");
  }
  return scrub.has_ended() ? text : text + " so far";
}

// Empty when none was.
std::string PutBackText(const vault::v1::Scrub& scrub) {
  return scrub.rights_put_back() == 0
             ? ""
             : absl::StrCat("put back on the disk after its end, and ended again: ",
                            Counted(scrub.rights_put_back(), "host or share", "hosts or shares"), "\n");
}

// Empty when everything was.
std::string UnreadText(const vault::v1::Scrub& scrub) {
  if (scrub.unreadable() + scrub.passed_over() == 0) {
    return "";
  }
  return absl::StrCat("not read: ", Counted(scrub.unreadable(), "row or stretch", "rows or stretches"),
                      " of the disk, ", Counted(scrub.passed_over(), "person", "persons"), " passed over\n");
}

}  // namespace

bool FoundNothing(const vault::v1::Scrub& scrub) {
  return scrub.damaged() + scrub.unreadable() + scrub.passed_over() + scrub.rights_put_back() == 0;
}

std::string ScrubText(const vault::v1::Scrub& scrub) {
  const std::string when = scrub.has_ended() ? absl::StrCat("ended ", ParisTime(FromProto(scrub.ended())))
                                             : std::string("under way");
  return absl::StrCat("scrub ", scrub.scrub_id(), ", begun ", ParisTime(FromProto(scrub.begun())), ", ", when,
                      "\nread: ", Counted(scrub.versions(), "version", "versions"), ", ",
                      BytesText(scrub.bytes()), "; ", Counted(scrub.orphans_removed(), "value", "values"),
                      " of no paper removed\n", FindingsText(scrub), "\n", PutBackText(scrub),
                      UnreadText(scrub));
}

}  // namespace relais::cli
