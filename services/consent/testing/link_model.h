// A naive model of what links, splits and words under several names leave permitted: for
// handlers/link_histories_test.cc. It knows sets of names and an order, and nothing of how the registry keeps
// them.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace relais::consent::testing {

// What is agreed or refused: a recipient by name, all of its kind ("*"), or everything ("").
struct Said {
  bool no = false;
  int order = 0;
  int name = 0;
  std::string about;
  std::set<int> with;  // who was one with that name then
  [[nodiscard]] bool Covers(const std::string& recipient) const {
    return about.empty() || about == "*" || about == recipient;
  }
  [[nodiscard]] bool narrow() const { return !about.empty() && about != "*"; }
};

inline bool Meets(const std::set<int>& a, const std::set<int>& b) {
  return std::any_of(a.begin(), a.end(), [&](int each) { return b.contains(each); });
}

// Of two names that are one human: since when.
class Ones {
 public:
  void Are(int a, int b, int since) { since_.emplace(std::minmax(a, b), since); }
  void AreNot(int a, int b) { since_.erase(std::minmax(a, b)); }
  // Whether what was said by `name` at `order` was said by both.
  [[nodiscard]] bool Were(int name, int other, int order) const {
    const auto found = since_.find(std::minmax(name, other));
    return name == other || (found != since_.end() && order > found->second);
  }

 private:
  std::map<std::pair<int, int>, int> since_;
};

// The whole rule of agreements. A no is of each of her names that were one when it was said, and each hears
// for itself.
inline bool MayBePermitted(const std::vector<Said>& all, const std::set<int>& her_names, const Ones& ones,
                           const std::string& recipient) {
  const auto answers = [&](const Said& yes, const Said& no) {
    return !yes.no && yes.Covers(recipient) && yes.order > no.order && her_names.contains(yes.name) &&
           (!no.narrow() || yes.narrow());
  };
  const auto answered_to = [&](const Said& no, int name) {
    return std::any_of(all.begin(), all.end(), [&](const Said& yes) {
      return answers(yes, no) && ones.Were(yes.name, name, yes.order);
    });
  };
  const auto stands = [&](const Said& said) {
    return said.no && said.Covers(recipient) &&
           std::any_of(said.with.begin(), said.with.end(),
                       [&](int name) { return her_names.contains(name) && !answered_to(said, name); });
  };
  return std::any_of(all.begin(), all.end(), [&](const Said& yes) { return answers(yes, Said{}); }) &&
         std::none_of(all.begin(), all.end(), stands);
}

// An objection that stands under a name: of a record, or (-1) her own.
struct Objected {
  int order = 0;
  int name = 0;
  int record = -1;
  std::set<int> with;  // who was one with that name then
};
// A lifting under a name: of all that stands under it, its records for whoever has them.
struct Lifted {
  int order = 0;
  int name = 0;
  std::set<int> records;
  std::vector<std::set<int>> groups;  // of each name then
};

// The whole rule of objections: lifted where it was said, while they were one with that name; else, of what a
// split left with them, there.
inline bool MayBeTransmitted(const std::vector<Objected>& objections, const std::vector<Lifted>& liftings,
                             const std::set<int>& her_names) {
  return std::all_of(objections.begin(), objections.end(), [&](const Objected& no) {
    const auto lifted_by = [&](const Lifted& lifting) {
      const bool of_it = lifting.name == no.name || lifting.records.contains(no.record);
      const bool of_what_is_left = !her_names.contains(no.name) && her_names.contains(lifting.name);
      return lifting.order > no.order &&
             ((of_it && Meets(lifting.groups[no.name], her_names)) || of_what_is_left);
    };
    return !Meets(no.with, her_names) || std::any_of(liftings.begin(), liftings.end(), lifted_by);
  });
}

}  // namespace relais::consent::testing
