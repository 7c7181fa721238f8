#include "services/consent/domain/together.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace relais::consent {
namespace {

// Some of the parts of a line, by their place.
class PartSet {
 public:
  static PartSet FirstOf(size_t count) {
    PartSet first;
    for (size_t part = 0; part < count; ++part) {
      first.Add(part);
    }
    return first;
  }
  void Add(size_t part) { words_[part / kBits] |= uint64_t{1} << (part % kBits); }
  [[nodiscard]] bool IsWithin(const PartSet& other) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      if ((words_[i] & ~other.words_[i]) != 0) {
        return false;
      }
    }
    return true;
  }
  // kMostParts: it is empty.
  [[nodiscard]] size_t Lowest() const {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (words_[i] != 0) {
        return i * kBits + static_cast<size_t>(std::countr_zero(words_[i]));
      }
    }
    return kMostParts;
  }
  friend PartSet operator&(PartSet one, const PartSet& other) {
    for (size_t i = 0; i < one.words_.size(); ++i) {
      one.words_[i] &= other.words_[i];
    }
    return one;
  }

 private:
  static constexpr size_t kBits = 64;
  static_assert(kMostParts % kBits == 0);
  std::array<uint64_t, kMostParts / kBits> words_ = {};
};

using PartSets = std::vector<PartSet>;

std::string_view KeyOf(const std::string& value) { return value; }
std::pair<std::string_view, std::string_view> KeyOf(const Recipient& value) {
  return {value.institution, value.kind};
}
int KeyOf(common::v1::Act value) { return static_cast<int>(value); }

// Of each value of a list the parts that have it.
template <typename Value>
class ByValue {
 public:
  explicit ByValue(const std::vector<Value>& list) {
    for (const Value& value : list) {
      const size_t next = places_.size();
      places_.try_emplace(KeyOf(value), next);
    }
    sets_.resize(places_.size());
  }
  void Add(size_t part, const Contested::Some<Value>& values) {
    for (const Value* value : values) {
      const auto place = places_.find(KeyOf(*value));
      if (place != places_.end()) {
        sets_[place->second].Add(part);
      }
    }
  }
  // But for values whose parts are another's and more: where that other is held they are, as early.
  [[nodiscard]] PartSets Least() const {
    PartSets least;
    for (const PartSet& set : sets_) {
      if (std::none_of(least.begin(), least.end(), [&](const PartSet& each) { return each.IsWithin(set); })) {
        std::erase_if(least, [&](const PartSet& each) { return set.IsWithin(each); });
        least.push_back(set);
      }
    }
    return least;
  }

 private:
  absl::flat_hash_map<decltype(KeyOf(std::declval<const Value&>())), size_t> places_;
  PartSets sets_;
};

// Walks the combinations: first by what a no limits most often, so that a part that has everything else is
// found before the rest is looked up.
class Combinations {
 public:
  Combinations(const Line& line, const std::vector<const Contested*>& parts)
      : parts_(std::min(parts.size(), kMostParts)) {
    ByValue<Recipient> recipients(line.recipients);
    ByValue<std::string> categories(line.categories);
    ByValue<std::string> purposes(line.purposes);
    ByValue<common::v1::Act> acts(line.acts);
    for (size_t i = 0; i < parts_; ++i) {
      recipients.Add(i, parts[i]->narrow);
      recipients.Add(i, parts[i]->broad);
      categories.Add(i, parts[i]->categories);
      purposes.Add(i, parts[i]->purposes);
      acts.Add(i, parts[i]->acts);
    }
    lists_ = {recipients.Least(), categories.Least(), purposes.Least(), acts.Least()};
    have_rest_[kLists - 1] = PartSet::FirstOf(parts_);
    for (size_t list = kLists - 1; list > 0; --list) {
      have_rest_[list - 1] = have_rest_[list];
      for (const PartSet& having : lists_[list]) {
        have_rest_[list - 1] = have_rest_[list - 1] & having;
      }
    }
  }

  [[nodiscard]] Together Look() {
    Together together;
    if (parts_ > 0 && AllHeld(0, PartSet::FirstOf(parts_))) {
      together.first = last_ + 1;
    }
    together.looked_up = looked_up_;
    return together;
  }

 private:
  static constexpr size_t kLists = 4;

  // Every combination of the lists from this one on, within `parts`, which have a value of each list before.
  bool AllHeld(size_t list, const PartSet& parts) {
    for (const PartSet& having : lists_[list]) {
      ++looked_up_;
      const PartSet both = parts & having;
      const size_t alone = (both & have_rest_[list]).Lowest();
      if (alone <= last_) {
        continue;
      }
      if (list + 1 < kLists) {
        if (!AllHeld(list + 1, both)) {
          return false;
        }
      } else if (alone == kMostParts) {
        return false;
      } else {
        last_ = alone;
      }
    }
    return true;
  }

  const size_t parts_;
  std::array<PartSets, kLists> lists_;
  // By list: who have every value of all lists after it.
  std::array<PartSet, kLists> have_rest_;
  // The part that it took for what was looked up so far.
  size_t last_ = 0;
  size_t looked_up_ = 0;
};

}  // namespace

Together HoldTogether(const Line& line, const std::vector<const Contested*>& parts) {
  return Combinations(line, parts).Look();
}

}  // namespace relais::consent
