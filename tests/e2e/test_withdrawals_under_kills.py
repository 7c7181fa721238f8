"""kill -9 of relais-consent while people change their minds: after an acknowledged withdrawal no check permits (D-2.7).

What every caller saw is held against withdrawal_history.py, and so is the log, in its own order.
"""

import itertools
import json
import random
import threading
import time
import unittest

import grpc

import suite
from consent_case import CITY, Desk
from withdrawal_history import AGREE, CHECK, WITHDRAW, Operation, violations

PERSONS, CHECKERS, KILLS = 2, 3, 6
# Of a process that died, and nothing else.
LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}


def permit(called, answered, revision, **more):
    return Operation(CHECK, called, answered, True, revision, **more)


class CheckerTest(unittest.TestCase):
    """The judge can say yes and no; needs no suite."""

    def judged(self, *history):
        return len(violations(history))

    def test_what_one_order_explains(self):
        agreed = Operation(AGREE, 1, 2, revision=10)
        self.assertEqual(self.judged(agreed, permit(3, 4, 11)), 0)
        # At the same time as the withdrawal: before it.
        self.assertEqual(self.judged(agreed, Operation(WITHDRAW, 3, 6, revision=12), permit(4, 7, 11)), 0)
        # An agreement that failed may have happened, a withdrawal that failed may not.
        self.assertEqual(self.judged(Operation(AGREE, 1), permit(3, 4, 11)), 0)
        self.assertEqual(self.judged(agreed, Operation(WITHDRAW, 3), permit(4, 5, 12)), 0)
        self.assertEqual(self.judged(agreed, Operation(WITHDRAW, 3, 4, revision=12),
                                     Operation(AGREE, 5, 6, revision=13), permit(7, 8, 14)), 0)
        # It failed, and may have come after the withdrawal that was called before its process ended.
        self.assertEqual(self.judged(Operation(AGREE, 1, over=4), Operation(WITHDRAW, 3, 5, revision=12),
                                     permit(6, 7, 13)), 0)

    def test_what_nothing_explains(self):
        agreed, withdrawn = Operation(AGREE, 1, 2, revision=10), Operation(WITHDRAW, 3, 4, revision=12)
        self.assertEqual(self.judged(permit(3, 4, 11)), 1)
        self.assertEqual(self.judged(permit(1, 2, 9), Operation(AGREE, 3, 4, revision=10)), 1, "before she agreed")
        self.assertEqual(self.judged(agreed, withdrawn, permit(5, 6, 11)), 1, "called after it was answered")
        self.assertEqual(self.judged(agreed, withdrawn, permit(5, 6, 11, at_least=True)), 1, "a dry run too")
        self.assertEqual(self.judged(agreed, Operation(WITHDRAW, 3, 6, revision=12), permit(4, 7, 12)), 1,
                         "at its revision")
        self.assertEqual(self.judged(agreed, withdrawn, Operation(AGREE, 5, 9, revision=15), permit(6, 8, 13)), 1,
                         "what follows is of a later revision")
        # Across a kill: what failed before it cannot have happened after it.
        self.assertEqual(self.judged(Operation(AGREE, 1, over=2), withdrawn, permit(5, 6, 13)), 1)


class Scene:
    """Calls under way, the kills that end some of them, and what each caller saw."""

    def __init__(self, running, answers, seed):
        """`answers` asks something until it is answered: from then on no call fails but by the next kill."""
        self.suite, self.answers = running, answers
        self.rng = random.Random(seed)
        self.clock = itertools.count(1)  # one instant each, whoever asks
        self.changed = threading.Condition()
        self.serving, self.under_way, self.withdrawing = True, 0, 0
        self.kills, self.ends = [], []  # instants: it still ran; it had ended, and every call to it
        self.failures = []  # (called, failed)
        self.over = threading.Event()
        self.broken = []  # what no caller may see

    def run(self, history, operation, call):
        """One operation: `call` fills in what was answered. True when it was."""
        with self.changed:
            while not self.serving:
                if self.over.is_set():
                    return False
                self.changed.wait(1)
            self.under_way += 1
            self.withdrawing += operation.kind == WITHDRAW
        operation.called = next(self.clock)
        try:
            call(operation)
            operation.answered = next(self.clock)
        except grpc.RpcError as error:
            self.failures.append((operation.called, next(self.clock)))
            if error.code() not in LOST and "Stream removed" not in (error.details() or ""):
                self.broken.append(error)
        finally:
            with self.changed:
                self.under_way -= 1
                self.withdrawing -= operation.kind == WITHDRAW
                self.changed.notify_all()
        history.append(operation)
        return operation.known

    def kill(self):
        """In the midst of a withdrawal; resumes when the service serves again."""
        with self.changed:
            self.changed.wait_for(lambda: self.withdrawing, timeout=5)
            self.kills.append(next(self.clock))
        self.suite.kill("consent")
        with self.changed:
            self.serving = False
            if not self.changed.wait_for(lambda: not self.under_way, timeout=30):
                raise AssertionError("calls to a process that was killed do not end")
            self.ends.append(next(self.clock))
        self.suite.up()
        self.answers()
        with self.changed:
            self.serving = True
            self.changed.notify_all()

    def failed_without_a_kill(self):
        return [(called, failed) for called, failed in self.failures
                if not any(called < end and kill < failed for kill, end in zip(self.kills, self.ends))]

    def judged(self, history):
        """With what is known of the operations that failed."""
        for each in history:
            if not each.known:
                each.over = next((end for end in self.ends if end > each.called), None)
        return violations(sorted(history, key=lambda each: each.called))


