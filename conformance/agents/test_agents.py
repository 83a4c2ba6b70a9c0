"""Real agents with the hooks as docs/exec.md has them: a command runs by
`tollgate exec`, waits for a person where one is needed, and does not run where
the gateway is gone or does not know the key."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from gateway import Gateway, agent_key  # noqa: E402
from model import Model  # noqa: E402

LIMIT = 120
KEY = agent_key()
AGENTS = Path(os.environ["TOLLGATE_AGENTS"])
PROGRAM = os.environ["TOLLGATE_BIN"]
DOCS = (Path(__file__).parent.parent.parent / "docs/exec.md").read_text()
NAMES = ["claude", "codex", "opencode"]


def snippet(agent, kind):
    """The block of one language below the agent's name."""
    part = DOCS.split(f"\n**{agent}** ", 1)[1]
    return re.search(rf"```{kind}\n(.*?)```", part, re.DOTALL)[1]


@pytest.fixture(scope="module")
def model():
    model = Model()
    yield model
    model.close()


@pytest.fixture(scope="module")
def gateway(model):
    gateway = Gateway(f"""
[server]
bind = "127.0.0.1:0"
[agents.coder]
keys = ["{KEY}"]
[providers.claude]
wire = "anthropic"
base_url = "{model.url}"
api_key = "sk-upstream-1"
models = ["claude-*"]
[providers.gpt]
wire = "openai"
base_url = "{model.url}/v1"
api_key = "sk-upstream-2"
models = ["gpt-*"]
""")
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(scope="module")
def nowhere():
    """An address where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


class Agent:
    """One run of an agent in a home and a folder of its own."""

    def __init__(self, name, gateway, hooks, key=KEY):
        self.gateway = gateway
        self.top = tempfile.TemporaryDirectory(prefix="tollgate-agent-")
        self.home, self.work = Path(self.top.name, "home"), Path(self.top.name, "work")
        self.work.mkdir()
        (self.work / "greeting.txt").write_text("hello")
        arguments = getattr(self, name)(hooks)
        self.environment = {
            "PATH": f"{self.linked()}:{os.environ['PATH']}", "HOME": str(self.home), "TERM": "dumb",
            "TOLLGATE_HOME": gateway.home.name, "TOLLGATE_KEY": key,
            "ANTHROPIC_BASE_URL": gateway.url, "ANTHROPIC_AUTH_TOKEN": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        }
        self.process = subprocess.Popen(
            arguments, env=self.environment, cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )

    def linked(self):
        """The program under its own name."""
        folder = Path(self.top.name, "bin")
        folder.mkdir()
        (folder / "tollgate").symlink_to(PROGRAM)
        return folder

    def write(self, path, text):
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def claude(self, hooks):
        self.write(".claude/settings.json", snippet("Claude Code", "json").replace("http://127.0.0.1:4100", hooks))
        # All that Claude Code's own permissions could stop is allowed: what is
        # left is the hook.
        return [AGENTS / "@anthropic-ai/claude-code-linux-x64/claude", "-p", "go", "--model", "claude-x", "--allowedTools", "Bash"]

    def codex(self, hooks):
        self.write(".codex/hooks.json", snippet("Codex", "json").replace("http://127.0.0.1:4100", hooks))
        self.write(".codex/config.toml", f"""
model = "gpt-x"
model_provider = "tollgate"
[model_providers.tollgate]
name = "Tollgate"
base_url = "{self.gateway.url}/v1"
wire_api = "responses"
experimental_bearer_token = "{KEY}"
""")
        # In the place of `/hooks`, where a person would trust it.
        trusted = "--dangerously-bypass-hook-trust"
        program = next(AGENTS.glob("@openai/codex-linux-x64/vendor/*/bin/codex"))
        return [program, "exec", "--skip-git-repo-check", "-s", "danger-full-access", trusted, "go"]

    def opencode(self, hooks):
        if hooks == self.gateway.url:
            self.write(".config/opencode/plugins/tollgate.js", snippet("opencode", "js"))
        options = {"baseURL": f"{self.gateway.url}/v1", "apiKey": KEY}
        provider = {"npm": "@ai-sdk/openai-compatible", "name": "Tollgate", "options": options, "models": {"gpt-x": {"name": "x"}}}
        own = {"model": "tollgate/gpt-x", "autoupdate": False, "share": "disabled", "provider": {"tollgate": provider}}
        self.write(".config/opencode/opencode.json", json.dumps({**own, **json.loads(snippet("opencode", "json"))}))
        return [AGENTS / "opencode-linux-x64/bin/opencode", "run", "go"]

    def end(self):
        said, _ = self.process.communicate(timeout=LIMIT)
        return said


def events(gateway, kind):
    said = tollgate(gateway, "audit", "tail", "--json")
    return [entry["event"] for entry in json.loads(said) if entry["event"]["kind"] == kind]


def tollgate(gateway, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": gateway.home.name, "TOLLGATE_HOME": gateway.home.name}
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=LIMIT, check=True).stdout


def question(gateway):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        pending = [one["id"] for one in json.loads(tollgate(gateway, "approvals", "list", "--json")) if one["status"] == "pending"]
        if pending:
            return pending[0]
    raise AssertionError("nothing was asked")


@pytest.mark.parametrize("name", NAMES)
def test_a_command_runs_by_exec(name, gateway, model):
    model.command = "ls greet*; echo \"it's $0\""
    before = len(events(gateway, "exec.ended"))
    said = Agent(name, gateway, gateway.url).end()
    assert "came back" in said and "greeting.txt" in said, said
    assert "it's bash" in said, said
    assert len(events(gateway, "exec.ended")) == before + 1, said


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("decision", ["allow-once", "deny"])
def test_a_person_decides_about_a_delete(name, decision, gateway, model):
    model.command = "rm -rf build"
    agent = Agent(name, gateway, gateway.url)
    build = agent.work / "build"
    build.mkdir()
    tollgate(gateway, "approvals", decision, question(gateway))
    said = agent.end()
    assert build.exists() == (decision == "deny"), said


@pytest.mark.parametrize("name", NAMES)
def test_without_its_hook_nothing_runs(name, gateway, model, nowhere):
    """No gateway answers; for opencode, no plugin is loaded."""
    model.command = "touch marker"
    agent = Agent(name, gateway, nowhere)
    said = agent.end()
    assert "came back" in said, said
    assert not (agent.work / "marker").exists(), said


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_a_key_that_is_not_known_runs_nothing(name, gateway, model):
    model.command = "touch marker"
    agent = Agent(name, gateway, gateway.url, agent_key())
    said = agent.end()
    assert "came back" in said, said
    assert not (agent.work / "marker").exists(), said
