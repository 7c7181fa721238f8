#include <algorithm>

#include "common/audit/leaf.h"
#include "common/audit/query.h"

namespace relais::audit {
namespace {

// An empty wish is satisfied by anything.
bool Text(const std::string& wanted, const std::string& has) { return wanted.empty() || wanted == has; }

bool IsAbout(const Subject& subject, const audit::v1::Subject& proto) {
  const auto kind = subject.kind == Subject::Kind::kPerson ? audit::v1::Subject::KIND_PERSON
                                                           : audit::v1::Subject::KIND_SENDER_RECORD;
  return proto.kind() == kind && proto.id() == subject.id.bytes();
}

}  // namespace

bool IsOwn(std::string_view institution, const OpenedLeaf& leaf) {
  return leaf.leaf.header.institution() == institution ||
         (leaf.opening == OpenedLeaf::Opening::kOpened &&
          leaf.details.recipient().institution() == institution);
}

bool HeaderMatches(const LeafQuery& query, const Leaf& leaf) {
  const audit::v1::LeafHeader& header = leaf.header;
  if (leaf.time < query.from || leaf.time >= query.to) {
    return false;
  }
  if (!Text(query.institution, header.institution()) || !Text(query.purpose, header.purpose())) {
    return false;
  }
  if (!query.category.empty() && std::find(header.categories().begin(), header.categories().end(),
                                           query.category) == header.categories().end()) {
    return false;
  }
  return (query.ground == common::v1::GROUND_UNSPECIFIED || query.ground == header.ground()) &&
         (query.decision == common::v1::DECISION_UNSPECIFIED || query.decision == header.decision()) &&
         (query.event_classes.empty() || query.event_classes.count(header.event_class()) > 0) &&
         (query.directory_version == 0 || query.directory_version == header.directory_version());
}

bool Matches(const LeafQuery& query, const OpenedLeaf& leaf,
             const std::optional<audit::v1::LeafActor>& actor) {
  if (!HeaderMatches(query, leaf.leaf) || (!query.own.empty() && !IsOwn(query.own, leaf))) {
    return false;
  }
  // The details of an erased leaf are empty, and so match nothing that is asked of them.
  if (!Text(query.recipient, leaf.details.recipient().institution()) ||
      !Text(query.denial_reason, leaf.details.denial_reason()) ||
      !Text(query.relation, leaf.details.relation())) {
    return false;
  }
  if (query.subject.has_value() && !IsAbout(*query.subject, leaf.details.subject())) {
    return false;
  }
  if (query.agent.empty() && query.certificate.empty()) {
    return true;
  }
  // Part R of another institution's act is not hers to ask about, though the act was addressed to her own.
  const bool may_ask = query.own.empty() || query.own == leaf.leaf.header.institution();
  return may_ask && actor.has_value() && Text(query.agent, actor->agent()) &&
         Text(query.certificate, actor->certificate());
}

}  // namespace relais::audit
