#include "common/receipt/page.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/proto_time.h"
#include "common/receipt/record.h"

namespace relais::receipt {
namespace {

using Kind = Span::Kind;
using Named = std::vector<std::pair<std::string_view, Span>>;

class Writer {
 public:
  Writer(const consent::v1::Receipt& receipt, const Catalog& catalog, const calendar::Paris& paris)
      : receipt_(receipt),
        catalog_(catalog),
        paris_(paris),
        represented_(receipt.consent().has_representative()) {}

  // A message with its values in their places, each still saying what it is.
  [[nodiscard]] Sentence Say(std::string_view key, const Named& values = {}) const {
    std::string_view rest = catalog_.Message(key);
    Sentence out;
    while (!rest.empty()) {
      const size_t open = rest.find('{');
      const size_t close = open == std::string_view::npos ? open : rest.find('}', open);
      if (close == std::string_view::npos) {
        break;
      }
      if (open > 0) {
        out.push_back({Kind::kOwn, std::string(rest.substr(0, open))});
      }
      const std::string_view name = rest.substr(open + 1, close - open - 1);
      for (const auto& [each, span] : values) {
        if (each == name) {
          out.push_back(span);
        }
      }
      rest.remove_prefix(close + 1);
    }
    if (!rest.empty()) {
      out.push_back({Kind::kOwn, std::string(rest)});
    }
    return out;
  }

  // What she said herself, or what was said for her.
  [[nodiscard]] Sentence SayOf(const std::string& key, bool represented, const Named& values = {}) const {
    return Say(represented ? key + ".represented" : key, values);
  }

  [[nodiscard]] std::string Title() const {
    return std::string(catalog_.Message(represented_ ? "title.represented" : "title"));
  }

  [[nodiscard]] Span Date(absl::Time time) const {
    const absl::CivilMinute civil = absl::ToCivilMinute(time, paris_.zone());
    return {Kind::kOwn,
            Fill(catalog_.Message("date"), {{"day", absl::StrCat(civil.day())},
                                            {"month", Month(civil.month())},
                                            {"year", absl::StrCat(civil.year())},
                                            {"hour", absl::StrFormat("%02d", civil.hour())},
                                            {"minute", absl::StrFormat("%02d", civil.minute())}})};
  }

  // The last day before that instant.
  [[nodiscard]] Span LastDay(absl::Time end) const {
    const absl::CivilDay day = paris_.DayOf(end - absl::Microseconds(1));
    return {Kind::kOwn, Fill(catalog_.Message("day"), {{"day", absl::StrCat(day.day())},
                                                       {"month", Month(day.month())},
                                                       {"year", absl::StrCat(day.year())}})};
  }

  // A code of the directory in the page's language, or in French.
  [[nodiscard]] Span Word(const char* list,
                          const google::protobuf::RepeatedPtrField<consent::v1::CodeLabel>& labels,
                          const std::string& code) const {
    if (const auto word = catalog_.words.find(absl::StrCat(list, ".", code)); word != catalog_.words.end()) {
      return {Kind::kOwn, word->second};
    }
    const auto label =
        std::find_if(labels.begin(), labels.end(), [&](const auto& each) { return each.code() == code; });
    if (label == labels.end()) {
      return {Kind::kLatin, code};
    }
    if (catalog_.language == "en" && !label->en().empty()) {
      return {Kind::kData, label->en()};
    }
    return {catalog_.language == "fr" ? Kind::kData : Kind::kFrench, label->fr()};
  }

  [[nodiscard]] bool Special(const std::string& category) const {
    const auto& labels = receipt_.categories();
    return std::any_of(labels.begin(), labels.end(),
                       [&](const auto& each) { return each.code() == category && each.special(); });
  }

