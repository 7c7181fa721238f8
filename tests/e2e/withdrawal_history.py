"""What concurrent callers saw of one person's agreement, and whether one order of things could have shown it to them.

The rules of services/consent/testing/history.h, stated again for processes that are killed: an operation that failed
may have happened or not, at any time after its call, but not after the process that it was sent to had ended (`over`).
"""

import dataclasses
import math

AGREE, WITHDRAW, CHECK = "agree", "withdraw", "check"


@dataclasses.dataclass
class Operation:
    kind: str
    called: int  # by one clock of the test, as all instants here
    answered: int = None  # of one that failed: none
    permitted: bool = False  # checks
    revision: int = 0  # tree size that the answer named
    at_least: bool = False  # the state it was decided on may be newer than that: dry runs
    over: int = None  # of one that failed: when it can no longer have happened, if that is known

    @property
    def known(self):
        return self.answered is not None

    @property
    def latest(self):
        """The latest instant at which it can have happened."""
        if self.known:
            return self.answered
        return math.inf if self.over is None else self.over


def violations(history):
    """Permits that no order of things explains. A permit needs an agreement that can have come before it and that no
    withdrawal ended in every order: by instants, or by the revisions that the answers named."""
    agreements = [each for each in history if each.kind == AGREE]
    withdrawals = [each for each in history if each.kind == WITHDRAW and each.known]

    def can_be_seen(agreement, check):
        return agreement.called < check.answered and (
            not agreement.known or check.at_least or agreement.revision <= check.revision)

    def ended(agreement, check):
        return any(agreement.latest < each.called and each.answered < check.called or
                   agreement.known and agreement.revision < each.revision <= check.revision for each in withdrawals)

    def explained(check):
        return any(can_be_seen(each, check) and not ended(each, check) for each in reversed(agreements))

    return [each for each in history if each.kind == CHECK and each.known and each.permitted and not explained(each)]
