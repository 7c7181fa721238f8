#include "common/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/parse.h"
#include "common/directory/testing/mini.h"
#include "common/directory/testing/sample.h"

namespace relais::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = pki::PeerIdentity::Kind;

const Directory& Mini() {
  static const auto* directory = new Directory(ParseDirectory(testing::kMiniYaml).value());
  return *directory;
}

std::vector<std::string> Ids(const std::vector<const Desk*>& desks) {
  std::vector<std::string> ids;
  ids.reserve(desks.size());
  for (const Desk* desk : desks) {
    ids.push_back(desk->id);
  }
  return ids;
}

pki::PeerIdentity SpiffePeer(const std::string& institution, const std::string& system) {
  pki::PeerIdentity peer;
  peer.kind = Kind::kInstitutionSystem;
  peer.institution = institution;
  peer.system = system;
  return peer;
}

TEST(Directory, FindsByName) {
  EXPECT_EQ(Mini().FindInstitution("edf")->name, "EDF");
  EXPECT_EQ(Mini().FindInstitution("absent"), nullptr);
  EXPECT_EQ(Mini().FindDesk("astreinte")->institution, "ville");
  EXPECT_EQ(Mini().FindDesk(""), nullptr);
  EXPECT_EQ(Mini().FindPurpose("ENERGY_AID")->en, "Energy aid");
  EXPECT_EQ(Mini().FindPurpose("IDENTITY"), nullptr);
  EXPECT_TRUE(Mini().FindCategory("HEALTH")->special_category);
  EXPECT_EQ(Mini().FindSign("ENERGY_CUT")->weight, 30);
  EXPECT_THAT(Ids(Mini().DesksOf("ville")), ElementsAre("dsol-75113", "astreinte"));
}

TEST(Directory, LookupsSurviveAMove) {
  Directory first = ParseDirectory(testing::kMiniYaml).value();
  const Directory second = std::move(first);
  EXPECT_EQ(second.FindInstitution("edf")->name, "EDF");
  EXPECT_EQ(second.FindFunction("ville", "agent")->label, "Agent de la Ville");
}

TEST(Directory, DesksByPublicAndPlace) {
  EXPECT_THAT(Ids(Mini().DesksFor("ADULT", 75113)), ElementsAre("dsol-75113", "cpam-droits"));
  EXPECT_THAT(Ids(Mini().DesksFor("ADULT", 75114)), ElementsAre("cpam-droits"));
  EXPECT_THAT(Ids(Mini().DesksFor("FAMILY", 75113)), ElementsAre("dsol-75113"));
  EXPECT_THAT(Ids(Mini().DesksFor("NO_DWELLING", 0)), ElementsAre("cpam-droits"));
  EXPECT_THAT(Ids(Mini().DesksFor("MINOR", 75113)), IsEmpty());
}

TEST(Directory, FunctionsAreAnInstitutionsOwn) {
  EXPECT_EQ(Mini().FindFunction("ville", "assistant-social")->secrecy, Secrecy::kProfession);
  EXPECT_EQ(Mini().FindFunction("cpam", "assistant-social"), nullptr);
  EXPECT_FALSE(Mini().FindFunction("cpam", "agent")->BoundBySecrecy());
  EXPECT_TRUE(Mini().FindFunction("ville", "agent")->BoundBySecrecy());
  EXPECT_EQ(Mini().FindFunction("absent", "agent"), nullptr);
}

TEST(Directory, Protocols) {
  EXPECT_EQ(Mini().FindProtocol("edf", "UNPAID_BILL", "LETTRE_2")->id, "edf-lettre");
  EXPECT_EQ(Mini().FindProtocol("edf", "UNPAID_BILL", "COUPURE"), nullptr);
  EXPECT_EQ(Mini().FindProtocol("edf", "DISTRESS_REPORT", "LETTRE_1"), nullptr);
  EXPECT_EQ(Mini().FindProtocol("ville", "UNPAID_BILL", "LETTRE_1"), nullptr);
  EXPECT_TRUE(Mini().HasConvention("edf"));
  EXPECT_FALSE(Mini().HasConvention("bspp"));
  EXPECT_FALSE(Mini().HasConvention("absent"));
}

TEST(Directory, Recipients) {
  const Protocol& bill = *Mini().FindProtocol("edf", "UNPAID_BILL", "LETTRE_1");
  const Protocol& contact = *Mini().FindProtocol("bailleur", "CONTACT_REQUEST", "REQUEST");
  const Protocol& report = *Mini().FindProtocol("bspp", "DISTRESS_REPORT", "SERIOUS");
  for (const Protocol* protocol : {&bill, &contact, &report}) {
    EXPECT_TRUE(Mini().IsRecipient(*protocol, *Mini().FindDesk("dsol-75113"))) << protocol->id;
    EXPECT_TRUE(Mini().IsRecipient(*protocol, *Mini().FindDesk("astreinte"))) << protocol->id;
    EXPECT_FALSE(Mini().IsRecipient(*protocol, *Mini().FindDesk("cpam-droits"))) << protocol->id;
  }
}

