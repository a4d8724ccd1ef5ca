package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/cmd/bench/generate"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// liveRate is the load under which points are looked at as they come.
	liveRate = 300_000
	// liveMarkers points of which each tells when it was logged, livePause apart: ten seconds.
	liveMarkers = 200
	livePause   = 50 * time.Millisecond
	// liveWait bounds the wait for the last of them; liveSettle is until the load has found its pace.
	liveWait   = 30 * time.Second
	liveSettle = 2 * time.Second
	// liveLineMax is the longest line of the stream that is read.
	liveLineMax = 1 << 20
	markerKey   = "marker"
)

// measureLive logs the time of day and looks how old it is when the live stream brings it, while a load runs; and what
// the bus alone takes to acknowledge a frame of one point meanwhile.
func (b *bench) measureLive() error {
	t, dir, err := b.another()
	if err != nil {
		return err
	}
	defer t.stop()
	address, err := natsURL(dir)
	if err != nil {
		return err
	}
	writers := []struct {
		name string
		log  func(ctx context.Context, run string, ready func() error) error
	}{
		{"Go client over HTTP", func(ctx context.Context, run string, ready func() error) error {
			return logMarkers(ctx, t.url, run, ready)
		}},
	}
	if b.python != "" {
		writers = append(writers, struct {
			name string
			log  func(ctx context.Context, run string, ready func() error) error
		}{"log of the Python library", func(ctx context.Context, run string, ready func() error) error {
			return b.logMarkersInPython(ctx, t.url, run, ready)
		}})
	}
	load := generate.Load{Keys: frameKeys, Steps: frameSteps, Rate: liveRate, Duration: liveSettle + time.Duration(len(writers)+1)*(liveMarkers*livePause+liveSettle)}
	for range frameRuns {
		run, err := t.createRun("0")
		if err != nil {
			return err
		}
		load.Runs = append(load.Runs, run)
	}
	wait, err := generator{Bus: "nats", URL: address, Lanes: 1, Load: load}.start()
	if err != nil {
		return err
	}
	time.Sleep(liveSettle)
	work := fmt.Sprintf("to the event of the live stream, while %d k points a second run", liveRate/1000)
	var failed error
	for _, w := range writers {
		ages, err := t.markers(w.log)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", w.name, err))
			continue
		}
		b.add(w.name+" "+work, "p50 < 300 ms", fmt.Sprintf("p50 %s, p99 %s", ms(ages.percentile(50)), ms(ages.percentile(99))), "-")
	}
	acks, err := acknowledge(address, load.Runs[0])
	failed = errors.Join(failed, err)
	sum, err := wait()
	if failed = errors.Join(failed, err); failed != nil {
		return failed
	}
	b.add("a frame of one point to the bus and its acknowledgement, meanwhile", "-", fmt.Sprintf("p50 %s, p99 %s", ms(acks.percentile(50)), ms(acks.percentile(99))), "-")
	b.add("the load meanwhile, points", perSecond(liveRate), perSecond(float64(sum.Points)/sum.Seconds), "-")
	return nil
}

