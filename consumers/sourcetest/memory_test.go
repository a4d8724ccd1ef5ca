package sourcetest_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/consumers/sourcetest"
)

func TestMemory(t *testing.T) {
	sourcetest.Run(t, func(*testing.T) sourcetest.Log {
		m := new(sourcetest.Memory)
		return sourcetest.Log{Source: m, Publish: func(b []byte) uint64 { return m.Publish(1, "sg.points.0.edge", b) }}
	})
}
