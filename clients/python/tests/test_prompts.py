"""Prompts: registered models with a tag, as MLflow's client keeps them."""

import time
from types import SimpleNamespace

import mlflow
import pytest
from conftest import unique
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient


@pytest.fixture(autouse=True)
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client keeps prompts for a minute; what is asked here is the server."""
    monkeypatch.setenv("MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS", "0")
    monkeypatch.setenv("MLFLOW_VERSION_PROMPT_CACHE_TTL_SECONDS", "0")


@pytest.fixture
def name() -> str:
    """A prompt with two versions."""
    name = unique("prompt")
    mlflow.genai.register_prompt(name, "Say {{word}}.", commit_message="first", tags={"lang": "en"})
    mlflow.genai.register_prompt(name, "Please say {{word}}!", commit_message="second")
    return name


def test_register_and_load(name: str) -> None:
    one = mlflow.genai.load_prompt(f"prompts:/{name}/1")
    assert (one.name, one.version, one.template) == (name, 1, "Say {{word}}.")
    assert (one.commit_message, one.tags["lang"]) == ("first", "en")
    assert one.format(word="river") == "Say river."
    assert mlflow.genai.load_prompt(name, version=2).template == "Please say {{word}}!"
    assert mlflow.genai.load_prompt(name).version == 2
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest").version == 2
    with pytest.raises(MlflowException, match="not found"):
        mlflow.genai.load_prompt(f"prompts:/{name}/3")
    assert mlflow.genai.load_prompt(f"prompts:/{name}/3", allow_missing=True) is None


def test_chat_prompts_and_their_settings() -> None:
    name = unique("prompt")
    template = [{"role": "system", "content": "You are {{style}}."}, {"role": "user", "content": "{{question}}"}]
    mlflow.genai.register_prompt(name, template, model_config={"temperature": 0.5})
    back = mlflow.genai.load_prompt(f"prompts:/{name}/1")
    assert back.template == template
    assert back.model_config["temperature"] == 0.5
    assert back.format(style="kind", question="Why?")[1] == {"role": "user", "content": "Why?"}


def test_aliases(name: str) -> None:
    mlflow.genai.set_prompt_alias(name, "production", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production").version == 1
    mlflow.genai.set_prompt_alias(name, "production", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production").version == 2
    mlflow.genai.delete_prompt_alias(name, "production")
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(f"prompts:/{name}@production")


def test_tags(client: MlflowClient, name: str) -> None:
    mlflow.genai.set_prompt_tag(name, "team", "river")
    assert mlflow.genai.get_prompt_tags(name)["team"] == "river"
    mlflow.genai.delete_prompt_tag(name, "team")
    assert "team" not in mlflow.genai.get_prompt_tags(name)
    mlflow.genai.set_prompt_version_tag(name, 1, "quality", "good")
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").tags["quality"] == "good"
    mlflow.genai.delete_prompt_version_tag(name, 1, "quality")
    assert "quality" not in mlflow.genai.load_prompt(f"prompts:/{name}/1").tags


def test_search(client: MlflowClient, name: str) -> None:
    assert [p.name for p in mlflow.genai.search_prompts(f"name = '{name}'")] == [name]
    assert [p.name for p in mlflow.genai.search_prompts(f"name LIKE '{name}%'")] == [name]
    assert client.search_registered_models(f"name = '{name}'") == []
    assert client.search_model_versions(f"name = '{name}'") == []
    model = client.create_registered_model(unique("model")).name
    assert [p.name for p in mlflow.genai.search_prompts(f"name = '{model}'")] == []


def test_prompts_and_models_share_the_names(client: MlflowClient, name: str) -> None:
    with pytest.raises(
        MlflowException,
        match=f"Tried to create a registered model with name '{name}', but the name is already taken by a prompt",
    ) as refused:
        client.create_registered_model(name)
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"
    model = client.create_registered_model(unique("model")).name
    with pytest.raises(MlflowException, match=f"Model '{model}' exists with the same name"):
        mlflow.genai.register_prompt(model, "text")
    # The client calls every registered model a prompt here.
    with pytest.raises(
        MlflowException, match=f"Tried to create a prompt with name '{model}', but the name is already taken by a"
    ):
        client.create_prompt(model)
    with pytest.raises(MlflowException, match=rf"Prompt \(name={name}\) already exists"):
        client.create_prompt(name)


def test_a_prompt_of_an_experiment(client: MlflowClient, experiment: SimpleNamespace, name: str) -> None:
    mlflow.genai.register_prompt(name, "Third {{word}}")
    end = time.monotonic() + 10
    while experiment.id not in client.get_prompt(name).tags.get("_mlflow_experiment_ids", ""):
        assert time.monotonic() < end, "the client links the prompt to the experiment in the background"
        time.sleep(0.05)
    assert [p.name for p in client.search_prompts(f"experiment_id = '{experiment.id}'")] == [name]


def test_delete(client: MlflowClient, name: str) -> None:
    client.delete_prompt_version(name, "1")
    with pytest.raises(MlflowException, match=f"Prompt .name={name}, version=1. not found"):
        client.get_prompt_version(name, "1")
    client.delete_prompt_version(name, "2")
    client.delete_prompt(name)
    assert client.get_prompt(name) is None
    mlflow.genai.register_prompt(name, "Anew")
    assert mlflow.genai.load_prompt(name).version == 1
