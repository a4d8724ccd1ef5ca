package transfer

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// rule adds an alert to those that are there. It judges nothing until somebody has given back what the export left out, and enabled it.
func (p Place) rule(d *decide.Decider, key string) error {
	given := document.Portable(p.Doc, nil).GetAlertRules().GetRules()
	if len(given) != 1 {
		return invalid("Invalid document: 'alertRules.rules' has %d that can be read; give one at a time", len(given))
	}
	next, err := disabled(given[0])
	if err != nil {
		return err
	}
	before, err := d.Load(key)
	if err != nil {
		return err
	}
	d.Answer(key)
	all := before.GetAlertRules()
	if there := alerts.Find(all.GetRules(), next.GetId()); there != nil {
		*p.Outcome = Matched
		one := &sgpb.Document{Body: &sgpb.Document_AlertRules{AlertRules: &sgpb.AlertRules{Rules: []*sgpb.AlertRule{there}}}}
		for _, r := range document.Portable(one, nil).GetAlertRules().GetRules() {
			if r, err = disabled(r); err == nil && proto.Equal(r, next) {
				*p.Outcome = Same
			}
		}
		return nil
	}
	if len(all.GetRules()) >= alerts.RulesMax {
		return invalid("There are %d alerts, which is as many as are kept; delete some first", alerts.RulesMax)
	}
	*p.Outcome = Created
	next.Revision = all.GetRevisions() + 1
	place(d, key, &sgpb.Document{Body: &sgpb.Document_AlertRules{AlertRules: &sgpb.AlertRules{
		Rules: append(append([]*sgpb.AlertRule(nil), all.GetRules()...), next), Revisions: next.Revision,
	}}})
	return nil
}

// disabled is a portable rule that judges nothing.
func disabled(stored *sgpb.AlertRule) (*sgpb.AlertRule, error) {
	r, err := alerts.RuleOf(stored)
	if err != nil {
		return nil, invalid("Invalid document: %v", err)
	}
	r.Enabled = false
	if err := r.Check(); err != nil {
		return nil, err
	}
	r.ID, r.Revision, r.CreatedMS, r.UpdatedMS, r.CreatedBy = "", 0, 0, 0, ""
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	next := proto.CloneOf(stored)
	next.Rule = text
	return next, nil
}

// revisionMax bounds what a document may say of its alert: revisions count on from there.
const revisionMax = 1 << 53

// event places what an alert of another server found. Nobody is told of it.
func (p Place) event(d *decide.Decider, key string, e *sgpb.AlertEvent) error {
	before, err := d.Load(key)
	if err != nil {
		return err
	}
	if before != nil {
		// Who was told since is no change of what was found: what is here stays.
		was, is := proto.CloneOf(before), proto.CloneOf(p.Doc)
		was.GetAlertEvent().Deliveries, is.GetAlertEvent().Deliveries = nil, nil
		p.Doc = is
		return p.compare(d, key, was, nil)
	}
	if e.GetRuleRevision() > revisionMax {
		return invalid("Invalid document: the revision %d of the event's alert is above %d", e.GetRuleRevision(), uint64(revisionMax))
	}
	rules, err := d.Load(document.AlertRules)
	if err != nil {
		return err
	}
	if all := rules.GetAlertRules(); all.GetRevisions() < e.GetRuleRevision() {
		// An alert that is enabled gets a later revision then, so that nothing that it finds here has the id of what it found there.
		place(d, document.AlertRules, &sgpb.Document{Body: &sgpb.Document_AlertRules{AlertRules: &sgpb.AlertRules{Rules: all.GetRules(), Revisions: e.GetRuleRevision()}}})
	}
	return p.put(d, key, document.Portable(p.Doc, nil))
}
