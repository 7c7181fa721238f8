"""A client made from proto/ alone: registers, records an agreement, gets PERMIT, withdraws, gets DENY."""

import os
import unittest

import grpc

import receipts
import suite


class PythonClientTest(suite.SuiteTest):
    def setUp(self):
        self.consent = suite.pb("consent/v1/consent_service")
        self.values = suite.pb("consent/v1/consent")
        self.types = suite.pb("common/v1/types")
        self.person = suite.pb("consent/v1/person_service")
        self.caf = self.suite.client("caf/droits")
        self.city = self.suite.client("ville-paris/dsol")

    def register(self, client, own_identifier, **traits):
        request = self.person.RegisterRequest(request_id=suite.new_id(), own_identifier=own_identifier,
                                              traits=self.person.Traits(**traits))
        return client.call("consent", "PersonService", "Register", request).person

    def agreement(self, person, **changes):
        line = self.values.ConsentLine(purposes=["RIGHTS_OPENING"], categories=["IDENTITY", "RESOURCES"],
                                       recipients=[self.values.Recipient(institution="caf")],
                                       acts=[self.types.ACT_TRANSMIT])
        values = {"request_id": suite.new_id(), "person": person, "lines": [line],
                  "legal_basis": self.values.LEGAL_BASIS_PUBLIC_TASK, "method": self.values.METHOD_SIGNED_PAPER,
                  "notice": self.values.Notice(id="accord-general", version="3", language="fr"), "want_proof": True}
        return self.consent.RecordConsentRequest(**{**values, **changes})

    def question(self, person, **changes):
        values = {"person": person, "sender": self.types.Party(institution="ville-paris"),
                  "recipient": self.types.Party(institution="caf"), "purpose": "RIGHTS_OPENING",
                  "categories": ["IDENTITY", "RESOURCES"], "act": self.types.ACT_TRANSMIT}
        return self.consent.CheckRequest(**{**values, **changes})

    def check(self, person, client=None, **changes):
        return (client or self.city).call("consent", "ConsentService", "Check", self.question(person, **changes))

    def directory(self):
        routing = suite.pb("routing/v1/directory_service")
        return self.city.call("routing", "DirectoryService", "GetVersion", routing.GetVersionRequest()).directory

    def test_every_method_of_every_service_is_served(self):
        """Asked with nothing in it, by somebody who may not: refused in its own words, never INTERNAL or UNIMPLEMENTED."""
        asked = 0
        folder = os.path.join(suite.ROOT, "proto", "relais")
        for owner in sorted(os.listdir(folder)):
            for name in sorted(os.listdir(os.path.join(folder, owner, "v1"))):
                if not name.endswith("_service.proto"):
                    continue
                for service in suite.pb("%s/v1/%s" % (owner, name[:-len(".proto")])).DESCRIPTOR.services_by_name.values():
                    self.assertTrue(service.methods, service.full_name)
                    for method in service.methods:
                        for where in suite.SERVICES if owner == "audit" else [owner]:
                            self.served(where, service, method)
                            asked += 1
        self.assertGreater(asked, 110)

    def served(self, where, service, method):
        channel = self.suite.channel(where, "caf/droits")
        name = "/%s/%s" % (service.full_name, method.name)
        try:
            if method.client_streaming:
                answers = channel.stream_stream(name)(iter([b""]), timeout=10)
                next(answers, None)
            elif method.server_streaming:
                next(channel.unary_stream(name)(b"", timeout=10), None)
            else:
                channel.unary_unary(name)(b"", timeout=10)
        except grpc.RpcError as error:
            self.assertNotIn(error.code(), (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED,
                                            grpc.StatusCode.UNKNOWN), where + name)

    def test_one_human_under_two_names(self):
        """Merged, her no under either name counts under both; split, it stays with both, and a yes with its own name."""
        one = self.register(self.city, "link-1", surname="Diallo", first_names="Awa")
        other = self.register(self.city, "link-2", surname="Dialo", first_names="Awa")
        self.city.call("consent", "ConsentService", "RecordConsent", self.agreement(one))
        steward = self.suite.client("ville-paris/steward", agent="stew-1")
        steward.metadata.append(("relais-reason", "doublon"))
        merged = steward.call("consent", "PersonService", "Merge",
                              self.person.MergeRequest(request_id=suite.new_id(), person=one, other=other))
        self.assertEqual(self.check(other).decision, self.types.DECISION_PERMIT)
        self.city.call("consent", "ConsentService", "RecordRefusal", self.consent.RecordRefusalRequest(
            request_id=suite.new_id(), person=other, lines=[self.values.ConsentLine()]))
        self.assertEqual(self.check(one).decision, self.types.DECISION_DENY)
        split = steward.call("consent", "PersonService", "Split",
                             self.person.SplitRequest(request_id=suite.new_id(), link_id=merged.link_id))
        self.assertEqual(split.impact.disclosures_total, 1)
        for name in (one, other):
            self.assertEqual(self.check(name).decision, self.types.DECISION_DENY)
        self.city.call("consent", "ConsentService", "RecordConsent", self.agreement(one))
        self.assertEqual(self.check(one).decision, self.types.DECISION_PERMIT)
        self.assertEqual(self.check(other).decision, self.types.DECISION_DENY)

    def test_agree_permit_withdraw_deny(self):
        person = self.register(self.city, "case-1", surname="Traoré", first_names="Aminata")
        self.assertTrue(person.handle.startswith("rh1_"))
        self.assertEqual(self.check(person).decision, self.types.DECISION_DENY)

        agreed = self.city.call("consent", "ConsentService", "RecordConsent", self.agreement(person))
        receipts.verify(agreed.written.proof, self.directory())
        answer = self.check(person, at_least_as_fresh=agreed.written.revision, want_proof=True)
        self.assertEqual(answer.decision, self.types.DECISION_PERMIT)
        self.assertEqual(answer.ground, self.types.GROUND_AGREEMENT)
        self.assertEqual([each.category for each in answer.categories], ["IDENTITY", "RESOURCES"])
        self.assertTrue(answer.permit.permit_id)
        receipts.verify(answer.proof, self.directory())
        self.assertEqual(self.check(person, categories=["IDENTITY", "HEALTH"]).decision, self.types.DECISION_DENY)

        withdrawn = self.city.call("consent", "ConsentService", "WithdrawConsent", self.consent.WithdrawConsentRequest(
            request_id=suite.new_id(), person=person, consent_id=agreed.consent_id, want_proof=True))
        self.assertEqual(list(withdrawn.consent_ids), [agreed.consent_id])
        receipts.verify(withdrawn.written.proof, self.directory())
        after = self.check(person, at_least_as_fresh=withdrawn.written.revision)
        self.assertEqual(after.decision, self.types.DECISION_DENY)
        self.assertEqual(after.reason, self.values.REASON_NOT_PERMITTED)  # why is hers and the auditor's to know
        self.assertFalse(after.HasField("permit"))
        self.assertTrue(after.next_step)

    def test_a_receipt_of_something_else_does_not_verify(self):
        person = self.register(self.city, "case-2", surname="Keita", first_names="Zoé")
        proof = self.city.call("consent", "ConsentService", "RecordConsent", self.agreement(person)).written.proof
        directory = self.directory()
        receipts.verify(proof, directory)
        proof.leaf = proof.leaf[:-1] + bytes([proof.leaf[-1] ^ 1])
        with self.assertRaises(ValueError):
            receipts.verify(proof, directory)
        proof.leaf = proof.leaf[:-1] + bytes([proof.leaf[-1] ^ 1])
        size = proof.checkpoint.split("\n")[1]
        proof.checkpoint = proof.checkpoint.replace("\n%s\n" % size, "\n%d\n" % (int(size) + 1), 1)
        with self.assertRaises(ValueError):
            receipts.verify(proof, directory)

    def test_request_ids(self):
        person = self.register(self.city, "case-3", surname="Diallo", first_names="Noël")
        request = self.agreement(person, want_proof=False)
        first = self.city.call("consent", "ConsentService", "RecordConsent", request)
        again = self.city.call("consent", "ConsentService", "RecordConsent", request)
        self.assertEqual(again.consent_id, first.consent_id)
        request.evidence = "dossier 12"
        self.refused(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", self.city.call, "consent", "ConsentService",
                     "RecordConsent", request)

    def test_handles_are_each_institution_s_own(self):
        hers = self.register(self.city, "case-4", surname="Roux", first_names="Léa")
        same = self.register(self.city, "case-4", surname="Roux", first_names="Léa")
        self.assertEqual(hers.handle, same.handle)
        theirs = self.register(self.caf, "case-4", surname="Roux", first_names="Léa")
        self.assertNotEqual(hers.handle, theirs.handle)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", self.check, hers, self.caf)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", self.caf.call, "consent", "ConsentService",
                     "RecordConsent", self.agreement(hers))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NOT_YOUR_HANDLE", self.caf.call, "consent", "PersonService",
                     "Resolve", self.person.ResolveRequest(person=hers))
        # The raw id is for services.
        raw = self.types.PersonRef(person_id=b"\x01" * 16)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, None, self.check, raw)

    def test_only_a_party_may_ask(self):
        person = self.register(self.caf, "case-5", surname="Morel", first_names="Anne")
        sender = self.types.Party(institution="cpam")
        recipient = self.types.Party(institution="aphp")
        self.refused(grpc.StatusCode.PERMISSION_DENIED, "NOT_A_PARTY", self.check, person, self.caf, sender=sender,
                     recipient=recipient)

    def test_bad_fields_are_named_and_not_repeated(self):
        person = self.register(self.city, "case-6", surname="Petit", first_names="Jeanne")
        error = self.refused(grpc.StatusCode.INVALID_ARGUMENT, None, self.city.call, "consent", "ConsentService",
                             "RecordConsent", self.agreement(person, request_id="secret-" * 20, lines=[]))
        self.assertNotIn("secret", error.details())
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"request_id", details)
        self.assertIn(b"lines", details)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "NIR_DETECTED", self.register, self.city, "case-7",
                     surname="2061275111005 64", first_names="Jeanne")

    def test_a_deadline_is_required(self):
        person = self.register(self.city, "case-8", surname="Fournier", first_names="Marie")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "DEADLINE_REQUIRED", self.city.call, "consent",
                     "ConsentService", "Check", self.question(person), timeout=None)

    def test_an_agent_is_required(self):
        nobody = self.suite.client("ville-paris/dsol")
        nobody.metadata = []
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "AGENT_REQUIRED", self.register, nobody, "case-9")


if __name__ == "__main__":
    unittest.main()
