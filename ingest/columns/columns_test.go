package columns_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/ingest/columns"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// plain is a point as a test thinks of it.
type plain struct {
	key     string
	step    int64
	context track.PointContext
}

func fill(c *columns.Columns, points []plain) {
	for i, p := range points {
		key, ok := c.Find([]byte(p.key))
		if !ok {
			key = c.Define(p.key)
		}
		c.Append(columns.Point{Key: key, Step: p.step, TimeMS: int64(i), Value: float64(p.step), Context: p.context})
	}
}

func random(r *rand.Rand) []plain {
	contexts := []track.PointContext{{}, {}, {ModelID: "m-1"}, {DatasetName: "d", DatasetDigest: "x"}}
	points := make([]plain, r.IntN(30))
	for i := range points {
		points[i] = plain{fmt.Sprint("key", r.IntN(20)), int64(r.Uint64()), contexts[r.IntN(1+r.IntN(len(contexts)))]}
	}
	return points
}

func check(t *testing.T, c *columns.Columns, want []plain) {
	t.Helper()
	if c.Len() != len(want) || len(c.Step) != len(want) || len(c.Value) != len(want) {
		t.Fatalf("%d points, want %d", c.Len(), len(want))
	}
	seen := make(map[string]bool)
	for _, k := range c.Keys {
		if seen[k] {
			t.Fatalf("key %q stands twice in the dictionary", k)
		}
		seen[k] = true
	}
	for i, p := range want {
		if got := (plain{c.Keys[c.Key[i]], c.Step[i], c.ContextOf(i)}); got != p {
			t.Fatalf("point %d is %v, want %v", i, got, p)
		}
	}
	if size := proto.Size(frame.PackPoints(&c.Points)); size > c.Bytes()+64 {
		t.Fatalf("the points take %d bytes, the bound says %d", size, c.Bytes())
	}
}

func TestMergedColumnsHoldAllPointsInOrder(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		c, o := columns.Get(), columns.Get()
		a, b := random(r), random(r)
		fill(c, a)
		fill(o, b)
		c.Merge(o)
		check(t, o, b)
		check(t, c, append(a, b...))
		c.Release()
		o.Release()
	}
}
