#include "tests/fuzz/values.h"

#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "google/protobuf/timestamp.pb.h"
#include "relais/common/v1/options.pb.h"
#include "relais/common/v1/types.pb.h"
#include "services/consent/testing/world.h"

namespace relais::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Texts = std::vector<std::string>;

constexpr uint32_t kDefaultMaxLength = 1000;
constexpr int64_t kDay = 86'400;

const common::v1::Rules& RulesOf(const FieldDescriptor& field) {
  return field.options().GetExtension(common::v1::rules);
}

// Codes of the sample directory, and what people write.
std::map<std::string, Texts> MakeTexts() {
  const directory::Content& content = consent::testing::SampleDirectory()->content();
  std::map<std::string, Texts> texts;
  for (const auto& institution : content.institutions) {
    texts["institution"].push_back(institution.id);
    texts["kind"].push_back(institution.kind);
  }
  texts["suppliers"] = {"edf", "engie", "edf", "caf"};
  for (const auto& function : content.functions) {
    texts["function"].push_back(function.id);
  }
  for (const auto& purpose : content.purposes) {
    texts["purposes"].push_back(purpose.code);
  }
  for (const auto& category : content.categories) {
    texts["categories"].push_back(category.code);
  }
  texts["purpose"] = texts["purposes"];
  for (const auto& desk : content.desks) {
    texts["recipient_desk"].push_back(desk.id);
  }
  for (const auto& protocol : content.protocols) {
    texts["signal_type"].push_back(protocol.signal);
    texts["event"].insert(texts["event"].end(), protocol.events.begin(), protocol.events.end());
  }
  texts["request_id"] = {"r-0", "r-1", "r-2", "r-3", "r-4", "r-5", "r-6", "r-7", "met-A-1"};
  texts["own_identifier"] = {"A-1", "A-2", "A-3", "A-4", "C-1"};
  texts["handle"] = {"$person/0", "$person/0", "$person/1", "$person/2", "$person/3", "$foreign/0"};
  texts["handles"] = {"$person/0", "$person/1", "$foreign/0", "rh1_AAAA"};
  texts["person_id"] = {"$person/0", "$person/1", "$person/2"};
  texts["sender_record"] = {"$bytes/16", "0123456789abcdef"};
  texts["digest"] = {"$bytes/32", "0123456789abcdef0123456789abcdef"};
  texts["sha256"] = {"$sha256/0", "$sha256/0", "$bytes/32"};
  texts["source_reference"] = {"ref-1", "ref-2"};
  texts["reference"] = {"ref-1", "ref-2"};
  texts["page_token"] = {"$next_page_token/0", "$next_page_token/1"};
  texts["at_least_as_fresh"] = {"$revision/0", "$revision/1", "relais.test/consent/1:1"};
  texts["etag"] = {"$etag/0", "$etag/1"};
  texts["language"] = {"fr", "en", "ar", "zz"};
  texts["id"] = {"notice-1", "notice-2"};
  texts["version"] = {"1", "2"};
  texts["clear"] = {"surname",     "first_names", "birth_date",  "birthplace",          "phone",  "address",
                    "postal_code", "town",        "identifiers", "birth_date_presumed", "nothing"};
  texts["scheme"] = {"caf", "cpam"};
  texts["value"] = {"1234567", "7654321"};
  texts["surname"] = texts["nom"] = {"Durand", "Martin", "de la Tour d'Auvergne", "O'Brien-Dupré"};
  texts["first_names"] = texts["prenoms"] = {"Marie Hélène", "Jeanne Marie", "Zoé"};
  texts["birthplace"] = texts["town"] = {"Lyon", "Lille", "Paris 13e"};
  texts["address"] = texts["adresse"] = {"12 bd. de l'Hôpital", "900 rue de la Chapelle", "3 bis rue Neuve"};
  texts["postal_code"] = texts["code_postal"] = {"75013", "75116", "75018", "00000"};
  texts["phone"] = {"06 12 34 56 78", "+33612345678", "0033 1 99 00 10 01"};
  texts["currency"] = {"EUR"};
  return texts;
}

