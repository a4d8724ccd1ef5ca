// Package endpoint decides on the records that a version of a model serves somewhere. They are for lineage: nobody asks
// the address anything, and a record is ended, never deleted. It is pure.
package endpoint

import (
	"net/url"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	nameMax = 256
	urlMax  = 2048
)

// Create records that a version serves at an address since a time; 0 is now.
type Create struct {
	Name, URL, Model, Version string
	SinceMS                   int64
}

// End records until when it did; 0 is now.
type End struct {
	ID      string
	UntilMS int64
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// Decide makes the record.
func (c Create) Decide(d *decide.Decider) error {
	if err := checkText("name", c.Name, nameMax); err != nil {
		return err
	}
	if err := checkText("url", c.URL, urlMax); err != nil {
		return err
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme == "" || u.Host == "" {
		return invalid("Invalid value %s for parameter 'url' supplied: it must be an address such as https://host/path", decide.PythonText(c.URL))
	}
	now := d.Given().NowMS
	if c.SinceMS == 0 {
		c.SinceMS = now
	}
	if c.SinceMS < 0 {
		return invalid("Invalid value %d for parameter 'since_ms' supplied: it must be in milliseconds since 1970", c.SinceMS)
	}
	m, v, err := catalog.Version(d, c.Model, c.Version)
	if err != nil {
		return err
	}
	id := d.Given().ID
	key := document.EndpointKey(id)
	d.Create(key, decide.Change{What: "created", To: c.URL}, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_Endpoint{Endpoint: &sgpb.Endpoint{
			Id: id, Name: c.Name, Url: c.URL, Model: m.GetName(), Version: v.GetVersion(), SinceMs: c.SinceMS,
			RegisteredModelId: m.GetId(), CreatedBy: d.Given().By, CreatedMs: now,
		}}
	})
	d.Answer(key)
	return nil
}

func checkText(field, s string, runesMax int) error {
	if strings.TrimSpace(s) == "" {
		return mlflow.MissingParameter(field)
	}
	return mlflow.CheckLength(field, s, runesMax)
}

// NoEndpoint is the answer to an unknown id.
func NoEndpoint(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Endpoint %s not found; GET /v1/endpoints lists them", decide.PythonText(id))
}

// Decide sets the end. One that has ended may be given another end, which its history remembers.
func (c End) Decide(d *decide.Decider) error {
	if _, ok := track.ParseRunID(c.ID); !ok { // ids are drawn as those of runs are
		return NoEndpoint(c.ID)
	}
	key := document.EndpointKey(c.ID)
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	e := doc.GetEndpoint()
	if e == nil {
		return NoEndpoint(c.ID)
	}
	d.Answer(key)
	until := c.UntilMS
	if until == 0 {
		until = d.Given().NowMS
	}
	if until < e.GetSinceMs() {
		return invalid("Invalid value %d for parameter 'until_ms' supplied: the endpoint serves since %d", until, e.GetSinceMs())
	}
	if until == e.GetUntilMs() {
		return nil
	}
	change := &decide.Change{What: "until", From: timeText(e.GetUntilMs()), To: timeText(until)}
	d.Change(key, change, func(doc *sgpb.Document) { doc.GetEndpoint().UntilMs = until })
	return nil
}

func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
