package contract

import (
	"net/http"

	"github.com/streamgauge/streamgauge/schemas/describe"
)

// arrow is the stream that series answer if the request's Accept names it.
var arrow = []describe.Media{{Type: "application/vnd.apache.arrow.stream", Text: "With this type in `Accept`: an Arrow IPC stream, a row a bucket or point ([series.md](series.md#arrow))."}}

// shape is what both requests for series have.
type shape struct {
	Axis     string `query:"axis" json:"axis" enum:"step,time,relative" default:"step" description:"What x is: the step, milliseconds since 1970, or milliseconds since the start of the run."`
	From     int64  `query:"from" json:"from" description:"The least x, included."`
	To       int64  `query:"to" json:"to" description:"The greatest x, included."`
	Attempts string `query:"attempts" json:"attempts" enum:"joined,each" default:"joined" description:"One line over all launches of a run and what it inherits, or a line a launch."`
}

type seriesQuery struct {
	RunID string   `query:"run_id" required:"true" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Keys  []string `query:"key" required:"true" minItems:"1" maxItems:"100" collectionFormat:"multi" description:"A metric; may be given again." example:"[\"loss\"]"`
	shape
	Buckets string `query:"buckets" default:"1000" description:"At most so many buckets a line, 1 to 10000; or raw: every point." pattern:"^(raw|[1-9][0-9]{0,3}|10000)$"`
	Rank    string `query:"rank" default:"lowest" description:"lowest: the lowest rank that logged the key; each: a line a rank; merged: one line over all; or a number." pattern:"^(lowest|each|merged|[0-9]{1,9})$"`
	Columns string `query:"columns" description:"Columns of the answer, separated by commas; all if left out." example:"step,mean"`
}

type seriesRequest struct {
	RunIDs []string `json:"run_ids" required:"true" minItems:"1" maxItems:"1000" description:"Runs; with keys at most 2000 pairs."`
	Keys   []string `json:"keys" required:"true" minItems:"1" maxItems:"100" description:"Metrics."`
	shape
	Buckets describe.TextOrNumber `json:"buckets" description:"1 to 10000, 1000 if left out; or raw."`
	Rank    describe.TextOrNumber `json:"rank" description:"lowest, each, merged or a number; lowest if left out."`
	Columns []string              `json:"columns" enum:"step,step_last,time,time_last,value,min,max,mean,first,last,count,nan,pos_inf,neg_inf" description:"Columns of the answer; all if left out."`
}

// columns are lists of one length, an entry a bucket or point.
type columns struct {
	Step     []int64           `json:"step,omitempty" description:"The least step of a bucket."`
	StepLast []int64           `json:"step_last,omitempty" description:"The greatest step of a bucket."`
	Time     []int64           `json:"time,omitempty" description:"The least time of a bucket, in milliseconds since 1970."`
	TimeLast []int64           `json:"time_last,omitempty" description:"The greatest time of a bucket."`
	Value    []describe.Number `json:"value,omitempty" description:"Of points alone."`
	Min      []describe.Number `json:"min,omitempty" description:"The least finite value."`
	Max      []describe.Number `json:"max,omitempty" description:"The greatest finite value."`
	Mean     []describe.Number `json:"mean,omitempty" description:"The mean of the finite values."`
	First    []describe.Number `json:"first,omitempty" description:"The value at the least step."`
	Last     []describe.Number `json:"last,omitempty" description:"The value at the greatest step."`
	Count    []uint64          `json:"count,omitempty" description:"All points."`
	NaN      []uint64          `json:"nan,omitempty" description:"Points that are NaN."`
	PosInf   []uint64          `json:"pos_inf,omitempty" description:"Points that are positively infinite."`
	NegInf   []uint64          `json:"neg_inf,omitempty" description:"Points that are negatively infinite."`
}

type seriesAnswer struct {
	Axis   string `json:"axis"`
	Series []line `json:"series" description:"By run and key as asked for, then by rank. A key that was not logged has no line."`
}

type line struct {
	RunID   string            `json:"run_id"`
	Key     string            `json:"key"`
	Rank    *uint32           `json:"rank" description:"Null for a merged line."`
	StartMS int64             `json:"start_time" description:"The run's start, in milliseconds since 1970."`
	Raw     bool              `json:"raw" description:"Each entry is one point."`
	Width   int64             `json:"bucket_width" description:"On the axis, a power of two; 0 for points."`
	Points  uint64            `json:"points_total" description:"Stored points in the range."`
	Parts   []part            `json:"parts" description:"Which steps come from where."`
	AsOf    map[string]uint64 `json:"as_of" description:"By lane: the position up to which the line has everything."`
	columns
}

type part struct {
	RunID     string `json:"run_id"`
	Attempt   uint32 `json:"attempt"`
	From      int64  `json:"from_step"`
	To        int64  `json:"to_step"`
	Inherited bool   `json:"inherited" description:"It was logged by the run that this one was forked from."`
}

type runSeriesRequest struct {
	RunID  string   `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Keys   []string `query:"key" required:"true" minItems:"1" maxItems:"100" collectionFormat:"multi" description:"A metric; may be given again."`
	Points int      `query:"points" minimum:"1" maximum:"10000" default:"1000" description:"At most so many buckets a line."`
	From   int64    `query:"from_step" description:"The least step, included."`
	To     int64    `query:"to_step" description:"The greatest step, included."`
	Rank   string   `query:"rank" default:"lowest" description:"lowest, all or a number." pattern:"^(lowest|all|[0-9]{1,9})$"`
}

