package live

import (
	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/query/chart"
	"github.com/streamgauge/streamgauge/query/series"
	"github.com/streamgauge/streamgauge/schemas/feed"
)

// want is what a stream brings of a run.
type want struct {
	keys    map[string]bool
	ranks   chart.Ranks
	grid    series.Grid
	startMS int64
	// lowest is what is known of the lowest rank by key when it was asked for; lower ones may come.
	lowest map[string]uint32
}

// lineID is a line of an event.
type lineID struct {
	run, key      string
	rank, attempt uint32
	merged        bool
	lane          uint16
	width         int64
}

// line is rows of a line: what each frame adds to each bucket.
type line struct {
	seqs    []uint64
	buckets []series.Bucket
}

// rowsOf gathers what some wants take of sections, in the order of the log.
func rowsOf(sections []*feed.Section, wants map[string][]want) (ids []lineID, lines map[lineID]*line) {
	lines = make(map[lineID]*line)
	for _, sec := range sections {
		for i := range wants[sec.RunID] {
			w := &wants[sec.RunID][i]
			for id, buckets := range w.rows(sec) {
				l := lines[id]
				if l == nil {
					l = &line{}
					ids, lines[id] = append(ids, id), l
				}
				for _, b := range buckets {
					l.seqs, l.buckets = append(l.seqs, sec.Seq), append(l.buckets, b)
				}
			}
		}
	}
	return ids, lines
}

// rows are what a section adds.
func (w *want) rows(sec *feed.Section) map[lineID][]series.Bucket {
	out := make(map[lineID][]series.Bucket)
	ids := make([]*lineID, len(sec.Points.Keys))
	for k, key := range sec.Points.Keys {
		if !w.keys[key] || !w.takes(key, sec.Rank) {
			continue
		}
		id := lineID{run: sec.RunID, key: key, rank: sec.Rank, attempt: sec.Attempt, lane: sec.Lane, width: w.grid.Width()}
		if w.ranks.Merged() {
			id.rank, id.merged = 0, true
		}
		ids[k] = &id
	}
	for i, k := range sec.Points.Key {
		if id := ids[k]; id != nil {
			out[*id] = append(out[*id], series.One(sec.Points.Step[i], sec.Points.TimeMS[i], sec.Points.Value[i]))
		}
	}
	if !w.grid.Raw {
		for id, buckets := range out {
			out[id] = w.grid.Draw(buckets, w.startMS)
		}
	}
	return out
}

// takes says whether a rank is wanted. The lowest is the lowest seen so far.
func (w *want) takes(key string, rank uint32) bool {
	if !w.ranks.Lowest() {
		return w.ranks.Take(rank)
	}
	if known, ok := w.lowest[key]; ok && rank > known {
		return false
	}
	w.lowest[key] = rank
	return true
}

// encodeLines writes the data of an event.
func encodeLines(w *jx.Encoder, ids []lineID, lines map[lineID]*line) {
	w.ObjStart()
	w.FieldStart("lines")
	w.ArrStart()
	for _, id := range ids {
		l := lines[id]
		w.ObjStart()
		w.FieldStart("run_id")
		w.Str(id.run)
		w.FieldStart("key")
		w.Str(id.key)
		w.FieldStart("rank")
		if id.merged {
			w.Null()
		} else {
			w.UInt32(id.rank)
		}
		w.FieldStart("attempt")
		w.UInt32(id.attempt)
		w.FieldStart("lane")
		w.UInt16(id.lane)
		w.FieldStart("bucket_width")
		w.Int64(id.width)
		w.FieldStart("seq")
		w.ArrStart()
		for _, seq := range l.seqs {
			w.UInt64(seq)
		}
		w.ArrEnd()
		chart.EncodeColumns(w, l.buckets, id.width == 0, func(string) bool { return true })
		w.ObjEnd()
	}
	w.ArrEnd()
	w.ObjEnd()
}
