// Package approval says how a request to put a version of a model into a stage stands. It is pure, and so small because
// both who decides on stages (package catalog) and who decides on requests (package review) ask it.
//
// A model says how many approvals a stage needs; none is the default. There is one request at a time for a version and a
// stage, under a key made of both, so whoever moves a version reads one document. A person's last verdict is the one
// that counts. While somebody rejects, no number of approvals is enough.
package approval

import (
	"fmt"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Status is how a request stands.
type Status string

// The statuses of a request.
const (
	Pending  Status = "PENDING"
	Approved Status = "APPROVED"
	Rejected Status = "REJECTED"
	// Closed: the version was put into the stage.
	Closed Status = "CLOSED"
)

// Standing is what a request has.
type Standing struct {
	Status              Status
	Approvals, Required int
}

// Required is how many approvals a model wants before a version goes to a stage.
func Required(m *sgpb.RegisteredModel, stage sgpb.Stage) int {
	return int(m.GetApprovalsRequired()[mlflow.StageName(stage)])
}

// StandingOf judges a request, nil for none, of a model.
func StandingOf(m *sgpb.RegisteredModel, stage sgpb.Stage, a *sgpb.Approval) Standing {
	s := Standing{Status: Pending, Required: Required(m, stage)}
	rejected := false
	for _, v := range a.GetVerdicts() {
		if v.GetApproved() {
			s.Approvals++
		} else {
			rejected = true
		}
	}
	switch {
	case a.GetClosed():
		s.Status = Closed
	case rejected:
		s.Status = Rejected
	case s.Approvals >= s.Required:
		s.Status = Approved
	}
	return s
}

// ID is what the API calls a request.
func ID(modelID string, version uint64, stage sgpb.Stage) string {
	return document.ApprovalKey(modelID, version, stage)[len(document.ApprovalPrefix):]
}

// Check refuses to put a version into a stage without the approvals that the model wants, and says what to do.
func Check(m *sgpb.RegisteredModel, version uint64, stage sgpb.Stage, a *sgpb.Approval) error {
	s := StandingOf(m, stage, a)
	if s.Required == 0 || s.Status == Approved {
		return nil
	}
	name := mlflow.StageName(stage)
	why := fmt.Sprintf("Version %d of registered model '%s' needs %d approvals before it goes to stage '%s'", version, m.GetName(), s.Required, name)
	id := ID(m.GetId(), version, stage)
	switch {
	case a == nil || s.Status == Closed:
		return denied("%s, and nobody has asked for them; ask with POST /v1/approvals or `streamgauge registry request %s %d %s`", why, m.GetName(), version, name)
	case s.Status == Rejected:
		return denied("%s, and the request %s was rejected; ask anew with POST /v1/approvals once the reason is gone, or have the verdict changed with `streamgauge registry approve %s`", why, id, id)
	}
	return denied("%s, and the request %s has %d; others give them with POST /v1/approvals/%s/approve or `streamgauge registry approve %s`", why, id, s.Approvals, id, id)
}

func denied(format string, args ...any) error {
	return track.Errorf(track.PermissionDenied, format, args...)
}
