// Package review decides on requests for approval: how many a stage needs, who asks, who gives them. It is pure, like
// package catalog, which refuses the transition without them.
package review

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/approval"
	"github.com/streamgauge/streamgauge/registry/catalog"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/naming"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// ApprovalsMax is the most approvals that a stage may need.
	ApprovalsMax = 20
	// verdictsMax bounds the people of one request.
	verdictsMax = 100
	commentMax  = 5000
)

// person is who asks or judges. Proven says that a token told the name; otherwise it is what the client says of
// itself, and may be empty, which is one person too.
type person struct {
	name   string
	proven bool
}

func who(d *decide.Decider, claimed string) person {
	if by := d.Given().By; by != "" {
		return person{by, true}
	}
	return person{claimed, false}
}

// remark is what history keeps of a comment. It knows by itself only who had a token.
func (p person) remark(comment string) string {
	if !p.proven && p.name != "" {
		comment = strings.TrimSuffix(p.name+": "+comment, ": ")
	}
	return decide.Truncate(comment, commentMax)
}

// Require sets how many approvals a stage of a model needs; 0 is none.
type Require struct {
	Model, Stage string
	Count        int64
}

// Request asks for approvals. By is who the client says it is, here and below; a token knows better.
type Request struct {
	Model, Version, Stage, Comment, By string
}

// Judge approves or rejects.
type Judge struct {
	ID       string
	Approved bool
	Comment  string
	By       string
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// Decide sets the number in the model.
func (c Require) Decide(d *decide.Decider) error {
	stage, err := naming.ParseStage(c.Stage)
	if err != nil {
		return err
	}
	if c.Count < 0 || c.Count > ApprovalsMax {
		return invalid("Invalid value %d for parameter 'count' supplied: it must be between 0, for no approvals, and %d", c.Count, ApprovalsMax)
	}
	m, err := catalog.Model(d, c.Model)
	if err != nil {
		return err
	}
	name, was := mlflow.StageName(stage), approval.Required(m, stage)
	if was == int(c.Count) {
		return nil
	}
	change := &decide.Change{What: "approvals required " + name, From: strconv.Itoa(was), To: strconv.FormatInt(c.Count, 10)}
	now := d.Given().NowMS
	d.Change(document.RegisteredModelKey(m.GetId()), change, func(doc *sgpb.Document) {
		x := doc.GetRegisteredModel()
		if x.ApprovalsRequired == nil {
			x.ApprovalsRequired = make(map[string]uint32, 1)
		}
		x.ApprovalsRequired[name], x.UpdatedMs = uint32(c.Count), now
		if c.Count == 0 {
			delete(x.ApprovalsRequired, name)
		}
	})
	return nil
}

// Decide opens the request. One that is open and not rejected is not opened twice; what came of those before is in
// the document's history.
func (c Request) Decide(d *decide.Decider) error {
	stage, err := naming.ParseStage(c.Stage)
	if err != nil {
		return err
	}
	if err := mlflow.CheckLength("comment", c.Comment, commentMax); err != nil {
		return err
	}
	m, v, err := catalog.Version(d, c.Model, c.Version)
	if err != nil {
		return err
	}
	name := mlflow.StageName(stage)
	switch {
	case approval.Required(m, stage) == 0:
		return invalid("Stage '%s' of registered model '%s' needs no approvals; transition the version, or set a number with PUT /v1/registered-models/:name/approvals-required", name, c.Model)
	case v.GetStage() == stage:
		return invalid("Version %d of registered model '%s' is in stage '%s' already", v.GetVersion(), c.Model, name)
	}
	key := document.ApprovalKey(m.GetId(), v.GetVersion(), stage)
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	d.Answer(key)
	old := doc.GetApproval()
	if s := approval.StandingOf(m, stage, old).Status; old != nil && (s == approval.Pending || s == approval.Approved) {
		return track.Errorf(track.ResourceAlreadyExists, "Approval of version %d of registered model '%s' for stage '%s' is asked for already, by request %s", v.GetVersion(), c.Model, name, old.GetId())
	}
	by := who(d, c.By)
	next := &sgpb.Approval{
		Id: approval.ID(m.GetId(), v.GetVersion(), stage), Model: m.GetName(), Version: v.GetVersion(), Stage: stage,
		RequestedBy: by.name, RequestedMs: d.Given().NowMS, RegisteredModelId: m.GetId(), Comment: c.Comment,
		Changes: old.GetChanges(),
	}
	d.Change(key, &decide.Change{What: "requested", To: by.remark(c.Comment)}, func(doc *sgpb.Document) {
		doc.Body = &sgpb.Document_Approval{Approval: proto.Clone(next).(*sgpb.Approval)}
	})
	return nil
}

// NoRequest is the answer to an unknown id.
func NoRequest(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Approval request %s not found; GET /v1/approvals lists them", decide.PythonText(id))
}

// Decide notes the verdict in place of the person's earlier one.
func (c Judge) Decide(d *decide.Decider) error {
	if err := mlflow.CheckLength("comment", c.Comment, commentMax); err != nil {
		return err
	}
	if !isID(c.ID) {
		return NoRequest(c.ID)
	}
	key := document.ApprovalPrefix + c.ID
	doc, err := d.Load(key)
	if err != nil {
		return err
	}
	a := doc.GetApproval()
	if a == nil {
		return NoRequest(c.ID)
	}
	d.Answer(key)
	by := who(d, c.By)
	switch {
	case a.GetClosed():
		return invalid("Approval request %s is closed: version %d went to stage '%s'", c.ID, a.GetVersion(), mlflow.StageName(a.GetStage()))
	case c.Approved && by.proven && by.name == a.GetRequestedBy():
		return track.Errorf(track.PermissionDenied, "'%s' asked for this approval and cannot give it; somebody else must", by.name)
	}
	verdicts := slices.DeleteFunc(slices.Clone(a.GetVerdicts()), func(v *sgpb.Verdict) bool { return v.GetBy() == by.name })
	if len(verdicts) >= verdictsMax {
		return invalid("Approval request %s has the verdicts of %d people, which is as many as are kept", c.ID, verdictsMax)
	}
	verdicts = append(verdicts, &sgpb.Verdict{By: by.name, TimeMs: d.Given().NowMS, Approved: c.Approved, Comment: c.Comment})
	what := "rejected"
	if c.Approved {
		what = "approved"
	}
	d.Change(key, &decide.Change{What: what, To: by.remark(c.Comment)}, func(doc *sgpb.Document) {
		doc.GetApproval().Verdicts = verdicts
	})
	return nil
}

// isID says whether a text from the path can be the tail of a key: 32 hex digits and two numbers.
func isID(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return false
	}
	if _, ok := track.ParseRunID(parts[0]); !ok {
		return false
	}
	for _, p := range parts[1:] {
		if n, err := strconv.ParseUint(p, 10, 64); err != nil || n == 0 {
			return false
		}
	}
	return true
}
