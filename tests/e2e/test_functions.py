"""What the function of whoever calls may do, by the directory's `may`; her no needs none; and who guesses is held back."""

import re
import unittest
import urllib.request

import grpc

import suite

DENIED = grpc.StatusCode.PERMISSION_DENIED


class FunctionsTest(suite.SuiteTest):
    def setUp(self):
        self.types = suite.pb("common/v1/types")
        self.person = suite.pb("consent/v1/person_service")
        self.consent = suite.pb("consent/v1/consent_service")
        self.values = suite.pb("consent/v1/consent")
        self.emergency = suite.pb("consent/v1/emergency_service")
        self.rights = suite.pb("consent/v1/rights_service")
        self.inbox = suite.pb("routing/v1/inbox_service")
        self.routing = suite.pb("routing/v1/routing_service")
        # Receives people at the desk: may register and record, nothing else.
        self.desk = self.suite.client("ville-paris/dsol", agent="aa-1", function="agent-accueil")
        self.worker = self.suite.client("ville-paris/dsol", agent="as-1", function="assistant-social")
        # A suite that has just started may not have its leases yet.
        self.desk.patience = self.worker.patience = 20

    def register(self, client):
        request = self.person.RegisterRequest(request_id=suite.new_id(), own_identifier=suite.new_id())
        return client.call("consent", "PersonService", "Register", request).person

    def check(self, her, dry_run=True):
        return self.consent.CheckRequest(
            person=her, sender=self.types.Party(institution="ville-paris"),
            recipient=self.types.Party(institution="caf"), purpose="RIGHTS_OPENING", categories=["IDENTITY"],
            act=self.types.ACT_TRANSMIT, dry_run=dry_run)

    def declare(self, her):
        return self.emergency.DeclareRequest(
            request_id=suite.new_id(), person=her, recipient=self.types.Party(institution="aphp"),
            categories=["IDENTITY"], facts="inconsciente", person_unable=True, danger_serious=True)

    def lacks(self, capability, function, call, *arguments):
        error = self.refused(DENIED, "MISSING_CAPABILITY", call, *arguments)
        self.assertIn(capability, error.details())
        self.assertIn(function, error.details())

    def test_what_the_desk_may_not(self):
        her = self.register(self.desk)
        refused = (
            ("DECLARE_EMERGENCY", "consent", "EmergencyService", "Declare", self.declare(her)),
            ("CHECK", "consent", "ConsentService", "Check", self.check(her)),
            ("CHECK", "consent", "ConsentService", "Check", self.check(her, dry_run=False)),
            ("TAKE", "routing", "InboxService", "Take",
             self.inbox.TakeRequest(request_id=suite.new_id(), message_id="0" * 32)),
            ("RECEIVE", "routing", "InboxService", "Pull", self.inbox.PullRequest(desk="dsol-75113")),
            ("RECEIVE", "routing", "InboxService", "ListByDesk", self.inbox.ListByDeskRequest(desk="dsol-75113")))
        for capability, service, grpc_service, method, request in refused:
            with self.subTest(method):
                self.lacks(capability, "agent-accueil", self.desk.call, service, grpc_service, method, request)

    def test_who_may(self):
        her = self.register(self.worker)
        self.worker.call("consent", "EmergencyService", "Declare", self.declare(her))
        self.worker.call("consent", "ConsentService", "Check", self.check(her, dry_run=False))
        self.worker.call("routing", "InboxService", "Pull", self.inbox.PullRequest(desk="dsol-75113"))

    def test_a_system_that_names_nobody_may_ask(self):
        """Where no human is required, what is automatic stays possible."""
        her = self.register(self.desk)
        system = self.suite.client("ville-paris/dsol")
        system.metadata = []
        system.call("consent", "ConsentService", "Check", self.check(her))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "AGENT_REQUIRED", system.call, "consent", "EmergencyService",
                     "Declare", self.declare(her))

    def test_her_no_needs_no_capability(self):
        """Of a function that may only match persons: she is heard at any desk."""
        her = self.register(self.worker)
        line = self.values.ConsentLine(purposes=["RIGHTS_OPENING"], categories=["IDENTITY"],
                                       recipients=[self.values.Recipient(institution="caf")],
                                       acts=[self.types.ACT_TRANSMIT])
        clerk = self.suite.client("ville-paris/dsol", agent="gi-1", function="gestionnaire-identites")
        request = self.consent.RecordConsentRequest(
            request_id=suite.new_id(), person=her, lines=[line], legal_basis=self.values.LEGAL_BASIS_PUBLIC_TASK,
            method=self.values.METHOD_SIGNED_PAPER, notice=self.values.Notice(id="accord-partage", version="3"))
        self.lacks("RECORD_CONSENT", "gestionnaire-identites", clerk.call, "consent", "ConsentService",
                   "RecordConsent", request)
        self.worker.call("consent", "ConsentService", "RecordConsent", request)
        clerk.call("consent", "ConsentService", "WithdrawConsent",
                   self.consent.WithdrawConsentRequest(request_id=suite.new_id(), person=her, lines=[line]))
        clerk.call("consent", "ConsentService", "RecordRefusal",
                   self.consent.RecordRefusalRequest(request_id=suite.new_id(), person=her, lines=[line]))
        clerk.call("consent", "ConsentService", "RecordObjection", self.consent.RecordObjectionRequest(
            request_id=suite.new_id(), suppliers=["edf"], identity=self.consent.RecordIdentity(
                nom="DURAND", prenoms="MARIE", adresse="12 RUE DE TOLBIAC", code_postal="75013")))
        clerk.call("consent", "RightsService", "Restrict",
                   self.rights.RestrictRequest(request_id=suite.new_id(), person=her))

    def test_an_emergency_is_judged_by_who_may(self):
        """By another human of the receiving institution, whose function may: not by an adviser of theirs."""
        her = self.register(self.worker)
        declare = self.declare(her)
        declare.recipient.institution = "caf"
        declared = self.worker.call("consent", "EmergencyService", "Declare", declare)
        request = self.emergency.ReviewRequest(
            request_id=suite.new_id(), person=her, emergency_id=declared.emergency_id,
            outcome=self.values.REVIEW_OUTCOME_JUSTIFIED, reasons="elle ne répondait plus")
        adviser = self.suite.client("caf/droits", agent="cd-1", function="conseiller-droits")
        self.lacks("REVIEW_EMERGENCY", "conseiller-droits", adviser.call, "consent", "EmergencyService", "Review",
                   request)

    def test_a_stream_too(self):
        stub = suite.stub(self.suite.channel("routing", "ville-paris/dsol"), "routing/v1/inbox_service", "InboxService")
        stream = stub.Subscribe(iter([self.inbox.SubscribeRequest(open=self.inbox.SubscribeOpen(desk="dsol-75113"))]),
                                timeout=10, metadata=self.desk.metadata)
        self.lacks("RECEIVE", "agent-accueil", lambda: next(stream))

    def test_the_command_says_so(self):
        her = self.register(self.worker)
        done = self.suite.command("--function", "agent-accueil", "--agent", "aa-1", "check", her.handle, "--recipient",
                                  "caf", "--purpose", "RIGHTS_OPENING", "--category", "IDENTITY",
                                  acting="ville-paris/dsol")
        self.assertEqual(done.returncode, 9, done.stderr)
        self.assertIn("MISSING_CAPABILITY", done.stderr)


