#include "common/audit/leaf_opener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {
// A leaf is drafted a moment before it gets its time: its month may be the one before.
constexpr absl::Duration kDraftAge = absl::Hours(1);
}  // namespace

std::shared_ptr<const DraftedActor> ActorOf(audit::v1::LeafActor actor, absl::Time month) {
  if (actor.agent().empty() && actor.certificate().empty()) {
    return nullptr;
  }
  return std::make_shared<const DraftedActor>(
      DraftedActor{std::move(*actor.mutable_agent()), std::move(*actor.mutable_certificate()), month});
}

OpenedLeaf Withheld(uint64_t index, const merkle::Hash& hash) {
  OpenedLeaf leaf;
  leaf.index = index;
  leaf.hash = hash;
  leaf.opening = OpenedLeaf::Opening::kWithheld;
  return leaf;
}

absl::StatusOr<std::optional<Secret>> LeafOpener::KeyOf(const Leaf& leaf,
                                                        const std::optional<std::string>& subject) const {
  if (leaf.header.commitment().empty()) {
    return std::optional<Secret>(log_key_);
  }
  if (!subject.has_value()) {
    return std::optional<Secret>();
  }
  ASSIGN_OR_RETURN(const Subject decoded, Subject::Decode(*subject));
  absl::StatusOr<Secret> key = keys_.Get(decoded);
  if (absl::IsNotFound(key.status())) {
    return std::optional<Secret>();
  }
  if (!key.ok()) {
    return key.status();
  }
  return std::optional<Secret>(*std::move(key));
}

absl::StatusOr<OpenedLeaf> LeafOpener::Open(uint64_t index, ReadLeaf read, const Log::Wanted& wanted) const {
  OpenedLeaf opened;
  opened.index = index;
  absl::StatusOr<Leaf> leaf = ParseLeaf(read.bytes);
  if (!leaf.ok()) {
    return absl::DataLossError(absl::StrCat("log: leaf ", index, " is damaged"));
  }
  if (wanted && !wanted(leaf->header.event_class())) {
    return Withheld(index, merkle::HashLeaf(read.bytes));
  }
  opened.bytes = std::move(read.bytes);
  opened.leaf = *std::move(leaf);
  ASSIGN_OR_RETURN(const std::optional<Secret> key, KeyOf(opened.leaf, read.subject));
  if (!key.has_value()) {
    opened.opening = OpenedLeaf::Opening::kErased;
    return opened;
  }
  if (read.drafted != nullptr) {
    opened.details = read.drafted->details;
    return opened;
  }
  std::optional<Subject> whom;
  if (read.subject.has_value()) {
    ASSIGN_OR_RETURN(whom, Subject::Decode(*read.subject));
  }
  absl::StatusOr<audit::v1::LeafDetails> details = OpenDetails(opened.leaf, whom, *key);
  if (!details.ok()) {
    return absl::DataLossError(absl::StrCat("log: leaf ", index, " does not open"));
  }
  opened.details = *std::move(details);
  return opened;
}

absl::StatusOr<OpenedActor> LeafOpener::OpenActor(const Leaf& leaf) const {
  absl::Status why = absl::OkStatus();
  for (const absl::Time drafted : {leaf.time, leaf.time - kDraftAge}) {
    const absl::StatusOr<Secret> month_key = months_.ForReading(drafted);
    if (!month_key.ok()) {
      // Which of the two sealed it cannot be told any more.
      why = month_key.status();
      continue;
    }
    absl::StatusOr<audit::v1::LeafActor> actor = audit::OpenActor(leaf, *month_key);
    if (actor.ok()) {
      return OpenedActor{*std::move(actor), drafted};
    }
    why.Update(actor.status());
  }
  return why;
}

absl::StatusOr<LeafForIndex> LeafOpener::ForIndex(OpenedLeaf opened) const {
  LeafForIndex leaf;
  leaf.index = opened.index;
  absl::StatusOr<OpenedActor> actor = OpenActor(opened.leaf);
  if (actor.ok()) {
    leaf.actor = ActorOf(std::move(actor->actor), actor->month);
  } else if (!absl::IsNotFound(actor.status())) {
    return actor.status();
  }
  leaf.leaf = std::make_shared<const DraftedLeaf>(
      DraftedLeaf{std::move(opened.leaf.header), std::move(opened.details), leaf.actor != nullptr});
  return leaf;
}

}  // namespace relais::audit::internal