// markers has markers logged to a run of their own, and gives how old they are when the stream brings them.
func (t *target) markers(log func(ctx context.Context, run string, ready func() error) error) (load, error) {
	ctx, cancel := context.WithTimeout(context.Background(), liveMarkers*livePause+liveWait)
	defer cancel()
	run := track.NewRunID()
	var ages []time.Duration
	read, logged := make(chan error, 1), make(chan error, 1)
	ready := func() error {
		subscribed := make(chan error, 1)
		go func() {
			read <- t.readLive(ctx, run, subscribed, func(at float64) bool {
				ages = append(ages, time.Since(time.UnixMicro(int64(at*1e6))))
				return len(ages) < liveMarkers
			})
		}()
		select {
		case err := <-subscribed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() { logged <- log(ctx, run, ready) }()
	if err := <-logged; err != nil {
		return load{}, err
	}
	if err := <-read; err != nil {
		return load{}, fmt.Errorf("%d of %d markers came: %w", len(ages), liveMarkers, err)
	}
	slices.Sort(ages)
	return load{count: int64(len(ages)), took: ages}, nil
}

// readLive opens a stream, subscribes to the markers of a run and gives each to see, until that says false. The first
// thing that it says to subscribed is whether that worked.
func (t *target) readLive(ctx context.Context, run string, subscribed chan<- error, see func(at float64) bool) error {
	fail := func(err error) error {
		select {
		case subscribed <- err:
		default:
		}
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/v1/live", nil)
	if err != nil {
		return fail(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, liveLineMax)
	event := ""
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
			continue
		}
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		switch {
		case !ok:
			continue
		case event == "hello":
			if err := t.subscribe(ctx, data, run); err != nil {
				return fail(err)
			}
			subscribed <- nil
			continue
		case event != "points":
			return fmt.Errorf("event %s: %s", event, data)
		}
		var e struct {
			Lines []struct{ Value []float64 }
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		for _, l := range e.Lines {
			for _, at := range l.Value {
				if !see(at) {
					return nil
				}
			}
		}
	}
	return fail(errors.Join(errors.New("the live stream ended"), lines.Err()))
}

func (t *target) subscribe(ctx context.Context, hello []byte, run string) error {
	var h struct{ ID string }
	if err := json.Unmarshal(hello, &h); err != nil {
		return err
	}
	path, body := "/v1/live/"+h.ID, fmt.Appendf(nil, `{"subscriptions":[{"run_id":%q,"keys":[%q],"bucket_width":0}]}`, run, markerKey)
	// The library makes its run in the background.
	for ; ctx.Err() == nil; time.Sleep(livePause) {
		status, answer, err := t.post(path, body)
		if err != nil || status != http.StatusNotFound {
			return wantOK(path, status, answer, err)
		}
	}
	return ctx.Err()
}

// logMarkers logs with the Go client.
func logMarkers(ctx context.Context, url, run string, ready func() error) error {
	to, err := streamgauge.NewHTTP(url, streamgauge.HTTPOptions{})
	if err != nil {
		return err
	}
	p, err := streamgauge.NewPublisher(to, streamgauge.Options{Run: run})
	if err != nil {
		return err
	}
	defer p.Close(ctx) //nolint:errcheck // whoever waits for the markers says what is missing
	if err := p.Start(ctx, streamgauge.Start{Name: "markers"}); err != nil {
		return err
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	for step := range int64(liveMarkers) {
		if err := p.Log(ctx, step, map[string]float64{markerKey: float64(time.Now().UnixMicro()) / 1e6}); err != nil {
			return err
		}
		time.Sleep(livePause)
	}
	return p.Flush(ctx)
}

// logMarkersInPython logs with the library, in a process of its own.
func (b *bench) logMarkersInPython(ctx context.Context, url, run string, ready func() error) error {
	cmd := exec.CommandContext(ctx, b.python, filepath.Join(b.library, "bench_live.py"), run, url, strconv.Itoa(liveMarkers), fmt.Sprint(livePause.Seconds()))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err = bufio.NewReader(out).ReadString('\n'); err == nil {
		err = ready()
	}
	if err == nil {
		_, err = io.WriteString(in, "\n")
	}
	if err != nil {
		cmd.Cancel() //nolint:errcheck // it is over anyway
	}
	return errors.Join(err, cmd.Wait())
}

// acknowledge publishes frames of one point to the bus, as many and as far apart as the markers.
func acknowledge(address, run string) (load, error) {
	conn, err := nats.Connect(address)
	if err != nil {
		return load{}, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return load{}, err
	}
	section, err := streamgauge.NewSection(run, 0, 0)
	if err != nil {
		return load{}, err
	}
	subject, writer := bus.RunSubject(track.LaneOf(run, 1), run), streamgauge.NewWriter()
	var took []time.Duration
	for n := range int64(liveMarkers) {
		if _, err := section.AddPoint(streamgauge.Point{Key: markerKey, Step: n}); err != nil {
			return load{}, err
		}
		frame, err := section.Frame(writer, uint64(n+1), false)
		if err != nil {
			return load{}, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), liveWait)
		begin := time.Now()
		_, err = js.Publish(ctx, subject, frame)
		took = append(took, time.Since(begin))
		cancel()
		if err != nil {
			return load{}, err
		}
		time.Sleep(livePause)
	}
	slices.Sort(took)
	return load{count: liveMarkers, took: took}, nil
}
