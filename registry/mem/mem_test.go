package mem_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/registry/journaltest"
	"github.com/streamgauge/streamgauge/registry/mem"
)

func TestJournal(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journal.Journal { return new(mem.Journal) })
}
