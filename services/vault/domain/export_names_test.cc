#include "services/vault/domain/export_names.h"

#include <gtest/gtest.h>

#include "services/vault/format/tar.h"

namespace relais::vault {
namespace {

std::string Named(std::string_view title) {
  const std::string name = ExportedDocument(7, title, v1::DOCUMENT_TYPE_LEASE, 0, "application/pdf");
  EXPECT_TRUE(TarHeader(name, 0, absl::UnixEpoch()).ok()) << "an archive takes it: " << name;
  return name;
}

TEST(ExportNames, SheRecognisesThem) {
  EXPECT_EQ(Named("Carte d'identité"), "documents/007 Carte d'identité.pdf");
  EXPECT_EQ(ExportedDocument(1000, "Bail", v1::DOCUMENT_TYPE_LEASE, 2, "image/jpeg"),
            "documents/1000 Bail (version 2).jpg");
  EXPECT_EQ(ExportedDocument(1, "x", v1::DOCUMENT_TYPE_LEASE, 0, "text/html"), "documents/001 x.bin");
  EXPECT_EQ(ExportedReceipt("0a", 3), "receipts/0a-3.json");
  EXPECT_EQ(ExportedCertificate("0a"), "certificates/0a.json");
}

TEST(ExportNames, WhatNoSystemTakesIsReplaced) {
  EXPECT_EQ(Named("a/b\\c:d*e?f\"g<h>i|j"), "documents/007 a_b_c_d_e_f_g_h_i_j.pdf");
  EXPECT_EQ(Named("../../etc/passwd"), "documents/007 _.._etc_passwd.pdf");
  EXPECT_EQ(Named(std::string("nul\0tab\tc1\xc2\x85.", 12)), "documents/007 nul_tab_c1_.pdf");
  EXPECT_EQ(Named("  . bail . "), "documents/007 bail.pdf");
}

TEST(ExportNames, ATitleOfWhichNothingIsLeftIsItsType) {
  EXPECT_EQ(Named(""), "documents/007 LEASE.pdf");
  EXPECT_EQ(Named(" ... "), "documents/007 LEASE.pdf");
}

TEST(ExportNames, LongOnesAreCutAtACharacter) {
  std::string title;
  for (int i = 0; i < 100; ++i) {
    title += "é";
  }
  const std::string name = Named("a" + title);
  EXPECT_EQ(name, "documents/007 a" + title.substr(0, 118) + ".pdf") << "119 bytes: half a letter is none";
}

}  // namespace
}  // namespace relais::vault
