"""Who is let in: certificates, roles, revocation, and who may pass for a service."""

import concurrent.futures
import datetime
import os
import re
import time
import unittest

import grpc

import certificates
import suite

SPIFFE = "spiffe://relais.test/"
REFUSED_EARLY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)


class Impostor:
    """A TLS server that answers every method, and remembers that it was asked."""

    def __init__(self, certificate, key, roots):
        self.asked = []
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[self])
        credentials = grpc.ssl_server_credentials([(key, certificate)], roots, require_client_auth=False)
        self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def service(self, details):
        self.asked.append(details.method)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None)


class IdentityTest(suite.SuiteTest):
    def setUp(self):
        self.routing = suite.pb("routing/v1/directory_service")
        self.types = suite.pb("common/v1/types")

    def ask(self, channel, service="routing", timeout=5):
        """A method that every authenticated caller may call."""
        if service == "routing":
            made = suite.stub(channel, "routing/v1/directory_service", "DirectoryService")
            return made.GetVersion(self.routing.GetVersionRequest(), timeout=timeout)
        audit = suite.pb("audit/v1/audit_service")
        made = suite.stub(channel, "audit/v1/audit_service", "AuditService")
        return made.GetCheckpoint(audit.GetCheckpointRequest(), timeout=timeout)

    def not_let_in(self, credentials):
        for service in suite.SERVICES:
            with self.subTest(service):
                channel = self.suite.open(service, credentials)
                with self.assertRaises(grpc.RpcError) as caught:
                    self.ask(channel, service, timeout=3)
                self.assertIn(caught.exception.code(), REFUSED_EARLY + (grpc.StatusCode.DEADLINE_EXCEEDED,))
                channel.close()

    def authority(self, which):
        return certificates.Authority.load(suite.read(self.suite.path("pki", "ca", which + ".pem")),
                                           suite.read(self.suite.path("pki", "ca", which + ".key")))

    def of(self, authority, uri, dns=()):
        certificate, key = authority.issue(SPIFFE + uri, dns)
        return self.suite.credentials(certificate=certificate, key=key)

    def test_everyone_of_the_directory_is_let_in(self):
        for acting in ("edf/billing", "emmaus/maraude", "auditor/suite"):
            self.assertTrue(self.ask(self.suite.channel("routing", acting)).directory)

    def test_no_certificate(self):
        self.not_let_in(self.suite.credentials())

    def test_no_tls(self):
        channel = grpc.insecure_channel(self.suite.target("routing"))
        with self.assertRaises(grpc.RpcError):
            self.ask(channel, timeout=3)
        channel.close()

    def test_foreign_authority(self):
        self.not_let_in(self.of(certificates.Authority.make("Elsewhere"), "institution/edf/system/billing"))

    def test_an_expired_certificate(self):
        certificate, key = self.authority("institutions").issue(
            SPIFFE + "institution/edf/system/billing", start=-10 * certificates.HOUR, end=-certificates.HOUR)
        self.not_let_in(self.suite.credentials(certificate=certificate, key=key))

    def test_unknown_institution_or_system(self):
        ours = self.authority("institutions")
        self.assertTrue(self.ask(self.suite.open("routing", self.of(ours, "institution/edf/system/billing"))).directory)
        for uri in ("institution/nobody/system/billing", "institution/edf/system/nobody", "institution/edf",
                    "service/consent"):
            with self.subTest(uri):
                self.not_let_in(self.of(ours, uri, ("relais-consent",)))

    def test_missing_role(self):
        signal = suite.pb("alerting/v1/signal_service")
        person = suite.pb("consent/v1/person_service")
        request = signal.ListDeliveriesRequest(references=["x"])
        self.refused(grpc.StatusCode.PERMISSION_DENIED, "MISSING_ROLE", self.suite.client("caf/droits").call,
                     "alerting", "SignalService", "ListDeliveries", request)
        register = person.RegisterRequest(request_id=suite.new_id(), own_identifier="x")
        self.refused(grpc.StatusCode.PERMISSION_DENIED, "MISSING_ROLE", self.suite.client("edf/billing").call,
                     "consent", "PersonService", "Register", register)
        done = self.suite.command("signal", "import", "--type", "edf", self.suite.file("x.csv", b"x"),
                                  acting="caf/droits")
        self.assertNotEqual(done.returncode, 0)

    def test_a_service_method_refuses_who_acts_for_another(self):
        person = suite.pb("consent/v1/person_service")
        acting = self.types.Acting(party=self.types.Party(institution="caf"))
        request = person.RegisterRequest(request_id=suite.new_id(), own_identifier="x", acting=acting)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, None, self.suite.client("ville-paris/dsol").call, "consent",
                     "PersonService", "Register", request)

    def test_an_institution_cannot_serve_as_a_service(self):
        folder = self.suite.path("pki", "institutions", "edf", "billing")
        own = (suite.read(folder + "/tls.crt"), suite.read(folder + "/tls.key"))
        # As if the institutions' authority had been talked into names of a service.
        stretched = self.authority("institutions").issue(SPIFFE + "institution/edf/system/billing",
                                                         ("relais-consent", "localhost"))
        posing = self.authority("institutions").issue(SPIFFE + "service/consent", ("relais-consent", "localhost"))
        roots = suite.read(self.suite.path("pki", "ca", "bundle.pem"))
        for what, (certificate, key) in {"own": own, "stretched": stretched, "posing": posing}.items():
            with self.subTest(what), Impostor(certificate, key, roots) as impostor:
                done = self.suite.command("--timeout", "2s", "audit", "checkpoint", "--service", "consent",
                                          env={"RELAIS_CONSENT": "127.0.0.1:%d" % impostor.port})
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertEqual(impostor.asked, [])

    def test_a_service_does_not_trust_an_impostor(self):
        """Alerting, pointed at an impostor for consent, asks it nothing and tells nobody."""
        certificate, key = self.authority("institutions").issue(SPIFFE + "service/consent",
                                                                ("relais-consent", "localhost"))
        roots = suite.read(self.suite.path("pki", "ca", "bundle.pem"))
        config = self.suite.path("alerting", "config.yaml")
        with open(config, encoding="utf-8") as file:
            good = file.read()
        with Impostor(certificate, key, roots) as impostor:
            self.suite.kill("alerting")
            with open(config, "w", encoding="utf-8") as file:
                file.write(good.replace(self.suite.target("consent"), "127.0.0.1:%d" % impostor.port))
            self.suite.up()
            time.sleep(2)
            self.assertEqual(impostor.asked, [])
            self.suite.kill("alerting")
        with open(config, "w", encoding="utf-8") as file:
            file.write(good)
        self.suite.up()

    def revoke(self, fingerprints):
        """Signs the directory again, with revocations and the next version; returns that version."""
        path = self.suite.path("directory", "directory.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        version = int(re.search(r"^version: (\d+)$", text, re.MULTILINE)[1]) + 1
        moment = self.suite.now().astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        entries = "".join("\n  - {fingerprint: %s, revoked_at: %s, reason: test}" % (each, moment)
                          for each in fingerprints)
        text = re.sub(r"^version: .*$", "version: %d" % version, text, flags=re.MULTILINE)
        text = text.replace("revocations: []", "revocations:" + entries)
        with open(path + ".next", "w", encoding="utf-8") as file:
            file.write(text)
        done = self.suite.command("directory", "sign", path + ".next", "--key",
                                  self.suite.path("directory", "root.key"))
        self.assertEqual(done.returncode, 0, done.stderr)
        os.replace(path + ".next.sig", path + ".sig")
        os.replace(path + ".next", path)
        return version

    def test_revocation(self):
        certificate, key = self.authority("institutions").issue(SPIFFE + "institution/cpam/system/droits")
        credentials = self.suite.credentials(certificate=certificate, key=key)
        live = {service: self.suite.open(service, credentials) for service in suite.SERVICES}
        for service, channel in live.items():
            self.ask(channel, service)
        version = self.revoke([certificates.fingerprint(certificate)])
        suite.wait_for("the new directory", lambda: self.ask(
            self.suite.channel("routing", "caf/droits")).version == version, timeout=15)
        time.sleep(1.5)  # the others look every second
        for service, channel in live.items():
            with self.subTest(service):
                self.refused(grpc.StatusCode.UNAUTHENTICATED, None, self.ask, channel, service)
                fresh = self.suite.open(service, credentials)  # may resume a TLS session
                self.refused(grpc.StatusCode.UNAUTHENTICATED, None, self.ask, fresh, service)
                fresh.close()
                channel.close()
        # Her colleagues' own certificate is untouched, and so are the services' connections.
        self.assertEqual(self.ask(self.suite.channel("routing", "cpam/droits")).version, version)
        status = self.suite.command("status", "--wait", "10s")
        self.assertEqual(status.returncode, 0, status.stdout)

    def test_a_directory_that_is_not_signed_is_not_taken(self):
        path = self.suite.path("directory", "directory.yaml")
        before = suite.read(path)
        version = self.ask(self.suite.channel("routing", "caf/droits")).version
        try:
            with open(path, "wb") as file:
                file.write(before.replace(b"version: %d" % version, b"version: %d" % (version + 1)) + b"\n")
            time.sleep(2.5)
            self.assertEqual(self.ask(self.suite.channel("routing", "caf/droits")).version, version)
        finally:
            with open(path, "wb") as file:
                file.write(before)


if __name__ == "__main__":
    unittest.main()
