"""Traces: written by decorators, context managers and OpenTelemetry's exporters, found, judged, deleted."""

import gzip
import time
from types import SimpleNamespace

import mlflow
import pytest
import requests
from mlflow.entities import AssessmentSource, Feedback, SpanStatusCode, SpanType, Trace, TraceState
from mlflow.entities.trace_data import TraceData
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

MILLISECOND = 1_000_000


@mlflow.trace(span_type=SpanType.TOOL, attributes={"unit": "litre"})
def measure(level: float) -> dict:
    return {"flow": level * 2, "tags": ["überlauf", None]}


@mlflow.trace
def answer(question: str) -> str:
    with mlflow.start_span("retrieve", span_type=SpanType.RETRIEVER) as span:
        span.set_inputs({"question": question})
        span.set_attribute("big", 2**60)
        span.set_attribute("share", 1.0)
        measure(1.5)
        span.set_outputs(["a", "b"])
    mlflow.update_current_trace(tags={"river": "Rhine"}, client_request_id="request-1")
    return f"It is {question}."


def find(experiment: SimpleNamespace, text: str | None = None, **kwargs: object) -> list[Trace]:
    return mlflow.search_traces(locations=[experiment.id], filter_string=text, return_type="list", **kwargs)


def names(traces: list[Trace]) -> list[str]:
    return [t.info.tags["mlflow.traceName"] for t in traces]


@pytest.fixture
def trace(experiment: SimpleNamespace) -> Trace:
    answer("high")
    mlflow.flush_trace_async_logging()
    (found,) = find(experiment, "status = 'OK'")
    return found


@pytest.fixture
def broken(experiment: SimpleNamespace) -> Trace:
    def fail() -> None:
        with mlflow.start_span("broken"):
            raise ValueError("no water")

    with pytest.raises(ValueError, match="no water"):
        fail()
    mlflow.flush_trace_async_logging()
    (found,) = find(experiment, "status = 'ERROR'")
    return found


def test_nested_spans_come_back_as_they_were(experiment: SimpleNamespace, trace: Trace) -> None:
    assert trace.info.state == TraceState.OK
    assert trace.info.experiment_id == experiment.id
    assert (trace.info.request_preview, trace.info.client_request_id) == ('{"question": "high"}', "request-1")
    assert trace.info.tags["river"] == "Rhine"
    root, retrieve, tool = trace.data.spans
    assert (root.name, root.parent_id, root.inputs, root.outputs) == (
        "answer",
        None,
        {"question": "high"},
        "It is high.",
    )
    assert (retrieve.parent_id, retrieve.span_type, retrieve.outputs) == (root.span_id, "RETRIEVER", ["a", "b"])
    assert (retrieve.get_attribute("big"), retrieve.get_attribute("share")) == (2**60, 1.0)
    assert (tool.parent_id, tool.outputs) == (retrieve.span_id, {"flow": 3.0, "tags": ["überlauf", None]})
    assert tool.get_attribute("unit") == "litre"
    again = mlflow.get_trace(trace.info.trace_id)
    assert [s.to_dict() for s in again.data.spans] == [s.to_dict() for s in trace.data.spans]


def test_an_exception_is_in_its_span(broken: Trace) -> None:
    (span,) = broken.data.spans
    assert broken.info.state == TraceState.ERROR
    assert (span.status.status_code, span.status.description) == (SpanStatusCode.ERROR, "ValueError: no water")
    (event,) = span.events
    assert (event.name, event.attributes["exception.message"]) == ("exception", "no water")


