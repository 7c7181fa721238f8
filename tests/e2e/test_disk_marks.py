"""Marks of the disk under the stores: over the second nothing new is taken, and all else goes on."""

import re
import unittest
import urllib.request

import grpc

import suite
import test_vault

OVER = 1 << 40  # MiB: more than any disk has free
MARKS = ("first", "second")
NEW = (("consent", "PersonService", "Register"), ("consent", "ConsentService", "RecordConsent"),
       ("routing", "RoutingService", "Submit"), ("vault", "DocumentService", "BeginUpload"),
       ("vault", "DocumentService", "UploadPiece"), ("vault", "ShareService", "Share"))


class DiskMarksTest(test_vault.VaultCase):
    """The marks are moved, not the disk: this machine's is over a mark of 0 % used and more free than there can be."""

    def restart(self, **free_mib):
        self.suite.down()
        for mark in MARKS:
            self.suite.env["RELAIS_DISK_%s_USED_PERCENT" % mark.upper()] = "0"
            self.suite.env["RELAIS_DISK_%s_FREE_MIB" % mark.upper()] = str(free_mib[mark])
        self.suite.up()

    def level(self, service):
        with open(self.suite.path(service, "config.yaml"), encoding="utf-8") as config:
            address = re.search(r'^metrics:\n  listen: "(.*)"$', config.read(), re.MULTILINE)[1]
        with urllib.request.urlopen("http://%s/metrics" % address, timeout=5) as answer:
            text = answer.read().decode()
        shown = {name: float(re.search(r"^relais_disk_%s (\S+)$" % name, text, re.MULTILINE)[1])
                 for name in ("level", "free_bytes", "size_bytes")}
        self.assertLessEqual(shown["free_bytes"], shown["size_bytes"])
        return shown["level"] if shown["size_bytes"] else None

    def wait_for_level(self, level):
        for service in suite.SERVICES:
            suite.wait_for("level %d of %s" % (level, service), lambda service=service: self.level(service) == level)

    def begin(self, handle, request_id):
        service, document = suite.pb("vault/v1/document_service"), suite.pb("vault/v1/document")
        types = suite.pb("common/v1/types")
        return self.suite.client(test_vault.CITY).call(
            "vault", "DocumentService", "BeginUpload", service.BeginUploadRequest(
                request_id=request_id, person=types.PersonRef(handle=handle), size=1000,
                description=document.Description(type=document.DOCUMENT_TYPE_LEASE, title="Bail")))

    def request_of(self, service, grpc_service, method):
        """Empty: what the disk refuses is not looked at."""
        file = {"PersonService": "person_service", "ConsentService": "consent_service",
                "RoutingService": "routing_service", "DocumentService": "document_service",
                "ShareService": "share_service"}[grpc_service]
        return getattr(suite.pb("%s/v1/%s" % (service, file)), method + "Request")()

    def test_over_the_second_mark(self):
        handle, agreement = self.person()
        other, _ = self.person()
        data = test_vault.pdf(5000, 1)
        document = self.put(handle, data)["document"]["documentId"]

        self.restart(first=OVER, second=0)
        self.wait_for_level(1)
        self.assertIn("over its first mark", self.suite.log("vault"))
        self.assertNotIn("over its second mark", self.suite.log("vault"))
        self.put(handle, test_vault.pdf(5000, 2))

        self.restart(first=OVER, second=OVER)  # which waits until all four are healthy
        self.wait_for_level(2)
        self.assertEqual(self.suite.command("status").returncode, 0)
        city = self.suite.client(test_vault.CITY)
        for service, grpc_service, method in NEW:
            with self.subTest(method):
                self.refused(grpc.StatusCode.UNAVAILABLE, "DISK_FULL", city.call, service, grpc_service, method,
                             self.request_of(service, grpc_service, method))
        signal = suite.pb("alerting/v1/signal_service")
        self.refused(grpc.StatusCode.UNAVAILABLE, "DISK_FULL", self.suite.client("edf/billing").call, "alerting",
                     "SignalService", "SubmitRows", signal.SubmitRowsRequest())
        request_id = suite.new_id()
        self.refused(grpc.StatusCode.UNAVAILABLE, "DISK_FULL", self.begin, other, request_id)
        for service in suite.SERVICES:
            self.assertIn("over its second mark", self.suite.log(service))

        # Read, with its leaf, and her noes.
        self.assertEqual(self.get(handle, document), data)
        journal = self.relais("document", "journal", handle, "--limit", "0")["entries"]
        self.assertIn("ACT_READ", [entry["act"] for entry in journal])
        self.relais("--reason", "à sa demande", "document", "destroy", handle, document)
        self.relais("consent", "withdraw", handle, "--consent", agreement)
        self.suite.verify_logs()

        self.restart(first=OVER, second=0)
        self.wait_for_level(1)
        self.assertEqual(len(self.begin(other, request_id).upload.upload_id), 32)


if __name__ == "__main__":
    unittest.main()