TEST(Directory, OffenceDataUntilADay) {
  EXPECT_TRUE(Mini().MaySendOffenceData("ville", absl::CivilDay(2026, 12, 31)));
  EXPECT_FALSE(Mini().MaySendOffenceData("ville", absl::CivilDay(2027, 1, 1)));
  EXPECT_FALSE(Mini().MaySendOffenceData("edf", absl::CivilDay(2026, 1, 1)));
}

TEST(Directory, ExpiresAfterNotAfter) {
  const absl::Time end = Mini().content().not_after;
  EXPECT_FALSE(Mini().Expired(end));
  EXPECT_TRUE(Mini().Expired(end + absl::Nanoseconds(1)));
}

TEST(Directory, SystemsBySpiffeId) {
  const auto found = Mini().SystemOf(SpiffePeer("ville", "dsol"));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->institution->id, "ville");
  EXPECT_TRUE(found->system->HasRole("PROFESSIONAL"));
  for (const auto& [institution, system] : {std::pair("ville", "absent"), std::pair("absent", "dsol"),
                                            std::pair("edf", "dsol"), std::pair("cpam", "droits")}) {
    // The last one exists but is known by its own certificates only.
    EXPECT_EQ(Mini().SystemOf(SpiffePeer(institution, system)).status().code(),
              absl::StatusCode::kUnauthenticated);
  }
}

TEST(Directory, AServiceIsNoSystem) {
  pki::PeerIdentity peer = SpiffePeer("ville", "dsol");
  peer.kind = Kind::kService;
  peer.service = "consent";
  EXPECT_EQ(Mini().SystemOf(peer).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST(Directory, ForeignCertificatesByIssuerAndName) {
  pki::PeerIdentity peer;
  peer.issuer = "CN=CPAM CA,O=CPAM,C=FR";
  peer.dns_names = {"other.example", "si.cpam.example"};
  ASSERT_TRUE(Mini().SystemOf(peer).ok());
  EXPECT_EQ(Mini().SystemOf(peer)->institution->id, "cpam");
  peer.issuer = "CN=Other CA";
  EXPECT_FALSE(Mini().SystemOf(peer).ok());
  peer.issuer = "CN=CPAM CA,O=CPAM,C=FR";
  peer.dns_names = {"si.cpam.example.evil"};
  EXPECT_FALSE(Mini().SystemOf(peer).ok());
  peer.dns_names = {};
  EXPECT_FALSE(Mini().SystemOf(peer).ok());
}

TEST(Directory, ForeignCertificatesByKey) {
  pki::PeerIdentity peer;
  peer.spki_pin = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  ASSERT_TRUE(Mini().SystemOf(peer).ok());
  EXPECT_EQ(Mini().SystemOf(peer)->system->id, "droits");
  peer.spki_pin = "";
  EXPECT_FALSE(Mini().SystemOf(peer).ok());
}

TEST(Directory, AForeignCertificateCannotBeASpiffeSystem) {
  pki::PeerIdentity peer = SpiffePeer("ville", "dsol");
  peer.kind = Kind::kForeign;
  EXPECT_FALSE(Mini().SystemOf(peer).ok());
}

TEST(Directory, Revocations) {
  const std::string fingerprint = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
  EXPECT_TRUE(Mini().IsRevoked(fingerprint));
  EXPECT_FALSE(Mini().IsRevoked(std::string(64, '0')));
  pki::PeerIdentity peer = SpiffePeer("ville", "dsol");
  EXPECT_FALSE(Mini().IsRevoked(peer));
  peer.fingerprint = fingerprint;
  EXPECT_TRUE(Mini().IsRevoked(peer));
  pki::PeerIdentity by_serial;
  by_serial.issuer = "CN=CPAM CA,O=CPAM,C=FR";
  by_serial.serial = "1f";
  EXPECT_TRUE(Mini().IsRevoked(by_serial));
  by_serial.issuer = "CN=Other CA";
  EXPECT_FALSE(Mini().IsRevoked(by_serial));
}

TEST(Directory, ServicesCertificatesCanBeRevokedToo) {
  pki::PeerIdentity peer;
  peer.kind = Kind::kService;
  peer.fingerprint = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
  EXPECT_TRUE(Mini().IsRevoked(peer));
}

}  // namespace
}  // namespace relais::directory
