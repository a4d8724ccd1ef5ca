package generate

import (
	"context"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/schemas/frame"
)

// kept is a bus that decodes what it gets.
type kept struct {
	t       *testing.T
	sum     Sum
	numbers map[uint64]uint64
}

func (k *kept) Publish(_ context.Context, run string, data []byte) error {
	f, err := frame.Decode(data)
	if err != nil {
		k.t.Fatal(err)
	}
	k.sum.Frames++
	if k.numbers[f.GetWriter()]++; f.GetNumber() != k.numbers[f.GetWriter()] {
		k.t.Fatalf("frame %d is the %d.", f.GetNumber(), k.numbers[f.GetWriter()])
	}
	for _, s := range f.GetSections() {
		p := frame.UnpackPoints(s.GetPoints())
		for i, v := range p.Value {
			k.sum.Points++
			k.sum.Steps += p.Step[i]
			k.sum.Values += int64(v / Unit)
		}
		if s.GetRunId() != run {
			k.t.Fatalf("a section of %s on the way of %s", s.GetRunId(), run)
		}
	}
	return nil
}

func (*kept) Flush(context.Context) error { return nil }
func (*kept) Close()                      {}

func TestTheSumIsWhatWasSent(t *testing.T) {
	to := &kept{t: t, numbers: make(map[uint64]uint64)}
	l := Load{Runs: []string{"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"}, Keys: 10, Steps: 3, Duration: 20 * time.Millisecond}
	sum, err := l.Run(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Seconds = 0; sum != to.sum || sum.Points == 0 {
		t.Errorf("sum %+v, sent %+v", sum, to.sum)
	}
}

func TestEachRankOfARunIsAWriter(t *testing.T) {
	w := newWriters(Load{Runs: []string{"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"}, Ranks: 3, Keys: 10, Steps: 3})
	writers := make(map[uint64]bool)
	for i := range 6 {
		data, err := w.next(i, 0)
		if err != nil {
			t.Fatal(err)
		}
		f, err := frame.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		writers[f.GetWriter()] = true
		if s := f.GetSections()[0]; s.GetRank() != uint32(i/2) || s.GetRunId() != w.load.Runs[i%2] || f.GetNumber() != 1 {
			t.Errorf("writer %d: rank %d of %s, frame %d", i, s.GetRank(), s.GetRunId(), f.GetNumber())
		}
	}
	if len(w.ids) != 6 || len(writers) != 6 {
		t.Errorf("%d writers of %d", len(writers), len(w.ids))
	}
}
