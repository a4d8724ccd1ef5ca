// Package columns holds the points of one request as columns on their way into a frame.
//
// Columns are pooled: whoever holds them last calls Release, and nobody touches them afterwards.
package columns

import (
	"slices"
	"sync"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// pointBytesMax is the most that one point takes in a frame: key index, step, time, value, context.
	pointBytesMax = 5 + 10 + 10 + 8 + 5
	// entryBytesMax is what a text takes in a frame beside its own bytes: tag and length.
	entryBytesMax = 4
	// pooledPointsMax keeps a rare huge request from staying in memory.
	pooledPointsMax = 4096
)

// Columns are points with their dictionaries, and an upper bound of what they take in a frame.
type Columns struct {
	track.Points
	keys     map[string]uint32
	contexts map[track.PointContext]uint32
	bytes    int
	// last is the key found last: most batches repeat a key, or the order of their keys.
	last uint32
}

var pool = sync.Pool{New: func() any {
	return &Columns{keys: make(map[string]uint32), contexts: make(map[track.PointContext]uint32)}
}}

// Get takes empty columns.
func Get() *Columns { return pool.Get().(*Columns) }

// Release gives the columns back. Nil is allowed.
func (c *Columns) Release() {
	if c == nil || cap(c.Key) > pooledPointsMax {
		return
	}
	c.Reset()
	pool.Put(c)
}

// Reset empties the columns.
func (c *Columns) Reset() {
	clear(c.keys)
	clear(c.contexts)
	clear(c.Keys)     // let go of the texts
	clear(c.Contexts) // likewise
	c.Keys, c.Contexts = c.Keys[:0], c.Contexts[:0]
	c.Key, c.Step, c.TimeMS, c.Value, c.Context = c.Key[:0], c.Step[:0], c.TimeMS[:0], c.Value[:0], c.Context[:0]
	c.bytes, c.last = 0, 0
}

// Bytes is an upper bound of what the points take in a frame.
func (c *Columns) Bytes() int { return c.bytes }

// Find looks a key up in the dictionary.
func (c *Columns) Find(key []byte) (index uint32, ok bool) {
	for _, i := range [2]uint32{c.last, c.last + 1} {
		if int(i) < len(c.Keys) && c.Keys[i] == string(key) {
			c.last = i
			return i, true
		}
	}
	index, ok = c.keys[string(key)]
	if ok {
		c.last = index
	}
	return index, ok
}

// Define adds a key that Find does not know.
func (c *Columns) Define(key string) uint32 {
	index := uint32(len(c.Keys))
	c.Keys = append(c.Keys, key)
	c.keys[key] = index
	c.bytes += len(key) + entryBytesMax
	c.last = index
	return index
}

// Point is one point whose key is in the dictionary.
type Point struct {
	Key     uint32
	Step    int64
	TimeMS  int64
	Value   float64
	Context track.PointContext
}

// Append adds a point.
func (c *Columns) Append(p Point) {
	c.Key = append(c.Key, p.Key)
	c.Step = append(c.Step, p.Step)
	c.TimeMS = append(c.TimeMS, p.TimeMS)
	c.Value = append(c.Value, p.Value)
	c.bytes += pointBytesMax
	if p.Context != (track.PointContext{}) {
		c.setContext(p.Context)
	} else if len(c.Context) > 0 {
		c.Context = append(c.Context, 0)
	}
}

// setContext gives the newest point a context; those before it have none unless they say so.
func (c *Columns) setContext(context track.PointContext) {
	index, ok := c.contexts[context]
	if !ok {
		c.Contexts = append(c.Contexts, context)
		index = uint32(len(c.Contexts))
		c.contexts[context] = index
		c.bytes += len(context.ModelID) + len(context.DatasetName) + len(context.DatasetDigest) + 4*entryBytesMax
	}
	missing := len(c.Key) - 1 - len(c.Context)
	c.Context = slices.Grow(c.Context, missing+1)
	for range missing {
		c.Context = append(c.Context, 0)
	}
	c.Context = append(c.Context, index)
}

// Merge appends the points of o, which stays as it is.
func (c *Columns) Merge(o *Columns) {
	var few [16]uint32
	index := few[:0]
	for _, key := range o.Keys {
		i, ok := c.keys[key]
		if !ok {
			i = c.Define(key)
		}
		index = append(index, i)
	}
	for i, key := range o.Key {
		c.Append(Point{Key: index[key], Step: o.Step[i], TimeMS: o.TimeMS[i], Value: o.Value[i], Context: o.ContextOf(i)})
	}
}
