package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"net/http/httptest"

	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

type runs struct{}

func (runs) RunDocuments(_ context.Context, ids []string) (map[string]*sgpb.Run, error) {
	out := make(map[string]*sgpb.Run)
	for _, id := range ids {
		if id == "r1" {
			out[id] = &sgpb.Run{Id: id, StartMs: 100}
		}
	}
	return out, nil
}
func (runs) LatestInMemory(string, string) (track.Latest, bool) { return track.Latest{Rank: 1}, true }
func (runs) ExperimentName(string) string                       { return "" }

func section(seq uint64, rank uint32, steps ...int64) *feed.Section {
	s := &feed.Section{RunID: "r1", Run: 1, Seq: seq, Rank: rank, Points: track.Points{Keys: []string{"other", "loss"}}}
	for _, step := range steps {
		s.Points.Key = append(s.Points.Key, 1, 0)
		s.Points.Step = append(s.Points.Step, step, step)
		s.Points.TimeMS = append(s.Points.TimeMS, 100+step, 1)
		s.Points.Value = append(s.Points.Value, float64(step), -1)
	}
	return s
}

// subscribed opens a stream that wants something.
func subscribed(t *testing.T, h *Hub, body string) (*stream, int) {
	t.Helper()
	st, connection, _, err := h.open("", "me")
	if err != nil {
		t.Fatal(err)
	}
	f, err := mlflow.ParseBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	wants, err := NewServer(h, runs{}).parse(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.subscribe(st.id, "me", wants); err != nil {
		t.Fatal(err)
	}
	return st, connection
}

func sent(t *testing.T, h *Hub, st *stream, connection int) string {
	t.Helper()
	var out bytes.Buffer
	b := h.take(st, connection)
	if err := b.send(bufio.NewWriter(&out), st); err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(out.String(), "event: ")
	return strings.TrimSpace(data)
}

func TestRowsSayWhatEachFrameAddsToEachBucket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"raw points of the lowest rank", `{"run_id":"r1","keys":["loss"]}`,
			`{"run_id":"r1","key":"loss","rank":1,"attempt":0,"lane":0,"bucket_width":0,"seq":[7,7,7],"step":[1,2,9],"time":[101,102,109],"value":[1,2,9]}`},
		{"one rank", `{"run_id":"r1","keys":["loss"],"rank":2}`,
			`{"run_id":"r1","key":"loss","rank":2,"attempt":0,"lane":0,"bucket_width":0,"seq":[8],"step":[3],"time":[103],"value":[3]}`},
		{"buckets of all ranks", `{"run_id":"r1","keys":["loss"],"rank":"merged","bucket_width":4}`,
			`{"run_id":"r1","key":"loss","rank":null,"attempt":0,"lane":0,"bucket_width":4,"seq":[7,7,8],"step":[1,9,3],"step_last":[2,9,3],"time":[101,109,103],"time_last":[102,109,103],` +
				`"min":[1,9,3],"max":[2,9,3],"mean":[1.5,9,3],"first":[1,9,3],"last":[2,9,3],"count":[2,1,1],"nan":[0,0,0],"pos_inf":[0,0,0],"neg_inf":[0,0,0]}`},
		{"relative time", `{"run_id":"r1","keys":["loss"],"rank":2,"axis":"relative","bucket_width":8}`,
			`{"run_id":"r1","key":"loss","rank":2,"attempt":0,"lane":0,"bucket_width":8,"seq":[8],"step":[3],"step_last":[3],"time":[103],"time_last":[103],` +
				`"min":[3],"max":[3],"mean":[3],"first":[3],"last":[3],"count":[1],"nan":[0],"pos_inf":[0],"neg_inf":[0]}`},
	} {
		h := NewHub()
		st, connection := subscribed(t, h, `{"subscriptions":[`+tt.body+`]}`)
		h.ObserveSections([]*feed.Section{section(7, 1, 1, 2, 9), section(8, 2, 3), {RunID: "r2"}})
		if got, want := sent(t, h, st, connection), "points\ndata: {\"lines\":["+tt.want+"]}"; got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, want)
		}
		if got := sent(t, h, st, connection); got != "" {
			t.Errorf("%s: sent again: %s", tt.name, got)
		}
	}
}

func TestASlowReaderIsToldToReadAgain(t *testing.T) {
	t.Parallel()
	h := NewHub()
	st, connection := subscribed(t, h, `{"subscriptions":[{"run_id":"r1","keys":["loss"]}]}`)
	big := section(1, 1, make([]int64, 100_000)...)
	for range 20 {
		h.ObserveSections([]*feed.Section{big})
		if st.points > queuePointsMax {
			t.Fatalf("%d points wait", st.points)
		}
	}
	if got := sent(t, h, st, connection); got != "reset\ndata: {\"reason\":\"slow\"}" {
		t.Errorf("got %q", got)
	}
	h.ObserveSections([]*feed.Section{section(9, 1, 5)})
	if got := sent(t, h, st, connection); !strings.Contains(got, `"step":[5]`) {
		t.Errorf("after the reset: %q", got)
	}
}

