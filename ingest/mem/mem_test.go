package mem_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/ingest/appendertest"
	"github.com/streamgauge/streamgauge/ingest/mem"
)

func TestBusIsAnAppender(t *testing.T) {
	appendertest.Run(t, func(*testing.T) appendertest.Bus {
		b := &mem.Bus{LaneBytesMax: appendertest.LaneBytesMax}
		return appendertest.Bus{Appender: b, Frames: b.Frames, Purge: b.Purge}
	})
}
