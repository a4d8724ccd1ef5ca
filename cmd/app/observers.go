package app

import "github.com/streamgauge/streamgauge/schemas/feed"

// observers tells several what the logs bring, in order.
type observers []feed.Observer

var _ feed.Observer = observers(nil)

func (all observers) ObserveSections(sections []*feed.Section) {
	for _, o := range all {
		o.ObserveSections(sections)
	}
}

func (all observers) ObserveDocuments(docs []feed.Document) {
	for _, o := range all {
		o.ObserveDocuments(docs)
	}
}

func (all observers) DocumentsApplied(revision uint64) {
	for _, o := range all {
		o.DocumentsApplied(revision)
	}
}
