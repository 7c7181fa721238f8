#include "services/consent/packed_person.h"

#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/state.pb.h"

namespace relais::consent {
namespace {

constexpr size_t kLongestLines = 2048;  // bytes

// As one string: the same lines give the same.
std::string KeyOf(const ProtoLines& lines) {
  std::string key;
  for (const v1::ConsentLine& line : lines) {
    absl::StrAppend(&key, line.ByteSizeLong(), ":");
    line.AppendToString(&key);
  }
  return key;
}

}  // namespace

uint32_t LineSets::IdOf(const ProtoLines& lines) {
  const std::string key = KeyOf(lines);
  if (key.empty()) {
    return 0;
  }
  {
    std::shared_lock lock(mu_);
    if (const auto found = ids_.find(key); found != ids_.end()) {
      return found->second;
    }
    if (key.size() > kLongestLines || lines_.size() >= most_) {
      return 0;
    }
  }
  Lines made = LinesFrom(lines);
  std::lock_guard lock(mu_);
  const auto [place, added] = ids_.try_emplace(key, static_cast<uint32_t>(lines_.size() + 1));
  if (added) {
    lines_.push_back(std::move(made));
  }
  return place->second;
}

Lines LineSets::Of(uint32_t id) const {
  std::shared_lock lock(mu_);
  return id == 0 || id > lines_.size() ? Lines() : lines_[id - 1];
}

Lines LineSets::Shared(const ProtoLines& lines) {
  const uint32_t id = IdOf(lines);
  return id == 0 ? Lines(LinesFrom(lines)) : Of(id);
}

std::shared_ptr<const PackedPerson> PackedPerson::Pack(const PersonState& state, LineSets& sets) {
  if (state.linked_to() || !state.links().empty()) {
    return nullptr;
  }
  v1::PackedPerson packed;
  *packed.mutable_person() = StoredFrom(state);
  for (v1::StoredAgreement& agreement : *packed.mutable_person()->mutable_agreements()) {
    const uint32_t id = sets.IdOf(agreement.lines());
    if (id != 0) {
      agreement.clear_lines();
    }
    packed.add_line_sets(id);
  }
  auto out = std::make_shared<PackedPerson>();
  out->bytes_ = packed.SerializeAsString();
  out->bytes_.shrink_to_fit();
  return out;
}

absl::StatusOr<PersonState> PackedPerson::Unpack(const LineSets& sets) const {
  v1::PackedPerson packed;
  if (!packed.ParseFromString(bytes_) || packed.line_sets_size() != packed.person().agreements_size()) {
    return absl::DataLossError("a packed person does not parse");
  }
  bool known = true;
  absl::StatusOr<PersonState> state = StateFrom(packed.person(), [&](int agreement) {
    const uint32_t id = packed.line_sets(agreement);
    if (id == 0) {
      return Lines(LinesFrom(packed.person().agreements(agreement).lines()));
    }
    Lines lines = sets.Of(id);
    known = known && !lines.empty();
    return lines;
  });
  return known ? std::move(state) : absl::DataLossError("a packed person names lines that there are not");
}

}  // namespace relais::consent
