"""One fake upstream and one gateway for all tests."""

import anthropic
import httpx
from google import genai
import openai
import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway, agent_key

UPSTREAM_KEY = "sk-upstream-7f3a9c51e8d24b60a1c7"
KEY, NARROW_KEY = agent_key(), agent_key()
# Each fault has a provider of its own: a credential remembers what happened to it.
FAULTS = ["400", "401", "429", "quota", "500", "529", "long", "cut", "torn", "error"]


def provider(name, wire, url, models, extra=""):
    base = f"{url}/v1" if wire == "openai" else url
    return f"""
[providers.{name}]
wire = "{wire}"
base_url = "{base}"
api_key = "{UPSTREAM_KEY}"
models = {models}
{extra}
"""


# Every kind of provider, and what it is asked by.
KINDS = {"chat": ("openai", 'api = "chat"'), "resp": ("openai", 'api = "responses"'), "claude": ("anthropic", ""), "gemini": ("gemini", "")}
CALLERS = ["chat", "responses", "messages", "gemini", "js-chat", "js-responses", "js-messages"]


def config(url):
    text = f"""
[server]
bind = "127.0.0.1:0"
[agents.sdk]
keys = ["{KEY}"]
[agents.narrow]
keys = ["{NARROW_KEY}"]
blocked_models = ["gpt-secret", "claude-secret", "gemini-secret"]
[[model_shortcuts]]
alias = "fast"
model = "oa/gpt-text"
"""
    text += provider("oa", "openai", url, '["gpt-*", "gpt-text", "emb-*"]')
    text += provider("ch", "openai", url, '["chat-*"]', 'api = "chat"')
    text += provider("rs", "openai", url, '["resp-*"]', 'api = "responses"')
    text += provider("an", "anthropic", url, '["claude-*", "claude-text"]')
    text += provider("ge", "gemini", url, '["gemini-*", "gemini-text"]')
    for fault in FAULTS:
        for way in ("whole", "stream"):
            text += provider(f"oa-{fault}-{way}", "openai", url, "[]", "timeout_seconds = 2")
            text += provider(f"an-{fault}-{way}", "anthropic", url, "[]", "timeout_seconds = 2")
            text += provider(f"re-{fault}-{way}", "openai", url, "[]", "timeout_seconds = 2")
            text += provider(f"ge-{fault}-{way}", "gemini", url, "[]", "timeout_seconds = 2")
    for caller in CALLERS:
        for kind, (wire, api) in KINDS.items():
            for fault in FAULTS:
                text += provider(f"{caller}-{kind}-{fault}", wire, url, "[]", f"timeout_seconds = 2\n{api}")
    return text


def failing(wire, fault, stream):
    """The name of a model that fails so, at a provider that nobody else uses."""
    prefix, model = {"openai": ("oa", "gpt"), "anthropic": ("an", "claude"), "responses": ("re", "gpt"), "gemini": ("ge", "gemini")}[wire]
    return f"{prefix}-{fault}-{'stream' if stream else 'whole'}/{model}-{fault}"


def broken(caller, kind, fault):
    """The same by the kind of the provider, which each caller has for itself."""
    return f"{caller}-{kind}-{fault}/{kind}-{fault}"


@pytest.fixture(scope="session")
def upstream_server():
    upstream = FakeUpstream()
    yield upstream
    upstream.close()


@pytest.fixture
def upstream(upstream_server):
    upstream_server.seen.clear()
    upstream_server.release.clear()
    return upstream_server


@pytest.fixture(scope="session")
def gateway(upstream_server):
    gateway = Gateway(config(upstream_server.url))
    yield gateway
    assert gateway.stop() == 0, "SIGTERM drains and ends with 0"
    said = "".join(gateway.lines)
    for secret in (UPSTREAM_KEY, KEY, NARROW_KEY):
        assert secret not in said, "a secret stands in the gateway's output"


@pytest.fixture(scope="session")
def demo_gateway():
    """No provider at all: what a newcomer has."""
    gateway = Gateway(f'[server]\nbind = "127.0.0.1:0"\n[agents.sdk]\nkeys = ["{KEY}"]\n')
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture
def oa(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def an(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def gemini(gateway, key, version="v1beta"):
    options = genai.types.HttpOptions(base_url=gateway.url, api_version=version, timeout=20_000)
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture
def ge(gateway):
    return gemini(gateway, KEY)


@pytest.fixture
def http(gateway):
    with httpx.Client(base_url=gateway.url, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def keys():
    return {"agent": KEY, "narrow": NARROW_KEY, "upstream": UPSTREAM_KEY}