def size_of(revision):
    return int(revision.rpartition(":")[2])


class WithdrawalsUnderKillsTest(suite.SuiteTest):
    def setUp(self):
        self.city = Desk(self.suite, CITY)
        self.types = self.city.types

    def caller(self):
        """One that sees every failure."""
        desk = Desk(self.suite, CITY)
        desk.client.patience = 0
        return desk

    def changes_her_mind(self, scene, person, history, seed):
        """Agrees and withdraws; after a failure repeats the request as a desk would, or goes on with another."""
        desk, rng, again = self.caller(), random.Random(seed), None
        while not scene.over.is_set():
            kind, request_id = again or (rng.choice((AGREE, WITHDRAW)), suite.new_id())
            do = desk.agree if kind == AGREE else desk.withdraw
            request = {"request_id": request_id, "want_proof": False}

            def act(operation, do=do, request=request):
                operation.revision = size_of(do(person, **request).written.revision)

            answered = scene.run(history, Operation(kind, 0), act)
            repeats = rng.random() < (0.1 if answered else 0.5)
            again = (kind, request_id) if repeats else None
            time.sleep(rng.uniform(0.002, 0.03))

    def checks(self, scene, person, history, dry_run):
        desk = self.caller()

        def check(operation):
            answer = desk.check(person, dry_run=dry_run)
            operation.permitted = answer.decision == self.types.DECISION_PERMIT
            operation.revision = size_of(answer.revision)

        while not scene.over.is_set():
            scene.run(history, Operation(CHECK, 0, at_least=dry_run), check)
            time.sleep(0.002)

    def test_after_an_acknowledged_withdrawal_nothing_is_permitted(self):
        people = [(self.city.register("K-%d" % number), []) for number in range(PERSONS)]
        # By the connection that all of them share.
        scene = Scene(self.suite, lambda: self.city.check(people[0][0], dry_run=True), 20261126)
        threads = []
        for number, (person, history) in enumerate(people):
            threads.append(threading.Thread(target=self.changes_her_mind, daemon=True,
                                            args=(scene, person, history, number)))
            threads += [threading.Thread(target=self.checks, daemon=True,
                                         args=(scene, person, history, checker % 2 == 1))
                        for checker in range(CHECKERS)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                time.sleep(scene.rng.uniform(0.6, 1.4))
                scene.kill()
            time.sleep(1)
        finally:
            scene.over.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual(scene.broken, [])
        self.assertEqual(scene.failed_without_a_kill(), [])
        self.assertEqual(len(scene.ends), KILLS)
        for person, history in people:
            self.assertEqual(scene.judged(history), [])
        seen = [each for _, history in people for each in history]
        self.assertTrue([each for each in seen if not each.known], "the kills ended calls")
        for kind in (AGREE, WITHDRAW):
            self.assertGreater(len([each for each in seen if each.kind == kind and each.known]), 5 * KILLS)
        for permitted in (True, False):
            self.assertGreater(len([each for each in seen if each.kind == CHECK and each.known and
                                    each.permitted == permitted]), 50)
        self.log_agrees()
        self.suite.verify_logs()

    def log_agrees(self):
        """In the log's order a recorded check permits exactly between an agreement and the next withdrawal."""
        told = self.suite.command("--json", "--reason", "contrôle", "audit", "tail", "--service", "consent", "--view",
                                  "opened", acting="auditor/suite")
        self.assertEqual(told.returncode, 0, told.stderr)
        agreed, checks = {}, 0
        for line in told.stdout.splitlines():
            leaf = json.loads(line)
            what = leaf["header"]["eventClass"].removeprefix("EVENT_CLASS_")
            if what not in ("CONSENT_RECORDED", "CONSENT_WITHDRAWN", "CHECK_DECIDED"):
                continue
            person = leaf["details"]["subject"]["id"]
            if what == "CHECK_DECIDED":
                checks += 1
                self.assertEqual(leaf["header"]["decision"] == "DECISION_PERMIT", agreed.get(person, False), leaf)
            else:
                agreed[person] = what == "CONSENT_RECORDED"
        self.assertGreater(checks, 100)

    def test_killed_in_the_instant_of_the_answer(self):
        """The first answer after the restart already knows it."""
        person = self.city.register("K-last")
        for _ in range(4):
            self.city.agree(person)
            self.assertEqual(self.city.check(person).decision, self.types.DECISION_PERMIT)
            revision = self.city.withdraw(person).written.revision
            self.suite.kill("consent")
            self.suite.up()
            for more in ({"dry_run": True, "at_least_as_fresh": revision}, {}):
                answer = self.city.check(person, **more)
                self.assertEqual(answer.decision, self.types.DECISION_DENY)
                self.assertGreaterEqual(size_of(answer.revision), size_of(revision))


if __name__ == "__main__":
    unittest.main()
