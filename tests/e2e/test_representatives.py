"""An agreement that somebody gave for her: who may, and what her receipt and its page say (D-2.8, D-2.9)."""

import datetime
import html
import json
import os
import re
import unittest

import grpc

import receipts
import suite
from consent_case import CITY, Desk, day

ADULT, CHILD = datetime.date(1950, 2, 1), datetime.date(2016, 5, 20)
FIRST, LAST = datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)


def catalogue(language):
    with open(os.path.join(suite.ROOT, "common", "receipt", "catalog", language + ".json"), encoding="utf-8") as file:
        return json.load(file)["messages"]


def said(message, text):
    """Whether a message of a catalogue stands in that text, whatever is filled in and wherever lines break."""
    words = r".+?".join(r"\s+".join(map(re.escape, part.split())) for part in re.split(r"\s*\{[a-z]+\}\s*", message))
    return re.search(words.replace(r".+?", r"\s*.+?\s*"), text, re.DOTALL) is not None


def found(value, key):
    """Every object with that key, however deep."""
    if isinstance(value, dict):
        if key in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from found(each, key)


class RepresentativeTest(suite.SuiteTest):
    def setUp(self):
        self.city = Desk(self.suite)
        values = self.city.values
        self.tutelle = values.Representative(
            kind=values.REPRESENTATION_TUTELLE, reference="RG 26/00123", scope=values.JUDGMENT_SCOPE_PERSON,
            **{"from": day(FIRST)}, until=day(LAST))
        self.parents = values.Representative(kind=values.REPRESENTATION_BOTH_PARENTS)

    def register(self, born):
        return self.city.register(suite.new_id(), surname="Perrot", first_names="Odile", birth_date=day(born))

    def directory(self):
        routing = suite.pb("routing/v1/directory_service")
        return self.suite.client(CITY).call("routing", "DirectoryService", "GetVersion",
                                            routing.GetVersionRequest()).directory

    def receipt_of(self, person, consent_id):
        return self.city.call("ConsentService", "GetReceipt",
                              self.city.receipt.GetReceiptRequest(person=person, consent_id=consent_id))

    def pages(self, person, consent_id, language):
        """The page as text and as HTML, as the command prints it for her."""
        text, page, record = (self.suite.file("%s.%s" % (consent_id, kind)) for kind in ("txt", "html", "json"))
        done = self.suite.command("consent", "receipt", person.handle, consent_id, "--language", language, "--text",
                                  text, "--html", page, "--json", record, acting=CITY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.suite.command("audit", "verify", record).returncode, 0)
        return (suite.read(text).decode(),
                html.unescape(re.sub(r"<[^>]*>", "", suite.read(page).decode())))

    def test_who_spoke_for_her_stands_on_her_receipt(self):
        for born, representative, key in ((ADULT, self.tutelle, "tutelle"), (CHILD, self.parents, "both_parents")):
            with self.subTest(key):
                person = self.register(born)
                agreed = self.city.agree(person, representative=representative)
                receipts.verify(agreed.written.proof, self.directory())
                self.assertEqual(self.city.check(person).decision, self.city.types.DECISION_PERMIT)

                answer = self.receipt_of(person, agreed.consent_id)
                self.assertEqual(answer.receipt.consent.representative, representative)
                self.assertTrue(answer.receipt.consent.HasField("mandate_until"))
                receipts.verify(answer.receipt.proof, self.directory())
                record = json.loads(answer.record_json)
                speakers = [party for party in found(record, "party_id") if party.get("party_role") == "representative"]
                self.assertEqual([party["party_capacity"] for party in speakers], [key.upper()])
                given = [event for event in found(record, "event_state") if event["event_state"] == "consent_given"]
                self.assertEqual([event["entity_id"] for event in given], [speakers[0]["party_id"]])

                for language in ("fr", "en"):
                    words = catalogue(language)
                    for page in self.pages(person, agreed.consent_id, language):
                        self.assertTrue(said(words["representative." + key], page), page)
                        self.assertTrue(said(words["intro.represented"], page), page)
                        self.assertTrue(said(words["representative.until"], page), page)
                        self.assertFalse(said(words["intro"], page), page)
                        self.assertFalse(said(words["method.signed_paper"], page), page)

    def test_her_own_agreement_names_nobody(self):
        person = self.register(ADULT)
        agreed = self.city.agree(person)
        record = json.loads(self.receipt_of(person, agreed.consent_id).record_json)
        self.assertEqual([party for party in found(record, "party_id") if party.get("party_role") == "representative"],
                         [])
        words = catalogue("fr")
        for page in self.pages(person, agreed.consent_id, "fr"):
            self.assertTrue(said(words["intro"], page), page)
            self.assertTrue(said(words["method.signed_paper"], page), page)
            self.assertFalse(said(words["intro.represented"], page), page)

    def test_who_may_not_speak_for_her(self):
        values = self.city.values
        curatelle = values.Representative()
        curatelle.CopyFrom(self.tutelle)
        curatelle.kind = values.REPRESENTATION_CURATELLE
        property_alone = values.Representative()
        property_alone.CopyFrom(self.tutelle)
        property_alone.scope = values.JUDGMENT_SCOPE_PROPERTY
        one_parent = values.Representative(kind=values.REPRESENTATION_ONE_PARENT)
        nobody = values.Representative(kind=values.REPRESENTATION_NONE)
        health = self.city.line(categories=["HEALTH"])
        for name, born, representative, changes in (
                ("curatelle: she signs", ADULT, curatelle, {}),
                ("a judgment on her property alone", ADULT, property_alone, {}),
                ("parents of an adult", ADULT, self.parents, {}),
                ("a guardian of an adult for a child", CHILD, self.tutelle, {}),
                ("one parent for a special category", CHILD, one_parent, {"lines": [health], "explicit": True}),
                ("nobody, to another than child protection", CHILD, nobody, {})):
            with self.subTest(name):
                person = self.register(born)
                self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", self.city.agree, person,
                             representative=representative, **changes)
                self.assertEqual(self.city.check(person).decision, self.city.types.DECISION_DENY)

    def test_a_no_in_her_name_ends_it(self):
        person = self.register(CHILD)
        agreed = self.city.agree(person, representative=self.parents)
        self.city.withdraw(person, consent_id=agreed.consent_id,
                           said_by=self.city.values.REPRESENTATION_ONE_PARENT)
        self.assertEqual(self.city.check(person).decision, self.city.types.DECISION_DENY)
        receipt = self.receipt_of(person, agreed.consent_id).receipt
        self.assertEqual(receipt.state, self.city.receipt.RECEIPT_STATE_WITHDRAWN)
        self.assertTrue(receipt.state_by_representative)
        words = catalogue("fr")
        for page in self.pages(person, agreed.consent_id, "fr"):
            self.assertTrue(said(words["state.withdrawn.represented"], page), page)
            self.assertFalse(said(words["state.withdrawn"], page), page)


if __name__ == "__main__":
    unittest.main()
