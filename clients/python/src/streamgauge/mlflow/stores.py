"""What MLflow's registries are given, by scheme of the URI.

`streamgauge://host:port` and `streamgauge+https://host` always mean the fast store. For `http` and `https`, whose
stores MLflow lets a plugin replace, STREAMGAUGE_MLFLOW=1 asks for it; without that the store is MLflow's own, except
that a new run gets the data sets that the context found.

MLflow imports this module while its own are half imported, so what they need is imported when it is called.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from mlflow.utils.credentials import get_default_host_creds

_SCHEMES = {"streamgauge": "http", "streamgauge+http": "http", "streamgauge+https": "https"}


def http_uri(uri: str) -> str:
    """The address over HTTP that a URI of ours means; any other URI as it is."""
    scheme, colon, rest = uri.partition(":")
    return _SCHEMES.get(scheme, scheme) + colon + rest


def tracking_store(store_uri: str, **_: Any) -> Any:
    """The fast tracking store of a server."""
    from .tracking import SpooledStore

    return SpooledStore(partial(get_default_host_creds, http_uri(store_uri)))


def http_tracking_store(store_uri: str, **_: Any) -> Any:
    """The tracking store for http and https: the fast one if it is asked for."""
    if wanted():
        return tracking_store(store_uri)
    from .tracking import RecordingStore

    return RecordingStore(partial(get_default_host_creds, store_uri))


def wanted() -> bool:
    """Whether the environment asks for the fast store behind http URIs."""
    return os.environ.get("STREAMGAUGE_MLFLOW", "").strip().lower() in ("1", "true", "yes", "on")


def registry_store(store_uri: str, **_: Any) -> Any:
    """MLflow's own store of registered models."""
    from mlflow.store.model_registry.rest_store import RestStore

    return RestStore(partial(get_default_host_creds, http_uri(store_uri)))


def artifact_repository(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
    """MLflow's own repository behind the tracking server, which takes only http for its address."""
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
    from mlflow.tracking._tracking_service.utils import get_tracking_uri

    return MlflowArtifactsRepository(
        artifact_uri, tracking_uri=http_uri(tracking_uri or get_tracking_uri()), registry_uri=registry_uri
    )
