"""A running `tollgate serve` with a folder of its own."""

import os
import queue
import re
import secrets
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

START_LIMIT = 20


def agent_key():
    """In the shape of keys that `tollgate agents add` makes."""
    return f"tg-{secrets.token_hex(4)}-{secrets.token_urlsafe(32)}"


class Gateway:
    def __init__(self, config):
        self.home = tempfile.TemporaryDirectory(prefix="tollgate-conformance-")
        path = os.path.join(self.home.name, "tollgate.toml")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(config)
        environment = {"PATH": os.environ["PATH"], "HOME": self.home.name, "TOLLGATE_HOME": self.home.name, "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [os.environ["TOLLGATE_BIN"], "serve"], env=environment, cwd=self.home.name,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.lines = []
        self.url = self.wait_for_url()

    def wait_for_url(self):
        lines = queue.Queue()
        threading.Thread(target=self.read_lines, args=(lines,), daemon=True).start()
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            try:
                line = lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                break
            if found := re.search(r"listening on (http://[0-9.:]+)", line):
                with urllib.request.urlopen(found[1] + "/health", timeout=START_LIMIT) as answer:
                    assert answer.status == 200
                return found[1]
        self.process.kill()
        raise RuntimeError("the gateway did not start; it said:\n" + "".join(self.lines))

    def read_lines(self, lines):
        for line in self.process.stdout:
            self.lines.append(line)
            lines.put(line)
        lines.put(None)

    def stop(self):
        """Ends it politely and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.home.cleanup()
        return self.process.returncode
