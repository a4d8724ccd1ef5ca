package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/kafkatest"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/topic"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// kafkaJob reaches the topic, and nothing else.
type kafkaJob struct {
	t     *testing.T
	topic *topic.Topic
}

func startKafkaJob(t *testing.T, broker string) kafkaJob {
	lanes := topic.Open([]string{broker}, topic.NameDefault)
	t.Cleanup(lanes.Close)
	return kafkaJob{t, lanes}
}

// send publishes a frame until it is acknowledged.
func (j kafkaJob) send(run string, lane uint16, b []byte) {
	for end := time.Now().Add(2 * startTimeout); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		_, err := j.topic.Publish(ctx, lane, run, [][]byte{b})
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			j.t.Errorf("a frame is not taken: %v", err)
			return
		}
	}
}

// TestKafkaAloneCarriesAWholeRun starts, describes, measures and ends a run with frames on the topic, and finds it over HTTP.
func TestKafkaAloneCarriesAWholeRun(t *testing.T) {
	b := kafkatest.Fresh(t)
	s := startServer(t, t.TempDir(), "--kafka", b.Addr, "--lanes", "2")
	run := track.NewRunID()
	lane := track.LaneOf(run, 2)
	event := func(e *sgpb.RunEvent) *sgpb.Section { return &sgpb.Section{RunId: run, Events: []*sgpb.RunEvent{e}} }
	points := track.Points{Keys: []string{"loss"}, Key: []uint32{0, 0}, Step: []int64{0, 1}, TimeMS: []int64{1001, 1002}, Value: []float64{0.5, 0.25}}
	frames := []*sgpb.Frame{
		{Sections: []*sgpb.Section{
			event(&sgpb.RunEvent{TimeMs: 1000, Event: &sgpb.RunEvent_Started{Started: &sgpb.RunStarted{ExperimentName: "over kafka", Name: "alone"}}}),
			event(&sgpb.RunEvent{TimeMs: 1000, Event: &sgpb.RunEvent_Params{Params: &sgpb.Params{Params: map[string]string{"lr": "0.1"}}}}),
		}},
		{Sections: []*sgpb.Section{{RunId: run, Points: frame.PackPoints(&points),
			Values:  []*sgpb.SmallValue{{Key: "sample", Step: 1, Value: &sgpb.SmallValue_Text{Text: "a river"}}},
			Console: []*sgpb.ConsoleLine{{TimeMs: 1500, Stream: 1, Number: 1, Text: "epoch 1"}}}}},
		{Close: true, Sections: []*sgpb.Section{event(&sgpb.RunEvent{TimeMs: 2000, Event: &sgpb.RunEvent_State{State: &sgpb.RunState{Status: sgpb.RunStatus_RUN_STATUS_FINISHED, EndTimeMs: 2000}}})}},
	}
	j := startKafkaJob(t, b.Addr)
	for i, f := range frames {
		f.Writer, f.Number = 77, uint64(i)+1
		encoded, err := frame.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		j.send(run, lane, encoded)
	}
	s.awaitFinished(run)
	status, answer, err := post(context.Background(), s.url, "/api/2.0/mlflow/runs/search", map[string]any{
		"experiment_ids": []string{s.experiment("over kafka")}, "filter": "params.lr = '0.1' and metrics.loss < 0.3"})
	if err != nil || status != http.StatusOK || !strings.Contains(string(answer), run) {
		t.Errorf("the search does not find the run: %d %s %v", status, answer, err)
	}
	if rows := s.sql("SELECT count(), sum(v) FROM points WHERE run != 0"); strings.Join(rows[0], ",") != "2,0.75" {
		t.Errorf("points %v", rows)
	}
	for path, want := range map[string]string{"/values?key=sample": `"kind":"text","text":"a river"}`, "/console?stream=stdout": `"number":1,"text":"epoch 1"}`} {
		if _, answer, err := get(context.Background(), s.url, "/v1/runs/"+run+path); err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("%s: %s %v", path, answer, err)
		}
	}
	_, lanes, err := get(context.Background(), s.url, "/v1/lanes?run_id="+run)
	want := `{"lanes":[{"lane":0,"bus":"kafka","topic":"sg.points","partition":0},{"lane":1,"bus":"kafka","topic":"sg.points","partition":1}],`
	if err != nil || !strings.HasPrefix(string(lanes), want) || !strings.Contains(string(lanes), `"kafka_brokers":["`+b.Addr+`"]`) {
		t.Errorf("/v1/lanes says %s %v", lanes, err)
	}
	s.killGroup()
	refused(t, s.args[:len(s.args)-4], "are on kafka cluster")
	refused(t, append(s.args, "--lanes", "3"), "--partitions 3")
}

