package enginetest_test

import (
	"context"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/enginetest"
	"github.com/streamgauge/streamgauge/schemas/table"
)

func TestMigrationsRunTwice(t *testing.T) {
	e := enginetest.Start(t)
	ctx := context.Background()
	for range 2 {
		if err := table.Migrate(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	n, err := e.Scalar(ctx, "SELECT count() FROM streamgauge.points")
	if err != nil || n != 0 {
		t.Fatalf("points has %d rows, %v; want an empty table", n, err)
	}
	if other := enginetest.Start(t); other != e {
		t.Error("a second Start gave another engine; want the shared one")
	}
}

func TestFreshHasNothingInIt(t *testing.T) {
	t.Parallel()
	e := enginetest.Fresh(t)
	n, err := e.Scalar(context.Background(), "SELECT count() FROM system.databases WHERE name = 'streamgauge'")
	if err != nil || n != 0 {
		t.Fatalf("got %d databases named streamgauge, %v; want none", n, err)
	}
}
