// Command fill puts into a server what the web page is measured with, and prints where it is as JSON. Runs are placed
// as an import does it, and names sent as frames, as jobs do; points by the million are put into the tables by SQL, for sending those is another measure.
//
//	fill --url http://127.0.0.1:5000 --data DIR runs 100000
//	fill --url http://127.0.0.1:5000 --data DIR names 1000000
//	fill --url http://127.0.0.1:5000 --data DIR series RUNS KEYS POINTS
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

// waitMax bounds the wait until what was sent is read back, and mergesMax that until nothing is merged.
const (
	waitMax   = 3 * time.Minute
	mergesMax = 30 * time.Second
)

// filled is where it is.
type filled struct {
	Experiment string   `json:"experiment"`
	Runs       []string `json:"runs"`
	// Count is how many runs there are where they are too many to name.
	Count int64 `json:"count,omitempty"`
	// Keys are the metrics of each run of series.
	Keys    []string `json:"keys,omitempty"`
	Seconds float64  `json:"seconds"`
}

func main() {
	var to server
	flag.StringVar(&to.url, "url", "http://127.0.0.1:5000", "the server")
	flag.StringVar(&to.data, "data", "", "its data folder")
	flag.Parse()
	began := time.Now()
	f, err := fill(to, flag.Args())
	if err == nil {
		f.Seconds = time.Since(began).Seconds()
		err = json.NewEncoder(os.Stdout).Encode(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

func fill(to server, args []string) (filled, error) {
	if len(args) == 0 {
		return filled{}, errors.New("what? runs N, names N, or series RUNS KEYS POINTS")
	}
	var n []int
	for _, text := range args[1:] {
		number, err := strconv.Atoi(text)
		if err != nil || number <= 0 {
			return filled{}, fmt.Errorf("%s: %q is no number above 0", args[0], text)
		}
		n = append(n, number)
	}
	ctx := context.Background()
	switch {
	case args[0] == "runs" && len(n) == 1:
		return to.runs(ctx, n[0])
	case args[0] == "names" && len(n) == 1:
		return to.names(ctx, n[0])
	case args[0] == "series" && len(n) == 3:
		return to.series(ctx, n[0], n[1], n[2])
	}
	return filled{}, fmt.Errorf("%q: want runs N, names N, or series RUNS KEYS POINTS", args)
}
