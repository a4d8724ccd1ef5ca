// Package serve answers the requests that carry documents from one server to another.
//
//	POST /v1/export: list keys -> read, several side by side -> portable -> a line of JSON each -> a last line that says how many
//	POST /v1/import: documents -> decide, one by one, many at a time -> what became of each
package serve

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/commit"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Documents is the registry.
type Documents interface {
	// Do carries out a command and answers its document.
	Do(ctx context.Context, c decide.Command) (*sgpb.Document, error)
	// Load answers a document from the cache or the journal, Read from the journal alone.
	Load(ctx context.Context, key string) (commit.Entry, error)
	Read(ctx context.Context, key string) (commit.Entry, error)
}

// Lister lists the keys of a prefix.
type Lister interface {
	List(ctx context.Context, prefix string) ([]string, error)
}

// Events are what alerts of this server found.
type Events interface {
	Found(ctx context.Context, id string) (bool, error)
}

// Routes registers the routes.
func Routes(to fiber.Router, d Documents, keys Lister, found Events) {
	h := &handlers{documents: d, keys: keys, found: found}
	to.Post("/v1/export", h.export)
	to.Post("/v1/import", h.place)
}

type handlers struct {
	documents Documents
	keys      Lister
	found     Events
}

// kind is a kind of documents that are carried.
type kind struct {
	prefix string
	// also is where those lie that came from other servers, if not under prefix.
	also string
	// confined: callers who are confined to experiments may read those of theirs.
	confined bool
	// ids: those that are wanted may be named.
	ids func(id string) (key string, ok bool)
	// whole: prefix is the key of one document that has all. managed: who may not manage the server may not read them.
	whole, managed bool
}

// kinds are all that are carried. What is not here stays on its server: tokens, webhooks with their secrets and deliveries,
// and leases.
var kinds = map[string]kind{
	"experiment":         {prefix: document.ExperimentPrefix, confined: true},
	"run":                {prefix: document.RunPrefix, confined: true, ids: runKey},
	"logged_model":       {prefix: document.ModelPrefix, confined: true},
	"registered_model":   {prefix: document.RegisteredModelPrefix},
	"model_version":      {prefix: document.ModelVersionPrefix},
	"approval":           {prefix: document.ApprovalPrefix},
	"endpoint":           {prefix: document.EndpointPrefix},
	"evaluation_dataset": {prefix: document.EvaluationDatasetPrefix},
	"evaluation_records": {prefix: document.EvaluationRecordsPrefix},
	"scorers":            {prefix: document.ScorersPrefix},
	"job_run":            {prefix: document.JobRunPrefix},
	"lineage_edge":       {prefix: document.LineageEdgePrefix},
	"lineage_node":       {prefix: document.LineageNodePrefix},
	"alert_rules":        {prefix: document.AlertRules, whole: true, managed: true},
	"alert_event":        {prefix: document.AlertEventPrefix, also: document.AlertImportedPrefix},
	"blob":               {prefix: document.BlobPrefix, confined: true, ids: blobKey},
}

func runKey(id string) (string, bool) {
	key, err := document.KeyOf(&sgpb.Document{Body: &sgpb.Document_Run{Run: &sgpb.Run{Id: id}}})
	return key, err == nil
}

const sumLength = 64

func blobKey(id string) (string, bool) { return document.BlobKey(id), len(id) == sumLength }
