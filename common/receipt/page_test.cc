#include "common/receipt/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_replace.h"
#include "common/directory/codes.h"
#include "common/receipt/markup.h"
#include "common/receipt/pictograms.h"
#include "common/receipt/qr.h"
#include "common/receipt/testing/sample_receipt.h"

namespace relais::receipt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SampleReceipt;

constexpr char kCode[] = "RELAIS1:ABCDEFGH234567";

class PageTest : public ::testing::Test {
 protected:
  PageTest() : paris_(*calendar::Paris::Load()) {}
  std::vector<Page> Pages(const std::string& language, bool whole_leaf = true) {
    return PagesIn(**FindCatalog(language), receipt_, paris_, whole_leaf);
  }
  std::string Html(const std::string& language) {
    const absl::StatusOr<std::string> html = WriteHtml(Pages(language), kCode);
    EXPECT_TRUE(html.ok()) << html.status();
    return html.value_or("");
  }
  std::string Text(const std::string& language) { return WriteText(Pages(language), kCode); }
  // The text with its line breaks undone.
  std::string Flowing(const std::string& language) {
    std::string text = absl::StrReplaceAll(Text(language), {{"\n    ", " "}});
    for (size_t i = 1; i + 1 < text.size(); ++i) {
      if (text[i] == '\n' && text[i - 1] != '\n' && text[i + 1] != '\n' && text[i + 1] != ' ') {
        text[i] = ' ';
      }
    }
    return text;
  }

  calendar::Paris paris_;
  consent::v1::Receipt receipt_ = SampleReceipt();
};

TEST_F(PageTest, SaysWhatToWhomUntilWhenAndHowToWithdraw) {
  const std::string text = Flowing("fr");
  EXPECT_THAT(text,
              HasSubstr("Le 3 novembre 2026 à 11 h 00, vous avez donné votre accord à Ville de Paris."));
  EXPECT_THAT(text, HasSubstr("Identité\n"));
  EXPECT_THAT(text, HasSubstr("Santé ★\n"));
  EXPECT_THAT(text, HasSubstr("Caisse d'allocations familiales\n"));
  EXPECT_THAT(text, HasSubstr("Tous les organismes de ce genre : Hôpital"));
  EXPECT_THAT(text, HasSubstr("Ouvrir ou rétablir des droits sociaux"));
  EXPECT_THAT(text, HasSubstr("Jusqu'au 3 novembre 2027 à 11 h 00."));
  EXPECT_THAT(text, HasSubstr("changer d'avis à tout moment"));
  EXPECT_THAT(text, HasSubstr(std::string(32, 'a')));
  EXPECT_THAT(text, HasSubstr("Responsable : Ville de Paris"));
  EXPECT_THAT(text, HasSubstr("Déléguée de Ville de Paris, dpo@ville-paris.example"));
  EXPECT_THAT(text, HasSubstr("relais.test/consent/1, ligne 41"));
  EXPECT_THAT(text, HasSubstr(kCode));
}

TEST_F(PageTest, InEnglish) {
  const std::string text = Flowing("en");
  EXPECT_THAT(text, HasSubstr("On 3 November 2026, 11:00 you gave your agreement to Ville de Paris."));
  EXPECT_THAT(text, HasSubstr("Open or restore social rights"));
  EXPECT_THAT(text, Not(HasSubstr("À RELIRE")));
}

