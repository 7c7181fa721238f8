#include "common/feeds/bspp_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/feeds/row.h"
#include "common/text/utf8.h"

namespace relais::feeds::internal {
namespace {

enum class Scope : uint8_t { kOutside, kRoot, kPlace, kPerson, kHousehold, kPrior, kSigns, kDone };
enum class Type : uint8_t { kText, kCount, kCountOrBool, kBool, kObject, kSigns };

struct Member {
  Scope scope;
  std::string_view name;
  std::string_view path;
  Type type;
  uint8_t target;  // BsppText, BsppCount, or the Scope an object opens
};

constexpr Member TextMember(Scope scope, std::string_view name, std::string_view path, BsppText text) {
  return {scope, name, path, Type::kText, static_cast<uint8_t>(text)};
}
constexpr Member CountMember(Scope scope, std::string_view name, std::string_view path, BsppCount count,
                             Type type = Type::kCount) {
  return {scope, name, path, type, static_cast<uint8_t>(count)};
}
constexpr Member ObjectMember(std::string_view name, Scope opens) {
  return {Scope::kRoot, name, name, Type::kObject, static_cast<uint8_t>(opens)};
}

constexpr std::array<Member, 34> kMembers = {
    {TextMember(Scope::kRoot, "reference", "reference", BsppText::kReference),
     TextMember(Scope::kRoot, "intervention_at", "intervention_at", BsppText::kInterventionAt),
     ObjectMember("place", Scope::kPlace),
     TextMember(Scope::kPlace, "kind", "place.kind", BsppText::kPlaceKind),
     TextMember(Scope::kPlace, "adresse", "place.adresse", BsppText::kPlaceAdresse),
     TextMember(Scope::kPlace, "code_postal", "place.code_postal", BsppText::kPlaceCodePostal),
     TextMember(Scope::kPlace, "commune", "place.commune", BsppText::kPlaceCommune),
     TextMember(Scope::kPlace, "repere", "place.repere", BsppText::kPlaceRepere),
     TextMember(Scope::kPlace, "etage", "place.etage", BsppText::kPlaceEtage),
     TextMember(Scope::kPlace, "acces", "place.acces", BsppText::kPlaceAcces),
     ObjectMember("person", Scope::kPerson),
     TextMember(Scope::kPerson, "nom", "person.nom", BsppText::kPersonNom),
     TextMember(Scope::kPerson, "prenoms", "person.prenoms", BsppText::kPersonPrenoms),
     TextMember(Scope::kPerson, "alias", "person.alias", BsppText::kPersonAlias),
     TextMember(Scope::kPerson, "naissance", "person.naissance", BsppText::kPersonNaissance),
     TextMember(Scope::kPerson, "telephone", "person.telephone", BsppText::kPersonTelephone),
     TextMember(Scope::kPerson, "sexe", "person.sexe", BsppText::kPersonSexe),
     ObjectMember("household", Scope::kHousehold),
     CountMember(Scope::kHousehold, "adults", "household.adults", BsppCount::kAdults),
     CountMember(Scope::kHousehold, "minors", "household.minors", BsppCount::kMinors),
     CountMember(Scope::kHousehold, "pregnant", "household.pregnant", BsppCount::kPregnant,
                 Type::kCountOrBool),
     {Scope::kRoot, "signs", "signs", Type::kSigns, 0},
     TextMember(Scope::kRoot, "facts", "facts", BsppText::kFacts),
     TextMember(Scope::kRoot, "reported_words", "reported_words", BsppText::kReportedWords),
     ObjectMember("prior_interventions", Scope::kPrior),
     CountMember(Scope::kPrior, "count", "prior_interventions.count", BsppCount::kPrior),
     TextMember(Scope::kPrior, "since", "prior_interventions.since", BsppText::kPriorSince),
     TextMember(Scope::kRoot, "danger", "danger", BsppText::kDanger),
     TextMember(Scope::kRoot, "informed", "informed", BsppText::kInformed),
     TextMember(Scope::kRoot, "agreement", "agreement", BsppText::kAgreement),
     TextMember(Scope::kRoot, "ground", "ground", BsppText::kGround),
     TextMember(Scope::kRoot, "ground_facts", "ground_facts", BsppText::kGroundFacts),
     TextMember(Scope::kRoot, "requested_action", "requested_action", BsppText::kRequestedAction),
     {Scope::kRoot, "exercise", "exercise", Type::kBool, 0}}};

std::string_view PathOf(Scope scope) {
  const auto* found = std::find_if(kMembers.begin(), kMembers.end(), [scope](const Member& member) {
    return member.type == Type::kObject && member.target == static_cast<uint8_t>(scope);
  });
  return found == kMembers.end() ? std::string_view() : found->path;
}

/// Fills a BsppJson from the parser's events. A fault is noted and reading goes on, so that the reference of
/// a malformed row is found wherever it stands.
class Handler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(BsppJson& out) : out_(out) {}