// awaitFinished waits until a run that was sent on a bus has come to its end.
func (s *server) awaitFinished(run string) {
	s.t.Helper()
	var status int
	var answer []byte
	for end := time.Now().Add(readTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		status, answer, err = get(context.Background(), s.url, "/api/2.0/mlflow/runs/get?run_id="+run)
		if err == nil && strings.Contains(string(answer), `"FINISHED"`) {
			return
		}
	}
	s.t.Fatalf("the run has not finished: %d %s", status, answer)
}

// experiment gives the id of an experiment.
func (s *server) experiment(name string) string {
	s.t.Helper()
	_, b, err := get(context.Background(), s.url, "/api/2.0/mlflow/experiments/get-by-name?experiment_name="+strings.ReplaceAll(name, " ", "%20"))
	var answer struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		}
	}
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	if err != nil || answer.Experiment.ID == "" {
		s.t.Fatalf("experiment %s: %s %v", name, b, err)
	}
	return answer.Experiment.ID
}

// refused starts a server that must not start, and reads why.
func refused(t *testing.T, args []string, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("got %v, %s; want a refusal that says %q", err, out, want)
	}
}

// TestFault01KafkaBrokerKilled kills the broker under the load of trainings over HTTP and of a job on the topic, which sends
// every third frame twice, and counts.
func TestFault01KafkaBrokerKilled(t *testing.T) {
	const (
		pause             = 2 * time.Second
		killsShort, share = 3, 0.05
	)
	b := kafkatest.Fresh(t)
	s := startServer(t, t.TempDir(), "--kafka", b.Addr)
	ws := startWriters(t, s.url, writerCount)
	j := startKafkaJob(t, b.Addr)
	r := rank{run: track.NewRunID(), lanes: []uint16{0}}
	var job sync.WaitGroup
	var done atomic.Bool
	frames := 0
	job.Go(func() {
		for ; !done.Load(); frames++ {
			f := r.frame(t, frames+1)
			for range 1 + frames%3/2 {
				j.send(r.run, 0, f)
			}
		}
	})
	for range faulttest.Rounds(t, killsShort, share) {
		time.Sleep(pause)
		b.Kill()
		if err := b.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(pause)
	done.Store(true)
	job.Wait()
	s.waitHealthy(startTimeout)
	runs := ws.stop()
	number, _ := track.ParseRunID(r.run)
	want := int64(frames * pointsOfRank)
	rows := s.sql(fmt.Sprintf("SELECT count(), uniqExact(step), toInt64(sum(v)) FROM points WHERE run = %d", number))
	if got := strings.Join(rows[0], ","); got != fmt.Sprintf("%d,%d,%d", want, want, want*(want-1)/2) {
		t.Errorf("the job's run has points, steps, sum %s; %d were acknowledged", got, want)
	}
	var stored, different int64
	if _, err := fmt.Sscan(strings.Join(rows[0], " "), &stored, &different); err != nil {
		t.Fatal(err)
	}
	t.Log("on the topic, and then over HTTP:")
	faulttest.Of(want, stored, different).Check(t)
	s.verify(runs)
}
