package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/registry/journal"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/feed"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// tokensMax keeps the list readable and the keyring small.
	tokensMax = 1000
	// usedAge is how much older than the last use a document may be.
	usedAge = time.Hour
	// usedPeriod is how often that is looked at.
	usedPeriod = time.Minute
	// tries of a write that others were faster with.
	triesMax = 5
)

// Vault is the tokens of a house. Its methods may be called at once by many.
type Vault struct {
	journal journal.Journal
	keys    *access.Keyring
	log     *slog.Logger
	changed func()
	// writing makes looking for a free name and taking it one step.
	writing sync.Mutex
}

var _ feed.Observer = (*Vault)(nil)

// Open loads all tokens into the keyring. changed is called after each change, from any goroutine.
func Open(ctx context.Context, j journal.Journal, keys *access.Keyring, log *slog.Logger, changed func()) (*Vault, error) {
	v := &Vault{journal: j, keys: keys, log: log, changed: changed}
	ids, err := j.List(ctx, document.TokenPrefix)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	for _, key := range ids {
		if err := v.load(ctx, key); err != nil {
			return nil, err
		}
	}
	changed()
	return v, nil
}

func (v *Vault) load(ctx context.Context, key string) error {
	b, revision, err := v.journal.Load(ctx, key)
	if err != nil {
		return fmt.Errorf("load token: %w", err)
	}
	doc := new(sgpb.Document)
	if err := proto.Unmarshal(b, doc); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	v.take(key, doc.GetToken(), revision)
	return nil
}

// take takes in a token that lies under its own key, and says whether it did.
func (v *Vault) take(key string, t *sgpb.Token, revision uint64) bool {
	if t == nil || key != document.TokenKey(t.GetId()) {
		return false
	}
	v.keys.Put(tokenOf(t), revision)
	return true
}

// ObserveDocuments takes in tokens that other processes made or revoked.
func (v *Vault) ObserveDocuments(docs []feed.Document) {
	changed := false
	for _, d := range docs {
		changed = v.take(d.Key, d.Doc.GetToken(), d.Revision) || changed
	}
	if changed {
		v.changed()
	}
}

// ObserveSections and DocumentsApplied are of no interest here.
func (v *Vault) ObserveSections([]*feed.Section) {}

// DocumentsApplied is not needed: nothing here reads ClickHouse.
func (v *Vault) DocumentsApplied(uint64) {}

// Wish is a token that somebody wants.
type Wish struct {
	Name string
	Role access.Role
	// Experiments are names or ids; none: all.
	Experiments []string
	// ExpiresMS is 0 for a token that lasts.
	ExpiresMS int64
}

// Create makes a token and answers it, this once.
func (v *Vault) Create(ctx context.Context, w Wish, by string, now time.Time) (string, access.Token, error) {
	if w.Role == access.Admin && len(w.Experiments) > 0 {
		return "", access.Token{}, track.Errorf(track.InvalidParameterValue, "A token of role admin cannot be confined to experiments, for it may make tokens that are not; leave them out, or choose another role")
	}
	scope, err := v.scope(ctx, w.Experiments)
	if err != nil {
		return "", access.Token{}, err
	}
	v.writing.Lock()
	defer v.writing.Unlock()
	id, secret := access.Draw()
	for _, _, taken := v.keys.Get(id); taken; _, _, taken = v.keys.Get(id) {
		id, secret = access.Draw()
	}
	if w.Name == "" {
		w.Name = id
	}
	if err := v.checkName(w.Name); err != nil {
		return "", access.Token{}, err
	}
	if w.ExpiresMS > 0 && w.ExpiresMS <= now.UnixMilli() {
		return "", access.Token{}, track.Errorf(track.InvalidParameterValue, "'expires_ms' lies in the past")
	}
	hash := access.Hash(secret)
	t := &sgpb.Token{
		Id: id, Name: w.Name, Role: sgpb.TokenRole(w.Role), ExperimentIds: scope.IDs, ExperimentNames: scope.Names,
		Sha256: hash[:], CreatedMs: now.UnixMilli(), CreatedBy: by, ExpiresMs: w.ExpiresMS, Changes: 1,
	}
	change := &sgpb.Change{What: "created", To: w.Role.String(), By: by, TimeMs: now.UnixMilli()}
	if err := v.write(ctx, t, 0, change); err != nil {
		return "", access.Token{}, fmt.Errorf("store the token: %w", err)
	}
	return secret, tokenOf(t), nil
}

// nameBytesMax fits a column of a terminal.
const nameBytesMax = 100

