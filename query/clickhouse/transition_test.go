package clickhouse_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/enginetest"
)

func TestMovesOfAModel(t *testing.T) {
	e := start(t, enginetest.Fresh(t))
	e.exec(t, `INSERT INTO streamgauge.history (document, number, time_ms, by, what, before, after, revision) VALUES
		('regmodel.a', 1, 10, 'ada', 'created', '', 'wine', 1),
		('regmodel.a', 2, 30, 'ada', 'alias champion', '', '1', 2),
		('regmodel.a', 3, 50, 'bob', 'alias champion', '1', '2', 3),
		('regmodel.a', 4, 60, 'bob', 'stage', 'None', 'Production', 4),
		('version.a.1', 1, 40, 'bob', 'stage', 'None', 'Staging', 5),
		('version.a.1', 2, 40, 'bob', 'comment', '', 'why not', 6),
		('version.a.1', 3, 41, 'bob', 'alias champion', '', '7', 7),
		('regmodel.ab', 1, 70, 'eve', 'alias champion', '', '9', 8),
		('version.ab.1', 1, 70, 'eve', 'stage', 'None', 'Staging', 9)`)
	got, err := e.store.Moves(t.Context(), "a", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Transitions) != 1 || got.Transitions[0] != (registered.Transition{Version: 1, From: "None", To: "Staging", TimeMS: 40, By: "bob", Comment: "why not"}) {
		t.Errorf("transitions %+v", got.Transitions)
	}
	want := []registered.AliasChange{{Alias: "champion", From: "1", To: "2", TimeMS: 50, By: "bob"}, {Alias: "champion", To: "1", TimeMS: 30, By: "ada"}}
	if len(got.AliasChanges) != 2 || got.AliasChanges[0] != want[0] || got.AliasChanges[1] != want[1] {
		t.Errorf("alias changes %+v, want %+v", got.AliasChanges, want)
	}
	if few, err := e.store.Moves(t.Context(), "a", 1); err != nil || len(few.AliasChanges) != 1 || len(few.Transitions) != 0 {
		t.Errorf("the newest one: %+v, %v", few, err)
	}
}
