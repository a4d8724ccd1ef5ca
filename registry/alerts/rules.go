// Package alerts keeps rules of alerts, all in one document, and the newest events of them, each in a document.
//
//	create, change, delete -> Decide (pure) -> the document of rules
//	what judging finds     -> Book.Record   -> a document for each event that is not known yet -> who is told (package send)
package alerts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// Maxima of rules, as in consumers/alerts, which judges by them.
const (
	// RulesMax bounds all rules, enabled or not; PatternsMax those that are enabled and whose metric is a pattern.
	RulesMax    = 1_000
	PatternsMax = 100
)

// Create adds a rule under an id that was drawn. Seal encrypts secrets.
type Create struct {
	ID   string
	Rule alert.Rule
	Seal func(string) []byte
}

// Change sets the fields that a JSON object has.
type Change struct {
	ID    string
	Patch []byte
	Seal  func(string) []byte
}

// Delete takes a rule away. Its events stay.
type Delete struct{ ID string }

// NoRule is the answer to an unknown id.
func NoRule(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Alert %s not found; GET /v1/alerts lists them", decide.PythonText(decide.Truncate(id, 64)))
}

// Find looks for a rule among all.
func Find(all []*sgpb.AlertRule, id string) *sgpb.AlertRule {
	i := slices.IndexFunc(all, func(r *sgpb.AlertRule) bool { return r.GetId() == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

// RuleOf reads a rule, without the secrets.
func RuleOf(stored *sgpb.AlertRule) (*alert.Rule, error) {
	r := new(alert.Rule)
	if err := json.Unmarshal(stored.GetRule(), r); err != nil {
		return nil, fmt.Errorf("decode alert %s: %w", stored.GetId(), err)
	}
	r.ID, r.Revision = stored.GetId(), stored.GetRevision()
	r.CreatedMS, r.UpdatedMS, r.CreatedBy = stored.GetCreatedMs(), stored.GetUpdatedMs(), stored.GetCreatedBy()
	for i := range r.Channels {
		r.Channels[i].HasSecret = len(Secret(stored, i)) > 0
		if r.Channels[i].ID == "" { // of a rule that is older than ids
			r.Channels[i].ID = strconv.Itoa(i)
		}
	}
	return r, nil
}

// Usable is RuleOf, and an error also for what no rule may be: it would be judged wrongly, or not at all.
func Usable(stored *sgpb.AlertRule) (*alert.Rule, error) {
	r, err := RuleOf(stored)
	if err == nil {
		err = r.Check()
	}
	return r, err
}

// Shown is a rule for people, also if it cannot be read: it must be seen to be deleted.
func Shown(stored *sgpb.AlertRule) *alert.Rule {
	r, err := RuleOf(stored)
	if err == nil {
		return r
	}
	return &alert.Rule{
		ID: stored.GetId(), Revision: stored.GetRevision(), Name: "(cannot be read: delete it, and make it anew)", Channels: []alert.Channel{},
		CreatedMS: stored.GetCreatedMs(), UpdatedMS: stored.GetUpdatedMs(), CreatedBy: stored.GetCreatedBy(),
	}
}

// ChannelAt is where a delivery's channel stands among a rule's, -1 if it does not any more.
func ChannelAt(r *alert.Rule, id string) int {
	return slices.IndexFunc(r.Channels, func(c alert.Channel) bool { return c.ID == id })
}

// Secret is the sealed secret of a channel, nil if it has none.
func Secret(stored *sgpb.AlertRule, channel int) []byte {
	if all := stored.GetSecrets(); channel >= 0 && channel < len(all) {
		return all[channel]
	}
	return nil
}

// set reads all rules and makes them the answer.
func set(d *decide.Decider) (*sgpb.AlertRules, error) {
	doc, err := d.Load(document.AlertRules)
	if err != nil {
		return nil, err
	}
	d.Answer(document.AlertRules)
	if doc == nil {
		return new(sgpb.AlertRules), nil
	}
	return doc.GetAlertRules(), nil
}

// among reads all rules and finds one.
func among(d *decide.Decider, id string) (all *sgpb.AlertRules, rule *sgpb.AlertRule, err error) {
	if all, err = set(d); err != nil {
		return nil, nil, err
	}
	if rule = Find(all.GetRules(), id); rule == nil {
		return nil, nil, NoRule(id)
	}
	return all, rule, nil
}

func store(d *decide.Decider, all *sgpb.AlertRules) {
	d.Change(document.AlertRules, nil, func(doc *sgpb.Document) { doc.Body = &sgpb.Document_AlertRules{AlertRules: all} })
}

// Decide adds the rule last.
func (c Create) Decide(d *decide.Decider) error {
	all, err := set(d)
	if err != nil {
		return err
	}
	if len(all.GetRules()) >= RulesMax {
		return track.Errorf(track.InvalidParameterValue, "There are %d alerts, which is as many as are kept; delete one first", RulesMax)
	}
	g := d.Given()
	next := &sgpb.AlertRule{Id: c.ID, CreatedMs: g.NowMS, CreatedBy: g.By}
	return placed{rules: append(slices.Clone(all.GetRules()), next), next: next}.put(d, all.GetRevisions()+1, c.Rule, c.Seal)
}

// placed is a rule among all, in the place of the old one if there was.
type placed struct {
	rules     []*sgpb.AlertRule
	next, old *sgpb.AlertRule
}

// put checks a rule and stores all of them with it.
func (p placed) put(d *decide.Decider, revision uint64, r alert.Rule, seal func(string) []byte) error {
	next, old := p.next, p.old
	if err := r.Check(); err != nil {
		return err
	}
	var before alert.Rule
	if old != nil {
		was, err := RuleOf(old)
		if err != nil {
			return err
		}
		before = *was
	}
	next.Secrets, r.Channels = nil, slices.Clone(r.Channels) // a command may be decided twice
	name(r.Channels, before.Channels, d.Given().ID)
	for i := range r.Channels {
		c := &r.Channels[i]
		next.Secrets = append(next.Secrets, secretOf(c, before.Channels, old, seal))
		c.Secret, c.HasSecret = "", false
	}
	r.ID, r.Revision, r.CreatedMS, r.UpdatedMS, r.CreatedBy = "", 0, 0, 0, ""
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode alert: %w", err)
	}
	next.Rule, next.Revision, next.UpdatedMs = text, revision, d.Given().NowMS
	if err := checkPatterns(p.rules); err != nil {
		return err
	}
	store(d, &sgpb.AlertRules{Rules: p.rules, Revisions: revision})
	return nil
}

// name gives channels their ids: those that they had, which they say or which the one with the same address has, and to the others
// new ones that begin with drawn.
func name(channels, before []alert.Channel, drawn string) {
	left := slices.Clone(before)
	take := func(is func(alert.Channel) bool) string {
		i := slices.IndexFunc(left, is)
		if i < 0 {
			return ""
		}
		id := left[i].ID
		left = slices.Delete(left, i, i+1)
		return id
	}
	for i := range channels {
		c := &channels[i]
		c.ID = take(func(b alert.Channel) bool { return b.ID == c.ID && b.Type == c.Type })
	}
	for i := range channels {
		c := &channels[i]
		if c.ID == "" {
			c.ID = take(func(b alert.Channel) bool { return b.Type == c.Type && b.URL == c.URL && slices.Equal(b.To, c.To) })
		}
		c.ID = cmp.Or(c.ID, fmt.Sprintf("%.16s-%d", drawn, i))
	}
}

// secretOf is a channel's new secret, or that of the channel with the same address before, its own if there are several.
func secretOf(c *alert.Channel, before []alert.Channel, old *sgpb.AlertRule, seal func(string) []byte) []byte {
	if c.Secret != "" {
		return seal(c.Secret)
	}
	same := func(b alert.Channel) bool { return b.Type == c.Type && b.URL == c.URL }
	i := slices.IndexFunc(before, func(b alert.Channel) bool { return b.ID == c.ID && same(b) })
	if i < 0 {
		i = slices.IndexFunc(before, same)
	}
	return Secret(old, i)
}

func checkPatterns(rules []*sgpb.AlertRule) error {
	n := 0
	for _, stored := range rules {
		r, err := RuleOf(stored)
		if err != nil {
			continue // it is not judged
		}
		if r.Enabled && r.Kind != alert.State && r.Kind != alert.NoHeartbeat && alert.IsPattern(r.Metric) {
			n++
		}
	}
	if n > PatternsMax {
		return track.Errorf(track.InvalidParameterValue, "metric: %d enabled alerts have a pattern, at most %d may; name the metric, or disable others", n, PatternsMax)
	}
	return nil
}

// Decide changes the rule in its place.
func (c Change) Decide(d *decide.Decider) error {
	all, old, err := among(d, c.ID)
	if err != nil {
		return err
	}
	r, err := RuleOf(old)
	if err != nil {
		return err
	}
	if err := patch(r, c.Patch); err != nil {
		return err
	}
	next := proto.Clone(old).(*sgpb.AlertRule)
	rules := slices.Clone(all.GetRules())
	rules[slices.Index(rules, old)] = next
	return placed{rules: rules, next: next, old: old}.put(d, all.GetRevisions()+1, *r, c.Seal)
}

// patch replaces the fields that are there; the settings of a kind go with the kind.
func patch(r *alert.Rule, text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return track.Errorf(track.InvalidParameterValue, "the body is no JSON object: %v", err)
	}
	for name, empty := range map[string]func(){
		"kind":           func() { r.Threshold, r.Plateau, r.NoHeartbeat, r.State = nil, nil, nil, nil },
		"threshold":      func() { r.Threshold = nil },
		"plateau":        func() { r.Plateau = nil },
		"no_heartbeat":   func() { r.NoHeartbeat = nil },
		"state":          func() { r.State = nil },
		"channels":       func() { r.Channels = nil },
		"experiment_ids": func() { r.ExperimentIDs = nil },
	} {
		if _, there := fields[name]; there {
			empty()
		}
	}
	return Parse(text, r)
}

// Decide takes the rule out.
func (c Delete) Decide(d *decide.Decider) error {
	all, old, err := among(d, c.ID)
	if err != nil {
		return err
	}
	rules := slices.DeleteFunc(slices.Clone(all.GetRules()), func(r *sgpb.AlertRule) bool { return r == old })
	store(d, &sgpb.AlertRules{Rules: rules, Revisions: all.GetRevisions()})
	return nil
}
