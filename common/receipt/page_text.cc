#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/receipt/markup.h"
#include "common/receipt/page.h"
#include "common/text/utf8.h"

namespace relais::receipt {
namespace {

constexpr size_t kColumns = 78;
constexpr size_t kCodeLine = 64;
// First strong isolate, left-to-right isolate, and their end: for readers that know them.
constexpr char kIsolate[] = "\xE2\x81\xA8";
constexpr char kLeftToRight[] = "\xE2\x81\xA6";
constexpr char kEnd[] = "\xE2\x81\xA9";

std::string Plain(const Sentence& sentence, bool right_to_left) {
  std::string out;
  for (const Span& span : sentence) {
    const std::string clean = Clean(span.text);
    if (!right_to_left || span.kind == Span::Kind::kOwn) {
      out += clean;
    } else {
      absl::StrAppend(&out, span.kind == Span::Kind::kData ? kIsolate : kLeftToRight, clean, kEnd);
    }
  }
  return out;
}

// Breaks at spaces; a word that is longer stands alone on its line.
std::string Wrapped(const std::string& text, const std::string& first, const std::string& next) {
  std::string out;
  std::string line = first;
  bool empty = true;
  size_t at = 0;
  while (at < text.size()) {
    const size_t space = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, space - at);
    if (!empty && text::CodePoints(line) + 1 + text::CodePoints(word) > kColumns) {
      absl::StrAppend(&out, line, "\n");
      line = next;
      empty = true;
    }
    absl::StrAppend(&line, empty ? "" : " ", word);
    empty = false;
    at = space + 1;
  }
  return absl::StrCat(out, line, "\n");
}

void WritePage(const Page& page, std::string& out) {
  const bool rtl = page.catalog->right_to_left;
  for (const Sentence& banner : page.banners) {
    absl::StrAppend(&out, Wrapped(Plain(banner, rtl), "*** ", "    "), "\n");
  }
  absl::StrAppend(&out, page.title, "\n\n");
  for (const Sentence& sentence : page.lead) {
    out += Wrapped(Plain(sentence, rtl), "", "");
  }
  for (const Section& section : page.sections) {
    absl::StrAppend(&out, "\n", section.heading, "\n");
    for (const Item& item : section.items) {
      out += Wrapped(Plain(item.text, rtl), "  - ", "    ");
    }
  }
  absl::StrAppend(&out, "\n", Wrapped(Plain(page.printed, rtl), "", ""));
}

}  // namespace

std::string WriteText(const std::vector<Page>& pages, const std::string& code) {
  std::string out;
  for (const Page& page : pages) {
    WritePage(page, out);
    absl::StrAppend(&out, "\n", std::string(kColumns, '-'), "\n\n");
  }
  for (size_t at = 0; at < code.size(); at += kCodeLine) {
    absl::StrAppend(&out, code.substr(at, kCodeLine), "\n");
  }
  return out;
}

}  // namespace relais::receipt
