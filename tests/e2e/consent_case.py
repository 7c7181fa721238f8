"""What the tests of her acts, her rights and her history have in common: calls made from proto/ alone."""

import suite

CITY, CAF, HOSPITAL = "ville-paris/dsol", "caf/droits", "aphp/pass"


class Desk:
    """One institution's system as its humans use it: calls of consent, with what most of them need filled in."""

    def __init__(self, running, acting=CITY, agent="as-1207", function=None, reason="sa demande"):
        self.types = suite.pb("common/v1/types")
        self.values = suite.pb("consent/v1/consent")
        self.consent = suite.pb("consent/v1/consent_service")
        self.persons = suite.pb("consent/v1/person_service")
        self.disclosures = suite.pb("consent/v1/disclosures")
        self.receipt = suite.pb("consent/v1/receipt")
        self.emergency = suite.pb("consent/v1/emergency_service")
        self.rights = suite.pb("consent/v1/rights_service")
        self.institution = acting.partition("/")[0]
        self.client = running.client(acting, agent=agent, function=function)
        self.client.metadata.append(("relais-reason", reason))
        self.client.patience = 20  # a suite that has just started

    def call(self, grpc_service, method, request):
        return self.client.call("consent", grpc_service, method, request)

    def register(self, own_identifier, **traits):
        return self.call("PersonService", "Register", self.persons.RegisterRequest(
            request_id=suite.new_id(), own_identifier=own_identifier, traits=self.persons.Traits(**traits))).person

    def line(self, recipient="caf", purpose="RIGHTS_OPENING", categories=("IDENTITY",)):
        return self.values.ConsentLine(purposes=[purpose], categories=categories, acts=[self.types.ACT_TRANSMIT],
                                       recipients=[self.values.Recipient(institution=recipient)])

    def agreement(self, person, **changes):
        values = {"request_id": suite.new_id(), "person": person, "lines": [self.line()],
                  "legal_basis": self.values.LEGAL_BASIS_PUBLIC_TASK, "method": self.values.METHOD_SIGNED_PAPER,
                  "notice": self.values.Notice(id="accord-general", version="3", language="fr"), "want_proof": True}
        return self.consent.RecordConsentRequest(**{**values, **changes})

    def agree(self, person, **changes):
        return self.call("ConsentService", "RecordConsent", self.agreement(person, **changes))

    def withdraw(self, person, **changes):
        values = {"request_id": suite.new_id(), "person": person}
        if not {"consent_id", "lines"} & set(changes):
            values["lines"] = [self.values.ConsentLine()]
        return self.call("ConsentService", "WithdrawConsent",
                         self.consent.WithdrawConsentRequest(**{**values, **changes}))

    def check(self, person, recipient="caf", purpose="RIGHTS_OPENING", categories=("IDENTITY",), **changes):
        """Recorded, from this institution."""
        return self.call("ConsentService", "Check", self.consent.CheckRequest(
            person=person, sender=self.types.Party(institution=self.institution),
            recipient=self.types.Party(institution=recipient), purpose=purpose, categories=categories,
            act=self.types.ACT_TRANSMIT, **changes))

    def declare(self, person, recipient, categories=("IDENTITY",)):
        return self.call("EmergencyService", "Declare", self.emergency.DeclareRequest(
            request_id=suite.new_id(), person=person, recipient=self.types.Party(institution=recipient),
            categories=categories, facts="Inconsciente, seule au domicile.", person_unable=True, danger_serious=True))

    def inform(self, person, occasion, **changes):
        return self.call("ConsentService", "RecordInformation", self.consent.RecordInformationRequest(
            request_id=suite.new_id(), person=person, occasion=occasion, **changes))

    def owed(self, kind=0, overdue_only=False):
        """All that this institution owes, page by page."""
        request = self.consent.ListObligationsRequest(kind=kind, overdue_only=overdue_only, page_size=2)
        found = []
        while True:
            page = self.call("ConsentService", "ListObligations", request)
            found += page.obligations
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    def history(self, person):
        return self.call("ConsentService", "ListDisclosures", self.disclosures.ListDisclosuresRequest(person=person))

    def open(self, person, right, **changes):
        return self.call("RightsService", "Open", self.rights.OpenRequest(
            request_id=suite.new_id(), person=person, right=right, **changes)).request

    def answer(self, person, rights_id, outcome, reasons="", **changes):
        return self.call("RightsService", "Answer", self.rights.AnswerRequest(
            request_id=suite.new_id(), person=person, rights_id=rights_id, outcome=outcome, reasons=reasons,
            **changes)).request

    def overdue(self):
        return list(self.call("RightsService", "ListOverdue", self.rights.ListOverdueRequest()).requests)


def day(date):
    """A datetime.date as relais.common.v1.Date."""
    return suite.pb("common/v1/types").Date(year=date.year, month=date.month, day=date.day)
