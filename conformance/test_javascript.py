"""The JavaScript SDKs, in a process of Node's own test runner."""

import os
import pathlib
import re
import shutil
import subprocess

# Three callers at four kinds of provider, ten things each.
TESTS = 3 * 4 * 10
LIMIT = 120


def test_every_javascript_sdk_reaches_every_kind_of_provider(gateway, upstream, keys):
    script = pathlib.Path(__file__).with_name("js") / "translation.mjs"
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "MODULES": os.environ["TOLLGATE_JS_MODULES"],
        "GATEWAY": gateway.url, "UPSTREAM": upstream.url, "KEY": keys["agent"],
    }
    node = shutil.which("node")
    assert node, "the JavaScript SDKs need Node 20 or newer"
    command = [node, "--test", "--test-reporter=tap", str(script)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(re.search(r"^# pass (\d+)$", run.stdout, re.M)[1]) == TESTS, run.stdout
