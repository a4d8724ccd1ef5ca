package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge/cmd/double"
	"github.com/streamgauge/streamgauge/cmd/top/braille"
)

// Server is asked over HTTP. Send gives the body of a good answer.
type Server interface {
	Send(ctx context.Context, method, path, contentType string, body io.Reader) (io.ReadCloser, error)
}

const (
	// askTimeout is beyond what a read of series takes on a busy server.
	askTimeout = 20 * time.Second
	// NamesMax is how many names are listed at a time; a filter finds the others.
	NamesMax = 200
	jsonType = "application/json"
)

// Metric is a name with its latest value.
type Metric struct {
	Key   string       `json:"key"`
	Value double.Value `json:"value"`
	Step  int64        `json:"step"`
}

// Run is what is said of the run.
type Run struct {
	ID, Name, Status string
	Started, Ended   time.Time
}

// Line is one metric, to be drawn.
type Line struct {
	Marks []braille.Mark
	// Odd counts points that are not finite.
	Odd uint64
	// width is that of its buckets, 0 if they are points: what the stream is asked for.
	width int64
}

// Raw says that its marks are points as they were logged.
func (l Line) Raw() bool { return l.width == 0 }

// Axes of a chart.
const (
	AxisStep     = "step"
	AxisRelative = "relative"
)

type reader struct {
	server Server
	run    string
}

func (r reader) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	answer, err := r.server.Send(ctx, method, path, jsonType, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, answer)
		return err
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// about reads the run's state.
func (r reader) about(ctx context.Context) (Run, error) {
	var out struct {
		Run struct {
			Info struct {
				ID     string `json:"run_id"`
				Name   string `json:"run_name"`
				Status string `json:"status"`
				Start  int64  `json:"start_time"`
				End    int64  `json:"end_time"`
			} `json:"info"`
		} `json:"run"`
	}
	err := r.ask(ctx, http.MethodGet, "/api/2.0/mlflow/runs/get?"+url.Values{"run_id": {r.run}}.Encode(), nil, &out)
	i := out.Run.Info
	return Run{i.ID, i.Name, i.Status, moment(i.Start), moment(i.End)}, err
}

func moment(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// names reads the first names that have a text in them. more says that there are others.
func (r reader) names(ctx context.Context, contains string) (found []Metric, more bool, err error) {
	var out struct {
		Metrics []Metric `json:"metrics"`
		Next    string   `json:"next_page_token"`
	}
	args := url.Values{"max_results": {strconv.Itoa(NamesMax)}}
	if contains != "" {
		args.Set("contains", contains)
	}
	err = r.ask(ctx, http.MethodGet, "/v1/runs/"+url.PathEscape(r.run)+"/metrics?"+args.Encode(), nil, &out)
	return out.Metrics, out.Next != "", err
}

// answered is a line of POST /v1/series: of buckets, or raw.
type answered struct {
	Key    string         `json:"key"`
	Raw    bool           `json:"raw"`
	Width  int64          `json:"bucket_width"`
	Start  int64          `json:"start_time"`
	Step   []int64        `json:"step"`
	Time   []int64        `json:"time"`
	Value  []double.Value `json:"value"`
	Min    []double.Value `json:"min"`
	Max    []double.Value `json:"max"`
	Mean   []double.Value `json:"mean"`
	NaN    []uint64       `json:"nan"`
	PosInf []uint64       `json:"pos_inf"`
	NegInf []uint64       `json:"neg_inf"`
}

// lines reads metrics in at most so many buckets each.
func (r reader) lines(ctx context.Context, keys []string, axis string, buckets int) (map[string]Line, error) {
	var out struct {
		Series []*answered `json:"series"`
	}
	in := map[string]any{"run_ids": []string{r.run}, "keys": keys, "axis": axis, "buckets": buckets}
	if err := r.ask(ctx, http.MethodPost, "/v1/series", in, &out); err != nil {
		return nil, err
	}
	lines := make(map[string]Line, len(out.Series))
	for _, a := range out.Series {
		lines[a.Key] = a.line(axis)
	}
	return lines, nil
}

func (a *answered) line(axis string) Line {
	l := Line{Marks: make([]braille.Mark, len(a.Step)), width: a.Width}
	for i, step := range a.Step {
		m := braille.Mark{X: float64(step)}
		if axis == AxisRelative {
			m.X = float64(a.Time[i]-a.Start) / 1000
		}
		if a.Raw {
			v := float64(a.Value[i])
			m.Low, m.High, m.Value = v, v, v
			if math.IsNaN(v) || math.IsInf(v, 0) {
				l.Odd++
			}
		} else {
			m.Low, m.High, m.Value = float64(a.Min[i]), float64(a.Max[i]), float64(a.Mean[i])
			l.Odd += a.NaN[i] + a.PosInf[i] + a.NegInf[i]
		}
		l.Marks[i] = m
	}
	return l
}
