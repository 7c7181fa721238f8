"""What a share rests on, and what a restore leaves of it: the agreement that it names, beside others of hers (ADR 71); a vault
that is restored with a loss, where nobody acts or reads by what the backup allowed (ADR 73)."""

import unittest

import suite
from restoring import Restoring
from test_vault import CAF, CITY, UNTIL, VaultCase, pdf

SOONER = "2027-03-01T00:00:00+01:00"  # later than UNTIL, sooner than what is agreed to without an end
EMMAUS = "emmaus/maraude"
OPERATOR = "operator/ops"


class SharesCase(VaultCase):
    def agreed(self, handle, *options, recipient="caf"):
        """Her agreement to share papers."""
        return self.relais("consent", "record", handle, "--purpose", "RIGHTS_OPENING", "--category", "DOCUMENTS",
                           "--recipient", recipient, "--act", "share-document", "--method", "signed-paper", "--notice",
                           "accord-partage/3", *options)["consentId"]

    def on(self, handle, document, agreement, recipient="caf"):
        """The command that shares a paper on this agreement."""
        return ("document", "share", handle, "--document", document, "--with", recipient, "--purpose", "RIGHTS_OPENING",
                "--until", UNTIL, "--consent", agreement)

    def shared(self, *on, acting=CAF):
        """(share id, her handle at the recipient)"""
        share_id = self.relais(*on)["share"]["shareId"]

        def theirs():
            shares = self.relais("document", "shares", acting=acting)["shares"]
            return [share["person"]["handle"] for share in shares if share["shareId"] == share_id]
        return share_id, suite.wait_for("the share at its recipient", theirs)[0]


class AgreementsTest(SharesCase):
    def test_a_longer_agreement_beside_it_closes_nothing(self):
        handle, _ = self.person()
        data = pdf(1000, 1)
        document = self.put(handle, data)["document"]["documentId"]
        first = self.agreed(handle, "--until", SOONER)
        _, there = self.shared(*self.on(handle, document, first))
        self.assertEqual(self.get(there, document, acting=CAF), data)
        self.agreed(handle)
        self.assertEqual(self.get(there, document, acting=CAF), data)
        shares = self.relais("document", "shares", handle)["shares"]
        self.assertEqual([share["state"] for share in shares], ["STATE_ACTIVE"])
        # It rests on the first: with that it ends, whatever else she has agreed to.
        self.relais("consent", "withdraw", handle, "--consent", first)
        suite.wait_for("the end of the share", lambda: isinstance(self.get(there, document, acting=CAF), int))

    def test_a_medical_paper_is_shared_on_what_covers_it(self):
        handle, _ = self.person()
        data = pdf(1000, 2)
        document = self.relais("document", "put", handle, self.suite.file("medical.pdf", data), "--type", "medical",
                               "--title", "Certificat")["document"]["documentId"]
        health = self.agreed(handle, "--category", "HEALTH", "--explicit", "--until", SOONER)
        longer = self.agreed(handle)
        self.assertEqual(self.code(*self.on(handle, document, longer)), 6, "it does not cover it")
        _, there = self.shared(*self.on(handle, document, health))
        self.assertEqual(self.get(there, document, acting=CAF), data)

    def test_a_type_is_shared_with_what_comes_later_and_nothing_else(self):
        handle, _ = self.person()

        def put(kind, number):
            data = pdf(1000, number)
            return data, self.relais("document", "put", handle, self.suite.file("%d.pdf" % number, data), "--type",
                                     kind, "--title", "Papier")["document"]["documentId"]
        payslip, first = put("payslip", 3)
        _, lease = put("lease", 4)
        agreement = self.agreed(handle, "--until", SOONER)
        share_id, there = self.shared("document", "share", handle, "--type", "payslip", "--with", "caf", "--purpose",
                                      "RIGHTS_OPENING", "--until", UNTIL, "--consent", agreement)
        self.assertEqual(self.get(there, first, acting=CAF), payslip)
        self.assertEqual(self.get(there, lease, acting=CAF), 7)
        later, second = put("payslip", 5)
        self.assertEqual(self.get(there, second, acting=CAF), later)
        self.relais("document", "unshare", handle, share_id)
        self.assertEqual([self.get(there, each, acting=CAF) for each in (first, second, lease)], [7, 7, 7])


class RestoredTest(Restoring, SharesCase):
    def states(self, handle):
        hosts = self.relais("document", "hosts", handle, "--with-ended")["hosts"]
        shares = self.relais("document", "shares", handle, "--with-ended")["shares"]
        return {host["institution"]: host["state"] for host in hosts}, [share["state"] for share in shares]

    def count(self, handle, acting=CITY):
        """Exit code of what hosts alone may ask."""
        return self.code("--timeout", "2s", "document", "count", handle, acting=acting)

    def lose(self):
        """The vault as it was in backup 1, and its followers, which have read what is lost."""
        self.suite.down()
        self.restore("vault")
        self.set_origin("vault", 2)
        undo = [self.flag("vault", "--accept-loss")]
        undo += [self.flag(service, "--rebuild=vault") for service in ("consent", "routing", "alerting")]
        self.suite.up()
        for each in undo:
            each()

    def test_what_she_ended_since_the_backup_stays_ended(self):
        handle, agreement = self.person()
        data = pdf(1000, 3)
        document = self.put(handle, data)["document"]["documentId"]
        share_id, at_caf = self.shared(*self.on(handle, document, self.agreed(handle)))
        _, at_emmaus = self.shared(*self.on(handle, document, self.agreed(handle, recipient="emmaus"), "emmaus"),
                                   acting=EMMAUS)
        self.relais("document", "link-host", at_emmaus, "--consent", self.agree(handle, "host", "emmaus"), "--purpose",
                    "RIGHTS_OPENING", acting=EMMAUS)
        self.assertEqual(self.count(at_emmaus, EMMAUS), 0)
        self.assertEqual(self.get(at_caf, document, acting=CAF), data)
        self.suite.json("backup", "create", "--service", "vault", acting=OPERATOR)
        self.relais("document", "unlink-host", handle, "emmaus")
        self.relais("document", "unshare", handle, share_id)
        self.assertEqual((self.count(at_emmaus, EMMAUS), self.get(at_caf, document, acting=CAF)), (7, 7))

        self.lose()
        # Nobody acts by what the backup says.
        self.assertEqual((self.count(at_emmaus, EMMAUS), self.count(handle)), (8, 8))
        self.assertEqual(self.get(at_caf, document, acting=CAF), 7)
        # Her host does once it links itself, on the agreement that stands; the others stay where they are.
        suite.wait_for("her host", lambda: self.code("document", "link-host", handle, "--consent", agreement, "--purpose",
                                                     "RIGHTS_OPENING") == 0)
        self.assertEqual(self.get(handle, document), data)
        self.assertEqual(self.states(handle), ({"ville-paris": "STATE_ACTIVE", "emmaus": "STATE_SUSPENDED"},
                                               ["STATE_REVOKED", "STATE_REVOKED"]))
        self.assertEqual(self.count(at_emmaus, EMMAUS), 8)
        self.assertEqual(self.get(at_caf, document, acting=CAF), 7)
        # A share that is given anew is read.
        _, again = self.shared(*self.on(handle, document, self.agreed(handle)))
        self.assertEqual(self.get(again, document, acting=CAF), data)


if __name__ == "__main__":
    unittest.main()
