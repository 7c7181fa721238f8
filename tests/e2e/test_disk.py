"""A real disk fills up under a real service: nothing acknowledged is lost, nothing more is acknowledged."""

import os
import re
import shutil
import subprocess
import time
import unittest

import feedgen
import suite

DISK = "48m"


def may_mount():
    """Whether this machine lets us mount a small file system."""
    probe = subprocess.run(["mktemp", "-d"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", probe], stderr=subprocess.DEVNULL)
        if made.returncode == 0:
            subprocess.run(["umount", probe], check=True)
        return made.returncode == 0
    finally:
        os.rmdir(probe)


@unittest.skipUnless(shutil.which("mount") and may_mount(), "this machine does not let us mount a small file system")
class DiskFullTest(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite()
        self.addCleanup(self.suite.close)
        relais = os.path.join(suite.ROOT, "build", suite.preset(), "bin", "relais")
        made = suite.run([relais, "dev", "init", self.suite.dir, "--directory",
                          os.path.join(suite.ROOT, "deploy", "dev", "directory.yaml"), "--test-clock", suite.CLOCK])
        self.assertEqual(made.returncode, 0, made.stderr)
        self.store = self.suite.path("alerting", "store")
        os.mkdir(self.store)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=" + DISK, "tmpfs", self.store], check=True)
        self.addCleanup(self.unmount)
        # A folder of its own: a store that is there already has its ring already.
        config = self.suite.path("alerting", "config.yaml")
        text = suite.read(config).decode().replace('/store"', '/store/db"')
        # This one is about what happens without marks.
        text, off = re.subn(r"^  (first|second)_free_mib: \d+$", r"  \1_free_mib: 0", text, flags=re.MULTILINE)
        self.assertEqual(off, 2)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)

    def unmount(self):
        for service in suite.SERVICES:
            if self.suite.running(service):
                self.suite.kill(service)
        subprocess.run(["umount", "-l", self.store], check=False)

    def rows(self, number):
        return feedgen.distinct_bills(number, 4000, self.suite.now(), cuts=0.02, prefix="D%d" % number)

    def test_full_then_restarted(self):
        self.suite.up()
        self.suite.kill("alerting")
        flags = suite.read(self.suite.path("alerting", "flags")).decode().split()
        binary = os.path.join(suite.ROOT, "build", suite.preset(), "bin", "relais-alerting")
        with open(self.suite.path("alerting", "log"), "ab") as log:
            service = subprocess.Popen([binary, "--config", self.suite.path("alerting", "config.yaml"), *flags],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        with open(self.suite.path("alerting", "pid"), "w", encoding="ascii") as file:
            file.write(str(service.pid))
        self.suite.command("status", "--wait", "30s")
        accepted, feeds = set(), {}
        for number in range(200):
            data, _ = self.rows(number)
            feeds[number] = data
            results, done = self.suite.import_feed("edf", data, "edf/billing", codes=None)
            accepted |= {(number, line[1]) for line in results if line[2] == "ACCEPTED"}
            if service.poll() is not None or done.returncode not in (0, 3):
                break
        self.assertEqual(service.wait(timeout=60), 70, "the store failed while serving")
        self.assertIn("the store failed: stopping", self.suite.log("alerting"))
        self.assertTrue(accepted)

        # As long as the disk is full, whatever the store gave back when it closed, it does not come back and pretend.
        with open(os.path.join(self.store, "filler"), "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        started = time.monotonic()
        again = subprocess.run([binary, "--config", self.suite.path("alerting", "config.yaml"), *flags],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=120)
        self.assertIn(again.returncode, (1, 70))
        self.assertLess(time.monotonic() - started, 60)

        subprocess.run(["mount", "-o", "remount,size=512m", self.store], check=True)
        self.suite.up()
        self.suite.verify_logs()
        for number, data in feeds.items():
            results, _ = self.suite.import_feed("edf", data, "edf/billing", codes=(0, 3))
            outcomes = {line[1]: line[2] for line in results}
            for reference in (reference for at, reference in accepted if at == number):
                self.assertEqual(outcomes[reference], "DUPLICATE", "what was accepted is there")
        self.suite.verify_logs()


if __name__ == "__main__":
    unittest.main()
