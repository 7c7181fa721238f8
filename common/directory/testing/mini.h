// A small directory without lint errors, for tests that change one thing in it.
#pragma once

namespace relais::directory::testing {

inline constexpr char kMiniYaml[] = R"(format: relais-directory/1
trust_domain: relais.test
version: 7
not_after: 2027-12-31T23:00:00Z
institutions:
  - id: ville
    name: Ville
    kind: DEPARTEMENT_SOCIAL
    controller: Ville
    dpo: {email: dpo@ville.example}
    dpia: AIPD-1
    siret: "21750001600019"
    systems:
      - {id: dsol, roles: [PROFESSIONAL]}
      - {id: steward, roles: [STEWARD]}
  - id: cpam
    name: CPAM
    kind: HEALTH_INSURANCE
    controller: CPAM
    dpo: {email: dpo@cpam.example}
    dpia: AIPD-2
    systems:
      - id: droits
        roles: [PROFESSIONAL]
        spiffe: false
        certificates:
          - {issuer: "CN=CPAM CA,O=CPAM,C=FR", dns: si.cpam.example}
          - {key_pin: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}
  - id: edf
    name: EDF
    kind: ENERGY_SUPPLIER
    controller: EDF
    dpo: {email: dpo@edf.example}
    dpia: AIPD-3
    systems:
      - {id: billing, roles: [SIGNAL_SENDER]}
  - id: bspp
    name: BSPP
    kind: FIRE_BRIGADE
    controller: BSPP
    dpo: {email: dpo@bspp.example}
    dpia: AIPD-4
    systems:
      - {id: dispatch, roles: [SIGNAL_SENDER]}
  - id: bailleur
    name: Bailleur
    kind: LANDLORD
    controller: Bailleur
    dpo: {email: dpo@bailleur.example}
    dpia: AIPD-5
    systems:
      - {id: gestion, roles: [SIGNAL_SENDER]}
  - id: auditor
    name: Auditeur
    kind: AUDITOR
    controller: Auditeur
    dpo: {email: dpo@auditor.example}
    dpia: AIPD-6
    systems:
      - {id: suite, roles: [AUDITOR]}
desks:
  - id: dsol-75113
    institution: ville
    system: dsol
    name: Service social du 13e
    publics: [ADULT, FAMILY]
    arrondissements: [75113]
    hours: Mo-Fr 09:00-17:00
    contact: {title: Responsable, phone: "01 99 00 00 01"}
    escalation: [astreinte]
    on_call: astreinte
    flags: [DEPARTMENTAL_SOCIAL_SERVICE]
  - id: astreinte
    institution: ville
    name: Astreinte
    publics: [ADULT, FAMILY]
    arrondissements: [ALL]
    hours: 24/7
    contact: {title: Cadre, phone: "01 99 00 00 02"}
    flags: [DEPARTMENTAL_SOCIAL_SERVICE, RELIEF_ONLY]
  - id: cpam-droits
    institution: cpam
    name: Droits
    publics: [ADULT, NO_DWELLING]
    arrondissements: [ALL]
    hours: Mo-Fr 09:00-16:00
    contact: {title: Conseiller, email: droits@cpam.example}
functions:
  - {id: assistant-social, label: Assistant social, kinds: [DEPARTEMENT_SOCIAL], secrecy: PROFESSION, may: [RECEIVE, TAKE]}
  - {id: agent, label: Agent, institutions: [cpam], secrecy: NONE, may: [REGISTER_PERSON]}
  - {id: agent, label: Agent de la Ville, institutions: [ville], secrecy: MISSION, may: [TAKE]}
  - {id: gestionnaire, label: Gestionnaire, kinds: [LANDLORD, ENERGY_SUPPLIER], secrecy: NONE, may: [SUBMIT_SIGNAL]}
protocols:
  - id: edf-lettre
    sender: edf
    signal: UNPAID_BILL
    events: [LETTRE_1, LETTRE_2]
    purpose: ENERGY_AID
    grounds: [ART2, CONVENTION]
    categories: [IDENTITY, ADDRESS, ENERGY_DEBT]
    recipients: [{desks: DEPARTMENTAL_SOCIAL_SERVICE}]
    convention: {reference: CONV-1, signed_on: 2026-01-15}
  - id: bspp-detresse
    sender: bspp
    signal: DISTRESS_REPORT
    events: [SERIOUS]
    purpose: SOCIAL_ASSESSMENT
    grounds: [ACCORD]
    categories: [IDENTITY, ADDRESS]
    recipients: [{institution: ville}]
  - id: bailleur-contact
    sender: bailleur
    signal: CONTACT_REQUEST
    events: [REQUEST]
    purpose: SOCIAL_ASSESSMENT
    grounds: [ACCORD]
    categories: [IDENTITY, CONTACT]
    recipients: [{kind: DEPARTEMENT_SOCIAL}]
purposes:
  - {code: SOCIAL_ASSESSMENT, fr: Évaluation sociale, en: Social assessment}
  - {code: ENERGY_AID, fr: Aide à l'énergie, en: Energy aid, deprecated_on: 2030-01-01}
categories:
  - {code: IDENTITY, fr: Identité, en: Identity}
  - {code: CONTACT, fr: Coordonnées, en: Contact}
  - {code: ADDRESS, fr: Adresse, en: Address}
  - {code: ENERGY_DEBT, fr: Impayé d'énergie, en: Energy debt}
  - {code: HEALTH, fr: Santé, en: Health, special_category: true}
  - {code: OFFENCE, fr: Infractions, en: Offences, offence: true}
signs:
  - {code: ENERGY_CUT, fr: Coupure, en: Cut, weight: 30, publics: [ADULT]}
  - {code: VIOLENCE, fr: Violences, en: Violence, weight: 60, publics: [ADULT], special_category: true}
offence_senders:
  - {institution: ville, basis: CPP art. 777, until: 2026-12-31}
collective_addresses:
  - {name: Hôtel, kind: HOTEL, address: 1 rue X, postal_code: "75018"}
auditors:
  - {institution: auditor, system: suite, scope: SUITE}
logs: []
revocations:
  - {fingerprint: ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100, revoked_at: 2026-05-01T10:00:00Z, reason: lost}
  - {issuer: "CN=CPAM CA,O=CPAM,C=FR", serial: 1f, revoked_at: 2026-05-01T10:00:00+02:00}
)";

}  // namespace relais::directory::testing
