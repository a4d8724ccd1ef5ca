package v1

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/registry/approval"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/registry/rest"
	"github.com/streamgauge/streamgauge/registry/review"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Approval is a request as the API shows it.
type Approval struct {
	ID        string          `json:"id"`
	Model     string          `json:"model"`
	Version   uint64          `json:"version,string"`
	Stage     string          `json:"stage"`
	Status    approval.Status `json:"status"`
	Required  int             `json:"required"`
	Approvals int             `json:"approvals"`
	By        string          `json:"requested_by"`
	TimeMS    int64           `json:"requested_ms"`
	Comment   string          `json:"comment"`
	Verdicts  []Verdict       `json:"verdicts"`
}

// Verdict is one person's.
type Verdict struct {
	By       string `json:"by"`
	TimeMS   int64  `json:"time_ms"`
	Approved bool   `json:"approved"`
	Comment  string `json:"comment"`
}

func showApproval(m *sgpb.RegisteredModel, a *sgpb.Approval) Approval {
	s := approval.StandingOf(m, a.GetStage(), a)
	out := Approval{
		ID: a.GetId(), Model: cmp.Or(m.GetName(), a.GetModel()), Version: a.GetVersion(), Stage: mlflow.StageName(a.GetStage()),
		Status: s.Status, Required: s.Required, Approvals: s.Approvals,
		By: a.GetRequestedBy(), TimeMS: a.GetRequestedMs(), Comment: a.GetComment(), Verdicts: make([]Verdict, 0, len(a.GetVerdicts())),
	}
	for _, v := range a.GetVerdicts() {
		out.Verdicts = append(out.Verdicts, Verdict{By: v.GetBy(), TimeMS: v.GetTimeMs(), Approved: v.GetApproved(), Comment: v.GetComment()})
	}
	return out
}

func (h *handlers) model(ctx context.Context, id string) (*sgpb.RegisteredModel, error) {
	e, err := h.documents.Load(ctx, document.RegisteredModelKey(id))
	return e.Doc.GetRegisteredModel(), err
}

func (h *handlers) require(c *fiber.Ctx) error {
	name, f, err := rest.ParamAndFields(c, "name")
	if err != nil {
		return err
	}
	cmd := review.Require{Model: name}
	if err := texts(f, map[string]*string{"*stage": &cmd.Stage}); err != nil {
		return err
	}
	if !f.Has("count") {
		return mlflow.MissingParameter("count")
	}
	if cmd.Count, err = f.Int64("count", 0); err != nil {
		return err
	}
	doc, err := h.documents.Do(c.UserContext(), decide.By(cmd))
	if err != nil {
		return err
	}
	required := doc.GetRegisteredModel().GetApprovalsRequired()
	if required == nil {
		required = map[string]uint32{}
	}
	return reply(c, "approvals_required", required)
}

func (h *handlers) request(c *fiber.Ctx) error {
	f, err := rest.Fields(c)
	if err != nil {
		return err
	}
	var cmd review.Request
	if err := texts(f, map[string]*string{"*model": &cmd.Model, "*version": &cmd.Version, "*stage": &cmd.Stage, "comment": &cmd.Comment}); err != nil {
		return err
	}
	if cmd.By, err = claimed(f); err != nil {
		return err
	}
	return h.replyApproval(c, cmd)
}

func (h *handlers) judge(approved bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		id, f, err := rest.ParamAndFields(c, "id")
		if err != nil {
			return err
		}
		cmd := review.Judge{ID: id, Approved: approved}
		if cmd.Comment, err = f.String("comment"); err != nil {
			return err
		}
		if cmd.By, err = claimed(f); err != nil {
			return err
		}
		return h.replyApproval(c, cmd)
	}
}

func (h *handlers) replyApproval(c *fiber.Ctx, r decide.Rule) error {
	doc, err := h.documents.Do(c.UserContext(), decide.By(r))
	if err != nil {
		return err
	}
	m, err := h.model(c.UserContext(), doc.GetApproval().GetRegisteredModelId())
	if err != nil {
		return err
	}
	return reply(c, "approval", showApproval(m, doc.GetApproval()))
}

// listApprovals lists the newest first; ?model= of one model, ?status=PENDING of one status.
func (h *handlers) listApprovals(c *fiber.Ctx) error {
	model, f, err := filters(c)
	if err != nil {
		return err
	}
	status, err := f.String("status")
	if err != nil {
		return err
	}
	known := []approval.Status{"", approval.Pending, approval.Approved, approval.Rejected, approval.Closed}
	wanted := approval.Status(strings.ToUpper(status))
	if !slices.Contains(known, wanted) {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %s for parameter 'status' supplied: it is one of PENDING, APPROVED, REJECTED, CLOSED", decide.PythonText(status))
	}
	docs, err := h.load(c.UserContext(), document.ApprovalPrefix)
	if err != nil {
		return err
	}
	out := []Approval{}
	for _, doc := range docs {
		m, err := h.model(c.UserContext(), doc.GetApproval().GetRegisteredModelId())
		if err != nil {
			return err
		}
		shown := showApproval(m, doc.GetApproval())
		if (model == "" || shown.Model == model) && (wanted == "" || shown.Status == wanted) {
			out = append(out, shown)
		}
	}
	slices.SortFunc(out, func(a, b Approval) int {
		return cmp.Or(cmp.Compare(b.TimeMS, a.TimeMS), cmp.Compare(a.ID, b.ID))
	})
	return reply(c, "approvals", out[:min(len(out), listMax)])
}