type runSeriesAnswer struct {
	Series []struct {
		Key       string            `json:"key"`
		Rank      uint32            `json:"rank"`
		Attempt   uint32            `json:"attempt"`
		Points    uint64            `json:"points_total"`
		Raw       bool              `json:"raw"`
		Step      []int64           `json:"step"`
		StepLast  []int64           `json:"step_last"`
		Time      []int64           `json:"time" description:"The greatest time of a bucket, in milliseconds since 1970."`
		Min       []describe.Number `json:"min"`
		Max       []describe.Number `json:"max"`
		Mean      []describe.Number `json:"mean"`
		First     []describe.Number `json:"first"`
		Last      []describe.Number `json:"last"`
		Count     []uint64          `json:"count"`
		NonFinite []uint64          `json:"non_finite"`
	} `json:"series"`
}

type ranksRequest struct {
	RunID string `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Key   string `query:"key" required:"true" description:"The metric." minLength:"1" example:"loss"`
}

type ranksAnswer struct {
	Key      string `json:"key"`
	Attempt  uint32 `json:"attempt" description:"The newest launch that logged the key."`
	Median   int64  `json:"median_step"`
	Greatest int64  `json:"greatest_step"`
	Newest   int64  `json:"newest_time"`
	Slowest  *struct {
		Rank   uint32 `json:"rank"`
		Behind int64  `json:"behind_steps"`
		Late   int64  `json:"behind_ms"`
		Since  *int64 `json:"since"`
	} `json:"slowest" description:"Null while nobody is behind the median."`
	Ranks []struct {
		Rank           uint32          `json:"rank"`
		LastStep       int64           `json:"last_step"`
		LastTime       int64           `json:"last_time"`
		BehindMedian   int64           `json:"behind_median" description:"Steps behind the median rank."`
		BehindGreatest int64           `json:"behind_greatest"`
		BehindMS       int64           `json:"behind_ms"`
		Since          *int64          `json:"since" description:"Late without a break since then; null if it is not."`
		Count          uint64          `json:"count"`
		Min            describe.Number `json:"min"`
		Max            describe.Number `json:"max"`
		Mean           describe.Number `json:"mean"`
		Last           describe.Number `json:"last"`
		NaN            uint64          `json:"nan"`
		PosInf         uint64          `json:"pos_inf"`
		NegInf         uint64          `json:"neg_inf"`
	} `json:"ranks"`
}

type namesRequest struct {
	RunID    string `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
	Prefix   string `query:"prefix" description:"How the name begins."`
	Contains string `query:"contains" description:"A part of the name, case ignored."`
	Like     string `query:"like" description:"A pattern of SQL."`
	Regex    string `query:"regex" description:"An RE2 expression found anywhere in the name."`
	Max      int    `query:"max_results" minimum:"1" maximum:"10000" default:"1000" description:"Names of a page."`
	Token    string `query:"page_token" description:"The next_page_token of the page before."`
}

