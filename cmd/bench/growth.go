package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/streamgauge/streamgauge/cmd/bench/generate"
	"github.com/streamgauge/streamgauge/cmd/bench/machine"
	"github.com/streamgauge/streamgauge/cmd/bench/plot"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
	"github.com/streamgauge/streamgauge/schemas/frame"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// growthLoad is how long each number of writers sends.
	growthLoad = 6 * time.Second
	// growthPoints are logged under each number of names.
	growthPoints = 1_000_000
	// growthFrame are the points of a frame of these, at most.
	growthFrame = 4_000
	// growthCalls are enough for a median of reads, each of which may take seconds.
	growthCalls = 11
	// bytesAPoint is the room on disk that a point is given: its own, while it is merged, and the log's.
	bytesAPoint = 16
	// mergesMax bounds the wait for merges.
	mergesMax   = 30 * time.Second
	growthChart = "growth.svg"
)

// growth is what more of something costs.
type growth struct {
	*bench
	server *target
	data   string
	engine *clickhouse.Client
	bare   float64
	text   strings.Builder
	panels []plot.Panel
}

// measureGrowth writes tables and a chart of what more writers, names and points cost, on a server of their own.
func (b *bench) measureGrowth() (section, version string, chart []byte, err error) {
	g := &growth{bench: b}
	if g.server, g.data, err = b.another(); err != nil {
		return "", "", nil, err
	}
	defer g.server.stop()
	config, err := engineConfig(g.data)
	if err != nil {
		return "", "", nil, err
	}
	g.engine = clickhouse.NewClient(config)
	defer g.engine.Close()
	if version, err = g.server.sqlRow("SELECT toUInt16(splitByChar('.', version())[1]), toUInt16(splitByChar('.', version())[2])"); err != nil {
		return "", "", nil, err
	}
	bare, err := g.server.bareInsert(g.data, growthLoad)
	if err != nil {
		return "", "", nil, err
	}
	g.bare = float64(bare.rows) / bare.took.Seconds()
	for _, part := range []struct {
		name string
		run  func() error
	}{{"writers", g.writers}, {"names", g.names}, {"points", g.points}} {
		fmt.Fprintf(os.Stderr, "growth of %s ...\n", part.name)
		if err := part.run(); err != nil {
			return "", "", nil, fmt.Errorf("growth of %s: %w", part.name, err)
		}
	}
	return g.text.String(), version, plot.SVG(g.panels), nil
}

