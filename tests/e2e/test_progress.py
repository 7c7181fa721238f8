"""What a human at a terminal sees while a paper moves: a bar on stderr, wiped at the end; and nothing of it anywhere else."""

import os
import pty
import re
import shutil
import subprocess
import threading
import unittest

import suite
from test_vault import CITY, VaultCase
from test_vault_memory import BLOCK, write_paper

WIPE = b"\r\x1b[K"
BAR = re.compile(rb"\r\x1b\[K\[#* *\] (\d+)%  (\d+\.\d) MB  \d+\.\d MB/s")


class ProgressTest(VaultCase):
    SIZE = 256 * BLOCK  # moves for longer than it takes until a bar is drawn

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.paper = cls.suite.file("moved.pdf")
        write_paper(cls.paper, cls.SIZE)

    def command(self, *arguments, terminal):
        """(what a command that succeeds writes to the terminal, and what to the pipe). `terminal`: "stdout" or "stderr"; the
        other one is the pipe."""
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        seen, shown = pty.openpty()
        try:
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, terminal: shown}
            running = subprocess.Popen([relais, "--as", CITY, *arguments], env=self.suite.env, stdin=subprocess.DEVNULL,
                                       **streams)
            os.close(shown)
            killer = threading.Timer(120, running.kill)
            killer.start()
            on_terminal = b""
            try:
                while part := os.read(seen, 1 << 16):
                    on_terminal += part
            except OSError:  # EIO: nobody has it open any more
                pass
            output, errors = running.communicate()
            killer.cancel()
        finally:
            os.close(seen)
        self.assertEqual(running.returncode, 0, (on_terminal, output, errors))
        return on_terminal, output or errors or b""

    def moves(self, handle):
        """The verbs that move papers, each with what it takes."""
        yield "put", (handle, self.paper, "--type", "lease", "--title", "Bail", "--allow-duplicate")
        document = self.relais("document", "list", handle)["documents"][0]["documentId"]
        yield "get", (handle, document, self.suite.file("got-" + suite.new_id()))
        yield "export", (handle, self.suite.file("papers-%s.tar" % suite.new_id()))

    def test_a_bar_is_drawn_on_a_terminal_and_wiped(self):
        handle, _ = self.person()
        for verb, arguments in self.moves(handle):
            with self.subTest(verb):
                drawn, _ = self.command("document", verb, *arguments, terminal="stderr")
                bars = list(BAR.finditer(drawn))
                self.assertTrue(bars, drawn)
                done = [(int(bar.group(1)), float(bar.group(2))) for bar in bars]
                self.assertEqual(done, sorted(done), "it goes forward")
                self.assertLessEqual(done[-1][0], 100)
                for percent, megabytes in done:
                    # An archive is a little more than the paper in it.
                    self.assertAlmostEqual(percent, megabytes * 1e8 / self.SIZE, delta=2)
                self.assertIn(WIPE, drawn[bars[-1].end():], "nothing of it stays")

    def test_none_is_drawn_where_nobody_looks(self):
        handle, _ = self.person()
        for verb, arguments in self.moves(handle):
            with self.subTest(verb):
                for written in self.command("document", verb, *arguments, terminal="stdout"):
                    self.assertNotIn(b"\x1b", written)
                    self.assertNotIn(b"MB/s", written)

    def test_none_is_drawn_where_json_is_asked_for(self):
        handle, _ = self.person()
        for verb, arguments in self.moves(handle):
            with self.subTest(verb):
                drawn, output = self.command("--json", "document", verb, *arguments, terminal="stderr")
                self.assertEqual(drawn, b"")
                self.assertTrue(output.startswith(b"{"), output)


if __name__ == "__main__":
    unittest.main()
