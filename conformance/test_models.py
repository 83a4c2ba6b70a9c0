"""Lists of models in both shapes."""

import openai
import pytest


def test_openai_shape(oa):
    names = {model.id: model for model in oa.models.list()}
    assert "gpt-text" in names and "fast" in names
    assert names["gpt-text"].object == "model"
    assert oa.models.retrieve("gpt-text").id == "gpt-text"
    assert not any("*" in name for name in names), "globs are not names"


def test_anthropic_shape(an):
    page = an.models.list()
    names = {model.id: model for model in page.data}
    assert "claude-text" in names
    assert names["claude-text"].type == "model"
    assert page.has_more is False
    assert an.models.retrieve("claude-text").id == "claude-text"


def test_unknown_model(oa):
    with pytest.raises(openai.NotFoundError):
        oa.models.retrieve("no-such-model")


def test_a_list_needs_a_key(http):
    answer = http.get("/v1/models")
    assert answer.status_code == 401
    assert http.get("/health").status_code == 200