  [[nodiscard]] Sentence Recipient(const consent::v1::Recipient& recipient) const {
    if (recipient.institution().empty()) {
      const std::string key = "kind." + recipient.kind();
      const std::string_view word = catalog_.Message(key);
      const Span kind =
          word.empty() ? Span{Kind::kLatin, recipient.kind()} : Span{Kind::kOwn, std::string(word)};
      return Say("to.kind", {{"kind", kind}});
    }
    return {{Kind::kData, NameOf(recipient.institution())}};
  }

  [[nodiscard]] std::string NameOf(const std::string& institution) const {
    for (const consent::v1::ReceiptParty& party : receipt_.parties()) {
      if (party.institution() == institution && !party.name().empty()) {
        return party.name();
      }
    }
    return institution;
  }

  // "SIGNED_PAPER" of METHOD_SIGNED_PAPER is `method.signed_paper`.
  [[nodiscard]] Sentence Choice(std::string_view list, std::string name, std::string_view prefix,
                                bool represented = false) const {
    name = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return SayOf(absl::StrCat(std::string(list), ".", name), represented);
  }

  void AddIntroduction(std::vector<Sentence>& lead) const {
    const consent::v1::Consent& consent = receipt_.consent();
    lead.push_back(SayOf("intro", represented_,
                         {{"date", Date(FromProto(receipt_.recorded()))},
                          {"institution", {Kind::kData, NameOf(consent.collector().institution())}}}));
    if (represented_) {
      AddRepresentative(lead);
    }
    if (!receipt_.function_label().empty()) {
      const Kind kind = catalog_.language == "fr" ? Kind::kData : Kind::kFrench;
      lead.push_back(Say("intro.by", {{"function", {kind, receipt_.function_label()}}}));
    }
    lead.push_back(State());
  }

  // In which capacity somebody spoke for her, and until when that carries the agreement.
  void AddRepresentative(std::vector<Sentence>& lead) const {
    const consent::v1::Representation kind = receipt_.consent().representative().kind();
    Sentence who = Choice("representative", consent::v1::Representation_Name(kind), "REPRESENTATION_");
    if (!who.empty()) {
      lead.push_back(std::move(who));
    }
    const std::optional<absl::Time> end = MandateEnd(receipt_);
    if (end && kind != consent::v1::REPRESENTATION_NONE) {
      lead.push_back(Say("representative.until", {{"date", LastDay(*end)}}));
    }
  }

  [[nodiscard]] Section Titled(const char* pictogram, const char* key) const {
    return {pictogram, std::string(catalog_.Message(key)), {}};
  }

  void AddLine(const consent::v1::ConsentLine& line, std::vector<Section>& out) const {
    Section what = Titled("what", "section.what");
    for (const std::string& category : line.categories()) {
      Sentence text = {Word("category", receipt_.categories(), category)};
      if (Special(category)) {
        text.push_back({Kind::kOwn, " ★"});
      }
      what.items.push_back({CategoryPictogram(category), std::move(text)});
    }
    Section to = Titled("to", "section.to");
    for (const consent::v1::Recipient& recipient : line.recipients()) {
      to.items.push_back({"", Recipient(recipient)});
    }
    Section why = Titled("why", "section.why");
    for (const std::string& purpose : line.purposes()) {
      why.items.push_back({"", {Word("purpose", receipt_.purposes(), purpose)}});
    }
    Section how = Titled("how", "section.how");
    for (const int act : line.acts()) {
      how.items.push_back({"", Choice("act", common::v1::Act_Name(act), "ACT_")});
    }
    for (Section* section : {&what, &to, &why, &how}) {
      out.push_back(std::move(*section));
    }
  }

