// What decisions need of the directory, as values, prepared once per directory version.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "relais/common/v1/types.pb.h"

namespace relais::consent {

/// The kind of the CRIP and the ASE.
inline constexpr std::string_view kChildProtection = "CHILD_PROTECTION";

/// Found by std::string_view, without a copy.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename Value>
using ByText = absl::flat_hash_map<std::string, Value, TextHash, std::equal_to<>>;

struct CategoryRule {
  bool special = false;  // RGPD art. 9: explicit agreement only (D-2.7)
  bool offence = false;  // RGPD art. 10: no agreement unlocks it (D-2.7)
  std::optional<absl::CivilDay> deprecated_on;
};

struct DeskRule {
  std::string institution;
  bool departmental = false;  // of the département's social services
  bool communal_cosigner = false;
};

/// Exactly one way of naming who may receive under a protocol.
struct ProtocolRecipient {
  std::string institution;
  std::string kind;
  enum class Desks { kNone, kDepartmental, kCommunalCosigner } desks = Desks::kNone;
};

/// Under which a sender may send one signal's events.
struct ProtocolRule {
  std::string signal;
  std::vector<std::string> events;
  std::string purpose;
  std::vector<common::v1::Ground> grounds;
  std::vector<std::string> categories;
  std::vector<ProtocolRecipient> recipients;
  std::optional<absl::CivilDay> convention_signed;  // D-1.13
};

/// Immutable once made; thread-safe.
struct Rules {
  uint64_t version = 0;
  absl::Time not_after = absl::InfiniteFuture();
  ByText<std::string> institution_kinds;  // by id
  ByText<DeskRule> desks;
  ByText<CategoryRule> categories;
  ByText<std::optional<absl::CivilDay>> purposes;         // → deprecated on, if so
  ByText<std::vector<ProtocolRule>> protocols;            // by sender
  ByText<std::optional<absl::CivilDay>> offence_senders;  // → last day, if one
  ByText<std::vector<std::string>> secret_functions;      // by institution: those bound by secrecy

  /// Empty for an unknown institution.
  [[nodiscard]] std::string_view KindOf(std::string_view institution) const;
  /// D-2.5: of a kind that sends signals and never reads a social file.
  [[nodiscard]] bool OnlySends(std::string_view institution) const;
  /// Null when the directory has none.
  [[nodiscard]] const ProtocolRule* FindProtocol(std::string_view sender, std::string_view signal,
                                                 std::string_view event) const;
  [[nodiscard]] const DeskRule* FindDesk(std::string_view desk) const;
  /// Unknown categories are neither special nor an offence; callers have refused them.
  [[nodiscard]] CategoryRule CategoryOf(std::string_view category) const;
  /// False for a function that is not named.
  [[nodiscard]] bool IsBoundBySecrecy(std::string_view institution, std::string_view function) const;
  [[nodiscard]] bool MaySendOffenceData(std::string_view sender, absl::CivilDay day) const;
  /// True when the protocol names that recipient: by institution, by kind, or by a flag of the desk.
  [[nodiscard]] bool IsRecipient(const ProtocolRule& protocol, std::string_view institution,
                                 const DeskRule* desk) const;
};

}  // namespace relais::consent