  bool null() override { return WrongScalar(); }

  bool boolean(bool value) override {
    if (skipped_ > 0) return true;
    const Member* member = TakePending();
    if (member == nullptr) return WrongPlace();
    if (member->type == Type::kBool) {
      out_.exercise = value;
    } else if (member->type == Type::kCountOrBool) {
      out_.counts[member->target] = value ? 1 : 0;
    } else {
      Fault(member->path);
    }
    return true;
  }

  bool number_integer(number_integer_t value) override {
    return value >= 0 ? Count(static_cast<uint64_t>(value)) : WrongScalar();
  }
  bool number_unsigned(number_unsigned_t value) override { return Count(value); }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    // A whole number too large for the parser also comes here; it is still an integer.
    const bool whole =
        !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return whole ? Count(std::numeric_limits<uint64_t>::max()) : WrongScalar();
  }

  bool string(string_t& value) override {
    if (skipped_ > 0) return true;
    if (scope_ == Scope::kSigns) {
      if (value.find('\0') != std::string::npos) Fault("signs");
      out_.signs.push_back(std::move(value));
      return true;
    }
    const Member* member = TakePending();
    if (member == nullptr) return WrongPlace();
    if (member->type != Type::kText || value.find('\0') != std::string::npos) {
      Fault(member->path);
      return true;
    }
    out_.texts[member->target] = std::move(value);
    return true;
  }

  bool binary(binary_t& /*value*/) override { return false; }

  bool start_object(std::size_t /*elements*/) override {
    if (skipped_ > 0) return Skip();
    if (scope_ == Scope::kOutside) {
      scope_ = Scope::kRoot;
      return true;
    }
    const Member* member = TakePending();
    if (member != nullptr && member->type == Type::kObject) {
      scope_ = static_cast<Scope>(member->target);
      if (scope_ == Scope::kPlace) out_.has_place = true;
      return true;
    }
    return WrongContainer(member);
  }

  bool key(string_t& name) override {
    if (skipped_ > 0) return true;
    pending_ = nullptr;
    const auto* found = std::find_if(kMembers.begin(), kMembers.end(), [&](const Member& member) {
      return member.scope == scope_ && member.name == name;
    });
    if (found == kMembers.end()) {
      Fault(PathOf(scope_));  // its own name could be anything
      return true;
    }
    const auto index = static_cast<size_t>(found - kMembers.begin());
    if (seen_[index]) {
      if (found->path == "reference") reference_repeated_ = true;
      Fault(found->path);
    }
    seen_[index] = true;
    pending_ = found;
    return true;
  }

  bool end_object() override {
    if (skipped_ > 0) return Unskip();
    scope_ = scope_ == Scope::kRoot ? Scope::kDone : Scope::kRoot;
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (skipped_ > 0) return Skip();
    const Member* member = scope_ == Scope::kSigns ? nullptr : TakePending();
    if (member != nullptr && member->type == Type::kSigns) {
      scope_ = Scope::kSigns;
      return true;
    }
    return WrongContainer(member);
  }