func TestAStreamIsResumedForAWhile(t *testing.T) {
	t.Parallel()
	h := NewHub()
	now := time.Unix(1000, 0)
	h.now = func() time.Time { return now }
	st, connection := subscribed(t, h, `{"subscriptions":[{"run_id":"r1","keys":["loss"]}]}`)
	h.leave(st, connection)
	h.ObserveSections([]*feed.Section{section(1, 1, 1)})
	if _, _, resumed, _ := h.open(st.id, "somebody else"); resumed {
		t.Fatal("somebody else has the stream")
	}
	again, second, resumed, err := h.open(st.id, "me")
	if err != nil || !resumed || again != st {
		t.Fatalf("resumed %v, %v", resumed, err)
	}
	if b := h.take(st, connection); !b.ended {
		t.Error("the connection before still writes")
	}
	if got := sent(t, h, st, second); got != "reset\ndata: {\"reason\":\"resumed\"}" {
		t.Errorf("got %q", got)
	}
	h.ObserveSections([]*feed.Section{section(2, 1, 2)})
	if got := sent(t, h, st, second); !strings.Contains(got, `"step":[2]`) {
		t.Errorf("its subscriptions are gone: %q", got)
	}
	h.leave(st, second)
	now = now.Add(keepFor + time.Second)
	late, third, resumed, err := h.open(st.id, "me")
	if err != nil || resumed || len(h.byRun) != 0 {
		t.Fatalf("resumed %v, %v, %d runs", resumed, err, len(h.byRun))
	}
	if got := sent(t, h, late, third); got != "reset\ndata: {\"reason\":\"unknown\"}" {
		t.Errorf("got %q", got)
	}
	var none *track.Error
	if err := h.subscribe(late.id, "somebody else", nil); !errors.As(err, &none) {
		t.Errorf("somebody else subscribes: %v", err)
	}
}

// A server notices late that a browser is gone: the writer before may take what wakes the one that came back.
func TestAConnectionThatIsOverWakesTheNext(t *testing.T) {
	t.Parallel()
	h := NewHub()
	st, first, _, err := h.open("", "me")
	if err != nil {
		t.Fatal(err)
	}
	_, second, _, err := h.open(st.id, "me")
	if err != nil {
		t.Fatal(err)
	}
	<-st.wake
	if b := h.take(st, first); !b.ended {
		t.Fatal("two connections write one stream")
	}
	select {
	case <-st.wake:
	default:
		t.Fatal("the connection that came back sleeps")
	}
	if b := h.take(st, second); b.reset != reasonResumed {
		t.Errorf("reset is %q", b.reset)
	}
}

func TestStreamsAreBoundedAndEndWithTheServer(t *testing.T) {
	t.Parallel()
	h := NewHub()
	for range streamsMax {
		if _, _, _, err := h.open("", "me"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := h.open("", "me"); track.CodeOf(err) != track.TemporarilyUnavailable {
		t.Errorf("one more: %v", err)
	}
	h.Close()
	for _, s := range h.streams {
		if b := h.take(s, 1); !b.ended {
			t.Fatal("a stream goes on")
		}
	}
}

func TestBadSubscriptionsAreRefused(t *testing.T) {
	t.Parallel()
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		status, body, _ := mlflow.ErrorBody(err)
		return c.Status(status).Send(body)
	}})
	h := NewHub()
	NewServer(h, runs{}).Routes(app)
	st, _, _, _ := h.open("", "")
	for body, want := range map[string]int{
		`{"subscriptions":[{"run_id":"r1","keys":["a"],"bucket_width":3}]}`: 400,
		`{"subscriptions":[{"run_id":"r1","keys":[]}]}`:                     400,
		`{"subscriptions":[{"run_id":"r1","keys":["a"],"rank":"x"}]}`:       400,
		`{"subscriptions":[{"run_id":"r9","keys":["a"]}]}`:                  404,
		`{"subscriptions":[]}`: 200,
	} {
		r := httptest.NewRequest("POST", "/v1/live/"+st.id, strings.NewReader(body))
		if resp, err := app.Test(r, -1); err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v, %v", body, resp.StatusCode, err)
		}
	}
}

// TestAReaderThatTakesNothingIsDisconnected lets a client ask for a stream, then read nothing while points come.
func TestAReaderThatTakesNothingIsDisconnected(t *testing.T) {
	t.Parallel()
	h := NewHub()
	s := NewServer(h, runs{})
	s.patience = 200 * time.Millisecond
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	s.Routes(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(l) }() // ends with Shutdown
	t.Cleanup(func() {
		h.Close()
		_ = app.Shutdown()
	})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /v1/live HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	var id string
	for id == "" {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, ok := strings.Cut(line, `{"id":"`); ok {
			id, _, _ = strings.Cut(rest, `"`)
		}
	}
	f, err := mlflow.ParseBody([]byte(`{"subscriptions":[{"run_id":"r1","keys":["loss"],"rank":"merged"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	wants, err := s.parse(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.subscribe(id, "", wants); err != nil {
		t.Fatal(err)
	}
	steps := make([]int64, 20_000)
	for seq := range uint64(3000) {
		h.ObserveSections([]*feed.Section{section(seq, 1, steps...)})
		h.mu.Lock()
		connected := h.streams[id].connected
		h.mu.Unlock()
		if !connected {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the reader is still connected")
}