// table begins a table; row adds to it.
func (g *growth) table(title, said string, columns ...string) {
	fmt.Fprintf(&g.text, "\n### %s\n\n%s\n\n| %s |\n|%s\n", title, said, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

func (g *growth) row(cells ...string) {
	fmt.Fprintf(&g.text, "| %s |\n", strings.Join(cells, " | "))
	fmt.Fprintf(os.Stderr, "  %s\n", strings.Join(cells, ", "))
}

// count writes powers of ten.
func count(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%d M", n/1_000_000)
	case n >= 10_000:
		return fmt.Sprintf("%d k", n/1_000)
	}
	return fmt.Sprint(n)
}

func (g *growth) writers() error {
	address, err := natsURL(g.data)
	if err != nil {
		return err
	}
	g.table("Writers", fmt.Sprintf("Ranks of one run, a writer each, out of one generator over NATS for %v, frames of %s points, until all is read back. Bare inserts into the same table: %s.", growthLoad, count(frameKeys*frameSteps), perSecond(g.bare)),
		"writers", "points a second", "beside bare inserts", "processor time a point, server and engine", "resident memory")
	var rates, bares []plot.Point
	for _, n := range []int{1, 10, 100, 1_000} {
		run, err := g.server.createRun("0")
		if err != nil {
			return err
		}
		cpu, begin := g.server.cpu(), time.Now()
		wait, err := generator{Bus: "nats", URL: address, Lanes: 1, Load: generate.Load{Runs: []string{run}, Ranks: n, Keys: frameKeys, Steps: frameSteps, Duration: growthLoad}}.start()
		if err != nil {
			return err
		}
		sum, err := wait()
		if err != nil {
			return err
		}
		if err := g.server.readBack([]string{run}, sum); err != nil {
			return err
		}
		rate, each := float64(sum.Points)/time.Since(begin).Seconds(), perPoint(g.server.cpu()-cpu, sum.Points)
		g.row(count(n), perSecond(rate), fmt.Sprintf("%.2f", rate/g.bare), fmt.Sprintf("%.0f ns", each), fmt.Sprintf("%d MiB", g.server.rss()/mib))
		rates, bares = append(rates, plot.Point{X: float64(n), Y: rate}), append(bares, plot.Point{X: float64(n), Y: g.bare})
	}
	g.panels = append(g.panels, plot.Panel{Title: "Ingest by writers", X: "writers", Y: "points a second", Lines: []plot.Line{
		{Name: "over NATS, read back", At: rates}, {Name: "bare inserts", At: bares},
	}})
	return nil
}

func (g *growth) names() error {
	g.table("Names", fmt.Sprintf("%s points of one run under so many names, posted as frames until all is read back; then a page of 100 names, and the series of one.", count(growthPoints)),
		"names", "points a second", "processor time a point, server and engine", "names by prefix, p50", "names by expression, p50", "series of one name, p50", "resident memory")
	var pages, expressions, reads []plot.Point
	for n := 100; n <= 1_000_000; n *= 10 {
		run, err := g.server.createRun("0")
		if err != nil {
			return err
		}
		cpu, begin := g.server.cpu(), time.Now()
		sum, err := logNames(g.server.url, run, n)
		if err != nil {
			return err
		}
		if err := g.server.readBack([]string{run}, sum); err != nil {
			return err
		}
		rate, each := float64(sum.Points)/time.Since(begin).Seconds(), perPoint(g.server.cpu()-cpu, sum.Points)
		if err := g.settle(); err != nil {
			return err
		}
		var p50 []time.Duration
		for _, path := range []string{
			"/v1/runs/" + run + "/metrics?max_results=100&prefix=layer/7/", "/v1/runs/" + run + "/metrics?max_results=100&regex=/7.*77$",
			"/v1/series?run_id=" + run + "&key=layer/7/7",
		} {
			l, err := g.server.reads(path)
			if err != nil {
				return err
			}
			p50 = append(p50, l.percentile(50))
		}
		g.row(count(n), perSecond(rate), fmt.Sprintf("%.0f ns", each), ms(p50[0]), ms(p50[1]), ms(p50[2]), fmt.Sprintf("%d MiB", g.server.rss()/mib))
		x := float64(n)
		pages, expressions, reads = append(pages, plot.Point{X: x, Y: millis(p50[0])}), append(expressions, plot.Point{X: x, Y: millis(p50[1])}), append(reads, plot.Point{X: x, Y: millis(p50[2])})
	}
	g.panels = append(g.panels, plot.Panel{Title: "Reads by names of a run", X: "names", Y: "p50, ms", Lines: []plot.Line{
		{Name: "names by prefix", At: pages}, {Name: "names by expression", At: expressions}, {Name: "series of one name", At: reads},
	}})
	return nil
}

func (g *growth) points() error {
	most := 100_000_000
	if g.large {
		most *= 10
	}
	g.table("Points", "Points of one series, put into the tables by SQL, read as 1,000 buckets: all of it, and 100,000 steps in its middle.",
		"points", "all, p50", "zoom, p50", "engine's and server's processor time for all", "points a second put in")
	var whole, zoom []plot.Point
	for n := 1_000_000; n <= most; n *= 10 {
		if free := freeBytes(g.data); free < uint64(n)*bytesAPoint {
			g.row(count(n), fmt.Sprintf("no room: %d GiB are free", free>>30), "-", "-", "-")
			break
		}
		run, err := g.server.createRun("0")
		if err != nil {
			return err
		}
		begin := time.Now()
		if err := putSeries(g.engine, []string{run}, n); err != nil {
			return err
		}
		put := float64(n) / time.Since(begin).Seconds()
		if err := g.settle(); err != nil {
			return err
		}
		cpu := g.server.cpu()
		all, err := g.server.reads("/v1/series?key=loss&run_id=" + run)
		if err != nil {
			return err
		}
		took := (g.server.cpu() - cpu) / growthCalls
		part, err := g.server.reads(fmt.Sprintf("/v1/series?key=loss&run_id=%s&from=%d&to=%d", run, n/2, n/2+99_999))
		if err != nil {
			return err
		}
		g.row(count(n), ms(all.percentile(50)), ms(part.percentile(50)), ms(took), perSecond(put))
		whole, zoom = append(whole, plot.Point{X: float64(n), Y: millis(all.percentile(50))}), append(zoom, plot.Point{X: float64(n), Y: millis(part.percentile(50))})
	}
	g.panels = append(g.panels, plot.Panel{Title: "Reads by points of a series", X: "points", Y: "p50, ms", Lines: []plot.Line{
		{Name: "all as 1,000 buckets", At: whole}, {Name: "100,000 steps of it", At: zoom},
	}})
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// reads asks for the same again and again.
func (t *target) reads(path string) (load, error) {
	return repeat(1, 5*time.Minute, growthCalls, func(int, int64) error {
		_, err := t.mustGet(path)
		return err
	})
}

// settle waits until nothing is merged, for a while: what is put in at once is merged for longer than it is read here.
func (g *growth) settle() error {
	for end := time.Now().Add(mergesMax); time.Now().Before(end); time.Sleep(time.Second) {
		if merges, err := g.engine.Scalar(context.Background(), "SELECT count() FROM system.merges"); err != nil || merges == 0 {
			return err
		}
	}
	return nil
}

func freeBytes(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}

// logNames posts points to a run under n names in turn.
func logNames(url, run string, n int) (generate.Sum, error) {
	to := generate.HTTP(url)
	defer to.Close()
	ctx, writer := context.Background(), rand.Uint64()|1
	sum := generate.Sum{}
	now := time.Now().UnixMilli()
	for first := 0; first < growthPoints; first += growthFrame {
		p := &track.Points{}
		keys := make(map[int]uint32)
		for i := first; i < min(first+growthFrame, growthPoints); i++ {
			name, step := i%n, int64(i/n)
			k, ok := keys[name]
			if !ok {
				k = uint32(len(p.Keys))
				keys[name] = k
				p.Keys = append(p.Keys, fmt.Sprintf("layer/%d/%d", name%1000, name))
			}
			p.Key, p.Step, p.TimeMS, p.Value = append(p.Key, k), append(p.Step, step), append(p.TimeMS, now), append(p.Value, float64(i)*generate.Unit)
			sum.Points++
			sum.Steps += step
			sum.Values += int64(i)
		}
		sum.Frames++
		data, err := frame.Encode(&sgpb.Frame{Writer: writer, Number: uint64(sum.Frames), Sections: []*sgpb.Section{{RunId: run, Points: frame.PackPoints(p)}}})
		if err != nil {
			return sum, err
		}
		if err := to.Publish(ctx, run, data); err != nil {
			return sum, err
		}
	}
	return sum, to.Flush(ctx)
}

// growthHeading begins the section of the page that is measured by itself.
const growthHeading = "## As the work grows\n"

// writeGrowth measures and replaces the section of the page.
func (b *bench) writeGrowth() error {
	section, version, chart, err := b.measureGrowth()
	if err != nil {
		return err
	}
	text := growthHeading + "\nWritten by `make growth`. " + machine.Said() + " ClickHouse " + strings.Replace(version, ",", ".", 1) + ".\n\n![what more writers, names and points cost](" + growthChart + ")\n" + section
	fmt.Print(text)
	if b.out == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(b.out), growthChart), chart, 0o644); err != nil {
		return err
	}
	head, before := published(b.out)
	return os.WriteFile(b.out, []byte(head+text+webSection(before)), 0o644)
}