func (v *Vault) checkName(name string) error {
	if len(name) > nameBytesMax || !printable(name) || name == access.OwnerID {
		return track.Errorf(track.InvalidParameterValue, "Invalid value %q for parameter 'name': up to %d bytes of printable text, and not '%s'", name, nameBytesMax, access.OwnerID)
	}
	all := v.keys.List()
	if len(all) >= tokensMax {
		return track.Errorf(track.InvalidParameterValue, "There are %d tokens already; revoke some with `streamgauge token revoke`", len(all))
	}
	for _, t := range all {
		if t.Name == name {
			return track.Errorf(track.ResourceAlreadyExists, "There is a token '%s' already, with id %s; choose another name, or revoke that one with `streamgauge token revoke %s`", name, t.ID, t.ID)
		}
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return false
		}
	}
	return true
}

// Revoke ends a token, by its id or its name.
func (v *Vault) Revoke(ctx context.Context, which, by string, now time.Time) (access.Token, error) {
	v.writing.Lock()
	defer v.writing.Unlock()
	for _, t := range v.keys.List() {
		if t.ID != which && t.Name != which {
			continue
		}
		err := v.edit(ctx, t.ID, func(doc *sgpb.Token) *sgpb.Change {
			doc.RevokedMs = now.UnixMilli()
			doc.Changes++
			return &sgpb.Change{What: "revoked", By: by, TimeMs: now.UnixMilli()}
		})
		return t, err
	}
	return access.Token{}, track.Errorf(track.ResourceDoesNotExist, "There is no token with id or name '%s'; `streamgauge token list` shows them", which)
}

// List answers the tokens that are not revoked.
func (v *Vault) List() []access.Token { return v.keys.List() }

// Empty says whether no token is left, so that none is asked for.
func (v *Vault) Empty() bool { return v.keys.Empty() }

// Run writes uses down until ctx ends.
func (v *Vault) Run(ctx context.Context) {
	tick := time.NewTicker(usedPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			v.NoteUses(ctx, usedAge)
		}
	}
}

// NoteUses writes down when tokens were used, of those whose documents are older than age.
func (v *Vault) NoteUses(ctx context.Context, age time.Duration) {
	for _, t := range v.keys.Stale(age.Milliseconds()) {
		v.writing.Lock()
		err := v.edit(ctx, t.ID, func(doc *sgpb.Token) *sgpb.Change {
			doc.UsedMs = max(doc.GetUsedMs(), t.UsedMS)
			return nil
		})
		v.writing.Unlock()
		if err != nil && ctx.Err() == nil {
			v.log.Warn("note the use of a token", "token", t.Name, "error", err)
		}
	}
}

// edit changes a token's document as it is in the journal.
func (v *Vault) edit(ctx context.Context, id string, change func(*sgpb.Token) *sgpb.Change) error {
	var err error
	for range triesMax {
		var b []byte
		var revision uint64
		if b, revision, err = v.journal.Load(ctx, document.TokenKey(id)); err != nil {
			return fmt.Errorf("load token: %w", err)
		}
		doc := new(sgpb.Document)
		if err = proto.Unmarshal(b, doc); err != nil {
			return fmt.Errorf("decode token %s: %w", id, err)
		}
		t := doc.GetToken()
		if t == nil || t.GetRevokedMs() > 0 {
			v.take(document.TokenKey(id), t, revision)
			return nil
		}
		if err = v.write(ctx, t, revision, change(t)); !errors.Is(err, journal.ErrConflict) {
			return err
		}
	}
	return err
}

// write stores a token, with what its history remembers, and takes it in.
func (v *Vault) write(ctx context.Context, t *sgpb.Token, expected uint64, change *sgpb.Change) error {
	key := document.TokenKey(t.GetId())
	b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Token{Token: t}})
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	writes := []journal.Write{{Key: key, Value: b, Expected: expected}}
	if change != nil {
		change.Document, change.Number = key, t.GetChanges()
		b, err := proto.Marshal(&sgpb.Document{Body: &sgpb.Document_Change{Change: change}})
		if err != nil {
			return fmt.Errorf("encode change: %w", err)
		}
		writes = append(writes, journal.Write{Key: document.HistoryKey(key, change.GetNumber()), Value: b})
	}
	revisions, err := v.journal.Append(ctx, writes)
	if err != nil {
		return err
	}
	v.take(key, t, revisions[0])
	v.changed()
	return nil
}

func tokenOf(t *sgpb.Token) access.Token {
	out := access.Token{
		ID: t.GetId(), Name: t.GetName(), Role: access.Role(t.GetRole()),
		Scope:     access.Scope{IDs: t.GetExperimentIds(), Names: t.GetExperimentNames()},
		CreatedMS: t.GetCreatedMs(), CreatedBy: t.GetCreatedBy(), ExpiresMS: t.GetExpiresMs(), RevokedMS: t.GetRevokedMs(), UsedMS: t.GetUsedMs(),
	}
	copy(out.Hash[:], t.GetSha256())
	return out
}
