package span_test

import (
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact/span"
)

func TestRangesAreReadAsBrowsersMeanThem(t *testing.T) {
	for header, want := range map[string]span.Span{
		"bytes=0-4": {0, 5}, "bytes=5-": {5, 5}, "bytes=9-9": {9, 1}, "bytes=2-100": {2, 8}, "bytes=-3": {7, 3}, "bytes=-30": {0, 10},
		"bytes=0-1,3-4": span.Whole, "bytes=4-2": span.Whole, "bytes=-": span.Whole, "bytes=a-b": span.Whole, "items=0-4": span.Whole, "bytes": span.Whole,
		"bytes=99999999999999999999-": span.Whole, "bytes=0-99999999999999999999": span.Whole,
	} {
		if got, ok := span.Parse(header, 10); !ok || got != want {
			t.Errorf("%s is %v %t, want %v", header, got, ok, want)
		}
	}
	for _, header := range []string{"bytes=10-", "bytes=10-12", "bytes=-0"} {
		if got, ok := span.Parse(header, 10); ok {
			t.Errorf("%s is %v, but holds nothing", header, got)
		}
	}
	if _, ok := span.Parse("bytes=0-", 0); ok {
		t.Error("an empty file has no bytes to give")
	}
}
