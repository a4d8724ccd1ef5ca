package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/faulttest"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	jobSteps = 100
	// jobPause is between two frames of a job, so that jobs do not starve what is tested beside them.
	jobPause = 20 * time.Millisecond
	// jobAckMax bounds the wait for an answer of the bus; then the same frame is sent again.
	jobAckMax = 2 * time.Second
)

// jobs publish frames straight to NATS, as trainings do: every frame is sent again, under its number, until it is
// acknowledged. They outlive restarts of the server.
type jobs struct {
	s      *server
	stream jetstream.JetStream
	stop   context.CancelFunc
	wg     sync.WaitGroup
	all    []*job
}

// job is one writer with a run of its own.
type job struct {
	run    string
	writer uint64
	frames int64
	repeat int64
}

func startJobs(s *server, n int) *jobs {
	s.t.Helper()
	js := &jobs{s: s, stream: s.jetStream()}
	for i := range n {
		id, err := (&writer{url: s.url, out: discard}).createRun()
		if err != nil {
			s.t.Fatal(err)
		}
		js.all = append(js.all, &job{run: id, writer: uint64(time.Now().UnixNano()) + uint64(i)})
	}
	js.resume()
	s.t.Cleanup(js.halt)
	return js
}

// resume lets halted jobs go on where they were.
func (js *jobs) resume() {
	ctx, cancel := context.WithCancel(context.Background())
	js.stop = cancel
	for _, j := range js.all {
		js.wg.Go(func() {
			for ctx.Err() == nil {
				j.next(js.s.t, js.stream)
				time.Sleep(jobPause)
			}
		})
	}
}

// jetStream is a connection that outlives restarts.
func (s *server) jetStream() jetstream.JetStream {
	s.t.Helper()
	nc, err := nats.Connect(s.nats, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectBufSize(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// next sends the next frame until it is acknowledged, or until the test has failed: then nobody may be there to do it.
func (j *job) next(t *testing.T, js jetstream.JetStream) {
	data := j.frame(j.frames + 1)
	for !t.Failed() {
		ctx, cancel := context.WithTimeout(context.Background(), jobAckMax)
		_, err := js.Publish(ctx, bus.RunSubject(0, j.run), data)
		cancel()
		if err == nil {
			j.frames++
			return
		}
		j.repeat++
		time.Sleep(jobPause)
	}
}

// frame has jobSteps steps of every key; the values are those that writers log.
func (j *job) frame(number int64) []byte { return j.frameOf(number, jobSteps) }

func (j *job) frameOf(number, steps int64) []byte {
	p := &track.Points{}
	for k := range keysPerRun {
		p.Keys = append(p.Keys, fmt.Sprintf("k%d", k))
	}
	for i := range steps {
		step := (number-1)*steps + i
		for k := range keysPerRun {
			p.Key = append(p.Key, uint32(k))
			p.Step = append(p.Step, step)
			p.TimeMS = append(p.TimeMS, 1_700_000_000_000+step)
			p.Value = append(p.Value, valueAt(k, step))
		}
	}
	data, err := frame.Encode(&sgpb.Frame{Writer: j.writer, Number: uint64(number), Sections: []*sgpb.Section{{RunId: j.run, Points: frame.PackPoints(p)}}})
	if err != nil {
		panic(err) // so many points always fit
	}
	return data
}

// halt ends the jobs; each waits for the acknowledgement of its last frame.
func (js *jobs) halt() {
	js.stop()
	js.wg.Wait()
}

// verify asks the table for all that was acknowledged, and says how often a frame was sent again.
func (js *jobs) verify() (all faulttest.Tally) {
	js.s.t.Helper()
	js.halt()
	repeats := int64(0)
	for _, j := range js.all {
		all.Add(js.s.countRun(j.run, j.frames*jobSteps*keysPerRun))
		repeats += j.repeat
	}
	js.s.t.Logf("%d jobs sent %d frames once more", len(js.all), repeats)
	return all
}

// arriveMax is how long the reader of a lane may be behind what the bus itself has acknowledged.
const arriveMax = time.Minute

// countRun counts the points of a run whose values are those of valueAt. A reader waits for what the server has
// acknowledged; of what the bus has, nobody told the server, so fewer than all are asked for again for a while.
func (s *server) countRun(run string, acknowledged int64) faulttest.Tally {
	s.t.Helper()
	number, ok := track.ParseRunID(run)
	if !ok {
		s.t.Fatalf("the server's run id %q is none", run)
	}
	for end := time.Now().Add(arriveMax); ; time.Sleep(jobPause) {
		if tally := s.countOnce(number, acknowledged); tally.Lost == 0 || s.t.Failed() || time.Now().After(end) {
			return tally
		}
	}
}

func (s *server) countOnce(number track.RunNumber, acknowledged int64) faulttest.Tally {
	s.t.Helper()
	rows := s.sql(fmt.Sprintf(`SELECT count(), uniqExact(key, step), countIf(v != step * 1.25 + toInt64(substring(key, 2)) * 1e6) FROM points WHERE run = %d`, number))
	var n, different, wrong int64
	if _, err := fmt.Sscan(strings.Join(rows[0], " "), &n, &different, &wrong); err != nil {
		s.t.Fatalf("%v: %v", rows, err)
	}
	if wrong != 0 {
		s.t.Errorf("run %d: %d points have other values than were sent", number, wrong)
	}
	return faulttest.Of(acknowledged, n, different)
}