@pytest.mark.usefixtures("broken")
def test_filters(experiment: SimpleNamespace, trace: Trace) -> None:
    mlflow.log_feedback(trace_id=trace.info.trace_id, name="quality", value=0.7)
    mlflow.log_feedback(trace_id=trace.info.trace_id, name="verdict", value="good")
    mlflow.log_expectation(trace_id=trace.info.trace_id, name="right", value=True)
    both = {"answer", "broken"}
    for text, want in {
        "name = 'answer'": {"answer"},
        "name RLIKE '^br'": {"broken"},
        "status = 'ERROR'": {"broken"},
        "trace.status IN ('OK', 'ERROR')": both,
        "trace.status NOT IN ('OK')": {"broken"},
        f"request_id = '{trace.info.trace_id}'": {"answer"},
        "client_request_id = 'request-1'": {"answer"},
        "client_request_id != 'request-1'": set(),
        "timestamp_ms > 0": both,
        "end_time_ms < 5": set(),
        "execution_time >= 0 AND tags.river = 'Rhine'": {"answer"},
        "tags.river != 'Rhine'": set(),
        "tags.river LIKE 'Rh%'": {"answer"},
        "tags.river ILIKE 'rH%'": {"answer"},
        "tags.river IS NULL": {"broken"},
        "tags.river IS NOT NULL": {"answer"},
        "metadata.`mlflow.trace_schema.version` = '3'": both,
        "span.name = 'measure'": {"answer"},
        "span.type = 'TOOL' AND span.name = 'measure'": {"answer"},
        "span.type = 'TOOL' AND span.name = 'retrieve'": set(),
        "span.status = 'ERROR'": {"broken"},
        "span.attributes.unit LIKE '%litre%'": {"answer"},
        "trace.text LIKE '%überlauf%'": {"answer"},
        "feedback.quality > 0.5": {"answer"},
        "feedback.quality > 0.8": set(),
        "feedback.verdict = 'good'": {"answer"},
        "feedback.verdict != 'good'": set(),
        "expectation.right = 'true'": {"answer"},
        "feedback.quality IS NULL": {"broken"},
        "tags.river = 'it''s'": set(),
    }.items():
        assert set(names(find(experiment, text))) == want, text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo = 'a'", "Invalid attribute key 'foo' specified"),
        ("bar.x = 'a'", "Invalid entity type 'bar'"),
        ("status > 'a'", "Invalid comparator '>'"),
        ("name = 5", "attributes support comparison with numeric values"),
        ("feedback.q > 'a'", "Expected a numeric value for feedback"),
        ("span.foo = 'a'", "Invalid span attribute 'foo'"),
        ("tags.a = 5", "Expected a quoted string value for tag"),
        ("prompt = 'a'", "Invalid prompts filter value 'a'"),
        ("a b", "Invalid clause"),
    ],
)
def test_refused_filters(experiment: SimpleNamespace, text: str, message: str) -> None:
    with pytest.raises(MlflowException, match=message) as e:
        find(experiment, text)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_order_and_pages(client: MlflowClient, experiment: SimpleNamespace) -> None:
    for i in range(5):
        with mlflow.start_span(f"s{i}"):
            mlflow.update_current_trace(tags={"even": str(i)} if i % 2 == 0 else {})
        time.sleep(0.002)  # their times differ, in milliseconds
    mlflow.flush_trace_async_logging()
    assert names(find(experiment)) == ["s4", "s3", "s2", "s1", "s0"]
    assert names(find(experiment, order_by=["timestamp_ms ASC"])) == ["s0", "s1", "s2", "s3", "s4"]
    assert names(find(experiment, order_by=["name DESC"])) == ["s4", "s3", "s2", "s1", "s0"]
    assert names(find(experiment, order_by=["tags.even DESC"])) == ["s4", "s2", "s0", "s3", "s1"]
    assert names(find(experiment, max_results=2)) == ["s4", "s3"]
    seen: list[str] = []
    page = client.search_traces(locations=[experiment.id], max_results=2, include_spans=False)
    while True:
        seen += names(page)
        if not page.token:
            break
        page = client.search_traces(
            locations=[experiment.id], max_results=2, include_spans=False, page_token=page.token
        )
    assert seen == ["s4", "s3", "s2", "s1", "s0"]


def test_traces_of_a_run(client: MlflowClient, experiment: SimpleNamespace) -> None:
    with mlflow.start_run() as run:
        answer("low")
    answer("dry")
    mlflow.flush_trace_async_logging()
    (found,) = find(experiment, run_id=run.info.run_id)
    assert found.info.request_preview == '{"question": "low"}'
    (other,) = [t for t in find(experiment) if t.info.trace_id != found.info.trace_id]
    client.link_traces_to_run([other.info.trace_id], run.info.run_id)
    assert len(find(experiment, run_id=run.info.run_id)) == 2


