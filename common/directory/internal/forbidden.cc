// Purposes that may not be: this suite helps people; it does not police them.
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "common/directory/internal/lint_rules.h"

namespace relais::directory::internal {
namespace {

struct Stem {
  const char* stem;  // matched at the start of a word, in folded text
  const char* matter;
};

// A trailing space asks for the whole word. "residence" alone is refused too: a "résidence sociale" is a kind
// of housing, not a purpose.
constexpr std::array<Stem, 37> kStems = {{
    {"fraud", "fraud control"},
    {"lutte contre les abus", "fraud control"},
    {"benefit check", "fraud control"},
    {"controle des prestation", "fraud control"},
    {"controle des allocataire", "fraud control"},
    {"recouvre", "debt recovery"},
    {"recovery", "debt recovery"},
    {"debt collect", "debt recovery"},
    {"collection of debt", "debt recovery"},
    {"collect debt", "debt recovery"},
    {"creance", "debt recovery"},
    {"contentieux", "debt recovery"},
    {"huissier", "debt recovery"},
    {"bailiff", "debt recovery"},
    {"saisie", "debt recovery"},
    {"indu ", "debt recovery"},
    {"indus ", "debt recovery"},
    {"trop percu", "debt recovery"},
    {"overpayment", "debt recovery"},
    {"police", "police matters"},
    {"policing", "police matters"},
    {"policier", "police matters"},
    {"gendarme", "police matters"},
    {"law enforcement", "police matters"},
    {"maintien de l ordre", "police matters"},
    {"ordre public", "police matters"},
    {"public order", "police matters"},
    {"judiciary investigation", "police matters"},
    {"criminal investigation", "police matters"},
    {"sejour", "residence matters"},
    {"residence", "residence matters"},
    {"residency", "residence matters"},
    {"immigration", "residence matters"},
    {"migratoire", "residence matters"},
    {"deportation", "residence matters"},
    {"eloignement", "residence matters"},
    {"prefecture", "residence matters"},
}};

constexpr std::array<std::pair<const char*, char>, 26> kFolds = {{
    {"à", 'a'}, {"â", 'a'}, {"ä", 'a'}, {"ç", 'c'}, {"é", 'e'}, {"è", 'e'}, {"ê", 'e'},
    {"ë", 'e'}, {"î", 'i'}, {"ï", 'i'}, {"ô", 'o'}, {"ö", 'o'}, {"ù", 'u'}, {"û", 'u'},
    {"ü", 'u'}, {"À", 'a'}, {"Â", 'a'}, {"Ç", 'c'}, {"É", 'e'}, {"È", 'e'}, {"Ê", 'e'},
    {"Ë", 'e'}, {"Î", 'i'}, {"Ô", 'o'}, {"Ù", 'u'}, {"Û", 'u'},
}};

// Lower case, French accents folded, marks of decomposed accents dropped, all else one space; a space at both
// ends.
std::string Fold(std::string_view text) {
  std::string out = " ";
  while (!text.empty()) {
    char folded = ' ';
    size_t length = 1;
    const char c = text.front();
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      folded = c;
    } else if (c >= 'A' && c <= 'Z') {
      folded = static_cast<char>(c - 'A' + 'a');
    } else if (text.starts_with("\xCC") && text.size() > 1) {
      text.remove_prefix(2);
      continue;
    } else {
      for (const auto& [accented, plain] : kFolds) {
        if (text.starts_with(accented)) {
          folded = plain;
          length = std::string_view(accented).size();
        }
      }
    }
    if (folded != ' ' || out.back() != ' ') {
      out.push_back(folded);
    }
    text.remove_prefix(length);
  }
  return out.back() == ' ' ? out : out + " ";
}

}  // namespace

std::string ForbiddenMatter(const std::string& text) {
  const std::string folded = Fold(text);
  for (const Stem& stem : kStems) {
    if (folded.find(std::string(" ") + stem.stem) != std::string::npos) {
      return stem.matter;
    }
  }
  return "";
}

}  // namespace relais::directory::internal