  void AddUntil(std::vector<Section>& out) const {
    const consent::v1::Consent& consent = receipt_.consent();
    Section until = Titled("until", "section.until");
    if (receipt_.state() != consent::v1::RECEIPT_STATE_INVALIDATED) {  // never given: it lasts for no time
      until.items.push_back({"", Say("until", {{"date", Date(EndOf(receipt_))}})});
    }
    for (const consent::v1::ReceiptRenewal& renewal : receipt_.renewals()) {
      until.items.push_back(
          {"", SayOf("renewed", renewal.has_representative(), {{"date", Date(FromProto(renewal.at()))}})});
    }
    if (!consent.source_reference().empty()) {
      until.items.push_back(
          {"", Say("only.reference", {{"reference", {Kind::kLatin, consent.source_reference()}}})});
    }
    out.push_back(std::move(until));
  }

  void AddWithdrawal(std::vector<Section>& out) const {
    Section section = Titled("withdraw", "section.withdraw");
    const std::string email = receipt_.parties_size() > 0 ? receipt_.parties(0).dpo_email() : "";
    section.items.push_back({"", Say("withdraw.any")});
    section.items.push_back(
        {"", Say("withdraw.desk", {{"email", {Kind::kLatin, email}},
                                   {"id", {Kind::kLatin, receipt_.consent().consent_id()}}})});
    section.items.push_back({"", Say("withdraw.after")});
    out.push_back(std::move(section));
  }

  void AddWho(std::vector<Section>& out) const {
    Section section = Titled("who", "section.who");
    for (const consent::v1::ReceiptParty& party : receipt_.parties()) {
      Sentence text = {{Kind::kData, party.name()}, {Kind::kOwn, " — "}};
      for (Span& span : Say("who.controller", {{"controller", {Kind::kData, party.controller()}}})) {
        text.push_back(std::move(span));
      }
      text.push_back({Kind::kOwn, ". "});
      for (Span& span : Say("who.dpo", {{"name", {Kind::kData, party.dpo_name()}},
                                        {"email", {Kind::kLatin, party.dpo_email()}}})) {
        text.push_back(std::move(span));
      }
      text.push_back({Kind::kOwn, "."});
      section.items.push_back({"", std::move(text)});
    }
    out.push_back(std::move(section));
  }

  void AddRights(std::vector<Section>& out) const {
    Section section = Titled("rights", "section.rights");
    section.items.push_back({"", Say("rights")});
    section.items.push_back({"", Say("rights.complaint")});
    out.push_back(std::move(section));
  }

  void AddProof(bool whole_leaf, std::vector<Section>& out) const {
    const consent::v1::Consent& consent = receipt_.consent();
    Section section = Titled("proof", "section.proof");
    section.items.push_back(
        {"", Choice("method", consent::v1::Method_Name(consent.method()), "METHOD_", represented_)});
    for (const int aid : consent.aids()) {
      section.items.push_back({"", Choice("aid", consent::v1::Aid_Name(static_cast<consent::v1::Aid>(aid)),
                                          "AID_", represented_)});
    }
    section.items.push_back({"", SayOf("notice", represented_,
                                       {{"id", {Kind::kLatin, consent.notice().id()}},
                                        {"version", {Kind::kLatin, consent.notice().version()}},
                                        {"language", {Kind::kLatin, consent.notice().language()}}})});
    if (consent.explicit_()) {
      section.items.push_back({"", SayOf("explicit", represented_)});
    }
    section.items.push_back({"", Say("number", {{"id", {Kind::kLatin, consent.consent_id()}}})});
    section.items.push_back(
        {"", Say("place", {{"origin", {Kind::kLatin, receipt_.proof().origin()}},
                           {"index", {Kind::kLatin, absl::StrCat(receipt_.proof().leaf_index())}}})});
    section.items.push_back({"", Say("proof")});
    if (!whole_leaf) {
      section.items.push_back({"", Say("proof.hash")});
    }
    section.items.push_back({"", Say("proof.keep")});
    std::erase_if(section.items, [](const Item& item) { return item.text.empty(); });
    out.push_back(std::move(section));
  }

