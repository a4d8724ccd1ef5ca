package clickhouse_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// A server of before the table existed has documents and no lineage: its first start makes up for it, and writes nothing
// twice.
func TestLineageOfOldDocumentsIsMadeUpFor(t *testing.T) {
	r := newRig(t)
	loop, stop := r.documents(new(reader))
	doc := run(runID(7), "first", nil)
	doc.GetRun().Inputs = []*sgpb.DatasetInput{{Dataset: &sgpb.Dataset{Name: "wine", Digest: "d"}}}
	r.put(document.RunKey(runID(7)), doc)
	r.flushDocuments(loop)
	const edges = "SELECT node, way, other, kind FROM streamgauge.lineage FINAL WHERE way > 0 ORDER BY way"
	want := "dataset:wine@d\t1\trun:" + runID(7) + "\tinput\nrun:" + runID(7) + "\t2\tdataset:wine@d\tinput"
	r.query(want, edges)
	stop()

	if err := r.engine.Exec(r.ctx, "TRUNCATE TABLE streamgauge.lineage"); err != nil {
		t.Fatal(err)
	}
	loop, _ = r.documents(new(reader))
	r.flushDocuments(loop)
	r.query(want, edges)
	r.query("1", "SELECT count() FROM streamgauge.runs FINAL WHERE run_id != ''")
}
