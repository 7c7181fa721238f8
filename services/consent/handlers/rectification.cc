#include "services/consent/handlers/rectification.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/audit/readable_leaves.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "google/protobuf/util/message_differencer.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/store.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 500;

using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;

bool IsSet(const v1::Traits& traits, const FieldDescriptor* field) {
  const google::protobuf::Reflection& reflection = *traits.GetReflection();
  return field->is_repeated() ? reflection.FieldSize(traits, field) > 0 : reflection.HasField(traits, field);
}

// The field alone, so that one value can be compared and copied whatever its type.
v1::Traits Only(const v1::Traits& traits, const FieldDescriptor* field) {
  v1::Traits one = traits;
  for (int i = 0; i < one.GetDescriptor()->field_count(); ++i) {
    if (one.GetDescriptor()->field(i) != field) {
      one.GetReflection()->ClearField(&one, one.GetDescriptor()->field(i));
    }
  }
  return one;
}

bool TellsTraits(const audit::v1::LeafHeader& header) {
  const std::set<std::string> traits = {"ADDRESS", "CONTACT", "IDENTITY"};
  return header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED &&
         header.decision() == common::v1::DECISION_PERMIT && !header.exercise() &&
         std::any_of(header.categories().begin(), header.categories().end(),
                     [&](const std::string& category) { return traits.contains(category); });
}

}  // namespace

absl::StatusOr<Rectified> Rectify(const v1::Traits& now, const v1::RectifyRequest& request) {
  const google::protobuf::Descriptor* type = v1::Traits::descriptor();
  Rectified out;
  out.traits = now;
  for (int i = 0; i < request.clear_size(); ++i) {
    const FieldDescriptor* field = type->FindFieldByName(request.clear(i));
    if (field == nullptr || IsSet(request.traits(), field)) {
      return rpc::InvalidField(absl::StrCat("clear[", i, "]"),
                               field == nullptr ? "is no field of traits" : "is set in traits too");
    }
    out.traits.GetReflection()->ClearField(&out.traits, field);
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (IsSet(request.traits(), field)) {
      out.traits.GetReflection()->ClearField(&out.traits, field);
      out.traits.MergeFrom(Only(request.traits(), field));
    }
    if (!MessageDifferencer::Equals(Only(now, field), Only(out.traits, field))) {
      out.changed.push_back(field->name());
    }
  }
  std::sort(out.changed.begin(), out.changed.end());
  return out;
}

absl::StatusOr<std::vector<std::string>> WhoGotTraits(audit::Log& log, const Id128& person,
                                                      const std::string& sender) {
  std::set<std::string> who;
  uint64_t from = 0;
  size_t unreadable = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> indices,
                     log.LeavesOf(PersonSubject(person), from, kLeavesAtOnce));
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, indices));
    unreadable += read.unreadable.size();
    for (const audit::OpenedLeaf& leaf : read.leaves) {
      v1::CheckDecided check;
      if (TellsTraits(leaf.leaf.header) && leaf.details.payload().UnpackTo(&check) &&
          check.sender().institution() == sender && check.recipient().institution() != sender) {
        who.insert(check.recipient().institution());
      }
    }
    if (indices.size() < kLeavesAtOnce) {
      if (unreadable > 0) {
        log::Error("leaves about somebody do not read: who got traits by them is not told of a rectification",
                   {log::Field::Count("leaves", static_cast<int64_t>(unreadable))});
      }
      return std::vector<std::string>(who.begin(), who.end());
    }
    from = indices.back() + 1;
  }
}

}  // namespace relais::consent