type namesAnswer struct {
	Metrics []struct {
		Key   string          `json:"key"`
		Value describe.Number `json:"value" description:"As MLflow shows it: the latest of the lowest rank."`
		Step  int64           `json:"step"`
		Time  int64           `json:"timestamp" description:"In milliseconds since 1970."`
		Rank  uint32          `json:"rank"`
	} `json:"metrics"`
	Token string `json:"next_page_token,omitempty" description:"There is another page."`
}

type importanceRequest struct {
	Metric      string   `json:"metric" required:"true" minLength:"1" description:"The metric whose latest value is looked at." example:"val/loss"`
	Experiments []string `json:"experiment_ids" description:"As in MLflow's search for runs."`
	Filter      string   `json:"filter" description:"As in MLflow's search for runs." example:"attributes.status = 'FINISHED'"`
	OrderBy     []string `json:"order_by" description:"As in MLflow's search for runs; the first 10000 are looked at."`
}

type importanceAnswer struct {
	Runs      int     `json:"runs"`
	Without   int     `json:"runs_without" description:"Runs without a finite value."`
	More      bool    `json:"more" description:"The search finds more runs than were looked at."`
	Explained float64 `json:"explained" minimum:"0" maximum:"1" description:"How much of the order of the values the params predict for runs that the forest has not seen (R^2 out of bag). Near 0 the importance says nothing."`
	Params    []struct {
		Key         string   `json:"key"`
		Importance  float64  `json:"importance" minimum:"0" maximum:"1" description:"A part of that of all params."`
		Correlation *float64 `json:"correlation" description:"Spearman's; null for texts."`
		Numeric     bool     `json:"numeric"`
		Runs        int      `json:"runs"`
		Values      int      `json:"values"`
	} `json:"params"`
}

// runSearch is MLflow's search for runs, without pages and order.
type runSearch struct {
	Experiments []string `json:"experiment_ids" description:"As in MLflow's search for runs."`
	Filter      string   `json:"filter" description:"As in MLflow's search for runs; comparisons may be joined by OR and stand in parentheses." example:"metrics.loss < 1 OR attributes.status = 'RUNNING'"`
	View        string   `json:"run_view_type" enum:"ACTIVE_ONLY,DELETED_ONLY,ALL" default:"ACTIVE_ONLY" description:"As in MLflow's search for runs."`
}

type tableRequest struct {
	runSearch
	OrderBy []string `json:"order_by" description:"As in MLflow's search for runs."`
	Max     int      `json:"max_results" minimum:"1" maximum:"2000" default:"1000" description:"Runs of a page."`
	Token   string   `json:"page_token" description:"next_page_token of the page before."`
	Metrics []string `json:"metrics" description:"At most 200 metrics that are wanted of each run." example:"[\"loss\"]"`
	Others  int      `json:"other_metrics" minimum:"0" maximum:"200" default:"100" description:"At most so many others of each run."`
}

type tableAnswer struct {
	Runs []map[string]any `json:"runs" description:"As MLflow's runs/search has them, but for metrics that are not wanted."`
	More []string         `json:"more_metrics" description:"The ids of those runs of which metrics were left out; GET /v1/runs/RUN/metrics finds them."`
	Next string           `json:"next_page_token,omitempty"`
}

type groupsRequest struct {
	runSearch
	By      string   `json:"by" description:"params.KEY, tags.KEY, attributes.status or attributes.user_id; without it all runs are one group." example:"params.optimizer"`
	Metrics []string `json:"metrics" description:"At most 50 metrics, whose latest values are looked at."`
}

type groupsAnswer struct {
	Runs   int  `json:"runs" description:"Runs that were counted, at most 100000."`
	More   bool `json:"more" description:"The search finds more."`
	Groups []struct {
		Value   *string `json:"value" description:"null: the runs that have none."`
		Runs    int     `json:"runs"`
		Metrics []struct {
			Key  string   `json:"key"`
			Runs int      `json:"runs" description:"Runs with a finite value."`
			Mean *float64 `json:"mean"`
			Std  *float64 `json:"std" description:"Standard deviation of the sample; null of less than two values."`
			Min  *float64 `json:"min"`
			Max  *float64 `json:"max"`
		} `json:"metrics" description:"In the order that they were asked for."`
	} `json:"groups" description:"At most 1000, the largest first; the runs without a value last."`
	MoreGroups bool `json:"more_groups" description:"There are more groups."`
}