const std::map<std::string, Texts>& KnownTexts() {
  static const auto* const kTexts = new std::map<std::string, Texts>(MakeTexts());
  return *kTexts;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

int64_t Story() { return absl::ToUnixSeconds(consent::testing::StoryStart()); }

}  // namespace

bool Values::IsValue(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
         field.message_type() == google::protobuf::Timestamp::descriptor() ||
         field.message_type() == common::v1::Date::descriptor();
}

std::string Values::GoodText(const FieldDescriptor& field) {
  const std::string& name = field.name();
  if (EndsWith(name, "_id") && RulesOf(field).pattern() == "[0-9a-f]{32}") {
    return absl::StrCat("$", name, "/", dice_.Below(3));
  }
  const auto known = KnownTexts().find(name);
  return known != KnownTexts().end() ? dice_.Of(known->second) : absl::StrCat("Some text ", dice_.Below(4));
}

std::string Values::EdgeText(const FieldDescriptor& field) {
  const uint32_t rule = RulesOf(field).max_length();
  const uint64_t most = rule > 0 ? rule : kDefaultMaxLength;
  const std::string many =
      field.type() == FieldDescriptor::TYPE_BYTES ? "$bytes/" : dice_.Of(Texts{"$x/", "$e/", "$u/"});
  switch (dice_.Below(7)) {
    case 0:
      return absl::StrCat(many, most);
    case 1:
      return absl::StrCat(many, most + 1);
    case 2:
      return absl::StrCat(many, most - 1);
    case 3:
      return absl::StrCat(many, 1 + dice_.Below(most));
    case 4:
      return dice_.Of(Texts{"$nir/0", "2 06 12 75 111 005 64", "$person/0", "$foreign/0", "$handle/3"});
    case 5:
      return dice_.Of(Texts{"0", "-1", ":", ":18446744073709551616", "a\n@b", "\x01", "\u202e", "ﬁ", "İ",
                            "..", std::string("a\0b", 3), "\xff", "\xed\xa0\x80",
                            "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
                            "relais.test/consent/1:99999999"});
    default:
      return Scrambled(GoodText(field));
  }
}

std::string Values::Scrambled(std::string text) {
  for (uint64_t i = 0; i <= dice_.Below(3); ++i) {
    const size_t at = dice_.Below(text.size() + 1);
    switch (dice_.Below(3)) {
      case 0:
        text.insert(at, 1, static_cast<char>(dice_.Below(256)));
        break;
      case 1:
        text = text.substr(0, at);
        break;
      default:
        if (at < text.size()) {
          text[at] = static_cast<char>(text[at] ^ (1 << dice_.Below(8)));
        }
    }
  }
  return text;
}

int64_t Values::GoodNumber(const FieldDescriptor& field) {
  const common::v1::Rules& rules = RulesOf(field);
  const int64_t least = rules.has_min() ? rules.min() : 0;
  const int64_t most = rules.has_max() ? rules.max() : 10;
  return dice_.Chance(70) ? least + static_cast<int64_t>(dice_.Below(4)) % (most - least + 1)
                          : least + static_cast<int64_t>(dice_.Below(most - least + 1));
}

int64_t Values::EdgeNumber(const FieldDescriptor& field) {
  const common::v1::Rules& rules = RulesOf(field);
  return dice_.Of(
      std::vector<int64_t>{0, 1, -1, rules.min(), rules.min() - 1, rules.max(), rules.max() + 1,
                           std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min(),
                           std::numeric_limits<uint32_t>::max(), std::numeric_limits<int64_t>::max(),
                           std::numeric_limits<int64_t>::min()});
}