def test_tags(client: MlflowClient, trace: Trace) -> None:
    client.set_trace_tag(trace.info.trace_id, "checked", "yes")
    client.set_trace_tag(trace.info.trace_id, "checked", "no")
    client.delete_trace_tag(trace.info.trace_id, "river")
    tags = client.get_trace(trace.info.trace_id).info.tags
    assert tags["checked"] == "no"
    assert "river" not in tags
    with pytest.raises(MlflowException, match="No trace tag with key 'river'") as e:
        client.delete_trace_tag(trace.info.trace_id, "river")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_assessments(trace: Trace) -> None:
    trace_id = trace.info.trace_id
    source = AssessmentSource("HUMAN", "ada")
    first = mlflow.log_feedback(
        trace_id=trace_id,
        name="quality",
        value={"score": 1.5},
        source=source,
        rationale="short",
        metadata={"by": "hand"},
    )
    got = mlflow.get_assessment(trace_id, first.assessment_id)
    assert (got.name, got.value, got.rationale, got.metadata) == ("quality", {"score": 1.5}, "short", {"by": "hand"})
    assert (got.source.source_type, got.source.source_id, got.trace_id) == ("HUMAN", "ada", trace_id)
    updated = mlflow.update_assessment(
        trace_id, first.assessment_id, Feedback(name="quality", value="good", rationale="long")
    )
    assert (updated.value, updated.rationale, updated.metadata) == ("good", "long", {"by": "hand"})
    second = mlflow.override_feedback(trace_id=trace_id, assessment_id=first.assessment_id, value="better")
    valid = {a.assessment_id: a.valid for a in mlflow.get_trace(trace_id).info.assessments}
    assert valid == {first.assessment_id: False, second.assessment_id: True}
    mlflow.delete_assessment(trace_id, second.assessment_id)
    (left,) = mlflow.get_trace(trace_id).info.assessments
    assert (left.assessment_id, left.valid) == (first.assessment_id, True)
    failed = mlflow.log_feedback(trace_id=trace_id, name="judge", error=ValueError("no answer"))
    assert mlflow.get_assessment(trace_id, failed.assessment_id).error.error_message == "no answer"
    with pytest.raises(MlflowException, match="Assessment with ID 'a-no' not found for trace"):
        mlflow.get_assessment(trace_id, "a-no")


def test_delete(client: MlflowClient, experiment: SimpleNamespace) -> None:
    for name in ("one", "two", "three"):
        with mlflow.start_span(name):
            pass
        time.sleep(0.002)  # their times differ, in milliseconds
    mlflow.flush_trace_async_logging()
    three, _, one = find(experiment)
    assert client.delete_traces(experiment.id, trace_ids=[three.info.trace_id]) == 1
    assert client.delete_traces(experiment.id, max_timestamp_millis=one.info.request_time + 60_000, max_traces=1) == 1
    assert names(find(experiment)) == ["two"]
    assert client.delete_traces(experiment.id, trace_ids=[three.info.trace_id]) == 0
    with pytest.raises(MlflowException, match=f"Trace with ID '{three.info.trace_id}' not found") as e:
        client.get_trace(three.info.trace_id)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_trace_of_an_unknown_experiment(client: MlflowClient, trace: Trace) -> None:
    info = trace.info
    info.trace_location.mlflow_experiment.experiment_id = "2000000000"
    with pytest.raises(MlflowException, match="No Experiment with id=2000000000 exists") as e:
        client._tracing_client.start_trace(info)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_the_same_trace_twice_is_one_trace(client: MlflowClient, experiment: SimpleNamespace, trace: Trace) -> None:
    client._tracing_client.log_spans(experiment.id, trace.data.spans)
    client._tracing_client.start_trace(trace.info)
    (again,) = find(experiment)
    assert again.info.to_dict() == trace.info.to_dict()
    assert len(again.data.spans) == 3


def spans_of(number: int) -> dict:
    trace_id = f"{number:032x}"
    root = {
        "traceId": trace_id,
        "spanId": "00000000000000aa",
        "name": "root",
        "startTimeUnixNano": str(1000 * MILLISECOND),
        "endTimeUnixNano": str(3000 * MILLISECOND),
        "attributes": [
            {"key": "session.id", "value": {"stringValue": "session-1"}},
            {"key": "mlflow.traceTag.colour", "value": {"stringValue": "blue"}},
            {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"doubleValue": 0.5}]}}},
        ],
        "status": {"code": 1},
    }
    child = root | {"spanId": "00000000000000ab", "parentSpanId": "00000000000000aa", "name": "child", "attributes": []}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "gauge"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [root, child]}]}]}


