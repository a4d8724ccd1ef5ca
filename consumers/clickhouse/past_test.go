package clickhouse_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// TestRunningRuns wants the runs that say they are running and were heard of since, of the experiments and by themselves.
func TestRunningRuns(t *testing.T) {
	r := newRig(t)
	loop, _ := r.documents(new(reader))
	now := time.Now().UnixMilli()
	const hour = 3_600_000
	for n, change := range []func(*sgpb.Run){
		func(x *sgpb.Run) { x.StartMs = now - 2*hour },                                                    // has a metric since
		func(x *sgpb.Run) { x.StartMs = now - 9*hour },                                                    // has none since
		func(x *sgpb.Run) { x.StartMs, x.Status = now, sgpb.RunStatus_RUN_STATUS_FINISHED },               // does not run
		func(x *sgpb.Run) { x.StartMs, x.ExperimentId = now-hour, "2" },                                   // is asked for by itself
		func(x *sgpb.Run) { x.StartMs, x.ExperimentId = now, "2" },                                        // is not asked for
		func(x *sgpb.Run) { x.StartMs, x.Lifecycle = now, sgpb.Lifecycle_LIFECYCLE_DELETED },              // is deleted
		func(x *sgpb.Run) { x.StartMs, x.Name = now+9*hour, "by a clock that is ahead, which is not me" }, // counts as now
	} {
		doc := run(runID(n), "", nil)
		doc.GetRun().Lifecycle = sgpb.Lifecycle_LIFECYCLE_ACTIVE
		change(doc.GetRun())
		r.put(document.RunKey(runID(n)), doc)
	}
	r.flushDocuments(loop)
	for n, ms := range map[int]int64{0: now - hour, 1: now - 8*hour} {
		if _, err := r.engine.Query(r.ctx, fmt.Sprintf(`INSERT INTO streamgauge.latest
			SELECT 1, 'loss', run, tuple(0, 1, %d, 1., 1.) FROM streamgauge.runs FINAL WHERE run_id = '%s'`, ms, runID(n))); err != nil {
			t.Fatal(err)
		}
	}
	past := clickhouse.NewPast(r.config())
	t.Cleanup(func() { _ = past.Close() })
	signs, err := past.Running(r.ctx, []uint32{1}, []string{runID(3)}, now-3*hour)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	for _, s := range signs {
		got[s.RunID] = s.SeenMS
	}
	if len(signs) != 3 || got[runID(0)] != now-hour || got[runID(3)] != now-hour || got[runID(6)] < now || got[runID(6)] > now+hour {
		t.Errorf("at %d got %v", now, got)
	}
	if signs, err := past.Running(r.ctx, nil, nil, 0); err != nil || len(signs) != 0 {
		t.Errorf("of nothing asked: %v %v", signs, err)
	}
}
