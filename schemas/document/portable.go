package document

import (
	"fmt"
	"regexp"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// Portable is a document without what means something on one server alone: lanes and positions of its bus, and counts
// that runs are compared with. A run's experiment is needed for its lifecycle stage; it is nil for other documents. The
// result is a copy.
func Portable(doc *sgpb.Document, experiment *sgpb.Experiment) *sgpb.Document {
	out := proto.CloneOf(doc)
	switch b := out.GetBody().(type) {
	case *sgpb.Document_Experiment:
		b.Experiment.LifecycleEpoch = 0
	case *sgpb.Document_Run:
		b.Run = proto.CloneOf(Effective(b.Run, experiment))
		b.Run.LifecycleEpoch, b.Run.Lanes, b.Run.CarriedOut = 0, nil, nil
		for _, w := range b.Run.GetWarnings() {
			w.At = nil
		}
	case *sgpb.Document_AlertRules:
		b.AlertRules = portableRules(b.AlertRules)
	case *sgpb.Document_AlertEvent:
		for _, d := range b.AlertEvent.GetDeliveries() {
			portableDelivery(d)
		}
	}
	return out
}

// portableRules are those that can be read, without secrets.
func portableRules(all *sgpb.AlertRules) *sgpb.AlertRules {
	out := new(sgpb.AlertRules)
	for _, r := range all.GetRules() {
		text, err := alert.Portable(r.GetRule(), func(i int) bool { return i < len(r.GetSecrets()) && len(r.GetSecrets()[i]) > 0 })
		if err != nil {
			continue // it is not judged by either
		}
		out.Rules = append(out.Rules, &sgpb.AlertRule{Id: r.GetId(), Rule: text, CreatedMs: r.GetCreatedMs(), UpdatedMs: r.GetUpdatedMs(), CreatedBy: r.GetCreatedBy()})
	}
	return out
}

// portableDelivery leaves out what a receiver said, and where it is. Nobody is told of an event by another server: what waits is
// given up.
func portableDelivery(d *sgpb.AlertDelivery) {
	if !d.GetDelivered() && !d.GetGivenUp() {
		d.GivenUp, d.Error = true, alert.NotTold
	}
	d.Error = alert.Brief(d.GetError(), d.GetStatus())
}

// PortableChange is a change without what webhooks of one server are told of it. The result is a copy.
func PortableChange(c *sgpb.Change) *sgpb.Change {
	out := proto.CloneOf(c)
	out.Notice = nil
	return out
}

// ChangesOf counts the entries of a document's history.
func ChangesOf(doc *sgpb.Document) uint64 {
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return b.Experiment.GetChanges()
	case *sgpb.Document_Run:
		return b.Run.GetChanges()
	case *sgpb.Document_LoggedModel:
		return b.LoggedModel.GetChanges()
	case *sgpb.Document_RegisteredModel:
		return b.RegisteredModel.GetChanges()
	case *sgpb.Document_ModelVersion:
		return b.ModelVersion.GetChanges()
	case *sgpb.Document_Approval:
		return b.Approval.GetChanges()
	case *sgpb.Document_Endpoint:
		return b.Endpoint.GetChanges()
	}
	return 0
}

// hexLength is that of ids of runs and registered models, in digits.
const hexLength = 32

// KeyOf is the key under which a document that says so by itself belongs. Records of evaluation datasets, scorers and
// blobs do not, and have no key here.
func KeyOf(doc *sgpb.Document) (string, error) {
	switch b := doc.GetBody().(type) {
	case *sgpb.Document_Experiment:
		return ExperimentKey(b.Experiment.GetId()), isNumber("experiment.id", b.Experiment.GetId())
	case *sgpb.Document_Run:
		if err := isHex("run.id", b.Run.GetId()); err != nil {
			return "", err
		}
		return RunKey(b.Run.GetId()), nil
	case *sgpb.Document_LoggedModel:
		return LoggedModelKey(b.LoggedModel.GetId()), begins("loggedModel.id", b.LoggedModel.GetId(), "m-")
	case *sgpb.Document_RegisteredModel:
		return RegisteredModelKey(b.RegisteredModel.GetId()), isHex("registeredModel.id", b.RegisteredModel.GetId())
	case *sgpb.Document_ModelVersion:
		v := b.ModelVersion
		return ModelVersionKey(v.GetRegisteredModelId(), v.GetVersion()), isHex("modelVersion.registeredModelId", v.GetRegisteredModelId())
	case *sgpb.Document_Approval:
		a := b.Approval
		return ApprovalKey(a.GetRegisteredModelId(), a.GetVersion(), a.GetStage()), isHex("approval.registeredModelId", a.GetRegisteredModelId())
	case *sgpb.Document_Endpoint:
		return EndpointKey(b.Endpoint.GetId()), isHex("endpoint.id", b.Endpoint.GetId())
	case *sgpb.Document_EvaluationDataset:
		return EvaluationDatasetKey(b.EvaluationDataset.GetId()), begins("evaluationDataset.id", b.EvaluationDataset.GetId(), "d-")
	case *sgpb.Document_JobRun:
		return JobRunKey(b.JobRun.GetId()), nil
	case *sgpb.Document_LineageEdge:
		e := b.LineageEdge
		return LineageEdgeKey(e.GetFrom(), e.GetTo(), e.GetKind()), nil
	case *sgpb.Document_LineageNode:
		return LineageNodeKey(b.LineageNode.GetNode()), nil
	case *sgpb.Document_AlertRules:
		for _, r := range b.AlertRules.GetRules() {
			if err := isHex("alertRules.rules.id", r.GetId()); err != nil {
				return "", err
			}
		}
		return AlertRules, nil
	case *sgpb.Document_AlertEvent:
		return AlertImportedKey(b.AlertEvent.GetId()), isEventID("alertEvent.id", b.AlertEvent.GetId())
	}
	return "", fmt.Errorf("a %T does not say its key", doc.GetBody())
}

func isNumber(field, id string) error {
	if n, err := strconv.ParseUint(id, 10, 31); err != nil || strconv.FormatUint(n, 10) != id {
		return fmt.Errorf("%s is %q; it must be a number from 0 on", field, id)
	}
	return nil
}

func isHex(field, id string) error {
	if len(id) != hexLength {
		return fmt.Errorf("%s is %q; it must be %d lower-case hex digits", field, id, hexLength)
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%s is %q; it must be %d lower-case hex digits", field, id, hexLength)
		}
	}
	return nil
}

var eventID = regexp.MustCompile(`^[0-9a-f]{64}-(fired|resolved)$`)

func isEventID(field, id string) error {
	if !eventID.MatchString(id) {
		return fmt.Errorf("%s is %.100q; it must be 64 lower-case hex digits and -fired or -resolved", field, id)
	}
	return nil
}

func begins(field, id, prefix string) error {
	if len(id) <= len(prefix) || id[:len(prefix)] != prefix {
		return fmt.Errorf("%s is %q; it must be %q and %d lower-case hex digits", field, id, prefix, hexLength)
	}
	return isHex(field, id[len(prefix):])
}
