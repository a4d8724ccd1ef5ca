package mlflow_test

import (
	"math"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

func TestAMessageIsMLflowsJSONAndBack(t *testing.T) {
	info := &sgpb.TraceInfo{
		TraceId: "tr-1", ClientRequestId: proto.String(""), TraceLocation: &sgpb.TraceLocation{Type: "MLFLOW_EXPERIMENT", MlflowExperiment: &sgpb.TraceExperiment{ExperimentId: "6"}},
		RequestTime: timestamppb.New(time.UnixMilli(1500)), ExecutionDuration: durationpb.New(2500 * time.Millisecond), State: "OK",
		Tags: map[string]string{"a": "ü"},
		Assessments: []*sgpb.Assessment{{
			AssessmentName: "q", Valid: proto.Bool(false), Value: &sgpb.Assessment_Feedback{Feedback: &sgpb.Feedback{Value: structpb.NewStringValue("yes")}},
		}},
	}
	const want = `{"trace_id":"tr-1","client_request_id":"","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"6"}},` +
		`"request_time":"1970-01-01T00:00:01.500Z","execution_duration":"2.500s","state":"OK",` +
		`"assessments":[{"assessment_name":"q","feedback":{"value":"yes"},"valid":false}],"tags":{"a":"ü"}}`
	var w jx.Encoder
	mlflow.EncodeMessage(&w, info)
	if w.String() != want {
		t.Errorf("got  %s\nwant %s", w.String(), want)
	}
	back := new(sgpb.TraceInfo)
	if err := mlflow.DecodeMessage("trace", []byte(want[:len(want)-1]+`,"unknown":1}`), back); err != nil || !proto.Equal(back, info) {
		t.Errorf("back: %v, %v", back, err)
	}
	if err := mlflow.DecodeMessage("trace", []byte(`{"request_time":"soon"}`), back); track.CodeOf(err) != track.InvalidParameterValue {
		t.Errorf("a time that is none: %v", err)
	}
}

func TestNaNHasNoPlaceInAValue(t *testing.T) {
	var w jx.Encoder
	mlflow.EncodeMessage(&w, &sgpb.Feedback{Value: structpb.NewNumberValue(math.NaN())})
	if w.String() != `{"value":null}` {
		t.Errorf("got %s", w.String())
	}
}

func TestTheFormOfMLflow2(t *testing.T) {
	var w jx.Encoder
	mlflow.EncodeTraceV2(&w, &sgpb.TraceInfo{TraceId: "r", RequestTime: timestamppb.New(time.UnixMilli(5)), Tags: map[string]string{"b": "2", "a": "1"}})
	const want = `{"request_id":"r","experiment_id":"","timestamp_ms":5,"execution_time_ms":0,"status":"TRACE_STATUS_UNSPECIFIED","tags":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}`
	if w.String() != want {
		t.Errorf("got  %s\nwant %s", w.String(), want)
	}
}