void Values::SetDay(Message& day, bool good) {
  struct Day {
    int year, month, day;
  };
  static const std::vector<Day> kGood = {{2026, 11, 3}, {2026, 11, 2},  {2026, 10, 20}, {2026, 10, 1},
                                         {2026, 9, 1},  {1961, 4, 12},  {2012, 5, 5},   {2010, 11, 3},
                                         {2027, 11, 3}, {2026, 11, 20}, {2024, 2, 29},  {2026, 8, 5}};
  static const std::vector<Day> kEdge = {{2026, 11, 4},  {2026, 2, 29}, {1800, 1, 1}, {9999, 12, 31},
                                         {2026, 13, 1},  {0, 0, 0},     {1799, 1, 1}, {10000, 1, 1},
                                         {2026, 11, 31}, {2026, 8, 4},  {-1, -1, -1}, {2147483647, 12, 31}};
  const Day& chosen = dice_.Of(good ? kGood : kEdge);
  auto& date = static_cast<common::v1::Date&>(day);
  date.set_year(chosen.year);
  date.set_month(chosen.month);
  date.set_day(chosen.day);
}

void Values::SetInstant(Message& instant, bool good) {
  static const std::vector<int64_t> kGood = {0,          -1,         1,           30,         60,
                                             -kDay,      kDay,       7 * kDay,    -29 * kDay, 180 * kDay,
                                             365 * kDay, -60 * kDay, 1800 * kDay, 400 * kDay};
  static const std::vector<int64_t> kEdge = {-31 * kDay,
                                             61,
                                             1826 * kDay,
                                             1827 * kDay,
                                             3652 * kDay,
                                             3653 * kDay,
                                             -Story(),
                                             -Story() - 1,
                                             253402300799 - Story(),
                                             253402300800 - Story(),
                                             -62135596800 - Story(),
                                             -62135596801 - Story()};
  auto& out = static_cast<google::protobuf::Timestamp&>(instant);
  out.set_seconds(Story() + dice_.Of(good ? kGood : kEdge));
  out.set_nanos(good ? 0 : dice_.Of(std::vector<int32_t>{0, 1, 999, 999'999'999, 1'000'000'000, -1}));
  if (!good && dice_.Chance(15)) {
    out.set_seconds(dice_.Of(
        std::vector<int64_t>{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}));
  }
}

void Values::SetNumber(Message& message, const FieldDescriptor& field, int64_t value) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      reflection.SetInt32(&message, &field, static_cast<int32_t>(value));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, &field, value);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection.SetUInt32(&message, &field, static_cast<uint32_t>(value));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection.SetUInt64(&message, &field, static_cast<uint64_t>(value));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, &field, value != 0);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      if (field.is_repeated()) {
        reflection.AddEnumValue(&message, &field, static_cast<int>(value));
      } else {
        reflection.SetEnumValue(&message, &field, static_cast<int>(value));
      }
      break;
    default:
      break;
  }
}

void Values::SetGood(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.is_repeated()) {
        reflection.AddString(&message, &field, GoodText(field));
      } else {
        reflection.SetString(&message, &field, GoodText(field));
      }
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message* inner = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                           : reflection.MutableMessage(&message, &field);
      if (field.message_type() == common::v1::Date::descriptor()) {
        SetDay(*inner, true);
      } else {
        SetInstant(*inner, true);
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto& values = *field.enum_type();
      const int at =
          values.value_count() > 1 ? 1 + static_cast<int>(dice_.Below(values.value_count() - 1)) : 0;
      SetNumber(message, field, values.value(at)->number());
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      SetNumber(message, field, 1);
      break;
    default:
      SetNumber(message, field, GoodNumber(field));
  }
}

void Values::SetEdge(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.is_repeated()) {
        reflection.AddString(&message, &field, EdgeText(field));
      } else {
        reflection.SetString(&message, &field, EdgeText(field));
      }
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message* inner = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                           : reflection.MutableMessage(&message, &field);
      if (field.message_type() == common::v1::Date::descriptor()) {
        SetDay(*inner, false);
      } else {
        SetInstant(*inner, false);
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      SetNumber(message, field, dice_.Of(std::vector<int64_t>{0, -1, 99, 2147483647}));
      break;
    default:
      SetNumber(message, field, EdgeNumber(field));
  }
}

}  // namespace relais::fuzz
