// Package incoming imports: it reads the folder of an export and writes to a server.
//
// Nothing is written before everything was checked: the files against the manifest, every document against the one that is
// in its place, every run's points against those that are there. What was imported before is the same and is left out; an
// import that was interrupted is done again and goes on where it was, for frames have the same writer and numbers each time.
package incoming

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/naming"
)

// Options say what is imported and how.
type Options struct {
	Dir string
	// Skip leaves out what conflicts; else nothing is imported then.
	Skip bool
	// Check writes nothing.
	Check bool
	// Renamed are names of experiments and registered models, by those that the export has.
	Renamed map[string]string
	// Tell is told of progress, a line at a time.
	Tell func(format string, args ...any)
}

// Outcome counts what became of the rows of one table.
type Outcome struct{ Created, Same, Matched, Refused int }

// Report is what an import did.
type Report struct {
	Tables map[string]*Outcome
	// Conflicts say what is in the way of what.
	Conflicts []string
}

func (r *Report) of(table string) *Outcome {
	if r.Tables[table] == nil {
		r.Tables[table] = new(Outcome)
	}
	return r.Tables[table]
}

// load is an import on its way.
type load struct {
	Options
	server   transfer.Server
	manifest *transfer.Manifest
	names    *naming.Names
	report   *Report
	// refused are documents that are left out, by table and id: what belongs to them is left out, too.
	refused map[string]map[string]bool
	// runs are the ids of runs by their numbers, and done the tables of them that are here already.
	runs map[uint64]string
	done map[string]map[uint64]bool
	// begun are those of which an import has brought some rows.
	begun map[string]map[uint64]bool
	want  map[string]map[uint64]transfer.Digest
}

// conflictsShown is how many conflicts an error tells.
const conflictsShown = 20

// Run imports.
func Run(ctx context.Context, s transfer.Server, o Options) (*Report, error) {
	m, err := transfer.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Tell("checking %d tables against the manifest", len(m.Tables))
	if err := m.Verify(o.Dir); err != nil {
		return nil, err
	}
	l := &load{
		Options: o, server: s, manifest: m, report: &Report{Tables: make(map[string]*Outcome)},
		names:   &naming.Names{Experiments: make(map[string]string), Renamed: o.Renamed},
		refused: make(map[string]map[string]bool), runs: make(map[uint64]string),
		done: make(map[string]map[uint64]bool), begun: make(map[string]map[uint64]bool), want: make(map[string]map[uint64]transfer.Digest),
	}
	if err := l.check(ctx); err != nil {
		return l.report, err
	}
	if o.Check {
		return l.report, nil
	}
	conflicts := len(l.report.Conflicts)
	l.report.Tables = make(map[string]*Outcome)
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return l.documents(ctx, false) }, l.events, l.traces, l.artifacts,
	} {
		if err := step(ctx); err != nil {
			return l.report, fmt.Errorf("%w; run the same import again to go on", err)
		}
	}
	if len(l.report.Conflicts) > conflicts && !o.Skip {
		return l.report, l.conflict("some was imported and some refused")
	}
	return l.report, nil
}

// check finds out what would be refused, and writes nothing.
func (l *load) check(ctx context.Context) error {
	if err := l.documents(ctx, true); err != nil {
		return err
	}
	if err := l.checkEvents(ctx); err != nil {
		return err
	}
	if len(l.report.Conflicts) > 0 && !l.Skip {
		return l.conflict("nothing was imported")
	}
	return nil
}

// conflict says what is in the way.
func (l *load) conflict(result string) error {
	some := l.report.Conflicts
	more := ""
	if len(some) > conflictsShown {
		more = fmt.Sprintf("\n  and %d more", len(some)-conflictsShown)
		some = some[:conflictsShown]
	}
	return fmt.Errorf("%s: %d conflicts with what is there:\n  %s%s\n--skip leaves these out and imports the rest; --rename OLD=NEW gives an experiment or registered model another name",
		result, len(l.report.Conflicts), strings.Join(some, "\n  "), more)
}

func (l *load) refuse(table, id, message string) {
	if l.refused[table] == nil {
		l.refused[table] = make(map[string]bool)
	}
	if !l.refused[table][id] {
		l.refused[table][id] = true
		l.report.Conflicts = append(l.report.Conflicts, message)
	}
}

var errDamaged = errors.New("the export is damaged")