  bool end_array() override {
    if (skipped_ > 0) return Unskip();
    scope_ = Scope::kRoot;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

  [[nodiscard]] bool reference_repeated() const { return reference_repeated_; }

 private:
  const Member* TakePending() {
    const Member* member = pending_;
    pending_ = nullptr;
    return member;
  }

  void Fault(std::string_view path) {
    if (out_.malformed) return;
    out_.malformed = true;
    out_.malformed_field = path;
  }

  /// A value that belongs to no known member: the line itself, an element of `signs`, or an unknown member's
  /// (already noted).
  bool WrongPlace() {
    if (scope_ == Scope::kOutside) return false;  // the line is not an object
    if (scope_ == Scope::kSigns) Fault("signs");
    return true;
  }

  bool WrongScalar() {
    if (skipped_ > 0) return true;
    const Member* member = TakePending();
    if (member == nullptr) return WrongPlace();
    Fault(member->path);
    return true;
  }

  bool WrongContainer(const Member* member) {
    if (member != nullptr) {
      Fault(member->path);
    } else if (!WrongPlace()) {
      return false;
    }
    return Skip();
  }

  bool Count(uint64_t value) {
    if (skipped_ > 0) return true;
    const Member* member = TakePending();
    if (member == nullptr) return WrongPlace();
    if (member->type == Type::kCount || member->type == Type::kCountOrBool) {
      out_.counts[member->target] = value;
    } else {
      Fault(member->path);
    }
    return true;
  }

  bool Skip() {
    ++skipped_;
    return true;
  }
  bool Unskip() {
    --skipped_;
    return true;
  }

  BsppJson& out_;
  Scope scope_ = Scope::kOutside;
  const Member* pending_ = nullptr;
  std::bitset<kMembers.size()> seen_;
  size_t skipped_ = 0;  // depth inside a value that is of no interest
  bool reference_repeated_ = false;
};

std::optional<uint32_t> Hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    const bool is_hex = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
    if (!is_hex) return std::nullopt;
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

constexpr size_t kEscape = 6;  // \uXXXX

/// The code unit of the escape at `i`, if there is one.
std::optional<uint32_t> UnicodeEscapeAt(std::string_view json, size_t i) {
  if (i + kEscape > json.size() || json[i] != '\\' || json[i + 1] != 'u') return std::nullopt;
  return Hex4(json.substr(i + 2));
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// Replaces escapes of lone surrogates, which are good JSON but no character, so that structure can be
/// judged.
bool ReplaceLoneSurrogates(std::string& json) {
  bool replaced = false;
  for (size_t i = json.find('\\'); i != std::string::npos && i < json.size(); i = json.find('\\', i)) {
    const auto unit = UnicodeEscapeAt(json, i);
    if (!unit) {
      i += 2;
      continue;
    }
    if (IsHighSurrogate(*unit)) {
      const auto low = UnicodeEscapeAt(json, i + kEscape);
      if (low && IsLowSurrogate(*low)) {
        i += 2 * kEscape;
        continue;
      }
    }
    if (IsHighSurrogate(*unit) || IsLowSurrogate(*unit)) {
      json.replace(i + 2, 4, "fffd");
      replaced = true;
    }
    i += kEscape;
  }
  return replaced;
}

}  // namespace

std::string_view PathOf(BsppText text) {
  const auto* found = std::find_if(kMembers.begin(), kMembers.end(), [text](const Member& member) {
    return member.type == Type::kText && member.target == static_cast<uint8_t>(text);
  });
  return found == kMembers.end() ? std::string_view() : found->path;
}

BsppJson ParseBsppJson(std::string_view line) {
  BsppJson out;
  // The parser would skip a byte order mark; only the start of a file may have one, and the reader removes
  // it.
  if (line.size() > kMaxNdjsonLine || line.starts_with("\xEF\xBB\xBF")) {
    out.malformed = true;
    return out;
  }
  // Structure comes before encoding in the order of judgement, so bad characters are replaced and remembered.
  bool ill_formed = false;
  std::string json = text::ReplaceIllFormed(line, ill_formed);
  out.bad_encoding = ReplaceLoneSurrogates(json) || ill_formed;

  Handler handler(out);
  const bool is_json = nlohmann::json::sax_parse(json, &handler);
  if (!is_json) {
    out = BsppJson();
    out.malformed = true;
    return out;
  }
  out.reference_is_sure = !handler.reference_repeated();
  return out;
}

}  // namespace relais::feeds::internal
