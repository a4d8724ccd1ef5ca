// Package watch reads a run for a screen, and goes on reading while it trains.
//
//	the server's stream of events says which metrics have new points -> these are read anew, at most once a second
//
// So a screen never puts points together by itself, and a lost connection costs nothing but time.
package watch

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// pace is how often lines with news are read.
	pace = time.Second
	// pacesAbout is after how many of them the run and its names are read.
	pacesAbout = 3
)

// Want is what a screen shows.
type Want struct {
	// Contains is a part of the names that are listed, Keys what is drawn, at most so many Buckets each.
	Contains string
	Keys     []string
	Axis     string
	Buckets  int
}

// What is told.
type (
	// About is the run.
	About struct{ Run Run }
	// Names are the metrics that the screen's filter leaves.
	Names struct {
		Contains string
		Metrics  []Metric
		More     bool
	}
	// Lines are metrics by name, on an axis; those that are not in it are as they were.
	Lines struct {
		Axis  string
		Lines map[string]Line
	}
	// Trouble is why nothing new comes, nil when it does again.
	Trouble struct{ Err error }
)

// Watch follows one run.
type Watch struct {
	reader
	tell   func(any)
	wanted chan Want
	hello  chan string
	news   news
	want   Want
	lines  map[string]Line
	// id is that of the stream, "" before the first.
	id string
	// lost: the stream is not open. asked is what became of the last question.
	lost  atomic.Bool
	asked error
}

// New makes a watch that tells of what it reads. tell is called from one goroutine at a time, but for Trouble.
func New(server Server, runID string, tell func(any)) *Watch {
	return &Watch{reader: reader{server, runID}, tell: tell, wanted: make(chan Want, 1), hello: make(chan string, 1)}
}

// Want says what the screen shows now. It does not wait.
func (w *Watch) Want(want Want) { newest(w.wanted, want) }

// newest leaves only the last value in a channel of one.
func newest[T any](to chan T, v T) {
	for {
		select {
		case to <- v:
			return
		case <-to:
		}
	}
}

// Run reads until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	s := &stream{server: w.server, news: &w.news, hello: func(id string) { newest(w.hello, id) }, state: w.streamed}
	go s.run(ctx)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	w.about(ctx)
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return
		case want := <-w.wanted:
			w.change(ctx, want)
		case w.id = <-w.hello:
			w.follow(ctx)
		case <-tick.C:
			if keys := w.news.take(w.want.Keys); len(keys) > 0 {
				w.read(ctx, keys)
			}
			if i%pacesAbout == 0 {
				w.about(ctx)
				w.list(ctx)
			}
		}
	}
}

// change reads what a screen shows and has not.
func (w *Watch) change(ctx context.Context, want Want) {
	before := w.want
	w.want = want
	if before.Axis == "" || before.Contains != want.Contains {
		w.list(ctx)
	}
	if before.Axis != want.Axis || before.Buckets != want.Buckets {
		w.lines = make(map[string]Line)
	}
	// What is not on the screen is not followed, so it is read anew when it comes back.
	maps.DeleteFunc(w.lines, func(k string, _ Line) bool { return !slices.Contains(want.Keys, k) })
	missing := slices.DeleteFunc(slices.Clone(want.Keys), func(k string) bool { _, ok := w.lines[k]; return ok })
	if len(missing) > 0 {
		w.read(ctx, missing)
	} else if !slices.Equal(before.Keys, want.Keys) {
		w.follow(ctx)
	}
}

// follow subscribes to what the screen shows, and has it read once more: points may have come since it was read.
func (w *Watch) follow(ctx context.Context) {
	if w.id == "" {
		return
	}
	w.note(w.subscribe(ctx, w.id, w.lines, w.want.Keys, w.want.Axis))
	w.news.everything()
}

// read reads lines, and subscribes anew where their widths have changed.
func (w *Watch) read(ctx context.Context, keys []string) {
	lines, err := w.reader.lines(ctx, keys, w.want.Axis, w.want.Buckets)
	if w.note(err); err != nil {
		return
	}
	changed := false
	for k, l := range lines {
		old, had := w.lines[k]
		changed = changed || !had || old.width != l.width
		w.lines[k] = l
	}
	if changed {
		w.follow(ctx)
	}
	w.tell(Lines{w.want.Axis, lines})
}

func (w *Watch) about(ctx context.Context) {
	run, err := w.reader.about(ctx)
	if w.note(err); err == nil {
		w.tell(About{run})
	}
}

func (w *Watch) list(ctx context.Context) {
	found, more, err := w.names(ctx, w.want.Contains)
	if w.note(err); err == nil {
		w.tell(Names{w.want.Contains, found, more})
	}
}

// note tells of an answer that failed, and of the first that did not again.
func (w *Watch) note(err error) {
	if err == nil && (w.asked == nil || w.lost.Load()) {
		return
	}
	w.asked = err
	w.tell(Trouble{err})
}

// streamed is told by the stream. What is refused there is not told twice.
func (w *Watch) streamed(err error) {
	if w.lost.Swap(err != nil) || err != nil {
		w.tell(Trouble{err})
	}
}