type briefRequest struct {
	RunID string `path:"run_id" description:"The run." example:"0123456789abcdef0123456789abcdef"`
}

type briefAnswer struct {
	Run map[string]any `json:"run" description:"As MLflow's runs/get has it."`
}

type idsAnswer struct {
	RunIDs []string `json:"run_ids" description:"In no order, at most 100000."`
	More   bool     `json:"more" description:"The search finds more."`
}

type silentAnswer struct {
	Runs []struct {
		RunID string `json:"run_id"`
		Seen  int64  `json:"seen" description:"When it last gave a sign of itself, in milliseconds since 1970."`
	} `json:"runs"`
	More bool `json:"more" description:"The search finds more runs than were looked at."`
}

// tallies are of package tally.
func tallies() []describe.Route {
	const area, large = "Runs", http.StatusRequestEntityTooLarge
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/runs/:run_id", Area: area, Summary: "Read a run without its metrics",
		Text: "Of which there may be a million: `GET /v1/runs/RUN/metrics` has them by pages.", Takes: briefRequest{}, Gives: briefAnswer{},
	}, {
		Method: http.MethodPost, Path: "/v1/runs/search", Area: area, Summary: "Read a page of a table of runs",
		Text: "MLflow's search for runs with the metrics that a table shows: a run may have a million.", Takes: tableRequest{}, Gives: tableAnswer{}, Refusals: []int{large},
	}, {
		Method: http.MethodPost, Path: "/v1/runs/groups", Area: area, Summary: "Group the runs of a search",
		Text: "How many runs there are by a value, with mean and spread of metrics.", Takes: groupsRequest{}, Gives: groupsAnswer{}, Refusals: []int{large},
	}, {
		Method: http.MethodPost, Path: "/v1/runs/ids", Area: area, Summary: "List the ids of a search",
		Text: "All runs that a search finds, without what is in them.", Takes: runSearch{}, Gives: idsAnswer{}, Refusals: []int{large},
	}, {
		Method: http.MethodPost, Path: "/v1/runs/silent", Area: area, Summary: "Say which running runs are silent",
		Text: "Of the first 1000 runs of a search those that say they are running and gave no sign of themselves for five minutes: no metric, no change, no heartbeat.", Takes: runSearch{}, Gives: silentAnswer{}, Refusals: []int{large},
	}}
}

func series() []describe.Route {
	const area, large = "Series", http.StatusRequestEntityTooLarge
	return []describe.Route{{
		Method: http.MethodGet, Path: "/v1/series", Area: area, Summary: "Read metrics of one run",
		Text: "Buckets for a chart, or every point ([series.md](series.md)).", Takes: seriesQuery{}, Gives: seriesAnswer{}, Answers: arrow,
	}, {
		Method: http.MethodPost, Path: "/v1/series", Area: area, Summary: "Read metrics of many runs",
		Text: "As the GET, for up to 1000 runs.", Takes: seriesRequest{}, Gives: seriesAnswer{}, Answers: arrow, Refusals: []int{large},
	}, {
		Method: http.MethodGet, Path: "/v1/runs/:run_id/series", Area: area, Summary: "Read metrics of one run in one shape",
		Text: "What the web page and the command line read: a line a rank and launch, always with the same columns.", Takes: runSeriesRequest{}, Gives: runSeriesAnswer{},
	}, {
		Method: http.MethodGet, Path: "/v1/runs/:run_id/ranks", Area: area, Summary: "Say which ranks are behind",
		Text: "At most 10000 ranks.", Takes: ranksRequest{}, Gives: ranksAnswer{},
	}, {
		Method: http.MethodGet, Path: "/v1/runs/:run_id/metrics", Area: area, Summary: "List a run's metrics",
		Text: "Names with MLflow's latest value, by name. All conditions that are given must hold.", Takes: namesRequest{}, Gives: namesAnswer{},
	}, {
		Method: http.MethodPost, Path: "/v1/importance", Area: area, Summary: "Say what a metric depends on",
		Text: "Which params the latest value of a metric depends on, over the runs of a search.", Takes: importanceRequest{}, Gives: importanceAnswer{}, Refusals: []int{large},
	}}
}
