// Command bench measures what the documentation publishes: every figure of Streamgauge beside MLflow's own server,
// measured in the same run on the same machine, with the load generator on it too. It writes the table to
// docs/BENCHMARKS.md. Loads go to loopback only and are bounded in count and time.
//
//	go run ./bench --mlflow .build/venv/bin/mlflow --out docs/BENCHMARKS.md
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/cmd/bench/machine"
)

// figure is one line of the table.
type figure struct {
	work, want, ours, reference string
}

type options struct {
	bin, mlflow, python, out string
	// library is the folder of the Python library, peers a Python that has other trackers.
	library, peers string
	trickle        time.Duration
	artifactMiB    int
	only           string
	large, growth  bool
	// bare is the port of the bare server that this program then is, and nothing else.
	bare string
	// generate is the generator that this program then is, as JSON.
	generate string
	frames   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/streamgauge", "the binary to measure")
	flag.StringVar(&o.mlflow, "mlflow", "", "the mlflow command to compare with; empty: no reference")
	flag.StringVar(&o.python, "python", "", "a Python with mlflow, for the client's own call; empty: not measured")
	flag.StringVar(&o.library, "library", "../clients/python", "the folder of the Python library, for its own call")
	flag.StringVar(&o.peers, "peers", "", "a Python with other trackers, to compare the library's call with")
	flag.StringVar(&o.out, "out", "", "file to write the table to; empty: standard output only")
	flag.DurationVar(&o.trickle, "trickle", time.Minute, "how long 50 runs log a point a second")
	flag.IntVar(&o.artifactMiB, "artifact-mib", 1024, "size of the artifact that is moved up and down")
	flag.StringVar(&o.only, "only", "", "measure only lines whose name contains this")
	flag.BoolVar(&o.large, "large", false, "measure also what takes minutes to fill")
	flag.BoolVar(&o.growth, "growth", false, "measure what more writers, names and points cost, instead")
	flag.StringVar(&o.bare, "bare", "", "be the bare server of the trickle on this port, with its log in --out")
	flag.StringVar(&o.generate, "generate", "", "be this generator of frames, given as JSON")
	flag.DurationVar(&o.frames, "frames", 20*time.Second, "how long frames are sent over each bus")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if o.bare != "" {
		return serveBare(o.bare, o.out)
	}
	if o.generate != "" {
		var g generator
		if err := json.Unmarshal([]byte(o.generate), &g); err != nil {
			return err
		}
		return g.run()
	}
	b := &bench{options: o}
	defer b.close()
	if o.growth {
		return b.writeGrowth()
	}
	begin := time.Now()
	for _, m := range measures {
		if !strings.Contains(m.name, o.only) || m.large && !o.large {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s ...\n", m.name)
		began := time.Now()
		if err := m.run(b); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(os.Stderr, "  took %.1f s\n", time.Since(began).Seconds())
	}
	if len(b.figures) == 0 {
		return fmt.Errorf("nothing measured: is --only %q part of a measure's name, and does that measure need --large or --python?", o.only)
	}
	fmt.Fprintf(os.Stderr, "all took %.1f s\n", time.Since(begin).Seconds())
	table := b.table()
	fmt.Print(table)
	if o.out == "" {
		return nil
	}
	_, growth := published(o.out)
	return os.WriteFile(o.out, []byte(strings.TrimRight(table+"\n"+growth, "\n")+"\n"), 0o644)
}

func (b *bench) table() string {
	var s strings.Builder
	s.WriteString("# Benchmarks\n\nWritten by `make bench`: every figure beside MLflow 3.17.2 (sqlite, one worker), measured in the same run.\n")
	s.WriteString(machine.Said() + " Rates vary between runs; compare the columns.\n\n")
	s.WriteString("| work | wanted | Streamgauge | MLflow, or what is named |\n|---|---|---|---|\n")
	for _, f := range b.figures {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", f.work, f.want, f.ours, f.reference)
	}
	return s.String()
}

// published reads what was published: what stands before the section about growth, and that section.
func published(name string) (head, section string) {
	b, _ := os.ReadFile(name) // the first time there is none
	head, section, found := strings.Cut(string(b), growthHeading)
	if found {
		section = growthHeading + section
	}
	if head != "" {
		head = strings.TrimRight(head, "\n") + "\n\n"
	}
	return head, section
}

// webSection is what `make bench-web` has published behind the section about growth; "" if it has not.
func webSection(growth string) string {
	if i := strings.Index(growth, "<!-- make bench-web begins -->"); i >= 0 {
		return "\n" + growth[i:]
	}
	return ""
}
