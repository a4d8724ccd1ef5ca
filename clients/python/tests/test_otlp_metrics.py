"""OpenTelemetry's metrics, encoded with its own messages, read back with MLflow's client."""

import pytest
import requests
from conftest import unique
from mlflow.tracking import MlflowClient
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

TIMEOUT_SECONDS = 30

pytestmark = pytest.mark.stricter


def request_of(run_id: str, name: str) -> ExportMetricsServiceRequest:
    """A gauge with two points, of which the second names its step, and a histogram."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="mlflow.run_id").value.string_value = run_id
    metrics = resource.scope_metrics.add().metrics
    gauge = metrics.add(name=name).gauge
    gauge.data_points.add(time_unix_nano=5_000_000_000, as_double=0.5)
    stepped = gauge.data_points.add(time_unix_nano=6_000_000_000, as_int=2)
    stepped.attributes.add(key="streamgauge.step").value.int_value = 70
    spread = metrics.add(name=f"{name}_ms").histogram.data_points.add(time_unix_nano=5_000_000_000, count=3, sum=6.0)
    spread.attributes.add(key="phase").value.string_value = "train"
    return request


def post(url: str, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse:
    headers = {"Content-Type": "application/x-protobuf"}
    answer = requests.post(f"{url}/v1/metrics", request.SerializeToString(), headers=headers, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 200, answer.text
    return ExportMetricsServiceResponse.FromString(answer.content)


def test_metrics_of_an_exporter(client: MlflowClient, run_id: str, url: str) -> None:
    name = unique("latency")
    assert not post(url, request_of(run_id, name)).HasField("partial_success")
    history = [(p.step, p.timestamp, p.value) for p in client.get_metric_history(run_id, name)]
    assert history == [(5, 5000, 0.5), (70, 6000, 2.0)]
    values = client.get_run(run_id).data.metrics
    assert (values[f"{name}_ms{{phase=train}}/count"], values[f"{name}_ms{{phase=train}}/sum"]) == (3.0, 6.0)


def test_metrics_of_no_run_are_counted(url: str) -> None:
    partial = post(url, request_of("0" * 31 + "1", "a")).partial_success
    assert partial.rejected_data_points == 3
    assert "names no run" in partial.error_message
