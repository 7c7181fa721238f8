#include "services/vault/domain/content_type.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using std::string_literals::operator""s;

// The same whatever pieces it comes in.
std::string TypeOf(const std::string& text) {
  std::string found;
  for (const size_t step : {size_t{1}, size_t{3}, text.size() + 1}) {
    ContentRecogniser recogniser;
    for (size_t at = 0; at < text.size(); at += step) {
      recogniser.Write(std::string_view(text).substr(at, step));
    }
    const ContentType* type = recogniser.Finish();
    const std::string name(type == nullptr ? "none" : type->media_type);
    EXPECT_TRUE(found.empty() || found == name) << found << " " << name;
    found = name;
  }
  return found;
}

TEST(ContentType, Signatures) {
  EXPECT_EQ(TypeOf("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "application/pdf");
  EXPECT_EQ(TypeOf("\xff\xd8\xff\xe0\0\x10JFIF\0"s), "image/jpeg");
  EXPECT_EQ(TypeOf("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s), "image/png");
  EXPECT_EQ(TypeOf("II*\0\x08\0\0\0"s), "image/tiff");
  EXPECT_EQ(TypeOf("MM\0*\0\0\0\x08"s), "image/tiff");
  EXPECT_EQ(TypeOf("\0\0\0\x18"
                   "ftypheic\0\0\0\0mif1heic"s),
            "image/heif");
  EXPECT_EQ(TypeOf("RIFF\x24\0\0\0WEBPVP8 "s), "image/webp");
}

TEST(ContentType, PlainText) {
  EXPECT_EQ(TypeOf("Attestation d'hébergement\r\n\tfaite à Paris\f"), "text/plain");
  EXPECT_EQ(TypeOf("\xef\xbb\xbf"
                   "avec marque"),
            "text/plain");
  EXPECT_EQ(TypeOf(""), "text/plain");
  EXPECT_EQ(TypeOf("\xf0\x9f\x93\x84 et \xe2\x82\xac"), "text/plain");
  EXPECT_EQ(TypeOf("a < b"), "text/plain") << "only the beginning counts";
}

TEST(ContentType, WhatIsNoText) {
  EXPECT_EQ(TypeOf("nul\0"s), "none");
  EXPECT_EQ(TypeOf("escape\x1b[2J"), "none");
  EXPECT_EQ(TypeOf("delete\x7f"), "none");
  EXPECT_EQ(TypeOf("latin \xe9t\xe9"), "none");
  EXPECT_EQ(TypeOf("cut \xe2\x82"), "none");
  EXPECT_EQ(TypeOf("overlong \xc0\xaf"), "none");
  EXPECT_EQ(TypeOf("overlong \xe0\x80\xaf"), "none");
  EXPECT_EQ(TypeOf("surrogate \xed\xa0\x80"), "none");
  EXPECT_EQ(TypeOf("beyond \xf4\x90\x80\x80"), "none");
  EXPECT_EQ(TypeOf("lone \x80"), "none");
  EXPECT_EQ(TypeOf(std::string(100000, 'a') + "\x01"), "none") << "all of it is looked at";
}

TEST(ContentType, MarkupScriptsProgramsAndArchives) {
  for (const std::string& text :
       {"<html>"s, "  \r\n<svg onload=x>"s, "\xef\xbb\xbf <?xml ?>"s, "#!/bin/sh\n"s, "%!PS-Adobe"s,
        "{\\rtf1"s, "@ECHO off"s, "MZ\x90\0\x03"s,
        "\x7f"
        "ELF\x02"s,
        "PK\x03\x04\x14\0\0\0"s, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"s, "\x1f\x8b\x08\0"s, "Rar!\x1a\x07"s,
        "GIF89a\x01\0"s, "RIFF\x24\0\0\0AVI "s, "WEBP at 8? WEBP\0"s}) {
    EXPECT_EQ(TypeOf(text), "none") << text;
  }
}

TEST(ContentType, ByName) {
  ASSERT_NE(FindContentType("application/pdf"), nullptr);
  EXPECT_EQ(FindContentType("application/pdf")->extension, "pdf");
  EXPECT_EQ(FindContentType("text/html"), nullptr);
  EXPECT_EQ(FindContentType(""), nullptr);
}

}  // namespace
}  // namespace relais::vault
