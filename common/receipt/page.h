// The page she keeps: what she agreed to, for whom, until when, how to withdraw, who answers for it. Pure.
//
// A page is made once, in one language, as sentences whose every part says where it comes from; the two
// writers then isolate and escape what others wrote. So a hostile name can neither break the HTML nor turn
// the line around, and embedded Latin text stands right in an Arabic page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/calendar/paris.h"
#include "common/receipt/catalog.h"
#include "relais/consent/v1/receipt.pb.h"

namespace relais::receipt {

struct Span {
  enum class Kind {
    kOwn,     // of the catalogue, in the page's language
    kData,    // what others wrote: a name
    kFrench,  // a French label where the page's language has none
    kLatin,   // codes, numbers, addresses: left to right wherever they stand
  };
  Kind kind = Kind::kOwn;
  std::string text;
};
using Sentence = std::vector<Span>;

struct Item {
  std::string pictogram;  // a name of pictograms.h; empty: none
  Sentence text;
};
struct Section {
  std::string pictogram;
  std::string heading;
  std::vector<Item> items;
};
struct Page {
  const Catalog* catalog = nullptr;
  std::string title;
  std::vector<Sentence> banners;  // test, draft
  std::vector<Sentence> lead;
  std::vector<Section> sections;
  Sentence printed;
};

/// `catalog` outlives the page. `whole_leaf`: the code has the leaf, not only its hash. Where somebody spoke
/// for her, the page says who, in which capacity and until when, and nothing as hers that was not (D-2.8,
/// D-2.9).
[[nodiscard]] Page MakePage(const consent::v1::Receipt& receipt, const Catalog& catalog,
                            const calendar::Paris& paris, bool whole_leaf);

/// A whole HTML document for A4: no script, nothing loaded from anywhere (its own Content-Security-Policy
/// forbids both). The pages one after the other, then the code as QR and as text. INVALID_ARGUMENT when the
/// code does not fit a QR code. `pages` is not empty.
[[nodiscard]] absl::StatusOr<std::string> WriteHtml(const std::vector<Page>& pages, const std::string& code);
/// The same as plain text, UTF-8, lines of at most about 78 characters.
[[nodiscard]] std::string WriteText(const std::vector<Page>& pages, const std::string& code);

/// The pages of a receipt in that language: where that is a draft, the French one follows.
[[nodiscard]] std::vector<Page> PagesIn(const Catalog& catalog, const consent::v1::Receipt& receipt,
                                        const calendar::Paris& paris, bool whole_leaf);

}  // namespace relais::receipt