class GuessingTest(suite.SuiteTest):
    """An institution that asks too often for what is not there may not ask, and the operators see it."""

    settings = {"limits.misses": "30", "limits.misses_window": "1000h"}

    def metric(self, name):
        with open(self.suite.path("consent", "config.yaml"), encoding="utf-8") as config:
            address = re.search(r'^metrics:\n  listen: "(.*)"$', config.read(), re.MULTILINE)[1]
        with urllib.request.urlopen("http://%s/metrics" % address, timeout=5) as answer:
            return float(re.search(r"^%s (\S+)$" % name, answer.read().decode(), re.MULTILINE)[1])

    def test_guessing_ends(self):
        person = suite.pb("consent/v1/person_service")
        consent = suite.pb("consent/v1/consent_service")
        city, caf = self.suite.client("ville-paris/dsol"), self.suite.client("caf/droits")
        her = city.call("consent", "PersonService", "Register",
                        person.RegisterRequest(request_id=suite.new_id(), own_identifier="D-1")).person
        known = person.ResolveRequest(own_identifier="D-1")
        for number in range(10):
            self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", city.call, "consent", "PersonService",
                         "Resolve", person.ResolveRequest(own_identifier="G-%d" % number))
        city.call("consent", "PersonService", "Resolve", known)
        city.call("consent", "PersonService", "BatchResolve", person.BatchResolveRequest(
            names=[person.PersonName(own_identifier="H-%d" % number) for number in range(25)]))
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", city.call, "consent", "PersonService", "Resolve",
                     known)
        # Her no is heard all the same, and others are not held back.
        city.call("consent", "ConsentService", "RecordObjection", consent.RecordObjectionRequest(
            request_id=suite.new_id(), suppliers=["edf"], person=her, identity=consent.RecordIdentity(
                nom="DURAND", prenoms="MARIE", adresse="12 RUE DE TOLBIAC", code_postal="75013")))
        self.refused(grpc.StatusCode.NOT_FOUND, "NO_SUCH_OR_NOT_YOURS", caf.call, "consent", "PersonService", "Resolve",
                     known)
        self.assertEqual(self.metric("relais_misses_total"), 36)
        self.assertEqual(self.metric("relais_institutions_held_back_total"), 1)
        lines = [line for line in self.suite.log("consent").splitlines() if "held back" in line]
        self.assertEqual(len(lines), 1)
        self.assertIn("ville-paris", lines[0])


if __name__ == "__main__":
    unittest.main()