def test_spans_of_an_exporter(client: MlflowClient, experiment: SimpleNamespace, url: str) -> None:
    number = time.time_ns()
    headers = {"x-mlflow-experiment-id": experiment.id}
    assert requests.post(f"{url}/v1/traces", json=spans_of(number), headers=headers, timeout=30).status_code == 200
    found = client.get_trace(f"tr-{number:032x}")
    assert (found.info.request_time, found.info.execution_duration, found.info.state) == (1000, 2000, TraceState.OK)
    assert found.info.trace_metadata["mlflow.trace.session"] == "session-1"
    assert (found.info.tags["colour"], found.info.tags["service.name"]) == ("blue", "gauge")
    root, child = found.data.spans
    assert (root.get_attribute("list"), child.parent_id) == ([1, 0.5], root.span_id)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"content-type": "application/json"}, 400),
        (b"xyz", {"content-type": "application/x-protobuf"}, 400),
        (b"", {"content-type": "application/x-protobuf"}, 400),
        (b"x", {"content-type": "text/plain"}, 400),
        (b"x", {"content-type": "application/x-protobuf", "content-encoding": "gzip"}, 400),
        (gzip.compress(b"{}"), {"content-type": "application/json", "content-encoding": "gzip"}, 400),
        (b"{}", {"content-type": "application/json", "x-mlflow-experiment-id": ""}, 422),
    ],
)
def test_refused_spans(experiment: SimpleNamespace, url: str, body: bytes, headers: dict, status: int) -> None:
    headers = {"x-mlflow-experiment-id": experiment.id} | headers
    if not headers["x-mlflow-experiment-id"]:
        del headers["x-mlflow-experiment-id"]
    assert requests.post(f"{url}/v1/traces", data=body, headers=headers, timeout=30).status_code == status


def test_the_form_of_mlflow_2(experiment: SimpleNamespace, url: str) -> None:
    api = f"{url}/api/2.0/mlflow/traces"
    begun = requests.post(
        api,
        json={
            "experiment_id": experiment.id,
            "timestamp_ms": 1000,
            "request_metadata": [{"key": "a", "value": "b"}],
            "tags": [{"key": "mlflow.traceName", "value": "old"}],
        },
        timeout=30,
    ).json()["trace_info"]
    ended = requests.patch(f"{api}/{begun['request_id']}", json={"timestamp_ms": 3500, "status": "OK"}, timeout=30)
    assert ended.json()["trace_info"]["execution_time_ms"] == 2500
    info = requests.get(f"{api}/{begun['request_id']}/info", timeout=30).json()["trace_info"]
    assert (info["status"], info["request_metadata"]) == ("OK", [{"key": "a", "value": "b"}])
    (found,) = requests.get(api, params={"experiment_ids": experiment.id}, timeout=30).json()["traces"]
    assert found == info


def test_a_trace_as_a_file(trace: Trace, url: str) -> None:
    answer = requests.get(
        f"{url}/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": trace.info.trace_id}, timeout=30
    )
    assert TraceData.from_dict(answer.json()).to_dict() == trace.data.to_dict()


def test_aggregates(experiment: SimpleNamespace, trace: Trace, url: str) -> None:
    mlflow.log_feedback(trace_id=trace.info.trace_id, name="quality", value=0.5)

    def ask(view: str, metric: str, aggregation: dict, **more: object) -> list[tuple]:
        body = {
            "experiment_ids": [experiment.id],
            "view_type": view,
            "metric_name": metric,
            "aggregations": [aggregation],
        }
        reply = requests.post(f"{url}/api/3.0/mlflow/traces/metrics", json=body | more, timeout=30)
        assert reply.status_code == 200, reply.text
        return [(p.get("dimensions"), p["values"]) for p in reply.json().get("data_points", [])]

    count = {"aggregation_type": "COUNT"}
    assert ask("TRACES", "trace_count", count, dimensions=["trace_status"]) == [({"trace_status": "OK"}, {"COUNT": 1})]
    assert ask("TRACES", "trace_count", count, filters=["trace.tag.river = 'Elbe'"]) == [(None, {"COUNT": 0})]
    assert ask("SPANS", "span_count", count, dimensions=["span_type"], filters=["span.type = 'TOOL'"]) == [
        ({"span_type": "TOOL"}, {"COUNT": 1})
    ]
    assert ask("ASSESSMENTS", "assessment_value", {"aggregation_type": "AVG"}, dimensions=["assessment_name"]) == [
        ({"assessment_name": "quality"}, {"AVG": 0.5})
    ]
    percentile = {"aggregation_type": "PERCENTILE", "percentile_value": 50}
    ((_, values),) = ask("TRACES", "latency", percentile)
    assert values == {"P50.0": trace.info.execution_duration}


@pytest.mark.usefixtures("trace", "broken")
def test_correlation(client: MlflowClient, experiment: SimpleNamespace) -> None:
    got = client._tracing_client.calculate_trace_filter_correlation(
        [experiment.id], "status = 'OK'", "tags.river = 'Rhine'"
    )
    assert (got.npmi, got.filter1_count, got.filter2_count, got.joint_count, got.total_count) == (1.0, 1, 1, 1, 2)
    got = client._tracing_client.calculate_trace_filter_correlation(
        [experiment.id], "status = 'ERROR'", "tags.river = 'Rhine'"
    )
    assert (got.npmi, got.joint_count) == (-1.0, 0)
    assert -1 < got.npmi_smoothed < 0
