package consumers

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/table"
)

// step is where a process may end and a connection may break.
func (w *world) step() error {
	if !w.faults {
		return nil
	}
	switch w.IntN(25) {
	case 0:
		w.crashed = true
		return errCrash
	case 1:
		return errors.New("connection reset")
	}
	return nil
}

// Write is the engine taking a batch, with everything that may go wrong on the way.
func (w *world) Write(_ context.Context, b *Batch, token string) error {
	if err := w.step(); err != nil {
		return err
	}
	if w.known != w.lives {
		return errors.New("the connection is new")
	}
	w.aside(b)
	if err := w.step(); err != nil {
		return err
	}
	if !w.faults {
		w.insert(shipment{b, token})
		return nil
	}
	switch w.IntN(12) {
	case 0: // the engine dies between its record of the token and the part
		w.tokens[token] = true
		return errors.New("connection reset")
	case 1: // the engine goes on with it and we do not know
		w.limbo = append(w.limbo, shipment{b, token})
		return w.lost()
	case 2: // the process is paused right before it sends, and another becomes owner
		w.zombies = append(w.zombies, shipment{b, token})
		w.crashed = true
		return errCrash
	case 3:
		w.insert(shipment{b, token})
		return w.lost()
	}
	w.insert(shipment{b, token})
	return w.step()
}

func (w *world) lost() error {
	w.crashed = w.IntN(2) == 0
	return errors.New("connection reset")
}

// aside takes the rows that go in before the points.
func (w *world) aside(b *Batch) {
	for i := range b.Latest.Rows() {
		experiment, key, run, l := b.Latest.Row(i)
		id := fmt.Sprint(experiment, key, run)
		if was, ok := w.latest[id]; !ok || l.Compare(was) > 0 {
			w.latest[id] = l
		}
	}
	for _, r := range b.Quarantine.Keys() {
		w.quarantine[r] = true
	}
	if b.Values != nil {
		for _, place := range b.Values.Places() {
			w.values[place] = true
		}
	}
	if b.Console != nil {
		for _, place := range b.Console.Places() {
			w.lines[place] = true
		}
	}
}

// insert is atomic and knows tokens.
func (w *world) insert(s shipment) {
	if w.tokens[s.token] {
		return
	}
	w.tokens[s.token] = true
	part := landed{marker: s.batch.Marker}
	p := &s.batch.Points
	for i := range p.Rows() {
		switch {
		case p.Run[i] != 0:
			part.rows = append(part.rows, landedRow{point{p.Run[i], p.Key.Text(i), p.Value[i]}, p.Seq[i]})
		case p.Rank[i] == table.WriterRank:
			part.ranges = append(part.ranges, table.WriterRange{Writer: p.Writer[i], First: uint64(p.Step[i]), Last: p.Frame[i], TimeMS: p.TS[i], Closed: p.Value[i] == 1})
		}
	}
	w.landed = append(w.landed, part)
}

func (w *world) Fence(context.Context, uint16) error {
	if err := w.step(); err != nil {
		return err
	}
	for _, s := range w.limbo {
		if w.IntN(2) == 0 {
			w.insert(s)
		}
	}
	w.limbo = nil
	return nil
}

func (w *world) Marker(context.Context, uint16) (table.Marker, error) {
	if err := w.step(); err != nil {
		return table.Marker{}, err
	}
	w.known = w.lives
	return w.marker(), nil
}

func (w *world) marker() (m table.Marker) {
	for _, p := range w.landed {
		if p.marker.Last > m.Last {
			m = p.marker
		}
	}
	return m
}

func (w *world) Ranges(context.Context, uint16, int64) (out []table.WriterRange, err error) {
	for _, p := range w.landed {
		out = append(out, p.ranges...)
	}
	return out, w.step()
}
