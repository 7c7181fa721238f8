#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/receipt/markup.h"
#include "common/receipt/page.h"
#include "common/receipt/pictograms.h"
#include "common/receipt/qr.h"

namespace relais::receipt {
namespace {

constexpr size_t kCodeLine = 64;

constexpr char kStyle[] =
    "@page{size:A4;margin:14mm}"
    "body{font-family:sans-serif;font-size:12pt;line-height:1.4;color:#000;background:#fff;"
    "max-width:182mm;margin:0 auto;padding:4mm}"
    "h1{font-size:20pt;margin:0 0 3mm}"
    "h2{font-size:13pt;margin:4mm 0 1mm;break-after:avoid}"
    "ul{margin:0;padding-inline-start:9mm;list-style:none}"
    "li{margin:0 0 1mm}"
    "section{break-inside:avoid}"
    "article+article{break-before:page}"
    ".pictogram{vertical-align:-5px;margin-inline-end:2mm}"
    "li .pictogram{width:18px;height:18px;vertical-align:-3px}"
    ".banner{border:2pt solid #000;padding:2mm;font-weight:bold;margin:0 0 3mm}"
    ".code{break-inside:avoid;text-align:center;margin-top:6mm}"
    ".code pre{font-size:7pt;white-space:pre-wrap;word-break:break-all;text-align:left}"
    ".small{font-size:9pt}";

std::string Html(const Span& span) {
  std::string text = Escape(span.text);
  switch (span.kind) {
    case Span::Kind::kOwn:
      return text;
    case Span::Kind::kData:
      return "<bdi>" + text + "</bdi>";
    case Span::Kind::kFrench:
      return "<bdi lang=\"fr\" dir=\"ltr\">" + text + "</bdi>";
    case Span::Kind::kLatin:
      return "<bdi dir=\"ltr\">" + text + "</bdi>";
  }
  return "";
}

std::string Html(const Sentence& sentence) {
  std::string out;
  for (const Span& span : sentence) {
    out += Html(span);
  }
  return out;
}

void WriteSection(const Section& section, std::string& out) {
  absl::StrAppend(&out, "<section>\n<h2>", Pictogram(section.pictogram), Escape(section.heading), "</h2>\n");
  if (!section.items.empty()) {
    out += "<ul>\n";
    for (const Item& item : section.items) {
      absl::StrAppend(&out, "<li>", Pictogram(item.pictogram), Html(item.text), "</li>\n");
    }
    out += "</ul>\n";
  }
  out += "</section>\n";
}

void WriteArticle(const Page& page, std::string& out) {
  const Catalog& catalog = *page.catalog;
  absl::StrAppend(&out, "<article lang=\"", Escape(catalog.language), "\" dir=\"",
                  catalog.right_to_left ? "rtl" : "ltr", "\">\n");
  for (const Sentence& banner : page.banners) {
    absl::StrAppend(&out, "<p class=\"banner\" role=\"note\">", Html(banner), "</p>\n");
  }
  absl::StrAppend(&out, "<h1>", Escape(page.title), "</h1>\n");
  for (const Sentence& sentence : page.lead) {
    absl::StrAppend(&out, "<p>", Html(sentence), "</p>\n");
  }
  for (const Section& section : page.sections) {
    WriteSection(section, out);
  }
  absl::StrAppend(&out, "<p class=\"small\">", Html(page.printed), "</p>\n</article>\n");
}

}  // namespace

absl::StatusOr<std::string> WriteHtml(const std::vector<Page>& pages, const std::string& code) {
  ASSIGN_OR_RETURN(const QrCode qr, MakeQr(code));
  const Catalog& first = *pages.front().catalog;
  // A module of half a millimetre or more, between 5 and 10 cm.
  const int millimetres = std::clamp((qr.side + 8) * 3 / 5, 50, 102);
  std::string out = absl::StrCat("<!DOCTYPE html>\n<html lang=\"", Escape(first.language), "\" dir=\"",
                                 first.right_to_left ? "rtl" : "ltr",
                                 "\">\n<head>\n<meta charset=\"utf-8\">\n"
                                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                                 "style-src 'unsafe-inline'\">\n"
                                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                 "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
                                 Escape(pages.front().title), "</title>\n<style>", kStyle,
                                 "</style>\n</head>\n<body>\n<main>\n");
  for (const Page& page : pages) {
    WriteArticle(page, out);
  }
  absl::StrAppend(&out, "<div class=\"code\">\n", QrSvg(qr, millimetres, first.Message("code.label")),
                  "\n<pre dir=\"ltr\" aria-hidden=\"true\">");
  for (size_t at = 0; at < code.size(); at += kCodeLine) {
    absl::StrAppend(&out, Escape(std::string_view(code).substr(at, kCodeLine)), "\n");
  }
  out += "</pre>\n</div>\n</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace relais::receipt
