// Package document says where documents live and how one is split over messages.
//
// A document has one key; its encoded sgpb.Document is the value of that key's newest message. Above
// ChunkBytesMax the body travels in child messages chunk.<key>.<i> of the same atomic batch and the head
// says how many. Names inside keys are SHA-256 hex, so that every name is a legal subject.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// ChunkBytesMax is the largest body that stays in one message; MessagesMax is the most messages that one
// atomic batch takes (JetStream, ADR-50).
const (
	ChunkBytesMax = 256 << 10
	MessagesMax   = 1000
	// BlobBytesMin is the size above which texts of datasets become blobs.
	BlobBytesMin = 64 << 10
)

// Key prefixes, one per kind of document.
const (
	ExperimentPrefix = "exp."
	RunPrefix        = "run."
	ModelPrefix      = "model."
	HistoryPrefix    = "hist."
	TokenPrefix      = "token."
	chunkPrefix      = "chunk."

	RegisteredNamePrefix  = "regname."
	RegisteredModelPrefix = "regmodel."
	ModelVersionPrefix    = "version."

	ApprovalPrefix = "approval."
	EndpointPrefix = "endpoint."
	WebhookPrefix  = "webhook."

	EvaluationDatasetPrefix = "evaldata."
	EvaluationRecordsPrefix = "evalrecords."
	ScorersPrefix           = "scorers."
	BlobPrefix              = "blob."

	JobRunPrefix      = "jobrun."
	LineageEdgePrefix = "lineage.edge."
	LineageNodePrefix = "lineage.node."

	AlertEventPrefix    = "alert.event."
	AlertImportedPrefix = "alert.imported."
)

// Webhooks is the key of all webhooks.
const Webhooks = WebhookPrefix + "all"

// AlertRules is the key of all rules of alerts.
const AlertRules = "alert.rules"

// AlertEventKey is the key of a place for an event of an alert.
func AlertEventKey(place uint64) string { return AlertEventPrefix + strconv.FormatUint(place, 10) }

// AlertImportedKey is the key of an event of an alert that came from another server, by the event's id.
func AlertImportedKey(id string) string { return AlertImportedPrefix + id }

// ExperimentCounter is the key of the counter of experiment ids.
const ExperimentCounter = "counter.experiment"

// ExperimentKey is the key of an experiment's document.
func ExperimentKey(id string) string { return ExperimentPrefix + id }

// ExperimentNameKey claims an experiment's name.
func ExperimentNameKey(name string) string { return "expname." + hash(name) }

// RunKey is the key of a run's document. It holds the run's number alone, the first 16 of the id's hex digits:
// creating the document claims the number, in one message. Who reads it compares the whole id.
func RunKey(id string) string { return RunPrefix + id[:16] }

// LoggedModelKey is the key of a logged model's document.
func LoggedModelKey(id string) string { return ModelPrefix + id }

// RegisteredNameKey claims a registered model's name.
func RegisteredNameKey(name string) string { return RegisteredNamePrefix + hash(name) }

// RegisteredModelKey is the key of a registered model's document, by the id that was drawn for it.
func RegisteredModelKey(id string) string { return RegisteredModelPrefix + id }

// ModelVersionKey is the key of a version's document; id is the registered model's.
func ModelVersionKey(id string, version uint64) string {
	return ModelVersionPrefix + id + "." + strconv.FormatUint(version, 10)
}

// TokenKey is the key of an access token's document.
func TokenKey(id string) string { return TokenPrefix + id }

// ApprovalKey is the key of the newest request to put a version into a stage: there is one at a time. What is
// behind the prefix is the request's id.
func ApprovalKey(modelID string, version uint64, stage sgpb.Stage) string {
	return fmt.Sprintf("%s%s.%d.%d", ApprovalPrefix, modelID, version, stage)
}

// EndpointKey is the key of the record that a version serves somewhere.
func EndpointKey(id string) string { return EndpointPrefix + id }

// WebhookLogKey is the key of a webhook's deliveries.
func WebhookLogKey(id string) string { return WebhookPrefix + "log." + id }

// EvaluationDatasetKey is the key of a dataset for evaluations; its id is "d-" and 32 hex digits.
func EvaluationDatasetKey(id string) string { return EvaluationDatasetPrefix + id }

// EvaluationRecordsKey is the key of the records of a dataset for evaluations.
func EvaluationRecordsKey(id string) string { return EvaluationRecordsPrefix + id }

// ScorersKey is the key of the scorers of an experiment.
func ScorersKey(experimentID string) string { return ScorersPrefix + experimentID }

// JobRunKey is the key of a run of a job outside; its id is OpenLineage's, whatever that is.
func JobRunKey(id string) string { return JobRunPrefix + hash(id) }

// LineageEdgeKey is the key of an edge that somebody recorded. Nodes and kinds have no control characters.
func LineageEdgeKey(from, to, kind string) string {
	return LineageEdgePrefix + hash(from+"\n"+to+"\n"+kind)
}

// LineageNodeKey is the key of what somebody recorded of a node.
func LineageNodeKey(node string) string { return LineageNodePrefix + hash(node) }

// LeaseKey is the key of a lane's lease.
func LeaseKey(lane uint16) string { return fmt.Sprintf("lease.lane.%d", lane) }

// HistoryKey is the key of change n of the document under key.
func HistoryKey(key string, n uint64) string { return fmt.Sprintf("%s%s.%d", HistoryPrefix, key, n) }

// BlobKey is the key of a content-addressed text; sum is its lower-case hex SHA-256.
func BlobKey(sum string) string { return BlobPrefix + sum }

// ChunkKey is the key of part i of a large document.
func ChunkKey(key string, i int) string { return fmt.Sprintf("%s%s.%d", chunkPrefix, key, i) }

// IsChunk says whether a key holds a part of a document and no document.
func IsChunk(key string) bool { return strings.HasPrefix(key, chunkPrefix) }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
