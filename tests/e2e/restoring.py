"""How an operator restores a service with a loss (docs/operate.md): for tests that have `self.suite`."""

import os
import re
import shutil

import suite


class Restoring:
    def restore(self, service):
        """Puts back backup 1 of a stopped service, under the next origin."""
        shutil.move(self.suite.path(service, "store"), self.suite.path(service, "store.lost"))
        restored = self.suite.command("backup", "restore", "1", "--service-config", self.suite.path(service, "config.yaml"))
        self.assertEqual(restored.returncode, 0, restored.stdout + restored.stderr)

    def set_origin(self, service, epoch):
        path = self.suite.path(service, "config.yaml")
        text = suite.read(path).decode()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r'(origin: ".*/)\d+"', r'\g<1>%d"' % epoch, text))

    def flag(self, service, *flags):
        """Adds flags for the starts to come; returns what undoes it."""
        path = self.suite.path(service, "flags")
        before = suite.read(path).decode()
        with open(path, "w", encoding="utf-8") as file:
            file.write(before + "".join(each + "\n" for each in flags))

        def undo():
            with open(path, "w", encoding="utf-8") as file:
                file.write(before)
        return undo

    def list_origin(self, service, epoch):
        """Adds the new origin to the directory, with the same key, and publishes it."""
        path = self.suite.path("directory", "directory.yaml")
        text = suite.read(path).decode()
        version = int(re.search(r"^version: (\d+)", text, re.M).group(1))
        text = re.sub(r"^version: \d+", "version: %d" % (version + 1), text, flags=re.M)
        entry = re.search(r"^  - service: %s\n(?:    .*\n)+" % service, text, re.M).group()
        text = text.replace(entry, entry + re.sub(r"/\d+(?=\"?\n)", "/%d" % epoch, entry, count=1))
        next_file = self.suite.path("directory", "next.yaml")
        with open(next_file, "w", encoding="utf-8") as file:
            file.write(text)
        signed = self.suite.command("directory", "sign", next_file, "--key", self.suite.path("directory", "root.key"),
                                    "--name", "development-root")
        self.assertEqual(signed.returncode, 0, signed.stdout + signed.stderr)
        os.replace(next_file + ".sig", path + ".sig")
        os.replace(next_file, path)