// D-2.8, D-2.9: who spoke for her, in which capacity, until when; and nothing as hers that was not.
TEST_F(PageTest, SaysWhoAgreedForHer) {
  const std::vector<std::pair<consent::v1::Representation, std::string>> kinds = {
      {consent::v1::REPRESENTATION_TUTELLE, "votre tuteur ou votre tutrice."},
      {consent::v1::REPRESENTATION_HABILITATION_FAMILIALE, "un proche que le juge a habilité."},
      {consent::v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE, "celle que vous aviez choisie d'avance"},
      {consent::v1::REPRESENTATION_ONE_PARENT, "l'un de vos parents."},
      {consent::v1::REPRESENTATION_BOTH_PARENTS, "vos deux parents."},
      {consent::v1::REPRESENTATION_ASE, "l'aide sociale à l'enfance."},
      {consent::v1::REPRESENTATION_GUARDIAN_AD_HOC, "l'administrateur ad hoc nommé par un juge."},
      {consent::v1::REPRESENTATION_NONE, "Personne ne vous représente encore"}};
  for (const auto& [kind, who] : kinds) {
    testing::GiveFor(kind, receipt_);
    const std::string text = Flowing("fr");
    EXPECT_THAT(
        text,
        HasSubstr("Le 3 novembre 2026 à 11 h 00, un accord a été donné en votre nom à Ville de Paris."));
    EXPECT_THAT(text, HasSubstr(who));
    EXPECT_THAT(text, HasSubstr("Accord donné en votre nom"));
    for (const char* hers : {"vous avez donné votre accord", "Votre accord\n", "Vous avez signé",
                             "Vous avez dit oui", "Un interprète vous a aidé", "On vous a donné"}) {
      EXPECT_THAT(text, Not(HasSubstr(hers))) << who;
    }
    const bool ends = kind != consent::v1::REPRESENTATION_NONE;
    const auto says_until = HasSubstr("va jusqu'au 30 novembre 2026 compris.");
    if (ends) {
      EXPECT_THAT(text, says_until) << who;
    } else {
      EXPECT_THAT(text, Not(says_until)) << "nobody's right to speak ends";
    }
    EXPECT_THAT(Flowing("en"), HasSubstr("an agreement was given in your name to Ville de Paris."));
    EXPECT_THAT(Html("ar"), HasSubstr("باسمك")) << who;
  }
}

// A mandate that was renewed carries the agreement longer.
TEST_F(PageTest, SaysWhoProlongedItForHer) {
  testing::GiveFor(consent::v1::REPRESENTATION_TUTELLE, receipt_);
  consent::v1::ReceiptRenewal& renewal = *receipt_.add_renewals();
  *renewal.mutable_at() = ToProto(testing::At(11, 10, 10));
  *renewal.mutable_valid_until() = ToProto(testing::At(12, 31, 10));
  renewal.mutable_representative()->set_kind(consent::v1::REPRESENTATION_TUTELLE);
  *renewal.mutable_mandate_until() = ToProto(testing::At(12, 15, 23));
  const std::string text = Flowing("fr");
  EXPECT_THAT(text, HasSubstr("Il a été prolongé en votre nom le 10 novembre 2026 à 11 h 00."));
  EXPECT_THAT(text, HasSubstr("va jusqu'au 15 décembre 2026 compris."));
}