  [[nodiscard]] Sentence State() const {
    const Named date = {{"date", Date(FromProto(receipt_.state_since()))}};
    switch (receipt_.state()) {
      case consent::v1::RECEIPT_STATE_NOT_YET:
        return Say("state.not_yet", {{"date", Date(FromProto(receipt_.consent().valid_from()))}});
      case consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN:
        return receipt_.refused_before() ? SayOf("state.never_partly", receipt_.state_by_representative())
                                         : SayOf("state.partly", receipt_.state_by_representative(), date);
      case consent::v1::RECEIPT_STATE_WITHDRAWN:
        return receipt_.refused_before() ? Say("state.never")  // only her own no does that
                                         : SayOf("state.withdrawn", receipt_.state_by_representative(), date);
      case consent::v1::RECEIPT_STATE_EXPIRED:
        return Say("state.expired", date);
      case consent::v1::RECEIPT_STATE_TERMINATED:
        return Say("state.terminated", date);
      case consent::v1::RECEIPT_STATE_INVALIDATED:
        return Say("state.invalidated", date);
      default:
        return Say("state.given");
    }
  }

 private:
  [[nodiscard]] std::string Month(int month) const {
    return std::string(catalog_.Message(absl::StrCat("month.", month)));
  }

  static std::string CategoryPictogram(const std::string& category) {
    if (category == "IDENTITY" || category == "CONTACT") {
      return "identity";
    }
    if (category == "ADDRESS" || category == "HOUSING") {
      return "house";
    }
    if (category == "ENERGY_DEBT") {
      return "bolt";
    }
    if (category == "RESOURCES") {
      return "coin";
    }
    if (category == "FAMILY" || category == "SOCIAL_SITUATION") {
      return "family";
    }
    if (category == "HEALTH") {
      return "health";
    }
    return category == "DOCUMENTS" ? "document" : "what";
  }

  const consent::v1::Receipt& receipt_;
  const Catalog& catalog_;
  const calendar::Paris& paris_;
  const bool represented_;  // somebody agreed for her
};

}  // namespace

Page MakePage(const consent::v1::Receipt& receipt, const Catalog& catalog, const calendar::Paris& paris,
              bool whole_leaf) {
  const Writer writer(receipt, catalog, paris);
  Page page;
  page.catalog = &catalog;
  page.title = writer.Title();
  if (receipt.test()) {
    page.banners.push_back(writer.Say("test"));
  }
  if (catalog.draft) {
    Sentence banner = {{Kind::kFrench, "À RELIRE : traduction à relire"}, {Kind::kOwn, " — "}};
    for (Span& span : writer.Say("draft.note")) {
      banner.push_back(std::move(span));
    }
    page.banners.push_back(std::move(banner));
  }
  const consent::v1::Consent& consent = receipt.consent();
  writer.AddIntroduction(page.lead);
  for (int i = 0; i < consent.lines_size(); ++i) {
    if (consent.lines_size() > 1) {
      Section part;
      for (const Span& span : writer.Say("line", {{"number", {Kind::kOwn, absl::StrCat(i + 1)}}})) {
        part.heading += span.text;
      }
      page.sections.push_back(std::move(part));
    }
    writer.AddLine(consent.lines(i), page.sections);
  }
  writer.AddUntil(page.sections);
  writer.AddWithdrawal(page.sections);
  writer.AddWho(page.sections);
  writer.AddRights(page.sections);
  writer.AddProof(whole_leaf, page.sections);
  page.printed = writer.Say("printed", {{"date", writer.Date(FromProto(receipt.as_of()))}});
  return page;
}

std::vector<Page> PagesIn(const Catalog& catalog, const consent::v1::Receipt& receipt,
                          const calendar::Paris& paris, bool whole_leaf) {
  std::vector<Page> pages = {MakePage(receipt, catalog, paris, whole_leaf)};
  if (catalog.draft) {
    pages.push_back(MakePage(receipt, Catalogs().front(), paris, whole_leaf));
  }
  return pages;
}

}  // namespace relais::receipt
