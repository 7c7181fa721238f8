"""Starts and stops development suites, runs the `relais` command and opens gRPC channels for the tests.

Stubs are generated from proto/ alone, so the Python clients of these tests share nothing with the services.
"""

import atexit
import datetime
import functools
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import grpc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICES = ("consent", "routing", "alerting", "vault")
CLOCK = "2026-11-10T10:00:00+01:00"  # a Tuesday, all desks open


def preset():
    if "RELAIS_PRESET" in os.environ:
        return os.environ["RELAIS_PRESET"]
    for name in ("release", "dev"):
        if os.access(os.path.join(ROOT, "build", name, "bin", "relais"), os.X_OK):
            return name
    return "release"


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True, timeout=options.pop("timeout", 300), **options)


@functools.lru_cache(maxsize=None)
def stubs_dir():
    """Python modules of every .proto of proto/, made by protoc as any integrator would."""
    out = tempfile.mkdtemp(prefix="relais-stubs-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    protos = []
    for folder, _, names in os.walk(os.path.join(ROOT, "proto", "relais")):
        protos += [os.path.join(folder, name) for name in names if name.endswith(".proto")]
    made = run(["protoc", "-I" + os.path.join(ROOT, "proto"), "--python_out=" + out, "--grpc_python_out=" + out,
                "--plugin=protoc-gen-grpc_python=" + shutil.which("grpc_python_plugin")] + sorted(protos))
    if made.returncode != 0:
        raise RuntimeError("the stubs cannot be generated: " + made.stderr)
    sys.path.insert(0, out)
    return out


def pb(name):
    """Messages of proto/relais/<name>.proto: pb("consent/v1/consent_service")."""
    stubs_dir()
    return importlib.import_module("relais." + name.replace("/", ".") + "_pb2")


def stub(channel, name, service):
    stubs_dir()
    module = importlib.import_module("relais." + name.replace("/", ".") + "_pb2_grpc")
    return getattr(module, service + "Stub")(channel)


def reason_of(error):
    """ErrorInfo.reason of a failed call, read from its details without knowing their types."""
    import re

    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            match = re.search(rb"\n.([A-Z_]+)\x12\x06relais", value, re.DOTALL)
            return match.group(1).decode() if match else ""
    return ""


def new_id():
    return uuid.uuid4().hex


def wait_for(what, found, timeout=30.0, pause=0.1):
    """The first true value of found(); AssertionError naming `what` after `timeout` seconds."""
    until = time.monotonic() + timeout
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError("waited %g s for %s" % (timeout, what))
        time.sleep(pause)


class Suite:
    """One suite under a folder of its own. Use as a context manager, or call `up` and `close`."""

    def __init__(self, clock=CLOCK, settings=None):
        """`settings` override those of every service that knows them: {"delivery.visible": "2s"}."""
        self.base = tempfile.mkdtemp(prefix="relais-e2e-")
        self.dir = os.path.join(self.base, "suite")
        self.clock = clock
        self.env = dict(os.environ, RELAIS_PRESET=preset())
        for key, value in (settings or {}).items():
            self.env["RELAIS_" + key.upper().replace(".", "_")] = value
        self._channels = {}

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.close()

    def up(self, *extra):
        clock = ["--test-clock", self.clock] if self.clock and not os.path.exists(self.path("env")) else []
        started = run([os.path.join(ROOT, "scripts", "up.sh"), self.dir, *clock, *extra], env=self.env)
        if started.returncode != 0:
            logs = "".join("\n--- %s\n%s" % (name, self.log(name)[-3000:]) for name in SERVICES)
            raise AssertionError("up.sh: %d\n%s%s%s" % (started.returncode, started.stdout, started.stderr, logs))
        sourced = run(["bash", "-c", 'source "$0" && env -0', self.path("env")], env=self.env)
        for each in sourced.stdout.split("\0"):
            name, _, value = each.partition("=")
            if name.startswith("RELAIS_") or name == "PATH":
                self.env[name] = value
        return started

    def down(self):
        self.disconnect()
        return run([os.path.join(ROOT, "scripts", "down.sh"), self.dir], env=self.env)

    def close(self):
        """Ends the services at once and removes the folder; with RELAIS_KEEP set, leaves both."""
        self.disconnect()
        if os.environ.get("RELAIS_KEEP"):
            print("kept: " + self.dir, file=sys.stderr)
            return
        for service in SERVICES:
            if self.running(service):
                self.kill(service)
        shutil.rmtree(self.base, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def file(self, name, data=None):
        """A path beside the suite, written when `data` is given."""
        path = os.path.join(self.base, name)
        if data is not None:
            with open(path, "wb") as out:
                out.write(data)
        return path

    def log(self, service):
        try:
            with open(self.path(service, "log"), encoding="utf-8", errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def pid(self, service):
        with open(self.path(service, "pid"), encoding="ascii") as text:
            return int(text.read())

    def running(self, service):
        try:
            pid = self.pid(service)
            with open("/proc/%d/stat" % pid, encoding="ascii") as text:
                return text.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def kill(self, service):
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        wait_for("the end of relais-" + service, lambda: not self.running(service), timeout=10, pause=0.01)

    def advance(self, **ago):
        """Stops the suite and starts it again that much later (timedelta's arguments) by its clock."""
        self.down()
        start, _, real = self.env["RELAIS_TEST_CLOCK"].partition(",")
        earlier = (instant(real) - datetime.timedelta(**ago)).isoformat()
        for path in [self.path("env")] + [self.path(service, "flags") for service in SERVICES]:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("%s,%s" % (start, real), "%s,%s" % (start, earlier)))
        self.up()

    def now(self):
        """The suite's instant."""
        start, _, real = self.env.get("RELAIS_TEST_CLOCK", "").partition(",")
        now = datetime.datetime.now(datetime.timezone.utc)
        return instant(start) + (now - instant(real)) if real else now

    # --- the command

    def command(self, *arguments, acting=None, **options):
        """Runs `relais`; the CompletedProcess, whatever the exit code."""
        as_ = ["--as", acting] if acting else []
        relais = shutil.which("relais", path=self.env["PATH"])
        return run([relais, *as_, *map(str, arguments)], env={**self.env, **options.pop("env", {})}, **options)

    def start(self, *arguments, acting=None):
        relais = shutil.which("relais", path=self.env["PATH"])
        return subprocess.Popen([relais, "--as", acting, *map(str, arguments)], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def json(self, *arguments, acting=None, codes=(0,)):
        done = self.command("--json", *arguments, acting=acting)
        if done.returncode not in codes:
            raise AssertionError("relais %s: %d\n%s%s" % (" ".join(map(str, arguments)), done.returncode, done.stdout,
                                                          done.stderr))
        return json.loads(done.stdout)

    def import_feed(self, kind, data, acting, name=None, codes=(0,), options=()):
        """Imports bytes as a feed. (results lines without heading, CompletedProcess)."""
        path = self.file(name or "%s-%s" % (kind, new_id()[:8]), data)
        results = path + ".results"
        done = self.command("signal", "import", "--type", kind, "--results", results, *options, path, acting=acting)
        if codes is not None and done.returncode not in codes:
            raise AssertionError("import: %d\n%s%s" % (done.returncode, done.stdout, done.stderr))
        return read_results(results), done

    def verify_logs(self):
        for service in SERVICES:
            done = self.command("audit", "verify", "--service", service)
            if done.returncode != 0:
                raise AssertionError("audit verify %s: %d\n%s%s" % (service, done.returncode, done.stdout, done.stderr))

    # --- gRPC

    def target(self, service):
        return self.env["RELAIS_" + service.upper()]

    def credentials(self, acting=None, certificate=None, key=None, roots=None):
        """Of a system's development certificate, or of PEM bytes."""
        if acting:
            institution, system = acting.split("/")
            folder = self.path("pki", "institutions", institution, system)
            certificate, key = read(folder + "/tls.crt"), read(folder + "/tls.key")
        roots = roots or read(self.path("pki", "ca", "bundle.pem"))
        return grpc.ssl_channel_credentials(roots, key, certificate)

    def open(self, service, credentials, target=None):
        """A channel of its own: no connection is shared."""
        return grpc.secure_channel(target or self.target(service), credentials, options=(
            ("grpc.ssl_target_name_override", "relais-" + service), ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)))

    def client(self, acting, agent="agent-1", function=None):
        return Client(self, acting, agent, function)

    def channel(self, service, acting):
        if (service, acting) not in self._channels:
            self._channels[service, acting] = self.open(service, self.credentials(acting))
        return self._channels[service, acting]

    def disconnect(self):
        for channel in self._channels.values():
            channel.close()
        self._channels = {}

    def function_of(self, acting):
        with open(self.path("functions"), encoding="utf-8") as lines:
            return dict(line.split() for line in lines).get(acting, "")


class Client:
    """Calls as one system: client.call("consent", "ConsentService", "Check", request)."""

    def __init__(self, suite, acting, agent, function):
        self.suite = suite
        self.acting = acting
        self.patience = 0  # seconds for which UNAVAILABLE is answered by asking again
        self.metadata = [("relais-agent", agent), ("relais-function", function or suite.function_of(acting))]

    def call(self, service, grpc_service, method, request, timeout=10):
        name = {"PersonService": "person_service", "ConsentService": "consent_service",
                "EmergencyService": "emergency_service", "RightsService": "rights_service",
                "DirectoryService": "directory_service",
                "RoutingService": "routing_service", "ReferentService": "referent_service",
                "InboxService": "inbox_service", "SignalService": "signal_service",
                "AlertService": "alert_service", "DocumentService": "document_service",
                "ShareService": "share_service", "HostService": "host_service",
                "ExportService": "export_service", "KeyService": "key_service",
                "OperationService": "operation_service", "AuditService": "audit_service"}[grpc_service]
        package = "audit" if grpc_service == "AuditService" else service
        channel = self.suite.channel(service, self.acting)
        ask = getattr(stub(channel, "%s/v1/%s" % (package, name), grpc_service), method)
        until = time.monotonic() + self.patience
        while True:
            try:
                return ask(request, timeout=timeout, metadata=self.metadata)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > until:
                    raise
                time.sleep(0.1)


class SuiteTest(unittest.TestCase):
    """Tests that share one suite per class, at a fixed instant."""

    clock = CLOCK
    settings = None

    @classmethod
    def setUpClass(cls):
        cls.suite = Suite(cls.clock, cls.settings)
        cls.addClassCleanup(cls.suite.close)
        cls.suite.up()

    def refused(self, code, reason, call, *arguments, **options):
        """The call fails with this code and, unless None, this reason."""
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        if reason is not None:
            self.assertEqual(reason_of(caught.exception), reason, caught.exception.details())
        return caught.exception


def read(path):
    with open(path, "rb") as file:
        return file.read()


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def read_results(path):
    """Lines of a results file after its heading, as lists."""
    try:
        lines = read(path).decode("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line.split(";") for line in lines[1:]]