TEST_F(PageTest, SaysWhoseNoItWas) {
  *receipt_.mutable_state_since() = ToProto(testing::At(11, 4, 8));
  receipt_.set_state(consent::v1::RECEIPT_STATE_WITHDRAWN);
  receipt_.set_state_by_representative(true);
  EXPECT_THAT(Flowing("fr"), HasSubstr("Cet accord a été retiré en votre nom le 4 novembre 2026"));
  receipt_.set_state(consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_THAT(Flowing("fr"), HasSubstr("Une partie de cet accord a été retirée en votre nom le 4 novembre"));
  // ADR 50: a no from before it is not told as a withdrawal of what never began.
  receipt_.set_refused_before(true);
  EXPECT_THAT(Flowing("fr"), HasSubstr("Une partie de cet accord ne vaut pas : un non avait été dit avant"));
  receipt_.set_state_by_representative(false);
  EXPECT_THAT(Flowing("fr"), HasSubstr("Une partie de cet accord ne vaut pas : vous aviez dit non avant."));
  receipt_.set_state(consent::v1::RECEIPT_STATE_WITHDRAWN);
  const std::string text = Flowing("fr");
  EXPECT_THAT(text, HasSubstr("Cet accord ne vaut pas : vous aviez dit non avant."));
  EXPECT_THAT(text, Not(HasSubstr("retiré")));
}

TEST_F(PageTest, EveryStateIsSaid) {
  *receipt_.mutable_state_since() = ToProto(testing::At(11, 4, 8));
  const std::vector<std::pair<consent::v1::ReceiptState, std::string>> states = {
      {consent::v1::RECEIPT_STATE_GIVEN, "Cet accord est valable."},
      {consent::v1::RECEIPT_STATE_NOT_YET, "Cet accord sera valable à partir du 3 novembre 2026 à 11 h 00."},
      {consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN,
       "Vous avez retiré une partie de cet accord le 4 novembre 2026 à 9 h 00."},
      {consent::v1::RECEIPT_STATE_WITHDRAWN, "Vous avez retiré cet accord le 4 novembre 2026 à 9 h 00."},
      {consent::v1::RECEIPT_STATE_EXPIRED, "Cet accord est terminé depuis le 4 novembre 2026 à 9 h 00."},
      {consent::v1::RECEIPT_STATE_TERMINATED,
       "Cet accord a été arrêté le 4 novembre 2026 à 9 h 00 par l'organisme"},
      {consent::v1::RECEIPT_STATE_INVALIDATED,
       "Cet accord a été déclaré non valable le 4 novembre 2026 à 9 h 00. Il compte comme jamais donné."}};
  for (const auto& [state, sentence] : states) {
    receipt_.set_state(state);
    EXPECT_THAT(absl::StrReplaceAll(Flowing("fr"), {{"à 0", "à "}}), HasSubstr(sentence));
  }
}

TEST_F(PageTest, ARenewedAgreementLastsUntilItsNewEnd) {
  consent::v1::ReceiptRenewal& renewal = *receipt_.add_renewals();
  *renewal.mutable_at() = ToProto(testing::At(11, 10, 10));
  *renewal.mutable_valid_until() = ToProto(testing::At(12, 10, 10) + absl::Hours(24 * 365));
  *receipt_.mutable_lasts_until() = renewal.valid_until();
  const std::string text = Flowing("fr");
  EXPECT_THAT(text, HasSubstr("Jusqu'au 10 décembre 2027 à 11 h 00."));
  EXPECT_THAT(text, HasSubstr("Vous l'avez prolongé le 10 novembre 2026 à 11 h 00."));
  EXPECT_THAT(text, Not(HasSubstr("3 novembre 2027")));
}

TEST_F(PageTest, DraftsSaySoAndTheFrenchFollows) {
  for (const char* language : {"ar", "es", "ro", "ru"}) {
    const std::string html = Html(language);
    EXPECT_THAT(html, HasSubstr("À RELIRE")) << language;
    EXPECT_THAT(html, HasSubstr("à relire")) << language;
    EXPECT_THAT(html, HasSubstr("<article lang=\"" + std::string(language) + "\"")) << language;
    EXPECT_THAT(html, HasSubstr("<article lang=\"fr\" dir=\"ltr\">")) << language;
    EXPECT_THAT(Text(language), HasSubstr("*** ")) << language;
  }
}

TEST_F(PageTest, RightToLeftAndItsLatinParts) {
  const std::string html = Html("ar");
  EXPECT_THAT(html, HasSubstr("<html lang=\"ar\" dir=\"rtl\">"));
  EXPECT_THAT(html, HasSubstr("<bdi>Ville de Paris</bdi>"));
  EXPECT_THAT(html, HasSubstr("<bdi dir=\"ltr\">dpo@ville-paris.example</bdi>"));
  EXPECT_THAT(html, HasSubstr("<bdi lang=\"fr\" dir=\"ltr\">Assistante sociale</bdi>"));
  EXPECT_THAT(html, HasSubstr("فتح الحقوق الاجتماعية"));  // the purpose, in Arabic
  EXPECT_THAT(Text("ar"), HasSubstr("\xE2\x81\xA6"
                                    "dpo@ville-paris.example\xE2\x81\xA9"));
}

// Nothing is loaded, nothing runs.
TEST_F(PageTest, SelfContained) {
  for (const char* language : {"fr", "ar"}) {
    const std::string html = Html(language);
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    for (const char* never :
         {"<script", "<link", "<img", "<iframe", "@import", "url(", " src=", " href=", "javascript:"}) {
      EXPECT_THAT(html, Not(HasSubstr(never))) << never;
    }
    EXPECT_THAT(html, Not(::testing::ContainsRegex(" on[a-z]+=")));
    EXPECT_THAT(html, HasSubstr("@page{size:A4"));
  }
}

// The dark modules of the first QR code in that text, as its path draws them; empty: there is none.
std::string ModulesIn(const std::string& text) {
  const size_t from = text.find(" d=\"", text.find("class=\"qr\""));
  return from == std::string::npos ? "" : text.substr(from, text.find('"', from + 4) - from);
}

// What she scans is the code that stands below it, and of each code another: qr_test.cc has drawings read.
TEST_F(PageTest, TheDrawingIsOfItsOwnCode) {
  std::set<std::string> drawings;
  for (const std::string& code : {std::string(kCode), std::string("RELAIS1:ABCDEFGH234576")}) {
    const absl::StatusOr<QrCode> qr = MakeQr(code);
    ASSERT_TRUE(qr.ok()) << qr.status();
    const std::string expected = ModulesIn(QrSvg(*qr, 50, ""));
    ASSERT_FALSE(expected.empty());
    EXPECT_TRUE(drawings.insert(expected).second) << "another code has the same drawing";
    for (const char* language : {"fr", "ar"}) {
      const absl::StatusOr<std::string> html = WriteHtml(Pages(language), code);
      ASSERT_TRUE(html.ok()) << html.status();
      EXPECT_EQ(ModulesIn(*html), expected) << language;
      EXPECT_EQ(html->find("class=\"qr\""), html->rfind("class=\"qr\"")) << "one drawing, one code";
      EXPECT_THAT(*html, HasSubstr("aria-hidden=\"true\">" + code + "\n</pre>")) << language;
    }
  }
}

// For who does not read: what, to whom, until when and how to withdraw each have a drawing of their own, and
// who has the page read out hears the words beside it instead.
TEST_F(PageTest, PictogramsForWhatToWhomUntilWhenAndHowToWithdraw) {
  for (const Catalog& catalog : Catalogs()) {
    const std::string html = Html(catalog.language);
    std::set<std::string> drawings;
    for (const char* part : {"what", "to", "until", "withdraw"}) {
      const std::string drawing = Pictogram(part);
      ASSERT_THAT(drawing, HasSubstr("<svg ")) << part;
      EXPECT_THAT(drawing, HasSubstr(" aria-hidden=\"true\"")) << part;
      EXPECT_TRUE(drawings.insert(drawing).second) << part << " has the drawing of another";
      const std::string words = Escape(catalog.Message("section." + std::string(part)));
      ASSERT_FALSE(words.empty()) << catalog.language << " " << part;
      EXPECT_THAT(html, HasSubstr("<h2>" + drawing + words + "</h2>")) << catalog.language << " " << part;
    }
  }
}

TEST_F(PageTest, EveryCategoryHasAPictogramAndItsWordsInEveryLanguage) {
  consent::v1::ConsentLine& line = *receipt_.mutable_consent()->mutable_lines(0);
  line.clear_categories();
  receipt_.clear_categories();
  for (const std::string_view code : directory::kExpectedCategories) {
    const std::string name(code);
    line.add_categories(name);
    testing::AddLabel(*receipt_.add_categories(), name, "fr " + name, "en " + name);
  }
  for (const Catalog& catalog : Catalogs()) {
    const std::vector<Page> pages = Pages(catalog.language);
    const std::vector<Section>& sections = pages.front().sections;
    const auto what = std::find_if(sections.begin(), sections.end(),
                                   [](const Section& each) { return each.pictogram == "what"; });
    ASSERT_NE(what, sections.end()) << catalog.language;
    ASSERT_EQ(what->items.size(), directory::kExpectedCategories.size()) << catalog.language;
    const std::string html = Html(catalog.language);
    for (size_t i = 0; i < what->items.size(); ++i) {
      const Item& item = what->items[i];
      const std::string_view code = directory::kExpectedCategories[i];
      const std::string drawing = Pictogram(item.pictogram);
      ASSERT_THAT(drawing, HasSubstr("<svg ")) << catalog.language << " " << code;
      ASSERT_FALSE(item.text.empty() || item.text[0].text.empty()) << catalog.language << " " << code;
      const bool own = item.text[0].kind == Span::Kind::kOwn;
      const std::string isolated =
          item.text[0].kind == Span::Kind::kFrench ? "<bdi lang=\"fr\" dir=\"ltr\">" : "<bdi>";
      EXPECT_THAT(html, HasSubstr("<li>" + drawing + (own ? "" : isolated) + Escape(item.text[0].text)))
          << catalog.language << " " << code;
      EXPECT_NE(item.text[0].text, code) << catalog.language << ": a code is no word";
    }
  }
}

// Every element is closed in its order: the page is well-formed whatever is in it.
void ExpectWellFormed(const std::string& html) {
  std::vector<std::string> open;
  std::string outside;
  size_t at = 0;
  for (size_t from = 0; (from = html.find('<', at)) != std::string::npos;) {
    outside += html.substr(at, from - at);
    bool quoted = false;
    size_t end = from;
    while (end < html.size() && (quoted || html[end] != '>')) {
      quoted = quoted != (html[end++] == '"');
    }
    ASSERT_LT(end, html.size()) << "a tag without end";
    const bool closes = html[from + 1] == '/';
    const std::string tag = html.substr(from + (closes ? 2 : 1), end - from - (closes ? 2 : 1));
    const std::string name = tag.substr(0, tag.find_first_of(" /\n"));
    ASSERT_FALSE(name.empty());
    at = end + 1;
    if (name == "!DOCTYPE" || name == "meta" || tag.ends_with("/")) {
      continue;
    }
    if (!closes) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name);
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
  // Outside tags there is no bracket.
  EXPECT_EQ((outside + html.substr(at)).find_first_of("<>"), std::string::npos);
}

TEST_F(PageTest, WellFormed) {
  for (const Catalog& catalog : Catalogs()) {
    ExpectWellFormed(Html(catalog.language));
  }
}

// Everything that anybody can write, as hostile as it gets.
void Poison(google::protobuf::Message& message, const std::string& poison) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = type.field(i);
    const bool text = field->type() == google::protobuf::FieldDescriptor::TYPE_STRING;
    const bool nested = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int j = 0; j < reflection.FieldSize(message, field); ++j) {
        if (nested) {
          Poison(*reflection.MutableRepeatedMessage(&message, field, j), poison);
        } else if (text) {
          reflection.SetRepeatedString(&message, field, j, poison);
        }
      }
    } else if (nested && reflection.HasField(message, field)) {
      Poison(*reflection.MutableMessage(&message, field), poison);
    } else if (text && (field->containing_oneof() == nullptr || reflection.HasField(message, field))) {
      reflection.SetString(&message, field, poison);
    }
  }
}

