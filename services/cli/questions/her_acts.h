// What each person had said, rebuilt from consent's leaves alone: agreements, refusals, withdrawals,
// objections.
//
// This is the auditor's own reading of D-2.6.2, made from the text of the rule and from nothing of the
// consent registry's code, so that it can contradict it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/consent/v1/consent.pb.h"

namespace relais::cli::questions {

using Lines = google::protobuf::RepeatedPtrField<consent::v1::ConsentLine>;

/// What is looked for in lines: one category of one disclosure.
struct Sought {
  std::string_view purpose;
  std::string_view category;
  common::v1::Act act = common::v1::ACT_UNSPECIFIED;
  std::string_view recipient;       // institution
  std::string_view recipient_kind;  // its kind, by the directory in force
  std::string_view source_reference;
};

/// How lines name the recipient: not at all, by its kind or by "all", by its own name.
enum class Cover { kNone, kBroad, kNarrow };
/// The narrowest cover of any line. An empty list of a line means "all".
[[nodiscard]] Cover CoverOf(const Lines& lines, const Sought& sought);

struct ActOfHers {
  enum class Kind : uint8_t { kAgreement, kRefusal, kWithdrawal };
  Id128 id;            // of the agreement or refusal; of a withdrawal, the one agreement it names, or zero
  uint64_t leaf = 0;   // in consent's log
  absl::Time time;     // of the leaf
  absl::Time from;     // agreements
  absl::Time until;    // agreements; excluded
  uint32_t lines = 0;  // interned
  uint32_t source_reference = 0;  // interned; 0: any
  Kind kind = Kind::kAgreement;
  bool explicit_given = false;
  bool represented = false;  // a representative said it
  bool takes_back = false;   // a withdrawal of one agreement that was read: `taken`, its source reference
  uint32_t taken = 0;        // what that agreement covers, interned
  Id128 of;                  // of whom it was told, where persons are linked as one human

  /// When she gave an agreement: what was entered later does not overrule what she said in between.
  [[nodiscard]] absl::Time given() const { return from < time ? from : time; }
};

/// Persons who are linked are one human: from the leaf that says so each has the acts of all, until the leaf
/// that splits them. Across names a yes answers a no only if it was recorded after that leaf (ADR 40). Where
/// the questions are asked in shares, only within one share.
///
/// Not thread-safe. About 300 bytes for a person with one act, 110 for each more; distinct sets of lines are
/// kept once.
class HerActs {
 public:
  explicit HerActs(size_t most_acts) : most_acts_(most_acts) {}

  /// Takes in a leaf of consent's log about a person; other leaves change nothing.
  void Add(const Id128& person, uint64_t leaf, absl::Time time, audit::v1::EventClass event_class,
           const google::protobuf::Any& payload);

  /// Null: none that was read.
  [[nodiscard]] const ActOfHers* FindAgreement(const Id128& person, const Id128& agreement) const;
  [[nodiscard]] bool Covers(const ActOfHers& agreement, const Sought& sought) const {
    return CoverOfAct(agreement, nullptr, sought) != Cover::kNone;
  }

  /// The latest refusal or withdrawal of hers that still stands against this: a narrow one until a later
  /// agreement that names the recipient, a broad one until any later agreement that covers it, her own until
  /// one of her own, one under another name until one that was recorded since both names are one. Each name's
  /// noes stand for themselves: to answer one's is not to answer the other's. Agreements to what needs an
  /// explicit flag count only with it. Null: none.
  [[nodiscard]] const ActOfHers* Standing(const Id128& person, const Sought& sought, bool special) const;
  /// The latest refusal or withdrawal covering this that ended the agreement, or that the agreement could not
  /// answer and nothing had answered when it was given, so that it never began. Null: none.
  [[nodiscard]] const ActOfHers* EndOf(const Id128& person, const ActOfHers& agreement, const Sought& sought,
                                       bool special) const;
  /// The leaf of her objection to that supplier which was not lifted (D-1.6).
  [[nodiscard]] std::optional<uint64_t> Objection(const Id128& person, std::string_view supplier) const;

  [[nodiscard]] size_t held() const { return held_; }
  /// True: there were more acts than `most_acts`; what is asked from here on is not answered.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  struct ObjectionOfHers {
    std::string supplier;
    std::string record;  // key version and digest
    uint64_t leaf = 0;
    Id128 of = {};
  };
  struct Person {
    std::vector<ActOfHers> acts;
    std::vector<ObjectionOfHers> objections;
  };
  // The latest no of a class: narrow or broad, hers or a representative's, of one name.
  struct CoveringNo {
    const ActOfHers* no;
    bool narrow;
  };

  bool Room();
  uint32_t Intern(const Lines& lines);
  uint32_t InternText(const std::string& text);
  void AddAct(const Id128& person, ActOfHers act);
  ActOfHers* ChangeAgreement(const Id128& person, const std::string& hex);
  void Object(const Id128& person, ObjectionOfHers objection);
  void Lift(const Id128& person, const std::string& supplier, const std::string& record);
  void Link(const Id128& one, const Id128& other, uint64_t leaf);
  void Split(const Id128& person);
  [[nodiscard]] std::vector<Id128> GroupOf(const Id128& person) const;
  [[nodiscard]] const Person* Find(const Id128& person) const;
  [[nodiscard]] Cover CoverOfAct(const ActOfHers& act, const Person* person, const Sought& sought) const;
  [[nodiscard]] std::vector<CoveringNo> LatestNoes(const Person& person, const Sought& sought) const;
  /// The leaf since which two names are one human: 0 of one name, the highest number of names that are not
  /// one.
  [[nodiscard]] uint64_t OneSince(const Id128& name, const Id128& other) const;
  [[nodiscard]] bool CanAnswer(const ActOfHers& agreement, Cover cover, const CoveringNo& no) const;

  const size_t most_acts_;
  size_t held_ = 0;
  bool overflowed_ = false;
  absl::flat_hash_map<Id128, Person> persons_;
  absl::flat_hash_map<Id128, std::vector<Id128>> groups_;  // of more than one
  absl::flat_hash_map<Id128, uint64_t> linked_at_;         // the leaf that linked her to another
  absl::flat_hash_map<std::string, uint32_t> line_ids_;
  std::vector<Lines> lines_;
  absl::flat_hash_map<std::string, uint32_t> text_ids_;
  std::vector<std::string> texts_ = {""};
};

}  // namespace relais::cli::questions
