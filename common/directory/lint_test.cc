#include "common/directory/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/encoding.h"
#include "common/directory/internal/lint_rules.h"
#include "common/directory/parse.h"
#include "common/directory/testing/mini.h"
#include "common/directory/testing/sample.h"
#include "common/directory/witnesses.h"
#include "common/merkle/note.h"

namespace relais::directory {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMiniYaml;
using ::testing::Not;
using testing::Replaced;

std::vector<std::string> ErrorsOf(const std::string& yaml) {
  const auto parsed = ParseDirectory(yaml);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  std::vector<std::string> errors;
  if (parsed.ok()) {
    for (const Problem& problem : Lint(*parsed)) {
      if (problem.severity == Severity::kError) {
        errors.push_back(problem.ToString());
      }
    }
  }
  return errors;
}

std::vector<std::string> ErrorsAfter(const std::string& from, const std::string& to) {
  return ErrorsOf(Replaced(kMiniYaml, from, to));
}

#define EXPECT_LINT(from, to, path, message) \
  EXPECT_THAT(                               \
      ErrorsAfter(from, to),                 \
      Contains(::testing::AllOf(HasSubstr(std::string("error: ") + (path) + ": "), HasSubstr(message))))

TEST(Lint, TheMiniDirectoryHasNoError) { EXPECT_THAT(ErrorsOf(kMiniYaml), IsEmpty()); }

TEST(Lint, Witnesses) {
  relais::testing::SeededRandom random(1);
  const auto key = [&random](const std::string& name) {
    return merkle::VerifierKeyString(name, crypto::SigningKey::Generate(random).verify_key(),
                                     merkle::KeyType::kCosignature);
  };
  const std::string one = key("w.example/1");
  const std::string two = key("w.example/2");
  const auto errors = [](const std::string& witnesses) {
    return ErrorsOf(std::string(kMiniYaml) + "witnesses:\n" + witnesses);
  };
  EXPECT_THAT(errors("  keys: [" + one + ", " + two + "]\n  quorum: 2\n"), IsEmpty());
  EXPECT_THAT(errors("  keys: []\n"), IsEmpty());
  EXPECT_THAT(errors("  keys: [" + one + "]\n  quorum: 2\n"),
              Contains(HasSubstr("witnesses.quorum: is more than there are witnesses")));
  EXPECT_THAT(errors("  keys: [" + one + ", " + one + "]\n"), Contains(HasSubstr("is repeated")));
  EXPECT_THAT(errors("  keys: [" + one + ", " + key("w.example/1") + "]\n"),
              Contains(HasSubstr("witness 'w.example/1' is repeated")));
  // A log's kind of key, and anything else.
  const crypto::SigningKey log = crypto::SigningKey::Generate(random);
  EXPECT_THAT(errors("  keys: [" + merkle::VerifierKeyString("w", log.verify_key()) + "]\n"),
              Contains(HasSubstr("witnesses.keys[0]: is not a C2SP verifier key of a witness")));
  // A log does not vouch for itself.
  const std::string listed =
      Replaced(kMiniYaml, "logs: []",
               "logs:\n  - {service: consent, origin: relais.test/consent/1, keys: [\"" +
                   crypto::Base64Encode(log.verify_key().bytes()) + "\"]}");
  EXPECT_THAT(
      ErrorsOf(listed + "witnesses:\n  keys: [" +
               merkle::VerifierKeyString("w", log.verify_key(), merkle::KeyType::kCosignature) + "]\n"),
      Contains(HasSubstr("is a key of the log relais.test/consent/1")));
  const auto parsed =
      ParseAndLint(std::string(kMiniYaml) + "witnesses:\n  keys: [" + one + ", " + two + "]\n  quorum: 1\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const auto policy = WitnessPolicyOf(*parsed);
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->witnesses.size(), 2U);
  EXPECT_TRUE(merkle::IsQuorum(*policy, std::vector<size_t>{1}));
  EXPECT_FALSE(merkle::IsQuorum(*policy, {}));
  EXPECT_FALSE(ParseDirectory(std::string(kMiniYaml) + "witnesses:\n  keys: []\n  quorum: 33\n").ok());
}

TEST(Lint, WarningsDoNotBlock) {
  const Directory parsed = ParseDirectory(kMiniYaml).value();
  // Nineteen arrondissements without a desk, and most usual codes absent.
  EXPECT_GT(Lint(parsed).size(), 19U);
  EXPECT_TRUE(ParseAndLint(kMiniYaml).ok());
}

TEST(Lint, ErrorsBlockAndAreAllReported) {
  const std::string yaml = Replaced(Replaced(kMiniYaml, "on_call: astreinte", "on_call: nowhere"),
                                    "purpose: ENERGY_AID", "purpose: NONE");
  const auto linted = ParseAndLint(yaml);
  EXPECT_EQ(linted.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(linted.status().message()),
              HasSubstr("desks[dsol-75113].on_call: no desk 'nowhere'"));
  EXPECT_THAT(std::string(linted.status().message()),
              HasSubstr("protocols[edf-lettre].purpose: no purpose 'NONE'"));
}

TEST(Lint, RepeatedNames) {
  EXPECT_LINT("- id: cpam\n", "- id: ville\n", "institutions[ville]", "institution 'ville' is repeated");
  EXPECT_LINT("id: steward", "id: dsol", "institutions[ville].systems[dsol]", "system 'dsol' is repeated");
  EXPECT_LINT("- id: cpam-droits", "- id: astreinte", "desks[astreinte]", "repeated");
  EXPECT_LINT("- id: bspp-detresse", "- id: edf-lettre", "protocols[edf-lettre]", "repeated");
  EXPECT_LINT("code: CONTACT", "code: IDENTITY", "categories[IDENTITY]", "repeated");
  EXPECT_LINT("id: agent, label: Agent de la Ville, institutions: [ville]",
              "id: agent, label: Agent de la Ville, kinds: [HEALTH_INSURANCE]", "functions[agent]",
              "cpam/agent");
  EXPECT_LINT("events: [LETTRE_1, LETTRE_2]", "events: [LETTRE_1, LETTRE_1]", "protocols[edf-lettre].events",
              "repeated");
  EXPECT_LINT(
      "- {id: billing, roles: [SIGNAL_SENDER]}",
      "- {id: billing, roles: [SIGNAL_SENDER], certificates: [{issuer: \"CN=CPAM CA,O=CPAM,C=FR\", dns: "
      "si.cpam.example}]}",
      "institutions[edf].systems[billing].certificates[0]", "repeated");
}

TEST(Lint, DanglingReferences) {
  EXPECT_LINT("institution: ville\n    system: dsol", "institution: lutece\n    system: dsol",
              "desks[dsol-75113].institution", "no institution 'lutece'");
  EXPECT_LINT("    system: dsol", "    system: caisse", "desks[dsol-75113].system",
              "not a PROFESSIONAL system");
  EXPECT_LINT("    system: dsol", "    system: steward", "desks[dsol-75113].system",
              "not a PROFESSIONAL system");
  EXPECT_LINT("escalation: [astreinte]", "escalation: [dsol-75114]", "desks[dsol-75113].escalation",
              "no desk");
  EXPECT_LINT("institutions: [cpam]", "institutions: [caf]", "functions[agent].institutions",
              "no institution 'caf'");
  EXPECT_LINT("sender: edf", "sender: gdf", "protocols[edf-lettre].sender", "no institution 'gdf'");
  EXPECT_LINT("categories: [IDENTITY, ADDRESS]", "categories: [IDENTITY, HAIR]",
              "protocols[bspp-detresse].categories", "no category 'HAIR'");
  EXPECT_LINT("[{institution: ville}]", "[{institution: nobody}]", "protocols[bspp-detresse].recipients[0]",
              "no institution 'nobody'");
  EXPECT_LINT("{institution: ville, basis", "{institution: nobody, basis", "offence_senders",
              "no institution");
  EXPECT_LINT("system: suite", "system: other", "auditors[0]", "no system 'auditor/other'");
}

TEST(Lint, UnknownWords) {
  EXPECT_LINT("kind: FIRE_BRIGADE", "kind: POLICE", "institutions[bspp].kind", "'POLICE' is not a kind");
  EXPECT_LINT("roles: [STEWARD]", "roles: [ROOT]", "institutions[ville].systems[steward].roles", "'ROOT'");
  EXPECT_LINT("publics: [ADULT, NO_DWELLING]", "publics: [ALIENS]", "desks[cpam-droits].publics", "'ALIENS'");
  EXPECT_LINT("may: [RECEIVE, TAKE]", "may: [EVERYTHING]", "functions[assistant-social].may", "'EVERYTHING'");
  EXPECT_LINT("signal: DISTRESS_REPORT", "signal: GOSSIP", "protocols[bspp-detresse].signal", "'GOSSIP'");
  EXPECT_LINT("events: [SERIOUS]", "events: [IMMEDIATE]", "protocols[bspp-detresse].events", "'IMMEDIATE'");
  EXPECT_LINT("grounds: [ACCORD]", "grounds: [HABIT]", "protocols[bspp-detresse].grounds", "'HABIT'");
  EXPECT_LINT("scope: SUITE", "scope: UNIVERSE", "auditors[0].scope", "must be");
  EXPECT_LINT("kind: HOTEL", "kind: FLAT", "collective_addresses[0].kind", "must be");
}

TEST(Lint, FormsOfNames) {
  EXPECT_LINT("trust_domain: relais.test", "trust_domain: Relais/Test", "trust_domain", "lower-case");
  EXPECT_LINT("- id: bspp\n", "- id: BSPP\n", "institutions[BSPP].id", "lower-case");
  EXPECT_LINT("id: steward", "id: the/steward", "institutions[ville].systems[the/steward].id", "lower-case");
  EXPECT_LINT("\"21750001600019\"", "\"21750001600018\"", "institutions[ville].siret", "SIRET");
  EXPECT_LINT("code: CONTACT,", "code: contact,", "categories[contact].code", "capitals");
}

TEST(Lint, SiretOfLaPoste) {
  EXPECT_THAT(ErrorsAfter("\"21750001600019\"", "\"35600000009075\""), IsEmpty());  // D-6.4
  EXPECT_LINT("\"21750001600019\"", "\"35600000009076\"", "institutions[ville].siret", "SIRET");
}

TEST(Lint, PurposesThatMayNotBe) {
  const std::pair<const char*, const char*> refused[] = {
      {"FRAUD_CONTROL", "fraud"},       {"LUTTE_FRAUDE", "fraud"},    {"DEBT_RECOVERY", "debt"},
      {"RECOUVREMENT", "debt"},         {"POLICE_INQUIRY", "police"}, {"RESIDENCE_PERMIT", "residence"},
      {"TITRE_DE_SEJOUR", "residence"}, {"IMMIGRATION", "residence"}, {"BAILIFF", "debt"},
  };
  for (const auto& [code, matter] : refused) {
    EXPECT_LINT("code: SOCIAL_ASSESSMENT", std::string("code: ") + code,
                std::string("purposes[") + code + "].code", matter);
  }
  EXPECT_LINT("fr: Évaluation sociale", "fr: Détection des FRAUDES", "purposes[SOCIAL_ASSESSMENT].fr",
              "fraud");
  EXPECT_LINT("fr: Évaluation sociale", "fr: Droit au séjour", "purposes[SOCIAL_ASSESSMENT].fr", "residence");
  EXPECT_LINT("fr: Évaluation sociale", "fr: Recouvrement de créances", "purposes[SOCIAL_ASSESSMENT].fr",
              "debt");
  EXPECT_LINT("en: Social assessment", "en: Help the police", "purposes[SOCIAL_ASSESSMENT].en", "police");
}

TEST(Lint, ForbiddenMattersByWord) {
  EXPECT_EQ(internal::ForbiddenMatter("Titre de SE\xCC\x81JOUR"), "residence matters");  // decomposed accent
  EXPECT_EQ(internal::ForbiddenMatter("contrôle   des -- prestations"), "fraud control");
  EXPECT_EQ(internal::ForbiddenMatter("Demande d'indus"), "debt recovery");
  for (const char* fine : {"Social policy", "Impayé d'énergie", "Aide à l'industrie du logement",
                           "ENERGY_AID", "Découverte des droits", "SHELTER_ORIENTATION"}) {
    EXPECT_EQ(internal::ForbiddenMatter(fine), "") << fine;
  }
}

TEST(Lint, EmployersAndLandlordsReadNothing) {
  EXPECT_LINT("{id: gestion, roles: [SIGNAL_SENDER]}", "{id: gestion, roles: [SIGNAL_SENDER, PROFESSIONAL]}",
              "institutions[bailleur].systems[gestion].roles", "no PROFESSIONAL");
  EXPECT_LINT("{id: gestion, roles: [SIGNAL_SENDER]}", "{id: gestion, roles: [DPO]}",
              "institutions[bailleur].systems[gestion].roles", "no DPO");
  EXPECT_LINT("{id: gestion, roles: [SIGNAL_SENDER]}", "{id: gestion, roles: [STEWARD]}",
              "institutions[bailleur].systems[gestion].roles", "no STEWARD");
  EXPECT_LINT("institution: cpam\n    name: Droits", "institution: bailleur\n    name: Droits",
              "desks[cpam-droits]", "has no desk");
  EXPECT_LINT("may: [SUBMIT_SIGNAL]", "may: [SUBMIT_SIGNAL, RECEIVE]", "functions[gestionnaire].may",
              "reads nothing");
  EXPECT_LINT("institutions: [cpam]", "institutions: [bailleur]", "functions[agent].may", "reads nothing");
  EXPECT_LINT("[{institution: ville}]", "[{institution: ville}, {kind: EMPLOYER}]",
              "protocols[bspp-detresse].recipients[1]", "reads nothing");
  EXPECT_LINT("[{institution: ville}]", "[{institution: bailleur}]", "protocols[bspp-detresse].recipients[0]",
              "reads nothing");
  EXPECT_LINT("sender: bspp", "sender: bailleur", "protocols[bspp-detresse].signal", "contact requests only");
  EXPECT_LINT("categories: [IDENTITY, CONTACT]", "categories: [IDENTITY, CONTACT, HEALTH]",
              "protocols[bailleur-contact].categories", "D-4.9");
}

TEST(Lint, SuppliersAndTheBrigadeSendOnly) {
  EXPECT_LINT("{id: billing, roles: [SIGNAL_SENDER]}", "{id: billing, roles: [SIGNAL_SENDER, PROFESSIONAL]}",
              "institutions[edf].systems[billing].roles", "does not read");
  // Not even a system apart of theirs compares records of persons.
  EXPECT_LINT("{id: billing, roles: [SIGNAL_SENDER]}",
              "{id: billing, roles: [SIGNAL_SENDER]}\n      - {id: doubles, roles: [STEWARD]}",
              "institutions[edf].systems[doubles].roles",
              "a ENERGY_SUPPLIER sends and does not read: no STEWARD");
  EXPECT_LINT("{id: dispatch, roles: [SIGNAL_SENDER]}", "{id: dispatch, roles: [STEWARD]}",
              "institutions[bspp].systems[dispatch].roles",
              "a FIRE_BRIGADE sends and does not read: no STEWARD");
  EXPECT_LINT("[{institution: ville}]", "[{institution: ville}, {kind: FIRE_BRIGADE}]",
              "protocols[bspp-detresse].recipients[1]", "reads nothing");
}

TEST(Lint, SystemsApart) {
  EXPECT_LINT("roles: [STEWARD]", "roles: [STEWARD, PROFESSIONAL]",
              "institutions[ville].systems[steward].roles", "apart");
  EXPECT_LINT("roles: [STEWARD]", "roles: [AUDITOR]", "institutions[ville].systems[steward].roles",
              "AUDITOR is for");
  EXPECT_LINT("roles: [STEWARD]", "roles: [OPERATOR]", "institutions[ville].systems[steward].roles",
              "OPERATOR is for");
}

TEST(Lint, Responsibility) {
  EXPECT_LINT("controller: EDF\n", "controller: \"\"\n", "institutions[edf].controller", "missing");
  EXPECT_LINT("    dpo: {email: dpo@edf.example}\n", "", "institutions[edf].dpo", "missing");
}

TEST(Lint, TheDposDesk) {
  EXPECT_LINT("{email: dpo@ville.example}", "{email: dpo@ville.example, desk: nowhere}",
              "institutions[ville].dpo.desk", "no desk 'nowhere'");
  EXPECT_LINT("{email: dpo@ville.example}", "{email: dpo@ville.example, desk: cpam-droits}",
              "institutions[ville].dpo.desk", "a desk of cpam");
  // Hers, served by her own system: nothing about persons may be sent there.
  const std::string hers = Replaced(
      Replaced(kMiniYaml, "{email: dpo@ville.example}", "{email: dpo@ville.example, desk: astreinte}"),
      "{id: steward, roles: [STEWARD]}", "{id: steward, roles: [STEWARD]}\n      - {id: dpo, roles: [DPO]}");
  EXPECT_THAT(ErrorsOf(hers), IsEmpty());
  const std::string served = Replaced(hers, "id: astreinte\n    institution: ville\n",
                                      "id: astreinte\n    institution: ville\n    system: dpo\n");
  EXPECT_THAT(ErrorsOf(served), IsEmpty());
  EXPECT_THAT(ErrorsOf(Replaced(served, ", RELIEF_ONLY]", "]")), Not(IsEmpty()));
  EXPECT_THAT(ErrorsOf(Replaced(served, ", desk: astreinte}", "}")), Not(IsEmpty()));
}

TEST(Lint, CertificateMappings) {
  EXPECT_LINT("{issuer: \"CN=CPAM CA,O=CPAM,C=FR\", dns: si.cpam.example}",
              "{issuer: \"CN=CPAM CA,O=CPAM,C=FR\"}", "institutions[cpam].systems[droits].certificates[0]",
              "must be a key_pin alone");
  EXPECT_LINT("key_pin: 00", "key_pin: ZZ", "institutions[cpam].systems[droits].certificates[1].key_pin",
              "64");
  EXPECT_LINT("roles: [STEWARD]", "roles: [STEWARD], spiffe: false",
              "institutions[ville].systems[steward].certificates", "nothing identifies");
}

TEST(Lint, SeriousReportsNeedAnOnCallDesk) {
  EXPECT_LINT("    on_call: astreinte\n", "", "desks[dsol-75113].on_call", "D-4.5");
  EXPECT_LINT("hours: 24/7", "hours: Mo-Su 00:00-23:59", "desks[dsol-75113].on_call", "not open 24/7");
  EXPECT_LINT("on_call: astreinte", "on_call: dsol-75113", "desks[dsol-75113].on_call", "its own");
  // Without serious reports there is nothing to be on call for.
  EXPECT_THAT(
      ErrorsOf(Replaced(Replaced(kMiniYaml, "    on_call: astreinte\n", ""), "[SERIOUS]", "[CONCERN]")),
      IsEmpty());
}

TEST(Lint, EscalationChains) {
  EXPECT_LINT("escalation: [astreinte]", "escalation: [dsol-75113]", "desks[dsol-75113].escalation",
              "to itself");
  EXPECT_LINT("escalation: [astreinte]", "escalation: [astreinte, astreinte]", "desks[dsol-75113].escalation",
              "repeated");
}

TEST(Lint, DeskFlagsFollowTheInstitution) {
  EXPECT_LINT("email: droits@cpam.example}",
              "email: droits@cpam.example}\n    flags: [DEPARTMENTAL_SOCIAL_SERVICE]",
              "desks[cpam-droits].flags", "DEPARTEMENT_SOCIAL");
  EXPECT_LINT("email: droits@cpam.example}", "email: droits@cpam.example}\n    flags: [COMMUNAL_COSIGNER]",
              "desks[cpam-droits].flags", "VILLE or CCAS");
}

TEST(Lint, TheDecreesLimits) {
  EXPECT_LINT("[{desks: DEPARTMENTAL_SOCIAL_SERVICE}]", "[{institution: ville}]",
              "protocols[edf-lettre].recipients", "D-1.5");
  EXPECT_LINT("[IDENTITY, ADDRESS, ENERGY_DEBT]", "[IDENTITY, ADDRESS, ENERGY_DEBT, HEALTH]",
              "protocols[edf-lettre].categories", "decree's fields");
  EXPECT_LINT("    convention: {reference: CONV-1, signed_on: 2026-01-15}\n", "",
              "protocols[edf-lettre].convention", "signed convention");
  EXPECT_LINT("grounds: [ART2, CONVENTION]", "grounds: [ART2]", "protocols[edf-lettre].convention",
              "no ground rests");
  EXPECT_LINT("grounds: [ART2, CONVENTION]", "grounds: [ACCORD]", "protocols[edf-lettre].grounds",
              "not a ground for");
  EXPECT_LINT("grounds: [ACCORD]", "grounds: [ART6]", "protocols[bspp-detresse].grounds", "not a ground for");
  EXPECT_LINT("sender: edf", "sender: bspp", "protocols[edf-lettre].sender", "suppliers");
  EXPECT_LINT("grounds: [ART2, CONVENTION]", "grounds: []", "protocols[edf-lettre].grounds", "at least one");
  EXPECT_LINT("events: [LETTRE_1, LETTRE_2]", "events: [REGLEMENT]", "protocols[edf-lettre].grounds",
              "closing");
}

TEST(Lint, RecipientsMustExist) {
  EXPECT_LINT("[{institution: ville}]", "[{kind: PRISON}]", "protocols[bspp-detresse].recipients",
              "no desk can");
  EXPECT_LINT("[{institution: ville}]", "[]", "protocols[bspp-detresse].recipients", "at least one");
  EXPECT_LINT("[{institution: ville}]", "[{institution: ville, kind: CCAS}]",
              "protocols[bspp-detresse].recipients[0]", "one of");
  EXPECT_LINT("[{institution: ville}]", "[{desks: GOLDEN}]", "protocols[bspp-detresse].recipients[0]",
              "desk flag");
}

TEST(Lint, SpecialCategoriesAreMarked) {
  EXPECT_LINT("en: Health, special_category: true", "en: Health", "categories[HEALTH].special_category",
              "D-2.7");
  EXPECT_LINT("en: Offences, offence: true", "en: Offences", "categories[OFFENCE].offence", "D-2.7");
  EXPECT_LINT("publics: [ADULT], special_category: true", "publics: [ADULT]",
              "signs[VIOLENCE].special_category", "D-4.6");
  EXPECT_LINT("weight: 30, ", "", "signs[ENERGY_CUT].weight", "missing");
  EXPECT_LINT("categories: [IDENTITY, ADDRESS]", "categories: [IDENTITY, OFFENCE]",
              "protocols[bspp-detresse].categories", "D-2.7");
}

// D-2.7: the ground of an authorised sender is for planned exits from prison and carries nothing else.
TEST(Lint, AnAuthorisedExitSaysNothingElse) {
  const auto errors = [](const std::string& sender, const std::string& events, const std::string& signal,
                         const std::string& categories) {
    return ErrorsAfter("\npurposes:", "\n  - {id: sortie, sender: " + sender + ", signal: " + signal +
                                          ", events: [" + events +
                                          "], purpose: SOCIAL_ASSESSMENT, grounds: [AUTHORISED_EXIT], "
                                          "categories: [" +
                                          categories + "], recipients: [{institution: ville}]}\npurposes:");
  };
  const auto about_it = [](const char* path) {
    return ::testing::AllOf(HasSubstr(std::string("protocols[sortie]") + path), HasSubstr("AUTHORISED_EXIT"));
  };
  EXPECT_THAT(errors("ville", "PRISON", "PLANNED_EXIT", "OFFENCE"),
              Not(Contains(HasSubstr("AUTHORISED_EXIT"))));
  EXPECT_THAT(errors("bspp", "PRISON", "PLANNED_EXIT", "OFFENCE"), Contains(about_it(".grounds")));
  EXPECT_THAT(errors("ville", "PRISON, HOSPITAL", "PLANNED_EXIT", "OFFENCE"), Contains(about_it(".events")));
  EXPECT_THAT(errors("ville", "SERIOUS", "DISTRESS_REPORT", "OFFENCE"), Contains(about_it(".events")));
  EXPECT_THAT(errors("ville", "PRISON", "PLANNED_EXIT", "OFFENCE, IDENTITY"),
              Contains(about_it(".categories")));
}

TEST(Lint, LogKeys) {
  EXPECT_LINT("logs: []", "logs: [{service: consent, origin: o, keys: [AAAA]}]", "logs[o].keys", "Ed25519");
  EXPECT_LINT("logs: []", "logs: [{service: consent, origin: o, keys: []}]", "logs[o].keys", "at least one");
  EXPECT_LINT("logs: []", "logs: [{service: a, origin: o}, {service: b, origin: o}]", "logs[o]", "repeated");
}

TEST(Lint, RevocationsAreExact) {
  EXPECT_LINT("fingerprint: ffee", "fingerprint: FFEE", "revocations[0].fingerprint", "lower-case");
  EXPECT_LINT("serial: 1f", "serial: 01f", "revocations[1].serial", "leading zeros");
  EXPECT_LINT("serial: 1f, ", "", "revocations[1]", "fingerprint alone");
  EXPECT_LINT("fingerprint: ffee", "serial: 1, fingerprint: ffee", "revocations[0]", "fingerprint alone");
}

TEST(Lint, AnAuthoritysScopeIsLimitedAndGrantedByTwo) {
  EXPECT_LINT("scope: SUITE", "scope: AUTHORITY", "auditors[0].until", "limited in time");
  EXPECT_LINT("scope: SUITE", "scope: AUTHORITY, granted_by: [a, a]", "auditors[0].granted_by", "by two");
  EXPECT_THAT(
      ErrorsAfter("scope: SUITE", "scope: AUTHORITY, until: 2026-12-31T00:00:00Z, granted_by: [a, b]"),
      IsEmpty());
  EXPECT_LINT("scope: SUITE", "scope: OWN_INSTITUTION", "auditors[0]", "has not the role");
}

}  // namespace
}  // namespace relais::directory