TEST_F(PageTest, HostileNamesBreakNothing) {
  const std::string poison =
      "</bdi></li><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='x' &lt;{date}\x01\x1b[31m"
      "\xE2\x80\xAE"
      "gnp.exe\xE2\x81\xA9\xFF\n\n*** ";
  testing::GiveFor(consent::v1::REPRESENTATION_TUTELLE, receipt_);
  Poison(receipt_, poison);
  for (const char* language : {"fr", "ar"}) {
    const std::string html = Html(language);
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("<img")));
    EXPECT_THAT(html, Not(HasSubstr("\xE2\x80\xAE")));
    EXPECT_THAT(html, HasSubstr("&amp;lt;{date}"));  // neither unescaped nor filled
    ExpectWellFormed(html);
    const std::string text = Text(language);
    for (const char* never : {"\x01", "\x1b", "\xE2\x80\xAE", "\n***  "}) {
      EXPECT_THAT(text, Not(HasSubstr(never)));
    }
  }
}

TEST_F(PageTest, TestDataSaysSo) {
  receipt_.set_test(true);
  EXPECT_THAT(Html("fr"), HasSubstr("ESSAI : ce document"));
}

TEST_F(PageTest, AHashOnlyCodeSaysSo) {
  EXPECT_THAT(WriteText(Pages("fr", false), kCode), HasSubstr("Le code prouve l'inscription"));
  EXPECT_THAT(Text("fr"), Not(HasSubstr("Le code prouve l'inscription")));
}

TEST(Markup, CleanKeepsWords) {
  EXPECT_EQ(Clean("Zoë\t d'Arc\r\n"), "Zoë  d'Arc ");
  EXPECT_EQ(Escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

}  // namespace
}  // namespace relais::receipt
